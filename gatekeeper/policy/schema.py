"""Typed reading of TOML tables that collects every problem instead of stopping at the first.

A :class:`Table` hands out one key at a time, in the type that the caller asks for, and remembers which keys it was
asked for: what is left over at the end is an unknown key, reported with the nearest known one.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from gatekeeper.errors import GatekeeperError

_DURATION = re.compile(r"([0-9]{1,9})(s|mo|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "mo": 30.4375 * 86400}
_LONGEST = 100 * 365.25 * 86400  # a hundred years: more is a slip of the hand
_TYPE_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, where it stands, and what may have been meant."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class PolicyError(GatekeeperError):
    """A file that cannot be used; ``problems`` holds everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(map(str, self.problems)))


class EnvironmentText(str):
    """A value that came from an environment variable: text, to be read in the type that its key has."""

    __slots__ = ()


def quoted(text: object) -> str:
    """A value of the operator's file in a message: in double quotes, cut, control characters escaped."""
    shown = str(text)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    return '"' + "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown) + '"'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message: the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    if not near:
        near = [name for name in known if len(word) > 2 and name.startswith(word)][:1]
    return f"; did you mean {quoted(near[0])}?" if near else ""


def seconds(text: str) -> int | None:
    """A duration ("90s", "15m", "12h", "180d", "13mo") in seconds, or None. A month is 30.4375 days."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    length = int(match[1]) * _SECONDS[match[2]]
    return round(length) if length <= _LONGEST else None


def parse_toml(text: str, source: str = "") -> dict[str, object]:
    """The tables of a TOML text; raises :class:`PolicyError` with the line and column of a fault."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as fault:  # ValueError: a number of more than 4300 digits too
        raise PolicyError([Problem("", f"not valid TOML: {fault}")], source) from None


def merged(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Tables over others, key by key; whatever is no table replaces."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


class Table:
    """One table of the file and its place in it. Every reader returns the default where it reported a problem."""

    def __init__(self, data: object, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self._asked: dict[str, None] = {}
        self._data: Mapping[str, object] = {}
        if isinstance(data, EnvironmentText):
            data = self._from_environment(data)
        if isinstance(data, dict):
            self._data = data
        else:
            problems.append(Problem(path, f"must be a table, not {_kind(data)}"))
            self.problems = []  # what it would lack as a table is not worth saying

    def report(self, key: str, message: str) -> None:
        """Adds a problem with one key of this table."""
        self.problems.append(Problem(f"{self.path}.{key}" if self.path and key else self.path or key, message))

    def is_reported(self, key: str) -> bool:
        """Whether there is a problem with the key, or with something in it, already."""
        below = self._below(key)
        return any(
            problem.path == below or problem.path.startswith((below + ".", below + "[")) for problem in self.problems
        )

    def has(self, key: str) -> bool:
        """Whether the file names the key."""
        return key in self._data

    def keys(self) -> tuple[str, ...]:
        """The keys of a table whose keys are the operator's own words; all of them count as known."""
        self._asked |= dict.fromkeys(self._data)
        return tuple(self._data)

    def raw(self, key: str) -> object:
        """The value as parsed, or None."""
        self._asked[key] = None
        return self._data.get(key)

    def text(self, key: str, default: str = "", *, choices: Iterable[str] = (), empty: bool = True) -> str:
        """A string; with ``choices``, one of them."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.report(key, f"must be text, not {_kind(value)}")
            return default
        if not _is_unicode(value):
            self.report(key, f"{quoted(value)} is not UTF-8")
            return default
        choices = tuple(choices)
        if choices and value not in choices:
            listed = (
                " or ".join(map(quoted, choices)) if len(choices) < 4 else "one of " + ", ".join(map(quoted, choices))
            )
            self.report(key, f"{quoted(value)} is not {listed}{did_you_mean(value, choices)}")
            return default
        if not value and not empty:
            self.report(key, "must not be empty")
            return default
        return str(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """A boolean."""
        return bool(self.optional_flag(key, default=default))

    def optional_flag(self, key: str, *, default: bool | None = None) -> bool | None:
        """A boolean, or the default where the file says nothing."""
        value = self.raw(key)
        if isinstance(value, EnvironmentText):
            value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.report(key, f"must be true or false, not {_kind(value)}")
        return default

    def integer(self, key: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        """A whole number within bounds."""
        value = self.raw(key)
        if isinstance(value, EnvironmentText) and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.report(key, f"must be a whole number, not {_kind(value)}")
        elif not least <= value <= most:
            self.report(key, f"must be between {least} and {most}, not {value}")
        else:
            return value
        return default

    def duration(self, key: str, default: int | None, *, session: int | None = None) -> int | None:
        """A duration in seconds; ``session`` is what "session" stands for, where it may be said."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.report(key, f'must be a duration such as "180d", not {_kind(value)}')
            return default
        if value == "session" and session is not None:
            return session
        length = seconds(value)
        if length is None:
            also = ', or "session"' if session is not None else ""
            self.report(key, f'{quoted(value)} is no duration; write "90s", "15m", "12h", "180d" or "13mo"{also}')
            return default
        return length

    def items(self, key: str, kind: str = "a list") -> list[object]:
        """A list of whatever; from the environment, a list of TOML or texts with commas between them."""
        value = self.raw(key)
        if isinstance(value, EnvironmentText):
            value = (
                [part.strip() for part in value.split(",") if part.strip()]
                if value[:1] != "["
                else self._from_environment(value)
            )
        if value is None:
            return []
        if not isinstance(value, list):
            self.report(key, f"must be {kind}, not {_kind(value)}")
            return []
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings; none where the file does not name it."""
        good = []
        for index, item in enumerate(self.items(key, "a list of texts")):
            if not isinstance(item, str):
                self.report(f"{key}[{index}]", f"must be text, not {_kind(item)}")
            elif not item or not _is_unicode(item):
                self.report(f"{key}[{index}]", f"{quoted(item)} is not UTF-8" if item else "must not be empty")
            else:
                good.append(item)
        return tuple(good)

    def table(self, key: str) -> "Table":
        """A table within this one, empty where the file does not name it."""
        value = self.raw(key)
        return Table({} if value is None else value, self._below(key), self.problems)

    def tables(self, key: str) -> tuple["Table", ...]:
        """An array of tables."""
        value = self.raw(key)
        if isinstance(value, EnvironmentText):
            value = self._from_environment(value)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.report(key, f"must be written [[{key}]], a list of tables, not {_kind(value)}")
            return ()
        return tuple(Table(item, f"{self._below(key)}[{index}]", self.problems) for index, item in enumerate(value))

    def close(self) -> None:
        """Reports each key that nobody asked for."""
        for key in self._data:
            if key not in self._asked:
                self.report(key, f"unknown key{did_you_mean(key, self._asked)}")

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _from_environment(self, text: EnvironmentText) -> object:
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            return str(text)


def _is_unicode(text: str) -> bool:
    # An environment variable may hold any octets; Python hands them over as lone surrogates.
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _kind(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    for kind, name in _TYPE_NAMES.items():
        if isinstance(value, kind):
            return f"{name} ({str(value).lower()})" if kind in (bool, int, float) else name
    return "a date or time"
