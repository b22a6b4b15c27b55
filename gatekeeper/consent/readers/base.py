"""What every reader of a consent cookie shares: its interface, its limits, the ways in which values are wrapped."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import BINDING, Choice, State

# A longer value is not parsed: browsers keep no more than 4096 octets of one cookie, so it was not written by one.
MAX_VALUE = 8192
MAX_JSON_DEPTH = 8
# Nor is one that holds more than any banner asks: each visitor would cost what a hostile one likes.
MAX_JSON_ITEMS = 160
MAX_ESCAPES = 512
MAX_DIGITS = 512
# 9999-12-31: a later time is no time but an attempt to make a choice that never grows old.
LATEST = 253402300799

YES = frozenset({"true", "1", "yes", "on", "granted", "accept", "accepted", "allow", "allowed"})
NO = frozenset({"false", "0", "no", "off", "denied", "deny", "refused", "refuse", "reject", "rejected", "disallow"})

# The cookies of one format that a request brought, by their names.
Cookies = Mapping[bytes, bytes]


class Reader(Protocol):
    """Reads one family of consent cookies. Total: what it cannot read is None, never an exception and never a grant.

    ``cookies`` are the names of the cookies that hold the choice, ``companions`` those of further ones that the
    format's tool writes; in both, ``*`` stands for any octets: ``_iub_cs-*``, ``kndctr_*_consent``.
    """

    @property
    def id(self) -> str: ...
    @property
    def cookies(self) -> tuple[bytes, ...]: ...
    @property
    def companions(self) -> tuple[bytes, ...]: ...

    def read(self, cookies: Cookies, vocabulary: Vocabulary) -> Choice | None:
        """The choice in those of the format's cookies that came, or None where they are not of this format.

        Not for none of ``cookies``: the caller has one of them at least.
        """
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What a platform's cookies say in its own words.

    ``answers`` are the platform's own ids, each granted or not. ``further`` answers by its id what is too much to be
    written out, such as a thousand vendors; it is asked only for what the operator's file names. ``categories`` are
    answers for Gatekeeper's default categories, where a format makes them of its ids by more than a table; one that an
    answered id stands for by the operator's map is left to that id. ``rest`` is what holds of the categories that no
    answer is about: granted, refused, or None where the cookies say nothing about them. ``complete``: an id that the
    operator's map names for this format and that has no answer is refused. ``given_at`` is in epoch seconds. Where
    the state is UNDECIDED, only what is refused counts.
    """

    state: State = State.DECIDED
    answers: Mapping[str, bool] = field(default_factory=dict)
    rest: bool | None = None
    complete: bool = False
    given_at: int | None = None
    revision: int | None = None
    categories: Mapping[str, bool] = field(default_factory=dict)
    further: Callable[[str], bool | None] | None = None


NOBODY_CHOSE = Said(State.UNDECIDED)


@dataclass(frozen=True)
class Format:
    """A platform's format as a :class:`Reader`: ``parse`` makes of its cookies what they say.

    ``parse`` knows the cookies by the names in ``cookies`` and ``companions``; where the operator renamed the first of
    them, the format is ``renamed``. ``stem`` is the beginning that operators change, and that all names with it share;
    without it, the first name. ``categories`` says under which of Gatekeeper's default categories each of the
    platform's ids falls, in whatever case, unless the operator says otherwise. ``opaque`` is what an operator can do
    about a format that no server can read, ``note`` how a format makes categories of its ids by more than a table.
    """

    id: str
    title: str
    cookies: tuple[bytes, ...]
    parse: Callable[[Cookies], Said | None]
    companions: tuple[bytes, ...] = ()
    categories: Mapping[str, str] = field(default_factory=dict)
    opaque: str = ""
    note: str = ""
    stem: bytes | None = None
    original: "Format | None" = None
    renames: Mapping[bytes, bytes] = field(default_factory=dict)

    def renamed(self, name: bytes) -> "Format":
        """The same format in a site that calls its first cookie so: with another stem, the others are called after it
        too. One without cookies stays as it is.
        """
        if not self.cookies:
            return self
        original = self.original or self
        first, *others = original.cookies
        stem = first if original.stem is None or not name.endswith(first[len(original.stem) :]) else original.stem
        own_stem = name[: len(name) - len(first) + len(stem)]
        renames = {one: own_stem + one[len(stem) :] for one in (*others, *original.companions) if one.startswith(stem)}
        renames[first] = name
        return replace(
            original,
            cookies=tuple(renames.get(one, one) for one in original.cookies),
            companions=tuple(renames.get(one, one) for one in original.companions),
            original=original,
            renames={own: one for one, own in renames.items()},
        )

    def read(self, cookies: Cookies, vocabulary: Vocabulary) -> Choice | None:
        """See :class:`Reader`."""
        if self.renames:
            known = {name: self._original_name(name) for name in cookies}
            # What has been renamed goes before what happens to be called as it was.
            cookies = {known[name]: cookies[name] for name in sorted(known, key=lambda name: known[name] != name)}
        if any(len(value) > MAX_VALUE for value in cookies.values()):
            return Choice(State.UNDECIDED, format=self.id)
        said = self.parse(cookies)
        return None if said is None else self._choice(said, vocabulary)

    def _original_name(self, name: bytes) -> bytes:
        if name in self.renames:
            return self.renames[name]
        patterns = ((own[:-1], one[:-1]) for own, one in self.renames.items() if own.endswith(b"*"))
        return next((one + name[len(own) :] for own, one in patterns if name.startswith(own)), name)

    def _choice(self, said: Said, vocabulary: Vocabulary) -> Choice:
        if said.state not in BINDING and said.state is not State.UNDECIDED:
            return Choice(said.state, given_at=said.given_at, revision=said.revision, format=self.id)
        yes: set[str] = set()
        no: set[str] = set()
        words = vocabulary.words(self.id, self.categories)
        answers = self._answers(said, vocabulary)
        for native, granted in answers.items():
            (yes if granted else no).update(words.get(native.strip().lower(), ()))
        if said.complete:
            no |= vocabulary.unanswered(self.id, answers)
        answered = yes | no
        for name, granted in said.categories.items():
            category = vocabulary.resolve(name)
            if category is not None and category not in answered:
                (yes if granted else no).add(category)
        optional = vocabulary.optional()
        # Several ids of one category: all of them have to be granted.
        granted_all, refused = optional & (yes - no), optional & no
        if said.rest is not None:
            unsaid = optional - yes - no
            granted_all, refused = (granted_all | unsaid, refused) if said.rest else (granted_all, refused | unsaid)
        binds = said.state in BINDING
        # Without an id that nobody can write into a rule: a lone surrogate, a line break.
        told = [one for one in sorted(answers) if one.isprintable() and (binds or not answers[one])]
        return Choice(
            said.state,
            granted_all if binds else frozenset(),
            refused,
            tuple((f"{self.id}:{one}", answers[one]) for one in told),
            said.given_at,
            said.revision,
            self.id,
        )

    def _answers(self, said: Said, vocabulary: Vocabulary) -> Mapping[str, bool]:
        """The answers that are written out, and the further ones that the operator's file asks for."""
        if said.further is None:
            return said.answers
        answers = dict(said.answers)
        for name in vocabulary.asked:
            native = name.removeprefix(f"{self.id}:")
            answer = None if native in answers else said.further(native)
            if answer is not None:
                answers[native] = answer
        return answers

    def categories_of(self, native: str, vocabulary: Vocabulary) -> tuple[str, ...]:
        """The categories under which one of the platform's own ids falls."""
        return vocabulary.words(self.id, self.categories).get(native.strip().lower(), ())


def unwrapped(value: bytes) -> Iterator[str]:
    """The texts that a value may be: as it is, percent-decoded once, twice; without one pair of double quotes, and
    without the backslashes that Python's SimpleCookie (Django, Flask) puts into those. No ``+`` becomes a space.
    """
    if len(value) > MAX_VALUE:
        return
    seen = set()
    layer = value
    for _ in range(3):
        quoted = len(layer) > 1 and layer[:1] == layer[-1:] == b'"'
        bare = layer[1:-1] if quoted else layer
        plain = _unescaped(bare) if quoted and 0 < bare.count(b"\\") <= MAX_ESCAPES else bare
        for octets in (plain, bare, layer):
            if octets not in seen:
                seen.add(octets)
                try:
                    yield octets.decode("utf-8")
                except UnicodeDecodeError:
                    continue
        decoded = percent_decoded(layer) if b"%" in layer else None
        if decoded is None:
            return
        layer = decoded


def percent_decoded(value: bytes) -> bytes | None:
    """RFC 3986, section 2.1; None where a ``%`` stands without its two digits, which no encoder writes."""
    # By way of Python's own \x41: the decoders of the standard library take a step in Python for each octet.
    if 3 * value.count(b"%") > len(value):
        return None
    escaped = value.replace(b"\\", rb"\\").replace(b"%", rb"\x")
    try:
        return escaped.decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:
        return None


# `"{\\"statistics\\": true\\054 …}"`: RFC 2109's quoted-string with octal for what it may not hold.
_ESCAPED = re.compile(rb"\\([0-3][0-7][0-7]|.)", re.DOTALL)


def _unescaped(bare: bytes) -> bytes:
    parts = _ESCAPED.split(bare)
    parts[1::2] = [bytes([int(escaped, 8)]) if len(escaped) == 3 else escaped for escaped in parts[1::2]]
    return b"".join(parts)


def load_json(text: str) -> object:
    """A JSON value, at most eight levels deep and of no more items than :data:`MAX_JSON_ITEMS`; raises ValueError for
    all else, for doubled keys and for NaN.
    """
    containers = text.count("{") + text.count("[")
    if containers + text.count(",") > MAX_JSON_ITEMS:
        raise ValueError("too many items")
    try:
        document: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_integer)
    except RecursionError:  # the caller stands deep itself
        raise ValueError("nested too deeply") from None
    if containers > MAX_JSON_DEPTH and _is_deep(document):
        raise ValueError("nested too deeply")
    return document


def _integer(digits: str) -> int:
    # Reading one takes the square of its length.
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number too long")
    return int(digits)


def _is_deep(document: object) -> bool:
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        tables = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [one for table in tables for one in table]
    return any(isinstance(one, dict | list) for one in level)


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
