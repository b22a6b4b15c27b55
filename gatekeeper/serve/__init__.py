"""``gatekeeper run``: sockets, uvicorn, signals, reload, drain.

One process serves by itself (:mod:`single`); of several, the first only watches over the others (:mod:`workers`).
"""

import signal
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from gatekeeper.assembly import own_logger
from gatekeeper.serve.launch import Launch
from gatekeeper.serve.listen import Listener
from gatekeeper.serve.protocol import HttpProtocol
from gatekeeper.serve.single import DrainingServer, Single
from gatekeeper.serve.tell import describe, not_enforced
from gatekeeper.serve.workers import LastGood, WorkerApp, Workers
from gatekeeper.settings import Settings

__all__ = ["Launch", "describe", "not_enforced", "serve"]

Announce = Callable[[str], None]


def serve(launch: Launch, settings: Settings, announce: Announce) -> int:
    """Runs until a signal ends it; returns the exit code. ``announce`` is told the address when it serves.

    Raises :class:`GatekeeperError` when it cannot listen or open its log.
    """
    own_logger()
    early: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: early.append(number))
    # Before anything is listened on: whatever cannot be assembled is told first.
    single = Single(launch, settings)
    listener = Listener(settings.server)

    def ready() -> None:
        announce(listener.address)
        if early:
            signal.raise_signal(signal.SIGHUP)
        if launch.watch and settings.server.workers == 1:
            single.served.begin(single.watch())

    try:
        if settings.server.workers > 1:
            listener.socket.set_inheritable(True)
            # A worker needs nothing of the script that started this process, and must not run it again.
            vars(sys.modules["__main__"]).pop("__file__", None)
            last_good = LastGood.of(launch.octets)
            config = _configure(WorkerApp(launch, last_good), settings, factory=True)
            return Workers(config, listener, launch, settings, last_good, ready).serve()
        DrainingServer(_configure(single.served, settings), listener, ready).run(sockets=[listener.socket])
        return 0
    finally:
        listener.close()


def _configure(app: Any, settings: Settings, *, factory: bool = False) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=settings.server.workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=HttpProtocol,
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
        backlog=2048,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=settings.server.drain,
    )
