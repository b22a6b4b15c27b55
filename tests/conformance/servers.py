"""The adapters that stand behind real sockets."""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import uvicorn

from gatekeeper.middleware.asgi import ConsentMiddleware, Receive, Scope, Send
from gatekeeper.policy.document import Policy
from gatekeeper.proxy import ReverseProxy
from gatekeeper.wire.fields import FieldList
from tests.conformance.apps import AsgiCase, Recorder, WsgiCase, app_body, app_fields, observed
from tests.conformance.case import NOW, Case, Observed, fields_of, lines_of
from tests.proxy.origin import PATIENCE, Line, Origin


def ask(port: int, case: Case) -> tuple[int, FieldList, bytes]:
    """The case's request on a raw socket; the response as it stood on the wire."""
    lines = [b"%s %s HTTP/1.1" % (case.method.encode(), case.path.encode()), *lines_of(case.request_fields)]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        sock.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        octets = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = octets.partition(b"\r\n\r\n")
    first, *rest = head.split(b"\r\n")
    return int(first.split(b" ")[1]), fields_of(rest), body


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE * 12)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


class Uvicorn:
    """One uvicorn on a port, serving whatever ``app`` is at the moment."""

    def __init__(self) -> None:
        self.app: Any = None
        self.loop = LoopThread()
        config = uvicorn.Config(
            self._serve,
            host="127.0.0.1",
            port=0,
            interface="asgi3",
            http="httptools",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            access_log=False,
            log_config=None,
        )
        self._server = uvicorn.Server(config)
        self.port: int = self.loop.run(self._start())

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def _start(self) -> int:
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup()
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        for server in self._server.servers:
            server.close()
        for task in list(self._server.server_state.tasks):
            await asyncio.wait({task})

    def close(self) -> None:
        self.loop.run(self._stop())
        self.loop.close()


class AsgiServer:
    """(b) ConsentMiddleware under uvicorn."""

    name = "uvicorn"

    def __init__(self) -> None:
        self._uvicorn = Uvicorn()

    def exchange(self, case: Case, policy: Policy) -> Observed:
        app = AsgiCase(case, policy)
        self._uvicorn.app = app.middleware
        status, fields, body = ask(self._uvicorn.port, case)
        return observed(case, app.log, status, fields, app.seen, body)

    def close(self) -> None:
        self._uvicorn.close()


class Proxy:
    """(e) ConsentMiddleware(ReverseProxy(…)) under uvicorn, with an origin that sends raw octets."""

    name = "proxy"

    def __init__(self) -> None:
        self._answer = b""
        self._origin = Origin(self._script)
        self._uvicorn = Uvicorn()
        self._proxy = ReverseProxy(self._origin.url)

    def _script(self, line: Line) -> None:
        line.read_head()
        line.send(self._answer)

    def exchange(self, case: Case, policy: Policy) -> Observed:
        lines = [b"HTTP/1.1 %d Said" % case.status, *lines_of(app_fields(case)), b"Connection: close", b"", b""]
        self._answer = b"\r\n".join(lines) + app_body(case)
        self._origin.heads.clear()
        log = Recorder()
        middleware = ConsentMiddleware(self._proxy, policy, log=log, trusted_proxies=case.trusted_proxies)
        middleware.gatehouse.clock = lambda: NOW
        self._uvicorn.app = middleware
        status, fields, body = ask(self._uvicorn.port, case)
        seen = tuple((name.lower(), value) for name, value in fields_of(self._origin.lines[1:]))
        return observed(case, log, status, fields, seen, body)

    def close(self) -> None:
        self._uvicorn.loop.run(self._proxy.aclose())
        self._uvicorn.close()
        self._origin.close()


class _RequestHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


class _ThreadingServer(WSGIServer):
    """wsgiref's server with one thread for each connection, and no look-up of names."""

    def process_request(self, request: Any, client_address: Any) -> None:
        threading.Thread(target=self._serve, args=(request, client_address), daemon=True).start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()


class WsgiServer:
    """(d) WSGIConsentMiddleware under wsgiref's server, which joins Cookie lines with a comma."""

    name = "wsgiref"

    def __init__(self) -> None:
        self._app: Any = None
        self._server = make_server("127.0.0.1", 0, self._serve, _ThreadingServer, _RequestHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return self._app(environ, start_response)

    def exchange(self, case: Case, policy: Policy) -> Observed:
        app = WsgiCase(case, policy)
        self._app = app.application
        status, fields, body = ask(self._server.server_port, case)
        return observed(case, app.log, status, fields, app.seen, body)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.server_close()
