"""The data plane's visitors as uvicorn makes them: ``uvicorn.Config(http=visitor)``.

uvicorn keeps what it is good at: sockets, TLS, signals, workers, the loop and the drain. It never sees a request.
"""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from gatekeeper.proxy.plane.visitor import Visitor


def visitor(
    config: uvicorn.Config,
    server_state: ServerState,
    app_state: dict[str, Any],
    _loop: asyncio.AbstractEventLoop | None = None,
) -> Visitor:
    """A visitor of the assembled plane, made as uvicorn makes a protocol."""
    plane = config.loaded_app.assembled.plane
    return Visitor(plane, server_state.connections, server_state.tasks)
