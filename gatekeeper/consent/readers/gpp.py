"""The IAB Tech Lab's Global Privacy Platform string (``__gpp``), version 1.

A header, then one section for each jurisdiction or framework, joined by tildes. The header holds its type 3 in six
bits, its version in six bits, and the ids of the sections as ranges: their number in twelve bits, and for each a flag
and one or two Fibonacci-coded integers, counted on from the last. ``__gpp_sid`` tells which of the sections apply to
this visitor; where it is not there, all do.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from gatekeeper.consent.readers import tcf, us_sections, usp
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said
from gatekeeper.consent.readers.bits import Bits
from gatekeeper.consent.readers.iab import combined, plain, read_each

_HEADER_TYPE, _HEADER_VERSION = 3, 1
# What begins so is a GPP string of this version, broken where it cannot be read.
_BEGINNING = re.compile(r"DB[A-Za-z0-9_-]{2,}(?:~|\Z)")
_MOST_SECTIONS = 32  # there are two dozen
_MOST_APPLICABLE = 8  # a visitor is in one state of one country; of more sections, the first eight can only refuse

_COOKIES = (b"__gpp", b"OTGPPConsent")
_APPLICABLE = b"__gpp_sid"
_IDS = re.compile(r"-?[0-9]{1,4}(?:[,_]-?[0-9]{1,4}){0,31}", re.ASCII)


def sections(text: str) -> dict[int, str]:
    """The sections by their ids; raises ValueError where the header cannot be read, or names others than there are."""
    header, *texts = text.split("~", _MOST_SECTIONS + 1)
    ids = _ids(Bits(header))
    if len(ids) != len(texts):
        raise ValueError("the header names others than there are")
    return dict(zip(ids, texts, strict=True))


def _ids(bits: Bits) -> list[int]:
    if (bits.number(6), bits.number(6)) != (_HEADER_TYPE, _HEADER_VERSION):
        raise ValueError("no header of version 1")
    ids: list[int] = []
    last = 0
    for _ in range(bits.number(12)):
        is_range = bits.take(1) == "1"
        first = last + bits.fibonacci()
        last = first + (bits.fibonacci() if is_range else 0)
        if len(ids) + last - first >= _MOST_SECTIONS:
            raise ValueError("more sections than there are")
        ids += range(first, last + 1)
    return ids


def _canada(text: str) -> Said | None:
    """Section 5, TCF Canada. Express consent counts; implied consent is none, as a legitimate interest is none in
    Europe. There is no purpose 1. Vendors, behind the purposes, are not read.
    """
    try:
        core, *others = text.split(".", 3)
        bits = Bits(core)
        if bits.number(6) != 1:
            return None
        bits.take(36)
        last_updated = bits.number(36) // 10
        bits.take(12 + 12 + 6 + 12 + 12 + 6 + 1)
        features, purposes = bits.flags(12), bits.flags(24) | {tcf.STORAGE}
        bits.take(24)
        publisher = None
        for other in others:
            part = Bits(other)
            if part.number(3) == tcf.PUBLISHER_TC:
                own = tcf.read_publisher(part)
                publisher = replace(own, purposes=own.purposes | {tcf.STORAGE})
    except ValueError:
        return None
    answers = tcf.answers(purposes, features, publisher)
    told = {native: granted for native, granted in answers.items() if native not in ("1", "publisher:1")}
    return Said(answers=told, categories=tcf.categories(purposes, publisher), given_at=last_updated)


_READERS: Mapping[int, tuple[str, Callable[[str], Said | None]]] = {
    2: ("tcfeuv2", tcf.read),
    5: ("tcfcav1", _canada),
    6: ("uspv1", usp.read),
    **{number: (one.name, partial(us_sections.read, one)) for number, one in us_sections.SECTIONS.items()},
}


def _read_section(number: int, text: str | None) -> Said | None:
    """What one section says, its ids behind its name. None for one that is not there, unknown, or cannot be read."""
    if text is None or number not in _READERS:
        return None
    name, reader = _READERS[number]
    said = reader(text)
    if said is None:
        return None
    further = said.further

    def behind_name(native: str) -> bool | None:
        section, _, rest = native.partition(":")
        return further(rest) if further is not None and section.lower() == name else None

    return Said(
        said.state,
        {f"{name}:{native}": granted for native, granted in said.answers.items()},
        given_at=said.given_at,
        categories=said.categories,
        further=behind_name,
    )


def _applicable(cookies: Cookies) -> frozenset[int] | None:
    """The sections that apply to this visitor; None where nothing says so. An id below 1 says that none does."""
    try:
        text = plain(cookies.get(_APPLICABLE, b""))
    except ValueError:
        return None
    if not _IDS.fullmatch(text):
        return None
    return frozenset(number for word in re.split("[,_]", text) if (number := int(word)) > 0)


def _read(text: str, applicable: frozenset[int] | None) -> Said | None:
    """What a GPP string says; None where it is none. A broken one says nothing."""
    try:
        found = sections(text)
    except ValueError:
        return NOBODY_CHOSE if _BEGINNING.match(text) else None
    wanted = sorted(found if applicable is None else applicable)
    read = [_read_section(number, found.get(number)) for number in wanted[:_MOST_APPLICABLE]]
    return combined(read if len(wanted) <= _MOST_APPLICABLE else [*read, None])


def _parse(cookies: Cookies) -> Said | None:
    return read_each(cookies, _COOKIES, partial(_read, applicable=_applicable(cookies)))


GPP = Format(
    "gpp",
    "IAB Global Privacy Platform",
    _COOKIES,
    _parse,
    companions=(_APPLICABLE,),
    note="Purposes make categories as in TCF. An opt-out in a US section refuses marketing.",
)
FORMATS = (GPP,)
