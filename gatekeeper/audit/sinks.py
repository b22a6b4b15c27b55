"""Where events go: lines on a descriptor or at the end of a file, or the program's own logger."""

import logging
import os
import sys
from typing import Protocol

from gatekeeper.audit.event import as_line


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


class LineSink:
    """JSON lines on a file descriptor or at the end of a file, each in one write: several workers can share it."""

    def __init__(self, destination: str) -> None:
        self.destination = destination
        self._descriptor = self._open()
        self._is_cut = False  # the last line did not go out whole

    def write(self, event: dict[str, object]) -> None:
        """Writes the event as one line; raises OSError when the disk is full or the reader is gone."""
        # Behind half a line this one would be lost with it.
        line = left = b"\n" + as_line(event) if self._is_cut else as_line(event)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        finally:
            self._is_cut = bool(left) and (self._is_cut or len(left) < len(line))

    def reopen(self) -> None:
        """Opens a file anew, after it was rotated; standard streams stay."""
        if self.destination in ("stdout", "stderr"):
            return
        fresh = self._open()
        # The number stays the same: the writer may be about to write to it, and another file could get the old one.
        os.dup2(fresh, self._descriptor, inheritable=False)
        os.close(fresh)
        self._is_cut = False

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
