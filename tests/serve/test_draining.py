"""How the server ends: nobody is taken in without being told."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from gatekeeper.serve.draining import DrainingServer, Entrance
from gatekeeper.settings import Server

DRAIN = 600  # seconds


class Idle(asyncio.Protocol):
    """A connection without an exchange, which ends when it is told to."""

    def __init__(self, server_state: ServerState, **_: Any) -> None:
        self._connections = server_state.connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(cast("Any", self))

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(cast("Any", self))

    def shutdown(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def _app(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """The lifespan."""
    for what in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{what}.complete"})


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_who_comes_in_the_very_turn_in_which_it_ends_is_told_of_it(listener: socket.socket) -> None:
    visitor = socket.create_connection(listener.getsockname(), timeout=5)

    def leave() -> None:
        server.servers[0]._offered()

    config = uvicorn.Config(
        _app,
        http=cast("Any", Idle),
        ws="none",
        lifespan="on",
        log_config=None,
        timeout_graceful_shutdown=DRAIN,
    )
    server = DrainingServer(config, Entrance(listener, Server(), None), ready=lambda: None, leave=leave)
    server.should_exit = True

    async def play() -> bool:
        serving = asyncio.create_task(server.serve())
        done, _ = await asyncio.wait({serving}, timeout=5)
        visitor.close()
        await serving
        return bool(done)

    assert uvloop.run(play()), "it waited for a connection that was not told"
