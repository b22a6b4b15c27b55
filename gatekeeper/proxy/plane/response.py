"""A response's head, understood or not to be trusted (RFC 9112 sections 4 and 6.3)."""

import re

from gatekeeper.proxy.plane.lines import (
    CODING,
    CONNECTION,
    LENGTH,
    PLAIN,
    UPGRADE,
    WATCHED,
    Entry,
    Kind,
    Lines,
    Untrusted,
    content_length,
    options,
)
from gatekeeper.proxy.plane.request import CHUNKED, leave_out, nominated_by
from gatekeeper.wire.fields import FieldList

UNTIL_CLOSE = -2  # in place of a body's length

# RFC 9112 section 4. Some servers leave the space behind the status out, where no reason follows. A reason may hold any
# octet that does not end the line.
_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-5][0-9][0-9])(?: ([^\r\n\x00]*))?").fullmatch
_STATUSES = 1024

_LENGTH = frozenset({b"content-length"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Response:
    """The head of a response. ``lines``, ``watched`` and ``places`` as in a request; without framing fields of our own.

    ``length`` is the body's in octets, :data:`CHUNKED` or :data:`UNTIL_CLOSE`; ``announced`` tells whether fields
    speak of a body where there is none (HEAD, 204, 304).
    """

    __slots__ = ("announced", "keep_alive", "length", "lines", "minor", "places", "status", "upgrade", "watched")

    status: int
    minor: int
    lines: list[bytes]
    watched: FieldList
    places: list[int]
    length: int
    announced: bool
    keep_alive: bool
    upgrade: bool


class Statuses:
    """Status lines by their octets: few are ever seen."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, int, bytes]] = {}

    def read(self, line: bytes) -> tuple[int, int, bytes]:
        """Status, minor version, and the line as it leaves; raises :class:`Untrusted`."""
        known = self._known.get(line)
        if known is None:
            match = _STATUS_LINE(line)
            if match is None:
                raise Untrusted("its first line is none of HTTP/1.1")
            # RFC 9110 section 2.5: each hop sends its own version. RFC 9112 section 4: the space behind the status is
            # sent even where no reason follows.
            known = (int(match[2]), int(match[1] != b"0"), b"HTTP/1.1 %b %b" % (match[2], match[3] or b""))
            if len(self._known) >= _STATUSES:
                self._known.clear()
            self._known[line] = known
        return known


def parse_response(head: bytes, memory: Lines, statuses: Statuses, *, method: bytes) -> Response:
    """The response of a head without its last empty line, to a request of this method; raises :class:`Untrusted`."""
    lines = head.split(b"\r\n")
    response = Response()
    response.status, response.minor, first = statuses.read(lines[0])
    plain, known, look = memory.plain, memory.known, memory.look
    kept = [first]
    keep = kept.append
    watched: list[tuple[bytes, bytes]] = []
    places: list[int] = []
    others: list[Entry] = []
    for line in lines[1:]:
        if line in plain:
            keep(line)
            continue
        entry = known.get(line) or look(line)
        kind = entry[0]
        if kind == WATCHED:
            watched.append(entry[1])
            places.append(len(kept))
            keep(line)
        elif kind == PLAIN:
            keep(line)
        else:
            others.append(entry)
            if kind in (LENGTH, CODING):
                keep(line)
    response.lines = kept
    response.watched = tuple(watched)
    response.places = places
    response.keep_alive = response.minor == 1
    response.upgrade = False
    response.announced = False
    _framing(response, others, method)
    return response


def _framing(response: Response, others: list[Entry], method: bytes) -> None:
    """RFC 9112 section 6.3, in its order."""
    of: dict[Kind, list[bytes]] = {}
    for kind, (_, value) in others:
        of.setdefault(kind, []).append(value)
    lengths, codings = of.get(LENGTH, []), of.get(CODING, [])
    length = content_length(lengths, strict=False)
    if codings:
        if lengths or response.minor == 0:
            raise Untrusted("the length of its answer can be read in two ways")
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            raise Untrusted("its Transfer-Encoding is not chunked")
    if CONNECTION in of:
        _connection(response, of[CONNECTION])
    if UPGRADE in of:
        _upgrade(response, of[UPGRADE])
    if length is not None and (len(lengths) > 1 or b"," in lengths[0]):
        # The same number twice is said once.
        leave_out(response.lines, response.places, _LENGTH)
        response.lines.append(b"Content-Length: %d" % length)
    status = response.status
    if method == b"HEAD" or status in (204, 304) or status < 200:
        # RFC 9110 section 8.6: in answer to HEAD, and in a 304, a length tells of another response; in a 204 and below
        # 200 there must be none. RFC 9112 section 6.1: nor a coding.
        response.length = 0
        response.announced = bool(codings or length)
        if of and (status < 200 or status == 204):
            leave_out(response.lines, response.places, _FRAMING)
    elif codings:
        response.length = CHUNKED
    elif length is None:
        response.length = UNTIL_CLOSE
        response.keep_alive = False
    else:
        response.length = length


def _connection(response: Response, values: list[bytes]) -> None:
    said = options(values)
    if b"close" in said:
        response.keep_alive = False
    elif b"keep-alive" in said:
        response.keep_alive = True
    if said - {b"close", b"keep-alive", b"upgrade", b"te"}:
        leave_out(response.lines, response.places, nominated_by(values))


def _upgrade(response: Response, values: list[bytes]) -> None:
    """Upgrade goes on where the visitor needs it: in the 101 that switches, and in the 426 that says to what (RFC 9110
    section 15.5.22).
    """
    if response.status in (101, 426):
        response.upgrade = response.status == 101
        response.lines += [b"Connection: Upgrade", *(b"Upgrade: " + value for value in values)]
