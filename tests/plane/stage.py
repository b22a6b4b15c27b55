"""The origin of the battery: one listener for a whole run, with new scripts for every check."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from tests.plane.strict import Head, Message, length_of, request_head, rest_of
from tests.proxy.origin import PATIENCE, Line, Origin

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OK_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Heard(Line):
    """One connection as its script sees it; whole requests are kept by the stage."""

    def __init__(self, sock: socket.socket, stage: "Stage") -> None:
        super().__init__(sock)
        self.stage = stage

    def read_head(self) -> bytes:
        """The next head, which the stage keeps too; raises :class:`ConnectionError` when there is none."""
        head = super().read_head()
        self.stage.keep_head(head)
        return head

    def request(self) -> Message:
        """The next request, read by the letter of RFC 9112."""
        return self.rest(request_head(self.read_head()))

    def rest(self, head: Head) -> Message:
        """The request whose head was read."""
        message = rest_of(self, head, length_of(head) or 0, [])
        self.stage.keep_request(message)
        return message

    def until(self, mark: bytes) -> bytes:
        return self.read_until(mark)

    def exactly(self, count: int) -> bytes:
        return self.read_exactly(count)

    def to_end(self) -> bytes:
        return self.read_to_end()


Play = Callable[[Heard], object]


def serving(*answers: bytes) -> Play:
    """Keeps the connection and answers one request after the other; the last answer serves all that follow."""

    def script(line: Heard) -> None:
        for number in range(10**6):
            line.request()
            line.send(answers[min(number, len(answers) - 1)])

    return script


def by_target(**answers: bytes) -> Play:
    """Keeps the connection and answers by the first segment of the path; any other with :data:`OK`."""

    def script(line: Heard) -> None:
        while True:
            segment = line.request().target.split(b"/")[1].decode()
            line.send(answers.get(segment, OK))

    return script


def once(answer: bytes, *, then: Callable[[Heard], object] = lambda line: None) -> Play:
    """Reads one request, answers it, does ``then``, and closes."""

    def script(line: Heard) -> None:
        line.request()
        line.send(answer)
        then(line)

    return script


def staying(answer: bytes) -> Play:
    """Answers one request and keeps the connection until the gate ends it, as who hopes for another one does."""
    return once(answer, then=Heard.read_to_end)


def _bound(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock


class Stage(Origin):
    """Listens all the time; since the last :meth:`play`, its nth connection follows the nth script."""

    def __init__(self) -> None:
        self.requests: list[Message] = []
        self.go_on = threading.Event()  # for a script that waits for the check
        self._lines: list[socket.socket] = []
        super().__init__(OK, listening=False)
        self._listen(_bound(0))

    def _listen(self, listener: socket.socket) -> None:
        listener.listen(128)
        self._listener = listener
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens meanwhile; the port stays ours."""
        reserve = _bound(self.port)
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(PATIENCE)
        self.clear()
        yield
        self._listen(reserve)

    def play(self, *scripts: Play | bytes) -> None:
        """New scripts (octets: :func:`serving`), after every connection of the old ones has ended on both sides."""
        self.clear()
        with self._changed:
            self.heads, self.requests, self.faults = [], [], []
            self.connections = 0
            self.go_on = threading.Event()
            self.ended = threading.Semaphore(0)
            self._scripts = [serving(item) if isinstance(item, bytes) else item for item in scripts]  # type: ignore[misc]

    def clear(self) -> None:
        """End what is left of connections, and wait until the gate has noticed."""
        # Another may come meanwhile, and must not be forgotten.
        lines, self._lines = self._lines, []
        threads, self._threads = self._threads, []
        for sock in lines:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
                sock.settimeout(PATIENCE)
                while sock.recv(1 << 20):
                    pass
        for sock in lines:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(PATIENCE)
        self._socks = []

    def keep_head(self, head: bytes) -> None:
        self._keep(head)

    def keep_request(self, message: Message) -> None:
        with self._changed:
            self.requests.append(message)
            self._changed.notify_all()

    def wait_requests(self, count: int = 1) -> None:
        """Wait until so many whole requests have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, PATIENCE), self.requests

    def wait_quiet(self, pause: float = 0.3) -> None:
        """Wait until nothing has come for so many seconds."""
        with self._changed:
            count = -1
            while count != len(self.heads):
                count = len(self.heads)
                self._changed.wait_for(lambda: len(self.heads) != count, pause)  # noqa: B023 - asked at once

    @property
    def request(self) -> Message:
        """The only request that came."""
        assert len(self.heads) == len(self.requests) == 1, (self.heads, self.requests)
        return self.requests[0]

    @property
    def targets(self) -> list[bytes]:
        """Targets of the heads that came, whole requests or not."""
        return [head.split(b" ")[1] for head in self.heads]

    def _serve(self, sock: socket.socket, script: Callable[[Heard], object]) -> None:
        self._lines.append(sock)
        ended = self.ended
        try:
            with contextlib.closing(sock):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(PATIENCE * 2)
                script(Heard(sock, self))
        except TimeoutError as fault:
            self.faults.append(fault)
        except OSError:
            pass  # the gate ended the connection, which many checks are about
        except BaseException as fault:  # noqa: BLE001 - handed to the check at its end
            self.faults.append(fault)
        finally:
            ended.release()  # when the connection has ended too: the check may count on that
