"""The IAB Europe's TC string, versions 2.2 and 2.3 of its framework (``euconsent-v2``).

The core, in bits: Version 6, Created 36, LastUpdated 36, CmpId 12, CmpVersion 12, ConsentScreen 6, ConsentLanguage 12,
VendorListVersion 12, TcfPolicyVersion 6, IsServiceSpecific 1, UseNonStandardTexts 1, SpecialFeatureOptIns 12,
PurposesConsent 24, PurposesLITransparency 24, PurposeOneTreatment 1, PublisherCC 12, then the vendors with consent,
those with a legitimate interest, and the publisher's restrictions. Segments after a dot begin with their type in three
bits. Times are in tenths of a second.

A legitimate interest is no consent (ePrivacy Directive, article 5(3)), so none of its bits is looked at. Which purposes
make up which category is Gatekeeper's own reading, and not the IAB's: decision 0027.
"""

import re
from dataclasses import dataclass

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said
from gatekeeper.consent.readers.bits import Bits, Ids
from gatekeeper.consent.readers.iab import read_each

_VERSION = 2
# A core segment of this version, up to its vendors: what begins so is a TC string, broken where it cannot be read.
_BEGINNING = re.compile(r"C[A-Za-z0-9_-]{35}")
_OLDEST_POLICY = 4  # of TCF 2.2; strings of an older policy ceased to be valid on 30 September 2023
# TCF 2.3: a string that is written from 1 March 2026 on, at midnight UTC, says which vendors were disclosed.
_DISCLOSURE_SINCE = 1772323200

_DISCLOSED_VENDORS, _ALLOWED_VENDORS, PUBLISHER_TC = 1, 2, 3
_MOST_SEGMENTS = 4
_MOST_RESTRICTIONS = 33  # eleven purposes, of which each can be restricted in three ways

STORAGE = 1  # the purpose "store and/or access information on a device"
# The first eight bits of a restriction that forbids it to vendors: PurposeId 6, RestrictionType 2 (0, not allowed).
_NO_STORAGE = STORAGE << 2
_PURPOSES = frozenset(range(1, 12))  # those that TCF 2.3 defines; a string has room for 24
_SPECIAL_FEATURES = frozenset({1, 2})  # precise geolocation, and scanning of the device

# Any of these purposes, with purpose 1. Personalised content, or limited data for it: 5, 6, 11. Measuring advertising,
# measuring content, statistics: 7, 8, 9. Advertising: 2, 3, 4, and again its measuring, 7.
_PURPOSES_OF = {
    "functional": frozenset({5, 6, 11}),
    "analytics": frozenset({7, 8, 9}),
    "marketing": frozenset({2, 3, 4, 7}),
}
_VENDOR = re.compile(r"vendor:([1-9][0-9]{0,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Publisher:
    """The segment PublisherTC: what the visitor allows the site itself."""

    purposes: frozenset[int]
    custom: frozenset[int]


@dataclass(frozen=True, slots=True)
class TcString:
    """What counts in a TC string. Times are in epoch seconds.

    Of one that is no longer valid whatever else it says, only what stands before the vendors is read.
    """

    created: int
    last_updated: int
    policy_version: int
    is_service_specific: bool
    special_features: frozenset[int]
    purposes: frozenset[int]
    vendors: Ids | None = None
    forbidden: tuple[Ids, ...] = ()  # vendors that the publisher does not allow purpose 1
    disclosed: Ids | None = None
    publisher: Publisher | None = None

    @property
    def is_valid(self) -> bool:
        """Whether it is a choice under the framework's present rules."""
        if self.policy_version < _OLDEST_POLICY or not self.is_service_specific:
            return False
        return self.disclosed is not None or self.last_updated < _DISCLOSURE_SINCE

    def allows(self, vendor: int) -> bool:
        """Whether a vendor may store on the device."""
        return (
            STORAGE in self.purposes
            and self.vendors is not None
            and vendor in self.vendors
            and (self.disclosed is None or vendor in self.disclosed)
            and not any(vendor in vendors for vendors in self.forbidden)
        )


def decode(text: str) -> TcString:
    """Raises ValueError for what is no TC string of version 2, for one that is cut off, and for one that is ambiguous.

    In the order of the string's length.
    """
    core, *others = text.split(".", _MOST_SEGMENTS)
    bits = Bits(core)
    if bits.number(6) != _VERSION:
        raise ValueError("another version")
    created, last_updated = bits.number(36) // 10, bits.number(36) // 10
    bits.take(12 + 12 + 6 + 12 + 12)
    policy_version, is_service_specific = bits.number(6), bits.take(1) == "1"
    bits.take(1)
    special_features, purposes = bits.flags(12), bits.flags(24)
    bits.take(24 + 1 + 12)
    begun = (created, last_updated, policy_version, is_service_specific, special_features, purposes)
    if policy_version < _OLDEST_POLICY:
        return TcString(*begun)
    vendors = bits.ids()
    bits.ids()  # of a legitimate interest
    forbidden = _forbidden(bits)
    return TcString(*begun, vendors, forbidden, *_segments(others))


def _forbidden(bits: Bits) -> tuple[Ids, ...]:
    """The vendors in the publisher's restrictions who may not store; the other restrictions are read past."""
    count = bits.number(12)
    if count > _MOST_RESTRICTIONS:
        raise ValueError("more restrictions than there are")
    restrictions = [(bits.number(6 + 2), bits.ranges()) for _ in range(count)]
    return tuple(vendors for kind, vendors in restrictions if kind == _NO_STORAGE)


def _segments(texts: list[str]) -> tuple[Ids | None, Publisher | None]:
    """The vendors that were disclosed, and the publisher's own part. In any order, but none twice: parsers disagree on
    which one counts.
    """
    vendors: dict[int, Ids] = {}
    publisher = None
    for text in texts:
        bits = Bits(text)
        kind = bits.number(3)
        if kind == PUBLISHER_TC and publisher is None:
            publisher = read_publisher(bits)
        elif kind in (_DISCLOSED_VENDORS, _ALLOWED_VENDORS) and kind not in vendors:
            vendors[kind] = bits.ids()
        else:
            raise ValueError("a segment that is not known, or stands twice")
    return vendors.get(_DISCLOSED_VENDORS), publisher


def read_publisher(bits: Bits) -> Publisher:
    """PubPurposesConsent 24, PubPurposesLITransparency 24, NumCustomPurposes 6, and two bits for each of those."""
    purposes = bits.flags(24)
    bits.take(24)
    count = bits.number(6)
    custom = bits.flags(count)
    bits.take(count)
    return Publisher(purposes, custom)


def categories(purposes: frozenset[int], publisher: Publisher | None) -> dict[str, bool]:
    """The answers for Gatekeeper's categories. Where the publisher has an answer of its own, a purpose needs both."""
    agreed = purposes if publisher is None else purposes & publisher.purposes
    return {name: STORAGE in agreed and not agreed.isdisjoint(some) for name, some in _PURPOSES_OF.items()}


def answers(purposes: frozenset[int], features: frozenset[int], publisher: Publisher | None) -> dict[str, bool]:
    """Purposes as ``7``, special features as ``feature:1``, the publisher's own purposes as ``publisher:7`` and those
    that it made up as ``custom:1``. All of it is for cookies, so without purpose 1 none is granted.
    """
    said = {str(number): number in purposes for number in _PURPOSES | purposes}
    said |= {f"feature:{number}": number in features for number in _SPECIAL_FEATURES | features}
    told = said if STORAGE in purposes else dict.fromkeys(said, False)
    if publisher is not None:
        own = {f"publisher:{number}": number in publisher.purposes for number in _PURPOSES | publisher.purposes}
        own |= {f"custom:{number}": True for number in publisher.custom}
        told |= own if STORAGE in publisher.purposes else dict.fromkeys(own, False)
    return told


def read(text: str) -> Said | None:
    """What a TC string says; None where it is none. A broken one says nothing."""
    try:
        string = decode(text)
    except ValueError:
        return NOBODY_CHOSE if _BEGINNING.match(text) else None
    if not string.is_valid:
        return Said(State.STALE, given_at=string.last_updated)

    def further(native: str) -> bool | None:
        vendor = _VENDOR.fullmatch(native)
        return None if vendor is None else string.allows(int(vendor[1]))

    return Said(
        answers=answers(string.purposes, string.special_features, string.publisher),
        categories=categories(string.purposes, string.publisher),
        given_at=string.last_updated,
        further=further,
    )


_COOKIES = (b"euconsent-v2", b"eupubconsent-v2", b"dm-euconsent-v2")


def _parse(cookies: Cookies) -> Said | None:
    return read_each(cookies, _COOKIES, read)


TCF = Format(
    "tcf",
    "IAB Europe TCF 2.2 and 2.3",
    _COOKIES,
    _parse,
    note="By purpose 1 with one of these: 5, 6, 11 for functional; 7, 8, 9 for analytics; 2, 3, 4, 7 for marketing.",
)
FORMATS = (TCF,)
