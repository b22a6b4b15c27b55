"""Basis, choice and signals weighed: the table of the contract, cell by cell, and what must hold beyond it."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.consent.category import Basis, Category
from gatekeeper.consent.choice import ABSENT, UNDECIDED, Choice, State
from gatekeeper.consent.grant import Gpc, Standing, weigh

GRANTED = Choice(State.DECIDED, frozenset("c"), frozenset())
REFUSED = Choice(State.DECIDED, frozenset(), frozenset("c"))
SILENT = Choice(State.DECIDED, frozenset("x"), frozenset("y"))  # decided, and says nothing of this category
BY_REGION = Choice(State.NOT_REQUIRED, frozenset("c"), frozenset())
STALE_YES = Choice(State.STALE, frozenset("c"), frozenset())
STALE_NO = Choice(State.STALE, frozenset(), frozenset("c"))
OPAQUE = Choice(State.OPAQUE)
NOBODY_CHOSE = [ABSENT, UNDECIDED, STALE_YES, STALE_NO, OPAQUE]


def standing(
    basis: Basis, choice: Choice, *, category_gpc: bool = True, gpc: Gpc = True, signal: bool = False
) -> Standing:
    categories = (Category("c", basis, gpc=category_gpc),)
    return weigh(choice, categories=categories, gpc=gpc, signal=signal).standings["c"]


@pytest.mark.parametrize("signal", [False, True])
@pytest.mark.parametrize("gpc", [True, False, "strict"])
@pytest.mark.parametrize("choice", [*NOBODY_CHOSE, GRANTED, REFUSED, SILENT, BY_REGION])
def test_what_is_required_is_allowed_whatever_was_said(choice: Choice, gpc: Gpc, signal: bool) -> None:
    assert standing(Basis.REQUIRED, choice, gpc=gpc, signal=signal) is Standing.REQUIRED


@pytest.mark.parametrize("choice", NOBODY_CHOSE)
@pytest.mark.parametrize(
    ("basis", "category_gpc", "gpc", "signal", "allowed"),
    [
        (Basis.OPT_IN, True, True, False, False),
        (Basis.OPT_IN, True, True, True, False),
        (Basis.OPT_IN, False, True, True, False),
        (Basis.OPT_IN, True, False, True, False),
        (Basis.OPT_IN, True, "strict", True, False),
        (Basis.OPT_OUT, True, True, False, True),
        (Basis.OPT_OUT, True, True, True, False),
        (Basis.OPT_OUT, False, True, True, True),
        (Basis.OPT_OUT, True, False, True, True),
        (Basis.OPT_OUT, True, "strict", True, False),
        (Basis.OPT_OUT, False, "strict", True, True),
        (Basis.OPT_OUT, True, "strict", False, True),
    ],
)
def test_while_nobody_chose_the_basis_and_the_signal_decide(
    choice: Choice, basis: Basis, category_gpc: bool, gpc: Gpc, signal: bool, allowed: bool
) -> None:
    found = standing(basis, choice, category_gpc=category_gpc, gpc=gpc, signal=signal)
    assert found.allows == allowed


@pytest.mark.parametrize("basis", [Basis.OPT_IN, Basis.OPT_OUT])
@pytest.mark.parametrize(
    ("category_gpc", "gpc", "signal", "expected"),
    [
        (True, True, False, Standing.GRANTED),
        (True, True, True, Standing.GRANTED),
        (True, False, True, Standing.GRANTED),
        (True, "strict", False, Standing.GRANTED),
        (True, "strict", True, Standing.SIGNAL),
        (False, "strict", True, Standing.GRANTED),
    ],
)
def test_an_explicit_grant_outweighs_the_signal_unless_it_is_strict(
    basis: Basis, category_gpc: bool, gpc: Gpc, signal: bool, expected: Standing
) -> None:
    assert standing(basis, GRANTED, category_gpc=category_gpc, gpc=gpc, signal=signal) is expected


@pytest.mark.parametrize("signal", [False, True])
@pytest.mark.parametrize("gpc", [True, False, "strict"])
@pytest.mark.parametrize("basis", [Basis.OPT_IN, Basis.OPT_OUT])
def test_a_refusal_holds_whatever_the_signal(basis: Basis, gpc: Gpc, signal: bool) -> None:
    assert standing(basis, REFUSED, gpc=gpc, signal=signal) is Standing.REFUSED


@pytest.mark.parametrize("basis", [Basis.OPT_IN, Basis.OPT_OUT])
def test_what_was_granted_by_region_is_no_explicit_choice_and_yields_to_the_signal(basis: Basis) -> None:
    assert standing(basis, BY_REGION) is Standing.GRANTED
    assert standing(basis, BY_REGION, signal=True) is Standing.SIGNAL
    assert standing(basis, BY_REGION, signal=True, gpc=False) is Standing.GRANTED
    assert standing(basis, BY_REGION, signal=True, category_gpc=False) is Standing.GRANTED


def test_what_a_choice_leaves_out_is_not_granted_and_may_be_exempt() -> None:
    assert standing(Basis.OPT_IN, SILENT) is Standing.REFUSED
    assert standing(Basis.OPT_OUT, SILENT) is Standing.EXEMPT
    assert standing(Basis.OPT_OUT, SILENT, signal=True) is Standing.SIGNAL


def test_reasons_tell_undecided_from_refused() -> None:
    assert standing(Basis.OPT_IN, ABSENT) is Standing.UNDECIDED
    assert standing(Basis.OPT_OUT, ABSENT) is Standing.EXEMPT
    assert standing(Basis.OPT_OUT, ABSENT, signal=True) is Standing.SIGNAL


def test_a_stale_choice_is_as_if_never_made() -> None:
    for basis in (Basis.OPT_IN, Basis.OPT_OUT):
        assert standing(basis, STALE_YES) is standing(basis, ABSENT)
        assert standing(basis, STALE_NO) is standing(basis, ABSENT)


def test_a_category_both_granted_and_refused_is_refused() -> None:
    both = Choice(State.DECIDED, frozenset("c"), frozenset("c"))
    assert standing(Basis.OPT_IN, both) is standing(Basis.OPT_OUT, both) is Standing.REFUSED


def test_a_refusal_in_an_undecided_merge_still_holds() -> None:
    merged = Choice(State.UNDECIDED, frozenset(), frozenset("c"))
    assert standing(Basis.OPT_OUT, merged) is Standing.REFUSED


def test_every_standing_either_allows_or_not() -> None:
    assert {each for each in Standing if each.allows} == {Standing.REQUIRED, Standing.GRANTED, Standing.EXEMPT}


CATEGORIES = tuple(Category(f"{basis.value}-{gpc}", basis, gpc=gpc) for basis, gpc in product(Basis, (False, True)))
IDS = [category.id for category in CATEGORIES]
SOME = st.frozensets(st.sampled_from(IDS))


@settings(deadline=None)
@given(st.sampled_from(State), SOME, SOME, SOME, SOME, st.sampled_from([True, False, "strict"]), st.booleans())
def test_granting_more_or_refusing_less_never_allows_less(
    state: State,
    granted: frozenset[str],
    more: frozenset[str],
    refused: frozenset[str],
    fewer: frozenset[str],
    gpc: Gpc,
    signal: bool,
) -> None:
    def allowed(choice: Choice) -> frozenset[str]:
        return weigh(choice, categories=CATEGORIES, gpc=gpc, signal=signal).allowed

    stricter = allowed(Choice(state, granted, refused))
    assert stricter <= allowed(Choice(state, granted | more, refused))
    assert stricter <= allowed(Choice(state, granted, refused & fewer))
    assert stricter <= allowed(Choice(state, frozenset(IDS), frozenset()))


@settings(deadline=None)
@given(st.sampled_from(State), SOME, SOME, st.sampled_from([True, False, "strict"]))
def test_a_signal_never_allows_more(state: State, granted: frozenset[str], refused: frozenset[str], gpc: Gpc) -> None:
    choice = Choice(state, granted, refused)
    without = weigh(choice, categories=CATEGORIES, gpc=gpc, signal=False).allowed
    assert weigh(choice, categories=CATEGORIES, gpc=gpc, signal=True).allowed <= without
    assert weigh(choice, categories=CATEGORIES, gpc=False, signal=True).allowed == without


def test_what_nobody_has_a_category_for_is_not_allowed() -> None:
    allowed = weigh(Choice(State.DECIDED, frozenset({"gone"})), categories=CATEGORIES).allowed
    assert "gone" not in allowed


# --- rules bound to a platform's own ids -----------------------------------------------------------------------------

BOUND = ("p:a", "p:b")


def natives(**answers: bool) -> tuple[tuple[str, bool], ...]:
    return tuple((f"p:{name}", granted) for name, granted in answers.items())


def bound(
    choice: Choice, *, basis: Basis = Basis.OPT_IN, gpc: Gpc = True, signal: bool = False, category_gpc: bool = True
) -> Standing:
    categories = (Category("c", basis, gpc=category_gpc),)
    grant = weigh(choice, categories=categories, gpc=gpc, signal=signal, bonds=[("c", BOUND)])
    assert grant.of("c") is grant.standings["c"]
    return grant.of("c", BOUND)


@pytest.mark.parametrize(
    ("answers", "standing"),
    [
        ({"a": True}, Standing.GRANTED),
        ({"a": True, "b": True}, Standing.GRANTED),
        ({"a": True, "b": True, "z": False}, Standing.GRANTED),
        ({"a": True, "b": False}, Standing.REFUSED),
        ({"a": False}, Standing.REFUSED),
        ({"z": True}, Standing.REFUSED),
        ({}, Standing.REFUSED),
    ],
)
@pytest.mark.parametrize("granted", [frozenset(), frozenset("c")])
@pytest.mark.parametrize("basis", [Basis.OPT_IN, Basis.OPT_OUT])
def test_one_id_at_least_is_answered_and_all_that_are_have_to_be_granted(
    answers: dict[str, bool], standing: Standing, granted: frozenset[str], basis: Basis
) -> None:
    choice = Choice(State.DECIDED, granted, native=natives(**answers))
    assert bound(choice, basis=basis) is standing


@pytest.mark.parametrize("choice", NOBODY_CHOSE)
@pytest.mark.parametrize("signal", [False, True])
@pytest.mark.parametrize("basis", Basis)
def test_without_a_choice_a_bond_stands_where_its_category_does(choice: Choice, signal: bool, basis: Basis) -> None:
    assert bound(choice, basis=basis, signal=signal) is standing(basis, choice, signal=signal)


@pytest.mark.parametrize("basis", [Basis.OPT_IN, Basis.OPT_OUT])
def test_answers_of_a_choice_that_is_none_grant_nothing(basis: Basis) -> None:
    for state in (State.STALE, State.UNDECIDED, State.OPAQUE):
        granted = Choice(state, frozenset("c"), native=natives(a=True))
        assert bound(granted, basis=basis) in (Standing.UNDECIDED, Standing.EXEMPT)


def test_a_refusal_counts_in_a_choice_that_copies_left_undecided_and_not_in_a_stale_one() -> None:
    assert bound(Choice(State.UNDECIDED, native=natives(a=False)), basis=Basis.OPT_OUT) is Standing.REFUSED
    assert bound(Choice(State.UNDECIDED, refused=frozenset("c")), basis=Basis.OPT_OUT) is Standing.REFUSED
    assert bound(Choice(State.STALE, native=natives(a=False)), basis=Basis.OPT_OUT) is Standing.EXEMPT


def test_signals_are_weighed_as_for_the_category() -> None:
    yes = Choice(State.DECIDED, native=natives(a=True))
    assert bound(yes, signal=True) is Standing.GRANTED
    assert bound(yes, signal=True, gpc="strict") is Standing.SIGNAL
    assert bound(yes, signal=True, gpc="strict", category_gpc=False) is Standing.GRANTED
    by_region = Choice(State.NOT_REQUIRED, native=natives(a=True))
    assert bound(by_region) is Standing.GRANTED
    assert bound(by_region, signal=True) is Standing.SIGNAL
    assert bound(by_region, signal=True, gpc=False) is Standing.GRANTED


def test_what_is_required_needs_no_answer() -> None:
    assert bound(Choice(State.DECIDED, native=natives(a=False)), basis=Basis.REQUIRED) is Standing.REQUIRED
