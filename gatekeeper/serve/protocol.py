"""The data plane's visitors as uvicorn makes them: ``uvicorn.Config(http=HttpProtocol)``.

uvicorn keeps what it is good at: sockets, TLS, signals, workers, the loop and the drain. It never sees a request.
"""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from gatekeeper.proxy.plane.visitor import Visitor


class HttpProtocol(Visitor):
    """A visitor of the assembled plane, with the signature that uvicorn calls."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        plane = config.loaded_app.assembled.plane
        super().__init__(plane, server_state.connections, server_state.tasks)
