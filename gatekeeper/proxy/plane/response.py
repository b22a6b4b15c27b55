"""A response's head, understood or not to be trusted (RFC 9112 sections 4 and 6.3)."""

import re
from collections.abc import Sequence

from gatekeeper.proxy.plane.hooks import Field, merged, placed, written
from gatekeeper.proxy.plane.lines import (
    CODING,
    CONNECTION,
    LENGTH,
    UPGRADE,
    WATCHED,
    Entry,
    Kind,
    Lines,
    Untrusted,
    number,
)
from gatekeeper.proxy.plane.request import CHUNKED, UNNAMED, leave_out, nominated_by
from gatekeeper.wire.fields import FieldList

UNTIL_CLOSE = -2  # in place of a body's length

# RFC 9112 section 4. Some servers leave the space behind the status out, where no reason follows. A reason may hold any
# octet that does not end the line.
_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-5][0-9][0-9])(?: ([^\r\n\x00]*))?").fullmatch
_STATUSES = 1024

_WITH_BODY = frozenset(range(200, 300)) - {204}
_KEEP_ALIVE = frozenset({b"keep-alive"})
_LENGTH = frozenset({b"content-length"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Response:
    """The head of a response. ``first`` is its status line, ``lines`` are the others that leave (or some of them in
    one piece), ``watched`` the fields for the hook.

    ``length`` is the body's in octets, :data:`CHUNKED` or :data:`UNTIL_CLOSE`; ``announced`` tells whether fields
    speak of a body where there is none (HEAD, 204, 304).
    """

    __slots__ = (
        "_at",
        "_watched_lines",
        "announced",
        "first",
        "keep_alive",
        "length",
        "lines",
        "minor",
        "status",
        "upgrade",
        "watched",
    )

    def __init__(self, status: tuple[int, int, bytes], lines: list[bytes], watched: FieldList, at: int) -> None:
        self.status, self.minor, self.first = status
        self.lines = lines
        self.watched = watched
        self._at = at
        self.keep_alive = self.minor == 1
        self.length = UNTIL_CLOSE
        self.announced = False
        self.upgrade = False
        # The watched lines among the others; None where they are left out of these, for they stand together at ``_at``.
        self._watched_lines: Sequence[bytes] | None = None

    @classmethod
    def of_lines(
        cls, status: tuple[int, int, bytes], lines: list[bytes], found: list[tuple[bytes, Entry]]
    ) -> "Response":
        """The response of lines of which a scan found these."""
        watched = tuple(entry[1] for _, entry in found if entry[0] == WATCHED)
        response = cls(status, lines, watched, 0)
        response._watched_lines = [line for line, entry in found if entry[0] == WATCHED]
        return response

    def onward(self, fields: FieldList) -> list[bytes]:
        """The lines that leave when the hook made ``fields`` of the watched ones; to be called once."""
        lines = self.lines
        if self._watched_lines is None:
            at = self._at
            new: Sequence[Field] = ()
            # What a hook adds comes last; without such, what is left leaves in its order.
            if fields is not self.watched and fields and fields[-1] not in self.watched:
                places, new = placed(self.watched, fields)
                fields = tuple(field for field in places if field is not None)
            lines[at:at] = [name + b": " + value for name, value in fields]
            if new:
                lines += map(written, new)
        elif fields is not self.watched:
            lines = merged(lines, self._watched_lines, self.watched, fields)
        lines.insert(0, self.first)
        return lines

    def leave_out(self, names: frozenset[bytes]) -> None:
        """Takes out the lines with these names, but none that is watched."""
        if self._watched_lines is not None:
            leave_out(self.lines, names, watched=self._watched_lines)
            return
        before, after = self.lines[: self._at], self.lines[self._at :]
        leave_out(before, names)
        leave_out(after, names)
        self._at = len(before)
        self.lines = before + after


class Statuses:
    """Status lines by their octets: few are ever seen."""

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[int, int, bytes]] = {}

    def read(self, line: bytes) -> tuple[int, int, bytes]:
        """Status, minor version, and the line as it leaves; raises :class:`Untrusted`."""
        known = self.known.get(line)
        if known is None:
            match = _STATUS_LINE(line)
            if match is None:
                raise Untrusted("its first line is none of HTTP/1.1")
            # RFC 9110 section 2.5: each hop sends its own version. RFC 9112 section 4: the space behind the status is
            # sent even where no reason follows.
            known = (int(match[2]), int(match[1] != b"0"), b"HTTP/1.1 %b %b" % (match[2], match[3] or b""))
            if len(self.known) >= _STATUSES:
                self.known.clear()
            self.known[line] = known
        return known


def parse_response(head: bytes, memory: Lines, statuses: Statuses, method: bytes) -> Response:
    """The response of a head without its last empty line, to a request of this method; raises :class:`Untrusted`."""
    parts = cut(head, memory)
    if parts is not None:
        first, lines, watched, at, others = parts
        response = Response(statuses.known.get(first) or statuses.read(first), lines, watched, at)
    else:
        lines = head.split(b"\r\n")
        first = lines.pop(0)
        found = memory.scan(lines)
        response = Response.of_lines(statuses.known.get(first) or statuses.read(first), lines, found)
        others = [entry for _, entry in found if entry[0] != WATCHED]
        if len(response.watched) > 1 and response.watched[-1][0] == response.watched[-2][0]:
            memory.run = b"\r\n%b: " % response.watched[-1][0]
    # Nearly all answers to GET and POST: one Content-Length, and at most a word on the connection.
    if response.status in _WITH_BODY and method != b"HEAD":
        length = -1
        alive = response.keep_alive
        for kind, _, meaning in others:
            if kind == LENGTH and length < 0 <= meaning:
                length = meaning
            elif kind == CONNECTION and meaning == _KEEP_ALIVE:
                alive = True
            else:
                length = -1
                break
        if length >= 0:
            response.length = length
            response.keep_alive = alive
            return response
    _framing(response, others, method)
    return response


Cut = tuple[bytes, list[bytes], FieldList, int, list[Entry]]


def cut_pure(head: bytes, memory: Lines) -> Cut | None:
    """A head in which the watched fields, if any, stand together: its first line, the others but for these, in pieces
    of one or more lines, the watched fields, before which piece they stand, and what is to be known of the others.

    None for a head that is to be taken line by line. Raises :class:`Untrusted`. In this form it is a head in which
    one watched field stands several times: six such lines are then one split of the head, and none of them is looked
    at one by one.
    """
    run = memory.run
    if run is None:
        return None
    parts = head.split(run)
    if len(parts) < 3:
        return None
    before = parts.pop(0)
    parts[-1], _, after = parts[-1].partition(b"\r\n")
    # None of them holds the end of a line: they stand together, and each is a sound field value. Not by breaks_line(),
    # for the sake of the step.
    values = b"".join(parts)
    if 13 in values or 10 in values or 0 in values:
        return None
    around = memory.around.get((before, after)) or memory.surround(before, after)
    if around is None:
        return None
    first, lines, at, others = around
    name = run[2:-2]
    # What is remembered stays as it is; the lines are the caller's to change.
    return first, lines.copy(), tuple([(name, value) for value in parts]), at, others


def _framing(response: Response, others: list[Entry], method: bytes) -> None:
    """RFC 9112 section 6.3, in its order."""
    of: dict[Kind, list[Entry]] = {}
    for entry in others:
        of.setdefault(entry[0], []).append(entry)
    lengths, codings = of.get(LENGTH, []), of.get(CODING, [])
    length = _length(response, lengths)
    if codings:
        if lengths or response.minor == 0:
            raise Untrusted("the length of its answer can be read in two ways")
        if len(codings) > 1 or codings[0][1][1].lower() != b"chunked":
            raise Untrusted("its Transfer-Encoding is not chunked")
    if CONNECTION in of:
        _connection(response, frozenset().union(*(options for _, _, options in of[CONNECTION])))
    if UPGRADE in of:
        _upgrade(response, [value for _, (_, value), _ in of[UPGRADE]])
    status = response.status
    if method == b"HEAD" or status in (204, 304) or status < 200:
        # RFC 9110 section 8.6: in answer to HEAD, and in a 304, a length tells of another response; in a 204 and below
        # 200 there must be none. RFC 9112 section 6.1: nor a coding.
        response.length = 0
        response.announced = bool(codings or length)
        if of and (status < 200 or status == 204):
            response.leave_out(_FRAMING)
    elif codings:
        response.length = CHUNKED
    elif length is None:
        response.length = UNTIL_CLOSE
        response.keep_alive = False
    else:
        response.length = length


def _length(response: Response, lengths: list[Entry]) -> int | None:
    """What all Content-Length fields say, once."""
    if not lengths:
        return None
    values = [value for _, (_, value), _ in lengths]
    said = {number(one.strip(b" \t")) for value in values for one in value.split(b",")}
    if len(said) > 1 or -1 in said:
        raise Untrusted("its Content-Length is not one number")
    length = said.pop()
    if len(values) > 1 or b"," in values[0]:
        # The same number twice is said once.
        response.leave_out(_LENGTH)
        response.lines.append(b"Content-Length: %d" % length)
    return length


def _connection(response: Response, said: frozenset[bytes]) -> None:
    if b"close" in said:
        response.keep_alive = False
    elif b"keep-alive" in said:
        response.keep_alive = True
    if said - UNNAMED:
        response.leave_out(nominated_by(said))


def _upgrade(response: Response, values: list[bytes]) -> None:
    """Upgrade goes on where the visitor needs it: in the 101 that switches, and in the 426 that says to what (RFC 9110
    section 15.5.22).
    """
    if response.status in (101, 426):
        response.upgrade = response.status == 101
        response.lines += [b"Connection: Upgrade", *(b"Upgrade: " + value for value in values)]


try:
    from gatekeeper.proxy.plane import _heads
except ImportError:
    cut = cut_pure
else:
    cut = _heads.cut
