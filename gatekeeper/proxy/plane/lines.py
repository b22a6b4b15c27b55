"""What a field line is to this hop, remembered: most lines of most heads have been seen before, octet for octet.

A line that was found sound and of no interest once is found again in a set, which costs less than to look for its
colon. Only lines whose values are no visitor's own are remembered whole (:data:`_REPEATING`); of the others, the name.
"""

import re
from collections.abc import Callable
from itertools import filterfalse
from typing import Any

from gatekeeper.wire.fields import FieldList, is_trustworthy

# Lines and names remembered, and octets of one. What more a hostile peer invents only empties the tables.
_REMEMBERED = 4096
_SHORT = 256
# What may surround a run of watched lines, remembered as one.
_SURROUNDINGS = 256
_LONGEST_SURROUNDING = 2048


def breaks_line(octets: bytes) -> bool:
    """Whether CR, LF or NUL is among the octets: each of them can end a line for some recipient (RFC 9110 section 5.5).

    Asked for as numbers, they are looked for by one fast call each.
    """
    return 13 in octets or 10 in octets or 0 in octets


class Untrusted(Exception):  # noqa: N818 - it says what a head is
    """A head that can be read in more than one way, or is none; the text is for the operator and quotes nothing."""


# What is done with a line, as plain numbers, since they are compared for every line. PLAIN ones go on as they are.
Kind = int
PLAIN = 0
WATCHED = 1  # goes to the hook
HOP = 2  # for this hop only, and of no interest even here
CONNECTION = 3
LENGTH = 4
CODING = 5
UPGRADE = 6
HOST = 7
CLAIM = 8  # X-Forwarded-For and its like
EXPECT = 9
_ENDS_HERE = frozenset({HOP, CONNECTION, UPGRADE, CLAIM})
_OF_NO_INTEREST = frozenset({PLAIN, HOP})

# Kind, (name, value), and what a value means that is looked at here: the options of Connection, the number of
# Content-Length.
Entry = tuple[Kind, tuple[bytes, bytes], Any]

# What stands before and behind a run of watched lines: the first line, the others that go on, in pieces of one or more
# lines, before which piece the run stands, and what is to be known of those that are not plain.
Around = tuple[bytes, list[bytes], int, list[Entry]]

_FOR_THIS_HOP = {
    b"connection": CONNECTION,
    b"content-length": LENGTH,
    b"transfer-encoding": CODING,
    b"upgrade": UPGRADE,
    # RFC 9110 section 7.6.1, and sections 11.7.1 and 11.7.2 for those of the hop's own authentication.
    b"keep-alive": HOP,
    b"proxy-authenticate": HOP,
    b"proxy-authorization": HOP,
    b"proxy-connection": HOP,
    b"te": HOP,
}
_OF_REQUESTS = {b"host": HOST, b"expect": EXPECT}

# Fields whose lines may be kept in memory whole: they repeat from message to message, and none of them tells visitors
# apart.
_REPEATING = frozenset(
    b"""accept accept-ch accept-charset accept-encoding accept-language accept-ranges access-control-allow-credentials
    access-control-allow-headers access-control-allow-methods access-control-expose-headers access-control-max-age age
    allow alt-svc cache-control connection content-disposition content-encoding content-language content-length
    content-security-policy content-security-policy-report-only content-type critical-ch cross-origin-embedder-policy
    cross-origin-opener-policy cross-origin-resource-policy date dnt etag expect expires host keep-alive nel
    last-modified origin-agent-cluster p3p permissions-policy pragma priority proxy-connection referrer-policy report-to
    reporting-endpoints retry-after sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode
    sec-fetch-site sec-fetch-user sec-gpc server server-timing strict-transport-security te timing-allow-origin
    transfer-encoding upgrade upgrade-insecure-requests user-agent vary via x-accel-expires x-aspnet-version
    x-content-type-options x-dns-prefetch-control x-frame-options x-permitted-cross-domain-policies x-powered-by
    x-requested-with x-robots-tag x-ua-compatible x-xss-protection""".split()
)


class Lines:
    """The lines of one direction. ``watches`` says of a name in lower case whether a hook wants it."""

    def __init__(self, watches: Callable[[bytes], bool], *, of_requests: bool) -> None:
        self._watches = watches
        self._of_requests = of_requests
        self._repeats: set[bytes] = set()
        self.names: dict[bytes, Kind] = {}
        self.plain: set[bytes] = set()
        self.known: dict[bytes, Entry] = {}
        # What begins a line with the watched name that came several times in one head, as it stood there: it will
        # again.
        self.run: bytes | None = None
        # By the octets before such a run and behind it. An app says the same there from answer to answer, its Date but
        # once a second: only lines that are remembered whole are in here.
        self.around: dict[tuple[bytes, bytes], Around] = {}

    def forget(self) -> None:
        """The hook may watch others now."""
        for memory in (self._repeats, self.names, self.plain, self.known, self.around):
            memory.clear()
        self.run = None

    def scan(self, lines: list[bytes]) -> list[tuple[bytes, Entry]]:
        """The lines that are not plain, each with what it is; takes those out of ``lines`` that do not go on.

        Raises :class:`Untrusted` for a line that is no field line.
        """
        found = []
        known = self.known
        for line in list(filterfalse(self.plain.__contains__, lines)):
            entry = known.get(line) or self.look(line)
            kind = entry[0]
            if kind in _ENDS_HERE:
                lines.remove(line)
            if kind not in _OF_NO_INTEREST:
                found.append((line, entry))
        return found

    def surround(self, before: bytes, after: bytes) -> Around | None:
        """What stands before and behind a run of watched lines; None where another watched line is there. Raises
        :class:`Untrusted` as :meth:`scan` does.
        """
        front = before.split(b"\r\n")
        first = front.pop(0)
        back = after.split(b"\r\n") if after else []
        strange = [line for line in filterfalse(self.plain.__contains__, front + back) if line not in self.known]
        others = [entry for _, entry in self.scan(front) + self.scan(back)]
        if any(entry[0] == WATCHED for entry in others):
            return None
        if strange or len(before) + len(after) > _LONGEST_SURROUNDING:
            return first, front + back, len(front), others
        pieces = [b"\r\n".join(piece) for piece in (front, back) if piece]
        found = first, pieces, min(len(front), 1), others
        if len(self.around) >= _SURROUNDINGS:
            self.around.clear()
        self.around[before, after] = found
        return found

    def look(self, line: bytes) -> Entry:
        """What a line is, that stands without its end; raises :class:`Untrusted`."""
        name, colon, rest = line.partition(b":")
        kind = self.names.get(name)
        if kind is None:
            kind = self._name(name)
        if not colon or breaks_line(rest):
            raise Untrusted("a field line can be read in more than one way")
        # A watched one is shown as it is: white space round it may be what somebody stumbles over.
        value = rest.removeprefix(b" ") if kind == WATCHED else rest.strip(b" \t")
        meaning = _MEANINGS[kind](value) if kind in _MEANINGS else None
        entry = (kind, (name, value), meaning)
        if name in self._repeats and len(line) <= _SHORT:
            if kind == PLAIN:
                if len(self.plain) >= _REMEMBERED:
                    self.plain.clear()
                self.plain.add(line)
            else:
                if len(self.known) >= _REMEMBERED:
                    self.known.clear()
                self.known[line] = entry
        return entry

    def _name(self, name: bytes) -> Kind:
        if not is_trustworthy(name, b""):
            raise Untrusted("a field line can be read in more than one way")
        lowered = name.lower()
        kind = self._kind(lowered)
        if len(name) <= _SHORT:
            if len(self.names) >= _REMEMBERED:
                self.names.clear()
                self._repeats.clear()
            self.names[name] = kind
            if lowered in _REPEATING:
                self._repeats.add(name)
        return kind

    def _kind(self, name: bytes) -> Kind:
        if name in _FOR_THIS_HOP:
            return _FOR_THIS_HOP[name]
        if self._of_requests:
            if name in _OF_REQUESTS:
                return _OF_REQUESTS[name]
            if is_claim(name):
                return CLAIM
        return WATCHED if self._watches(name) else PLAIN


# RFC 9110 section 6.5.1: what decides on routing, authentication, framing, or what is done with the message must not
# come behind it. A server that merges trailers into the head would believe it.
_NEVER_TRAILERS = frozenset(
    b"""age authorization authentication-info cache-control content-encoding content-location content-range content-type
    date expires if-match if-modified-since if-none-match if-range if-unmodified-since location max-forwards pragma
    range retry-after vary warning www-authenticate""".split()
)


def harmless(fields: FieldList, memory: Lines) -> FieldList:
    """The trailer fields that do no harm even where a server merges them into the head; the same tuple for all."""
    kept = tuple(field for field in fields if _is_harmless(field[0], memory))
    return fields if len(kept) == len(fields) else kept


def _is_harmless(name: bytes, memory: Lines) -> bool:
    return name.lower() not in _NEVER_TRAILERS and memory.look(name + b":")[0] in (PLAIN, WATCHED)


def is_claim(name: bytes) -> bool:
    """Whether a name in lower case is one of those that tell who the visitor is, also as CGI and WSGI read it."""
    canonical = name.replace(b"_", b"-")
    return canonical in (b"forwarded", b"x-real-ip") or canonical.startswith(b"x-forwarded-")


def _options(value: bytes) -> frozenset[bytes]:
    """The options of a Connection field, in lower case (RFC 9110 section 7.6.1)."""
    return frozenset(option.strip(b" \t").lower() for option in value.split(b",")) - {b""}


def number(value: bytes) -> int:
    """The number of a Content-Length field, -1 for none."""
    return int(value) if _NUMBER.fullmatch(value) else -1


_NUMBER = re.compile(rb"[0-9]{1,18}")
_MEANINGS: dict[Kind, Callable[[bytes], Any]] = {CONNECTION: _options, LENGTH: number}
