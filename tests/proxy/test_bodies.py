"""Bodies both ways: framed as they came, streamed, never piled up."""

import contextlib
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.proxy import Limits
from tests.proxy.origin import OK, PATIENCE, Line, answer
from tests.proxy.visitor import Broken, request

Exchange = Callable[..., Any]

MEGABYTE = 1 << 20


def test_a_sized_body_keeps_its_content_length(exchange: Exchange) -> None:
    bodies = []
    origin, _, visitor = exchange(answer(OK, then=lambda line: bodies.append(line.read_to_end())))
    visitor.send(request(b"/", b"Content-Length: 5", method=b"POST", body=b"hello"))
    assert visitor.response().status == 200
    origin.wait_ended()
    assert b"content-length: 5" in origin.lines
    assert b"transfer-encoding" not in origin.head.lower()
    assert bodies == [b"hello"]


def test_a_chunked_body_stays_chunked(exchange: Exchange) -> None:
    def script(line: Line) -> None:
        line.read_head()
        assert line.read_chunked() == b"hello world"
        line.send(OK)

    origin, _, visitor = exchange(script)
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST"))
    visitor.send(b"6;ext=1\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n")
    assert visitor.response().status == 200
    origin.wait_ended()
    assert b"Transfer-Encoding: chunked" in origin.lines
    assert b"content-length" not in origin.head.lower()


def test_an_empty_body_with_a_content_length_keeps_it(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.send(request(b"/", b"Content-Length: 0", method=b"POST"))
    assert visitor.response().status == 200
    assert b"content-length: 0" in origin.lines


def test_a_get_with_a_body_keeps_it(exchange: Exchange) -> None:
    bodies = []
    origin, _, visitor = exchange(answer(OK, then=lambda line: bodies.append(line.read_to_end())))
    visitor.send(request(b"/", b"Content-Length: 2", body=b"{}"))
    assert visitor.response().status == 200
    origin.wait_ended()
    assert bodies == [b"{}"]


def test_an_upload_streams_part_by_part(exchange: Exchange) -> None:
    arrived = threading.Event()

    def script(line: Line) -> None:
        line.read_head()
        assert line.read_until(b"first") == b"5\r\nfirst"
        arrived.set()
        line.read_until(b"0\r\n\r\n")
        line.send(OK)

    origin, _, visitor = exchange(script)
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", method=b"PUT", body=b"5\r\nfirst\r\n"))
    assert arrived.wait(PATIENCE)
    visitor.send(b"6\r\nsecond\r\n0\r\n\r\n")
    assert visitor.response().status == 200
    origin.wait_ended()


def test_server_sent_events_pass_as_they_arrive(exchange: Exchange) -> None:
    seen = threading.Semaphore(0)

    def script(line: Line) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(5):
            assert seen.acquire(timeout=PATIENCE)  # the visitor has everything that came before
            event = b"data: %d\n\n" % number
            line.send(b"%x\r\n%s\r\n" % (len(event), event))
        line.send(b"0\r\n\r\n")

    origin, _, visitor = exchange(script)
    visitor.send(request(b"/events"))
    assert visitor.head()[0] == 200
    for number in range(5):
        seen.release()
        assert visitor.chunk() == b"data: %d\n\n" % number
    assert visitor.chunk() == b""
    origin.wait_ended()


# On uvloop one read of a socket that is full takes up to 32 times 256 kB before anybody can say "wait": so much one
# exchange holds at most when the origin is faster than the gate. What must not be held is the body.
HELD_AT_MOST = 12 * MEGABYTE
BLOCK = bytes(range(256)) * 256
BLOCKS = 64 * MEGABYTE // len(BLOCK)


def test_sixty_four_megabytes_down_pass_without_being_held(exchange: Exchange) -> None:
    def script(line: Line) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BLOCKS * len(BLOCK)))
        for _ in range(BLOCKS):
            line.send(BLOCK)

    origin, _, visitor = exchange(script)
    tracemalloc.start()
    try:
        visitor.send(request())
        assert visitor.head()[0] == 200
        for _ in range(BLOCKS):
            assert visitor.exactly(len(BLOCK)) == BLOCK
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < HELD_AT_MOST
    origin.wait_ended()


def test_sixty_four_megabytes_up_pass_without_being_held(exchange: Exchange) -> None:
    def script(line: Line) -> None:
        line.read_head()
        for _ in range(BLOCKS):
            assert line.read_exactly(len(BLOCK)) == BLOCK
        line.send(OK)

    origin, _, visitor = exchange(script)
    visitor.send(request(b"/", b"Content-Length: %d" % (BLOCKS * len(BLOCK)), method=b"PUT"))
    tracemalloc.start()
    try:
        for _ in range(BLOCKS):
            visitor.send(BLOCK)
        assert visitor.response().status == 200
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < HELD_AT_MOST
    origin.wait_ended()


def test_an_upstream_that_does_not_read_makes_the_visitor_wait(exchange: Exchange) -> None:
    go_on = threading.Event()
    size = 40 * MEGABYTE

    def script(line: Line) -> None:
        line.read_head()
        assert go_on.wait(PATIENCE)
        line.discard(size)
        line.send(OK)

    origin, _, visitor = exchange(script)
    visitor.send(request(b"/", b"Content-Length: %d" % size, method=b"PUT"))
    visitor.sock.settimeout(0.3)
    sent = 0
    block = b"x" * MEGABYTE
    with contextlib.suppress(TimeoutError):
        while sent < size:
            sent += visitor.sock.send(block)
    assert sent < size
    visitor.sock.settimeout(PATIENCE)
    go_on.set()
    while sent < size:
        sent += visitor.sock.send(block[: size - sent])
    assert visitor.response().status == 200
    origin.wait_ended()


def test_an_answer_before_the_upload_is_over_arrives(exchange: Exchange) -> None:
    """The upstream has heard enough, answers and ends; what the visitor goes on sending is nobody's."""

    def script(line: Line) -> None:
        line.read_head()
        line.read_until(b"first")
        line.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        line.sock.shutdown(2)

    origin, _, visitor = exchange(script, OK)
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST", body=b"5\r\nfirst\r\n"))
    origin.wait_ended()
    for _ in range(3):
        visitor.send(b"4\r\nmore\r\n")
    visitor.send(b"0\r\n\r\n")
    response = visitor.response()
    assert (response.status, response.body) == (413, b"big")
    # The connection is still good for the next request.
    assert visitor.get().body == b"ok"


def test_who_waits_for_100_continue_gets_it_when_the_upstream_is_there(exchange: Exchange) -> None:
    bodies = []
    origin, _, visitor = exchange(answer(OK, then=lambda line: bodies.append(line.read_to_end())))
    visitor.send(request(b"/", b"Content-Length: 5", b"Expect: 100-continue", method=b"POST"))
    assert visitor.head()[0] == 100
    visitor.send(b"hello")
    assert visitor.response().status == 200
    origin.wait_ended()
    assert bodies == [b"hello"]
    assert b"expect: 100-continue" in origin.lines


def test_who_waits_for_100_continue_uploads_nothing_to_an_upstream_that_is_not_there(
    exchange: Exchange,
) -> None:
    origin, _, visitor = exchange(OK)
    origin.close()
    visitor.send(request(b"/", b"Content-Length: 5", b"Expect: 100-continue", method=b"POST"))
    response = visitor.response()
    assert response.status == 502
    # Whether the body follows or the next request cannot be known, so nothing may follow.
    assert response.values(b"connection") == [b"close"]
    assert visitor.read_to_end() == b""


def test_an_upload_that_stalls_is_answered_with_408_and_ends_the_upstream_connection(exchange: Exchange) -> None:
    ends = []

    def script(line: Line) -> None:
        line.read_head()
        ends.append(line.read_to_end())

    origin, _, visitor = exchange(script, proxy={"limits": Limits(body_idle=0.1)})
    visitor.send(request(b"/", b"Content-Length: 5", method=b"POST", body=b"he"))
    assert visitor.response().status == 408
    origin.wait_ended()
    assert ends == [b"he"]


def test_a_visitor_who_does_not_read_does_not_hold_the_upstream_for_ever(
    exchange: Exchange, log: Callable[[], list[str]]
) -> None:
    def script(line: Line) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        line.send_until_refused(block)

    origin, _, visitor = exchange(script, proxy={"limits": Limits(body_idle=0.2)})
    visitor.send(request())
    origin.wait_ended()
    with pytest.raises(Broken):
        visitor.response()
    assert log() == ["broken off for GET /: the visitor stopped reading"]
