"""A visitor on a raw socket: what leaves is what the test says, what arrives is what the wire had."""

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path

from tests.proxy.origin import PATIENCE


class Broken(Exception):  # noqa: N818 - the word of the product's documents
    """The transfer ended before its framing said so: what every visitor must be able to see."""


@dataclass(frozen=True)
class Response:
    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name]


class Visitor:
    """One connection to the gate."""

    def __init__(self, at: int | Path) -> None:
        if isinstance(at, int):
            self.sock = socket.create_connection(("127.0.0.1", at), timeout=PATIENCE)
        else:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(PATIENCE)
            self.sock.connect(str(at))
        self._got = b""

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def send(self, octets: bytes) -> None:
        self.sock.sendall(octets)

    def get(self, target: bytes = b"/", *lines: bytes) -> Response:
        """A plain GET with these field lines, and its response."""
        self.send(request(target, *lines))
        return self.response()

    def read_head(self) -> bytes:
        return self._until(b"\r\n\r\n")

    def read_line(self) -> bytes:
        return self._until(b"\r\n")

    def response(self, *, to: bytes = b"GET") -> Response:
        """The next response with its body; raises :class:`Broken` if the connection ends before the body does."""
        status, fields = self.head()
        body = b""
        framing = {name: value for name, value in fields if name in (b"content-length", b"transfer-encoding")}
        if to != b"HEAD" and status not in (204, 304):
            assert len(framing) == 1, framing
            body = self.body(length=int(framing[b"content-length"]) if b"content-length" in framing else None)
        return Response(status, fields, body)

    def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and fields of the next response."""
        first, *lines = self.read_head().removesuffix(b"\r\n\r\n").split(b"\r\n")
        fields = []
        for line in lines:
            name, _, value = line.partition(b": ")
            fields.append((name.lower(), value))
        return int(first.split(b" ")[1]), fields

    def body(self, *, length: int | None) -> bytes:
        """A body of this length, or a chunked one."""
        return b"".join(iter(self.chunk, b"")) if length is None else self.exactly(length)

    def chunk(self) -> bytes:
        """The next chunk of a chunked body, b"" for the last."""
        size = int(self.read_line(), 16)
        chunk = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return chunk

    def read_to_end(self) -> bytes:
        """Everything until the gate ends the connection."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                self._got += data
        part, self._got = self._got, b""
        return part

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._got:
            self._more()
        part, _, self._got = self._got.partition(mark)
        return part + mark

    def exactly(self, count: int) -> bytes:
        while len(self._got) < count:
            self._more()
        part, self._got = self._got[:count], self._got[count:]
        return part

    def _more(self) -> None:
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Broken(self._got[:300])
        self._got += data


def request(target: bytes = b"/", *lines: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    """A request with a Host field and these lines."""
    return b"\r\n".join([b"%s %s HTTP/1.1" % (method, target), b"Host: shop.example", *lines, b"", b""]) + body
