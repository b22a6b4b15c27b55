"""What the formats of several platforms are made of: JSON in its wrappings, lists of pairs, answers, times.

All of it is total, and half a value never says more than the whole: a part that is cut off makes the whole unreadable.
"""

import binascii
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isnan
from typing import TypeGuard

from gatekeeper.consent.choice import BINDING, State
from gatekeeper.consent.readers.base import LATEST, NOBODY_CHOSE, Cookies, Said, load_json, unwrapped

MAX_PARTS = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]++={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_DIGITS = re.compile(r"[0-9]{1,20}")
_LONGEST_TIME = 40


def json_object(value: bytes) -> dict[str, object] | None:
    """The JSON object that a value is: raw, quoted, percent-encoded."""
    return as_object(_document(value))


def _document(value: bytes) -> object:
    for text in unwrapped(value):
        try:
            # JSON is not decoded any further: its texts would begin to speak.
            return load_json(text)
        except ValueError:
            continue
    return None


def json_list(value: bytes) -> list[object] | None:
    """The JSON array that a value is, in the same wrappings."""
    document = _document(value)
    return document if isinstance(document, list) else None


def as_object(document: object) -> dict[str, object] | None:
    """A JSON value that is an object, or None."""
    return document if isinstance(document, dict) else None


def are_names(document: object) -> TypeGuard[list[str]]:
    """Whether a JSON value is a list of texts."""
    return isinstance(document, list) and all(isinstance(one, str) for one in document)


def base64_object(value: bytes) -> dict[str, object] | None:
    """The JSON object that a value holds in base64 (RFC 4648, sections 4 and 5), with or without padding."""
    for text in unwrapped(value) if b"\\" not in value else ():
        if not _BASE64.fullmatch(text):
            continue
        digits = text.rstrip("=").translate(_URL_SAFE)
        try:
            document = load_json(binascii.a2b_base64(digits + "=" * (-len(digits) % 4)).decode("utf-8"))
        except ValueError:
            continue
        return document if isinstance(document, dict) else None
    return None


def json_or_base64_object(value: bytes) -> dict[str, object] | None:
    """The JSON object that a value is, or holds in base64, of which the first digit for a ``{`` is always ``e``."""
    return base64_object(value) if value.lstrip(b'"').startswith(b"e") else json_object(value)


def pairs(text: str, separator: str, assign: str = ":") -> dict[str, str] | None:
    """``name:value`` joined by a separator; None where a part is no pair, where a name stands twice, and for more than
    any platform writes.
    """
    if text.count(separator) >= MAX_PARTS:
        return None
    table: dict[str, str] = {}
    parts = text.split(separator)
    for part in parts:
        name, found, value = part.partition(assign)
        if not found:
            return None
        table[name] = value
    return table if len(table) == len(parts) else None


def agreed(answers: Iterable[tuple[str, bool]]) -> dict[str, bool]:
    """Answers by their ids; an id that is answered twice is granted only if both answers are yes."""
    table: dict[str, bool] = {}
    for native, granted in answers:
        table[native] = table.get(native, True) and granted
    return table


def listed(names: object, granted: bool) -> list[tuple[str, bool]]:
    """The same answer for each text in a JSON list; none for what is no list."""
    return [(name, granted) for name in names if isinstance(name, str)] if isinstance(names, list) else []


def flags(document: object, known: Collection[str] = ()) -> dict[str, bool]:
    """A JSON object's booleans, the texts ``"true"`` and ``"false"`` included.

    An id that is ``known`` and has another value is refused; any other key is the platform's own and no answer.
    """
    if not isinstance(document, dict):
        return {}
    return {
        name: value is True or value == "true"
        for name, value in document.items()
        if value is True or value is False or value in ("true", "false") or name in known
    }


def services(document: object, granted: Iterable[str]) -> dict[str, bool]:
    """``category.service`` for each service that a JSON object lists under its category: granted where the category is,
    and by a name that no category has.
    """
    yes = frozenset(granted)
    return {
        f"{category}.{service}": category in yes
        for category, names in (as_object(document) or {}).items()
        if isinstance(names, list)
        for service in names
        if type(service) in (str, int)
    }


def together(sayings: Sequence[Said]) -> Said:
    """What several cookies of one platform, such as one for each language of a site, agree to grant. At least one.

    Beside one in which nobody chose, the others only refuse.
    """
    if len(sayings) == 1:
        return sayings[0]
    binding = [said for said in sayings if said.state in BINDING]
    if len(binding) < len(sayings):
        return replace(together(binding), state=State.UNDECIDED) if binding else NOBODY_CHOSE
    natives = dict.fromkeys(native for said in sayings for native in said.answers)
    rests = {said.rest for said in sayings}
    return Said(
        State.NOT_REQUIRED if any(said.state is State.NOT_REQUIRED for said in sayings) else State.DECIDED,
        {native: all(said.answers.get(native, said.rest is True) for said in sayings) for native in natives},
        False if False in rests else None if None in rests else True,
        any(said.complete for said in sayings),
        min((said.given_at for said in sayings if said.given_at is not None), default=None),
        min((said.revision for said in sayings if said.revision is not None), default=None),
    )


def values(cookies: Cookies, prefix: bytes, suffix: bytes = b"") -> list[bytes]:
    """The values of the cookies whose names begin and end so."""
    return [value for name, value in cookies.items() if name.startswith(prefix) and name.endswith(suffix)]


def epoch(value: object, *, milliseconds: bool = False) -> int | None:
    """Epoch seconds from a JSON number or digits, which count seconds or milliseconds.

    What lies beyond the year 9999 becomes the last second of it, which no choice can be of.
    """
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or (isinstance(value, float) and isnan(value)):
        return None
    units = 1000 if milliseconds else 1
    return _within(int(min(max(value, 0), LATEST * units) // units))


def iso_time(value: object) -> int | None:
    """Epoch seconds of an ISO 8601 time; one without an offset is in UTC."""
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _within(int((moment - _EPOCH).total_seconds()))


def _within(moment: int) -> int:
    return min(max(moment, 0), LATEST)


def revision(value: object) -> int | None:
    """A count of the policy's revisions, as a JSON number or digits; 0, which tools write where nobody counts, is
    none.
    """
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    return value if type(value) is int and value > 0 else None
