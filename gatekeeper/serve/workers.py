"""Several server processes, and the one that only watches over them.

It alone reads the file, and hands the others what it found good, so that all of them hold the same rules and one that
is replaced holds them too, whatever became of the file meanwhile.
"""

import contextlib
import fcntl
import multiprocessing
import multiprocessing.connection
import multiprocessing.reduction
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Generator
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from gatekeeper.assembly import Assembled, own_logger
from gatekeeper.serve.launch import Launch
from gatekeeper.serve.listen import Listener
from gatekeeper.serve.single import Served, Terminal
from gatekeeper.serve.tell import tell_refusal, tell_reload
from gatekeeper.settings import Settings


class LastGood:
    """The octets of the last file that was good, where every worker can read them: a file without a name, locked while
    it is written. Can be handed to a child process while that is being started.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def of(cls, octets: bytes | None) -> "LastGood":
        with tempfile.TemporaryFile() as file:
            held = cls(os.dup(file.fileno()))
        held.put(octets)
        return held

    def __reduce__(self) -> tuple[Any, ...]:
        return _inherited, (multiprocessing.reduction.DupFd(self._descriptor),)

    def put(self, octets: bytes | None) -> None:
        with self._locked(fcntl.LOCK_EX):
            os.ftruncate(self._descriptor, 0)
            # The first octet tells an empty file from none.
            rest = memoryview(b"" if octets is None else b"\n" + octets)
            while rest:
                rest = rest[os.pwrite(self._descriptor, rest, os.fstat(self._descriptor).st_size) :]

    def get(self) -> bytes | None:
        with self._locked(fcntl.LOCK_SH):
            size = os.fstat(self._descriptor).st_size
            octets = b""
            while len(octets) < size:
                octets += os.pread(self._descriptor, size, len(octets))
        return octets[1:] if octets else None

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Generator[None, None, None]:
        fcntl.lockf(self._descriptor, kind)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)


def _inherited(descriptor: Any) -> LastGood:
    return LastGood(descriptor.detach())


class WorkerApp:
    """Makes what each worker process serves; it is handed to them while they are started."""

    def __init__(self, launch: Launch, last_good: LastGood) -> None:
        self._launch = launch
        self._last_good = last_good

    def __call__(self) -> Served:
        own_logger()
        threading.Thread(target=_end_with_parent, name="gatekeeper-parent", daemon=True).start()
        return Served(Assembled(self._load(), must_log=False), self._hung_up)

    def _load(self) -> Settings:
        return self._launch.settings_of(self._last_good.get())

    async def _hung_up(self, served: Served) -> None:
        outcome = await served.reload(self._load)
        if isinstance(outcome, Exception):
            tell_refusal(self._launch, outcome)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


class Workers(Multiprocess):
    """uvicorn's supervisor; a reload is checked once and passed on, so that no worker has to be replaced."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: Listener,
        launch: Launch,
        settings: Settings,
        last_good: LastGood,
        ready: Callable[[], None],
    ) -> None:
        super().__init__(config, sockets=[listener.socket])
        self._listener = listener
        self._launch = launch
        self._started = settings
        self._last_good = last_good
        self._ready = ready
        self._terminal = Terminal()
        self._asked_to_end = False

    def serve(self) -> int:
        """Runs until a signal ends it; returns the exit code."""
        self.run()
        return 0 if self._asked_to_end else 1

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(self.config.timeout_worker_healthcheck) for process in self.processes):
            self._ready()
        else:
            own_logger().error("a worker process did not start")
            self.should_exit.set()

    def keep_subprocess_alive(self) -> None:
        before = [process.pid for process in self.processes]
        super().keep_subprocess_alive()
        for old, new in zip(before, self.processes, strict=False):
            if new.pid != old:
                own_logger().warning("worker process %s ended unasked; %s takes its place", old, new.pid)

    def handle_signals(self) -> None:
        super().handle_signals()
        if self._launch.watch and self._launch.has_changed():
            self.handle_hup()

    def handle_int(self) -> None:
        self._asked_to_end = True
        super().handle_int()

    def handle_term(self) -> None:
        self._asked_to_end = True
        super().handle_term()

    def handle_hup(self) -> None:
        if self._terminal.is_gone():
            self.handle_term()
            return
        try:
            settings = self._launch.load()
        except Exception as fault:  # noqa: BLE001 — whatever is wrong with a new file, the old rules stay
            tell_refusal(self._launch, fault)
            return
        self._last_good.put(self._launch.octets)
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)
        tell_reload(self._started, settings)

    def terminate_all(self) -> None:
        super().terminate_all()
        # The workers close their copies at once; with this one, nobody is taken in any more.
        self._listener.close()
