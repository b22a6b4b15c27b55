"""Responses without a body, whatever their fields say (RFC 9112 section 6.3): nobody waits for one."""

import time

import pytest

from tests.plane.stage import OK, by_target, serving
from tests.plane.visits import Wire, get, request

NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nETag: x\r\n"

BODILESS = {
    "304": NOT_MODIFIED + b"\r\n",
    "304_with_length": NOT_MODIFIED + b"Content-Length: 1234\r\n\r\n",
    "304_with_chunked": NOT_MODIFIED + b"Transfer-Encoding: chunked\r\n\r\n",
    "204": NO_CONTENT + b"\r\n",
    "204_with_zero_length": NO_CONTENT + b"Content-Length: 0\r\n\r\n",
    "204_with_length": NO_CONTENT + b"Content-Length: 9\r\n\r\n",
    "205": b"HTTP/1.1 205 Reset Content\r\nETag: x\r\nContent-Length: 0\r\n\r\n",
    "200_of_nothing": b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 0\r\n\r\n",
    "200_of_no_chunk": b"HTTP/1.1 200 OK\r\nETag: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "302_of_nothing": b"HTTP/1.1 302 Found\r\nETag: x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
}

TO_HEAD = {
    "length": b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 1234\r\n\r\n",
    "huge_length": b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 123456789012\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nETag: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "neither": b"HTTP/1.1 200 OK\r\nETag: x\r\n\r\n",
    "404": b"HTTP/1.1 404 Not Found\r\nETag: x\r\nContent-Length: 9\r\n\r\n",
}


@pytest.mark.parametrize("octets", BODILESS.values(), ids=BODILESS.keys())
def test_a_response_without_a_body_leaves_the_connection_in_order(wire: Wire, octets: bytes) -> None:
    wire.play(by_target(first=octets))
    visitor = wire.visit()
    for _ in range(2):
        reply = visitor.ask(get(b"/first"))
        assert (reply.status, reply.body) == (int(octets[9:12]), b"")
        assert reply.values(b"etag") == [b"x"]
        if reply.status == 204:
            assert not {b"content-length", b"transfer-encoding"} & set(reply.names) or b"Length: 0" in octets
    assert visitor.ask(get(b"/last")).body == b"ok"


@pytest.mark.parametrize("octets", TO_HEAD.values(), ids=TO_HEAD.keys())
def test_a_response_to_head_keeps_its_length_and_has_no_body(wire: Wire, octets: bytes) -> None:
    wire.play(by_target(first=octets))
    visitor = wire.visit()
    for _ in range(2):
        reply = visitor.ask(request(b"/first", method=b"HEAD"))
        assert reply.status == int(octets[9:12])
        announced = [line for line in octets.split(b"\r\n") if line.startswith(b"Content-Length")]
        assert reply.values(b"content-length") == [line[16:] for line in announced]
    assert visitor.ask(get(b"/last")).body == b"ok"


# These tell of a body that is not there; an upstream that sends it all the same would answer the next request with it.
ANNOUNCED = ("304_with_length", "304_with_chunked", "204_with_length", "length", "huge_length", "chunked", "404")


@pytest.mark.parametrize("name", [name for name in [*BODILESS, *TO_HEAD] if name not in ANNOUNCED])
def test_the_upstreams_connection_is_used_again_after_it(wire: Wire, name: str) -> None:
    octets = {**BODILESS, **TO_HEAD}[name]
    method = b"HEAD" if name in TO_HEAD else b"GET"
    wire.play(serving(octets, OK), OK)
    visitor = wire.visit()
    visitor.ask(request(b"/first", method=method))
    assert visitor.ask(get(b"/last")).body == b"ok"
    assert wire.stage.connections == 1


@pytest.mark.parametrize("name", ["304_with_length", "length"])
def test_the_upstreams_connection_is_used_again_once_no_body_has_come(wire: Wire, name: str) -> None:
    """The gate may let it rest for a while, to see whether the announced body comes after all."""
    octets = {**BODILESS, **TO_HEAD}[name]
    wire.play(serving(octets, OK), OK)
    visitor = wire.visit()
    visitor.ask(request(b"/first", method=b"HEAD" if name in TO_HEAD else b"GET"))
    time.sleep(1)
    assert visitor.ask(get(b"/last")).body == b"ok"
    assert wire.stage.connections == 1


def test_pipelined_heads_and_gets_are_told_apart(wire: Wire) -> None:
    wire.play(by_target(a=TO_HEAD["length"], b=BODILESS["304_with_length"]))
    visitor = wire.visit()
    visitor.send(request(b"/a", method=b"HEAD") + get(b"/") + get(b"/b") + get(b"/"))
    assert visitor.reply(to=b"HEAD").values(b"content-length") == [b"1234"]
    assert visitor.reply().body == b"ok"
    assert visitor.reply().status == 304
    assert visitor.reply().body == b"ok"


def test_the_gates_own_answer_to_head_has_no_body(wire: Wire) -> None:
    wire.play(serving(b"garbage\r\n\r\n"), OK)
    visitor = wire.visit()
    reply = visitor.ask(request(method=b"HEAD"))
    assert reply.status == 502
    visitor.half_close()
    assert visitor.read_to_end() == b""


def test_a_request_without_a_body_announces_none(wire: Wire) -> None:
    wire.passes()
    assert not {b"content-length", b"transfer-encoding"} & set(wire.stage.request.names)


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"DELETE"])
def test_a_length_of_zero_stays_one(wire: Wire, method: bytes) -> None:
    wire.passes(request(b"/", b"Content-Length: 0", method=method))
    assert wire.stage.request.values(b"content-length") == [b"0"]


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS", b"HEAD"])
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
def test_a_body_where_none_is_usual_arrives_and_ends_where_it_ends(wire: Wire, method: bytes, chunked: bool) -> None:
    visitor = wire.visit()
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 5"
    body = b"5\r\nhello\r\n0\r\n\r\n" if chunked else b"hello"
    wire.play(by_target(first=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" if method == b"HEAD" else OK))
    visitor.send(request(b"/first", framing, method=method, body=body) + get(b"/last"))
    assert visitor.reply(to=method).status == 200
    assert visitor.reply().body == b"ok"
    assert [(one.target, one.body) for one in wire.stage.requests] == [(b"/first", b"hello"), (b"/last", b"")]
