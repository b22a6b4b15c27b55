"""Consent around any WSGI application (PEP 3333).

Strings in WSGI are octets in disguise (latin-1), so they are turned back into octets, judged, and disguised again. An
application may call ``start_response`` late, on the first iteration, or again with ``exc_info``: the judging happens in
each call, the recording when the server closes the iterable.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from types import TracebackType
from typing import Any, cast
from urllib.parse import quote

from gatekeeper.audit.log import Records
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.middleware.gatehouse import Gatehouse, answer
from gatekeeper.policy.document import Policy
from gatekeeper.wire.fields import values
from gatekeeper.wire.peers import TrustedProxies

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

# The request fields that an exchange looks at, by their names in the environ. A server has joined several Cookie lines
# with a comma or a semicolon already (RFC 3875 section 4.1.18); the gate's reading takes a comma for a boundary.
_FIELDS = {
    "HTTP_COOKIE": b"cookie",
    "HTTP_SEC_GPC": b"sec-gpc",
    "HTTP_DNT": b"dnt",
    "HTTP_SEC_FETCH_MODE": b"sec-fetch-mode",
    "HTTP_ACCEPT": b"accept",
}


class WSGIConsentMiddleware:
    """``application = WSGIConsentMiddleware(application, policy)``; ``log`` defaults to the logger
    ``gatekeeper.audit``.

    ``trusted_proxies`` are the addresses and networks (``"unix"`` for a unix socket) of those that may say, in the
    policy's region field, where a visitor is; raises :class:`GatekeeperError` for what is neither.
    """

    def __init__(
        self,
        application: WSGIApp,
        policy: Policy,
        *,
        log: Records | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        self.application = application
        self.gatehouse = Gatehouse(policy, log)
        self._trusted = TrustedProxies(trusted_proxies)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One request; the caller's environ stays as it was."""
        regional = self.gatehouse.region_fields
        exchange = self.gatehouse.begin(
            method=environ.get("REQUEST_METHOD", "GET"),
            host=_given(environ.get("HTTP_HOST") or environ.get("SERVER_NAME", ""))[0],
            path=_path(environ),
            trusted=bool(regional) and self._trusted.peer(_client(environ)).trusted,
        )
        fields = tuple((name, _given(environ[key])[0]) for key, name in _FIELDS.items() if key in environ)
        fields += tuple((name, _given(environ[key])[0]) for name in regional if (key := _key(name)) in environ)
        inner = exchange.request(fields)
        if inner is not fields:
            environ = {**environ}
            _, coding = _given(environ.pop("HTTP_COOKIE", ""))
            if kept := values(inner, b"cookie"):
                environ["HTTP_COOKIE"] = kept[0].decode(coding, "surrogatepass")
        start = _Start(exchange, start_response)
        try:
            body = self.application(environ, start)
            kind = _SizedBody if hasattr(body, "__len__") else _Body
            return kind(body, self.gatehouse, start)
        except BaseException:
            self.gatehouse.end(exchange, start.status)
            raise


class _Start:
    """A ``start_response`` that judges the fields it is given."""

    __slots__ = ("_start_response", "exchange", "status")

    def __init__(self, exchange: Exchange, start_response: StartResponse) -> None:
        self.exchange = exchange
        self.status: int | None = None
        self._start_response = start_response

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Write:
        before = self.status, self.exchange.outcomes[:]
        if self.status is not None:
            # A second call replaces the first one's fields, and so its verdicts.
            self.exchange.outcomes[:] = [one for one in self.exchange.outcomes if one[0].direction.value == "request"]
        code = status[:3]
        self.status = int(code) if code.isascii() and code.isdigit() else 200
        fields = tuple((_octets(name), _octets(value)) for name, value in headers)
        judged = answer(self.exchange, self.status, fields)
        shown = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in judged]
        try:
            return self._start_response(status, shown, exc_info) if exc_info else self._start_response(status, shown)
        except BaseException:
            # The first head was out already: that is what the visitor saw.
            self.status, self.exchange.outcomes[:] = before
            raise


class _Body:
    """The application's iterable, recorded when it is closed."""

    def __init__(self, body: Iterable[bytes], gatehouse: Gatehouse, start: _Start) -> None:
        self._body = body
        self._gatehouse = gatehouse
        self._start = start
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Called by the server, whatever became of the response."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            if not self._ended:
                self._ended = True
                self._gatehouse.end(self._start.exchange, self._start.status)


class _SizedBody(_Body):
    """One with a length, which servers look at: of the only part of a body they make a Content-Length."""

    def __len__(self) -> int:
        return len(cast("Sized", self._body))


def _key(name: bytes) -> str:
    """Where a request field stands in the environ."""
    return "HTTP_" + name.decode("ascii").upper().replace("-", "_")


def _client(environ: Environ) -> tuple[str] | None:
    address = environ.get("REMOTE_ADDR", "")
    return (address,) if address else None


def _octets(text: str) -> bytes:
    return text.encode("latin-1")


def _given(text: str) -> tuple[bytes, str]:
    """The octets of a server's string, and the coding to disguise them in again.

    A server that hands over other text than PEP 3333 allows must break no page.
    """
    try:
        return text.encode("latin-1"), "latin-1"
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass"), "utf-8"


def _path(environ: Environ) -> str:
    path, _ = _given(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
    try:
        return path.decode("utf-8") or "/"
    except UnicodeDecodeError:
        return quote(path)
