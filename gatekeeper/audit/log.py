"""The log of verdicts: the first of its kind at once, repeats counted, written by a thread of its own.

An exchange pays an increment for a verdict that was logged lately and a put into a queue for one that was not. When the
queue is full or the disk is, lines are lost and counted; nothing waits.
"""

import atexit
import logging
import os
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Protocol

from gatekeeper.audit.event import Context, as_line, as_object, event_name, rfc3339
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.policy.verdict import Action, Verdict

_QUEUE = 10_000  # events waiting to be written
_KINDS = 20_000  # kinds of verdicts whose repeats are counted
_TICK = 1.0  # seconds between looks at what is due


class Sink(Protocol):
    """Where finished events go. Called by the log's own thread, so it may block; it must not raise anything but
    OSError.
    """

    def write(self, event: dict[str, object]) -> None:
        """Takes one event."""
        ...

    def reopen(self) -> None:
        """Opens the destination anew: a log file may have been moved away."""
        ...


class _Kind:
    """A verdict's repeats: how many since the last line, when that was (epoch seconds), and where the latest fell."""

    __slots__ = ("context", "count", "logged_at", "verdict")

    def __init__(self, verdict: Verdict, logged_at: float) -> None:
        self.verdict = verdict
        self.logged_at = logged_at
        self.count = 0
        self.context: Context | None = None


_Key = tuple[str, bytes, str | None, str, str, str, str]


class VerdictLog:
    """Records exchanges. ``repeat`` in seconds: 0 logs every verdict; ``passes``: plain passes too."""

    def __init__(
        self,
        sink: Sink,
        *,
        repeat: float = 60.0,
        passes: bool = False,
        clock: Callable[[], float] = time.time,
        most_waiting: int = _QUEUE,
    ) -> None:
        self.sink = sink
        self.repeat = repeat
        self.passes = passes
        self.totals: Counter[str] = Counter()
        self.lost = 0
        self._clock = clock
        self._queue: queue.Queue[dict[str, object] | threading.Event] = queue.Queue(most_waiting)
        self._kinds: dict[_Key, _Kind] = {}
        # The gate hands out the same verdict object again and again: found by identity, a repeat costs no look at its
        # fields.
        self._by_identity: dict[tuple[str, Verdict], _Kind] = {}
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None
        self._writer_pid = 0

    def record(self, exchange: Exchange, status: int | None, *, site: str = "default") -> None:
        """Takes the verdicts of a finished exchange; ``status`` of its response, None where none came."""
        if exchange.fault is not None:
            self.fault(exchange.fault, site=site)
        if not exchange.outcomes:
            return
        context = None
        for verdict, _ in exchange.outcomes:
            if verdict.action is Action.PASS and not self.passes:
                continue
            kind = self._by_identity.get((site, verdict)) if self.repeat else None
            if kind is not None and self._clock() - kind.logged_at < self.repeat:
                with self._lock:
                    kind.count += 1
                continue
            context = context or _context(exchange, status, site)
            self._note(verdict, context, site)

    def fault(self, fault: BaseException, *, site: str = "default") -> None:
        """Notes that the gate itself failed: the kind of fault and where, never its text, which may quote a cookie."""
        where = [
            f"{code.co_filename.rpartition('gatekeeper/')[2]}:{line} {code.co_name}" for code, line in _frames(fault)
        ]
        self.totals["gate.fault"] += 1
        event: dict[str, object] = {"time": rfc3339(self._clock()), "event": "gate.fault", "site": site}
        self._put(event | {"fault": type(fault).__name__, "where": where[-3:]})

    def flush(self, timeout: float = 5.0) -> None:
        """Writes what was counted and waits, at most ``timeout`` seconds, until all of it is out."""
        self._write_due(everything=True)
        done = threading.Event()
        try:
            self._queue.put(done, timeout=timeout)
        except queue.Full:
            return
        self._start()
        done.wait(timeout)

    # --- on the exchange's side --------------------------------------------------------------------------------------

    def _note(self, verdict: Verdict, context: Context, site: str) -> None:
        now = self._clock()
        if not self.repeat:
            self._emit(verdict, context, now, 1)
            return
        key = (site, verdict.cookie, verdict.rule, verdict.reason, verdict.action, verdict.direction, verdict.mode)
        with self._lock:
            kind = self._kinds.get(key)
            if kind is None or now - kind.logged_at >= self.repeat:
                count = kind.count + 1 if kind else 1
                if len(self._kinds) >= _KINDS:
                    self._forget()
                kind = self._kinds[key] = _Kind(verdict, now)
            else:
                kind.count += 1
                count = 0
            kind.context = context
            self._by_identity[(site, verdict)] = kind
        if count:
            self._emit(verdict, context, now, count)

    def _forget(self) -> None:
        # A hostile upstream can invent names without end; the older half goes, with what was counted of it.
        for key in list(self._kinds)[: _KINDS // 2]:
            kind = self._kinds.pop(key)
            if kind.count and kind.context is not None:
                self._emit(kind.verdict, kind.context, self._clock(), kind.count)
        self._by_identity.clear()

    def _emit(self, verdict: Verdict, context: Context, now: float, count: int) -> None:
        self.totals[event_name(verdict)] += count
        self._put(as_object(verdict, context, time=now, count=count))

    def _put(self, event: dict[str, object]) -> None:
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.lost += 1
        self._start()

    def _start(self) -> None:
        # Started at the first event and again after a fork: threads do not survive one.
        pid = os.getpid()
        if self._writer is None or self._writer_pid != pid:
            if self._writer is None:
                atexit.register(self.flush)
            self._writer_pid = pid
            self._writer = threading.Thread(target=self._run, name="gatekeeper-log", daemon=True)
            self._writer.start()

    # --- on the writer's side ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        looked = time.monotonic()
        while True:
            try:
                item = self._queue.get(timeout=_TICK)
            except queue.Empty:
                item = None
            if isinstance(item, threading.Event):
                item.set()
            elif item is not None:
                self._write(item)
            if time.monotonic() - looked >= _TICK:
                looked = time.monotonic()
                self._write_due(everything=False)

    def _write(self, event: dict[str, object]) -> None:
        try:
            self.sink.write(event)
        except OSError:
            self.lost += 1

    def _write_due(self, *, everything: bool) -> None:
        now = self._clock()
        with self._lock:
            due = [
                (kind, kind.count, kind.context)
                for kind in self._kinds.values()
                if kind.count and kind.context is not None and (everything or now - kind.logged_at >= self.repeat)
            ]
            for kind, count, _ in due:
                kind.count -= count
                kind.logged_at = now
        for kind, count, context in due:
            if context is not None:
                self._emit(kind.verdict, context, now, count)
        if self.lost:
            lost, self.lost = self.lost, 0
            self.totals["log.lost"] += lost
            self._put({"time": rfc3339(now), "event": "log.lost", "count": lost})


def _context(exchange: Exchange, status: int | None, site: str) -> Context:
    choice = exchange.choice
    return Context(
        site, exchange.method, exchange.host, exchange.path, status, choice.state, choice.format, choice.revision
    )


def _frames(fault: BaseException) -> Iterable[tuple[CodeType, int]]:
    trace = fault.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code, trace.tb_lineno
        trace = trace.tb_next


class LineSink:
    """JSON lines on a file descriptor or at the end of a file, each in one write, so that several workers can share it."""

    def __init__(self, destination: str) -> None:
        self.destination = destination
        self._descriptor = self._open()

    def write(self, event: dict[str, object]) -> None:
        """Writes the event as one line; raises OSError when the disk is full or the reader is gone."""
        line = as_line(event)
        while line:
            line = line[os.write(self._descriptor, line) :]

    def reopen(self) -> None:
        """Opens a file anew, after it was rotated; standard streams stay."""
        before, self._descriptor = self._descriptor, self._open()
        if before > 2:
            os.close(before)

    def _open(self) -> int:
        if self.destination in ("stdout", "stderr"):
            return (sys.stdout if self.destination == "stdout" else sys.stderr).fileno()
        return os.open(self.destination, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


class LoggerSink:
    """JSON lines through :mod:`logging` (logger ``gatekeeper.audit``), for the middlewares: the program's own set-up
    decides.
    """

    def __init__(self) -> None:
        self._logger = logging.getLogger("gatekeeper.audit")

    def write(self, event: dict[str, object]) -> None:
        """Hands the line to the logger at level INFO."""
        self._logger.info("%s", as_line(event).decode("ascii").rstrip())

    def reopen(self) -> None:
        """Handlers look after their own files."""
