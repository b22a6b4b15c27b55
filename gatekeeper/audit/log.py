"""The log of verdicts: the first of its kind at once, repeats counted, written by a thread of its own.

An exchange pays an increment for a verdict that was logged lately and a put into a queue for one that was not. When the
queue is full or the disk is, lines are lost and counted; nothing waits.
"""

import atexit
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import Protocol, cast

from gatekeeper.audit.children import InChildren
from gatekeeper.audit.event import Context, as_object, event_name, name_text, rfc3339, stubborn
from gatekeeper.audit.sinks import Sink
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.policy.verdict import Action, Direction, Outcome, Reason, Verdict

_QUEUE = 10_000  # events waiting to be written
_KINDS = 20_000  # kinds of verdicts whose repeats are counted
_VERDICTS = 20_000  # verdict objects of one site that are known by sight
_TICK = 1.0  # seconds between looks at what is due
# Unlisted names that one request may bring into the log. The names are the visitor's to make up: more would push out
# what is real.
_FRESH = 20
_LOST = "log.lost"
_SUPPRESSED = "log.suppressed"
_RECOGNISED = "consent.recognised"
_PASS = Action.PASS  # an enum's attribute costs more than a global, and every verdict pays it


class _Kind:
    """A verdict's repeats: how many since the last line, when that was (epoch seconds), an exchange that had one."""

    __slots__ = ("context", "count", "logged_at", "verdict")

    def __init__(self, verdict: Verdict, logged_at: float) -> None:
        self.verdict = verdict
        self.logged_at = logged_at
        self.count = 0
        self.context: Context | None = None


# In the place of a kind for verdicts that are of no interest: it never has to be looked at again.
_UNCOUNTED = _Kind(Verdict(Direction.RESPONSE, b"", None, None, _PASS, Reason.REQUIRED), float("inf"))
_Key = tuple[str, bytes, str | None, str, str, str, str]


class Records(Protocol):
    """Whatever takes finished exchanges; ``passes``: whether plain passes are wanted too."""

    passes: bool

    def record(self, exchange: Exchange, status: int | None, site: str = "default") -> None:
        """See :class:`VerdictLog`."""

    def recognised(self, site: str, format_id: str, cookie: bytes) -> None:
        """See :class:`VerdictLog`."""


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
        self.lost = 0  # lines, since that was last told
        self._clock = clock
        self._queue: queue.Queue[dict[str, object] | threading.Event] = queue.Queue(most_waiting)
        self._kinds: dict[_Key, _Kind] = {}
        # The gate hands out the same verdict object again and again: found by identity, a repeat costs no look at its
        # fields.
        self._by_identity: dict[str, dict[Verdict, _Kind]] = {}  # by site
        self._next_look = 0.0
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None
        self._flushes_at_exit = False
        self._recognised: set[tuple[str, str]] = set()  # formats told of, by site
        self._in_children = InChildren(self._begin_anew)

    def record(self, exchange: Exchange, status: int | None, site: str = "default") -> None:
        """Takes the verdicts of a finished exchange; ``status`` of its response, None where none came."""
        if exchange.fault is not None:
            self.fault(exchange.fault, site=site)
        outcomes = iter(exchange.outcomes)
        verdict = self._count(outcomes, site)
        if verdict is not None:
            self._note_from(verdict, outcomes, _context(exchange, status, site))
        for ruling in exchange.stubborn:
            with self._lock:
                self.totals["cookie.stubborn"] += 1
            self._put(stubborn(ruling, site=site, host=exchange.host, time=self._clock()))

    def fault(self, fault: BaseException, *, site: str = "default") -> None:
        """Notes that the gate itself failed: the kind of fault and where, never its text, which may quote a cookie."""
        # Compiled code is named with its module.
        where = [
            f"{code.co_filename.rpartition('gatekeeper/')[2]}:{line} {code.co_name.rpartition('.')[2]}"
            for code, line in _frames(fault)
        ]
        with self._lock:
            self.totals["gate.fault"] += 1
        event: dict[str, object] = {"time": rfc3339(self._clock()), "event": "gate.fault", "site": site}
        self._put(event | {"fault": type(fault).__name__, "where": where[-3:]})

    def recognised(self, site: str, format_id: str, cookie: bytes) -> None:
        """Notes, once for each, in which format of a consent platform choices come, and the name of the cookie."""
        with self._lock:
            if (site, format_id) in self._recognised:
                return
            self._recognised.add((site, format_id))
        event: dict[str, object] = {"time": rfc3339(self._clock()), "event": _RECOGNISED, "site": site}
        self._put(event | {"format": format_id, "cookie": name_text(cookie)})

    def flush(self, timeout: float = 5.0) -> None:
        """Writes what was counted and waits, at most ``timeout`` seconds, until all of it is out."""
        deadline = time.monotonic() + timeout
        self._write_due(everything=True)
        if self._wait(deadline) and self.lost:
            # There was no room to tell of it before.
            self._tell_lost()
            self._wait(deadline)

    def _wait(self, deadline: float) -> bool:
        if self._writer is None and self._queue.empty():
            return True
        done = threading.Event()
        try:
            self._queue.put(done, timeout=max(0.0, deadline - time.monotonic()))
        except queue.Full:
            return False
        return self._start() and done.wait(max(0.0, deadline - time.monotonic()))

    # --- on the exchange's side --------------------------------------------------------------------------------------

    def _count(self, outcomes: Iterator[Outcome], site: str) -> Verdict | None:
        """Counts verdicts that are known by sight and were logged lately, up to the first that was not: that one, or
        None at the end.
        """
        now = self._clock()
        with self._lock:
            if now >= self._next_look:
                self._forget_by_sight(now)
            try:
                known = self._by_identity[site]
            except KeyError:
                known = self._by_identity[site] = {}
            for verdict, _ in outcomes:
                try:
                    known[verdict].count += 1
                except KeyError:
                    if verdict.action is not _PASS or self.passes:
                        return verdict
                    if len(known) < _VERDICTS:
                        known[verdict] = _UNCOUNTED
        return None

    def _forget_by_sight(self, now: float) -> None:
        """Those of which a repeat is to be logged again: none of them is merely counted any more."""
        self._next_look = now + _TICK
        for known in self._by_identity.values():
            over = [one for one, kind in known.items() if now - kind.logged_at >= self.repeat]
            for verdict in over:
                del known[verdict]

    def _note_from(self, first: Verdict, outcomes: Iterator[Outcome], context: Context) -> None:
        """Notes a verdict and those behind it which cannot merely be counted."""
        fresh = 0
        verdict: Verdict | None = first
        while verdict is not None:
            made_up = verdict.direction is Direction.REQUEST and verdict.reason is Reason.UNLISTED
            fresh += made_up
            if not made_up or fresh <= _FRESH:
                self._note(verdict, context)
            verdict = self._count(outcomes, context.site)
        if fresh > _FRESH:
            with self._lock:
                self.totals["cookie.stripped"] += fresh - _FRESH
            event = {"time": rfc3339(self._clock()), "event": _SUPPRESSED, "site": context.site}
            self._put(event | {"count": fresh - _FRESH})

    def _note(self, verdict: Verdict, context: Context) -> None:
        now = self._clock()
        if not self.repeat:
            self._emit(verdict, context, now, 1)
            return
        site = context.site
        key = (site, verdict.cookie, verdict.rule, verdict.reason, verdict.action, verdict.direction, verdict.mode)
        count = 0
        gone: list[_Kind] = []
        with self._lock:
            kind = self._kinds.get(key)
            if kind is None:
                if len(self._kinds) >= _KINDS:
                    gone = self._forget()
                kind = self._kinds[key] = _Kind(verdict, now)
                count = 1
            elif now - kind.logged_at >= self.repeat:
                count, kind.count, kind.logged_at = kind.count + 1, 0, now
            else:
                kind.count += 1
            kind.context = context
            known = self._by_identity.setdefault(site, {})
            if len(known) >= _VERDICTS:
                # A name whose rule is narrowed to a path has a new verdict each time.
                known.clear()
            known[verdict] = kind
        for one in gone:
            if one.count and one.context is not None:
                self._emit(one.verdict, one.context, now, one.count)
        if count:
            self._emit(verdict, context, now, count)

    def _forget(self) -> list[_Kind]:
        # A hostile upstream can invent names without end; the older half goes, with what was counted of it.
        gone = [self._kinds.pop(key) for key in list(self._kinds)[: _KINDS // 2]]
        self._by_identity.clear()
        return gone

    def _emit(self, verdict: Verdict, context: Context, now: float, count: int) -> None:
        with self._lock:
            self.totals[event_name(verdict)] += count
        self._put(as_object(verdict, context, time=now, count=count))

    def _put(self, event: dict[str, object]) -> None:
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._lose(event)
        self._start()

    def _lose(self, event: dict[str, object]) -> None:
        with self._lock:
            if event["event"] == _LOST:
                self.lost += cast("int", event["count"])  # to be told again
            else:
                self.lost += 1
                self.totals[_LOST] += 1

    def _start(self) -> bool:
        """Starts the writer, at the first event and again after a fork: threads do not survive one."""
        return self._writer is not None or self._start_writer()

    def _start_writer(self) -> bool:
        with self._lock:
            if self._writer is None:
                writer = threading.Thread(target=self._run, name="gatekeeper-log", daemon=True)
                try:
                    writer.start()
                except RuntimeError:
                    return False  # no thread is to be had; the next event tries again
                self._writer = writer
                if not self._flushes_at_exit:
                    self._flushes_at_exit = True
                    atexit.register(self.flush)
            return True

    def _begin_anew(self) -> None:
        # In a forked child: what waits and what was counted is the parent's to write, and a lock may be held by a
        # thread that is no more.
        self._lock = threading.Lock()
        self._queue = queue.Queue(self._queue.maxsize)
        self._writer = None
        self.lost = 0
        self._recognised.clear()
        self.totals.clear()
        for kind in self._kinds.values():
            kind.count = 0

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
        except Exception:  # noqa: BLE001 — a full disk, or a sink's bug: neither may end the thread that all lines go by
            self._lose(event)

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
        self._tell_lost()

    def _tell_lost(self) -> None:
        with self._lock:
            lost, self.lost = self.lost, 0
        if lost:
            self._put({"time": rfc3339(self._clock()), "event": _LOST, "count": lost})


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
