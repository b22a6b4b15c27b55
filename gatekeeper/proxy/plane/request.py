"""A request's head, understood or refused (RFC 9112 sections 2, 3 and 6).

Where two recipients could understand a head differently it is refused; guessing is how requests are smuggled. What is
accepted leaves octet for octet, but for the lines that are for one hop only, the forwarding fields
(:mod:`gatekeeper.proxy.forwarded`), and what a hook changes.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gatekeeper.proxy.plane.lines import (
    CLAIM,
    CODING,
    CONNECTION,
    EXPECT,
    HOST,
    LENGTH,
    UPGRADE,
    WATCHED,
    Entry,
    Kind,
    Lines,
    Untrusted,
)
from gatekeeper.wire.fields import FieldList
from gatekeeper.wire.hop_by_hop import nominated

if TYPE_CHECKING:
    from gatekeeper.proxy.plane.routes import Route

# RFC 9112 section 3: method SP request-target SP HTTP-version. A target has no octet outside the visible ones; those
# above ASCII are no URI's, but servers take them, and what they mean is the upstream's to say.
_REQUEST_LINE = re.compile(
    rb"(?!CONNECT )([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([0-9])"
).fullmatch
# The beginning of nearly every request: of HTTP/1.1, in origin-form.
_BEGINNING = re.compile(rb"(?!CONNECT )([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (/[\x21-\x7e\x80-\xff]*) HTTP/1\.1\r\n").match
_OTHER_VERSION = re.compile(rb"HTTP/[02-9](?:\.[0-9])?").fullmatch

# RFC 3986 section 3.2, without userinfo, which RFC 9110 section 4.2.4 forbids; host is not empty (RFC 9110 section
# 4.2.1).
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?").fullmatch

# RFC 9112 section 3.2.2.
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([/?][\x21-\xff]*)?", re.IGNORECASE).fullmatch

END = b"\r\n\r\n"  # of a head

_CR = ord("\r")
_QUESTION = ord("?")  # a number is found in octets five times as fast as a string of one

CHUNKED = -1  # in place of a body's length

# RFC 9113 section 3.1 took the upgrade to HTTP/2 away; nobody here could follow it behind a 101.
_NO_UPGRADE = frozenset({b"h2c", b"h2"})
_PROTOCOL = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?").fullmatch


class Refusal(Exception):  # noqa: N818 - it is what the visitor gets
    """A request that goes no further: the status for the visitor and the reason for the operator's log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Fields:
    """The fields of a request that can go on; the same for all requests of a connection that send the same octets.

    ``lines`` are those that leave, without forwarding fields; ``watched`` are the fields for the hook, which stand in
    ``watched_lines``. ``length`` is the body's in octets, 0 for none, or :data:`CHUNKED`. ``kept`` is the hook's, and
    ``onward`` the visitor's: the lines as they leave when the hook changes none. ``route`` is where requests for
    ``host`` go, None for nowhere.
    """

    __slots__ = (
        "claims",
        "expects",
        "host",
        "keep_alive",
        "kept",
        "length",
        "lines",
        "onward",
        "route",
        "upgrade",
        "watched",
        "watched_lines",
    )

    def __init__(self, minor: int) -> None:
        self.lines: list[bytes] = []
        self.watched: FieldList = ()
        self.watched_lines: list[bytes] = []
        self.claims: FieldList = ()
        self.host: bytes | None = None
        self.length = 0
        self.keep_alive = minor == 1
        self.expects = False
        self.upgrade: bytes | None = None
        self.onward: bytes | None = None
        self.route: Route | None = None
        self.kept: list[Any] = []


class Request:
    """A request that can go on: ``line`` is the request line as it leaves, but for the upstream's prefix."""

    __slots__ = ("fields", "line", "method", "minor", "path", "target")

    def __init__(self, line: bytes, method: bytes, target: bytes, minor: int, fields: Fields) -> None:
        self.line = line
        self.method = method
        self.target = target
        self.path = target.partition(b"?")[0] if _QUESTION in target else target
        self.minor = minor
        self.fields = fields


class Heads:
    """Reads the heads of one connection. ``route_of`` knows the route of a host.

    A browser sends the same fields again and again, so that those of the last request are kept as they were understood:
    if the octets are the same, so is what they mean.
    """

    __slots__ = ("_block", "_fields", "_memory", "_most_fields", "_route_of")

    def __init__(
        self, memory: Lines, *, most_fields: int, route_of: Callable[[bytes | None], "Route | None"] = lambda _: None
    ) -> None:
        self._memory = memory
        self._most_fields = most_fields
        self._route_of = route_of
        self._block = b""  # the field lines of the last request, with the empty line behind them
        self._fields: Fields | None = None  # and what they mean

    def forget(self) -> None:
        """What the fields of the last request mean may be something else now."""
        self._fields = None

    def again(self, data: bytes, most: int) -> tuple[Request, bytes] | None:
        """The request at the beginning of the octets and what lies behind its head, if that has the fields of the last
        one, is of the usual form, and has at most so many octets.
        """
        fields = self._fields
        if fields is None:
            return None
        known = known_head(data, self._block, most)
        if known is None:
            return None
        line, method, target, rest = known
        return Request(line, method, target, 1, fields), rest

    def read(self, head: bytes) -> Request:
        """The request of a head without its last empty line; raises :class:`Refusal`."""
        line, _, block = head.partition(b"\r\n")
        parts = request_line(line)
        if parts is None:
            raise Refusal(*_no_request_line(line))
        method, target, version = parts
        # RFC 9110 section 2.5: a minor version above ours is read as ours, and each hop sends its own.
        minor = 1 if version != b"0" else 0
        try:
            fields = self._understood(block, minor)
        except Untrusted as fault:
            raise Refusal(400, str(fault)) from None
        if minor:
            self._block, self._fields = block + END, fields
        if version != b"1":
            line = line[:-1] + b"1"
        if target[:1] != b"/":
            return self._other_form(line, method, target, minor, fields)
        return Request(line, method, target, minor, fields)

    def _understood(self, block: bytes, minor: int) -> Fields:
        lines = block.split(b"\r\n") if block else []
        if len(lines) > self._most_fields:
            raise Refusal(431, f"it has more than {self._most_fields} fields")
        fields = Fields(minor)
        watched = []
        others: list[tuple[bytes, Entry]] = []
        for found in self._memory.scan(lines):
            line, entry = found
            if entry[0] == WATCHED:
                watched.append(entry[1])
                fields.watched_lines.append(line)
            else:
                others.append(found)
        fields.watched = tuple(watched)
        fields.lines = lines
        _host(fields, others, minor)
        _for_this_hop(fields, others, minor)
        self._route(fields)
        return fields

    def _route(self, fields: Fields) -> None:
        """Where the request goes, and under which name it asks there."""
        fields.route = route = self._route_of(fields.host)
        if route is not None and route.host_for is not None:
            with_host(fields, route.host_for(fields.host))

    def _other_form(self, line: bytes, method: bytes, target: bytes, minor: int, fields: Fields) -> Request:
        """Absolute-form becomes origin-form, its authority the host, whatever Host says (RFC 9112 section 3.2.2)."""
        if target == b"*" and method == b"OPTIONS":
            return Request(line, method, target, minor, fields)
        match = _ABSOLUTE(target)
        if match is None or not _AUTHORITY(match[1]):
            raise Refusal(400, "its target cannot be sent on")
        rest = match[2] or (b"*" if method == b"OPTIONS" else b"/")
        target = rest if rest[:1] != b"?" else b"/" + rest
        # These fields are this request's alone: the next may be in another form.
        self._fields = None
        fields.host = match[1]
        fields.onward = None
        with_host(fields, match[1])
        self._route(fields)
        return Request(b"%b %b HTTP/1.1" % (method, target), method, target, minor, fields)


def head_end_pure(data: bytes) -> int:
    """Where the empty line begins that ends a head; -1 for nowhere."""
    return data.find(END)


def request_line_pure(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Method, target and minor version of a request line; None for CONNECT, and for what is none of HTTP/1."""
    match = _REQUEST_LINE(line)
    return None if match is None else (match[1], match[2], match[3])


def known_head_pure(data: bytes, block: bytes, most: int) -> tuple[bytes, bytes, bytes, bytes] | None:
    """Request line, method, target, and what lies behind the head of a request of HTTP/1.1 in origin-form with these
    field lines, in a head of at most so many octets; None for any other, whatever is wrong or right with it.
    """
    match = _BEGINNING(data)
    if match is None:
        return None
    at = match.end()
    if not data.startswith(block, at):
        return None
    end = at + len(block)
    if end - len(END) > most:
        return None
    method, target = match.groups()
    return data[: at - 2], method, target, data[end:] if len(data) > end else b""


def _no_request_line(line: bytes) -> tuple[int, str]:
    if line.startswith(b"CONNECT "):
        return 400, "CONNECT asks for a tunnel, and this is no forward proxy"
    version = line.rpartition(b" ")[2]
    if _OTHER_VERSION(version):
        return 505, "its version is not HTTP/1"
    return 400, "its first line is none of HTTP/1.1"


def _host(fields: Fields, others: list[tuple[bytes, Entry]], minor: int) -> None:
    """RFC 9112 section 3.2: 400 for no Host, more than one, or one that is no authority."""
    hosts = [entry[1][1] for _, entry in others if entry[0] == HOST]
    if len(hosts) != 1 and (hosts or minor):
        raise Refusal(400, f"it has {len(hosts)} Host fields")
    if hosts:
        if not _AUTHORITY(hosts[0]):
            raise Refusal(400, "its Host field is not valid")
        fields.host = hosts[0]


def with_host(fields: Fields, host: bytes) -> None:
    """Another Host field in place of the one that is there, or one at the front where none is."""
    lines = fields.lines
    for place, line in enumerate(lines):
        if line[:5].lower() == b"host:":
            lines[place] = b"Host: " + host
            return
    lines.insert(0, b"Host: " + host)


def _for_this_hop(fields: Fields, others: list[tuple[bytes, Entry]], minor: int) -> None:
    """The framing of the body, the persistence of the connection, and what else is said to this hop alone."""
    of: dict[Kind, list[Entry]] = {}
    for _, entry in others:
        of.setdefault(entry[0], []).append(entry)
    if CLAIM in of:
        fields.claims = tuple(field for _, field, _ in of[CLAIM])
    if CONNECTION in of:
        _connection(fields, of, minor)
    if EXPECT in of:
        # RFC 9110 section 10.1.1: from an HTTP/1.0 visitor it is ignored.
        fields.expects = minor == 1 and any(value.lower() == b"100-continue" for _, (_, value), _ in of[EXPECT])
        if not minor:
            leave_out(fields.lines, frozenset({b"expect"}))
    lengths = of.get(LENGTH, [])
    if len(lengths) > 1 or any(length < 0 for _, _, length in lengths):
        raise Refusal(400, "its Content-Length is not one number")
    if CODING in of:
        _coding(fields, [value for _, (_, value), _ in of[CODING]], bool(lengths), minor)
    elif lengths:
        fields.length = lengths[0][2]
    if lengths or CODING in of:
        _frame_plainly(fields, others)


def _frame_plainly(fields: Fields, others: list[tuple[bytes, Entry]]) -> None:
    """What frames the body leaves without tabs or more than one space around its value: they are no more than space
    (RFC 9110 section 5.6.3), but nginx and node take a tab for a part of the value.
    """
    for line, (kind, (name, value), _) in others:
        if kind in (LENGTH, CODING) and (plain := b"%b: %b" % (name, value)) != line:
            fields.lines[fields.lines.index(line)] = plain


def _connection(fields: Fields, of: dict[Kind, list[Entry]], minor: int) -> None:
    said = frozenset().union(*(options for _, _, options in of[CONNECTION]))
    if b"close" in said:
        fields.keep_alive = False
    elif b"keep-alive" in said:
        fields.keep_alive = True
    if b"upgrade" in said and minor and (wanted := _upgrade([value for _, (_, value), _ in of.get(UPGRADE, [])])):
        fields.upgrade = wanted
        fields.lines += [b"Connection: Upgrade", b"Upgrade: " + wanted]
    if said - UNNAMED:
        leave_out(fields.lines, nominated_by(said), watched=fields.watched_lines)


def _upgrade(values: list[bytes]) -> bytes | None:
    """The protocols that may be switched to, as one value."""
    named = [one.strip(b" \t") for value in values for one in value.split(b",")]
    wanted = [one for one in named if _PROTOCOL(one) and one.lower() not in _NO_UPGRADE]
    return b", ".join(wanted) or None


# Options of Connection that are no field names.
UNNAMED = frozenset({b"close", b"keep-alive", b"upgrade", b"te"})
_NEVER_LEFT_OUT = frozenset({b"connection", b"upgrade", b"transfer-encoding", b"expect"})


def nominated_by(said: frozenset[bytes]) -> frozenset[bytes]:
    """The names among the options of Connection that may be left out: none that says how a body is framed or asked
    for.
    """
    return nominated(((b"connection", b",".join(said)),)) - _NEVER_LEFT_OUT


def leave_out(lines: list[bytes], names: frozenset[bytes], *, watched: Sequence[bytes] = ()) -> None:
    """Takes out the lines with these names, but none that a hook watches. ``lines`` may be pieces of several each."""
    # The lines themselves, and no copies of them: the watched ones are known again by what they are.
    each = [line for piece in lines for line in (piece.split(b"\r\n") if _CR in piece else (piece,))]
    lines[:] = [line for line in each if line in watched or line.partition(b":")[0].lower() not in names]


def _coding(fields: Fields, codings: list[bytes], sized: bool, minor: int) -> None:
    if sized:
        raise Refusal(400, "it has both Content-Length and Transfer-Encoding")
    if not minor:
        raise Refusal(400, "it has Transfer-Encoding in HTTP/1.0")
    if len(codings) > 1 or codings[0].lower() != b"chunked":
        raise Refusal(400, "its Transfer-Encoding is not chunked")
    fields.length = CHUNKED


try:
    from gatekeeper.proxy.plane import _heads
except ImportError:
    head_end, request_line, known_head = head_end_pure, request_line_pure, known_head_pure
else:
    head_end, request_line, known_head = _heads.head_end, _heads.request_line, _heads.known_head
