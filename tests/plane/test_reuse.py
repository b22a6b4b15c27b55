"""Connections to the upstream are used again, and one that has gone stale costs nobody his request.

RFC 9110 section 9.2.2, RFC 9112 section 9.3.1: repeated is only what was sent on a used connection, got no octet of an
answer, and may be repeated; once.
"""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.plane.stage import OK, Heard, Play, once, serving
from tests.plane.visits import Wire, asleep, get, request


def served(times: int, last: Callable[[Heard], object] = lambda line: None) -> Play:
    """A connection that serves so many requests, reads the next one's head, does ``last``, and ends."""

    def script(line: Heard) -> None:
        for _ in range(times):
            line.request()
            line.send(OK)
        line.read_head()
        last(line)

    return script


def test_one_connection_serves_all_requests_of_one_visitor(wire: Wire) -> None:
    visitor = wire.visit()
    for _ in range(20):
        assert visitor.ask(get()).body == b"ok"
    assert wire.stage.connections == 1


def test_one_connection_serves_visitors_who_come_one_after_the_other(wire: Wire) -> None:
    for _ in range(20):
        wire.passes()
    assert wire.stage.connections == 1


def test_visitors_at_the_same_time_have_connections_of_their_own(wire: Wire) -> None:
    both = threading.Barrier(2)

    def script(line: Heard) -> None:
        while True:
            line.request()
            both.wait(5)
            line.send(OK)

    wire.play(script)
    first, second = wire.visit(), wire.visit()
    for _ in range(3):
        first.send(get())
        second.send(get())
        assert first.reply().body == second.reply().body == b"ok"
    assert wire.stage.connections == 2


USED_AGAIN = {
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked_with_trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    "404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
    "500": b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    "large": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
    "interim": b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
}


@pytest.mark.parametrize("octets", USED_AGAIN.values(), ids=USED_AGAIN.keys())
def test_a_connection_is_used_again_after_it(wire: Wire, octets: bytes) -> None:
    wire.play(serving(octets, OK), OK)
    visitor = wire.visit()
    visitor.ask(get())
    assert visitor.ask(get()).body == b"ok"
    assert wire.stage.connections == 1


def test_a_connection_is_used_again_after_an_upload(wire: Wire) -> None:
    visitor = wire.visit()
    for _ in range(3):
        visitor.ask(request(b"/", b"Content-Length: 5", method=b"POST", body=b"hello"))
        visitor.ask(request(b"/", b"Transfer-Encoding: chunked", method=b"POST", body=b"5\r\nhello\r\n0\r\n\r\n"))
    assert wire.stage.connections == 1


@pytest.mark.parametrize("last", [Heard.reset, lambda line: None], ids=["reset", "close"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
def test_what_is_safe_and_meets_a_stale_connection_is_repeated_once(
    wire: Wire, method: bytes, last: Callable[[Heard], object]
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    wire.play(served(1, last), serving(answer))
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).status == 200
    assert visitor.ask(request(b"/again", method=method)).status == 200
    assert wire.stage.targets == [b"/first", b"/again", b"/again"]
    assert wire.stage.connections == 2


def test_thirty_stale_connections_lose_nobody_his_page(wire: Wire) -> None:
    """Each connection ends without a word upon its second request, as with an upstream that closes idle ones."""
    wire.play(served(1))
    visitor = wire.visit()
    assert [visitor.ask(get()).status for _ in range(30)] == [200] * 30


def test_what_was_repeated_is_not_repeated_again(wire: Wire) -> None:
    wire.play(served(1), served(0), OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).status == 200
    assert visitor.ask(get(b"/again")).status == 502
    assert wire.stage.targets == [b"/first", b"/again", b"/again"]


def test_several_stale_connections_at_once_are_no_reason_to_try_them_all(wire: Wire) -> None:
    both = threading.Barrier(3)

    def script(line: Heard) -> None:
        line.request()
        both.wait(5)
        line.send(OK)
        line.read_head()

    wire.play(script, script, script, OK)
    visitors = [wire.visit() for _ in range(3)]
    for visitor in visitors:
        visitor.send(get(b"/first"))
    for visitor in visitors:
        assert visitor.reply().status == 200
    assert visitors[0].ask(get(b"/again")).status == 200
    assert wire.stage.targets.count(b"/again") == 2


NEVER = {
    "post": request(b"/again", method=b"POST"),
    "post_of_nothing": request(b"/again", b"Content-Length: 0", method=b"POST"),
    "post_with_a_body": request(b"/again", b"Content-Length: 2", method=b"POST", body=b"hi"),
    "post_with_chunks": request(b"/again", b"Transfer-Encoding: chunked", method=b"POST", body=b"0\r\n\r\n"),
    "put_with_a_body": request(b"/again", b"Content-Length: 2", method=b"PUT", body=b"hi"),
    "patch": request(b"/again", method=b"PATCH"),
    "get_with_a_body": request(b"/again", b"Content-Length: 2", body=b"hi"),
}


@pytest.mark.parametrize("octets", NEVER.values(), ids=NEVER.keys())
@pytest.mark.parametrize("last", [Heard.reset, lambda line: None], ids=["reset", "close"])
def test_what_may_change_something_is_never_sent_twice(
    wire: Wire, octets: bytes, last: Callable[[Heard], object]
) -> None:
    wire.play(served(1, last), OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).status == 200
    assert visitor.ask(octets).status == 502
    assert wire.stage.targets == [b"/first", b"/again"]


@pytest.mark.parametrize("octets", NEVER.values(), ids=NEVER.keys())
def test_what_may_not_be_sent_twice_goes_round_a_connection_that_has_ended(wire: Wire, octets: bytes) -> None:
    """While the gate sleeps the request comes, and then its connection ends: it hears of both in this order."""

    def script(line: Heard) -> None:
        line.request()
        line.send(OK)
        assert line.stage.go_on.wait(5)

    wire.play(script, OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).status == 200
    with asleep(wire):
        visitor.send(octets)
        wire.stage.go_on.set()
    assert visitor.reply().status == 200
    assert wire.stage.targets == [b"/first", b"/again"]


@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"])
def test_what_was_answered_with_one_octet_is_not_repeated(wire: Wire, said: bytes) -> None:
    wire.play(served(1, lambda line: line.send(said)), OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).status == 200
    assert visitor.ask(get(b"/again")).status == 502
    assert wire.stage.targets == [b"/first", b"/again"]


@pytest.mark.parametrize("last", [Heard.reset, lambda line: None], ids=["reset", "close"])
def test_what_fails_on_a_new_connection_is_not_repeated(wire: Wire, last: Callable[[Heard], object]) -> None:
    wire.play(served(0, last), OK)
    assert wire.ask(get()).status == 502
    assert wire.stage.connections == 1


def test_a_connection_that_the_upstream_has_ended_is_not_used_even_for_a_post(wire: Wire) -> None:
    def ending(line: Heard) -> None:
        line.request()
        line.send(OK)
        line.sock.shutdown(socket.SHUT_WR)
        line.to_end()  # the gate has noticed, and has ended its side

    wire.play(ending, OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).status == 200
    wire.stage.wait_ended()
    assert visitor.ask(request(b"/again", b"Content-Length: 2", method=b"POST", body=b"hi")).status == 200
    assert wire.stage.targets == [b"/first", b"/again"]


@pytest.mark.parametrize("octets", [b"x", b"\r\n", OK, b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"])
def test_octets_on_an_idle_connection_are_nobodys_answer(wire: Wire, octets: bytes) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
        assert line.stage.go_on.wait(5)
        line.send(octets)
        line.to_end()

    wire.play(script, OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).body == b"first"
    wire.stage.go_on.set()
    wire.stage.wait_ended()
    assert visitor.ask(get(b"/next")).body == b"ok"
    assert wire.stage.targets == [b"/first", b"/next"]


def test_an_upstream_that_closes_after_each_answer_serves_all(wire: Wire) -> None:
    wire.play(once(OK))
    visitor = wire.visit()
    assert [visitor.ask(get()).status for _ in range(30)] == [200] * 30


@pytest.mark.parametrize(
    "script", [served(0), served(0, Heard.reset), once(b"garbage\r\n\r\n")], ids=["ends", "resets", "lies"]
)
def test_a_request_that_failed_does_not_leave_with_the_next(wire: Wire, script: Play) -> None:
    wire.play(script, OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/failed")).status == 502
    assert visitor.ask(get(b"/next")).body == b"ok"
    assert wire.stage.targets == [b"/failed", b"/next"]


def test_a_request_that_failed_twice_does_not_leave_with_the_next(wire: Wire) -> None:
    wire.play(served(1), served(0), OK)
    visitor = wire.visit()
    assert visitor.ask(get(b"/first")).status == 200
    assert visitor.ask(get(b"/failed")).status == 502
    assert visitor.ask(get(b"/next")).body == b"ok"
    assert wire.stage.targets == [b"/first", b"/failed", b"/failed", b"/next"]


def test_a_request_that_found_no_upstream_is_502_and_does_not_leave_with_the_next(wire: Wire) -> None:
    visitor = wire.visit()
    with wire.stage.refusing():
        for _ in range(3):
            assert visitor.ask(get(b"/refused")).status in (502, 503)
        posted = request(b"/refused", b"Content-Length: 2", method=b"POST", body=b"hi")
        assert wire.ask(posted).status in (502, 503)
    wire.stage.play(OK)
    assert visitor.ask(get(b"/next")).body == b"ok"
    assert wire.stage.targets == [b"/next"]


def test_an_upstream_that_is_back_is_used_at_once(wire: Wire) -> None:
    wire.passes()
    with wire.stage.refusing():
        assert wire.ask(get()).status in (502, 503)
    wire.play(OK)
    wire.still_serves()


def test_an_answer_that_its_visitor_has_not_read_yet_does_not_hold_up_the_next_visitors(wire: Wire) -> None:
    """Of every size up to what the kernel takes and some more: one of them ends while the visitor's side is full."""

    def script(line: Heard) -> None:
        while True:
            size = int(line.request().target[1:] or b"2")
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

    wire.play(script)
    for size in range(200_000, 8_000_000, 200_000):
        slow = wire.visit()
        slow.send(get(b"/%d" % size))
        slow.until(b"\r\n\r\n")
        time.sleep(0.01)
        assert (size, wire.ask(get(b"/2")).body) == (size, b"xx")
        assert len(slow.exactly(size)) == size
        slow.leave()
