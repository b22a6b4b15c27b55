"""The Set-Cookie response field, as browsers parse it (RFC 6265bis section 5.6), with nothing lost.

A parsed field keeps every cookie-av in its place and spelling, so that a rewrite touches what it means to touch and no
octet more.
"""

from dataclasses import dataclass

from gatekeeper.cookies.grammar import CONTROL, MAX_ATTRIBUTE_VALUE, MAX_NAME_VALUE, WSP


@dataclass(frozen=True, slots=True)
class Ignored:
    """A field value that no browser stores, and why. ``name`` is empty for a nameless cookie, whose text may be a
    value.
    """

    why: str
    name: bytes


@dataclass(frozen=True, slots=True)
class CookieAv:
    """One attribute: ``raw`` as written between semicolons, ``name`` in lower case, ``value`` trimmed."""

    name: bytes
    value: bytes
    raw: bytes

    @property
    def is_ignored(self) -> bool:
        """Section 5.6: an attribute-value longer than 1024 octets is as good as absent."""
        return len(self.value) > MAX_ATTRIBUTE_VALUE


@dataclass(frozen=True, slots=True)
class SetCookie:
    """A field value that some browser stores.

    ``pair`` is what stands before the first semicolon, as written. ``readings`` are the names under which some browser
    stores the cookie or a server gets it back; an empty name among them stands for a nameless cookie (section 5.6 step
    3).
    """

    name: bytes
    value: bytes
    pair: bytes
    attributes: tuple[CookieAv, ...]
    readings: tuple[bytes, ...]

    def effective(self, attribute: bytes) -> CookieAv | None:
        """The last attribute of that name (lower case) which is not ignored: the one that counts (section 5.7)."""
        for av in reversed(self.attributes):
            if av.name == attribute and not av.is_ignored:
                return av
        return None

    def field_value(self) -> bytes:
        """The field value again, octet for octet where nothing was replaced."""
        return b";".join((self.pair, *(av.raw for av in self.attributes)))


def parse_set_cookie(field_value: bytes) -> SetCookie | Ignored:
    """One Set-Cookie field value; never raises. A comma does not separate cookies here (RFC 6265bis section 3)."""
    pair, *rest = field_value.split(b";")
    before, equals, after = pair.partition(b"=")
    name, value = (before.strip(WSP), after.strip(WSP)) if equals else (b"", pair.strip(WSP))
    readings = (name,) if name else _nameless_readings(value)
    if CONTROL.search(field_value):
        return Ignored("a control octet", name)
    if b"\t" in name or (not name and b"\t" in readings[-1]):
        # Firefox stores it, Chromium does not; nobody means it.
        return Ignored("a tab in the cookie-name", name)
    if not name and not value:
        return Ignored("neither name nor value", name)
    if len(name) + len(value) > MAX_NAME_VALUE:
        return Ignored(f"name and value longer than {MAX_NAME_VALUE} octets", name)
    return SetCookie(name, value, pair, tuple(_parse_av(raw) for raw in rest), readings)


def _nameless_readings(value: bytes) -> tuple[bytes, ...]:
    # "_ga" is nameless to Chromium and named "_ga" to Firefox; a nameless "_ga=1" is sent back as "_ga=1" and read as
    # named.
    name = value.lstrip(b"= \t").partition(b"=")[0].strip(WSP)
    return (b"", name) if name else (b"",)


def _parse_av(raw: bytes) -> CookieAv:
    name, _, value = raw.partition(b"=")
    return CookieAv(name.strip(WSP).lower(), value.strip(WSP), raw)
