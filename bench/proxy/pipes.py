"""The two ends of a long stream: an origin that gives or takes as much as it is told to, and visitors, fast and slow.

Plain sockets and threads: they hold one buffer each, so that whatever grows is the proxy.
"""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bench.proxy.places import HOST, STREAM_PORT
from bench.proxy.processes import CannotRunError
from bench.proxy.workload import SITE

_CHUNK = 256 * 1024
_BLANK = bytes(_CHUNK)


@dataclass(frozen=True)
class Pace:
    """How fast an end goes: a pause at first (seconds), then octets a second; 0 is as fast as it can."""

    pause: float = 0
    rate: float = 0


FAST = Pace()


class StreamOrigin:
    """Answers GET with so many octets, and POST once it has all octets; each at its pace."""

    def __init__(self, size: int, pace: Pace) -> None:
        self._size, self._pace = size, pace
        self._socket = socket.create_server((HOST, STREAM_PORT), backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._served: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Kept connections too: the proxy would send the next stream to an origin that is over.
        for one in (self._socket, *self._served):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self._served.append(visitor)
            threading.Thread(target=self._serve, args=(visitor,), daemon=True).start()

    def _serve(self, visitor: socket.socket) -> None:
        with visitor, contextlib.suppress(OSError):
            while head := read_head(visitor):
                begun, rest = head
                if begun.startswith(b"POST"):
                    take(visitor, self._size - len(rest), self._pace)
                    visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                else:
                    visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self._size)
                    give(visitor, self._size, self._pace)


def download(port: int, size: int, pace: Pace) -> None:
    """Gets so many octets through the proxy; raises CannotRunError where fewer come."""
    with socket.create_connection((HOST, port), timeout=120) as proxy:
        proxy.sendall(f"GET / HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode())
        head, rest = _answer(proxy)
        if f"content-length: {size}\r\n" not in head.decode("latin-1").lower() + "\r\n":
            raise CannotRunError("passes on another length than the app's")
        take(proxy, size - len(rest), pace)


def upload(port: int, size: int, pace: Pace) -> None:
    """Sends so many octets through the proxy; raises CannotRunError where they are refused."""
    with socket.create_connection((HOST, port), timeout=120) as proxy:
        proxy.sendall(f"POST / HTTP/1.1\r\nHost: {SITE}\r\nContent-Length: {size}\r\n\r\n".encode())
        give(proxy, size, pace)
        _answer(proxy)


def _answer(proxy: socket.socket) -> tuple[bytes, bytes]:
    head = read_head(proxy)
    if head is None or not head[0].startswith(b"HTTP/1.1 200"):
        raise CannotRunError(f"answers a stream with {head and head[0][:40]!r}")
    return head


def read_head(end: socket.socket) -> tuple[bytes, bytes] | None:
    """A head, and what came with it; None at the end of the connection."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        more = end.recv(65536)
        if not more:
            return None
        octets += more
    begun, _, rest = octets.partition(b"\r\n\r\n")
    return begun, rest


def take(end: socket.socket, size: int, pace: Pace) -> None:
    """Reads so many octets; raises CannotRunError where the connection ends before."""
    time.sleep(pace.pause)
    buffer = bytearray(_CHUNK)
    begun, done = time.monotonic(), 0
    while done < size:
        got = end.recv_into(buffer)
        if not got:
            raise CannotRunError(f"a stream ended after {done} of {size} octets")
        done += got
        _keep(pace, begun, done)


def give(end: socket.socket, size: int, pace: Pace) -> None:
    """Writes so many octets."""
    time.sleep(pace.pause)
    begun, done = time.monotonic(), 0
    while done < size:
        more = min(_CHUNK, size - done)
        end.sendall(memoryview(_BLANK)[:more])
        done += more
        _keep(pace, begun, done)


def _keep(pace: Pace, begun: float, done: int) -> None:
    if pace.rate:
        ahead = done / pace.rate - (time.monotonic() - begun)
        if ahead > 0:
            time.sleep(ahead)
