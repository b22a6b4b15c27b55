"""Which of the operator's categories a name stands for."""

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Basis, Category, Vocabulary

GROUPS = {
    "necessary": ["necessary", "essential", "required", "strictly-necessary", "strictly_necessary"],
    "functional": ["functional", "preferences", "functionality", "personalization", "personalisation"],
    "analytics": ["analytics", "statistics", "statistical", "performance", "measurement"],
    "marketing": ["marketing", "advertising", "targeting", "ads"],
}


@pytest.mark.parametrize("own", [name for group in GROUPS.values() for name in group])
def test_every_word_of_a_group_stands_for_the_one_that_the_operator_has(own: str) -> None:
    group = next(group for group in GROUPS.values() if own in group)
    vocabulary = Vocabulary((Category(own), Category("unrelated")))
    assert {vocabulary.resolve(name) for name in group} == {own}
    others = [name for other in GROUPS.values() if other is not group for name in other]
    assert {vocabulary.resolve(name) for name in others} == {None}


def test_the_default_categories_are_found_by_all_their_names() -> None:
    vocabulary = Vocabulary(DEFAULT_CATEGORIES)
    for category, names in GROUPS.items():
        assert {vocabulary.resolve(name) for name in names} == {category}
    assert vocabulary.ids(Basis.REQUIRED) == {"necessary"}
    assert vocabulary.optional() == {"functional", "analytics", "marketing"}
    assert vocabulary.ids() == set(GROUPS)


def test_case_and_white_space_round_a_name_do_not_matter() -> None:
    vocabulary = Vocabulary((Category("Statistics"), Category("Fun Stuff")))
    for name in ("statistics", "STATISTICS", " Statistics\n", "analytics", "Performance"):
        assert vocabulary.resolve(name) == "Statistics"
    assert vocabulary.resolve("fun stuff") == "Fun Stuff"


@pytest.mark.parametrize(
    "name", ["", " ", "statistic", "statistics2", "stat istics", "\0statistics", "st\u0430tistics"]
)
def test_what_is_only_like_a_name_stands_for_nothing(name: str) -> None:
    assert Vocabulary((Category("statistics"),)).resolve(name) is None


def test_two_categories_of_one_group_make_its_other_words_ambiguous() -> None:
    vocabulary = Vocabulary((Category("functional"), Category("preferences"), Category("ads")))
    assert vocabulary.resolve("functional") == "functional"
    assert vocabulary.resolve("preferences") == "preferences"
    assert vocabulary.resolve("personalization") is None
    assert vocabulary.resolve("marketing") == "ads"


def test_the_operators_map_outweighs_ids_and_synonyms() -> None:
    vocabulary = Vocabulary(
        (Category("statistics"), Category("marketing")),
        {"C0002": "statistics", "performance": "marketing", "Marketing": "statistics"},
    )
    assert vocabulary.resolve("c0002") == "statistics"
    assert vocabulary.resolve("performance") == "marketing"
    assert vocabulary.resolve("marketing") == "statistics"
    assert vocabulary.resolve("ads") == "marketing"


def test_names_that_stand_for_nothing_are_left_out_of_many() -> None:
    vocabulary = Vocabulary((Category("statistics"), Category("marketing")))
    assert vocabulary.resolve_all(["performance", "gone", "Statistics", ""]) == {"statistics"}
    assert vocabulary.resolve_all([]) == frozenset()


def test_a_visitor_can_refuse_all_but_the_required() -> None:
    vocabulary = Vocabulary(
        (Category("a", Basis.REQUIRED), Category("b", Basis.OPT_IN), Category("c", Basis.OPT_OUT), Category("d"))
    )
    assert vocabulary.optional() == {"b", "c", "d"}
    assert vocabulary.ids(Basis.OPT_OUT) == {"c"}
    assert vocabulary.ids(Basis.REQUIRED, Basis.OPT_IN) == {"a", "b", "d"}


def test_the_map_may_say_several_categories_for_one_id_and_then_it_stands_for_no_single_one() -> None:
    vocabulary = Vocabulary(
        DEFAULT_CATEGORIES, {"1": ["functional", "analytics"], "ads": ("marketing",), "performance": []}
    )
    assert vocabulary.mapped(" 1 ") == ("functional", "analytics")
    assert vocabulary.mapped("ADS") == ("marketing",)
    assert vocabulary.mapped("2") == ()
    assert vocabulary.resolve("1") is None
    assert vocabulary.resolve("ads") == "marketing"
    assert vocabulary.resolve("performance") is None


def test_the_mapped_ids_without_an_answer_are_those_of_this_platform_or_of_any() -> None:
    mapping = {"one:A": "functional", "b": ["analytics"], "two:c": "marketing"}
    vocabulary = Vocabulary(DEFAULT_CATEGORIES, mapping)
    assert vocabulary.unanswered("one", []) == {"functional", "analytics"}
    assert vocabulary.unanswered("one", ["a", "B"]) == frozenset()
    assert vocabulary.unanswered("two", ["b"]) == {"marketing"}


def test_a_platforms_id_is_first_what_the_operator_says_then_what_the_platform_does_then_what_everybody_does() -> None:
    mapping = {
        "ads": "functional",
        "one:Social": ["analytics", "marketing"],
        "two:video": "analytics",
        "C1": "marketing",
    }
    vocabulary = Vocabulary(DEFAULT_CATEGORIES, mapping)
    own = {"Social": "functional", "c1": "functional", "Video": "functional", "performance": "marketing", "x": "none"}
    words = vocabulary.words("one", own)
    assert {
        name: words.get(name, ()) for name in ("ads", "social", "c1", "video", "performance", "x", "targeting")
    } == {
        "ads": ("functional",),
        "social": ("analytics", "marketing"),
        "c1": ("marketing",),
        "video": ("functional",),
        "performance": ("marketing",),
        "x": (),
        "targeting": ("marketing",),
    }
    assert vocabulary.words("one", {}) is words
    assert vocabulary.words("two", {})["video"] == ("analytics",)
