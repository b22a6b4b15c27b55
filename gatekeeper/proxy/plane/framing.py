"""Where a body ends: its octets are followed, not held, and go on as they come (RFC 9112 sections 6 and 7).

Each framing takes octets as they arrive and gives back what may go on and what lies behind the body's end. Nothing
goes on before it is known to be sound: an unfinished chunk-size line waits, and so does the trailer section, from the
last chunk on, so that fields can be taken out of it.
"""

import re
from collections.abc import Callable
from typing import Protocol

from gatekeeper.proxy.plane.lines import Untrusted
from gatekeeper.wire.fields import FieldList, is_trustworthy

# RFC 9112 section 7.1: chunk-size, then extensions, which may hold anything but what could end a line for somebody.
# Sixteen digits are more octets than there are.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?\Z")
# Old servers pad the size with spaces; browsers and proxies read over them.
_PADDED = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\Z")

# Octets of a chunk-size line with its extensions, and of a trailer section; nothing sensible comes near.
_LONGEST_LINE = 1024
_LONGEST_TRAILERS = 16 * 1024

_CRLF = b"\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n").search

Trailers = Callable[[FieldList], FieldList]


class Truncated(Exception):  # noqa: N818 - it says what the body is
    """The connection ended before the body did."""


class Framing(Protocol):
    """The length of one body, being followed."""

    done: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What may go on, and what does not belong to this body; raises :class:`Untrusted`."""

    def end(self) -> bytes:
        """The connection has ended in good order: what is still to be sent; raises :class:`Truncated`."""


class Sized:
    """A body of a known number of octets."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = not length

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See :class:`Framing`."""
        left = self._left - len(data)
        if left > 0:
            self._left = left
            return data, b""
        self.done = True
        if left == 0:
            return data, b""
        return data[: self._left], data[self._left :]

    def end(self) -> bytes:
        """See :class:`Framing`."""
        if not self.done:
            raise Truncated
        return b""


class UntilClose:
    """A body that ends with its connection; ``rechunk`` gives it an end that the visitor can see."""

    __slots__ = ("_rechunk", "done")

    def __init__(self, *, rechunk: bool) -> None:
        self._rechunk = rechunk
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See :class:`Framing`."""
        if self._rechunk and data:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        return data, b""

    def end(self) -> bytes:
        """See :class:`Framing`."""
        self.done = True
        return b"0\r\n\r\n" if self._rechunk else b""


class Chunked:
    """A chunked body. ``trailers`` says which trailer fields go on; ``padded`` reads over spaces behind a chunk-size;
    ``decoded`` gives out the chunks' data alone.
    """

    __slots__ = ("_at_end", "_decoded", "_held", "_left", "_size", "_trailers", "done")

    def __init__(self, trailers: Trailers, *, padded: bool = False, decoded: bool = False) -> None:
        self._trailers = trailers
        self._size = (_PADDED if padded else _SIZE).match
        self._decoded = decoded
        self._held = b""
        self._left = 0  # octets of the chunk's data still to come
        self._at_end = False  # the CRLF behind the data is still to come
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See :class:`Framing`."""
        if self._held:
            data = self._held + data
            self._held = b""
        pieces: list[bytes] = []
        at = 0
        while True:
            at = self._data(data, at, pieces)
            size = None if self._left or self._at_end else self._size_at(data, at)
            if size is None:
                self._held = data[at:]
                return (b"".join(pieces) if self._decoded else data[:at] if self._held else data), b""
            self._left, end = size
            if not self._left:
                return self._last(data, at, end, pieces)
            self._at_end = True
            at = end

    def _data(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Passes over a chunk's data and the CRLF behind it, as far as they have come."""
        if self._left:
            step = min(self._left, len(data) - at)
            self._left -= step
            if self._decoded:
                pieces.append(data[at : at + step])
            at += step
        if self._at_end and not self._left:
            end = data[at : at + 2]
            if end == _CRLF:
                self._at_end = False
                return at + 2
            if not _CRLF.startswith(end):
                raise Untrusted("a chunk is longer than its size says")
        return at

    def _size_at(self, data: bytes, at: int) -> tuple[int, int] | None:
        """The chunk-size of the line that begins here, and where the line ends; None as long as it has not."""
        found = data.find(_CRLF, at, at + _LONGEST_LINE)
        if found < 0:
            if len(data) - at >= _LONGEST_LINE or b"\n" in data[at:]:
                raise Untrusted("a chunk-size line is none")
            return None
        match = self._size(data[at:found])
        if match is None:
            raise Untrusted("a chunk-size line is none")
        return int(match[1], 16), found + 2

    def _last(self, data: bytes, at: int, start: int, pieces: list[bytes]) -> tuple[bytes, bytes]:
        """The last chunk begins at ``at``, its trailer section at ``start``."""
        if data.startswith(_CRLF, start):
            self.done = True
            end = start + 2
            return (b"".join(pieces) if self._decoded else data[:end] if end < len(data) else data), data[end:]
        end = data.find(b"\r\n\r\n", start)
        if (len(data) - 3 if end < 0 else end) - start > _LONGEST_TRAILERS:
            raise Untrusted("its trailer section is too large")
        if end < 0:
            if _BARE_LF(data, start):
                raise Untrusted("a line of its trailer section does not end in CRLF")
            self._held = data[at:]
            return (b"".join(pieces) if self._decoded else data[:at]), b""
        self.done = True
        rest = data[end + 4 :]
        kept = self._kept(data[start:end])  # has to be sound, also where it goes no further
        if self._decoded:
            return b"".join(pieces), rest
        return data[:start] + kept + _CRLF, rest

    def _kept(self, section: bytes) -> bytes:
        """The trailer fields that go on, each with its end."""
        lines = section.split(_CRLF)
        fields = tuple(_field(line) for line in lines)
        kept = self._trailers(fields)
        if kept is fields:
            return section + _CRLF
        return b"".join(b"%b: %b\r\n" % field for field in kept)

    def end(self) -> bytes:
        """See :class:`Framing`."""
        if not self.done:
            raise Truncated
        return b""


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not is_trustworthy(name, value):
        raise Untrusted("a trailer field can be read in more than one way")
    return name, value.strip(b" \t")
