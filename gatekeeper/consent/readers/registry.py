"""Which reader reads the site's consent cookie, and how its copies become one choice."""

from collections.abc import Iterable, Mapping

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import ABSENT, UNDECIDED, Choice, State, most_refusing
from gatekeeper.consent.native import FORMAT as NATIVE
from gatekeeper.consent.readers.base import Reader
from gatekeeper.consent.readers.custom import FORMAT as CUSTOM

# The ids that `consent.format` may name.
FORMATS = frozenset({"auto", NATIVE, CUSTOM})

# Different copies of one consent cookie: a browser sends one for each domain and path it was set for. Thousands are an
# attack, and refuse what can be refused.
_MOST_COPIES = 8


def read_choice(
    cookies: Iterable[tuple[bytes, bytes]],
    *,
    readers: tuple[Reader, ...],
    vocabulary: Vocabulary,
    now: int,
    max_age: int | None = None,
    revision: int = 1,
) -> Choice:
    """The choice that a request's cookies (name and value, in order, doubled ones included) tell as of ``now`` (epoch
    seconds).

    Each copy of a consent cookie is read and aged by itself; what comes out is the most refusing of them.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in cookies:
        values.setdefault(name, []).append(value)
    choices = []
    recognised: dict[bytes, set[bytes]] = {}
    for reader in readers:
        companions: Mapping[bytes, bytes] = {name: values[name][0] for name in reader.companions if name in values}
        for name in reader.cookies:
            copies = tuple(dict.fromkeys(values.get(name, ())))
            if len(copies) > _MOST_COPIES:
                return Choice(State.UNDECIDED, refused=vocabulary.optional())
            for value in copies:
                choice = reader.read(value, companions, vocabulary)
                if choice is not None:
                    choices.append(choice.aged(now=now, max_age=max_age, revision=revision))
                    recognised.setdefault(name, set()).add(value)
    # A copy that no reader knows, beside one of the same name that is known, says nothing; it must not go unheard.
    choices += [UNDECIDED for name, known in recognised.items() if not known.issuperset(values[name])]
    if choices:
        return most_refusing(choices)
    present = any(name in values for reader in readers for name in reader.cookies)
    return UNDECIDED if present else ABSENT
