"""The app of a case, behind the middleware, and what is recorded of its exchange."""

import queue
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.validate import validator

from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.middleware.asgi import ConsentMiddleware, Receive, Scope, Send
from gatekeeper.middleware.wsgi import WSGIConsentMiddleware
from gatekeeper.policy.document import Policy
from gatekeeper.policy.verdict import Verdict
from gatekeeper.wire.fields import FieldList
from tests.conformance.case import NOW, Case, Observed, lines_of
from tests.proxy.origin import PATIENCE

BODY = b"ok"
# What the app or the server adds so that the message can be framed; no case is about them.
FRAMING = {b"connection", b"content-length", b"content-type", b"date", b"server", b"transfer-encoding"}


class Recorder:
    """Stands in for the log, and hands each finished exchange to the test."""

    def __init__(self) -> None:
        self.passes = False
        self.finished: queue.Queue[tuple[int | None, tuple[Verdict, ...], tuple[str, ...]]] = queue.Queue()

    def record(self, exchange: Exchange, status: int | None, site: str = "default") -> None:
        faults = () if exchange.fault is None else (type(exchange.fault).__name__,)
        self.finished.put((status, exchange.verdicts, faults))

    def recognised(self, site: str, format_id: str, cookie: bytes) -> None:
        pass

    def one(self) -> tuple[int | None, tuple[Verdict, ...], tuple[str, ...]]:
        """The only exchange that finished."""
        finished = self.finished.get(timeout=PATIENCE)
        assert self.finished.empty(), "recorded twice"
        return finished


def app_fields(case: Case) -> FieldList:
    """The app's answer, with its framing last."""
    if case.status in (204, 304):
        return case.response_fields
    framing = ((b"Content-Type", b"text/plain"), (b"Content-Length", b"%d" % len(BODY)))
    return (*case.response_fields, *framing)


def app_body(case: Case) -> bytes:
    return b"" if case.status in (204, 304) else BODY


def without_framing(fields: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    return lines_of([field for field in fields if field[0].lower() not in FRAMING])


def observed(
    case: Case, log: Recorder, status: int, fields: Iterable[tuple[bytes, bytes]], seen: FieldList, body: bytes
) -> Observed:
    """What a middleware's case came to."""
    recorded_status, verdicts, faults = log.one()
    assert recorded_status == status
    return Observed(status, without_framing(fields), seen, verdicts, faults, body)


class AsgiCase:
    """An ASGI app that answers as the case says, behind the middleware."""

    def __init__(self, case: Case, policy: Policy) -> None:
        self.case = case
        self.seen: FieldList = ()
        self.log = Recorder()
        self.middleware = ConsentMiddleware(self._app, policy, log=self.log, trusted_proxies=case.trusted_proxies)
        self.middleware.gatehouse.clock = lambda: NOW

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen = tuple((bytes(name).lower(), bytes(value)) for name, value in scope["headers"])
        await send({"type": "http.response.start", "status": self.case.status, "headers": list(app_fields(self.case))})
        await send({"type": "http.response.body", "body": app_body(self.case)})


class WsgiCase:
    """A WSGI app that answers as the case says, behind the middleware.

    ``wsgiref.validate`` stands on both sides, where its taste allows: it refuses control octets in what the app says.
    """

    def __init__(self, case: Case, policy: Policy) -> None:
        self.case = case
        self.seen: FieldList = ()
        self.log = Recorder()
        printable = all(octet >= 0x20 for _, value in case.response_fields for octet in value)
        inner = validator(self._app) if printable else self._app
        self.middleware = WSGIConsentMiddleware(inner, policy, log=self.log, trusted_proxies=case.trusted_proxies)
        self.middleware.gatehouse.clock = lambda: NOW
        self.application = validator(self.middleware) if printable else self.middleware

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.seen = tuple(
            (key.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode("latin-1"))
            for key, value in environ.items()
            if key.startswith("HTTP_")
        )
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in app_fields(self.case)]
        start_response(f"{self.case.status} Said", fields)
        return [app_body(self.case)]
