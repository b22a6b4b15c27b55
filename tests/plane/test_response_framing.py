"""What an upstream sends is passed on with one meaning, or is 502; what breaks off is seen to break off."""

import socket

import pytest

from tests.plane.responses import BROKEN, GARBAGE, HEADS, INJECTED, STATUS_LINES, SURPLUS, Answer, of
from tests.plane.stage import OK, Heard, Play, once, serving, staying
from tests.plane.visits import Broken, Wire, get, request


@pytest.mark.parametrize("answer", HEADS.values(), ids=HEADS.keys())
def test_a_head_has_one_meaning_or_is_502(wire: Wire, answer: Answer) -> None:
    # The connection stays open, as with an upstream that hopes for the next request.
    wire.play(serving(answer.octets, OK), OK)
    visitor = wire.visit()
    reply = visitor.ask(get(b"/first"))
    if answer.means is None or (answer.or_refused and reply.status == 502):
        assert reply.status == 502
        assert b"hello" not in reply.body
        assert reply.values(b"set-cookie") == []
        wire.stage.wait_ended()  # such a connection is not used again
    else:
        assert (reply.status, reply.body) == (200, answer.means)
    wire.still_serves()


@pytest.mark.parametrize(("line", "status"), STATUS_LINES.values(), ids=STATUS_LINES.keys())
def test_a_status_line_is_one_or_502(wire: Wire, line: bytes, status: int) -> None:
    wire.play(once(of([b"Content-Length: 5"], start=line)), OK)
    reply = wire.ask(get())
    assert reply.status == status
    if status != 502:
        assert reply.start.startswith(b"HTTP/1.1 ")  # the gate's own version (RFC 9110 section 6.2)
        assert reply.reason == line[13:]
        assert reply.body == b"hello"
    wire.still_serves()


@pytest.mark.parametrize("octets", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_what_is_no_response_is_502(wire: Wire, octets: bytes, method: bytes) -> None:
    wire.play(once(octets, then=lambda line: line.sock.shutdown(socket.SHUT_WR)), OK)
    assert wire.ask(request(method=method)).status == 502
    # It was a new connection: the upstream has seen the request and failed, so it does not get it twice.
    assert wire.stage.connections == 1
    wire.still_serves()


def test_a_reset_before_any_octet_is_502(wire: Wire) -> None:
    wire.play(once(b"", then=Heard.reset), OK)
    assert wire.ask(get()).status == 502
    assert wire.stage.connections == 1
    wire.still_serves()


@pytest.mark.parametrize("first", SURPLUS.values(), ids=SURPLUS.keys())
@pytest.mark.parametrize("apart", [False, True], ids=["in_one_packet", "later"])
def test_octets_behind_a_response_never_answer_the_next_request(wire: Wire, first: bytes, apart: bool) -> None:
    def later(line: Heard) -> None:
        line.request()
        line.send(first)
        line.send(INJECTED)
        line.to_end()

    wire.play(later if apart else staying(first + INJECTED), OK)
    visitor = wire.visit()
    reply = visitor.ask(get(b"/first"))
    assert b"injected" not in reply.body
    assert reply.values(b"set-cookie") == []
    if apart:
        wire.stage.wait_ended()  # the gate has seen them, and has ended the connection
    for _ in range(3):
        reply = visitor.ask(get(b"/next"))
        assert (reply.status, reply.body, reply.values(b"set-cookie")) == (200, b"ok", [])
    wire.still_serves()
    assert wire.stage.targets[0] == b"/first"


@pytest.mark.parametrize("behind", [INJECTED, b"x", b"\r\n", b"\x00"], ids=["response", "octet", "line_end", "null"])
@pytest.mark.parametrize("apart", [False, True], ids=["in_one_packet", "later"])
@pytest.mark.parametrize("status", [b"200", b"304"])
def test_the_body_of_a_response_that_has_none_never_answers_the_next_request(
    wire: Wire, behind: bytes, apart: bool, status: bytes
) -> None:
    def script(line: Heard) -> None:
        line.request()
        head = b"HTTP/1.1 " + status + b" Fine\r\nContent-Length: %d\r\n\r\n" % len(behind)
        line.send(head if apart else head + behind)
        if apart:
            line.stage.go_on.wait(5)
            line.send(behind)
        line.to_end()

    wire.play(script, OK)
    visitor = wire.visit()
    assert visitor.ask(request(b"/first", method=b"HEAD" if status == b"200" else b"GET")).status == int(status)
    wire.stage.go_on.set()
    for _ in range(3):
        assert visitor.ask(get(b"/next")).body == b"ok"


def ending(octets: bytes, *, reset: bool) -> Play:
    """Answers with a body that breaks off, once the visitor has its beginning."""

    def script(line: Heard) -> None:
        line.request()
        line.send(octets)
        assert line.stage.go_on.wait(5)
        if reset:
            line.reset()

    return script


@pytest.mark.parametrize("octets", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("reset", [False, True], ids=["ends", "resets"])
def test_a_body_that_breaks_off_is_a_broken_transfer(wire: Wire, octets: bytes, reset: bool) -> None:
    wire.play(ending(octets, reset=reset), OK)
    visitor = wire.visit()
    visitor.send(get())
    try:
        first = visitor.until(b"\r\n\r\n")
    except Broken:
        first = b""  # a fault that stands in the first octets may as well break all of it off
    wire.stage.go_on.set()
    if first.startswith(b"HTTP/1.1 502"):
        pass  # nothing had left yet
    elif first:
        visitor.unread(first)
        with pytest.raises(Broken):
            visitor.reply()
    wire.still_serves()


def test_a_body_up_to_the_end_of_the_connection_breaks_visibly_at_a_reset(wire: Wire) -> None:
    wire.play(ending(b"HTTP/1.1 200 OK\r\n\r\nhello", reset=True), OK)
    visitor = wire.visit()
    visitor.send(get())
    first = visitor.until(b"\r\n\r\n")
    wire.stage.go_on.set()
    visitor.unread(first)
    with pytest.raises(Broken):
        visitor.reply()
    wire.still_serves()


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_a_body_up_to_the_end_of_the_connection_arrives_whole(wire: Wire, version: bytes, size: int) -> None:
    body = b"x" * size
    wire.play(once(b"HTTP/" + version + b" 200 OK\r\nContent-Type: text/plain\r\n\r\n" + body), OK)
    visitor = wire.visit()
    reply = visitor.ask(get())
    assert (reply.status, reply.body) == (200, body)
    # Its end was told by the framing, or else it could be a truncated one.
    if reply.is_chunked:
        assert visitor.ask(get()).body == b"ok"


@pytest.mark.parametrize("extension", [b"", b";a=b", b';a="b;c"'], ids=["none", "token", "quoted"])
def test_chunk_extensions_do_not_alter_the_body(wire: Wire, extension: bytes) -> None:
    wire.play(of([b"Transfer-Encoding: chunked"], b"5%s\r\nhello\r\n0%s\r\n\r\n" % (extension, extension)))
    assert wire.ask(get()).body == b"hello"


def test_chunks_of_every_size_up_to_a_few_hundred_arrive_whole(wire: Wire) -> None:
    chunks = [bytes([size % 256]) * size for size in range(1, 400)]
    octets = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    wire.play(of([b"Transfer-Encoding: chunked"], octets + b"0\r\n\r\n"))
    visitor = wire.visit()
    for _ in range(2):
        assert visitor.ask(get()).body == b"".join(chunks)
