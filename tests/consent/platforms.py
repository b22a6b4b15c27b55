"""A platform's cookies and what its format makes of them."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.readers.known import KNOWN

NONE: frozenset[str] = frozenset()
ALL = frozenset({"functional", "analytics", "marketing"})
DECIDED, UNDECIDED, NOT_REQUIRED = State.DECIDED, State.UNDECIDED, State.NOT_REQUIRED


def choice_of(
    platform: str, cookies: Mapping[str, str], mapping: Mapping[str, str | Sequence[str]] | None = None
) -> Choice | None:
    """What a platform's format reads; None where it says that the value is another's."""
    octets = {name.encode(): value.encode("latin-1") for name, value in cookies.items()}
    return KNOWN[platform].read(octets, Vocabulary(DEFAULT_CATEGORIES, mapping or {}))


def read(
    platform: str, cookies: Mapping[str, str], mapping: Mapping[str, str | Sequence[str]] | None = None
) -> tuple[State, frozenset[str], frozenset[str]]:
    """The state, what is granted, what is refused."""
    choice = choice_of(platform, cookies, mapping)
    assert choice is not None
    assert choice.format == platform
    return choice.state, choice.granted, choice.refused


def ids(platform: str, cookies: Mapping[str, str]) -> dict[str, bool]:
    """The platform's own ids and their answers."""
    choice = choice_of(platform, cookies)
    assert choice is not None
    return {native.removeprefix(f"{platform}:"): granted for native, granted in choice.native}


def base64(document: object) -> str:
    return b64encode(json.dumps(document).encode()).decode()
