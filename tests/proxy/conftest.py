"""The gate on real sockets: uvicorn's own protocol class (httptools) on uvloop, one loop in a thread for all tests."""

import asyncio
import contextlib
import logging
import ssl
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
import uvloop

from gatekeeper.proxy import ReverseProxy, Upstream
from tests.proxy.origin import PATIENCE, Origin, Script
from tests.proxy.visitor import Visitor

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread; what is left in it at the end is a fault."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self.complaints: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda loop, context: self.complaints.append(context))
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE * 12)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()


@pytest.fixture(scope="session")
def session_loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def loop(session_loop: LoopThread) -> Iterator[LoopThread]:
    """The loop, which must have nothing to complain of after the test: no lost exception, no unclosed task."""
    session_loop.complaints.clear()
    yield session_loop
    assert session_loop.complaints == []


class Gate:
    """One ASGI app under uvicorn's protocol class on a port of its own."""

    def __init__(self, app: Any, loop: LoopThread, **settings: Any) -> None:
        self.app = app
        self._loop = loop
        defaults: dict[str, Any] = {
            "http": "httptools",
            "loop": "uvloop",
            "lifespan": "off",
            "proxy_headers": False,
            "server_header": False,
            "date_header": False,
            "access_log": False,
            "log_config": None,
            "host": "127.0.0.1",
            "port": 0,
        }
        self._server = uvicorn.Server(uvicorn.Config(app, **(defaults | settings)))
        self.port: int = loop.run(self._start())

    async def _start(self) -> int:
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup()
        sockets = self._server.servers[0].sockets
        return 0 if self._server.config.uds else int(sockets[0].getsockname()[1])

    def visit(self) -> Visitor:
        return Visitor(self.port)

    async def tasks_of_requests(self) -> None:
        """Wait until no request is being served."""
        async with asyncio.timeout(PATIENCE):
            while self._server.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.005)

    def settle(self) -> None:
        self._loop.run(self.tasks_of_requests())

    def close(self) -> None:
        self._loop.run(self._close())

    async def _close(self) -> None:
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()
        await self.tasks_of_requests()
        await self._server.lifespan.shutdown()
        if isinstance(self.app, ReverseProxy):
            await self.app.aclose()


@pytest.fixture
def gates(loop: LoopThread) -> Iterator[Callable[..., Gate]]:
    """Puts an ASGI app behind a port."""
    with contextlib.ExitStack() as stack:

        def build(app: Any, **settings: Any) -> Gate:
            gate = Gate(app, loop, **settings)
            stack.callback(gate.close)
            return gate

        yield build


@pytest.fixture
def origins() -> Iterator[Callable[..., Origin]]:
    """Starts raw origins."""
    with contextlib.ExitStack() as stack:

        def build(*scripts: Script | bytes, **settings: Any) -> Origin:
            origin = Origin(*scripts, **settings)
            stack.callback(origin.close)
            return origin

        yield build


@pytest.fixture
def exchange(
    origins: Callable[..., Origin], gates: Callable[..., Gate]
) -> Iterator[Callable[..., tuple[Origin, Gate, Visitor]]]:
    """An origin with these scripts, the gate before it, and a visitor connected to the gate.

    Keywords are the settings of the upstream; ``proxy`` those of ReverseProxy.
    """
    with contextlib.ExitStack() as stack:

        def build(
            *scripts: Script | bytes, proxy: dict[str, Any] | None = None, path: str = "", **upstream: Any
        ) -> tuple[Origin, Gate, Visitor]:
            origin = origins(*scripts)
            gate = gates(ReverseProxy(Upstream(origin.url + path, **upstream), **(proxy or {})))
            visitor = stack.enter_context(gate.visit())
            return origin, gate, visitor

        yield build


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that only itself vouches for, with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "origin.pem"
    key = path.with_suffix(".key")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext"
    subprocess.run(
        [*command.split(), "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", path], check=True, capture_output=True
    )
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """What an origin needs to speak TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The lines that the proxy has logged."""
    caplog.set_level(logging.INFO, logger="gatekeeper.proxy")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "gatekeeper.proxy"]
