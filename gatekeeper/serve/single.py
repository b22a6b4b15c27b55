"""One server process: what it serves, what runs beside its exchanges, how it reloads."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from gatekeeper.assembly import Assembled, own_logger
from gatekeeper.middleware.asgi import Receive, Scope, Send
from gatekeeper.serve.launch import Launch
from gatekeeper.serve.state import State, state_path
from gatekeeper.serve.tell import tell_refusal, tell_reload
from gatekeeper.serve.tls import VisitorTls
from gatekeeper.settings import Settings

_POLL = 0.25  # seconds between looks at a file that is watched
_MEET = 2.0  # seconds between looks at the file of what was learned


class Terminal:
    """The terminal that this process was started on, if any."""

    def __init__(self) -> None:
        self._descriptors = [number for number in (0, 1, 2) if os.isatty(number)]

    def is_gone(self) -> bool:
        """Whether it was closed: then SIGHUP says so, and does not ask for a reload."""
        return bool(self._descriptors) and not any(map(os.isatty, self._descriptors))


class Served:
    """The assembled app in a server process, and what runs beside its exchanges. ``on_hangup`` answers SIGHUP."""

    def __init__(self, assembled: Assembled, on_hangup: Callable[["Served"], Coroutine[Any, Any, None]]) -> None:
        self.assembled = assembled
        self._on_hangup = on_hangup
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        path = state_path(assembled.settings.server, os.environ)
        gatehouse = assembled.hooks.gatehouse
        self._state = None if path is None else State(path, gatehouse.learned, gatehouse.sites)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The lifespan, which starts and ends what runs beside the exchanges; those are the plane's."""
        await receive()
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.hang_up)
        if self._state is not None:
            await asyncio.to_thread(self._state.meet)
            self.begin(self._remember(self._state))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.assembled.plane.close()
        for task in self._tasks:
            task.cancel()
        if self._state is not None:
            await asyncio.to_thread(self._state.leave)
        await asyncio.to_thread(self.assembled.log.flush)
        if self.assembled.sink.lost:
            own_logger().error("the log lost %d events", self.assembled.sink.lost)
        await send({"type": "lifespan.shutdown.complete"})

    async def _remember(self, state: State) -> None:
        while True:
            await asyncio.sleep(_MEET)
            await asyncio.to_thread(state.meet)

    def hang_up(self) -> None:
        """SIGHUP."""
        self.begin(self._on_hangup(self))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts what runs beside the exchanges."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self, load: Callable[[], Settings]) -> Settings | Exception:
        """Takes new settings into force and returns them, or why the old ones stay."""
        async with self._reloading:
            try:
                # In a thread: reading ten thousand rules takes a second, and exchanges go on meanwhile.
                settings = await asyncio.to_thread(load)
                take = await asyncio.to_thread(self.assembled.prepare, settings)
                take()
            except Exception as fault:  # noqa: BLE001 — whatever is wrong with a new file, the old rules stay
                return fault
            return settings


class Single:
    """The one process: it reads the files itself."""

    def __init__(self, launch: Launch, settings: Settings, tls: VisitorTls | None) -> None:
        self._launch = launch
        self._started = settings
        self._tls = tls
        self._terminal = Terminal()
        self.served = Served(Assembled(settings), self._hung_up)

    async def _hung_up(self, served: Served) -> None:
        if self._terminal.is_gone():
            signal.raise_signal(signal.SIGTERM)
        else:
            await self._reload()

    async def _reload(self) -> None:
        outcome = await self.served.reload(self._launch.load)
        if isinstance(outcome, Exception):
            tell_refusal(self._launch, outcome)
            return
        if self._tls is not None and self._launch.pair is not None:
            self._tls.take(self._launch.pair)
        tell_reload(self._started, outcome)

    async def watch(self) -> None:
        """Reloads a file that has changed."""
        while True:
            await asyncio.sleep(_POLL)
            if self._launch.has_changed():
                await self._reload()
