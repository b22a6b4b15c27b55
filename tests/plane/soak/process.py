"""What a process holds, as the kernel tells it."""

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def memory(pid: int) -> int:
    """Octets of it that are in memory now (RSS)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def descriptors(pid: int) -> int:
    """How many files and sockets it has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def connections_of(pid: int, port: int) -> set[int]:
    """The visitors' ports of the connections to ``port`` that this process holds."""
    held = _sockets(pid)
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        here, there, inode = words[1], words[2], words[9]
        if inode in held and _port(here) == port and _port(there):
            found.add(_port(there))
    return found


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _sockets(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found


class Peak:
    """The most memory that was seen; ``look`` as often as anything may have changed."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.before = self.most = memory(pid)

    def look(self) -> None:
        self.most = max(self.most, memory(self._pid))

    @property
    def growth(self) -> int:
        """Octets above the beginning."""
        return self.most - self.before
