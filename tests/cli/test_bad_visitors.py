"""Consent cookies that no banner writes, through a running gate: none of them grants anything, or breaks anything."""

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.running import PATIENCE, Gatekeeper, Origin, until

COOKIE = b"cookies_preferences="
GRANTS = b"analytics:1"
SITE = """
[[cookie]]
name = "sessionid"
category = "necessary"
[[cookie]]
name = "tracker"
category = "analytics"
[log]
repeat = "0s"
"""


def read_all(connection: socket.socket) -> bytes:
    """What comes until the connection is closed, or reset."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while octets := connection.recv(65536):
            answer += octets
    return answer


class Gate:
    """One gate for all of them: each visitor comes after those before."""

    def __init__(self, gatekeeper: Gatekeeper, origin: Origin) -> None:
        self.gatekeeper = gatekeeper
        self.origin = origin

    def visit(self, *cookies: bytes) -> tuple[int, set[str]]:
        """Status and names of the cookies set, for these Cookie fields."""
        fields = b"".join(b"Cookie: %s\r\n" % cookie for cookie in cookies)
        parts = urlsplit(self.gatekeeper.address)
        with socket.create_connection((parts.hostname, parts.port), PATIENCE) as connection:
            with contextlib.suppress(ConnectionError):  # it need not read all of it before it answers
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n" % fields)
            answer = read_all(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head:
            return 0, set()
        status = int(head.split()[1])
        assert status != 200 or body == b"halfhalf"
        return status, set(re.findall(r"(?im)^set-cookie: (\w+)=", head.decode("latin-1")))


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    site = tmp_path_factory.mktemp("bad") / "site.toml"
    site.write_text(SITE)
    origin = Origin()
    gatekeeper = Gatekeeper("--config", str(site), upstream=origin.url)
    try:
        yield Gate(gatekeeper.ready(), origin)
        # None of them brought it down, or made it say more than one line each about what it refused.
        assert gatekeeper.end() == 0
        assert not [line for line in gatekeeper.err if "Traceback" in line or "Error" in line], gatekeeper.err
        assert len(gatekeeper.err) < 40
    finally:
        gatekeeper.close()
        origin.close()


@pytest.fixture(autouse=True)
def honest_visitors_are_served_before_and_after(gate: Gate) -> Iterator[None]:
    assert gate.visit(COOKIE + GRANTS) == (200, {"sessionid", "tracker"})
    yield
    assert gate.visit(COOKIE + GRANTS) == (200, {"sessionid", "tracker"})
    assert gate.visit(COOKIE + b"none") == (200, {"sessionid"})


def nested(depth: int) -> bytes:
    return b"[" * depth + b'"analytics"' + b"]" * depth


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x" * 60_000,
        GRANTS + b"|" + b"x:1|" * 3_000,
        b'{"analytics":true,"x":"' + b"x" * 9_000 + b'"}',
        nested(10_000),
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        nested(20),
        b"%5B" * 10_000 + b"%22analytics%22" + b"%5D" * 10_000,
        b"analytics\xff\xfe:1",
        b"\xc0\xaf\xed\xa0\x80",
        b'{"analytics":true,"\xff":1}',
        b"%FF%FEanalytics",
        b"%",
        b"%25" * 2_000 + b"7B",
        b'{"v":1,"t":' + b"9" * 5_000 + b',"granted":["analytics"]}',
        b'{"v":1,"t":1e999,"rev":1,"granted":["analytics"]}',
        b'{"v":1,"rev":1,"t":99999999999999,"granted":["analytics"]}',
        b'{"granted":["analytics"],"granted":[]}',
        b"null",
        b"NaN",
        b'"',
        b"{",
    ],
    ids=lambda value: f"{value[:24].decode('latin-1')!r} ({len(value)})",
)
def test_what_cannot_be_a_choice_grants_nothing(gate: Gate, value: bytes) -> None:
    status, cookies = gate.visit(COOKIE + value)
    assert (status, cookies) in ((200, {"sessionid"}), (400, set()), (431, set()))


@pytest.mark.parametrize("size", [1_000_000, 64 * 1024, 5_000_000])
def test_a_head_beyond_measure_is_refused_and_not_read_for_ever(gate: Gate, size: int) -> None:
    status, cookies = gate.visit(COOKIE + GRANTS + b"|" + b"x" * size)
    assert status in (400, 431, 0)
    assert cookies == set()


def test_thousands_of_cookies_are_refused_or_judged(gate: Gate) -> None:
    many = b"; ".join(b"c%d=1" % number for number in range(5_000))
    status, cookies = gate.visit(many + b"; " + COOKIE + b"none")
    assert (status, cookies) in ((200, {"sessionid"}), (431, set()))
    status, cookies = gate.visit(*(b"c%d=1" % number for number in range(300)))
    assert (status, cookies - {f"c{number}" for number in range(300)}) in ((200, {"sessionid"}), (431, set()))


@pytest.mark.parametrize(
    "fields",
    [
        (COOKIE + GRANTS + b"; " + COOKIE + b"none",),
        (COOKIE + b"none; " + COOKIE + GRANTS,),
        (COOKIE + GRANTS, COOKIE + b"analytics:0"),
        (COOKIE + b"%7B; " + COOKIE + GRANTS,),
        (COOKIE + GRANTS + b"; " + COOKIE + b"x" * 9_000,),
        (COOKIE + GRANTS + b"; " + COOKIE,),
        (b"; ".join([COOKIE + GRANTS + b"|x:%d" % number for number in range(50)]),),
    ],
    ids=[
        "grants-refuses",
        "refuses-grants",
        "two-fields",
        "broken-grants",
        "grants-oversized",
        "grants-empty",
        "fifty",
    ],
)
def test_of_two_that_differ_the_most_refusing_holds(gate: Gate, fields: tuple[bytes, ...]) -> None:
    seen = len(gate.origin.seen)
    status, cookies = gate.visit(*fields, b"tracker=1; sessionid=2")
    assert (status, cookies) == (200, {"sessionid"})
    until(lambda: len(gate.origin.seen) > seen)
    assert "tracker=1" not in gate.origin.seen[-1]
    assert "sessionid=2" in gate.origin.seen[-1]


def test_of_two_that_agree_what_they_say_holds(gate: Gate) -> None:
    both = COOKIE + GRANTS + b"; " + COOKIE + GRANTS
    assert gate.visit(both) == (200, {"sessionid", "tracker"})


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie : cookies_preferences=all\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\n cookies_preferences=all\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"\r\n" * 10_000,
    ],
    ids=["nul", "space-before-colon", "folded", "two-hosts", "no-host", "tls", "http-9", "empty-lines"],
)
def test_what_is_no_request_is_answered_with_a_refusal_or_with_nothing(gate: Gate, octets: bytes) -> None:
    parts = urlsplit(gate.gatekeeper.address)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
    assert answer[9:12] in (b"", b"400", b"431", b"505"), answer
    assert b"tracker" not in answer


def test_no_value_of_theirs_was_written_anywhere(gate: Gate, tmp_path: Path) -> None:
    written = "\n".join(gate.gatekeeper.out + gate.gatekeeper.err)
    assert "x" * 100 not in written
    assert "[[[" not in written
