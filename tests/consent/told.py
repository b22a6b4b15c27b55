"""What a format makes of cookies as they came, for the tests of each family."""

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import names

ALL = frozenset({"functional", "analytics", "marketing"})
NONE: frozenset[str] = frozenset()


def read(name: str, cookies: dict[str, str | bytes], mapping: dict[str, str] | None = None) -> Choice | None:
    """The choice that the format of this id sees in its own cookies among these."""
    reader = KNOWN[name]
    octets = {key.encode(): value if isinstance(value, bytes) else value.encode() for key, value in cookies.items()}
    own = {key: value for key, value in octets.items() if names((*reader.cookies, *reader.companions), key)}
    assert any(names(reader.cookies, key) for key in own), (
        "the caller reads only where one of the format's cookies came"
    )
    return reader.read(own, Vocabulary(DEFAULT_CATEGORIES, mapping or {}))


def told(
    name: str, cookies: dict[str, str | bytes], mapping: dict[str, str] | None = None
) -> tuple[frozenset[str], frozenset[str]] | None:
    """What was granted and what was refused; None where nobody chose or where it is no value of this format."""
    choice = read(name, cookies, mapping)
    if choice is None or choice.state is State.UNDECIDED:
        assert choice is None or not choice.granted
        return None
    assert choice.state is State.DECIDED
    assert choice.format == name
    return choice.granted, choice.refused


def native(name: str, cookies: dict[str, str | bytes]) -> dict[str, bool]:
    """The platform's own ids with their answers, without the format's."""
    choice = read(name, cookies)
    assert choice is not None
    return {one.removeprefix(f"{name}:"): granted for one, granted in choice.native}
