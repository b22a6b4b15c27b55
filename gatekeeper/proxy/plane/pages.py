"""Gatekeeper's own pages: an ASGI app asked from here, its answer written as one.

They are few and small, so they are held whole: nothing of the plane's streaming is repeated for them.
"""

import http
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from gatekeeper.proxy.asgi import Message, Receive, Scope, Send
from gatekeeper.proxy.plane.answers import short_answer
from gatekeeper.proxy.plane.request import Request

_logger = logging.getLogger("gatekeeper.proxy")
Reply = Callable[[Request, bytes, bool], None]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


async def serve_page(app: ASGIApp, request: Request, *, scheme: bytes, reply: Reply) -> None:
    """Asks the app and replies with the request, the octets of its answer, and whether the connection may stay open."""
    persists = request.fields.keep_alive and request.minor == 1 and not request.fields.length
    try:
        octets = await _ask(app, request, scheme, persists)
    except Exception:
        _logger.exception("a page of Gatekeeper's own failed")
        octets = short_answer(500, head_only=request.method == b"HEAD", close=not persists)
    reply(request, octets, persists)


async def _ask(app: ASGIApp, request: Request, scheme: bytes, persists: bool) -> bytes:
    path, _, query = request.target.partition(b"?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method.decode("ascii"),
        "scheme": scheme.decode("ascii"),
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": _headers(request),
        "server": None,
        "client": None,
    }
    start: Message = {}
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            parts.append(bytes(message.get("body", b"")))

    await app(scope, receive, send)
    status = int(start["status"])
    phrase = http.HTTPStatus(status).phrase.encode("ascii")
    lines = [b"HTTP/1.1 %d %b" % (status, phrase)]
    body = b"".join(parts)
    lines += [b"%b: %b" % (name.title(), value) for name, value in start["headers"] if name != b"content-length"]
    if status not in (204, 304):
        lines.append(b"Content-Length: %d" % len(body))
    if not persists:
        lines.append(b"Connection: close")
    return b"\r\n".join([*lines, b"", b""]) + (b"" if request.method == b"HEAD" or status in (204, 304) else body)


def _headers(request: Request) -> list[tuple[bytes, bytes]]:
    """The fields, with the Host that the visitor asked for; the lines may have the one that the upstream is to see."""
    host = request.fields.host
    fields = [field for field in map(_field, request.fields.lines) if field[0] != b"host"]
    return fields if host is None else [(b"host", host), *fields]


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")
