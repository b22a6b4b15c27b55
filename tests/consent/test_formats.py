"""How what a platform says in its own words becomes a choice, whatever the platform."""

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.readers.base import Cookies, Format, Said
from gatekeeper.consent.readers.registry import Registry, names

OPTIONAL = frozenset({"functional", "analytics", "marketing"})


def choice(said: Said | None, mapping: dict[str, str | list[str]] | None = None, value: bytes = b"x") -> Choice | None:
    told = Format("f", "F", (b"c",), lambda _: said, categories={"C2": "statistics", "C4": "marketing", "C5": "ads"})
    return told.read({b"c": value}, Vocabulary(DEFAULT_CATEGORIES, mapping or {}))


@pytest.mark.parametrize(
    ("answers", "granted", "refused"),
    [
        ({"C2": True}, {"analytics"}, set()),
        ({"C4": True, "C5": False}, set(), {"marketing"}),
        ({"C4": True, "C5": True}, {"marketing"}, set()),
        ({"necessary": False, "unknown": True, "preferences": True}, {"functional"}, set()),
    ],
)
def test_all_ids_of_a_category_have_to_be_granted(
    answers: dict[str, bool], granted: set[str], refused: set[str]
) -> None:
    read = choice(Said(answers=answers))
    assert read is not None
    assert (read.granted, read.refused) == (granted, refused)
    assert dict(read.native) == {f"f:{native}": granted for native, granted in answers.items()}


def test_what_no_answer_is_about_is_as_the_rest() -> None:
    for rest, granted, refused in (
        (True, {"functional", "marketing"}, {"analytics"}),
        (False, set(), OPTIONAL),
        (None, set(), {"analytics"}),
    ):
        read = choice(Said(answers={"C2": False}, rest=rest))
        assert read is not None
        assert (read.granted, read.refused) == (granted, refused)


def test_the_operators_map_goes_before_the_formats_own_words() -> None:
    answers = {"C2": True, "C4": False}
    for mapping, granted, refused in (
        ({"C2": "functional"}, {"functional"}, {"marketing"}),
        ({"f:C2": "functional", "C2": "analytics"}, {"functional"}, {"marketing"}),
        ({"g:C2": "functional"}, {"analytics"}, {"marketing"}),
        ({"f:C2": ["functional", "analytics"]}, {"functional", "analytics"}, {"marketing"}),
        ({"C4": ["functional", "analytics"]}, set(), {"functional", "analytics"}),
    ):
        read = choice(Said(answers=answers), dict(mapping))
        assert read is not None
        assert (read.granted, read.refused) == (granted, refused)


def test_a_complete_list_refuses_the_mapped_ids_that_it_leaves_out() -> None:
    mapping: dict[str, str | list[str]] = {"2": "analytics", "f:3": "marketing", "g:4": "functional"}
    read = choice(Said(answers={"2": True}, complete=True), mapping)
    assert read is not None
    assert (read.granted, read.refused) == ({"analytics"}, {"marketing"})


def test_an_id_that_cannot_be_written_counts_and_is_not_told() -> None:
    read = choice(Said(answers={"marketing\n": False, "\ud800": True, "C2": True}))
    assert read is not None
    assert read.refused == {"marketing"}
    assert read.native == (("f:C2", True),)


@pytest.mark.parametrize("state", [State.UNDECIDED, State.STALE, State.OPAQUE])
def test_what_is_no_choice_says_nothing(state: State) -> None:
    read = choice(Said(state, {"C2": True}, rest=True, given_at=5, revision=6))
    assert read == Choice(state, given_at=5, revision=6, format="f")


def test_what_is_refused_where_not_all_is_decided_stays_refused() -> None:
    read = choice(Said(State.UNDECIDED, {"marketing": False, "analytics": True}))
    assert read == Choice(
        State.UNDECIDED, refused=frozenset({"marketing"}), native=(("f:marketing", False),), format="f"
    )


def test_another_formats_value_and_one_that_is_too_long_are_no_choice() -> None:
    assert choice(None) is None
    assert choice(Said(rest=True), value=b"x" * 8193) == Choice(State.UNDECIDED, format="f")


def test_a_format_may_have_another_name_in_a_site() -> None:
    def parse(cookies: Cookies) -> Said | None:
        return Said(rest=cookies[b"c"] == b"yes")

    renamed = Format("f", "F", (b"c", b"d"), parse).renamed(b"ours").renamed(b"mine")
    assert renamed.cookies == (b"mine", b"d")
    read = renamed.read({b"mine": b"yes", b"c": b"no"}, Vocabulary(DEFAULT_CATEGORIES))
    assert read is not None
    assert read.granted == OPTIONAL


@pytest.mark.parametrize(
    ("stem", "name", "cookies", "companions"),
    [
        (None, b"ours", (b"ours", b"a_x*"), (b"b", b"ours_2")),
        (None, b"my_a_c", (b"my_a_c", b"a_x*"), (b"b", b"my_a_c_2")),
        (b"a_", b"b_c", (b"b_c", b"b_x*"), (b"b", b"b_c_2")),
        (b"a_", b"c", (b"c", b"x*"), (b"b", b"c_2")),
        (b"a_", b"other", (b"other", b"a_x*"), (b"b", b"other_2")),
        (b"", b"my_a_c", (b"my_a_c", b"my_a_x*"), (b"my_b", b"my_a_c_2")),
    ],
)
def test_a_sites_other_beginning_holds_for_all_cookies_that_share_it(
    stem: bytes | None, name: bytes, cookies: tuple[bytes, ...], companions: tuple[bytes, ...]
) -> None:
    heard: list[Cookies] = []

    def parse(cookies: Cookies) -> Said | None:
        heard.append(dict(cookies))
        return None

    original = Format("f", "F", (b"a_c", b"a_x*"), parse, (b"b", b"a_c_2"), stem=stem)
    renamed = original.renamed(b"in_between").renamed(name)
    assert (renamed.cookies, renamed.companions) == (cookies, companions)
    values = {one.replace(b"*", b"1"): b"%d" % place for place, one in enumerate((*cookies, *companions))}
    renamed.read(values, Vocabulary(DEFAULT_CATEGORIES))
    assert heard == [{b"a_c": b"0", b"a_x1": b"1", b"b": b"2", b"a_c_2": b"3"}]


def test_a_format_without_cookies_is_never_heard() -> None:
    opaque = Format("f", "F", (), lambda _: Said(rest=True))
    assert opaque.renamed(b"c") is opaque
    read = Registry(Vocabulary(DEFAULT_CATEGORIES), (opaque,)).read([(b"c", b"1")], now=0)
    assert read.choice.state is State.ABSENT


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        (b"a", b"a", True),
        (b"a", b"ab", False),
        (b"a*", b"a", True),
        (b"a*", b"abc", True),
        (b"a*", b"ba", False),
        (b"a*c", b"abc", True),
        (b"a*c", b"abcd", False),
        (b"*_policy", b"our_policy", True),
        (b"ab*ba", b"aba", False),
    ],
)
def test_a_star_in_a_name_stands_for_any_octets(pattern: bytes, name: bytes, matches: bool) -> None:
    assert names((b"other", pattern), name) is matches
