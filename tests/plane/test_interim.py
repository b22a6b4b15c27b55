"""Interim responses, and who waits for one: 1xx and Expect (RFC 9110 sections 10.1.1 and 15.2)."""

import socket

import pytest

from tests.plane.stage import OK, Heard, once, serving
from tests.plane.strict import request_head
from tests.plane.visits import Wire, get, request

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>\r\n\r\n"


@pytest.mark.parametrize(
    "interim",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n", HINTS],
    ids=["100", "102", "103"],
)
def test_an_interim_response_is_passed_on(wire: Wire, interim: bytes) -> None:
    wire.play(interim + OK)
    visitor = wire.visit()
    for _ in range(2):
        reply = visitor.ask(get())
        assert [one.start[9:12] for one in reply.interim] == [interim[9:12]]
        assert reply.interim[0].lines == interim.split(b"\r\n")[1:-2]
        assert (reply.status, reply.body) == (200, b"ok")


def test_an_interim_response_is_passed_on_when_it_comes(wire: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(HINTS)
        assert line.stage.go_on.wait(5)
        line.send(OK)

    wire.play(script)
    visitor = wire.visit()
    visitor.send(get())
    assert visitor.until(b"\r\n\r\n") == HINTS
    wire.stage.go_on.set()
    assert visitor.reply().body == b"ok"


def test_several_interim_responses_arrive_in_order(wire: Wire) -> None:
    wire.play(b"HTTP/1.1 102 Processing\r\n\r\n" + HINTS + b"HTTP/1.1 102 Again\r\n\r\n" + HINTS + OK)
    reply = wire.ask(get())
    assert [one.start[9:12] for one in reply.interim] == [b"102", b"103", b"102", b"103"]
    assert reply.body == b"ok"


def test_a_visitor_who_speaks_1_0_gets_no_interim_response(wire: Wire) -> None:
    wire.play(HINTS + OK)
    reply = wire.ask(b"GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n")
    assert reply.interim == []
    assert (reply.status, reply.body) == (200, b"ok")


def test_a_length_in_an_interim_response_announces_no_body(wire: Wire) -> None:
    wire.play(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + OK, OK)
    reply = wire.ask(get())
    assert reply.status in (200, 502)
    if reply.status == 200:
        assert reply.body == b"ok"
        assert reply.interim == [] or b"content-length" not in reply.interim[0].names
    wire.still_serves()


def test_a_101_that_nobody_asked_for_is_502(wire: Wire) -> None:
    wire.play(once(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), OK)
    assert wire.ask(get()).status == 502
    wire.still_serves()


@pytest.mark.consent
def test_a_cookie_in_early_hints_is_judged(wire: Wire) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: _ga=1\r\nLink: </a>\r\nSet-Cookie: sessionid=1\r\n\r\n"
    wire.play(hints + OK)
    reply = wire.ask(get())
    assert reply.interim[0].lines == [b"Link: </a>", b"Set-Cookie: sessionid=1"]
    assert reply.body == b"ok"


# --- Expect: 100-continue --------------------------------------------------------------------------------------------

EXPECT = b"Expect: 100-continue"
WAITING = request(b"/", EXPECT, b"Content-Length: 5", method=b"POST")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def continuing(line: Heard) -> None:
    """Reads the head, waits for the check, says 100, and answers when it has the body."""
    head = request_head(line.read_head())
    assert line.stage.go_on.wait(5)
    line.send(CONTINUE)
    line.rest(head)
    line.send(OK)


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], ids=["sized", "chunked"])
def test_who_expects_100_gets_the_upstreams_before_any_octet_of_the_body_is_sent(wire: Wire, framing: bytes) -> None:
    wire.play(continuing)
    visitor = wire.visit()
    visitor.send(request(b"/", EXPECT, framing, method=b"POST"))
    wire.stage.wait_heads()
    assert b"\r\nexpect: 100-continue\r\n" in wire.stage.heads[0].lower()
    assert visitor.has_nothing_yet()  # the word is the upstream's, not the gate's
    wire.stage.go_on.set()
    assert visitor.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    visitor.send(b"hello" if b"Length" in framing else b"5\r\nhello\r\n0\r\n\r\n")
    reply = visitor.reply()
    assert (reply.status, reply.body, reply.interim) == (200, b"ok", [])
    assert wire.stage.request.body == b"hello"
    wire.play(OK)
    assert visitor.ask(get()).body == b"ok"


def test_who_expects_100_and_does_not_wait_is_served(wire: Wire) -> None:
    wire.play(continuing)
    wire.stage.go_on.set()
    reply = wire.ask(WAITING + b"hello")
    assert (reply.status, reply.body) == (200, b"ok")
    assert wire.stage.request.body == b"hello"


def test_an_upstream_that_answers_without_100_is_heard(wire: Wire) -> None:
    """RFC 9110 section 10.1.1: it may omit the 100 when octets of the body have come."""
    wire.play(OK)
    reply = wire.ask(WAITING + b"hello")
    assert (reply.status, reply.body) == (200, b"ok")


@pytest.mark.parametrize("status", [b"417 Expectation Failed", b"413 Content Too Large", b"401 Unauthorized"])
@pytest.mark.parametrize("closes", [True, False], ids=["closes", "stays"])
def test_an_upstream_that_refuses_gets_no_body(wire: Wire, status: bytes, closes: bool) -> None:
    def refusing(line: Heard) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nnope")
        if not closes:
            # Whatever comes now has to be the body, or nothing: the gate cannot use this connection for another.
            assert line.to_end() in (b"", b"hello")

    wire.play(refusing, OK)
    visitor = wire.visit()
    reply = visitor.ask(WAITING)
    assert (reply.status, reply.body) == (int(status[:3]), b"nope")
    # The visitor gives up and goes on with another request. The gate cannot know that it is none of the body.
    visitor.send(get(b"/never"))
    visitor.half_close()
    visitor.read_to_end()
    assert b"/never" not in wire.stage.targets
    wire.still_serves()


def test_expect_of_a_visitor_who_speaks_1_0_is_ignored(wire: Wire) -> None:
    """RFC 9110 section 10.1.1: who speaks HTTP/1.0 waits for no 100, and would not know what it is."""
    wire.play(OK)
    octets = b"POST / HTTP/1.0\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
    reply = wire.ask(octets)
    assert (reply.status, reply.body, reply.interim) == (200, b"ok", [])
    assert b"expect" not in wire.stage.request.names
    assert wire.stage.request.body == b"hello"


def test_an_unknown_expectation_is_refused_or_passed_on(wire: Wire) -> None:
    reply = wire.ask(request(b"/", b"Expect: the-unexpected", b"Content-Length: 5", method=b"POST", body=b"hello"))
    assert reply.status == 417 or wire.stage.request.values(b"expect") == [b"the-unexpected"]


# --- an answer before the upload is over -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["closes", "resets", "reads_on"])
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 4000000", b"Transfer-Encoding: chunked"], ids=["sized", "chunked"]
)
def test_an_answer_before_the_upload_is_over_arrives_whole(wire: Wire, end: str, framing: bytes) -> None:
    big = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3000\r\n\r\n" + b"b" * 3000

    def script(line: Heard) -> None:
        line.read_head()
        line.read_until(b"first")
        line.send(big)
        assert line.stage.go_on.wait(5)
        if end == "closes":
            line.sock.shutdown(socket.SHUT_RDWR)
        elif end == "resets":
            line.reset()
        else:
            line.to_end()

    wire.play(script, OK)
    visitor = wire.visit()
    chunked = b"chunked" in framing
    visitor.send(request(b"/", framing, method=b"POST", body=b"5\r\nfirst\r\n" if chunked else b"first"))
    reply = visitor.reply()
    assert (reply.status, reply.body) == (413, b"b" * 3000)
    wire.stage.go_on.set()
    wire.still_serves()


def test_a_visitor_who_is_answered_early_and_sends_on_is_not_hung(wire: Wire) -> None:
    """All of four megabytes are sent, or the gate has closed; and the answer was not lost over it."""

    def script(line: Heard) -> None:
        head = request_head(line.read_head())
        line.send(OK)
        line.rest(head)
        serving(OK)(line)

    wire.play(script, OK)
    visitor = wire.visit()
    visitor.send(request(b"/", b"Content-Length: 4000000", method=b"POST", body=b"x" * 1000))
    assert visitor.reply().body == b"ok"
    visitor.send(b"x" * 3_999_000)
    visitor.send(get(b"/next"))
    visitor.half_close()
    assert visitor.read_to_end() in (b"", OK)
    wire.still_serves()
    assert set(wire.stage.targets) <= {b"/", b"/next"}


def test_a_connection_whose_request_was_answered_before_its_end_is_not_used_for_the_next(wire: Wire) -> None:
    """Upstream: what would follow there is body, however much it looks like a request."""

    def script(line: Heard) -> None:
        line.read_head()
        line.send(OK)
        line.stage.go_on.set()
        rest = line.to_end()
        assert b"GET " not in rest, rest

    wire.play(script, OK)
    visitor = wire.visit()
    visitor.send(request(b"/", b"Content-Length: 5000", method=b"POST", body=b"first"))
    assert visitor.reply().body == b"ok"
    for _ in range(5):
        wire.still_serves()
