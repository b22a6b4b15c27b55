"""Between the supervisor and its workers: a line to each, and signals.

A line is a pair of sockets, and says three things: an octet that somebody is alive, another that it serves, and its end
that whoever was at the other end is gone, which either side learns at once.
"""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass, field

from gatekeeper.serve.shares import Share

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
ASK, ALIVE, SERVES = b"?", b".", b"!"


@dataclass(slots=True)
class Worker:
    """A server process as the supervisor sees it."""

    pid: int
    line: socket.socket
    share: Share
    serves: bool = False
    asked: float | None = None
    gone: bool = False

    def ask(self, now: float) -> None:
        """Asks whether it is alive, unless it owes an answer."""
        if self.asked is None:
            self.asked = now
            with contextlib.suppress(OSError):
                self.line.send(ASK)

    def listen(self) -> None:
        """Reads what it says."""
        try:
            said = self.line.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        self.gone = not said
        self.asked = None
        self.serves = self.serves or SERVES in said

    def signal(self, number: int) -> None:
        """Sends it a signal."""
        # Not yet waited for: the number is still its own.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


@dataclass
class Signals:
    """Signals that came, and a socket that wakes whoever waits for them."""

    come: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bell, self._hammer = socket.socketpair()
        for end in (self.bell, self._hammer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._hammer.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda number, _: self.come.append(number))

    def forget(self) -> None:
        """In a child: its signals are its own."""
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self.bell.close()
        self._hammer.close()

    def silence(self) -> None:
        """The bell was heard."""
        with contextlib.suppress(BlockingIOError):
            self.bell.recv(4096)


def answer(line: socket.socket, serves: threading.Event) -> None:
    """A worker's side of its line: says that it is alive when asked, and ends it when nobody is there to ask."""
    with contextlib.suppress(OSError):
        while line.recv(1):
            line.send(SERVES if serves.is_set() else ALIVE)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def held_back() -> Generator[None, None, None]:
    """A signal that comes in between is meant for the parent, or comes to a child when that is ready for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
