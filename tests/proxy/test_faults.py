"""The fault matrix: what the upstream does wrong, and what the visitor gets for it."""

import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.proxy import Limits, ReverseProxy, Upstream
from tests.proxy.conftest import Gate
from tests.proxy.origin import OK, PATIENCE, Line, Origin, answer
from tests.proxy.visitor import Broken, Visitor, request

Exchange = Callable[..., Any]

NO_ANSWER = b"502 Bad Gateway: the site behind this gate did not answer.\n"
NOT_IN_TIME = b"504 Gateway Timeout: the site behind this gate did not answer in time.\n"


def reset(line: Line) -> None:
    line.read_head()
    line.reset()


def close(line: Line) -> None:
    line.read_head()


def half_a_head(line: Line) -> None:
    line.read_head()
    line.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def interim_only(line: Line) -> None:
    line.read_head()
    line.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")


@pytest.mark.parametrize("script", [reset, close, half_a_head, interim_only], ids=lambda script: script.__name__)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_an_upstream_that_ends_before_a_head_is_502(
    exchange: Exchange, script: Callable[[Line], None], method: bytes, log: Callable[[], list[str]]
) -> None:
    origin, _, visitor = exchange(script, OK)
    visitor.send(request(b"/secret%20path?token=secret", b"Cookie: secret", method=method))
    response = visitor.response()
    assert (response.status, response.body) == (502, NO_ANSWER)
    assert response.values(b"content-type") == [b"text/plain; charset=utf-8"]
    assert response.values(b"cache-control") == [b"no-store"]
    # Not even a GET is repeated on a new connection: the upstream has seen it and failed.
    assert origin.connections == 1
    (entry,) = log()
    assert entry.startswith(f"502 for {method.decode()} /secret%20path: the upstream: ")
    assert "token" not in entry
    assert visitor.get().status == 200


def test_an_upstream_that_refuses_the_connection_is_502(exchange: Exchange, log: Callable[[], list[str]]) -> None:
    origin, _, visitor = exchange(OK)
    origin.close()
    response = visitor.get()
    assert (response.status, response.body) == (502, NO_ANSWER)
    assert log() == ["502 for GET /: the upstream: it could not be reached"]


def test_an_upstream_with_an_unknown_name_is_502(gates: Callable[..., Gate]) -> None:
    with gates(ReverseProxy("http://no-such-host.invalid")).visit() as visitor:
        assert visitor.get().status == 502


def test_a_socket_that_is_not_there_is_502(gates: Callable[..., Gate]) -> None:
    with gates(ReverseProxy("unix:/nowhere/at/all.sock")).visit() as visitor:
        assert visitor.get().status == 502


def test_a_connection_that_is_not_accepted_in_time_is_504(
    gates: Callable[..., Gate], origins: Callable[..., Origin], log: Callable[[], list[str]]
) -> None:
    # TCP is up, TLS never comes: the handshake is under the same limit.
    origin = origins(lambda line: line.read_to_end())
    with gates(ReverseProxy(Upstream(origin.url.replace("http", "https"), connect_timeout=0.1))).visit() as visitor:
        response = visitor.get()
    assert (response.status, response.body) == (504, NOT_IN_TIME)
    assert log() == ["504 for GET /: the upstream: it did not accept the connection in time"]


def test_an_upstream_that_says_nothing_is_504(exchange: Exchange, log: Callable[[], list[str]]) -> None:
    origin, _, visitor = exchange(answer(b"", then=Line.read_to_end), OK, read_timeout=0.3)
    response = visitor.get()
    assert (response.status, response.body) == (504, NOT_IN_TIME)
    origin.wait_ended()
    assert origin.connections == 1
    assert len(log()) == 1
    assert visitor.get().status == 200


def test_a_head_that_drips_is_504_at_a_total_deadline(exchange: Exchange) -> None:
    gone = threading.Event()

    def drip(line: Line) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 200 OK\r\nX: ")
        line.sock.settimeout(0.02)
        while not gone.is_set():
            line.send(b"y")
            try:
                if line.sock.recv(1) == b"":
                    gone.set()
            except TimeoutError:
                continue

    _, _, visitor = exchange(drip, OK, read_timeout=0.4)
    assert visitor.get().status == 504
    # The connection to the upstream ends with it.
    assert gone.wait(PATIENCE)
    assert visitor.get().status == 200


def test_interim_responses_without_end_are_504_too(exchange: Exchange) -> None:
    def script(line: Line) -> None:
        line.read_head()
        line.sock.settimeout(0.02)
        while True:
            line.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            try:
                if line.sock.recv(1) == b"":
                    return
            except TimeoutError:
                continue

    origin, _, visitor = exchange(script, read_timeout=0.2)
    assert visitor.get().status == 504
    origin.wait_ended()


def test_the_time_of_an_upload_does_not_count_against_the_head(exchange: Exchange) -> None:
    go_on = threading.Event()

    def script(line: Line) -> None:
        line.read_head()
        assert line.read_chunked() == b"ab" * 5
        line.send(OK)

    _, _, visitor = exchange(script, read_timeout=0.5)
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST"))
    for _ in range(5):
        go_on.wait(0.12)  # together longer than the limit
        visitor.send(b"2\r\nab\r\n")
    visitor.send(b"0\r\n\r\n")
    assert visitor.response().status == 200


def test_an_upstream_that_stops_reading_an_upload_is_504(exchange: Exchange) -> None:
    over = threading.Event()

    def script(line: Line) -> None:
        line.read_head()
        over.wait(PATIENCE)

    _, gate, visitor = exchange(script, read_timeout=0.2)
    visitor.send(request(b"/", b"Content-Length: 1000000000", method=b"POST"))
    sender = threading.Thread(target=_pour, args=(visitor,), daemon=True)
    sender.start()
    assert visitor.head()[0] == 504
    over.set()
    visitor.close()
    sender.join(PATIENCE)
    gate.settle()


def _pour(visitor: Visitor) -> None:
    block = b"x" * 65536
    try:
        while True:
            visitor.send(block)
    except OSError:
        pass


def test_a_full_pool_is_503_with_retry_after(
    exchange: Exchange, gates: Callable[..., Gate], log: Callable[[], list[str]]
) -> None:
    go_on = threading.Event()

    def slow(line: Line) -> None:
        line.read_head()
        assert go_on.wait(PATIENCE)
        line.send(OK)

    origin, gate, first = exchange(slow, OK, max_connections=1, proxy={"limits": Limits(queue_wait=0.1)})
    first.send(request())
    origin.wait_connections()
    with gate.visit() as second:
        response = second.get()
        assert response.status == 503
        assert (
            response.body
            == b"503 Service Unavailable: the site behind this gate is busy. Please try again in a moment.\n"
        )
        assert response.values(b"retry-after") == [b"1"]
        assert log() == ["503 for GET /: the upstream: all 1 connections to it are busy"]
        go_on.set()
        assert first.response().status == 200
        assert second.get().status == 200


def test_a_place_in_a_full_pool_is_given_to_who_waits(exchange: Exchange) -> None:
    go_on = threading.Event()

    def slow(line: Line) -> None:
        line.read_head()
        assert go_on.wait(PATIENCE)
        line.send(OK)

    origin, gate, first = exchange(slow, OK, max_connections=1)
    first.send(request())
    origin.wait_connections()
    with gate.visit() as second:
        second.send(request())
        go_on.set()
        assert first.response().status == 200
        assert second.response().status == 200


def test_failures_give_their_places_back(exchange: Exchange) -> None:
    """Every kind of end, many more times than there are connections; then the pool still serves."""
    _, _, visitor = exchange(
        *[
            reset,
            close,
            half_a_head,
            b"garbage",
            b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
            answer(b"", then=Line.read_to_end),
        ]
        * 2,
        OK,
        max_connections=1,
        read_timeout=0.3,
        proxy={"limits": Limits(queue_wait=1)},
    )
    for _ in range(12):
        assert visitor.get().status in (502, 504)
    assert visitor.get().status == 200


HALVES = {
    "content_length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello",
    "last_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n",
    "chunk_size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n",
    "chunk_end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    "negative_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n-1\r\n\r\n",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
@pytest.mark.parametrize("end", [Line.reset, lambda line: None], ids=["reset", "close"])
def test_a_truncated_body_is_a_broken_transfer(
    exchange: Exchange, half: bytes, end: Callable[[Line], None], log: Callable[[], list[str]]
) -> None:
    go_on = threading.Event()

    def script(line: Line) -> None:
        line.read_head()
        line.send(half)
        assert go_on.wait(PATIENCE)
        end(line)

    _, gate, visitor = exchange(script, OK)
    visitor.send(request(b"/path?secret"))
    assert visitor.head()[0] == 200
    go_on.set()
    with pytest.raises(Broken):
        visitor.body(length=10 if b"Content-Length" in half else None)
    gate.settle()
    assert [entry.partition(": the upstream: ")[0] for entry in log()] == ["broken off for GET /path"]
    with gate.visit() as second:
        assert second.get().status == 200


@pytest.mark.parametrize("framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
def test_a_body_that_stalls_is_a_broken_transfer(exchange: Exchange, framing: bytes) -> None:
    begin = b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % framing + (b"5\r\nhello\r\n" if b"chunked" in framing else b"hello")
    origin, gate, visitor = exchange(answer(begin, then=Line.read_to_end), OK, read_timeout=0.3)
    visitor.send(request())
    assert visitor.head()[0] == 200
    with pytest.raises(Broken):
        visitor.exactly(100)
    # The upstream's connection is over as well.
    origin.wait_ended()
    with gate.visit() as second:
        assert second.get().status == 200


def test_an_upstream_with_an_untrusted_certificate_is_502(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tls: ssl.SSLContext, log: Callable[[], list[str]]
) -> None:
    origin = origins(OK, tls=tls)
    with gates(ReverseProxy(origin.url)).visit() as visitor:
        assert visitor.get().status == 502
    assert log() == ["502 for GET /: the upstream: TLS with it failed: CERTIFICATE_VERIFY_FAILED"]
    assert origin.heads == []


def test_an_upstream_that_speaks_tls_is_no_plain_one(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tls: ssl.SSLContext
) -> None:
    origin = origins(OK, tls=tls)
    with gates(ReverseProxy(origin.url.replace("https", "http"))).visit() as visitor:
        assert visitor.get().status == 502
