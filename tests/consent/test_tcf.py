"""TC strings: what state they are in, which purposes make which category, which vendors may store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers import tcf
from tests.consent.iab.strings import (
    WRITTEN,
    bitfield,
    core,
    disclosed,
    dotted,
    entries,
    publisher,
    ranged,
    restrictions,
)

ALL = range(1, 12)
EVERYTHING = {"functional", "analytics", "marketing"}
MARCH_2026 = 1_772_323_200
VOCABULARY = Vocabulary(DEFAULT_CATEGORIES)


def read(*values: str | bytes, named: tuple[str, ...] = (), mapping: dict[str, str] | None = None) -> Choice:
    octets = [value if isinstance(value, bytes) else value.encode() for value in values]
    vocabulary = Vocabulary(DEFAULT_CATEGORIES, mapping or {}, frozenset(named))
    choice = tcf.TCF.read(dict(zip(tcf.TCF.cookies, octets, strict=False)), vocabulary)
    return choice or UNDECIDED


def granted(*values: str | bytes, named: tuple[str, ...] = ()) -> set[str]:
    return {native.removeprefix("tcf:") for native, yes in read(*values, named=named).native if yes}


# --- the state -----------------------------------------------------------------------------------------------------


def test_everything_granted() -> None:
    choice = read(dotted(core(ALL, features={1})))
    assert (choice.state, choice.granted, choice.refused) == (State.DECIDED, EVERYTHING, set())
    assert choice.given_at == WRITTEN


def test_nothing_granted() -> None:
    choice = read(dotted(core()))
    assert (choice.state, choice.granted, choice.refused) == (State.DECIDED, set(), EVERYTHING)
    assert not any(yes for _, yes in choice.native)


def test_the_last_update_is_when_it_was_given() -> None:
    assert read(dotted(core(ALL, created=WRITTEN - 86400, updated=WRITTEN + 5))).given_at == WRITTEN + 5


@pytest.mark.parametrize("segment", [core(ALL, policy=3), core(ALL, policy=2), core(ALL, service_specific=False)])
def test_an_older_policy_and_a_string_for_many_sites_are_stale(segment: str) -> None:
    choice = read(dotted(segment))
    assert (choice.state, choice.granted, choice.refused) == (State.STALE, set(), set())
    assert choice.given_at == WRITTEN


@pytest.mark.parametrize("policy", [4, 5, 6])
def test_from_march_2026_on_the_disclosed_vendors_have_to_be_told(policy: int) -> None:
    before, after = core(ALL, policy=policy, updated=MARCH_2026 - 1), core(ALL, policy=policy, updated=MARCH_2026)
    assert read(dotted(before)).granted == EVERYTHING
    assert read(dotted(after)).state is State.STALE
    assert read(dotted(after, publisher(ALL))).state is State.STALE
    assert read(dotted(after, disclosed(bitfield({755})))).granted == EVERYTHING
    assert read(dotted(after, publisher(ALL), disclosed(bitfield({755})))).granted == EVERYTHING


@pytest.mark.parametrize("version", [0, 1, 3, 63])
def test_another_version_is_undecided(version: int) -> None:
    assert read(dotted(core(ALL, version=version))).state is State.UNDECIDED


FULL = dotted(
    core(
        ALL, vendors=ranged((1, 900)), legitimate_vendors=bitfield({800}), restricted=restrictions((2, 1, entries(7)))
    ),
    disclosed(bitfield({1, 755})),
    publisher(ALL, {1, 2}, customs=3),
)


def test_a_string_that_is_cut_off_grants_nothing() -> None:
    ends = {at for at, character in enumerate(FULL) if character == "."} | {len(FULL)}
    assert read(FULL).granted == EVERYTHING
    for end in range(len(FULL)):
        if end not in ends:
            assert read(FULL[:end]).state is State.UNDECIDED, end
            assert read(FULL[:end]).granted == set()


def test_a_string_that_is_cut_off_and_of_an_older_policy_is_stale() -> None:
    assert read(dotted(core(ALL, policy=2, vendors=f"{959:016b}0"))).state is State.STALE


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "C",
        "null",
        dotted(core(ALL)) + "=",
        dotted(core(ALL)) + ".",
        "." + dotted(core(ALL)),
        dotted(core(ALL), core(ALL)),
        dotted(core(ALL), publisher(ALL), publisher(ALL)),
        dotted(core(ALL), disclosed(bitfield({1})), disclosed(bitfield({1}))),
        dotted(core(ALL), "100" + publisher(ALL)[3:]),
        dotted(core(ALL), *["010" + bitfield({1})] * 5),
        dotted(core(ALL, vendors=bitfield(range(1, 30000)))),
        dotted(core(ALL, restricted=restrictions(*[(2, 0, entries(1))] * 34))),
        dotted(core(ALL, restricted=restrictions(count=1))),
        dotted(core(ALL)).encode() + b"\xff",
        b"\xff\xfe",
        b'"',
    ],
)
def test_what_is_broken_or_ambiguous_is_undecided(value: str | bytes) -> None:
    choice = read(value)
    assert (choice.state, choice.granted, choice.native) == (State.UNDECIDED, set(), ())


@given(st.binary(max_size=200) | st.text("ABCDQgIYf_-.~%", max_size=120).map(str.encode))
def test_no_octets_are_an_error(value: bytes) -> None:
    for name in tcf.TCF.cookies:
        choice = tcf.TCF.read({name: value}, VOCABULARY)
        assert choice is None or choice.format == "tcf"


@given(st.data())
def test_a_changed_character_is_no_error(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(FULL) - 1))
    other = data.draw(st.sampled_from("AQg_-."))
    assert read(FULL[:at] + other + FULL[at + 1 :]).format in ("tcf", None)


def test_a_broken_string_is_one_of_ours_and_another_value_is_not() -> None:
    whole = dotted(core(ALL))
    for broken in (whole[:36], whole[:-6], whole + ".", whole + "!", whole + "." + whole):
        assert read(broken).format == "tcf"
    for other in (whole[:35], "B" + whole[1:], "GA1.1.1234567890.1234567890", "C" + "!" * 40, "", "null"):
        assert read(other).format is None


@pytest.mark.parametrize("written", [f'"{FULL}"', FULL.replace(".", "%2E"), FULL.replace(".", "%252E")])
def test_it_may_be_quoted_and_encoded(written: str) -> None:
    assert read(written) == read(FULL)


def test_segments_may_come_in_any_order() -> None:
    first, second, third = FULL.split(".")
    assert read(f"{first}.{third}.{second}") == read(FULL)


# --- purposes and categories ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("purposes", "categories"),
    [
        ({1}, set()),
        ({1, 2}, {"marketing"}),
        ({1, 3}, {"marketing"}),
        ({1, 4}, {"marketing"}),
        ({1, 5}, {"functional"}),
        ({1, 6}, {"functional"}),
        ({1, 7}, {"analytics", "marketing"}),
        ({1, 8}, {"analytics"}),
        ({1, 9}, {"analytics"}),
        ({1, 10}, set()),
        ({1, 11}, {"functional"}),
        ({1, 12, 24}, set()),
        (set(range(2, 25)), set()),
    ],
)
def test_purposes_make_categories_and_none_does_without_the_first(purposes: set[int], categories: set[str]) -> None:
    choice = read(dotted(core(purposes)))
    assert choice.granted == categories
    assert choice.refused == EVERYTHING - categories


def test_a_legitimate_interest_is_no_consent() -> None:
    with_interest = core({1}, legitimate=range(1, 25), legitimate_vendors=bitfield(range(1, 900)))
    assert read(dotted(with_interest), named=("tcf:vendor:755",)).granted == set()
    assert granted(dotted(with_interest), named=("tcf:vendor:755",)) == {"1"}


def test_where_the_publisher_has_its_own_answer_a_purpose_needs_both() -> None:
    assert read(dotted(core(ALL), publisher({1, 8}))).granted == {"analytics"}
    assert read(dotted(core({1, 8}), publisher(ALL))).granted == {"analytics"}
    assert read(dotted(core(ALL), publisher({8}))).granted == set()
    assert read(dotted(core({8}), publisher(ALL))).granted == set()


def test_native_ids() -> None:
    told = dict(read(dotted(core({1, 8, 12}, features={2, 5}), publisher({1, 9, 13}, {3}, customs=4))).native)
    assert {native for native, yes in told.items() if yes} == {
        *("tcf:1", "tcf:8", "tcf:12", "tcf:feature:2", "tcf:feature:5"),
        *("tcf:publisher:1", "tcf:publisher:9", "tcf:publisher:13", "tcf:custom:3"),
    }
    assert {native for native, yes in told.items() if not yes} == {
        *(f"tcf:{number}" for number in ALL if number not in (1, 8)),
        *(f"tcf:publisher:{number}" for number in ALL if number not in (1, 9)),
        "tcf:feature:1",
    }


def test_without_purpose_1_no_id_is_granted() -> None:
    """A rule may bind to purpose 7 alone, and what it lets through is stored on the device all the same."""
    everything = core(range(2, 25), features={1, 2}, vendors=ranged((1, 900)))
    assert granted(dotted(everything), named=("tcf:vendor:755",)) == set()
    assert granted(dotted(everything, publisher({1, 7}, {1}, customs=1))) == {"publisher:1", "publisher:7", "custom:1"}
    assert "publisher:7" not in granted(dotted(core(ALL), publisher({7}, {1}, customs=1)))
    assert "custom:1" not in granted(dotted(core(ALL), publisher({7}, {1}, customs=1)))


def test_the_operators_map_outweighs_the_categories_that_purposes_make() -> None:
    string = dotted(core({1, 2, 10}), publisher(()))
    assert read(string).granted == set()
    assert read(string, mapping={"tcf:10": "analytics", "tcf:2": "marketing"}).granted == {"analytics", "marketing"}
    assert read(string, mapping={"tcf:9": "analytics"}).refused == EVERYTHING
    assert read(dotted(core({2, 10})), mapping={"tcf:10": "analytics"}).granted == set()


# --- vendors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendors", [ranged(755), ranged(1, (700, 800)), bitfield({1, 755})])
def test_a_vendor_is_told_only_where_the_file_names_it(vendors: str) -> None:
    string = dotted(core({1}, vendors=vendors))
    assert granted(string) == {"1"}
    assert granted(string, named=("tcf:vendor:755", "tcf:vendor:9")) == {"1", "vendor:755"}
    assert dict(read(string, named=("tcf:vendor:9",)).native)["tcf:vendor:9"] is False
    assert read(string, mapping={"tcf:vendor:755": "marketing"}).granted == {"marketing"}
    assert read(string, mapping={"vendor:9": "marketing"}).granted == set()


def test_a_vendor_that_was_not_disclosed_may_not_store() -> None:
    with_consent = core({1}, vendors=ranged((1, 900)))
    assert "vendor:755" in granted(dotted(with_consent, disclosed(bitfield({755}))), named=("tcf:vendor:755",))
    assert "vendor:755" not in granted(dotted(with_consent, disclosed(bitfield({754}))), named=("tcf:vendor:755",))


@pytest.mark.parametrize(
    ("restricted", "may"),
    [
        (restrictions((1, 0, entries((700, 800)))), False),
        (restrictions((2, 1, entries(755)), (1, 0, entries(3, 755))), False),
        (restrictions((1, 0, entries(754))), True),
        (restrictions((1, 1, entries(755))), True),
        (restrictions((2, 0, entries(755))), True),
    ],
)
def test_a_vendor_that_the_publisher_forbids_to_store_may_not(restricted: str, may: bool) -> None:
    string = dotted(core({1}, vendors=ranged((1, 900)), restricted=restricted))
    assert ("vendor:755" in granted(string, named=("tcf:vendor:755",))) is may


@pytest.mark.parametrize(
    "name", ["tcf:vendor:", "tcf:vendor:0755", "tcf:vendor:x", "tcf:vendor:" + "9" * 5000, "klaro:x"]
)
def test_what_is_no_vendor_has_no_answer(name: str) -> None:
    assert name not in dict(read(FULL, named=(name,)).native)


# --- several cookies -----------------------------------------------------------------------------------------------


def test_of_several_strings_all_have_to_grant() -> None:
    both = (dotted(core({1, 2, 8}, vendors=ranged(7, 8))), dotted(core({1, 5, 8}, vendors=ranged(8, 9))))
    named = ("tcf:vendor:7", "tcf:vendor:8")
    assert read(*both).granted == {"analytics"}
    assert granted(*both, named=named) == {"1", "8", "vendor:8"}


def test_beside_one_that_is_stale_or_broken_the_other_only_refuses() -> None:
    for other in (dotted(core(ALL, policy=2)), "broken"):
        choice = read(dotted(core({1, 8})), other)
        assert (choice.granted, choice.refused) == (set(), {"functional", "marketing"})
        assert not any(yes for _, yes in choice.native)
    assert read(dotted(core(ALL)), dotted(core(ALL, policy=2))).state is State.STALE
    assert read(dotted(core(ALL)), "broken").state is State.UNDECIDED
