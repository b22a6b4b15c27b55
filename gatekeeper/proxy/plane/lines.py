"""What a field line is to this hop, remembered: most lines of most heads have been seen before, octet for octet.

A line that was found sound and of no interest once is found again in a set, which costs less than to look for its
colon. Only lines whose values are no visitor's own are remembered whole (:data:`_REPEATING`); of the others, the name.
"""

import re
from collections.abc import Callable

from gatekeeper.wire.fields import is_trustworthy

# Lines and names remembered, and octets of one. What more a hostile peer invents only empties the tables.
_REMEMBERED = 4096
_SHORT = 256
_BREAKS_LINE = re.compile(rb"[\r\n\x00]")


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

Entry = tuple[Kind, tuple[bytes, bytes]]

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
    cross-origin-opener-policy cross-origin-resource-policy date dnt expect expires host keep-alive nel
    origin-agent-cluster p3p permissions-policy pragma priority proxy-connection referrer-policy report-to
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
        self._names: dict[bytes, tuple[Kind, bool]] = {}
        # Both are read directly on the hot path; a miss in both goes through look().
        self.plain: set[bytes] = set()
        self.known: dict[bytes, Entry] = {}

    def look(self, line: bytes) -> Entry:
        """Kind, name and value of a line that stands without its end; raises :class:`Untrusted`."""
        name, colon, value = line.partition(b":")
        found = self._names.get(name)
        if found is None:
            found = self._name(name)
        kind, repeats = found
        if not colon or _BREAKS_LINE.search(value):
            raise Untrusted("a field line can be read in more than one way")
        entry = (kind, (name, value.strip(b" \t")))
        if repeats and len(line) <= _SHORT:
            if kind is PLAIN:
                if len(self.plain) >= _REMEMBERED:
                    self.plain.clear()
                self.plain.add(line)
            else:
                if len(self.known) >= _REMEMBERED:
                    self.known.clear()
                self.known[line] = entry
        return entry

    def _name(self, name: bytes) -> tuple[Kind, bool]:
        if not is_trustworthy(name, b""):
            raise Untrusted("a field line can be read in more than one way")
        lowered = name.lower()
        found = (self._kind(lowered), lowered in _REPEATING)
        if len(name) <= _SHORT:
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            self._names[name] = found
        return found

    def _kind(self, name: bytes) -> Kind:
        if name in _FOR_THIS_HOP:
            return _FOR_THIS_HOP[name]
        if self._of_requests:
            if name in _OF_REQUESTS:
                return _OF_REQUESTS[name]
            if is_claim(name):
                return CLAIM
        return WATCHED if self._watches(name) else PLAIN


def is_claim(name: bytes) -> bool:
    """Whether a name in lower case is one of those that tell who the visitor is, also as CGI and WSGI read it."""
    canonical = name.replace(b"_", b"-")
    return canonical in (b"forwarded", b"x-real-ip") or canonical.startswith(b"x-forwarded-")


def options(values: list[bytes]) -> frozenset[bytes]:
    """The options of all Connection fields, in lower case (RFC 9110 section 7.6.1)."""
    return frozenset(option.strip(b" \t").lower() for value in values for option in value.split(b",")) - {b""}


_NUMBER = re.compile(rb"[0-9]{1,19}")


def content_length(values: list[bytes], *, strict: bool) -> int | None:
    """The number that all Content-Length fields say, None for none; raises :class:`Untrusted` (RFC 9112 section 6.3).

    ``strict`` refuses it when it is said twice, even if it is the same.
    """
    if not values:
        return None
    said = values if strict else [part.strip(b" \t") for value in values for part in value.split(b",")]
    if (strict and len(said) > 1) or len(set(said)) > 1 or not _NUMBER.fullmatch(said[0]):
        raise Untrusted("its Content-Length is not one number")
    return int(said[0])
