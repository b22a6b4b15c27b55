"""What the tests of both middlewares share: a policy, apps that do one thing, and calls without a server."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from wsgiref.util import setup_testing_defaults

from gatekeeper.middleware.asgi import ASGIApp, ConsentMiddleware, Message, Receive, Scope, Send
from gatekeeper.middleware.wsgi import WSGIApp, WSGIConsentMiddleware
from gatekeeper.policy.document import Policy
from tests.conformance.apps import Recorder
from tests.conformance.case import NOW, Case, fields_of

PATIENCE = 5.0


def policy(extra: str = "") -> Policy:
    """The policy of the conformance suite, with more tables."""
    return Case("", policy=extra).load()


# --- ASGI ------------------------------------------------------------------------------------------------------------


def asgi(app: ASGIApp, extra: str = "") -> tuple[ConsentMiddleware, Recorder]:
    """The app behind the middleware, with a stopped clock, and what is recorded."""
    log = Recorder()
    middleware = ConsentMiddleware(app, policy(extra), log=log)
    middleware.gatehouse.clock = lambda: NOW
    return middleware, log


def scope(*lines: bytes, kind: str = "http", **more: Any) -> Scope:
    """A scope with these field lines."""
    fields = [(name.lower(), value) for name, value in fields_of([b"host: shop.example.org", *lines])]
    base: Scope = {"type": kind, "asgi": {"version": "3.0"}, "path": "/", "query_string": b"", "headers": fields}
    if kind == "http":
        base |= {"method": "GET", "http_version": "1.1", "scheme": "http"}
    return base | more


async def nothing_more() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def call(app: ASGIApp, given: Scope, receive: Receive = nothing_more) -> list[Message]:
    """Everything that the app sends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(given, receive, send)
    return sent


def answering(*lines: bytes, status: int = 200) -> ASGIApp:
    """An app with these fields and a short body."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": list(fields_of(lines))})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


# --- WSGI ------------------------------------------------------------------------------------------------------------


def wsgi(app: WSGIApp, extra: str = "") -> tuple[WSGIConsentMiddleware, Recorder]:
    """The app behind the middleware, with a stopped clock, and what is recorded."""
    log = Recorder()
    middleware = WSGIConsentMiddleware(app, policy(extra), log=log)
    middleware.gatehouse.clock = lambda: NOW
    return middleware, log


def environ(cookies: str | None = None, **more: Any) -> dict[str, Any]:
    """An environ as servers make it."""
    made: dict[str, Any] = {"HTTP_HOST": "shop.example.org", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": ""}
    if cookies is not None:
        made["HTTP_COOKIE"] = cookies
    setup_testing_defaults(made)
    return made | {"wsgi.input": io.BytesIO()} | more


class Server:
    """As much of a WSGI server as PEP 3333 asks for: the head leaves with the first octets of the body."""

    def __init__(self) -> None:
        self.head: tuple[str, list[tuple[str, str]]] | None = None
        self.head_is_out = False
        self.body = b""
        self.exc_infos: list[Any] = []

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info:
            self.exc_infos.append(exc_info)
            if self.head_is_out:
                raise exc_info[1].with_traceback(exc_info[2])
        else:
            assert self.head is None, "start_response was called again without exc_info"
        self.head = (status, headers)
        return self.write

    def write(self, data: bytes) -> None:
        assert self.head is not None, "data before start_response"
        self.head_is_out = True
        self.body += data

    def serve(self, app: WSGIApp, given: dict[str, Any]) -> "Server":
        """One request, to its end."""
        result = app(given, self.start_response)
        try:
            for data in result:
                if data:
                    self.write(data)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        return self

    @property
    def set_cookies(self) -> list[str]:
        """What the visitor is told to store."""
        assert self.head is not None
        return [value for name, value in self.head[1] if name.lower() == "set-cookie"]


# --- a visitor who forgives everything -------------------------------------------------------------------------------


def stored_names(fields: Iterable[Sequence[bytes]]) -> set[bytes]:
    """Names of all cookies that the laxest recipient would find in these fields, written as a careless server would.

    It takes CR, LF and perhaps NUL for the end of a line, and trims a field-name of whatever is no letter.
    """
    head = b"".join(bytes(name) + b": " + bytes(value) + b"\r\n" for name, value in fields)
    found = set()
    for line in (*re.split(rb"[\r\n\x00]+", head), *re.split(rb"[\r\n]+", head)):
        name, colon, value = line.partition(b":")
        if colon and re.sub(rb"[^a-z0-9-]", b"", name.lower()) in (b"set-cookie", b"set-cookie2"):
            pair = value.partition(b";")[0]
            found.add(pair.partition(b"=")[0].strip(b": \t"))
    return found


# What an app may hand over in place of one honest field; each carries _ga to somebody, or is no field at all.
INJECTIONS: list[tuple[bytes, bytes]] = [
    (b"X-A", b"1\r\nSet-Cookie: _ga=1"),
    (b"X-A", b"1\nSet-Cookie: _ga=1"),
    (b"X-A", b"1\rSet-Cookie: _ga=1"),
    (b"X-A", b"1\x00Set-Cookie: _ga=1"),
    (b"X-A", b"1\r\n Set-Cookie: _ga=1"),
    (b"X-A", b"\nSet-Cookie: _ga=1"),
    (b"X-A", b"1\r\n\r\nSet-Cookie: _ga=1"),
    (b"Set-Cookie", b"sessionid=1\r\nSet-Cookie: _ga=1"),
    (b"Set-Cookie", b"sessionid=1\nSet-Cookie: _ga=1"),
    (b"Set-Cookie", b"sessionid=1\rSet-Cookie: _ga=1"),
    (b"Set-Cookie", b"sessionid=1\x00Set-Cookie: _ga=1"),
    (b"Set-Cookie ", b"_ga=1"),
    (b"Set-Cookie\t", b"_ga=1"),
    (b" Set-Cookie", b"_ga=1"),
    (b"Set-Cookie\x00", b"_ga=1"),
    (b"Set-Cookie:", b"_ga=1"),
    (b"Set-Cookie: _ga=1\r\nX-B", b"1"),
    (b"X-A: 1\r\nSet-Cookie", b"_ga=1"),
    (b"X-A: 1\nSet-Cookie", b"_ga=1"),
    (b"\r\nSet-Cookie", b"_ga=1"),
    (b"Set-Cookie\xa0", b"_ga=1"),
    (b"\xef\xbb\xbfSet-Cookie", b"_ga=1"),
    (b"", b"Set-Cookie: _ga=1"),
    (b"(Set-Cookie)", b"_ga=1"),
]
