"""A visitor who leaves takes the upstream exchange along, at whatever step it is."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gatekeeper.proxy import Limits, ReverseProxy, Upstream, UpstreamError
from tests.proxy.conftest import Gate, LoopThread
from tests.proxy.origin import OK, PATIENCE, Line, Origin, answer
from tests.proxy.visitor import Visitor, request

Exchange = Callable[..., Any]


def leave(visitor: Visitor) -> None:
    visitor.sock.shutdown(socket.SHUT_RDWR)
    visitor.close()


def vanish(visitor: Visitor) -> None:
    visitor.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visitor.close()


@pytest.mark.parametrize("go", [leave, vanish])
def test_leaving_before_the_head_ends_the_upstream_connection(
    exchange: Exchange, go: Callable[[Visitor], None]
) -> None:
    origin, gate, visitor = exchange(answer(b"", then=Line.read_to_end), OK, max_connections=1)
    visitor.send(request())
    origin.wait_heads()
    go(visitor)
    origin.wait_ended()
    with gate.visit() as second:
        assert second.get().status == 200


@pytest.mark.parametrize("go", [leave, vanish])
def test_leaving_while_the_response_pauses_ends_the_upstream_connection(
    exchange: Exchange, go: Callable[[Visitor], None]
) -> None:
    begin = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    origin, gate, visitor = exchange(answer(begin, then=Line.read_to_end), OK, max_connections=1)
    visitor.send(request())
    assert visitor.head()[0] == 200
    assert visitor.chunk() == b"hello"
    go(visitor)
    origin.wait_ended()
    with gate.visit() as second:
        assert second.get().status == 200


def test_leaving_while_the_response_pours_ends_the_upstream_connection(exchange: Exchange) -> None:
    def pour(line: Line) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        line.send_until_refused(b"x" * 65536)

    origin, gate, visitor = exchange(pour, OK, max_connections=1)
    visitor.send(request())
    assert visitor.head()[0] == 200
    visitor.exactly(100_000)
    leave(visitor)
    origin.wait_ended()
    with gate.visit() as second:
        assert second.get().status == 200


@pytest.mark.parametrize("go", [leave, vanish])
def test_leaving_in_an_upload_ends_the_upstream_connection_without_an_end_of_the_body(
    exchange: Exchange, go: Callable[[Visitor], None]
) -> None:
    bodies = []

    def script(line: Line) -> None:
        line.read_head()
        bodies.append(line.read_until(b"hello\r\n"))
        arrived.set()
        bodies.append(line.read_to_end())

    arrived = threading.Event()
    origin, gate, visitor = exchange(script, OK, max_connections=1)
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST", body=b"5\r\nhello\r\n"))
    assert arrived.wait(PATIENCE)
    go(visitor)
    origin.wait_ended()
    # A last chunk here would make the upstream take a part for the whole.
    assert bodies == [b"5\r\nhello\r\n", b""]
    with gate.visit() as second:
        assert second.get().status == 200


def test_leaving_in_the_queue_leaves_the_queue(exchange: Exchange) -> None:
    go_on = threading.Event()

    def slow(line: Line) -> None:
        line.read_head()
        assert go_on.wait(PATIENCE)
        line.send(OK)

    origin, gate, first = exchange(slow, OK, max_connections=1)
    first.send(request())
    origin.wait_heads()
    for _ in range(5):
        with gate.visit() as second:
            second.send(request(b"/left"))
    go_on.set()
    assert first.response().status == 200
    assert first.get(b"/next").status == 200
    gate.settle()
    assert not any(b"/left" in head for head in origin.heads[2:])


def test_leaving_during_the_handshake_holds_no_connection_longer_than_that(
    origins: Callable[..., Origin], gates: Callable[..., Gate]
) -> None:
    """httpcore is not cancelled there (it would keep the connection for ever), but gives up at its next step."""
    origin = origins(lambda line: line.read_to_end())
    app = ReverseProxy(
        Upstream(origin.url.replace("http", "https"), connect_timeout=0.2, max_connections=1),
        limits=Limits(queue_wait=3),
    )
    gate = gates(app)
    visitor = gate.visit()
    visitor.send(request())
    origin.wait_connections()
    leave(visitor)
    origin.wait_ended()
    # The place is free again.
    with gate.visit() as second:
        assert second.get().status == 504


class Counting(httpx.AsyncHTTPTransport):
    """Knows what its pool still held when it was closed."""

    left: int | None = None

    async def aclose(self) -> None:
        self.left = len(self._pool.connections)
        await super().aclose()


async def leave_after_turns(app: ReverseProxy, turns: int) -> None:
    """One exchange whose visitor leaves after so many turns of the event loop."""
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"a")], "http_version": "1.1"}
    task = asyncio.ensure_future(app(scope, receive, send))
    for _ in range(turns):
        await asyncio.sleep(0)
    gone.set()
    await task


def test_leaving_amid_failures_leaves_nothing_behind(origins: Callable[..., Origin], loop: LoopThread) -> None:
    """Many at a time, each cut at another step, while the upstream fails in every manner and deadlines pass."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"
    garbage, cut, bad_chunk = b"garbage", head + b"x", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"
    origin = origins(*[OK, head + b"x" * 300_000, garbage, cut, bad_chunk] * 200)
    transport = Counting(trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=2))
    upstream = Upstream(origin.url, max_connections=8, read_timeout=0.004)
    app = ReverseProxy(upstream, transport=transport)

    async def visitor(number: int) -> None:
        for turns in range(number, 600, 16):
            with contextlib.suppress(UpstreamError):
                await leave_after_turns(app, turns % 150)

    async def scenario() -> None:
        await asyncio.gather(*[visitor(number) for number in range(16)])
        await app.aclose()

    loop.run(scenario())
    assert transport.left is not None
    assert transport.left <= 2


@pytest.mark.parametrize("kept", [0, 2])
def test_leaving_at_any_step_leaves_nothing_behind(origins: Callable[..., Origin], loop: LoopThread, kept: int) -> None:
    origin = origins(OK)
    transport = Counting(trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=kept))
    app = ReverseProxy(Upstream(origin.url, max_connections=2), transport=transport, limits=Limits(queue_wait=1))

    async def scenario() -> None:
        for turns in range(200):
            await leave_after_turns(app, turns % 100)
        await app.aclose()

    loop.run(scenario())
    assert transport.left is not None
    assert transport.left <= kept
