"""``[[site]]`` tables: whose hosts they are, and what a site has of the top level."""

import tomllib
from typing import Any

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES
from gatekeeper.policy.document import FILE, SITE, Consent, Mode, Policy, Rule
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.matcher import Matcher, matcher_of
from gatekeeper.policy.schema import PolicyError
from gatekeeper.policy.sites import ByHost, site_of

PRESETS: dict[str, dict[str, object]] = {
    "shop": {"cookie": [{"name": "basket", "category": "necessary"}, {"name": "_ga", "category": "analytics"}]},
    "chat": {"cookie": [{"name": "chat", "category": "functional"}]},
}


def load(text: str, presets: Any = PRESETS) -> Policy:
    return load_policy_tables(tomllib.loads(text), presets)


def site(text: str, top: str = "", presets: Any = PRESETS) -> Policy:
    """The policy of the only site of a file."""
    (one,) = load(f'{top}\n[[site]]\nhosts = ["a.example"]\n{text}', presets).sites
    return one.policy


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        load(text)
    return [str(problem) for problem in refused.value.problems]


def rules(policy: Policy) -> list[tuple[str, str, str]]:
    return [(rule.name, rule.category, rule.source) for rule in policy.rules]


# --- by host ---------------------------------------------------------------------------------------------------------

ENTRIES = ["example.org", "*.example.org", "*.shop.example.org", "www.shop.example.org", "127.0.0.1", "::1", "*.test"]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("example.org", "example.org"),
        ("www.example.org", "*.example.org"),
        ("a.b.example.org", "*.example.org"),
        ("shop.example.org", "*.example.org"),
        ("a.shop.example.org", "*.shop.example.org"),
        ("a.www.shop.example.org", "*.shop.example.org"),
        ("www.shop.example.org", "www.shop.example.org"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("a.test", "*.test"),
        ("test", None),
        ("xexample.org", None),
        ("example.org.evil", None),
        (".example.org", None),
        ("..example.org", "*.example.org"),
        ("org", None),
        ("", None),
        (".", None),
        ("*.example.org", "*.example.org"),
    ],
)
def test_the_most_specific_host_is_found(host: str, found: str | None) -> None:
    for entries in (ENTRIES, ENTRIES[::-1]):
        assert ByHost((entry, entry) for entry in entries).find(host) == found


def test_no_site_has_a_host_that_is_longer_than_any() -> None:
    by_host = ByHost([("*.b", "b")])
    assert by_host.find("a." * 126 + "b") == "b"
    assert by_host.find("a." * 127 + "b") is None


def test_a_host_leads_to_its_site() -> None:
    policy = load('[[site]]\nhosts = ["a.example", "*.a.example"]\n[[site]]\nhosts = ["b.example"]\n')
    found = [site_of(policy, host) for host in ("b.example", "x.a.example", "c.example")]
    assert [one.hosts[0] if one else None for one in found] == ["b.example", "a.example", None]


# --- hosts and names -------------------------------------------------------------------------------------------------


def test_hosts_are_kept_as_a_requests_is_compared() -> None:
    (one,) = load('[[site]]\nhosts = ["Shop.Example.org.", "*.BÜCHER.example", "[::1]", "xn--a"]').sites
    assert one.hosts == ("shop.example.org", "*.xn--bcher-kva.example", "::1", "xn--a")
    assert one.name == "shop.example.org"


def test_a_site_may_have_a_name() -> None:
    assert [one.name for one in load('[[site]]\nname = "Shop"\nhosts = ["a"]\n[[site]]\nhosts = ["b"]').sites] == [
        "Shop",
        "b",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[site]]", ["site[0].hosts: is missing"]),
        ("[[site]]\nhosts = []", ["site[0].hosts: is empty: no request would be this site's"]),
        ("[[site]]\nhosts = 'a'", ['site[0].hosts: must be a list of texts, not "a"']),
        ("[[site]]\nhosts = [1, 'b', '']", [
            "site[0].hosts[0]: must be text, not a whole number (1)",
            "site[0].hosts[2]: must not be empty",
        ]),
        ("[[site]]\nhosts = ['a', 'b:8080']", [
            'site[0].hosts[1]: "b:8080" has a port, and a site has all of them; write "b"'
        ]),
        ("[[site]]\nhosts = ['[::1]:80']", [
            'site[0].hosts[0]: "[::1]:80" has a port, and a site has all of them; write "[::1]"'
        ]),
        ("[[site]]\nhosts = ['https://a']", [
            'site[0].hosts[0]: "https://a" is no host; write "shop.example.org" or "*.example.org"'
        ]),
        *(
            (f"[[site]]\nhosts = ['{host}']", [
                f'site[0].hosts[0]: "{host}" is no host of a site; write "shop.example.org" or "*.example.org"'
            ])
            for host in ("*", "a*.example.org", "www.*.org", "*.*.org", "*.a?.org", "?.example.org", "*example.org")
        ),
        ("[[site]]\nhosts = ['a']\n[[site]]\nhosts = ['b', 'A.']", [
            'site[1].hosts[1]: "A." is already a host of site[0]'
        ]),
        ("[[site]]\nhosts = ['*.a', '*.A']", ['site[0].hosts[1]: "*.A" is already a host of site[0]']),
        ("[[site]]\nhosts = ['a']\nname = 'x'\n[[site]]\nhosts = ['b']\nname = 'x'", [
            'site[1].name: "x" is already the name of site[0]'
        ]),
        ("[[site]]\nhosts = ['a']\nname = 'b'\n[[site]]\nhosts = ['b']", [
            'site[1].name: "b" is already the name of site[0]'
        ]),
        ("[[site]]\nhosts = ['a']\nname = 'default'", [
            'site[0].name: "default" stands for all hosts that are no site\'s'
        ]),
        ("[[site]]\nhosts = ['default']", [
            'site[0].name: "default" stands for all hosts that are no site\'s'
        ]),
        ("[[site]]\nhosts = ['a']\nname = ' x'", ["site[0].name: must be a short printable text"]),
        (f"[[site]]\nhosts = ['a']\nname = '{'x' * 65}'", ["site[0].name: must be a short printable text"]),
        ("[[site]]\nhosts = ['a']\nname = ''", ["site[0].name: must not be empty"]),
        ("[[site]]\nhosts = ['a']\nlog.passes = true", ["site[0].log: unknown key"]),
        ("[[site]]\nhosts = ['a']\nhost = 'a'", ['site[0].host: unknown key; did you mean "hosts"?']),
        ("site = ['a']", ['site[0]: must be a table, not "a"']),
        ("[site]\nhosts = ['a']", ["site: must be written [[site]], a list of tables, not a table"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_site_is_told_where_it_stands(text: str, told: list[str]) -> None:
    assert problems(text) == told


# --- its tables over the top level's ---------------------------------------------------------------------------------

TOP = """
presets = ["shop"]
[consent]
cookie = "choice"
revision = 3
map = { stats = "analytics" }
[enforcement]
mode = "report-only"
unlisted = "allow"
[page]
title = "All cookies"
intro = "Words."
[[cookie]]
name = "sid"
category = "necessary"
"""


def test_a_site_that_says_nothing_has_all_of_the_top_level() -> None:
    policy = load(f'{TOP}\n[[site]]\nhosts = ["a"]')
    own = policy.sites[0].policy
    assert own == load(TOP)
    assert own.rules is policy.rules
    assert own.sites == ()


def test_a_table_is_laid_over_the_top_levels_key_by_key() -> None:
    own = site(
        'consent.revision = 4\nconsent.map.ads = "marketing"\nenforcement.mode = "enforce"\npage.title = "A"', TOP
    )
    top = load(TOP)
    assert (own.consent.cookie, own.consent.revision) == ("choice", 4)
    assert dict(own.mapping) == {"stats": "analytics", "ads": "marketing"}
    assert (own.enforcement.mode, own.enforcement.unlisted) == (Mode.ENFORCE, "allow")
    assert (own.page.title, own.page.intro) == ("A", "Words.")
    assert (own.categories, own.presets) == (top.categories, top.presets)


def test_without_tables_at_the_top_a_site_has_the_defaults_and_its_own() -> None:
    own = site('consent.cookie = "c"\nenforcement.mode = "off"\npage.title = "T"')
    assert own.consent.cookie == "c"
    assert own.consent.max_age == Consent().max_age
    assert own.enforcement.mode is Mode.OFF
    assert own.page.title == "T"
    assert own.categories == DEFAULT_CATEGORIES


def test_rules_of_a_site_come_before_the_top_levels_and_all_others_stay() -> None:
    own = site('[[site.cookie]]\nname = "s*"\ncategory = "marketing"', TOP)
    assert rules(own) == [
        ("s*", "marketing", SITE),
        ("sid", "necessary", FILE),
        ("basket", "necessary", "shop"),
        ("_ga", "analytics", "shop"),
    ]
    # The site's wildcard outweighs the exact name at the top.
    found = matcher_of(own).find(b"sid")
    assert found is not None
    assert (found.name, found.source) == ("s*", SITE)


def test_presets_of_a_site_replace_the_top_levels() -> None:
    own = site('presets = ["chat"]', TOP)
    assert own.presets == ("chat",)
    assert rules(own) == [("sid", "necessary", FILE), ("chat", "functional", "chat")]
    assert rules(site("presets = []", TOP)) == [("sid", "necessary", FILE)]


CATEGORIES = """
[[site.category]]
id = "essential"
basis = "required"
[[site.category]]
id = "statistics"
"""


def test_categories_of_a_site_replace_the_top_levels_and_its_rules_find_their_place() -> None:
    own = site(CATEGORIES, TOP)
    assert [one.id for one in own.categories] == ["essential", "statistics"]
    assert rules(own) == [("sid", "essential", FILE), ("basket", "essential", "shop"), ("_ga", "statistics", "shop")]


def test_a_map_of_a_sites_own_gives_the_top_levels_rules_their_place() -> None:
    own = site(
        'consent.map = { necessary = "a", analytics = "b" }\n[[site.category]]\nid = "a"\n[[site.category]]\nid = "b"',
        TOP,
    )
    assert rules(own) == [("sid", "a", FILE), ("basket", "a", "shop"), ("_ga", "b", "shop")]
    assert dict(own.mapping) == {"necessary": "a", "analytics": "b"}


def test_a_map_of_a_sites_own_moves_no_rule_of_the_top_level_whose_category_the_site_has() -> None:
    own = site('consent.map = { analytics = "marketing" }', TOP + '[[cookie]]\nname = "seen"\ncategory = "analytics"')
    assert rules(own) == [
        ("sid", "necessary", FILE),
        ("seen", "analytics", FILE),
        ("basket", "necessary", "shop"),
        ("_ga", "marketing", "shop"),
    ]


def test_presets_are_read_once_for_all_sites_with_the_same_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    class Counted(dict[str, dict[str, object]]):
        def __getitem__(self, name: str) -> dict[str, object]:
            read.append(name)
            return super().__getitem__(name)

    text = "".join(
        f'[[site]]\nhosts = ["s{n}"]\npresets = ["chat", "shop"]\nconsent.revision = {n + 1}' + "\n" for n in range(9)
    )
    policy = load(f'presets = ["shop"]\n{text}', Counted(PRESETS))
    assert read == ["shop", "chat"]
    assert [one.policy.consent.revision for one in policy.sites] == list(range(1, 10))


CUSTOM = '[consent]\ncookie = "c"\n[consent.custom]\nshape = "word"\ngranted = ["yes"]\n'


def test_a_banner_of_a_sites_own_is_described_as_a_whole() -> None:
    own = site('[site.consent.custom]\nshape = "list"\nseparator = "|"', CUSTOM)
    assert [reader.id for reader in own.consent.readers] == ["custom"]
    assert own.consent.cookie == "c"


def test_a_site_that_names_a_format_does_without_the_banner_at_the_top_and_the_other_way_round() -> None:
    assert [reader.id for reader in site('consent.format = "gatekeeper"', CUSTOM).consent.readers] != ["custom"]
    own = site('consent.custom = { shape = "word", granted = ["y"] }', '[consent]\nformat = "gatekeeper"')
    assert [reader.id for reader in own.consent.readers] == ["custom"]


# --- what is wrong in them -------------------------------------------------------------------------------------------


def test_a_problem_has_the_path_of_the_site() -> None:
    text = """
    [[site]]
    hosts = ["a"]
    [[site]]
    hosts = ["b"]
    [[site]]
    hosts = ["c"]
    presets = ["shp"]
    consent.format = "cookibot"
    consent.map.x = "nothing"
    enforcement.mode = "of"
    enforcement.mod = "off"
    page.updated = "soon"
    [[site.cookie]]
    name = "a"
    category = "statistics"
    [[site.cookie]]
    name = "b"
    category = "necessary"
    [[site.cookie]]
    name = "b"
    category = "necessary"
    """
    told = {problem.partition(":")[0] for problem in problems(text)}
    assert told == {
        *("site[2].presets[0]", "site[2].consent.format", "site[2].consent.map.x", "site[2].enforcement.mode"),
        *("site[2].enforcement.mod", "site[2].page.updated", "site[2].cookie[0].category", "site[2].cookie[2].name"),
    }


def test_what_is_wrong_at_the_top_is_told_once_and_not_for_each_site() -> None:
    text = (
        'presets = ["shp"]\n[consent]\nformat = "x"\nrevision = 0\nmap = { x = "nothing" }\n[enforcement]\nmode = "x"\n'
        '[[site]]\nhosts = ["a"]\nconsent.gpc = false\nenforcement.unlisted = "allow"\n'
        '[[site]]\nhosts = ["b"]\n[[site.category]]\nid = "all"\nbasis = "required"\n'
    )
    assert not [problem for problem in problems(text) if problem.startswith("site")]


def test_a_table_that_is_none_is_told_at_the_site_and_at_the_top() -> None:
    assert problems('[[site]]\nhosts = ["a"]\nconsent = 1\nenforcement = "off"') == [
        "site[0].consent: must be a table, not a whole number (1)",
        'site[0].enforcement: must be a table, not "off"',
    ]
    assert problems('consent = 1\n[[site]]\nhosts = ["a"]\nconsent.revision = 2') == [
        "consent: must be a table, not a whole number (1)"
    ]


def test_rules_without_a_place_in_a_sites_categories_are_told_at_the_site() -> None:
    text = f'{TOP}\n[[site]]\nhosts = ["a"]\n[[site.category]]\nid = "all"\nbasis = "opt-in"\n'
    of, synonym = "which is none of", "and no synonym of one; say which with"
    first, *others = problems(text)
    assert first == (
        f'site[0].category: the top level has cookies of the category "necessary", {of} this site\'s {synonym} '
        f"consent.map, or add a [[site.category]]"
    )
    assert others == [
        f'site[0].presets[0]: "shop" has cookies of the category "{one}", {of} yours {synonym} [consent.map], or add '
        "a [[category]]"
        for one in ("necessary", "analytics")
    ]


# --- compiled --------------------------------------------------------------------------------------------------------


def test_a_sites_rules_are_compiled_over_those_that_it_shares() -> None:
    top = load(TOP)
    compiled = matcher_of(top)
    assert matcher_of(site("", TOP), (top, compiled)) is compiled
    own = matcher_of(site('[[site.cookie]]\nname = "x"\ncategory = "necessary"', TOP), (top, compiled))
    assert own._below is compiled
    other = matcher_of(site('presets = []\n[[site.cookie]]\nname = "x"\ncategory = "necessary"', TOP), (top, compiled))
    assert other._below is not compiled


def test_a_rule_above_wins_where_it_holds_and_the_one_below_elsewhere() -> None:
    below = [Rule("a", "necessary"), Rule("b", "necessary"), Rule("*z", "analytics")]
    above = [Rule("a*", "marketing", source=SITE), Rule("b", "marketing", hosts=("x.test",), source=SITE)]
    matcher = Matcher(above, Matcher(below))
    assert matcher.find(b"a") is above[0]
    assert matcher.find(b"az") is above[0]
    assert matcher.find(b"b", "x.test") is above[1]
    assert matcher.find(b"b", "y.test") is below[1]
    assert matcher.find(b"cz") is below[2]
    assert matcher.find(b"c") is None
    assert matcher.possible(b"b") == (above[1], below[1])
    assert matcher.is_narrowed(b"b")
    assert not matcher.is_narrowed(b"a")
