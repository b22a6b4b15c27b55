"""A reader of HTTP/1.1 that forgives nothing: what it accepts has one meaning to every recipient (RFC 9112).

Both ends of the battery read with it. What passed the gate and is not accepted here is a fault of the gate.
"""

import re
from dataclasses import dataclass, field
from typing import Protocol

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_FIELD = re.compile(_TOKEN + rb":[^\r\n\x00]*")
_REQUEST_LINE = re.compile(_TOKEN + rb" [^\s\x00]+ HTTP/1\.[01]")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}( [^\r\n\x00]*)?")
_LENGTH = re.compile(rb"[0-9]{1,15}")
# RFC 9112 section 7.1: a size, and extensions that begin with a semicolon.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})((?:[ \t]*;[^\r\n\x00]*)?)\r\n")


class Ambiguous(Exception):  # noqa: N818 - what is wrong with a message that raises it
    """Octets that two recipients may read as different messages."""


class Source(Protocol):
    """Where octets come from. All three raise when the other side has ended early."""

    def until(self, mark: bytes) -> bytes: ...

    def exactly(self, count: int) -> bytes: ...

    def to_end(self) -> bytes: ...


@dataclass(frozen=True)
class Head:
    """A start line and field lines as they stand on the wire."""

    start: bytes
    lines: list[bytes]

    def values(self, name: bytes) -> list[bytes]:
        """Values of a field, in order; ``name`` in lower case."""
        pairs = [line.partition(b":") for line in self.lines]
        return [value.strip(b" \t") for key, _, value in pairs if key.lower() == name]

    @property
    def names(self) -> list[bytes]:
        """Field names in order, in lower case."""
        return [line.partition(b":")[0].lower() for line in self.lines]

    def other_than(self, *names: bytes) -> list[bytes]:
        """The lines of all fields but these (in lower case)."""
        return [line for line in self.lines if line.partition(b":")[0].lower() not in names]

    def has_token(self, name: bytes, token: bytes) -> bool:
        """Whether a list field holds this token."""
        listed = [part.strip(b" \t").lower() for value in self.values(name) for part in value.split(b",")]
        return token in listed


@dataclass(frozen=True)
class Message(Head):
    """A whole request or response."""

    body: bytes = b""
    trailers: list[bytes] = field(default_factory=list)
    is_chunked: bool = False
    interim: list[Head] = field(default_factory=list)

    @property
    def method(self) -> bytes:
        return self.start.split(b" ")[0]

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]

    @property
    def status(self) -> int:
        return int(self.start[9:12])

    @property
    def reason(self) -> bytes:
        return self.start[13:]


def head_of(octets: bytes, start: re.Pattern[bytes]) -> Head:
    """The head in these octets, which end with an empty line; raises :class:`Ambiguous`."""
    first, *lines = octets.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if not start.fullmatch(first):
        raise Ambiguous(first[:200])
    for line in lines:
        if not _FIELD.fullmatch(line):
            raise Ambiguous(line[:200])
    return Head(first, lines)


def request_head(octets: bytes) -> Head:
    return head_of(octets, _REQUEST_LINE)


def response_head(octets: bytes) -> Head:
    return head_of(octets, _STATUS_LINE)


def length_of(head: Head) -> int | None:
    """Octets of the body; -1 for chunked, None where no field says it. Raises :class:`Ambiguous`."""
    lengths, codings = head.values(b"content-length"), head.values(b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Ambiguous((lengths, codings))
    if lengths:
        if not _LENGTH.fullmatch(lengths[0]):
            raise Ambiguous(lengths)
        return int(lengths[0])
    if codings:
        if codings[0].lower() != b"chunked" or head.start.endswith(b"HTTP/1.0") or head.start.startswith(b"HTTP/1.0"):
            raise Ambiguous(codings)
        return -1
    return None


def chunk_of(source: Source) -> bytes:
    """The next chunk, b"" for the last; behind that one come the trailers."""
    line = source.until(b"\r\n")
    size = _CHUNK.fullmatch(line)
    if size is None:
        raise Ambiguous(line[:200])
    count = int(size[1], 16)
    chunk = source.exactly(count)
    if count and source.exactly(2) != b"\r\n":
        raise Ambiguous("a chunk longer than its size")
    return chunk


def trailers_of(source: Source) -> list[bytes]:
    lines: list[bytes] = []
    while line := source.until(b"\r\n").removesuffix(b"\r\n"):
        if not _FIELD.fullmatch(line):
            raise Ambiguous(line[:200])
        lines.append(line)
    return lines


def rest_of(source: Source, head: Head, length: int, interim: list[Head]) -> Message:
    if length >= 0:
        return Message(head.start, head.lines, source.exactly(length), interim=interim)
    body = b"".join(iter(lambda: chunk_of(source), b""))
    return Message(head.start, head.lines, body, trailers_of(source), True, interim)


def read_response(source: Source, *, to: bytes) -> Message:
    """A whole response to a request with this method, with the interim ones before it."""
    interim: list[Head] = []
    while (head := response_head(source.until(b"\r\n\r\n"))).start[9:10] == b"1" and head.start[9:12] != b"101":
        interim.append(head)
    length = length_of(head)
    if to == b"HEAD" or head.start[9:12] in (b"101", b"204", b"304"):
        length = 0
    elif length is None:
        return Message(head.start, head.lines, source.to_end(), interim=interim)
    return rest_of(source, head, length, interim)
