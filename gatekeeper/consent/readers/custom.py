"""An operator's own banner: five shapes cover what hand-made ones write (``[consent.custom]``)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers.base import Cookies, load_json, unwrapped, yes_or_no

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
    answers = []
    for category, path in reader.paths.items():
        value = document
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        answers.append((category, None if value is None else reader.answer(value)))
    # JSON is not decoded any further: its texts would begin to speak.
    return _sorted_out(answers) or (_NOTHING_SAID if isinstance(document, dict | list) else None)


def _pairs(reader: CustomReader, text: str, vocabulary: Vocabulary) -> _Parts | None:
    answers = []
    for part in text.split(reader.separator or "|"):
        name, assign, value = part.partition(reader.assign)
        category = reader.resolve(name, vocabulary)
        if assign and category is not None:
            answers.append((category, reader.answer(value.strip())))
    return _sorted_out(answers)


def _sorted_out(answers: Iterable[tuple[str, bool | None]]) -> _Parts | None:
    """A category that is asked for more than once is granted only if every answer is yes."""
    said: dict[bool | None, set[str]] = {True: set(), False: set(), None: set()}
    for category, answer in answers:
        said[answer].add(category)
    granted = frozenset(said[True] - said[False] - said[None])
    return (granted, frozenset(said[False])) if granted or said[False] else None


def _list(reader: CustomReader, text: str, vocabulary: Vocabulary) -> _Parts | None:
    names = [name for name in text.split(reader.separator or ",") if name.strip()]
    listed = {reader.resolve(name, vocabulary) for name in names}
    if reader.lists == "granted":
        granted = frozenset(category for category in listed if category is not None)
        # Only names that nobody knows: this is no list of this banner.
        return None if names and not granted else (granted, vocabulary.optional() - granted)
    if None in listed or not names:
        return None  # a refusal of something unknown, or of nothing: an emptied cookie is no consent
    refused = frozenset(category for category in listed if category is not None)
    return vocabulary.optional() - refused, refused


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
