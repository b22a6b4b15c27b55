"""Consent around any ASGI application. Pure ASGI: it streams, and touches only the messages that carry fields."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any

from gatekeeper.audit.log import Records
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.middleware.gatehouse import Gatehouse, answer, trailers
from gatekeeper.policy.document import Policy
from gatekeeper.wire.fields import FieldList, values
from gatekeeper.wire.peers import TrustedProxies

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# What an application sends with the fields of a response, and the status that it stands for where the message names
# none.
_HEADS = {"http.response.start": 200, "websocket.accept": 101, "websocket.http.response.start": 403}


class ConsentMiddleware:
    """``app = ConsentMiddleware(app, policy)``; ``log`` defaults to the logger ``gatekeeper.audit``.

    ``trusted_proxies`` are the addresses and networks (``"unix"`` for a unix socket) of those that may say, in the
    policy's region field, where a visitor is; raises :class:`GatekeeperError` for what is neither.

    Both halves of an exchange are covered for HTTP and for WebSocket handshakes. Other scopes (lifespan) pass
    untouched.
    """

    def __init__(
        self, app: ASGIApp, policy: Policy, *, log: Records | None = None, trusted_proxies: Iterable[str] = ()
    ) -> None:
        self.app = app
        self.gatehouse = Gatehouse(policy, log)
        self._trusted = TrustedProxies(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection scope (ASGI 3)."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = scope["headers"]
        fields = _field_list(given)
        exchange = self.gatehouse.begin(
            method=scope.get("method", "GET"),
            host=next(iter(values(fields, b"host")), b""),
            path=scope["path"],
            trusted=bool(self.gatehouse.region_fields) and self._trusted.peer(scope.get("client")).trusted,
        )
        inner = exchange.request(fields)
        if inner is not fields or not isinstance(given, Sequence):
            # The caller's own scope stays as it was; an iterator has been read to its end.
            scope = {**scope, "headers": list(inner)}
        responder = _Responder(exchange, send)
        try:
            await self.app(scope, receive, responder.send)
        finally:
            self.gatehouse.end(exchange, responder.status)


class _Responder:
    """One response on its way out."""

    __slots__ = ("_exchange", "_send", "status")

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self._exchange = exchange
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind in _HEADS:
            status = message.get("status")
            # One that is no number goes on as it is, to a server that may take it or not.
            self.status = answered = status if isinstance(status, int) else _HEADS[kind]
            message = {**message, "headers": self._judged(message.get("headers", ()), answered)}
        elif kind == "http.response.trailers":
            fields = trailers(self._exchange, _field_list(message.get("headers", ())))
            message = {**message, "headers": list(fields)}
        await self._send(message)

    def _judged(self, headers: Iterable[tuple[bytes, bytes]], status: int) -> list[tuple[bytes, bytes]]:
        return list(answer(self._exchange, status, _field_list(headers)))


def _field_list(headers: Iterable[Iterable[bytes]]) -> FieldList:
    # Servers and frameworks use lists, tuples and views of their own; octets are octets.
    return tuple((_octets(name), _octets(value)) for name, value in headers)


def _octets(octets: bytes) -> bytes:
    # bytes() alone would make five NULs of the number 5.
    return octets if type(octets) is bytes else bytes(memoryview(octets))
