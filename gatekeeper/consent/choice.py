"""What the visitor said: one immutable value, whatever cookie it was read from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class State(StrEnum):
    """How far a consent cookie is a choice. The presence of a consent cookie is not consent."""

    ABSENT = "absent"
    UNDECIDED = "undecided"  # a tool wrote a cookie, nobody chose; or nothing in it could be read
    DECIDED = "decided"
    NOT_REQUIRED = "not-required"  # granted by region, not by an act
    STALE = "stale"  # decided once; too old, or for an earlier revision
    OPAQUE = "opaque"  # unreadable on a server


BINDING = frozenset({State.DECIDED, State.NOT_REQUIRED})
# Of several copies, the one whose state stands furthest left tells how far all together are a choice.
_WEAKEST_FIRST = (State.ABSENT, State.UNDECIDED, State.OPAQUE, State.STALE, State.NOT_REQUIRED, State.DECIDED)
_CLOCKS_APART = 86400  # seconds by which the clock that dated a choice may be ahead of ours


@dataclass(frozen=True, slots=True)
class Choice:
    """``granted`` and ``refused`` hold category ids; ``native`` the platform's own ids, each behind the format's id and
    a colon (``klaro:matomo``); ``given_at`` is in epoch seconds.
    """

    state: State
    granted: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    native: tuple[tuple[str, bool], ...] = ()
    given_at: int | None = None
    revision: int | None = None
    format: str | None = None

    @property
    def is_binding(self) -> bool:
        """Whether what it grants may be acted upon."""
        return self.state in BINDING

    def aged(self, *, now: int, max_age: int | None, revision: int) -> "Choice":
        """The same choice as of ``now``: stale when older than ``max_age`` seconds or made for an earlier revision.

        One that was made in the future would never grow old: it grants nothing, and what it refuses stays refused. A
        format that tells no time or no revision cannot be stale by it.
        """
        if not self.is_binding:
            return self
        age = 0 if self.given_at is None else now - self.given_at
        if age < -_CLOCKS_APART:
            return replace(self, state=State.UNDECIDED, granted=frozenset())
        too_old = max_age is not None and age > max_age
        outdated = self.revision is not None and self.revision < revision
        return replace(self, state=State.STALE) if too_old or outdated else self


ABSENT = Choice(State.ABSENT)
UNDECIDED = Choice(State.UNDECIDED)


def most_refusing(choices: Sequence[Choice]) -> Choice:
    """One choice out of several copies of the consent cookie: granted is what all grant, refused is what any refuses.

    Browsers send several when a host and its parent domain each hold one, and nobody can tell which of them the visitor
    saw.
    """
    copies = tuple(dict.fromkeys(choices))
    if len(copies) < 2:
        return copies[0] if copies else ABSENT
    base = min(copies, key=lambda choice: _WEAKEST_FIRST.index(choice.state))
    granted = frozenset.intersection(*(choice.granted for choice in copies)) if base.is_binding else frozenset()
    refused = frozenset.union(*map(said_no, copies))
    dates = [choice.given_at for choice in copies if choice.given_at is not None]
    revisions = [choice.revision for choice in copies if choice.revision is not None]
    return Choice(
        # A stale copy's own refusals no longer count; those of the other copies do.
        State.UNDECIDED if base.state is State.STALE and refused else base.state,
        granted,
        refused,
        _native(copies),
        min(dates, default=None),
        min(revisions, default=None),
        "+".join(dict.fromkeys(choice.format for choice in copies if choice.format)) or None,
    )


def _native(copies: tuple[Choice, ...]) -> tuple[tuple[str, bool], ...]:
    """What the copies of each format agree to grant; the rest is refused."""
    answers: dict[str, bool] = {}
    of_format: dict[str | None, list[dict[str, bool]]] = {}
    for copy in copies:
        of_format.setdefault(copy.format, []).append(dict(copy.native))
    for said in of_format.values():
        answers |= {name: all(one.get(name, False) for one in said) for name in {name for one in said for name in one}}
    return tuple(sorted(answers.items()))


def said_no(choice: Choice) -> frozenset[str]:
    """What a choice refuses; a stale one no longer does."""
    return frozenset() if choice.state is State.STALE else choice.refused
