"""What every reader of a consent cookie shares: its interface, its limits, the ways in which values are wrapped."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Protocol
from urllib.parse import unquote_to_bytes

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import Choice

# A longer value is not parsed: browsers keep no more than 4096 octets of one cookie, so it was not written by one.
MAX_VALUE = 8192
MAX_JSON_DEPTH = 8

YES = frozenset({"true", "1", "yes", "on", "granted", "accept", "accepted", "allow", "allowed"})
NO = frozenset({"false", "0", "no", "off", "denied", "deny", "refused", "refuse", "reject", "rejected", "disallow"})

# Strings, whole or cut off, and brackets: enough to tell the depth of a JSON text without parsing it, in linear time.
_JSON_SHAPE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class Reader(Protocol):
    """Reads one family of consent cookies. Total: what it cannot read is None, never an exception and never a grant.

    ``cookies`` are the cookie-names that may hold the choice, ``companions`` further ones that the format's tool
    writes; both are as good as required cookies once the format is configured.
    """

    @property
    def id(self) -> str: ...
    @property
    def cookies(self) -> tuple[bytes, ...]: ...
    @property
    def companions(self) -> tuple[bytes, ...]: ...

    def read(self, value: bytes, companions: Mapping[bytes, bytes], vocabulary: Vocabulary) -> Choice | None:
        """The choice in one cookie-value, or None where the value is not of this format."""
        ...


def unwrapped(value: bytes) -> Iterator[str]:
    """The texts that a value may be: as it is, percent-decoded once, twice; without one pair of double quotes, and
    without the backslashes that Python's SimpleCookie (Django, Flask) puts into those. No ``+`` becomes a space.
    """
    if len(value) > MAX_VALUE:
        return
    seen = set()
    for _ in range(3):
        quoted = len(value) > 1 and value[:1] == value[-1:] == b'"'
        bare = value[1:-1] if quoted else value
        plain = _ESCAPED.sub(_unescaped, bare) if quoted and b"\\" in bare else bare
        for octets in (plain, bare, value):
            if octets not in seen:
                seen.add(octets)
                try:
                    yield octets.decode("utf-8")
                except UnicodeDecodeError:
                    continue
        value = unquote_to_bytes(value)


# `"{\\"statistics\\": true\\054 …}"`: RFC 2109's quoted-string with octal for what it may not hold.
_ESCAPED = re.compile(rb"\\([0-3][0-7][0-7]|.)", re.DOTALL)


def _unescaped(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    return bytes([int(escaped, 8)]) if len(escaped) == 3 else escaped


def load_json(text: str) -> object:
    """A JSON value, at most eight levels deep; raises ValueError for all else, for doubled keys and for NaN."""
    depth = deepest = 0
    for match in _JSON_SHAPE.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    if deepest > MAX_JSON_DEPTH:
        raise ValueError("nested too deeply")
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # {"ads": false, "ads": true}: parsers disagree on which one counts, so neither does.
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands twice")
    return table


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def yes_or_no(value: object) -> bool | None:
    """Whether a JSON scalar or a word says yes or no; None where it says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {1: True, 0: False}.get(value)
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in YES else False if word in NO else None
    return None
