"""``gatekeeper run``: sockets, TLS, uvicorn, signals, reload, drain.

One process serves by itself (:mod:`single`); of several, the first only watches over the others (:mod:`workers`).
Either way connections come in by an :mod:`entrance` and are served until a :mod:`draining` server ends.
"""

import signal
from collections.abc import Callable

from gatekeeper.assembly import own_logger
from gatekeeper.serve.draining import DrainingServer, Entrance, configured
from gatekeeper.serve.launch import Launch
from gatekeeper.serve.listen import Listener
from gatekeeper.serve.single import Single
from gatekeeper.serve.tell import describe, in_front_of, not_enforced, not_enforced_anywhere
from gatekeeper.serve.tls import VisitorTls, read_pair, tls_warnings
from gatekeeper.serve.workers import Workers
from gatekeeper.settings import Settings

__all__ = [
    "Launch",
    "describe",
    "in_front_of",
    "not_enforced",
    "not_enforced_anywhere",
    "read_pair",
    "serve",
    "tls_warnings",
]

Announce = Callable[[str], None]


def serve(launch: Launch, settings: Settings, announce: Announce) -> int:
    """Runs until a signal ends it; returns the exit code. ``announce`` is told the address when it serves.

    Raises :class:`GatekeeperError` when it cannot listen or open its log.
    """
    own_logger()
    early: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: early.append(number))
    tls = VisitorTls(launch.pair) if launch.pair is not None else None
    # Before anything is listened on: whatever cannot be assembled is told first.
    single = Single(launch, settings, tls)
    listener = Listener(settings.server)

    def ready() -> None:
        announce(listener.address)
        if early:
            signal.raise_signal(signal.SIGHUP)
        if launch.watch and settings.server.workers == 1:
            single.served.begin(single.watch())

    try:
        if settings.server.workers > 1:
            return Workers(launch, single.served.assembled, listener, tls, ready).serve()
        entrance = Entrance(listener.socket, settings.server, tls)
        DrainingServer(configured(single.served, settings), entrance, ready=ready, leave=listener.leave).run()
        return 0
    finally:
        listener.close()
