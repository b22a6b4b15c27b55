"""A request's head, understood or refused (RFC 9112 sections 2, 3 and 6).

Where two recipients could understand a head differently it is refused; guessing is how requests are smuggled. What is
accepted leaves octet for octet, but for the lines that are for one hop only, the forwarding fields
(:mod:`gatekeeper.proxy.forwarded`), and what a hook changes.
"""

import re
from collections.abc import Callable

from gatekeeper.proxy.plane.lines import (
    CLAIM,
    CODING,
    CONNECTION,
    EXPECT,
    HOST,
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
from gatekeeper.wire.fields import FieldList
from gatekeeper.wire.hop_by_hop import nominated

# RFC 9112 section 3: method SP request-target SP HTTP-version. A target has no octet outside the visible ones; those
# above ASCII are no URI's, but servers take them, and what they mean is the upstream's to say.
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])").fullmatch

# RFC 3986 section 3.2, without userinfo, which RFC 9110 section 4.2.4 forbids; host is not empty (RFC 9110 section
# 4.2.1).
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?").fullmatch

# RFC 9112 section 3.2.2.
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([/?][\x21-\xff]*)?", re.IGNORECASE).fullmatch

_KEPT_IN_PLACE = frozenset({LENGTH, CODING, EXPECT})

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


class Request:
    """A request that can go on.

    ``lines`` are those that leave, the request line (not yet with the upstream's prefix) first and no forwarding
    field among them; ``watched`` are the fields for the hook, at ``places`` in ``lines``. ``length`` is the body's in
    octets, 0 for none, or :data:`CHUNKED`.
    """

    __slots__ = (
        "claims",
        "expects",
        "host",
        "keep_alive",
        "length",
        "lines",
        "method",
        "minor",
        "places",
        "target",
        "upgrade",
        "watched",
    )

    method: bytes
    target: bytes
    minor: int
    lines: list[bytes]
    watched: FieldList
    places: list[int]
    claims: FieldList
    host: bytes | None
    length: int
    keep_alive: bool
    expects: bool
    upgrade: bytes | None

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]


def parse_request(
    head: bytes, memory: Lines, *, most_fields: int, host_for: Callable[[bytes | None], bytes] | None = None
) -> Request:
    """The request of a head without its last empty line; raises :class:`Refusal`.

    ``host_for`` makes the Host field that leaves of the one that came (None: it stays).
    """
    try:
        return _parse(head, memory, most_fields, host_for)
    except Untrusted as fault:
        raise Refusal(400, str(fault)) from None


def _parse(head: bytes, memory: Lines, most_fields: int, host_for: Callable[[bytes | None], bytes] | None) -> Request:
    lines = head.split(b"\r\n")
    if len(lines) > most_fields + 1:
        raise Refusal(431, f"it has more than {most_fields} fields")
    request = Request()
    first = _request_line(lines[0], request)
    plain, known, look = memory.plain, memory.known, memory.look
    kept = [first]
    keep = kept.append
    watched: list[tuple[bytes, bytes]] = []
    places: list[int] = []
    others: list[Entry] = []
    host: bytes | None = None
    hosts = 0
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
        elif kind == HOST:
            host = entry[1][1]
            hosts += 1
            keep(line)
        elif kind == PLAIN:
            keep(line)
        else:
            others.append(entry)
            if kind in _KEPT_IN_PLACE:
                keep(line)
    request.lines = kept
    request.watched = tuple(watched)
    request.places = places
    request.claims = ()
    request.length = 0
    request.expects = False
    request.upgrade = None
    request.keep_alive = request.minor == 1
    if hosts != 1 and (hosts or request.minor):
        raise Refusal(400, f"it has {hosts} Host fields")
    if host is not None and not _AUTHORITY(host):
        raise Refusal(400, "its Host field is not valid")
    if request.target[:1] != b"/":
        host = _other_form(request, host)
    if others:
        _for_this_hop(request, others)
    request.host = host
    if host_for is not None:
        _with_host(request, host_for(host))
    elif host is None or hosts == 0:
        raise Refusal(400, "it has no Host field")
    return request


def _request_line(line: bytes, request: Request) -> bytes:
    match = _REQUEST_LINE(line)
    if match is None:
        raise Refusal(400, "its first line is none of HTTP/1.1")
    request.method, request.target, major, minor = match.groups()
    if major != b"1":
        raise Refusal(505, "its version is not HTTP/1")
    if minor == b"1":
        request.minor = 1
        return line
    # RFC 9110 section 2.5: a minor version above ours is read as ours, and each hop sends its own.
    request.minor = 0 if minor == b"0" else 1
    return line[:-1] + b"1"


def _other_form(request: Request, host: bytes | None) -> bytes | None:
    """Absolute-form becomes origin-form, and its authority the host, whatever Host says (RFC 9112 section 3.2.2)."""
    method, target = request.method, request.target
    if method == b"CONNECT":
        raise Refusal(400, "CONNECT asks for a tunnel, and this is no forward proxy")
    if target == b"*" and method == b"OPTIONS":
        return host
    match = _ABSOLUTE(target)
    if match is None or not _AUTHORITY(match[1]):
        raise Refusal(400, "its target cannot be sent on")
    rest = match[2] or (b"*" if method == b"OPTIONS" else b"/")
    request.target = rest if rest[:1] != b"?" else b"/" + rest
    request.lines[0] = b"%b %b HTTP/1.1" % (method, request.target)
    if host is not None:
        _with_host(request, match[1])
    return match[1]


def _with_host(request: Request, host: bytes) -> None:
    lines = request.lines
    for place in range(1, len(lines)):
        if lines[place][:5].lower() == b"host:":
            lines[place] = b"Host: " + host
            return
    lines.append(b"Host: " + host)


def _for_this_hop(request: Request, others: list[Entry]) -> None:
    """The framing of the body, the persistence of the connection, and what else is said to this hop alone."""
    of: dict[Kind, list[bytes]] = {}
    for kind, (_, value) in others:
        of.setdefault(kind, []).append(value)
    request.claims = tuple(field for kind, field in others if kind == CLAIM)
    if CONNECTION in of:
        _connection(request, of)
    if EXPECT in of:
        # RFC 9110 section 10.1.1: from an HTTP/1.0 visitor it is ignored.
        request.expects = request.minor == 1 and any(value.lower() == b"100-continue" for value in of[EXPECT])
        if not request.minor:
            leave_out(request.lines, request.places, frozenset({b"expect"}))
    length = content_length(of.get(LENGTH, []), strict=True)
    if CODING in of:
        _coding(request, of[CODING], length)
    elif length is not None:
        request.length = length


def _connection(request: Request, of: dict[Kind, list[bytes]]) -> None:
    said = options(of[CONNECTION])
    if b"close" in said:
        request.keep_alive = False
    elif b"keep-alive" in said:
        request.keep_alive = True
    if b"upgrade" in said and request.minor and (wanted := _upgrade(of.get(UPGRADE, []))):
        request.upgrade = wanted
        request.lines += [b"Connection: Upgrade", b"Upgrade: " + wanted]
    if said - {b"close", b"keep-alive", b"upgrade", b"te"}:
        leave_out(request.lines, request.places, nominated_by(of[CONNECTION]))


def _upgrade(values: list[bytes]) -> bytes | None:
    """The protocols that may be switched to, as one value."""
    named = [one.strip(b" \t") for value in values for one in value.split(b",")]
    wanted = [one for one in named if _PROTOCOL(one) and one.lower() not in _NO_UPGRADE]
    return b", ".join(wanted) or None


def nominated_by(values: list[bytes]) -> frozenset[bytes]:
    """The names in Connection fields that may be left out: none that says how a body is framed or asked for."""
    return nominated(tuple((b"connection", value) for value in values)) - {b"transfer-encoding", b"expect"}


def leave_out(lines: list[bytes], places: list[int], names: frozenset[bytes]) -> None:
    """Takes out the lines with these names, but none that a hook watches; ``places`` follow."""
    watched = set(places)
    kept = [
        (place, line)
        for place, line in enumerate(lines)
        if not place or place in watched or line.partition(b":")[0].lower() not in names
    ]
    lines[:] = [line for _, line in kept]
    places[:] = [new for new, (old, _) in enumerate(kept) if old in watched]


def _coding(request: Request, codings: list[bytes], length: int | None) -> None:
    if length is not None:
        raise Refusal(400, "it has both Content-Length and Transfer-Encoding")
    if not request.minor:
        raise Refusal(400, "it has Transfer-Encoding in HTTP/1.0")
    if len(codings) > 1 or codings[0].lower() != b"chunked":
        raise Refusal(400, "its Transfer-Encoding is not chunked")
    request.length = CHUNKED
