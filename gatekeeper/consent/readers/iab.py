"""What the readers of the IAB's strings share: how a string lies in a cookie, and what several of them say together."""

from collections.abc import Callable, Iterable, Sequence

from gatekeeper.consent.choice import BINDING, State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Said, percent_decoded
from gatekeeper.consent.readers.shapes import agreed

# RFC 6265bis, section 5.7: browsers keep no cookie whose name and value are longer together.
_MOST_OCTETS = 4096


def plain(value: bytes) -> str:
    """The string in a cookie's value: as it is, in double quotes, percent-encoded once or twice.

    Raises ValueError where it is longer than any cookie, or not ASCII.
    """
    if len(value) > _MOST_OCTETS:
        raise ValueError("longer than any cookie")
    for _ in range(2):
        # JSON is not decoded any further: its texts would begin to speak.
        if b"%" in value and not value.startswith(b"{"):
            value = percent_decoded(value) or b""
    if len(value) > 1 and value[:1] == value[-1:] == b'"':
        value = value[1:-1]
    return value.decode("ascii")


def read_each(cookies: Cookies, names: Iterable[bytes], read: Callable[[str], Said | None]) -> Said | None:
    """What the strings in the cookies of these names say together; None where none of them is such a string."""
    strings = []
    for name in names:
        if name in cookies:
            try:
                strings.append(read(plain(cookies[name])))
            except ValueError:
                strings.append(None)
    return None if all(one is None for one in strings) else combined(strings)


def combined(strings: Sequence[Said | None]) -> Said:
    """What several strings of one platform say, of which None is one that cannot be read.

    What more than one of them speaks about is granted if all that do grant it. Beside one that is stale or cannot be
    read, the others only refuse: nobody knows what that one would have refused.
    """
    valid = [one for one in strings if one is not None and one.state in BINDING]
    answers = agreed(answer for one in valid for answer in one.answers.items())
    categories = agreed(answer for one in valid for answer in one.categories.items())
    given_at = min((one.given_at for one in strings if one is not None and one.given_at is not None), default=None)
    if len(valid) < len(strings):
        refused = [name for name, granted in categories.items() if not granted]
        if refused:
            no = dict.fromkeys((native for native, granted in answers.items() if not granted), False)
            return Said(answers=no, categories=dict.fromkeys(refused, False), given_at=given_at)
        is_stale = any(one is not None and one.state is State.STALE for one in strings)
        return Said(State.STALE if is_stale else State.UNDECIDED, given_at=given_at)
    if not answers and not categories:
        return NOBODY_CHOSE

    def further(native: str) -> bool | None:
        found = [answer for one in valid if one.further and (answer := one.further(native)) is not None]
        return all(found) if found else None

    return Said(answers=answers, categories=categories, given_at=given_at, further=further)
