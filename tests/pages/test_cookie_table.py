"""What the page lists: every rule where the gate judges by it, once, in the columns that say something."""

import html

import pytest

from gatekeeper.consent.category import Basis, Category
from gatekeeper.pages.cookie_policy import render_html, render_markdown
from gatekeeper.policy import presets
from gatekeeper.policy.document import Enforcement, Policy, Rule
from tests.pages.reading import Document, categories, loaded, names, rows


def test_rules_of_presets_follow_those_of_the_file() -> None:
    policy = loaded('presets = ["django"]\n[[cookie]]\nname = "own"\ncategory = "necessary"\n')
    assert names(policy, "necessary")[0] == "own"
    sources = {cookie["name"]: cookie["source"] for cookie in categories(policy)["necessary"]["cookies"]}
    assert sources["own"] == "the file"
    assert sources["sessionid"] == "django"


def test_a_name_is_listed_once_with_the_first_rule_s_cap_and_the_next_one_s_words() -> None:
    policy = Policy(
        rules=(
            Rule("_ga", "analytics", max_age=13 * 2_629_800),
            Rule("_ga", "analytics", purpose="Counts.", provider="G", duration="730d", max_age=1, source="ga"),
        )
    )
    assert rows(policy)[1:] == [["", "_ga", "Counts.", "G", "13 months"]]


def test_the_cap_for_the_whole_site_is_told_where_it_holds() -> None:
    policy = Policy(
        rules=(
            Rule("sid", "necessary", duration="730d"),
            Rule("_ga", "analytics", duration="730d"),
            Rule("_gid", "analytics", max_age=86400),
            Rule("_gat", "analytics"),
        ),
        enforcement=Enforcement(max_age=13 * 2_629_800),
    )
    told = {
        cookie["name"]: cookie["max_age_seconds"] for each in categories(policy).values() for cookie in each["cookies"]
    }
    assert told == {"sid": 730 * 86400, "_ga": 13 * 2_629_800, "_gid": 86400, "_gat": 13 * 2_629_800}


def test_a_rule_of_a_preset_that_the_file_has_put_elsewhere_is_not_listed() -> None:
    moved = Policy(
        rules=(
            Rule("_ga", "necessary"),
            Rule("_pk_*", "functional"),
            Rule("_ga", "analytics", source="ga"),
            Rule("_ga_*", "analytics", source="ga"),
            Rule("_pk_id*", "analytics", source="matomo"),
        )
    )
    assert names(moved, "necessary") == ["_ga"]
    assert names(moved, "functional") == ["_pk_*"]
    assert names(moved, "analytics") == ["_ga_*"]


def test_a_question_mark_does_not_hide_a_star() -> None:
    policy = Policy(rules=(Rule("a?", "necessary"), Rule("a*", "analytics", source="x")))
    assert names(policy, "analytics") == ["a*"]


def test_one_name_may_stand_in_two_categories_on_different_hosts() -> None:
    policy = Policy(rules=(Rule("a", "necessary", hosts=("x.example",)), Rule("a", "analytics")))
    assert names(policy, "necessary") == names(policy, "analytics") == ["a"]


def test_a_category_without_cookies_has_no_table_but_is_in_the_json() -> None:
    policy = Policy(rules=(Rule("a", "necessary"),))
    assert "### Necessary" in render_markdown(policy)
    assert "### Marketing" not in render_markdown(policy)
    assert Document(render_html(policy)).text("h3") == ["Necessary"]
    assert categories(policy)["marketing"]["cookies"] == []


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        (Basis.REQUIRED, "No consent is needed for these cookies."),
        (Basis.OPT_IN, "These cookies are stored only after you agree."),
        (Basis.OPT_OUT, "These cookies are stored unless you object."),
    ],
)
def test_each_category_says_in_plain_words_whether_the_visitor_is_asked(basis: Basis, expected: str) -> None:
    policy = Policy(categories=(Category("x", basis),), rules=(Rule("a", "x"),))
    assert f"*{expected}*" in render_markdown(policy)
    assert Document(render_html(policy)).text("p").count(expected) == 1


def test_a_heading_falls_back_to_the_title_and_then_to_the_id() -> None:
    policy = Policy(
        categories=(
            Category("x", title="X", heading="All of X"),
            Category("y", title="Why", heading=" "),
            Category("z"),
        ),
        rules=(Rule("a", "x"), Rule("b", "y"), Rule("c", "z")),
    )
    assert Document(render_html(policy)).text("h3") == ["All of X", "Why", "z"]


def test_without_lifetimes_there_is_no_such_column() -> None:
    assert rows(Policy(rules=(Rule("a", "necessary"),)))[0] == ["Function and location", "Cookie name", "Purposes"]


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        (Rule("a", "necessary", provider="Django", party="first"), None),
        (Rule("a", "necessary", provider="Django"), None),
        (Rule("a", "necessary", provider="Pay Ltd", party="third"), "Pay Ltd, third party"),
        (Rule("a", "necessary", party="third"), "a third party"),
        (Rule("a", "analytics", provider="Counter Inc", party="first"), "Counter Inc"),
        (Rule("a", "analytics", party="first"), None),
    ],
)
def test_the_provider_is_named_where_somebody_else_gets_the_data(rule: Rule, shown: str | None) -> None:
    header, row = rows(Policy(rules=(rule,)))
    assert dict(zip(header, row, strict=True)).get("Provider") == shown


def test_beside_a_third_party_the_site_names_itself() -> None:
    policy = Policy(
        rules=(
            Rule("a", "analytics", party="first"),
            Rule("b", "analytics"),
            Rule("c", "analytics", provider="C", party="third"),
        )
    )
    assert [row[3] for row in rows(policy)] == ["Provider", "this site", "", "C, third party"]


def test_wildcards_are_shown_as_written_and_explained() -> None:
    page = render_markdown(Policy(rules=(Rule("_BEAMER*", "necessary"), Rule("id?", "necessary"))))
    assert "`_BEAMER*`" in page
    assert "In a cookie name, \\* stands for any characters." in page
    assert "In a cookie name, ? stands for any one character." in page
    assert "stands for" not in render_markdown(Policy(rules=(Rule("a", "necessary"),)))


def test_the_consent_cookie_lasts_as_long_as_a_choice_holds() -> None:
    policy = loaded('[consent]\nmax_age = "12h"\n[[cookie]]\nname = "cookies_preferences"\ncategory = "necessary"\n')
    (cookie,) = categories(policy)["necessary"]["cookies"]
    assert cookie["duration"] == ""
    assert cookie["max_age_seconds"] == 43200
    assert rows(policy)[1][-1] == "12 hours"


@pytest.mark.parametrize("preset", presets.library())
def test_every_preset_makes_a_page(preset: str) -> None:
    policy = loaded(f'presets = ["{preset}"]')
    listed = [cookie["name"] for category in categories(policy).values() for cookie in category["cookies"]]
    assert sorted(listed) == sorted({rule.name for rule in policy.rules})
    assert [row[1] for row in rows(policy) if row[1] != "Cookie name"] == listed
    assert [html.unescape(name) for name in Document(render_html(policy)).text("code")] == listed
