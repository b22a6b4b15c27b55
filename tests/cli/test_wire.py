"""What the server itself must keep from the app: trailers that pose as fields, and heads without an end."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.cli.running import PATIENCE, Gatekeeper


class RawOrigin:
    """Keeps the octets of each request, and answers them all alike."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.got: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    octets = b""
                    while b"\r\n\r\n" not in octets:
                        octets += connection.recv(65536)
                    self.got.append(octets)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                    connection.shutdown(socket.SHUT_WR)
                    with contextlib.suppress(OSError):
                        while connection.recv(65536):
                            pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Gatekeeper, RawOrigin]]:
    origin = RawOrigin()
    gatekeeper = Gatekeeper(upstream=origin.url).ready()
    yield gatekeeper, origin
    gatekeeper.process.terminate()
    gatekeeper.process.wait(PATIENCE)
    origin.close()


def asked(gatekeeper: Gatekeeper, octets: bytes) -> bytes:
    address = urlsplit(gatekeeper.address)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as connection:
        answer = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(octets)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                answer += part
    return answer


def test_a_cookie_among_the_trailers_never_reaches_the_app(pair: tuple[Gatekeeper, RawOrigin]) -> None:
    gatekeeper, origin = pair
    head = b"POST / HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = asked(gatekeeper, head + b"0\r\nCookie: _ga=trailed\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"trailed" not in origin.got[-1]
    assert b"6.6.6.6" not in origin.got[-1]


@pytest.mark.parametrize(("size", "status"), [(100_000, b"431"), (3_000_000, b"431")])
def test_a_head_larger_than_any_browsers_is_refused_before_its_cookies_are_read(
    pair: tuple[Gatekeeper, RawOrigin], size: int, status: bytes
) -> None:
    gatekeeper, origin = pair
    before = len(origin.got)
    cookies = b"; ".join(b"n%d=1" % number for number in range(size // 9))
    answer = asked(
        gatekeeper, b"GET / HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\nCookie: " + cookies + b"\r\n\r\n"
    )
    assert answer[9:12] in (status, b"")  # closed upon a visitor who still sends, it may never read the answer
    assert len(origin.got) == before
    assert asked(gatekeeper, b"GET / HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 200"
    )


def test_a_websocket_handshake_reaches_an_app_that_answers_it_like_any_request(
    pair: tuple[Gatekeeper, RawOrigin],
) -> None:
    gatekeeper, origin = pair
    handshake = b"GET /socket HTTP/1.1\r\nHost: x.example\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    answer = asked(gatekeeper, handshake)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nUpgrade: websocket\r\n" in origin.got[-1]
    assert not [line for line in gatekeeper.err if "WebSocket" in line or "upgrade" in line.lower()]
