"""A scriptable raw origin: it sends the octets it is told to send, on a real socket, and keeps what it got.

A script is what happens on one connection: a function of a :class:`Line`, run in a thread of its own. Nothing here
parses more HTTP than is needed to know where a request's head and body end, so nothing is forgiven on the way.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE = 15.0


class Line:
    """One connection as its script sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.got = b""

    def read_until(self, mark: bytes) -> bytes:
        """Everything up to and with ``mark``; what came behind it stays for the next read."""
        while mark not in self.got:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError(f"ended before {mark!r}; so far {self.got[:200]!r}")
            self.got += data
        part, _, self.got = self.got.partition(mark)
        return part + mark

    def read_exactly(self, count: int) -> bytes:
        while len(self.got) < count:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError(f"ended {count - len(self.got)} octets early")
            self.got += data
        part, self.got = self.got[:count], self.got[count:]
        return part

    def discard(self, count: int) -> None:
        """Read as many octets and keep none."""
        count -= len(self.got)
        self.got = b""
        while count:
            data = self.sock.recv(min(count, 1 << 20))
            if not data:
                raise ConnectionError(f"ended {count} octets early")
            count -= len(data)

    def read_head(self) -> bytes:
        return self.read_until(b"\r\n\r\n")

    def read_chunked(self) -> bytes:
        """The chunked body as it stands on the wire, decoded; fails on anything else."""
        body = b""
        while size := int(self.read_until(b"\r\n"), 16):
            body += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n"
        assert self.read_exactly(2) == b"\r\n"
        return body

    def read_to_end(self) -> bytes:
        """Everything until the other side ends the connection, in whatever manner."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                self.got += data
        part, self.got = self.got, b""
        return part

    def send(self, octets: bytes) -> None:
        self.sock.sendall(octets)

    def send_until_refused(self, block: bytes) -> None:
        """Send it again and again until the other side has ended the connection; fails if it only stops reading."""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while True:
                self.sock.sendall(block)

    def reset(self) -> None:
        """End with RST in place of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script = Callable[[Line], None]


def answer(octets: bytes, *, then: Callable[[Line], object] = lambda line: None) -> Script:
    """Read one request's head, send these octets, do ``then``, and close."""

    def script(line: Line) -> None:
        line.read_head()
        line.send(octets)
        then(line)

    return script


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Origin:
    """Listens; its nth connection follows the nth script, and the last script serves all connections after it."""

    def __init__(
        self,
        *scripts: Script | bytes,
        tls: ssl.SSLContext | None = None,
        unix: Path | None = None,
        listening: bool = True,
    ) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.ended = threading.Semaphore(0)
        self.faults: list[BaseException] = []
        self._changed = threading.Condition()
        self._scripts: Sequence[Script] = [answer(item) if isinstance(item, bytes) else item for item in scripts]
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        if unix is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            self.port = self._listener.getsockname()[1]
            self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(unix))
            self._listener.listen()
            self.url = f"unix:{unix}"
        if not listening:
            self._listener.close()
            return
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def head(self) -> bytes:
        """The head of the only request that came."""
        assert len(self.heads) == 1, self.heads
        return self.heads[0]

    @property
    def lines(self) -> list[bytes]:
        """The head of the only request that came, line by line."""
        return self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")

    def wait_heads(self, count: int = 1) -> None:
        """Wait until so many requests have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heads) >= count, PATIENCE), self.heads

    def wait_connections(self, count: int = 1) -> None:
        """Wait until so many connections have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.connections >= count, PATIENCE)

    def wait_ended(self, count: int = 1) -> None:
        """Wait until scripts have come to their end, and fail with what one of them failed with."""
        for _ in range(count):
            assert self.ended.acquire(timeout=PATIENCE), "a script of the origin did not come to its end"
        for fault in self.faults:
            raise fault

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            with self._changed:
                self.connections += 1
                self._changed.notify_all()
            self._socks.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, script), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _keep(self, head: bytes) -> None:
        with self._changed:
            self.heads.append(head)
            self._changed.notify_all()

    def _serve(self, sock: socket.socket, script: Script) -> None:
        with contextlib.closing(sock):
            try:
                if self._tls is not None:
                    sock = self._tls.wrap_socket(sock, server_side=True)
                    self._socks.append(sock)
                sock.settimeout(PATIENCE)
                line = _Recording(sock, self._keep)
                with contextlib.closing(sock):
                    script(line)
            except TimeoutError as fault:
                self.faults.append(fault)
            except OSError:
                pass  # the gate ended the connection, which many tests are about
            except BaseException as fault:  # noqa: BLE001 - handed to the test by wait_ended
                self.faults.append(fault)
            finally:
                self.ended.release()


class _Recording(Line):
    def __init__(self, sock: socket.socket, keep: Callable[[bytes], None]) -> None:
        super().__init__(sock)
        self._keep = keep

    def read_head(self) -> bytes:
        head = super().read_head()
        self._keep(head)
        return head
