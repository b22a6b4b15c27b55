"""Every way in which an exchange reaches the gate, each as a function of a case.

An adapter puts the case's app behind the gate, sends the case's request as its kind of server would, and says what the
visitor got, what the app saw and which verdicts were recorded. None of them judges anything.
"""

import asyncio
import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from wsgiref.util import setup_testing_defaults

from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.gates import Gates
from gatekeeper.middleware.asgi import Message
from gatekeeper.policy.document import Policy
from tests.conformance.apps import AsgiCase, WsgiCase, app_body, app_fields, observed, without_framing
from tests.conformance.case import NOW, Case, Observed
from tests.conformance.plane import DataPlane
from tests.conformance.servers import AsgiServer, Proxy, WsgiServer


class Adapter(Protocol):
    """What the suite asks of each."""

    name: str

    def exchange(self, case: Case, policy: Policy) -> Observed: ...


class BareExchange:
    """(f) The core, with nothing round it."""

    name = "exchange"

    def exchange(self, case: Case, policy: Policy) -> Observed:
        exchange = Exchange(Gates(Gate(policy)).of(case.host), case.method, case.host, case.path, NOW, case.trusted)
        seen = exchange.request(case.request_fields)
        fields = exchange.response(case.status, app_fields(case))
        faults = () if exchange.fault is None else (type(exchange.fault).__name__,)
        shown = tuple((name.lower(), value) for name, value in seen)
        return Observed(case.status, without_framing(fields), shown, exchange.verdicts, faults, app_body(case))


class AsgiDirect:
    """(a) ConsentMiddleware, called directly."""

    name = "asgi"

    def exchange(self, case: Case, policy: Policy) -> Observed:
        app = AsgiCase(case, policy)
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": case.method,
            "scheme": "http",
            "path": case.path,
            "raw_path": case.path.encode(),
            "query_string": b"",
            "client": ("127.0.0.1", 50000),
            "headers": [(name.lower(), value) for name, value in case.request_fields],
        }
        asyncio.run(app.middleware(scope, receive, send))
        start, *rest = sent
        body = b"".join(message["body"] for message in rest)
        return observed(case, app.log, start["status"], start["headers"], app.seen, body)


class WsgiDirect:
    """(c) WSGIConsentMiddleware, called directly; joins Cookie lines with a semicolon, as nginx and mod_wsgi do."""

    name = "wsgi"

    def exchange(self, case: Case, policy: Policy) -> Observed:
        app = WsgiCase(case, policy)
        environ: dict[str, Any] = {}
        for name, value in case.request_fields:
            key = "HTTP_" + name.decode().replace("-", "_").upper()
            text = value.decode("latin-1")
            environ[key] = environ[key] + "; " + text if key in environ else text
        environ |= {"REQUEST_METHOD": case.method, "SCRIPT_NAME": "", "PATH_INFO": case.path, "QUERY_STRING": ""}
        environ["REMOTE_ADDR"] = "127.0.0.1"
        setup_testing_defaults(environ)
        environ["wsgi.input"] = io.BytesIO()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            started.append((status, headers))
            return lambda data: None

        iterable = app.application(environ, start_response)
        body = b"".join(iterable)
        iterable.close()
        ((status, headers),) = started
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return observed(case, app.log, int(status[:3]), fields, app.seen, body)


ADAPTERS: dict[str, Callable[[], Adapter]] = {
    kind.name: kind for kind in (BareExchange, AsgiDirect, AsgiServer, WsgiDirect, WsgiServer, Proxy, DataPlane)
}


@contextlib.contextmanager
def opened(name: str) -> Iterator[Adapter]:
    """An adapter, closed at the end where it holds sockets."""
    adapter = ADAPTERS[name]()
    try:
        yield adapter
    finally:
        close = getattr(adapter, "close", None)
        if close is not None:
            close()
