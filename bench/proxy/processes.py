"""Servers as processes: started on a core, asked what they cost, and ended."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.proxy.places import HOST, RUN

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 30


class CannotRunError(Exception):
    """A system that cannot be measured here, and why."""


@dataclass
class Server:
    """A running server: its first process and, through it, all that descend from it."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path = field(repr=False)

    def pids(self) -> list[int]:
        """The process and its descendants, as of now."""
        return tree(self.process.pid)

    def cpu(self) -> float:
        """Seconds of CPU time that all of them took so far, user and system."""
        return sum(cpu_seconds(pid) for pid in self.pids())

    def rss(self) -> int:
        """Octets of memory that all of them hold."""
        return sum(resident(pid) for pid in self.pids())

    def stop(self) -> None:
        """Ends it, kindly first."""
        family = self.pids()
        for sign, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            for pid in family if sign == signal.SIGKILL else [self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                return


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(parent_of((entry / "stat").read_text()), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def parent_of(stat: str) -> int:
    """The parent in the text of /proc/PID/stat. A process's name may hold spaces and brackets."""
    return int(stat.rpartition(")")[2].split()[1])


def ticks_of(stat: str) -> int:
    """User and system time in the text of /proc/PID/stat, in clock ticks."""
    rest = stat.rpartition(")")[2].split()
    return int(rest[11]) + int(rest[12])


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, all threads. From schedstat (ns) where the kernel has it, else from stat (ticks).

    schedstat is one thread's; threads that have ended are missing there, so the larger of the two figures holds.
    """
    threads = 0
    try:
        by_ticks = ticks_of(Path(f"/proc/{pid}/stat").read_text()) / _TICKS
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                threads += int((task / "schedstat").read_text().split()[0])
    except OSError:
        return 0.0
    by_threads = threads / 1e9
    return by_threads if by_threads > by_ticks - 2 / _TICKS else by_ticks


def resident(pid: int) -> int:
    """Octets that a process has in memory."""
    try:
        found = re.search(r"^Rss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def start(
    name: str,
    command: Sequence[str],
    port: int,
    *,
    cores: Iterable[int],
    environ: Mapping[str, str] | None = None,
) -> Server:
    """Starts a server on these cores and waits until it accepts; raises CannotRunError with its last words."""
    RUN.mkdir(parents=True, exist_ok=True)
    log = RUN / f"{name}.out"
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *command]
    with log.open("wb") as out:
        try:
            process = subprocess.Popen(
                pinned,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(os.environ) | dict(environ or {}),
                cwd=RUN,
            )
        except OSError as error:
            raise CannotRunError(f"cannot be started: {error.strerror}") from None
    server = Server(name, port, process, log)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise CannotRunError(f"ended at once: {last_words(log)}")
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return server
        time.sleep(0.05)
    server.stop()
    raise CannotRunError(f"did not listen within {_PATIENCE} s: {last_words(log)}")


def last_words(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
