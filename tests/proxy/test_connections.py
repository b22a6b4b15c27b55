"""Connections to the upstream: none is used twice by default, and what holds for a transport that does."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gatekeeper.proxy import ReverseProxy, Upstream
from tests.proxy.conftest import Gate
from tests.proxy.origin import OK, Line, Origin, answer
from tests.proxy.visitor import request

Exchange = Callable[..., Any]

INJECTED = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nSet-Cookie: a=evil\r\n\r\ninjected"


@pytest.mark.parametrize(
    "first",
    [
        OK + INJECTED,
        OK + b"x",
        OK + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + INJECTED,
        b"HTTP/1.1 304 Not Modified\r\n\r\n" + INJECTED,
        b"HTTP/1.1 204 No Content\r\n\r\n" + INJECTED,
        b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65536 + INJECTED,
    ],
)
def test_octets_after_a_response_never_answer_the_next_request(exchange: Exchange, first: bytes) -> None:
    def script(line: Line) -> None:
        """Keeps the connection open, as an upstream does that hopes for it to be used again."""
        line.read_head()
        line.send(first)
        line.read_to_end()

    origin, _, visitor = exchange(script, answer(OK, then=Line.read_to_end))
    assert b"injected" not in visitor.get().body
    for _ in range(3):
        response = visitor.get()
        assert (response.status, response.body) == (200, b"ok")
        assert response.values(b"set-cookie") == []
    assert origin.connections == 4


def test_octets_after_a_response_to_head_never_answer_the_next_request(exchange: Exchange) -> None:
    _, _, visitor = exchange(
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + INJECTED, then=Line.read_to_end), OK
    )
    visitor.send(request(method=b"HEAD"))
    assert visitor.response(to=b"HEAD").status == 200
    assert visitor.get().body == b"ok"


def test_every_request_has_a_connection_of_its_own_and_says_so(exchange: Exchange) -> None:
    origin, _, visitor = exchange(answer(OK, then=Line.read_to_end))
    for _ in range(5):
        assert visitor.get().status == 200
    assert origin.connections == 5
    assert all(b"\r\nConnection: close\r\n" in head for head in origin.heads)
    origin.wait_ended(5)


def test_the_environment_is_not_obeyed(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    _, _, visitor = exchange(OK)
    assert visitor.get().status == 200


def test_cookies_of_one_visitor_do_not_leave_with_another(exchange: Exchange) -> None:
    origin, gate, visitor = exchange(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 2\r\n\r\nok")
    visitor.get(b"/", b"Cookie: mine=1")
    with gate.visit() as second:
        second.get()
    assert b"cookie" not in origin.heads[1].lower()


def served(times: int, last: Callable[[Line], object] = lambda line: None) -> Callable[[Line], None]:
    """A connection that serves so many requests and then does ``last`` with the next one's head."""

    def script(line: Line) -> None:
        for _ in range(times):
            line.read_head()
            line.send(OK)
        line.read_head()
        last(line)

    return script


def reusing(origins: Callable[..., Origin], gates: Callable[..., Gate], *scripts: Any) -> tuple[Origin, Gate]:
    """The gate on a transport that re-uses connections."""
    origin = origins(*scripts)
    transport = httpx.AsyncHTTPTransport(trust_env=False, limits=httpx.Limits(max_keepalive_connections=10))
    return origin, gates(ReverseProxy(Upstream(origin.url), transport=transport))


@pytest.mark.parametrize("last", [Line.reset, lambda line: None], ids=["reset", "close"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"TRACE"])
def test_a_safe_request_that_meets_a_stale_connection_is_repeated_once(
    origins: Callable[..., Origin], gates: Callable[..., Gate], method: bytes, last: Callable[[Line], None]
) -> None:
    origin, gate = reusing(origins, gates, served(1, last), OK)
    with gate.visit() as visitor:
        assert visitor.get().status == 200
        visitor.send(request(b"/again", method=method))
        assert visitor.response(to=method).status == 200
    assert origin.connections == 2
    assert [head.split(b" ")[0] for head in origin.heads] == [b"GET", method, method]
    assert not any(b"connection: close" in head.lower() for head in origin.heads)


@pytest.mark.parametrize(
    "again",
    [
        request(method=b"POST"),
        request(b"/", b"Content-Length: 2", method=b"POST", body=b"hi"),
        request(b"/", b"Content-Length: 2", method=b"GET", body=b"hi"),
        request(method=b"PUT"),
        request(method=b"DELETE"),
        request(method=b"PATCH"),
    ],
)
def test_what_may_change_something_is_never_sent_twice(
    origins: Callable[..., Origin], gates: Callable[..., Gate], again: bytes
) -> None:
    origin, gate = reusing(origins, gates, served(1), OK)
    with gate.visit() as visitor:
        assert visitor.get().status == 200
        visitor.send(again)
        assert visitor.response().status == 502
    assert origin.connections == 1
    assert len(origin.heads) == 2


def test_a_request_is_repeated_once_and_no_more(origins: Callable[..., Origin], gates: Callable[..., Gate]) -> None:
    origin, gate = reusing(origins, gates, served(1), served(0), OK)
    with gate.visit() as visitor:
        assert visitor.get().status == 200
        assert visitor.get().status == 502
    assert origin.connections == 2


def test_a_request_on_a_new_connection_is_not_repeated(
    origins: Callable[..., Origin], gates: Callable[..., Gate]
) -> None:
    origin, gate = reusing(origins, gates, served(0), OK)
    with gate.visit() as visitor:
        assert visitor.get().status == 502
    assert origin.connections == 1
