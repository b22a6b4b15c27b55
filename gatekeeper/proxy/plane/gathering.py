"""A head that comes in pieces: put together without looking at any octet twice."""

import re

from gatekeeper.proxy.plane.lines import Untrusted
from gatekeeper.proxy.plane.request import END

# RFC 9112 section 2.2 lets a recipient take a bare LF for the end of a line; another may not, and then they disagree
# about where the head ends.
_BARE_LF = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)").search


_MOST_EMPTY = 8  # octets of empty lines before a request


class TooLarge(Exception):  # noqa: N818 - it says what a head is
    """A head larger than the limit."""


class Gathering:
    """The octets of a head so far. ``most`` is the limit in octets, without the empty line at the end."""

    __slots__ = ("_octets",)

    def __init__(self, data: bytes, most: int) -> None:
        self._octets = bytearray(data)
        self._check(0, most)

    def add(self, data: bytes, most: int) -> bytes | None:
        """All octets as soon as the head is whole; raises :class:`Untrusted` and :class:`TooLarge`."""
        seen = len(self._octets)
        self._octets += data
        if self._octets.find(END, max(0, seen - 3)) >= 0:
            return bytes(self._octets)
        self._check(max(0, seen - 1), most)
        return None

    @property
    def octets(self) -> bytes:
        """What has come so far."""
        return bytes(self._octets)

    def _check(self, start: int, most: int) -> None:
        if len(self._octets) > most + 3:
            raise TooLarge
        if _BARE_LF(self._octets, start):
            raise Untrusted("a line of its head does not end in CRLF")


def without_empty_lines(data: bytes) -> bytes:
    """RFC 9112 section 2.2: an empty line before a request is passed over; raises :class:`Untrusted` for many."""
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2
        if start > _MOST_EMPTY:
            raise Untrusted("it begins with empty lines")
    return data[start:]
