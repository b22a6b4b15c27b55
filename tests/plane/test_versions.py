"""HTTP/1.0 on either side (RFC 9110 section 6.2, RFC 9112 sections 2.3 and 9.3)."""

import pytest

from tests.plane.responses import of
from tests.plane.stage import OK, OK_CLOSE, once, serving
from tests.plane.visits import Wire, get

OLD = b"GET / HTTP/1.0\r\nHost: shop.example\r\n"
CHUNKED = of([b"Transfer-Encoding: chunked"], b"5\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n")


def test_a_visitor_who_speaks_1_0_gets_a_body_without_chunks_and_the_end(wire: Wire) -> None:
    wire.play(CHUNKED)
    visitor = wire.visit()
    reply = visitor.ask(OLD + b"\r\n")
    assert (reply.status, reply.body) == (200, b"hello!")
    assert b"transfer-encoding" not in reply.names
    assert visitor.is_ended


def test_a_visitor_who_speaks_1_0_and_asks_to_stay_gets_no_chunks_either(wire: Wire) -> None:
    wire.play(CHUNKED)
    reply = wire.ask(OLD + b"Connection: keep-alive\r\n\r\n")
    assert (reply.status, reply.body) == (200, b"hello!")
    assert b"transfer-encoding" not in reply.names
    assert not reply.has_token(b"connection", b"keep-alive")


def test_a_visitor_who_speaks_1_0_is_left_after_one_answer(wire: Wire) -> None:
    visitor = wire.visit()
    reply = visitor.ask(OLD + b"\r\n")
    assert (reply.body, reply.has_token(b"connection", b"keep-alive")) == (b"ok", False)
    assert visitor.is_ended


def test_a_visitor_who_speaks_1_0_and_asks_to_stay_may(wire: Wire) -> None:
    visitor = wire.visit()
    asked = OLD + b"Connection: Keep-Alive\r\n\r\n"
    reply = visitor.ask(asked)
    assert reply.body == b"ok"
    # RFC 9112 section 9.3: both have to say so, or it is over.
    if reply.has_token(b"connection", b"keep-alive"):
        assert visitor.ask(asked).body == b"ok"
    else:
        assert visitor.is_ended


def test_the_answer_to_1_0_is_of_the_gates_own_version(wire: Wire) -> None:
    assert wire.ask(OLD + b"\r\n").start == b"HTTP/1.1 200 OK"


def test_a_request_in_1_0_goes_on_in_1_1_with_its_host(wire: Wire) -> None:
    wire.ask(OLD + b"\r\n")
    assert wire.stage.request.start == b"GET / HTTP/1.1"
    assert wire.stage.request.values(b"host") == [b"shop.example"]


def test_a_request_in_1_0_without_host_goes_on_with_one(wire: Wire) -> None:
    assert wire.ask(b"GET / HTTP/1.0\r\n\r\n").body == b"ok"
    assert len(wire.stage.request.values(b"host")) == 1
    assert wire.stage.request.values(b"x-forwarded-host") in ([], [b""])


def test_a_request_in_1_0_with_two_hosts_is_refused(wire: Wire) -> None:
    assert wire.ask(OLD + b"Host: other.example\r\n\r\n").status == 400


def test_an_upload_in_1_0_arrives_whole(wire: Wire) -> None:
    octets = b"POST / HTTP/1.0\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello"
    assert wire.ask(octets).body == b"ok"
    assert wire.stage.request.body == b"hello"


def test_requests_pipelined_in_1_0_are_not_answered_behind_the_end(wire: Wire) -> None:
    visitor = wire.visit()
    visitor.send(OLD + b"\r\n" + get(b"/smuggled"))
    assert visitor.reply().body == b"ok"
    assert visitor.is_ended
    assert wire.stage.targets == [b"/"]


def test_an_upstream_that_speaks_1_0_is_answered_for_in_1_1(wire: Wire) -> None:
    wire.play(once(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"), OK)
    visitor = wire.visit()
    reply = visitor.ask(get())
    assert (reply.start, reply.body) == (b"HTTP/1.1 200 OK", b"hello")
    assert visitor.ask(get()).body == b"ok"


def test_an_upstream_that_speaks_1_0_and_stays_answers_the_next(wire: Wire) -> None:
    stays = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"
    wire.play(serving(stays, stays), OK)
    visitor = wire.visit()
    for _ in range(2):
        assert visitor.ask(get()).status == 200


def test_an_upstream_that_speaks_1_0_and_does_not_say_that_it_stays_is_not_used_again(wire: Wire) -> None:
    wire.play(serving(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", OK), OK)
    visitor = wire.visit()
    assert visitor.ask(get()).body == b"hello"
    assert visitor.ask(get()).body == b"ok"
    assert wire.stage.connections == 2


def test_an_upstream_that_says_close_is_not_used_again_and_the_visitor_stays(wire: Wire) -> None:
    wire.play(serving(OK_CLOSE, b"HTTP/1.1 500 Again\r\nContent-Length: 0\r\n\r\n"), OK)
    visitor = wire.visit()
    reply = visitor.ask(get())
    assert reply.body == b"ok"
    assert not reply.has_token(b"connection", b"close")
    assert visitor.ask(get()).body == b"ok"
    assert wire.stage.connections == 2


@pytest.mark.parametrize("value", [b"close", b"CLOSE", b"keep-alive, close", b"x, Close"])
def test_a_visitor_who_says_close_is_left_after_the_answer(wire: Wire, value: bytes) -> None:
    visitor = wire.visit()
    visitor.send(get(b"/", b"Connection: " + value) + get(b"/smuggled"))
    reply = visitor.reply()
    assert (reply.body, reply.has_token(b"connection", b"close")) == (b"ok", True)
    assert visitor.is_ended
    assert wire.stage.targets == [b"/"]


def test_keep_alive_of_a_visitor_who_speaks_1_1_means_nothing(wire: Wire) -> None:
    visitor = wire.visit()
    for _ in range(3):
        assert visitor.ask(get(b"/", b"Connection: keep-alive")).body == b"ok"
