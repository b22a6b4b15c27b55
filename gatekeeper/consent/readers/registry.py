"""Which reader reads the site's consent cookie, and how its copies become one choice."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import ABSENT, UNDECIDED, Choice, State, most_refusing
from gatekeeper.consent.native import FORMAT as NATIVE
from gatekeeper.consent.readers.base import Reader
from gatekeeper.consent.readers.custom import FORMAT as CUSTOM
from gatekeeper.consent.readers.known import KNOWN

# The ids that `consent.format` may name.
FORMATS = frozenset({"auto", NATIVE, CUSTOM, *KNOWN})

# Different copies of one consent cookie: a browser sends one for each domain and path it was set for. Thousands are an
# attack, and refuse what can be refused; so do as many further copies of a format's cookies altogether.
_MOST_COPIES = 8
_MOST_VARIANTS = 32


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
    values: dict[bytes, dict[bytes, None]] = {}
    for name, value in cookies:
        values.setdefault(name, {})[value] = None
    choices = []
    present = False
    recognised: dict[bytes, set[bytes]] = {}
    for reader in readers:
        own = [name for name in values if names(reader.cookies, name)]
        if not own:
            continue
        present = True
        mine = {name: tuple(values[name]) for name in (*own, *values) if name in own or names(reader.companions, name)}
        variants = list(islice(_variants(mine), _MOST_VARIANTS + 1))
        if len(variants) > _MOST_VARIANTS or any(len(mine[name]) > _MOST_COPIES for name in own):
            return Choice(State.UNDECIDED, refused=vocabulary.optional())
        for variant in variants:
            choice = reader.read(variant, vocabulary)
            if choice is not None:
                choices.append(choice.aged(now=now, max_age=max_age, revision=revision))
                for name in own:
                    recognised.setdefault(name, set()).add(variant[name])
    # A copy that no reader knows, beside one of the same name that is known, says nothing; it must not go unheard.
    choices += [UNDECIDED for name, known in recognised.items() if not known.issuperset(values[name])]
    if choices:
        return most_refusing(choices)
    return UNDECIDED if present else ABSENT


def names(patterns: Iterable[bytes], name: bytes) -> bool:
    """Whether a reader's names (:class:`gatekeeper.consent.readers.base.Reader`) hold this one."""
    return any(_is_named(one, name) for one in patterns)


def _is_named(pattern: bytes, name: bytes) -> bool:
    prefix, star, suffix = pattern.partition(b"*")
    if not star:
        return name == pattern
    return len(name) >= len(prefix) + len(suffix) and name.startswith(prefix) and name.endswith(suffix)


def _variants(copies: Mapping[bytes, tuple[bytes, ...]]) -> Iterator[dict[bytes, bytes]]:
    """The first copy of each cookie together, then each further copy in the place of the first."""
    first = {name: values[0] for name, values in copies.items()}
    yield first
    for name, values in copies.items():
        for value in values[1:]:
            yield {**first, name: value}
