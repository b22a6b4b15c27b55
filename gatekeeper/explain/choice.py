"""A visitor's choice in words and as an object: what was recognised in which cookies, how far it is a choice, why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gatekeeper.audit.event import name_text, rfc3339
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.readers.base import Format
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import Found, categories_of
from gatekeeper.policy.document import Policy

_STATES = {
    State.ABSENT: "no consent cookie came",
    State.UNDECIDED: "nothing in it can be read as a choice",
    State.DECIDED: "",
    State.NOT_REQUIRED: "granted by region, not by an act",
    State.STALE: "too old, or made for an earlier revision",
    State.OPAQUE: "a server cannot read it",
}
_DAY = 86400
_MOST_IDS = 60  # a list of vendors has a thousand


@dataclass(frozen=True)
class ExplainedChoice:
    """A choice, the readings that it is made of, the names of the consent cookies that came. ``allowed`` are the
    categories that may store, ``now`` is in epoch seconds.
    """

    policy: Policy
    choice: Choice
    allowed: frozenset[str]
    found: tuple[Found, ...]
    cookies: tuple[bytes, ...]
    now: int

    def as_object(self) -> dict[str, object]:
        """The choice as ``gatekeeper consent --json`` prints it."""
        choice = self.choice
        return {
            "format": choice.format,
            "state": choice.state.value,
            "granted": self._in_order(choice.granted),
            "refused": self._in_order(choice.refused),
            "native": {self._shown(native): granted for native, granted in choice.native},
            "given_at": None if choice.given_at is None else rfc3339(choice.given_at),
            "revision": choice.revision,
            "grant": self._in_order(self.allowed),
        }

    def lines(self) -> list[str]:
        """The choice for people, one line for each thing that it says."""
        return [f"{key:<12} {value}".rstrip() for key, value in self._rows()]

    def _rows(self) -> Iterator[tuple[str, str]]:
        choice = self.choice
        meaning = self._meaning()
        yield "choice", choice.state.value + (f": {meaning}" if meaning else "")
        yield "format", self._formats()
        if self._is_mixed:
            lines = [line for one in self.found for line in self._reading(one)]
            yield from (("" if place else "readings", line) for place, line in enumerate(lines))
        elif self.found and isinstance(self.found[0].reader, Format):
            yield (
                "read from",
                _listed(map(name_text, dict.fromkeys(name for one in self.found for name in one.cookies))),
            )
        yield "granted", _listed(self._in_order(choice.granted))
        yield "refused", _listed(self._in_order(choice.refused))
        yield from self._natives()
        if choice.given_at is not None:
            yield "given at", f"{rfc3339(choice.given_at)} ({self._age(choice.given_at)})"
        if choice.revision is not None:
            yield "revision", str(choice.revision)
        yield "allowed now", _listed(self._in_order(self.allowed))
        if choice.state is State.OPAQUE:
            yield from (
                ("what to do", one.reader.opaque)
                for one in self.found
                if isinstance(one.reader, Format) and one.reader.opaque
            )

    def _formats(self) -> str:
        titles = dict.fromkeys(
            f"{one.reader.id} ({one.reader.title})" if isinstance(one.reader, Format) else one.reader.id
            for one in self.found
        )
        return _listed(titles) + ("; the most refusing holds" if self._is_mixed else "")

    def _meaning(self) -> str:
        """What the state means, and what it comes from."""
        state = self.choice.state
        if not self.found and state is State.UNDECIDED:
            if self.choice.refused:
                return "more copies of it came than a browser keeps"
            names = _listed(map(name_text, self.cookies))
            return _STATES[state] if len(self.cookies) == 1 else f"nothing in {names} can be read as a choice"
        told = dict.fromkeys(why for one in self.found if one.choice.state is state and (why := self._why(one)))
        if self._is_mixed and len(told) == 1:
            first = next(one for one in self.found if one.choice.state is state)
            return f"by {first.reader.id}, {next(iter(told))}"
        return "; ".join(told) or ("its copies differ" if state is State.UNDECIDED else _STATES[state])

    def _why(self, one: Found) -> str:
        """Why one reading is in the state that it is in."""
        state, consent = one.choice.state, self.policy.consent
        if one.said.state is state or state is State.DECIDED:
            return "nobody has chosen yet, as far as it can be read" if state is State.UNDECIDED else _STATES[state]
        if state is State.UNDECIDED:
            return "it was made in the future, by its own words"
        if one.said.given_at is not None and self.now - one.said.given_at > consent.max_age:
            return f"made {self._age(one.said.given_at)}, and consent.max_age is {_days(consent.max_age)}"
        return f"made for revision {one.said.revision}, and consent.revision is {consent.revision}"

    def _reading(self, one: Found) -> Iterator[str]:
        """What one of several formats says."""
        choice, why = one.choice, self._why(one)
        state = choice.state.value + (f", {why}" if why else "")
        yield f"{one.reader.id}, in {_listed(map(name_text, one.cookies))}: {state}"
        yield f"  granted {_listed(self._in_order(choice.granted))}"
        yield f"  refused {_listed(self._in_order(choice.refused))}"

    def _natives(self) -> Iterator[tuple[str, str]]:
        """The platform's own ids, each with its answer and the category under which it falls."""
        native = self.choice.native
        width = max((len(self._shown(one)) for one, _ in native[:_MOST_IDS]), default=0)
        vocabulary = self.policy.vocabulary
        for place, (one, granted) in enumerate(native[:_MOST_IDS]):
            category = _listed(categories_of(one, vocabulary), "-" if self._note(one) else "no category")
            answer = "granted" if granted else "refused"
            yield "" if place else "native", f"{self._shown(one):<{width}}  {answer}  {category}"
        if len(native) > _MOST_IDS:
            yield "", f"and {len(native) - _MOST_IDS} more; --json tells them all"
        yield from (("", note) for note in dict.fromkeys(self._note(one) for one, _ in native) if note)
        if any(not categories_of(one, vocabulary) and not self._note(one) for one, _ in native):
            yield "", "An id without a category grants nothing: name one in [consent.map]."

    def _note(self, native: str) -> str:
        """How the format of this id makes categories of its ids by itself."""
        return KNOWN[native.partition(":")[0]].note if native.partition(":")[0] in KNOWN else ""

    @property
    def _is_mixed(self) -> bool:
        return len({one.reader.id for one in self.found}) > 1

    def _shown(self, native: str) -> str:
        """A platform's id as the platform has it; behind its format's, where there are several."""
        return native if self._is_mixed else native.partition(":")[2]

    def _in_order(self, categories: frozenset[str]) -> list[str]:
        return [category.id for category in self.policy.categories if category.id in categories]

    def _age(self, moment: int) -> str:
        seconds = self.now - moment
        return f"{_days(seconds)} ago" if seconds >= 0 else f"{_days(-seconds)} ahead"


def _days(seconds: int) -> str:
    days, hours = seconds // _DAY, seconds % _DAY // 3600
    count, unit = (days, "day") if days else (hours, "hour") if hours else (seconds // 60, "minute")
    return f"{count} {unit}{'s' if count != 1 else ''}"


def _listed(names: Iterable[str], none: str = "-") -> str:
    return ", ".join(names) or none
