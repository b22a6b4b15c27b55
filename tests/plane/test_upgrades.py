"""Another protocol on the same connection: a judged 101 and a tunnel, or an ordinary response (RFC 9110 7.8)."""

import socket
import threading

import pytest

from tests.plane.stage import OK, Heard, once, serving
from tests.plane.strict import request_head
from tests.plane.visits import Wire, get, request

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = get(b"/socket", b"Connection: Upgrade", b"Upgrade: websocket", KEY, b"Sec-WebSocket-Version: 13")
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ACCEPT + b"\r\n\r\n"
EVERY_OCTET = bytes(range(256))


def echo(line: Heard) -> None:
    """Accepts, and sends back whatever comes until the gate ends its side."""
    line.request()
    line.send(SWITCHING)
    while data := line.got or line.sock.recv(65536):
        line.got = b""
        line.send(data)


def test_an_accepted_upgrade_is_a_tunnel_for_every_octet_both_ways(wire: Wire) -> None:
    wire.play(echo)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    reply = visitor.reply()
    assert reply.start == b"HTTP/1.1 101 Switching Protocols"
    assert reply.has_token(b"connection", b"upgrade")
    assert reply.values(b"upgrade") == [b"websocket"]
    assert reply.values(b"sec-websocket-accept") == [ACCEPT[22:]]
    for _ in range(20):
        visitor.send(EVERY_OCTET)
        assert visitor.exactly(256) == EVERY_OCTET


def test_the_handshake_reaches_the_upstream_whole(wire: Wire) -> None:
    wire.play(echo)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status == 101
    arrived = wire.stage.request
    assert arrived.has_token(b"connection", b"upgrade")
    assert arrived.values(b"upgrade") == [b"websocket"]
    assert KEY in arrived.lines


@pytest.mark.parametrize("value", [b"upgrade", b"keep-alive, Upgrade", b"UPGRADE"])
def test_the_word_upgrade_is_read_in_every_spelling(wire: Wire, value: bytes) -> None:
    wire.play(echo)
    visitor = wire.visit()
    visitor.send(HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: " + value))
    assert visitor.reply().status == 101
    visitor.send(b"hello")
    assert visitor.exactly(5) == b"hello"


def test_what_the_upstream_says_in_one_packet_with_its_101_arrives(wire: Wire) -> None:
    wire.play(once(SWITCHING + EVERY_OCTET, then=Heard.to_end))
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status == 101
    assert visitor.exactly(256) == EVERY_OCTET


def test_what_a_visitor_says_early_waits_for_the_101(wire: Wire) -> None:
    """Otherwise it would reach an upstream that refuses, as a request that nobody judged."""

    def script(line: Heard) -> None:
        line.request()
        line.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.sock.recv(1)
        line.sock.settimeout(5)
        line.send(SWITCHING)
        assert line.exactly(5) == b"early"
        line.send(b"late")
        line.to_end()

    wire.play(script)
    visitor = wire.visit()
    visitor.send(HANDSHAKE + b"early")
    assert visitor.reply().status == 101
    assert visitor.exactly(4) == b"late"


@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden", b"426 Upgrade Required", b"500 Oh"])
def test_a_refused_upgrade_is_an_ordinary_response_and_the_connection_goes_on(wire: Wire, status: bytes) -> None:
    wire.play(serving(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nnope", OK), OK)
    visitor = wire.visit()
    reply = visitor.ask(HANDSHAKE)
    assert (reply.status, reply.body) == (int(status[:3]), b"nope")
    assert visitor.ask(get(b"/next")).body == b"ok"


def test_what_was_said_early_to_an_upstream_that_refuses_is_judged_as_a_request(wire: Wire) -> None:
    wire.play(serving(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", OK), OK)
    visitor = wire.visit()
    visitor.send(HANDSHAKE + get(b"/early", b"Cookie: _ga=1", b"X-Forwarded-For: 6.6.6.6"))
    assert visitor.reply().status == 403
    visitor.half_close()
    visitor.read_to_end()
    for one in wire.stage.requests[1:]:
        assert one.target == b"/early"
        assert b"6.6.6.6" not in b"".join(one.lines)


def test_early_octets_that_are_no_request_are_refused_when_the_upgrade_is(wire: Wire) -> None:
    wire.play(serving(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", OK), OK)
    visitor = wire.visit()
    visitor.send(HANDSHAKE + b"\x81\x85\x00\x00\x00\x00hello")
    assert visitor.reply().status == 403
    visitor.half_close()
    assert visitor.read_to_end()[:12] in (b"", b"HTTP/1.1 400")
    assert wire.stage.targets == [b"/socket"]


@pytest.mark.consent
def test_a_set_cookie_in_the_101_is_judged(wire: Wire) -> None:
    cookies = b"Set-Cookie: _ga=1\r\nSet-Cookie: sessionid=2; Path=/\r\nSet-Cookie2: lang=1\r\n"
    wire.play(once(SWITCHING[:-2] + cookies + b"\r\n", then=Heard.to_end))
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    reply = visitor.reply()
    assert reply.status == 101
    assert reply.values(b"set-cookie") == [b"sessionid=2; Path=/"]
    assert b"set-cookie2" not in reply.names


@pytest.mark.consent
def test_cookies_of_the_handshake_are_judged(wire: Wire) -> None:
    wire.play(echo)
    visitor = wire.visit()
    visitor.send(HANDSHAKE.replace(KEY, KEY + b"\r\nCookie: _ga=1; lang=2"))
    assert visitor.reply().status == 101
    assert wire.stage.request.values(b"cookie") == [b"lang=2"]


@pytest.mark.parametrize(
    "lines",
    [
        [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
        [b"Connection: Upgrade", b"Upgrade: H2C"],
        [b"Connection: Upgrade", b"Upgrade: websocket, h2c"],
        [b"Connection: Upgrade", b"Upgrade: h2c", b"Upgrade: websocket"],
    ],
    ids=["settings", "capitals", "list", "two_lines"],
)
def test_an_upgrade_to_http_2_is_not_passed_on(wire: Wire, lines: list[bytes]) -> None:
    """Whoever speaks it to the upstream through a tunnel has passed no judge."""
    wire.passes(get(b"/", *lines))
    assert not [line for line in wire.stage.request.lines if b"h2c" in line.lower() or b"http2" in line.lower()]


def test_an_upgrade_that_connection_does_not_name_is_none(wire: Wire) -> None:
    wire.passes(get(b"/socket", b"Upgrade: websocket", KEY))
    assert b"upgrade" not in wire.stage.request.names


def test_an_upgrade_asked_for_in_1_0_is_none(wire: Wire) -> None:
    octets = HANDSHAKE.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n")
    assert wire.ask(octets).body == b"ok"
    assert b"upgrade" not in wire.stage.request.names


def test_a_switch_that_nobody_asked_for_is_502(wire: Wire) -> None:
    wire.play(once(SWITCHING), OK)
    assert wire.ask(get()).status == 502
    wire.still_serves()


def test_a_switch_to_another_protocol_than_was_asked_for_makes_no_http_of_what_follows(wire: Wire) -> None:
    """RFC 9110 section 7.8 forbids it to the upstream. A tunnel or 502: either is sound, and nothing between."""
    wire.play(once(SWITCHING.replace(b"websocket", b"other") + OK, then=Heard.to_end), OK)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status in (101, 502)
    wire.still_serves()


def test_an_upgrade_with_a_body_sends_the_body_first(wire: Wire) -> None:
    lines = [b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 5"]
    wire.play(OK)
    reply = wire.ask(request(b"/socket", *lines, method=b"POST", body=b"hello"))
    assert reply.status in (200, 400)
    if reply.status == 200:
        assert wire.stage.request.body == b"hello"


def test_interim_responses_before_the_101_are_passed_on(wire: Wire) -> None:
    wire.play(once(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SWITCHING, then=Heard.to_end))
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    reply = visitor.reply()
    assert ([one.start[9:12] for one in reply.interim], reply.status) == ([b"103"], 101)


# --- how a tunnel ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_a_visitor_who_leaves_ends_the_upstreams_side(wire: Wire, reset: bool) -> None:
    def script(line: Heard) -> None:
        echo(line)
        line.stage.go_on.set()

    def told(line: Heard) -> None:
        try:
            script(line)
        finally:
            line.stage.go_on.set()

    wire.play(told, OK)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status == 101
    visitor.leave(reset=reset)
    assert wire.stage.go_on.wait(5)
    wire.still_serves()


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_an_upstream_that_leaves_ends_the_visitors_side(wire: Wire, reset: bool) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(SWITCHING + b"bye")
        assert line.stage.go_on.wait(5)
        if reset:
            line.reset()

    wire.play(script, OK)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status == 101
    assert visitor.exactly(3) == b"bye"
    wire.stage.go_on.set()
    assert visitor.is_ended
    wire.still_serves()


def test_what_was_said_before_the_end_arrives_before_it(wire: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(SWITCHING)
        line.send(EVERY_OCTET * 4000)

    wire.play(script)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status == 101
    assert visitor.read_to_end() == EVERY_OCTET * 4000


def test_one_side_may_end_while_the_other_goes_on(wire: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(SWITCHING)
        assert line.to_end() == b"all of it"
        line.send(b"and the answer")

    wire.play(script)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status == 101
    visitor.send(b"all of it")
    visitor.half_close()
    assert visitor.read_to_end() == b"and the answer"
    wire.stage.wait_ended()


def test_a_connection_that_was_a_tunnel_is_not_used_again(wire: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(SWITCHING)
        assert line.to_end() == b""

    wire.play(script, OK)
    visitor = wire.visit()
    visitor.send(HANDSHAKE)
    assert visitor.reply().status == 101
    visitor.leave()
    for _ in range(3):
        wire.still_serves()
    assert wire.stage.targets.count(b"/socket") == 1


@pytest.mark.parametrize("protocol", [b"websocket", b"custom/1.0"])
def test_four_megabytes_each_way_at_once_arrive_exactly(wire: Wire, protocol: bytes) -> None:
    down, up = EVERY_OCTET * 16384, EVERY_OCTET[::-1] * 16384

    def script(line: Heard) -> None:
        request_head(line.read_head())
        line.send(SWITCHING.replace(b"websocket", protocol))
        sender = threading.Thread(target=line.send, args=(down,))
        sender.start()
        assert line.exactly(len(up)) == up
        sender.join(10)
        line.sock.shutdown(socket.SHUT_WR)
        line.to_end()

    wire.play(script)
    visitor = wire.visit()
    visitor.send(HANDSHAKE.replace(b"websocket", protocol))
    assert visitor.reply().status == 101
    sender = threading.Thread(target=visitor.send, args=(up,))
    sender.start()
    assert visitor.exactly(len(down)) == down
    sender.join(10)
    visitor.half_close()
    assert visitor.read_to_end() == b""
    wire.stage.wait_ended()
