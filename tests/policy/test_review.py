"""What `gatekeeper check` warns of: legal, and looks wrong."""

import tomllib

import pytest

from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.presets import library
from gatekeeper.policy.review import review

PRESETS: dict[str, dict[str, object]] = {
    "tracker": {
        "cookie": [
            {"name": "_ga", "category": "analytics", "provider": "Google"},
            {"name": "_ga_*", "category": "analytics", "provider": "Google"},
            {"name": "_fbp", "category": "marketing", "provider": "Meta"},
            {"name": "_theme", "category": "functional", "provider": "Us"},
        ]
    },
    "shop": {"cookie": [{"name": "basket", "category": "necessary"}, {"name": "basket_*", "category": "necessary"}]},
}


def warnings(document: str, presets: dict[str, dict[str, object]] = PRESETS) -> list[str]:
    return [str(problem) for problem in review(load_policy_tables(tomllib.loads(document), presets), presets)]


def cookie(name: str, category: str = "necessary", more: str = "") -> str:
    return f'[[cookie]]\nname = "{name}"\ncategory = "{category}"\n{more}\n'


def test_a_sound_policy_has_no_warnings() -> None:
    assert warnings('presets = ["tracker", "shop"]\n' + cookie("sid") + cookie("seen_*", "analytics")) == []


@pytest.mark.parametrize(
    ("name", "known"),
    [("_ga", "_ga"), ("_ga_XYZ", "_ga_*"), ("_fbp", "_fbp"), ("_ga*", "_ga"), ("_ga_*", "_ga_*"), ("?fbp", "_fbp")],
)
def test_a_necessary_rule_for_a_known_tracker(name: str, known: str) -> None:
    (line,) = warnings(cookie("sid") + cookie(name))
    assert line.startswith(f'cookie[1].category: "{known}" is known as a cookie of ')
    assert warnings(cookie("sid") + cookie(name, "marketing")) == []


@pytest.mark.parametrize(("cap", "told"), [("400d", 0), ("401d", 1), ("13mo", 0), ("2mo", 0)])
def test_a_cap_that_browsers_cut_anyway(cap: str, told: int) -> None:
    said = "browsers keep no cookie for more than 400 days: this cap does nothing"
    everywhere = f'[enforcement]\nmax_age = "{cap}"\n' + cookie("sid")
    assert warnings(everywhere) == [f"enforcement.max_age: {said}"] * told
    assert warnings(cookie("sid", more=f'max_age = "{cap}"')) == [f"cookie[0].max_age: {said}"] * told


@pytest.mark.parametrize("name", ["_theme", "sid", "_GA", "ga", "x_*"])
def test_a_necessary_rule_for_what_is_no_tracker_is_nobodys_business(name: str) -> None:
    assert warnings(cookie(name)) == []


@pytest.mark.parametrize("name", ["*", "**", "?*", "*?", "??*"])
def test_a_necessary_rule_for_everything(name: str) -> None:
    assert warnings(cookie(name)) == [f'cookie[0].name: "{name}" lets every cookie pass without consent']
    assert warnings(cookie(name, "marketing")) == []


@pytest.mark.parametrize(
    ("name", "swallowed"),
    [
        ("basket*", ["basket", "basket_*"]),
        ("*", ["basket", "basket_*"]),
        ("basket_*", ["basket_*"]),
        ("b?sket", ["basket"]),
    ],
)
def test_a_wildcard_that_outweighs_a_rule_of_a_preset(name: str, swallowed: list[str]) -> None:
    lines = warnings('presets = ["shop"]\n' + cookie(name, "marketing"))
    assert lines == [
        f'cookie[0].name: "{name}" swallows "{other}" of the preset "shop", which is "necessary" there'
        for other in swallowed
    ]


def test_a_wildcard_of_the_same_category_changes_nothing() -> None:
    assert warnings('presets = ["shop"]\n' + cookie("basket*")) == []


def test_an_exact_or_a_narrowed_rule_outweighs_a_preset_on_purpose() -> None:
    narrowed = cookie("basket*", "marketing", 'hosts = ["x.test"]')
    assert warnings('presets = ["shop"]\n' + cookie("basket", "marketing") + narrowed) == []


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (cookie("sid", more='max_age = "401d"'), "cookie[0].max_age"),
        (cookie("sid") + '[consent]\nmax_age = "14mo"', "consent.max_age"),
        (cookie("sid") + '[consent]\nrevision = 2\n[consent.custom]\nshape = "list"', "consent.revision"),
        (cookie("sid", "x") + '[[category]]\nid = "x"', "category"),
        ("", "cookie"),
    ],
)
def test_what_has_no_effect_or_too_much(document: str, path: str) -> None:
    assert [line.partition(":")[0] for line in warnings(document)] == [path]


@pytest.mark.parametrize(
    "document",
    [
        cookie("sid", more='max_age = "400d"'),
        cookie("sid") + '[consent]\nmax_age = "400d"',
        cookie("sid") + '[consent.custom]\nshape = "list"',
        cookie("sid") + "[consent]\nrevision = 2",
        '[enforcement]\nunlisted = "allow"',
        'presets = ["shop"]',
    ],
)
def test_what_is_within_bounds_is_not_warned_of(document: str) -> None:
    assert warnings(document) == []


def test_the_presets_that_ship_raise_no_warning_by_themselves() -> None:
    shipped = library()
    policy = load_policy_tables({"presets": list(shipped)}, shipped)
    assert review(policy, shipped) == ()


def test_a_file_that_names_trackers_alone_is_told_that_nobody_can_sign_in() -> None:
    from gatekeeper.policy.load import load_policy_tables
    from gatekeeper.policy.presets import library
    from gatekeeper.policy.review import review

    rules = [{"name": "_ga", "category": "analytics"}]

    def said(document: dict[str, object]) -> list[str]:
        return [warning.path for warning in review(load_policy_tables(document, library()), library())]

    assert said({"cookie": rules}) == ["presets"]
    assert said({"cookie": rules, "enforcement": {"unlisted": "allow"}}) == []
    assert said({"cookie": rules, "presets": ["essential"]}) == []
    assert said({"cookie": [*rules, {"name": "sid", "category": "necessary"}]}) == []


def test_a_host_of_letters_that_no_name_may_hold_is_a_problem() -> None:
    from gatekeeper.policy.load import load_policy_tables
    from gatekeeper.policy.schema import PolicyError

    rule = {"name": "a", "category": "necessary", "hosts": ["ü" * 80 + ".example"]}
    with pytest.raises(PolicyError, match="is no host"):
        load_policy_tables({"cookie": [rule]}, {})


@pytest.mark.parametrize("profile", ["us-ca", "eu", "uk"])
@pytest.mark.parametrize("gpc", ["true", "false", '"strict"'])
def test_a_region_where_the_signal_has_to_be_heard(profile: str, gpc: str) -> None:
    document = f"""
    [consent]
    gpc = {gpc}
    [regions]
    field = "X-Country"
    [[region]]
    name = "home"
    values = ["FR"]
    [[region]]
    name = "there"
    values = ["US"]
    profile = "{profile}"
    """
    told = ["region[1].profile: the law there asks that Sec-GPC is heard; consent.gpc is false"]
    assert warnings(document + cookie("sid")) == (told if (profile, gpc) == ("us-ca", "false") else [])


def test_what_looks_wrong_in_a_site_is_told_where_it_stands_and_only_once() -> None:
    top = cookie("sid") + '[enforcement]\nmax_age = "500d"\n'
    site = '[[site]]\nhosts = ["a.example"]\n[[site.cookie]]\nname = "_fbp"\ncategory = "necessary"\n'
    of_the_top, of_the_site = warnings(top + site)
    assert of_the_top.startswith("enforcement.max_age: ")
    assert of_the_site.startswith('site[0].cookie[0].category: "_fbp" is known as a cookie of Meta')


def test_a_top_level_that_sites_only_fall_back_on_is_not_judged_by_itself() -> None:
    document = '[enforcement]\nmax_age = "500d"\n[[site]]\nhosts = ["a.example"]\n'
    policy = load_policy_tables(tomllib.loads(document), PRESETS)
    assert [problem.path for problem in review(policy, PRESETS, top=False)] == [
        "site[0].cookie",
        "site[0].enforcement.max_age",
    ]
