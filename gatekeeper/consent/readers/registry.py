"""Which readers read a site's consent cookies, under which names they find them, and how what they say becomes one
choice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import ABSENT, UNDECIDED, Choice, State, most_refusing, said_no
from gatekeeper.consent.native import FORMAT as NATIVE
from gatekeeper.consent.readers.base import Reader
from gatekeeper.consent.readers.custom import FORMAT as CUSTOM
from gatekeeper.consent.readers.known import KNOWN

AUTO = "auto"

# Different copies of one consent cookie: a browser sends one for each domain and path it was set for. Thousands are an
# attack, and refuse what can be refused; so do as many further copies of a format's cookies altogether, and more names
# than one format's cookies can have ("cookielawinfo-checkbox-*" has one for each category).
_MOST_COPIES = 8
_MOST_VARIANTS = 32
_MOST_NAMES = 64

# Standards whose strings a platform writes beside its own cookie: whoever knows the platform reads them with it.
_STANDARDS = ("tcf", "gpp", "usp")
# "1---", "not applicable": what these leave open says nothing against what the platform itself tells. Nor do they speak
# of more than marketing where they are about the US.
_MAY_ABSTAIN = frozenset({"gpp", "usp"})
# Names that a file's patterns ("_iub_cs-*") matched and that are known from then on, and octets of one.
_LEARNED = 256
_SHORT = 256


class Role(StrEnum):
    """What a cookie-name is among the consent cookies."""

    NONE = "none"
    CONSENT = "consent"
    GUESSED = "guessed"  # holds the choice on sites with a platform that was not recognised on this one


@dataclass(frozen=True, slots=True)
class Found:
    """What one reader recognised: in which cookies, what they said, and what that is as of now."""

    reader: Reader
    is_guess: bool  # no word of the file names the format
    cookies: tuple[bytes, ...]
    said: Choice
    choice: Choice


@dataclass(frozen=True, slots=True)
class Told:
    """The choice of a whole request, and the readings that it is made of. ``silent`` are those of formats that were
    recognised and leave the word to others.
    """

    choice: Choice
    found: tuple[Found, ...] = ()
    silent: tuple[Found, ...] = ()

    @property
    def guesses(self) -> frozenset[str]:
        """The ids of the recognised formats that the file does not name."""
        return frozenset(one.reader.id for one in (*self.found, *self.silent) if one.is_guess)

    @property
    def refusals(self) -> dict[str, frozenset[str]]:
        """The categories that each format (id) refuses, by the id of the format."""
        refusals: dict[str, frozenset[str]] = {}
        for one in self.found:
            refusals[one.reader.id] = refusals.get(one.reader.id, frozenset()) | said_no(one.choice)
        return refusals


class Registry:
    """The readers of one site, found by cookie-name; immutable but for the names that it learns.

    Whatever the ``named`` readers can read counts, the most refusing of it, and all their cookies are consent cookies.
    The ``guessed`` ones are asked where the file leaves the format open: a value that one of them, or a named one,
    recognises is not offered to the next, and a cookie of theirs is a consent cookie as far as it was recognised.
    """

    def __init__(self, vocabulary: Vocabulary, named: tuple[Reader, ...], guessed: tuple[Reader, ...] = ()) -> None:
        self._vocabulary = vocabulary
        self._readers = (*named, *guessed)
        self._named = len(named)
        exact: dict[bytes, list[_Claim]] = {}
        patterns: list[tuple[bytes, _Claim]] = []
        for place, reader in enumerate(self._readers):
            for is_main, group in ((True, reader.cookies), (False, reader.companions)):
                for name in group:
                    if b"*" in name:
                        patterns.append((name, (place, is_main)))
                    else:
                        exact.setdefault(name, []).append((place, is_main))
        self._exact = exact
        self._patterns = tuple(patterns)
        self._prefixes = tuple({pattern.partition(b"*")[0] for pattern, _ in patterns})
        # The names whose values are read. Read directly on the hot path, and grows by what is learned.
        self.names = set(exact)
        self._most_names = len(exact) + _LEARNED
        self.certain = frozenset(
            name for name, claims in exact.items() if any(place < self._named for place, _ in claims)
        )

    def reads(self, name: bytes) -> bool:
        """Whether the value behind the name is read. A name that only a pattern holds is learned, where there is room:
        from then on it is found among ``names``.
        """
        if name in self.names:
            return True
        if not self.is_unlearned(name):
            return False
        if len(name) <= _SHORT and len(self.names) < self._most_names:
            self.names.add(name)
        return True

    def is_unlearned(self, name: bytes) -> bool:
        """Whether a pattern holds the name, and ``names`` does not: nothing may be remembered of it."""
        if not name.startswith(self._prefixes) or name in self.names:
            return False
        return any(_is_named(pattern, name) for pattern, _ in self._patterns)

    def role(self, name: bytes, recognised: frozenset[str]) -> Role:
        """What the name is in a request in which these formats (ids) were recognised."""
        role = Role.NONE
        for place, is_main in self._claims(name):
            if place < self._named or self._readers[place].id in recognised:
                return Role.CONSENT
            if is_main:
                role = Role.GUESSED
        return role

    def knows(self, name: bytes) -> bool:
        """Whether any format has a cookie of this name, recognised or not."""
        return next(self._claims(name), None) is not None

    def is_guess(self, name: bytes) -> bool:
        """Whether the name holds the choice by no word of the file: its value has to be looked at before it may be
        set.
        """
        claims = list(self._claims(name))
        return any(is_main for _, is_main in claims) and all(place >= self._named for place, _ in claims)

    def recognises(self, name: bytes, value: bytes) -> bool:
        """Whether this cookie alone tells a choice in a format whose cookie it is."""
        for place, is_main in self._claims(name):
            choice = self._readers[place].read({name: value}, self._vocabulary) if is_main else None
            if choice is not None and choice.is_binding:
                return True
        return False

    def read(
        self,
        cookies: Iterable[tuple[bytes, bytes]],
        *,
        now: int,
        max_age: int | None = None,
        revision: int = 1,
    ) -> Told:
        """The choice that a request's cookies (name and value, in order, doubled ones included) tell as of ``now``
        (epoch seconds).

        Each copy of a consent cookie is read and aged by itself; what comes out is the most refusing of them.
        """
        values: dict[bytes, dict[bytes, None]] = {}
        for name, value in cookies:
            values.setdefault(name, {})[value] = None
        asked = self._asked(values)
        found: list[Found] = []
        heard: dict[bytes, set[bytes]] = {}
        for place, own in asked:
            variants = self._offered(place, own, values, heard)
            if variants is None:
                return Told(Choice(State.UNDECIDED, refused=self._vocabulary.optional()))
            for variant in variants:
                said = self._readers[place].read(variant, self._vocabulary)
                # Without a format: it would be this reader's if anybody's, and says nothing that it knows.
                if said is not None and said.format is not None:
                    aged = said.aged(now=now, max_age=max_age, revision=revision)
                    found.append(Found(self._readers[place], place >= self._named, tuple(variant), said, aged))
                    for name, value in variant.items():
                        heard.setdefault(name, set()).add(value)
        silent = tuple(one for one in found if _abstains(one, found))
        kept = tuple(one for one in found if one not in silent)
        choices = [_beside(one, kept, self._vocabulary) for one in kept]
        # A copy that no reader knows, beside one of the same name that is known, says nothing; it must not go unheard.
        choices += [UNDECIDED for name, known in heard.items() if not known.issuperset(values[name])]
        if choices:
            return Told(most_refusing(choices), kept, silent)
        return Told(UNDECIDED if asked else ABSENT, (), silent)

    def _claims(self, name: bytes) -> Iterator["_Claim"]:
        yield from self._exact.get(name, ())
        if name.startswith(self._prefixes):
            yield from (claim for pattern, claim in self._patterns if _is_named(pattern, name))

    def _asked(self, values: Iterable[bytes]) -> list[tuple[int, dict[bytes, bool]]]:
        """The places of the readers that have a cookie of theirs among these, in order, each with the names that are
        theirs: those that hold the choice (True) first.
        """
        asked: dict[int, dict[bytes, bool]] = {}
        for name in values:
            for place, is_main in self._claims(name):
                own = asked.setdefault(place, {})
                own[name] = own.get(name, False) or is_main
        return [
            (place, dict(sorted(own.items(), key=lambda item: not item[1])))
            for place, own in sorted(asked.items())
            if any(own.values())
        ]

    def _offered(
        self,
        place: int,
        own: Mapping[bytes, bool],
        values: Mapping[bytes, Iterable[bytes]],
        heard: Mapping[bytes, set[bytes]],
    ) -> list[dict[bytes, bytes]] | None:
        """What a reader gets to read, one copy of each cookie at a time; None for more copies than a browser has."""
        mine = {}
        for name in own:
            taken = heard.get(name, ()) if place >= self._named else ()
            if copies := tuple(one for one in values[name] if one not in taken):
                mine[name] = copies
        main = [name for name in mine if own[name]]
        if not main:
            return []
        if len(mine) > _MOST_NAMES:
            return None
        variants = list(islice(_variants(mine), _MOST_VARIANTS + 1))
        too_many = len(variants) > _MOST_VARIANTS or any(len(mine[name]) > _MOST_COPIES for name in main)
        return None if too_many else variants


_Claim = tuple[int, bool]  # the place of a reader, and whether the name is among its `cookies`


def format_ids() -> frozenset[str]:
    """What ``consent.format`` may name."""
    return frozenset({AUTO, NATIVE, CUSTOM, *KNOWN})


def guessed_readers() -> tuple[Reader, ...]:
    """Every format with a cookie, in the order in which ``auto`` asks them: platforms before the standards whose
    strings they write too.
    """
    return tuple(sorted((one for one in KNOWN.values() if one.cookies), key=lambda one: one.id in _STANDARDS))


def _abstains(one: Found, found: Iterable[Found]) -> bool:
    """Whether a guess says nothing against what others say: it cannot be read, and then the site's own script or the
    TC string tells the choice, and no other platform's cookie, which may be years old; or it is a string that platforms
    write even where it does not apply, and it refuses nothing.
    """
    others = [other for other in found if other.reader is not one.reader]
    if one.choice.state is State.OPAQUE:
        return one.is_guess and any(not other.is_guess or other.reader.id == "tcf" for other in others)
    silent = one.choice.state is State.UNDECIDED and not one.choice.refused and one.reader.id in _MAY_ABSTAIN
    return one.is_guess and silent and bool(others)


def _beside(one: Found, found: Iterable[Found], vocabulary: Vocabulary) -> Choice:
    """What a reading says beside the others: a string that has no words for most categories is no word against them."""
    choice = one.choice
    if one.reader.id in _MAY_ABSTAIN and any(other.reader.id not in _MAY_ABSTAIN for other in found):
        return replace(choice, granted=vocabulary.optional() - choice.refused) if choice.is_binding else choice
    return choice


def categories_of(native: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The categories under which a platform's own id (``onetrust:C0002``) falls; none where nobody says so."""
    identity, _, bare = native.partition(":")
    return KNOWN[identity].categories_of(bare, vocabulary) if identity in KNOWN else ()


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
