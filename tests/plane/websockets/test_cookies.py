"""A handshake is an exchange like any other: the cookies in its request and in its 101 are judged."""

import json

from websockets.sync.client import ClientConnection

from tests.cli.running import PATIENCE
from tests.plane.websockets.site import COOKIES, Place

GRANTED = "cookies_preferences=analytics:1"


def names_set(line: ClientConnection) -> list[str]:
    """What the 101 sets with a value; a deletion is none."""
    assert line.response is not None
    assert line.response.status_code == 101
    fields = line.response.headers.get_all("Set-Cookie")
    return [field.partition("=")[0] for field in fields if "Max-Age=0" not in field]


def arrived(line: ClientConnection) -> dict[str, str]:
    """The handshake's fields as the upstream got them, names in lower case."""
    return {name.lower(): value for name, value in json.loads(line.recv(PATIENCE))}


def test_of_the_cookies_in_a_101_an_undecided_visitor_gets_the_necessary_one(gate: Place) -> None:
    with gate.connect("/cookies") as line:
        assert names_set(line) == ["sessionid"]
        assert line.response is not None
        assert COOKIES[0] in line.response.headers.get_all("Set-Cookie")
        line.send("and the tunnel stands")
        assert line.recv(PATIENCE) == "and the tunnel stands"


def test_what_a_101_could_not_set_is_in_the_log(gate: Place) -> None:
    with gate.connect("/cookies?secret=1"):
        pass
    for name, reason in (("_ga", "undecided"), ("stranger", "unlisted")):
        event = gate.gatekeeper.event(event="cookie.blocked", cookie=name, path="/cookies", status=101)
        assert (event["reason"], event["direction"], event["method"]) == (reason, "response", "GET")


def test_a_visitor_who_agreed_gets_what_was_agreed_to(gate: Place) -> None:
    with gate.connect("/cookies", additional_headers={"Cookie": GRANTED}) as line:
        assert names_set(line) == ["sessionid", "_ga"]


def test_refused_cookies_are_taken_out_of_the_handshake(gate: Place) -> None:
    cookie = "sessionid=1; _ga=2; stranger=3"
    with gate.connect("/head", additional_headers={"Cookie": cookie}) as line:
        assert arrived(line)["cookie"] == "sessionid=1"
    for name in ("_ga", "stranger"):
        gate.gatekeeper.event(event="cookie.stripped", cookie=name, path="/head", direction="request")


def test_a_handshake_with_no_allowed_cookie_has_no_cookie_field(gate: Place) -> None:
    with gate.connect("/head", additional_headers={"Cookie": "_ga=2"}) as line:
        assert "cookie" not in arrived(line)


def test_granted_cookies_stay_in_the_handshake(gate: Place) -> None:
    cookie = f"sessionid=1; _ga=2; {GRANTED}"
    with gate.connect("/head", additional_headers={"Cookie": cookie}) as line:
        assert arrived(line)["cookie"] == cookie


def test_the_upstream_sees_the_visitor_s_handshake_and_who_forwarded_it(gate: Place) -> None:
    with gate.connect("/head", origin="https://shop.example", user_agent_header="a browser") as line:
        fields = arrived(line)
        assert line.request is not None
        key = line.request.headers["Sec-WebSocket-Key"]
    assert fields["upgrade"].lower() == "websocket"
    assert "upgrade" in fields["connection"].lower()
    assert fields["sec-websocket-key"] == key
    assert fields["sec-websocket-version"] == "13"
    assert (fields["origin"], fields["user-agent"]) == ("https://shop.example", "a browser")
    assert fields["x-forwarded-for"] == "127.0.0.1"
