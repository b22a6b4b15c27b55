"""Age, revision, and several copies of one consent cookie."""

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.consent.category import Basis, Category
from gatekeeper.consent.choice import ABSENT, UNDECIDED, Choice, State, most_refusing
from gatekeeper.consent.grant import Gpc, weigh

DAY = 86400
NOW = 1_795_132_800
MADE = Choice(State.DECIDED, frozenset({"i"}), frozenset({"o"}), given_at=NOW - 10 * DAY, revision=3, format="x")


def aged(choice: Choice = MADE, *, now: int = NOW, max_age: int | None = 180 * DAY, revision: int = 1) -> State:
    return choice.aged(now=now, max_age=max_age, revision=revision).state


@pytest.mark.parametrize(
    ("max_age", "state"),
    [
        (10 * DAY, State.DECIDED),
        (10 * DAY - 1, State.STALE),
        (10 * DAY + 1, State.DECIDED),
        (None, State.DECIDED),
    ],
)
def test_a_choice_is_stale_from_the_second_after_its_age(max_age: int | None, state: State) -> None:
    assert aged(max_age=max_age) is state


@pytest.mark.parametrize(("revision", "state"), [(2, State.DECIDED), (3, State.DECIDED), (4, State.STALE)])
def test_a_choice_for_an_earlier_revision_is_stale(revision: int, state: State) -> None:
    assert aged(revision=revision) is state


@pytest.mark.parametrize(
    ("ahead", "state"),
    [(0, State.DECIDED), (DAY, State.DECIDED), (DAY + 1, State.UNDECIDED), (8000 * 365 * DAY, State.UNDECIDED)],
)
def test_a_choice_from_the_future_would_never_grow_old_and_grants_nothing(ahead: int, state: State) -> None:
    assert aged(Choice(State.DECIDED, given_at=NOW + ahead)) is state


def test_a_refusal_from_the_future_stays_a_refusal() -> None:
    told = Choice(State.DECIDED, frozenset({"a"}), frozenset({"b"}), given_at=NOW + 2 * DAY)
    held = told.aged(now=NOW, max_age=180 * DAY, revision=1)
    assert (held.granted, held.refused) == (frozenset(), {"b"})


def test_a_choice_without_time_or_revision_cannot_be_stale_by_them() -> None:
    assert aged(Choice(State.DECIDED), max_age=0, revision=10**6) is State.DECIDED


@pytest.mark.parametrize("state", list(State))
def test_only_what_binds_can_become_stale_and_nothing_comes_back_to_life(state: State) -> None:
    binding = state in (State.DECIDED, State.NOT_REQUIRED)
    old = Choice(state, given_at=0, revision=0)
    assert old.is_binding == binding
    assert aged(old) is (State.STALE if binding else state)


def test_ageing_changes_nothing_but_the_state() -> None:
    stale = MADE.aged(now=NOW, max_age=1, revision=1)
    assert (stale.granted, stale.refused, stale.given_at, stale.revision) == (
        MADE.granted,
        MADE.refused,
        MADE.given_at,
        MADE.revision,
    )
    assert MADE.aged(now=NOW, max_age=None, revision=1) == MADE


# --- copies ----------------------------------------------------------------------------------------------------------


def decided(granted: str = "", refused: str = "", state: State = State.DECIDED) -> Choice:
    return Choice(state, frozenset(granted), frozenset(refused))


def test_no_copy_is_no_choice_and_equal_copies_say_the_same() -> None:
    assert most_refusing([]) == ABSENT
    assert most_refusing([MADE]) == MADE
    assert most_refusing([MADE, MADE, MADE]) == MADE


@pytest.mark.parametrize(
    ("copies", "state", "granted", "refused"),
    [
        ([decided("im"), decided("i", "m")], State.DECIDED, "i", "m"),
        ([decided("i"), decided("m")], State.DECIDED, "", ""),
        ([decided("im"), decided("im", "o")], State.DECIDED, "im", "o"),
        ([decided("i"), UNDECIDED], State.UNDECIDED, "", ""),
        ([decided("i", "m"), UNDECIDED], State.UNDECIDED, "", "m"),
        ([decided("i"), decided("i", state=State.NOT_REQUIRED)], State.NOT_REQUIRED, "i", ""),
        ([decided("i"), decided("i", state=State.OPAQUE)], State.OPAQUE, "", ""),
        ([decided("i"), decided("i", state=State.STALE)], State.STALE, "", ""),
        ([decided("", "i"), decided("i", "m", state=State.STALE)], State.UNDECIDED, "", "i"),
        ([decided("", "i", State.STALE), decided("", "m", State.STALE)], State.STALE, "", ""),
        ([decided("i"), decided("i"), decided("", "i"), UNDECIDED], State.UNDECIDED, "", "i"),
        ([decided("imo"), decided("io"), decided("o", "m")], State.DECIDED, "o", "m"),
    ],
)
def test_copies_that_differ_become_the_most_refusing_in_whatever_order(
    copies: list[Choice], state: State, granted: str, refused: str
) -> None:
    for order in permutations(copies):
        merged = most_refusing(order)
        assert (merged.state, merged.granted, merged.refused) == (state, frozenset(granted), frozenset(refused))


def test_copies_are_as_old_as_the_oldest_and_grant_natively_only_what_all_grant() -> None:
    one = Choice(State.DECIDED, native=(("x:a", True), ("x:b", True)), given_at=5, revision=2, format="x")
    two = Choice(State.DECIDED, native=(("x:b", True), ("x:a", False)), given_at=7, revision=None, format="x")
    three = Choice(State.DECIDED, native=(("x:b", True),), given_at=None, revision=1, format="x")
    for order in permutations([one, two, three]):
        merged = most_refusing(order)
        assert (merged.given_at, merged.revision, merged.format) == (5, 1, "x")
        assert merged.native == (("x:a", False), ("x:b", True))


def test_what_different_formats_say_natively_stands_side_by_side() -> None:
    one = Choice(State.DECIDED, native=(("x:a", True),), format="x")
    two = Choice(State.DECIDED, native=(("y:a", False), ("y:b", True)), format="y")
    merged = most_refusing([one, two])
    assert merged.native == (("x:a", True), ("y:a", False), ("y:b", True))
    assert merged.format == "x+y"


CATEGORIES = (
    Category("r", Basis.REQUIRED),
    Category("i", Basis.OPT_IN, gpc=True),
    Category("o", Basis.OPT_OUT, gpc=True),
    Category("q", Basis.OPT_OUT),
)
COPIES = [
    UNDECIDED,
    Choice(State.OPAQUE),
    *(
        decided(
            "".join(name for name, answer in zip("io", answers, strict=True) if answer == "yes"),
            "".join(name for name, answer in zip("io", answers, strict=True) if answer == "no"),
            state,
        )
        for state in (State.DECIDED, State.NOT_REQUIRED, State.STALE)
        for answers in product(("yes", "no", "-"), repeat=2)
    ),
]


@pytest.mark.parametrize("signal", [False, True])
@pytest.mark.parametrize("gpc", [True, False, "strict"])
def test_copies_together_allow_exactly_what_each_of_them_allows(gpc: Gpc, signal: bool) -> None:
    """The most refusing reading of each category, over every triple of copies."""

    def allowed(choice: Choice) -> frozenset[str]:
        return weigh(choice, categories=CATEGORIES, gpc=gpc, signal=signal).allowed

    alone = {copy: allowed(copy) for copy in COPIES}
    for copies in product(COPIES, repeat=3):
        assert allowed(most_refusing(copies)) == frozenset.intersection(*map(alone.__getitem__, copies)), copies


@settings(deadline=None)
@given(st.lists(st.sampled_from([*COPIES, MADE]), min_size=1, max_size=5))
def test_the_order_of_copies_does_not_matter(copies: list[Choice]) -> None:
    there, back = most_refusing(copies), most_refusing(copies[::-1])
    assert (there.state, there.granted, there.refused, there.given_at, there.revision) == (
        back.state,
        back.granted,
        back.refused,
        back.given_at,
        back.revision,
    )
