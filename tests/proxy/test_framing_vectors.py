"""Response heads as browsers were seen to misread them, sent through the gate on real sockets: whatever the framing, no
browser finds a cookie in what leaves.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.middleware.asgi import ConsentMiddleware
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.proxy import ReverseProxy
from tests.proxy.conftest import Gate
from tests.proxy.origin import Origin

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "browser_probe_cases.json").read_text())["cases"]
FRAMING = [case for case in CASES if case["raw_response"] is not None]
REFUSE_ALL = load_policy_tables({"cookie": [{"name": "sessionid", "category": "necessary"}]}, {})

# Nothing in these heads can be read in two ways; the response goes on, without its cookie.
TRUSTWORTHY_STATUS = (200, 204, 205, 302, 304, 401, 404, 500, 999)


@pytest.mark.parametrize("case", FRAMING, ids=lambda case: case["id"])
def test_no_framing_carries_a_cookie_past_the_gate(
    case: dict[str, str],
    origins: Callable[..., Origin],
    gates: Callable[..., Gate],
) -> None:
    origin = origins(case["raw_response"].encode("latin-1"))
    gate = gates(ConsentMiddleware(ReverseProxy(origin.url), REFUSE_ALL))
    with gate.visit() as visitor:
        visitor.send(b"GET / HTTP/1.1\r\nHost: home.example.org\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: visitor.sock.recv(65536), b""))
    head = answer.partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 "), answer
    # Whatever a reader takes for the end of a line and for a name: the only cookie that leaves is one that deletes.
    lines = re.split(rb"[\r\n\x00\x0b\x0c]+", head)
    fields = [line.partition(b":") for line in lines if line.strip().lower().startswith(b"set-cookie")]
    assert all(value.strip().startswith(b"f=; Max-Age=0; Expires=Thu, 01 Jan 1970") for _, _, value in fields), fields
    status = int(head[9:12])
    assert status == 502 or status in TRUSTWORTHY_STATUS
