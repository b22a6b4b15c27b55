"""The visitor of the battery, and what a check has in hand: an origin, a gate before it, visitors."""

import contextlib
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.plane.proxies import Proxy
from tests.plane.stage import OK, Play, Stage
from tests.plane.strict import Message, read_response
from tests.proxy.origin import PATIENCE
from tests.proxy.visitor import Broken, Visitor, request

__all__ = ["Broken", "Client", "Wire", "get", "request"]


def get(target: bytes = b"/", *lines: bytes) -> bytes:
    """A GET with these field lines."""
    return request(target, *lines)


class Client(Visitor):
    """A visitor who reads by the letter of RFC 9112."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def until(self, mark: bytes) -> bytes:
        return self._until(mark)

    def to_end(self) -> bytes:
        """Everything until the gate ends in good order; raises :class:`Broken` for a reset."""
        try:
            while data := self.sock.recv(65536):
                self._got += data
        except ConnectionResetError:
            raise Broken(self._got[:300]) from None
        part, self._got = self._got, b""
        return part

    def __enter__(self) -> "Client":
        return self

    def unread(self, octets: bytes) -> None:
        """Put back what was read too early."""
        self._got = octets + self._got

    def reply(self, *, to: bytes = b"GET") -> Message:
        """The next response, whole; raises :class:`Broken` when it is not."""
        return read_response(self, to=to)

    def ask(self, octets: bytes, *, to: bytes | None = None) -> Message:
        """Sends a request and reads the response."""
        self.send(octets)
        return self.reply(to=octets.split(b" ")[0] if to is None else to)

    def send(self, octets: bytes) -> None:
        """Sends, be it that the gate has answered and closed meanwhile."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(octets)

    def leave(self, *, reset: bool = False) -> None:
        """End the connection, with FIN or with RST."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def has_nothing_yet(self, seconds: float = 0.15) -> bool:
        """Whether nothing has come and the connection stands, after a wait that a fault would show itself in."""
        if self._got:
            return False
        self.sock.settimeout(seconds)
        try:
            self._got = self.sock.recv(65536)
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(5.0)
        return False

    @property
    def is_ended(self) -> bool:
        """Whether the gate ends the connection without another octet; waits for it."""
        return self.read_to_end() == b""


class Wire:
    """An origin and a gate before it."""

    def __init__(self, stage: Stage, proxy: Proxy) -> None:
        self.stage = stage
        self.proxy = proxy
        self._visitors = contextlib.ExitStack()

    def play(self, *scripts: Play | bytes) -> None:
        """What the origin does in this check."""
        self.stage.play(*scripts)

    def visit(self) -> Client:
        """A new connection to the gate, which ends with the check."""
        return self._visitors.enter_context(Client(self.proxy.port))

    def ask(self, octets: bytes, *, to: bytes | None = None) -> Message:
        """One request on a connection of its own."""
        with Client(self.proxy.port) as visitor:
            return visitor.ask(octets, to=to)

    def passes(self, octets: bytes = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n") -> Message:
        """One request that has to reach the origin and to be answered with 200."""
        reply = self.ask(octets)
        assert reply.status == 200, reply
        return reply

    def still_serves(self) -> None:
        """The next visitor gets the next answer and nothing else."""
        reply = self.ask(get(b"/next"))
        assert (reply.status, reply.body) == (200, b"ok"), reply
        assert self.stage.requests[-1].target == b"/next"

    def end(self) -> None:
        """Visitors leave, connections end; what went wrong meanwhile fails the check."""
        self._visitors.close()
        self._part()
        assert self.proxy.is_alive, "the gate has ended"
        assert self.proxy.complaints() == []
        for fault in self.stage.faults:
            raise fault

    def _part(self) -> None:
        """Until nobody is connected any more. The gate may still be at work for a visitor who has left, and connect
        once more; a connection of this check's, kept for the next, would follow this one's script there.
        """

        def parted() -> bool:
            self.stage.clear()
            return not connected(self.stage.port, self.proxy.port)

        _until(parted)


_HEARD_THE_END = "08"  # CLOSE_WAIT; these are the kernel's numbers of states
_HELD_BY_NOBODY = ("0A", "06")  # LISTEN, TIME_WAIT


def _states(*ports: int) -> list[str]:
    """States of the sockets that have one of these ports of 127.0.0.1 at one of their ends."""
    ends = tuple(f"0100007F:{port:04X}" for port in ports)
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return [line.split()[3] for line in lines if any(end in line for end in ends)]


def connected(*ports: int) -> bool:
    """Whether any process holds a connection from or to one of these ports."""
    return any(state not in _HELD_BY_NOBODY for state in _states(*ports))


def _until(true: Callable[[], bool]) -> None:
    """Wait for it; fails when it does not come true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.002)


@contextlib.contextmanager
def asleep(wire: Wire) -> Iterator[None]:
    """The gate hears of nothing meanwhile, and of all of it at its end, which comes when the stage has ended its
    connection to the gate.
    """
    os.kill(wire.proxy.pid, signal.SIGSTOP)
    try:
        # The signal is sent, and not more: it may still be at work.
        _until(lambda: Path(f"/proc/{wire.proxy.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        yield
        _until(lambda: _HEARD_THE_END in _states(wire.stage.port))
    finally:
        os.kill(wire.proxy.pid, signal.SIGCONT)


@contextlib.contextmanager
def check(wire: Wire) -> Iterator[Wire]:
    """One check: a clean stage before it, everything in order after it."""
    wire.play(OK)
    yield wire
    wire.end()
