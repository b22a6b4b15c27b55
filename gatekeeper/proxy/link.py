"""Asking the upstream: a bounded number of exchanges, a total deadline for each head, at most one repetition.

Why an exchange is a task of its own
------------------------------------
A visitor who leaves cancels the exchange, and httpcore does not survive that everywhere. While it sends and receives it
closes the connection, provided that a cancel scope of anyio's is what is cancelled: from ``Task.cancel`` its cleaning
up is not shielded. Before it has begun to send (a place in the pool, a lock, the end of a handshake) a cancelled
request leaves a connection in the pool that nobody uses and nobody closes. Whoever connects and leaves often enough
would fill the process with them. So the task that is inside the transport is cancelled only once it sends; before that
it is told to give up at its next step, which is at the latest when the time for connecting is over. httpx's ``trace``
extension says which step it is at.
"""

import asyncio
import contextlib
import functools
import math
import select
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import anyio
import httpx

from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.request import OutboundRequest
from gatekeeper.proxy.upstream import TRANSPORT_FAILURES, Upstream, UpstreamError, upstream_error
from gatekeeper.proxy.visitor import Upload
from gatekeeper.wire.fields import FieldList

# RFC 9110 section 9.2.1. PUT and DELETE are idempotent too, but an app that fails in the middle of one is best not
# asked again by a machine.
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Answer:
    """The upstream's response: the head as it came, the body to be read. It holds a connection until it is closed."""

    def __init__(self, response: httpx.Response, release: Callable[[], None]) -> None:
        self._response = response
        self._release = release
        self.status = response.status_code
        # ``raw`` is the only view of httpx's that joins no lines and decodes nothing.
        self.fields: FieldList = tuple(response.headers.raw)
        self.http_version = bytes(response.extensions.get("http_version", b"HTTP/1.1"))

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, no content coding undone; raises :class:`UpstreamError` where it breaks off."""
        stream = self._response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("the transport answered with a stream that is not asynchronous")
        try:
            # Not ``aiter_raw``, which closes the response by itself: :meth:`aclose` alone does.
            async for chunk in stream:
                yield chunk
        except TRANSPORT_FAILURES as error:
            raise upstream_error(error) from None

    async def aclose(self) -> None:
        """Give the connection back; one whose response was not read to its end is closed. May be called again."""
        release, self._release = self._release, _nothing
        try:
            with contextlib.suppress(*TRANSPORT_FAILURES):
                await self._response.aclose()
        finally:
            release()


def _nothing() -> None: ...


class Link:
    """One upstream behind one transport. Needs no event loop before its first request."""

    def __init__(
        self, upstream: Upstream, transport: httpx.AsyncBaseTransport, limits: Limits, *, reuses: bool
    ) -> None:
        self.transport = transport
        self.upstream = upstream
        # RFC 9112 section 9.6: who keeps no connection has to say so.
        self.connection_fields: FieldList = () if reuses else ((b"Connection", b"close"),)
        self._limits = limits
        self._places = asyncio.Semaphore(upstream.max_connections)
        self._abandoned: set[asyncio.Task[None]] = set()

    async def ask(self, request: OutboundRequest, upload: Upload) -> Answer:
        """The upstream's answer, which the caller closes; raises :class:`UpstreamError`, and what ``upload`` raises."""
        errand = _Errand(self, request, upload)
        task = asyncio.create_task(errand.run())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            errand.give_up()
            burial = asyncio.create_task(_bury(task))
            self._abandoned.add(burial)
            burial.add_done_callback(self._abandoned.discard)
            raise

    async def place(self) -> None:
        """Wait for one of the upstream's connections; raises :class:`UpstreamError` with 503."""
        try:
            with anyio.fail_after(self._limits.queue_wait):
                await self._places.acquire()
        except TimeoutError:
            text = f"all {self.upstream.max_connections} connections to it are busy"
            raise UpstreamError(text, status=503, retry_after=1) from None

    def release(self) -> None:
        """Give back what :meth:`place` gave."""
        self._places.release()

    async def aclose(self) -> None:
        """Close every connection, after the exchanges whose visitors have left (at most the time for connecting)."""
        if self._abandoned:
            await asyncio.wait(self._abandoned)
        await self.transport.aclose()


async def _bury(task: asyncio.Task[Answer]) -> None:
    """Close the answer that comes for a visitor who has left; whatever fails now has nobody to be told to."""
    await asyncio.wait({task})
    if not task.cancelled() and task.exception() is None:
        await task.result().aclose()


def _is_ended(sock: socket.socket) -> bool:
    """Whether the other side has said its last octet, be it read already or not; where the system cannot tell, no."""
    if not hasattr(select, "POLLRDHUP") or sock.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))


class _GivenUpError(Exception):
    """Raised inside the transport, at the first step at which it cleans up after itself."""


class _Errand:
    """The task inside the transport, on behalf of one exchange."""

    def __init__(self, link: Link, request: OutboundRequest, upload: Upload) -> None:
        self._link = link
        self._request = request
        self._upload = upload
        self._cut = anyio.CancelScope()
        # Only this transport is known to leave connections behind, and to tell its steps.
        self._guarded = isinstance(link.transport, httpx.AsyncHTTPTransport)
        self._fragile = False
        self._given_up = False
        self._connected_anew = False

    def give_up(self) -> None:
        """End the task as soon as that is safe."""
        self._given_up = True
        if not self._fragile:
            self._cut.cancel()

    async def run(self) -> Answer:
        with self._cut:
            await self._link.place()
            try:
                response = await self._send_and_repeat()
            except BaseException:
                self._link.release()
                raise
            return Answer(response, self._link.release)
        if self._given_up:
            raise _GivenUpError
        raise UpstreamError("it did not send the whole head of its answer in time", status=504)

    async def _send_and_repeat(self) -> httpx.Response:
        """A connection that was re-used may have been closed by the upstream while the request was under way to it.

        RFC 9110 section 9.2.2 allows to repeat what is safe to repeat; a new connection that fails is no such case.
        """
        try:
            return await self._send()
        except (httpx.RemoteProtocolError, httpx.NetworkError) as error:
            if not self._may_be_stale():
                raise upstream_error(error) from None
        except TRANSPORT_FAILURES as error:
            raise upstream_error(error) from None
        try:
            return await self._send()
        except TRANSPORT_FAILURES as error:
            raise upstream_error(error) from None

    def _may_be_stale(self) -> bool:
        return (
            self._guarded and not self._connected_anew and self._request.method in _REPEATABLE and self._upload.is_empty
        )

    async def _send(self) -> httpx.Response:
        self._fragile = self._guarded
        self._connected_anew = False
        self._cut.deadline = math.inf
        try:
            return await self._link.transport.handle_async_request(self._httpx_request())
        finally:
            self._fragile = False

    def _httpx_request(self) -> httpx.Request:
        upstream = self._link.upstream
        timeouts = {
            "connect": upstream.connect_timeout,
            "read": upstream.read_timeout,
            "write": upstream.read_timeout,
            "pool": None,
        }
        request = httpx.Request(
            self._request.method,
            upstream.origin,
            headers=[*self._request.fields, *self._link.connection_fields],
            # With ``stream`` httpx adds no field of its own; with ``content`` it would.
            stream=self._upload,
            # ``target`` goes out as it is; the URL is only where to connect to.
            extensions={"target": self._request.target, "timeout": timeouts, "trace": self._observe},
        )
        # httpx writes methods in upper case; they are case-sensitive (RFC 9110 section 9.1).
        request.method = self._request.method
        return request

    async def _observe(self, step: str, info: Mapping[str, Any]) -> None:
        if step.startswith("connection.connect_"):
            self._connected_anew = True
            if step.endswith(".complete"):
                sock = info["return_value"].get_extra_info("socket")
                self._upload.unheard = functools.partial(_is_ended, sock)
        elif step == "http11.send_request_headers.started":
            self._fragile = False
            if self._given_up:
                raise _GivenUpError
        elif step == "http11.receive_response_headers.started":
            # httpx's own time limit starts anew with every octet, and a drip would hold the exchange for ever.
            self._cut.deadline = anyio.current_time() + self._link.upstream.read_timeout
