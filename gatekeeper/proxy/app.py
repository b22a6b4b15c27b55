"""ReverseProxy: a faithful HTTP intermediary as an ASGI app (RFC 9110 section 7.6).

One exchange, in the order in which it happens:

1. ``scope`` becomes the request for the upstream, or a refusal (``request``, ``forwarded``);
2. it is sent, its body streaming behind it (``visitor``, ``link``);
3. the response's head is checked and passed on (``response``), then its body, part by part.

Beside that runs the watch for a visitor who leaves, which ends the exchange at whatever step it is. A failure before
the head is one line of plain text with the status that says whose failure it is. A failure behind the head cannot be
told any more; it is raised, so that the server breaks the connection off and nobody takes a part for the whole. (To
an HTTP/1.0 visitor, and to no other, the end of a connection can look like the end of a body.)

What ASGI cannot carry is not passed on: interim responses (1xx), trailers, reason phrases, an answer of the
upstream's to ``Expect: 100-continue`` (the server gives it when the body is wanted), an upload's continuation beside
an answer that has begun.
"""

import asyncio
import contextlib
import dataclasses
import logging
import re
from collections.abc import Sequence

import anyio
import httpx

from gatekeeper.proxy.asgi import Receive, Scope, Send
from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.link import Link
from gatekeeper.proxy.request import Body, OutboundRequest, Refusal, outbound, too_large
from gatekeeper.proxy.response import inbound, short_answer
from gatekeeper.proxy.upstream import Upstream, UpstreamError, build_transport
from gatekeeper.proxy.visitor import Upload, Visitor, VisitorStalled
from gatekeeper.wire.fields import FieldList, values

_logger = logging.getLogger("gatekeeper.proxy")

_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


class ReverseProxy:
    """Passes every request on to one upstream and its answer back, as they are.

    ``trusted_proxies`` are the peers whose forwarding fields are believed (:mod:`gatekeeper.proxy.forwarded`).
    ``transport`` replaces the one that is built from ``upstream``; its settings for TLS are then its own. Raises
    :class:`~gatekeeper.errors.GatekeeperError` for settings that cannot be used. Call :meth:`aclose` where the
    server's lifespan does not reach this app, for instance below a Starlette ``Mount``.
    """

    def __init__(
        self,
        upstream: Upstream | str,
        *,
        trusted_proxies: Sequence[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self._upstream = Upstream(upstream) if isinstance(upstream, str) else upstream
        self._trusted = TrustedProxies(trusted_proxies)
        self._limits = limits
        self._link = Link(
            self._upstream, transport or build_transport(self._upstream), limits, reuses=transport is not None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # Copied at once: uvicorn appends trailers to the list while the body is being read.
            fields = tuple((bytes(name), bytes(value)) for name, value in scope["headers"])
            await self._exchange(scope, fields, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await _refuse_websocket(scope, receive, send)
        else:
            raise TypeError(f"no ASGI scope of this type is known here: {scope['type']}")

    def is_too_large(self, scope: Scope) -> bool:
        """Whether the request of this scope would be refused for the size of its head, whatever else it is."""
        return too_large(scope, scope["headers"], self._limits) is not None

    async def aclose(self) -> None:
        """Close the connections to the upstream."""
        await self._link.aclose()

    async def _exchange(self, scope: Scope, fields: FieldList, receive: Receive, send: Send) -> None:
        visitor = Visitor(receive, send, idle=self._limits.body_idle)
        request = outbound(scope, fields, upstream=self._upstream, trusted=self._trusted, limits=self._limits)
        # Not ``Task.cancel``: httpcore shields its cleaning up from a scope that is cancelled, from nothing else.
        cut = anyio.CancelScope()

        async def relay_until_cut() -> None:
            with cut:
                await self._answer(scope, fields, request, visitor)

        watch = asyncio.create_task(visitor.watch())
        relay = asyncio.create_task(relay_until_cut())
        # What it fails with after the visitor has left has nobody to be told to.
        relay.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            await asyncio.wait({relay, watch}, return_when=asyncio.FIRST_COMPLETED)
            gone = not relay.done()
        finally:
            watch.cancel()
            cut.cancel()
            await asyncio.wait({relay, watch})
        (watch if gone else relay).result()

    async def _answer(
        self, scope: Scope, fields: FieldList, request: OutboundRequest | Refusal, visitor: Visitor
    ) -> None:
        """The whole exchange; raises only when it breaks off behind the head."""
        retry_after = None
        try:
            if not isinstance(request, Refusal):
                return await self._relay(request, visitor)
            status, reason = request.status, request.reason
        except UpstreamError as error:
            status, reason, retry_after = error.status, f"the upstream: {error}", error.retry_after
            failure: Exception = error
        except VisitorStalled as error:
            status, reason = 408, str(error)
            failure = error
        if visitor.answered:
            _log(scope, "broken off", reason)
            raise failure
        _log(scope, str(status), reason)
        for message in short_answer(
            status,
            head_only=scope["method"] == "HEAD",
            retry_after=retry_after,
            close=_waits_for_continue(scope, fields) and not visitor.body_wanted,
        ):
            await visitor.send(message)
        return None

    async def _relay(self, request: OutboundRequest, visitor: Visitor) -> None:
        request, upload = await _with_body(request, visitor)
        answer = await self._link.ask(request, upload)
        try:
            fields = inbound(answer, limits=self._limits)
            visitor.no_body()
            await visitor.send({"type": "http.response.start", "status": answer.status, "headers": list(fields)})
            async with contextlib.aclosing(answer.body()) as parts:
                async for part in parts:
                    await visitor.send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            await answer.aclose()
        await visitor.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})


async def _with_body(request: OutboundRequest, visitor: Visitor) -> tuple[OutboundRequest, Upload]:
    """The request with its body; a request without one sends none, not even an empty one."""
    if request.body is Body.NONE:
        visitor.no_body()
        return request, Upload(None)
    if request.body is not Body.UNTOLD:
        return request, Upload(visitor)
    first, more = await visitor.first()
    if not first and not more:
        visitor.no_body()
        return request, Upload(None)
    chunked = (*request.fields, (b"Transfer-Encoding", b"chunked"))
    return dataclasses.replace(request, fields=chunked), Upload(visitor if more else None, first)


def _waits_for_continue(scope: Scope, fields: FieldList) -> bool:
    """Whether the visitor holds the body back until it is asked for it (RFC 9110 section 10.1.1).

    Then nobody can know whether the next octets are that body or another request, and the connection has to end.
    """
    expectations = (value.strip(b" \t").lower() for value in values(fields, b"expect"))
    return scope.get("http_version") == "1.1" and b"100-continue" in expectations


def _log(scope: Scope, outcome: str, reason: str) -> None:
    """One line, without a field's value and without the query: either may hold what identifies a visitor."""
    raw = scope.get("raw_path")
    path = str(scope.get("path", "")) if raw is None else bytes(raw).partition(b"?")[0].decode("latin-1")
    shown = _UNPRINTABLE.sub("?", path)[:200]
    level = logging.INFO if outcome.startswith("4") else logging.WARNING
    _logger.log(level, "%s for %s %s: %s", outcome, _UNPRINTABLE.sub("?", str(scope["method"])), shown, reason)


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """501 where the server can say so (the Websocket Denial Response extension), otherwise the handshake is refused."""
    await receive()
    if "websocket.http.response" in (scope.get("extensions") or {}):
        for message in short_answer(501, kind="websocket.http"):
            await send(message)
        return
    # RFC 6455 section 7.4.1, 1011: the server met a condition that keeps it from fulfilling the request. Before the
    # handshake is over a server turns this into an HTTP status of its own.
    await send({"type": "websocket.close", "code": 1011, "reason": "WebSockets do not pass this gate yet."})
