"""An operator's own banner: five shapes cover what hand-made ones write (``[consent.custom]``)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers.base import MAX_JSON_ITEMS, Cookies, load_json, unwrapped, yes_or_no

Shape = Literal["word", "json", "pairs", "list", "positional"]
Scalar = str | int | float | bool
FORMAT = "custom"


_Parts = tuple[frozenset[str], frozenset[str]]  # granted, refused
_NOTHING_SAID: _Parts = frozenset(), frozenset()


@dataclass(frozen=True)
class CustomReader:
    """The shape of one operator's cookie. Which settings count depends on the shape; see ``docs/configuration.md``."""

    shape: Shape
    cookies: tuple[bytes, ...] = (b"cookies_preferences",)
    granted: tuple[Scalar, ...] = ()
    refused: tuple[Scalar, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    separator: str = ""
    assign: str = ":"
    map: Mapping[str, str] = field(default_factory=dict)
    lists: Literal["granted", "refused"] = "granted"
    complete: bool = True
    path: str = ""
    id_key: str = ""
    value_key: str = ""
    order: tuple[str, ...] = ()
    companions: tuple[bytes, ...] = ()
    id: str = FORMAT

    def read(self, cookies: Cookies, vocabulary: Vocabulary) -> Choice | None:
        """Undecided unless the value is of the shape and says yes or no to something."""
        reading = _READINGS[self.shape]
        for text in unwrapped(cookies[self.cookies[0]]):
            parts = reading(self, text, vocabulary)
            if parts is not None:
                granted, refused = parts
                decided = Choice(State.DECIDED, granted - refused, refused, format=FORMAT)
                return UNDECIDED if parts == _NOTHING_SAID else decided
        return UNDECIDED

    def resolve(self, name: str, vocabulary: Vocabulary) -> str | None:
        """The category that one of the banner's own names stands for."""
        name = name.strip()
        return self.map.get(name) or vocabulary.resolve(name)

    def answer(self, value: object) -> bool | None:
        """What one value says: by the operator's lists where there are any, else by common words."""
        if not self.granted and not self.refused:
            return yes_or_no(value)
        if _is_among(value, self.refused):
            return False
        if _is_among(value, self.granted):
            return True
        # With a list of refusals, a value on neither list says nothing; without one, it says no.
        return None if self.refused else False


def _is_among(value: object, known: tuple[Scalar, ...]) -> bool:
    # True == 1 in Python; in a cookie they are two different things.
    return any(type(value) is type(one) and value == one for one in known)


def _word(reader: CustomReader, text: str, vocabulary: Vocabulary) -> _Parts | None:
    if _is_among(text.strip(), reader.refused):
        return frozenset(), vocabulary.optional()
    if _is_among(text.strip(), reader.granted):
        return vocabulary.optional(), frozenset()
    return None


def _json(reader: CustomReader, text: str, vocabulary: Vocabulary) -> _Parts | None:
    try:
        document = load_json(text)
    except ValueError:
        return None
    said = _in_json(reader, document, vocabulary)
    # JSON is not decoded any further: its texts would begin to speak.
    return said or (_NOTHING_SAID if isinstance(document, dict | list) else None)


def _in_json(reader: CustomReader, document: object, vocabulary: Vocabulary) -> _Parts | None:
    """By a path to each answer, or else from the list at one path: of objects, or of names."""
    if reader.paths:
        found = [(category, _at(document, path)) for category, path in reader.paths.items()]
        return _sorted_out((category, None if value is None else reader.answer(value)) for category, value in found)
    items = _at(document, reader.path)
    if not isinstance(items, list):
        return None
    if reader.id_key:
        tables = [item for item in items if isinstance(item, dict)]
        named = [(_name(table.get(reader.id_key)), table.get(reader.value_key)) for table in tables]
        return _named_answers(reader, named, vocabulary)
    names = [_name(item) for item in items]
    # One that is no name may be anything.
    return None if "" in names else _listed(reader, names, vocabulary)


def _at(document: object, path: str) -> object:
    for key in path.split(".") if path else ():
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _name(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _pairs(reader: CustomReader, text: str, vocabulary: Vocabulary) -> _Parts | None:
    separator = reader.separator or "|"
    if text.count(separator) > MAX_JSON_ITEMS:
        return None
    parts = text.split(separator)
    if reader.assign:
        split = [part.partition(reader.assign) for part in parts]
        return _named_answers(reader, [(name, value.strip()) for name, assign, value in split if assign], vocabulary)
    # "fu0-ma1": the last character is the answer.
    stripped = [part.strip() for part in parts]
    return _named_answers(reader, [(part[:-1], part[-1:]) for part in stripped], vocabulary)


def _named_answers(reader: CustomReader, named: Iterable[tuple[str, object]], vocabulary: Vocabulary) -> _Parts | None:
    """Answers by the banner's own names; others than those that stand for a category are the app's own."""
    resolved = [(reader.resolve(name, vocabulary), value) for name, value in named]
    return _sorted_out(
        (category, None if value is None else reader.answer(value))
        for category, value in resolved
        if category is not None
    )


def _sorted_out(answers: Iterable[tuple[str, bool | None]]) -> _Parts | None:
    """A category that is asked for more than once is granted only if every answer is yes."""
    said: dict[bool | None, set[str]] = {True: set(), False: set(), None: set()}
    for category, answer in answers:
        said[answer].add(category)
    granted = frozenset(said[True] - said[False] - said[None])
    return (granted, frozenset(said[False])) if granted or said[False] else None


def _list(reader: CustomReader, text: str, vocabulary: Vocabulary) -> _Parts | None:
    separator = reader.separator or ","
    if text.count(separator) > MAX_JSON_ITEMS:
        return None
    return _listed(reader, [name.strip() for name in text.split(separator) if name.strip()], vocabulary)


def _listed(reader: CustomReader, names: list[str], vocabulary: Vocabulary) -> _Parts | None:
    granted = reader.lists == "granted"
    resolved = {reader.resolve(name, vocabulary) for name in names}
    known = frozenset(category for category in resolved if category is not None)
    if names and not known:
        return None  # only names that nobody knows: this is no list of this banner
    if not granted and reader.complete and (None in resolved or not names):
        return None  # a refusal of something unknown, or of nothing: an emptied cookie is no consent
    others = vocabulary.optional() - known if reader.complete else frozenset[str]()
    return (known, others) if granted else (others, known)


def _positional(reader: CustomReader, text: str, vocabulary: Vocabulary) -> _Parts | None:
    flags = text.strip().split(reader.separator) if reader.separator else list(text.strip())
    if len(flags) != len(reader.order):
        return None
    return _sorted_out(zip(reader.order, map(reader.answer, flags), strict=True))


_READINGS: Mapping[str, Callable[[CustomReader, str, Vocabulary], _Parts | None]] = {
    "word": _word,
    "json": _json,
    "pairs": _pairs,
    "list": _list,
    "positional": _positional,
}
