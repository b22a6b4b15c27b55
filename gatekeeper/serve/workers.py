"""Several server processes, and the one that only watches over them.

It alone reads the files, and hands the others what it found good, so that all of them hold the same rules and the same
certificate, and one that is replaced holds them too, whatever became of the files meanwhile.

The others are forked from it, which has imported, read and compiled everything by then, and never runs any of it: one
that takes the place of another serves within some ten milliseconds, whatever the number of rules. It runs no event loop
and no thread, which would not survive a fork.
"""

import contextlib
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable

from gatekeeper.assembly import Assembled, own_logger
from gatekeeper.serve.draining import DrainingServer, Entrance, configured
from gatekeeper.serve.last_good import LastGood
from gatekeeper.serve.launch import Launch
from gatekeeper.serve.line import SERVES, Signals, Worker, answer, held_back
from gatekeeper.serve.listen import Listener
from gatekeeper.serve.shares import Share, Shares
from gatekeeper.serve.single import Served, Terminal
from gatekeeper.serve.tell import tell_refusal, tell_reload
from gatekeeper.serve.tls import VisitorTls

# Seconds.
_TICK = 0.25
_SILENCE = 5.0  # after which a worker that does not answer is taken for dead
_PATIENCE = 10.0  # beyond the drain, until a worker that does not end is made to
# Between two workers that end before they serve, twice as long each time.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Workers:
    """The supervisor. A reload is checked once and passed on, so that no worker has to be replaced for it."""

    def __init__(
        self,
        launch: Launch,
        assembled: Assembled,
        listener: Listener,
        tls: VisitorTls | None,
        ready: Callable[[], None],
    ) -> None:
        self._launch = launch
        self._assembled = assembled
        self._started = assembled.settings
        self._listener = listener
        self._tls = tls
        self._ready = ready
        self._last_good = LastGood()
        self._terminal = Terminal()
        self._workers: list[Worker] = []
        self._shares = Shares(self._started.server.workers)
        self._vacant: list[float] = []  # when to fork those that are missing
        self._pause = 0.0
        self._is_ready = False
        self._exit_code: int | None = None

    def serve(self) -> int:
        """Runs until a signal ends it; returns the exit code."""
        self._last_good.put(self._launch.octets, self._launch.pair)
        # Imported by uvicorn as late as can be, which would be in each worker.
        rehearsed = configured(self._assembled, self._started)
        rehearsed.load()
        rehearsed.get_loop_factory()
        self._signals = Signals()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._signals.bell, selectors.EVENT_READ)
        for _ in range(self._started.server.workers):
            self._fork()
        next_tick = 0.0
        while self._exit_code is None:
            self._wait(_TICK)
            self._handle_signals()
            self._replace()
            if next_tick <= (now := time.monotonic()):
                next_tick = now + _TICK
                self._look_after(now)
        self._end()
        return self._exit_code

    # --- watching ----------------------------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._signals.silence()
            else:
                key.data.listen()

    def _handle_signals(self) -> None:
        while self._signals.come:
            if self._signals.come.pop(0) != signal.SIGHUP or self._terminal.is_gone():
                self._exit_code = 0
            else:
                self._reload()

    def _replace(self) -> None:
        for worker in [worker for worker in self._workers if worker.gone and self._exit_code is None]:
            self._workers.remove(worker)
            self._shares.give_back(worker.share)
            self._selector.unregister(worker.line)
            worker.line.close()
            worker.signal(signal.SIGKILL)
            if worker.serves:
                if (successor := self._try_to_fork()) is not None:
                    pids = worker.pid, successor.pid
                    own_logger().warning("worker process %s ended unasked; %s takes its place", *pids)
            elif not self._is_ready:
                own_logger().error("a worker process did not start")
                self._exit_code = 1
            else:
                own_logger().error("worker process %s ended before it served", worker.pid)
                self._fork_later()
            os.waitpid(worker.pid, 0)
        if all(worker.serves for worker in self._workers) and self._exit_code is None and not self._vacant:
            self._pause = 0.0
            if not self._is_ready:
                self._is_ready = True
                self._ready()

    def _look_after(self, now: float) -> None:
        for due in [due for due in self._vacant if due <= now]:
            self._vacant.remove(due)
            self._try_to_fork()
        for worker in self._workers:
            if worker.asked is not None and now - worker.asked > _SILENCE:
                own_logger().error("worker process %s does not answer", worker.pid)
                worker.signal(signal.SIGKILL)
            worker.ask(now)
        if self._launch.watch and self._launch.has_changed():
            self._reload()

    def _reload(self) -> None:
        try:
            settings = self._launch.load()
            # Nobody is served here. It is what the next worker begins with.
            self._assembled.reload(settings)
        except Exception as fault:  # noqa: BLE001 — whatever is wrong with a new file, the old rules stay
            tell_refusal(self._launch, fault)
            return
        if self._tls is not None and self._launch.pair is not None:
            self._tls.take(self._launch.pair)
        self._last_good.put(self._launch.octets, self._launch.pair)
        for worker in self._workers:
            worker.signal(signal.SIGHUP)
        tell_reload(self._started, settings)

    def _end(self) -> None:
        # The workers close their copies at once; with this one, nobody is taken in any more.
        self._listener.close()
        for worker in self._workers:
            worker.signal(signal.SIGTERM)
        deadline = time.monotonic() + self._started.server.drain + _PATIENCE
        while any(not worker.gone for worker in self._workers):
            if time.monotonic() > deadline:
                for worker in self._workers:
                    worker.signal(signal.SIGKILL)
            self._wait(_TICK)
            for worker in self._workers:
                if worker.gone and worker.line in self._selector.get_map():
                    self._selector.unregister(worker.line)
        for worker in self._workers:
            os.waitpid(worker.pid, 0)
            worker.line.close()

    def _try_to_fork(self) -> Worker | None:
        try:
            return self._fork()
        except OSError as fault:
            # No memory or no processes left. Those that serve go on.
            own_logger().error("no worker process can be made: %s", (fault.strerror or str(fault)).lower())
            self._fork_later()
            return None

    def _fork_later(self) -> None:
        self._pause = min(2 * self._pause or _SHORTEST_PAUSE, _LONGEST_PAUSE)
        self._vacant.append(time.monotonic() + self._pause)

    # --- forking -----------------------------------------------------------------------------------------------------

    def _fork(self) -> Worker:
        ours, theirs = socket.socketpair()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()  # or both would write what is in it
        share = self._shares.take()
        with held_back():
            try:
                pid = os.fork()
            except OSError:
                self._shares.give_back(share)
                raise
            if pid == 0:
                ours.close()
                self._become_worker(theirs, share)
        theirs.close()
        ours.setblocking(False)
        worker = Worker(pid, ours, share)
        self._workers.append(worker)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        return worker

    def _become_worker(self, line: socket.socket, share: Share) -> None:
        """Never returns: nothing that the supervisor has still to do may be done here."""
        code = 1
        try:
            self._selector.close()
            for worker in self._workers:
                worker.line.close()
            self._signals.forget()
            # SIGHUP waits until somebody is there to answer it: with rules that are newer than ours.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
            self._serve_as_worker(line, share)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 — there is nobody above to tell it
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(code)

    def _serve_as_worker(self, line: socket.socket, share: Share) -> None:
        said = threading.Event()
        threading.Thread(target=answer, args=(line, said), name="gatekeeper-line", daemon=True).start()
        served = Served(self._assembled, self._hung_up)

        def ready() -> None:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGHUP,))
            said.set()
            with contextlib.suppress(OSError):
                line.send(SERVES)

        # A reload leaves [server] as it is.
        entrance = Entrance(self._listener.socket, self._started.server, self._tls, share)
        DrainingServer(configured(served, self._started), entrance, ready=ready).run()

    async def _hung_up(self, served: Served) -> None:
        octets, pair = self._last_good.get()
        outcome = await served.reload(lambda: self._launch.settings_of(octets))
        if isinstance(outcome, Exception):
            tell_refusal(self._launch, outcome)
        elif self._tls is not None and pair is not None:
            self._tls.take(pair)
