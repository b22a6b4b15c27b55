"""Sinks and exchanges for the tests of the log; nobody sleeps and no clock runs but the one that a test winds."""

import json
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from gatekeeper.audit.event import as_line
from gatekeeper.audit.log import VerdictLog
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from tests.conformance.case import NOW, Case

PATIENCE = 10.0


class Clock:
    """Stands still until it is wound."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Lines:
    """A sink that keeps what it is given, as the lines that would be written.

    While ``gate`` is not set it holds the writer; ``fault`` is raised in place of writing.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.fault: BaseException | None = None
        self.reopened = 0
        self._lines: queue.Queue[bytes] = queue.Queue()

    def write(self, event: dict[str, object]) -> None:
        self.entered.release()
        assert self.gate.wait(PATIENCE)
        if self.fault is not None:
            raise self.fault
        self._lines.put(as_line(event))

    def reopen(self) -> None:
        self.reopened += 1

    def next(self) -> dict[str, Any]:
        """The next event; waits for it."""
        return dict(json.loads(self._lines.get(timeout=PATIENCE)))

    def raw(self) -> list[bytes]:
        """All lines that have been written and not been looked at."""
        return [self._lines.get_nowait() for _ in range(self._lines.qsize())]

    def rest(self) -> list[dict[str, Any]]:
        """The same, parsed."""
        return [json.loads(line) for line in self.raw()]


def make_log(**settings: Any) -> tuple[VerdictLog, Lines, Clock]:
    """A log, where its lines go, and its clock."""
    sink, clock = Lines(), Clock()
    return VerdictLog(sink, clock=settings.pop("clock", clock), **settings), sink, clock


def exchange_of(
    *,
    asks: Sequence[bytes] = (),
    sets: Sequence[bytes] = (),
    status: int = 200,
    policy: str = "",
    record_passes: bool = False,
    gate: Gate | None = None,
    **more: Any,
) -> Exchange:
    """A finished exchange."""
    case = Case("", asks=asks, sets=sets, status=status, policy=policy, **more)
    gate = gate or Gate(case.load(), record_passes=record_passes)
    exchange = Exchange(gate, method=case.method, host=case.host, path=case.path, now=NOW)
    exchange.request(case.request_fields)
    exchange.response(case.status, case.response_fields)
    return exchange


def same_again(policy: str = "") -> Callable[..., Exchange]:
    """Exchanges through one gate, so that equal verdicts are one object, as in a running program."""
    gate = Gate(Case("", policy=policy).load())
    return lambda **keys: exchange_of(gate=gate, **keys)
