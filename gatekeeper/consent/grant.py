"""What holds now: basis, choice and signals weighed into one standing for each category."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from gatekeeper.consent.category import Basis, Category
from gatekeeper.consent.choice import Choice, State

Gpc = bool | Literal["strict"]
Limit = tuple[int | None, bool]
# A category's id, and a platform's own ids (``klaro:matomo``) that a rule of this category is bound to.
Bond = tuple[str, tuple[str, ...]]
_NONE: Mapping[str, frozenset[str]] = MappingProxyType({})


class Standing(StrEnum):
    """Why a category may store, or why not."""

    REQUIRED = "required"
    GRANTED = "granted"
    EXEMPT = "exempt"
    UNDECIDED = "undecided"
    REFUSED = "refused"
    SIGNAL = "signal"

    @property
    def allows(self) -> bool:
        """Whether cookies of the category are allowed."""
        return self in _ALLOWING


_ALLOWING = frozenset({Standing.REQUIRED, Standing.GRANTED, Standing.EXEMPT})


@dataclass(frozen=True, slots=True)
class Grant:
    """The standing of every category for one exchange, and of every bond of a rule to a platform's own ids. ``limits``
    are what a region asks of the cookies of some categories: the longest life in seconds, and whether they may be
    renewed.
    """

    standings: Mapping[str, Standing]
    limits: Mapping[str, Limit] = field(default_factory=dict)
    bound: Mapping[Bond, Standing] = field(default_factory=dict)

    def of(self, category: str, bound_to: tuple[str, ...] = ()) -> Standing:
        """The standing of cookies of this category, by a rule that is bound to these ids."""
        return self.bound[category, bound_to] if bound_to else self.standings[category]

    @property
    def allowed(self) -> frozenset[str]:
        """Ids of the categories whose cookies may be stored and read."""
        return frozenset(category for category, standing in self.standings.items() if standing.allows)


def weigh(
    choice: Choice,
    *,
    categories: tuple[Category, ...],
    gpc: Gpc = True,
    signal: bool = False,
    bonds: Iterable[Bond] = (),
    refusals: Mapping[str, frozenset[str]] = _NONE,
) -> Grant:
    """The grant that follows from an (aged) choice. ``signal``: the request said ``Sec-GPC: 1``.

    The W3C's Global Privacy Control leaves open what outweighs what: an explicit choice made on this site does, unless
    ``gpc`` is ``"strict"``. Of the ids of a bond, those count that the choice answers: one at least, and all of them
    have to be granted. Without a choice, a bond stands where its category does. ``refusals`` are the categories that
    each format (id) refuses: one that answers none of the ids refuses the bond with its category.
    """
    by_id = {category.id: category for category in categories}
    natives = dict(choice.native)
    bound = {}
    for identity, ids in bonds:
        answered = [one for one in ids if one in natives]
        answers = [natives[one] for one in answered]
        heard = {one.partition(":")[0] for one in answered}
        answers += [False for named, refused in refusals.items() if named not in heard and identity in refused]
        said = _as_answered(choice, identity, answers)
        bound[identity, ids] = _standing(by_id[identity], said, gpc, signal)
    return Grant(
        {category.id: _standing(category, choice, gpc, signal) for category in categories},
        {one.id: (one.max_age, one.renew) for one in categories if one.max_age is not None or not one.renew},
        bound,
    )


def _as_answered(choice: Choice, category: str, answers: list[bool]) -> Choice:
    """The same choice, as if it said of the category what these answers say."""
    granted = bool(answers) and all(answers)
    refused = not granted and (bool(answers) or choice.is_binding or category in choice.refused)
    said = frozenset({category})
    return replace(choice, granted=said if granted else frozenset(), refused=said if refused else frozenset())


def _standing(category: Category, choice: Choice, gpc: Gpc, signal: bool) -> Standing:
    if category.basis is Basis.REQUIRED:
        return Standing.REQUIRED
    # A choice merged of a decided and an undecided copy is undecided and yet refuses; a stale one is as if never made.
    if choice.state is not State.STALE and category.id in choice.refused:
        return Standing.REFUSED
    heard = signal and bool(gpc) and category.gpc
    # What was granted by region and not by an act is no explicit choice, and the signal outweighs it.
    if heard and (gpc == "strict" or choice.state is State.NOT_REQUIRED):
        return Standing.SIGNAL
    if choice.is_binding and category.id in choice.granted:
        return Standing.GRANTED
    if category.basis is Basis.OPT_IN:
        return Standing.REFUSED if choice.is_binding else Standing.UNDECIDED
    return Standing.SIGNAL if heard else Standing.EXEMPT
