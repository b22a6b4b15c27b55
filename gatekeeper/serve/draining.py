"""uvicorn's server as this program runs it: which connections it takes in, and how it ends."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from typing import Any, cast

import uvicorn

from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.serve.entrance import ProtocolFactory, Reception
from gatekeeper.serve.protocol import visitor
from gatekeeper.serve.shares import Counted, Share
from gatekeeper.serve.tls import VisitorTls
from gatekeeper.settings import Server, Settings

_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Entrance:
    """The socket that listens, and what comes first on each of its connections."""

    listener: socket.socket
    server: Server
    tls: VisitorTls | None
    share: Share | None = None  # of a worker among several

    def open(self, factory: ProtocolFactory, connections: Collection[object]) -> Reception:
        """Takes connections in from now on, besides these."""
        return Reception(
            self.listener,
            factory,
            patience=self.server.head_timeout,
            announced_by=TrustedProxies(self.server.trusted_proxies) if self.server.proxy_protocol else None,
            tls=self.tls.context if self.tls else None,
            share=self.share,
            connections=connections,
        )


def configured(app: Any, settings: Settings) -> uvicorn.Config:
    """What uvicorn is told, which is mostly to leave things alone."""
    return uvicorn.Config(
        app,
        workers=1,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=cast("type[asyncio.Protocol]", visitor),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        # The visitor gets the app's own Date and Server, and no other; the proxy decides whom to believe about
        # addresses.
        date_header=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=settings.server.idle_timeout,
        timeout_graceful_shutdown=settings.server.drain,
    )


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which says when it is ready, and leaves with exit code 0 after a drain instead of raising the
    signal again. ``leave`` is called when nobody is taken in any more.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        entrance: Entrance,
        *,
        ready: Callable[[], None],
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        if entrance.share is not None:
            self.server_state.connections = Counted(entrance.share)
        self._entrance = entrance
        self._ready = ready
        self._leave = leave

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """With no sockets of its own: what comes in is the entrance's business."""
        await super().startup(sockets=[])
        self.servers: list[Any] = [self._entrance.open(self._protocol, self.server_state.connections)]
        self._ready()

    def _protocol(self) -> asyncio.BaseProtocol:
        return self.config.http_protocol_class(
            config=self.config,  # type: ignore[call-arg]
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leave()
        # Who is half in would not be told of the end.
        for server in self.servers:
            server.close()
            await server.wait_closed()
        await super().shutdown(sockets=[self._entrance.listener])

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
