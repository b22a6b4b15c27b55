"""From a cookie-name to its rule: the most specific wins, whatever the order, and at no cost by the number of rules."""

import random
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.policy import matcher as matcher_module
from gatekeeper.policy.document import FILE, Rule
from gatekeeper.policy.matcher import Matcher
from tests.models.browsers import path_match


def rule(name: str, *, hosts: str = "", paths: str = "", source: str = FILE, category: str = "c") -> Rule:
    return Rule(name, category, hosts=tuple(hosts.split()), paths=tuple(paths.split()), source=source)


# --- the most specific wins ------------------------------------------------------------------------------------------

# Each list from the most specific to the least, for the name "_ga_X" on shop.example.org/cart.
WINNERS = [
    ("an exact name before any pattern", [rule("_ga_X"), rule("_ga_*"), rule("_ga?X"), rule("*")]),
    ("the longest literal prefix", [rule("_ga_*"), rule("_ga*"), rule("_g*"), rule("*_X")]),
    ("a prefix counts up to the first wildcard", [rule("_ga*"), rule("_g?_X"), rule("*a_X")]),
    ("exact before narrowed", [rule("_ga_X"), rule("_ga_*", hosts="shop.example.org")]),
    ("a longer prefix before narrowed", [rule("_ga_*"), rule("_ga*", paths="/cart")]),
    ("narrowed before general", [rule("_ga_*", hosts="*.example.org"), rule("_ga_*")]),
    ("narrowed by path before general", [rule("_ga_X", paths="/cart"), rule("_ga_X")]),
    ("the file before a preset", [rule("_ga_X"), rule("_ga_X", source="p")]),
    ("a pattern of the file before an exact name of a preset", [rule("*"), rule("_ga_X", source="p")]),
    (
        "within presets as within the file",
        [rule("_ga_X", source="p"), rule("_ga_*", source="q"), rule("*", source="p")],
    ),
]


@pytest.mark.parametrize("ranked", [row[1] for row in WINNERS], ids=[row[0] for row in WINNERS])
def test_the_most_specific_rule_wins_in_whatever_order_they_are_written(ranked: list[Rule]) -> None:
    for left in range(len(ranked)):
        for order in permutations(ranked[left:]):
            assert Matcher(order).find(b"_ga_X", "shop.example.org", "/cart") == ranked[left]


@pytest.mark.parametrize(
    "rules",
    [
        [rule("_ga_X", category="a"), rule("_ga_X", category="b")],
        [rule("_g*_X", category="a"), rule("_g*", category="b"), rule("_g?_X", category="c")],
        [rule("*", category="a"), rule("?*", category="b"), rule("*X", category="c")],
        [rule("_ga_X", hosts="shop.example.org", category="a"), rule("_ga_X", paths="/", category="b")],
        [rule("_ga_X", source="p", category="a"), rule("_ga_X", source="q", category="b")],
    ],
)
def test_of_equally_specific_rules_the_one_written_first_wins(rules: list[Rule]) -> None:
    for order in permutations(rules):
        assert Matcher(order).find(b"_ga_X", "shop.example.org", "/cart") == order[0]


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("_ga", b"_ga", True),
        ("_ga", b"_GA", False),
        ("_ga", b"_ga ", False),
        ("_ga*", b"_ga", True),
        ("_ga*", b"_g", False),
        ("_ga?", b"_ga", False),
        ("*_ga", b"_ga", True),
        ("*_ga", b"ga", False),
        ("ab*ba", b"aba", False),
        ("é*", "é1".encode(), True),
        ("é", b"\xe9", False),
        ("?", "é".encode(), False),
        ("??", "é".encode(), True),
        ("*", b"\xff\xfe", True),
        ("*", b"", True),
        ("?*", b"", False),
    ],
)
def test_names_are_compared_octet_for_octet(pattern: str, name: bytes, matches: bool) -> None:
    assert (Matcher([rule(pattern)]).find(name) is not None) == matches


def test_a_name_that_no_rule_matches_is_unlisted() -> None:
    assert Matcher([]).find(b"_ga") is None
    assert Matcher([rule("_gid"), rule("_g?x*"), rule("*x")]).find(b"_ga") is None


# --- hosts and paths -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "host", "holds"),
    [
        ("example.org", "example.org", True),
        ("example.org", "www.example.org", False),
        ("*.example.org", "www.example.org", True),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "badexample.org", False),
        ("*example.org", "badexample.org", True),
        ("Example.ORG", "example.org", True),
        ("a.test b.test", "b.test", True),
        ("a.test b.test", "c.test", False),
        ("::1", "::1", True),
        ("shop?.test", "shop1.test", True),
        ("example.org", "", False),
        ("*", "", True),
    ],
)
def test_a_rule_holds_on_its_hosts_only(hosts: str, host: str, holds: bool) -> None:
    assert (Matcher([rule("a", hosts=hosts)]).find(b"a", host, "/") is not None) == holds


@pytest.mark.parametrize(
    ("paths", "path", "holds"),
    [
        ("/shop", "/shop", True),
        ("/shop", "/shop/cart", True),
        ("/shop", "/shopping", False),
        ("/shop/", "/shop", False),
        ("/shop", "/Shop", False),
        ("/", "/anything", True),
        ("/shop*", "/shopping", True),
        ("/*/cart", "/shop/cart", True),
        ("/*/cart", "/shop/cart/1", False),
        ("/a?c", "/abc", True),
        ("/a /b", "/b/c", True),
        ("/a /b", "/c", False),
        ("/caf\u00e9*", "/caf\u00e9/x", True),
        ("/*", "/\udcff", True),
    ],
)
def test_a_rule_holds_on_its_paths_only(paths: str, path: str, holds: bool) -> None:
    assert (Matcher([rule("a", paths=paths)]).find(b"a", "h", path) is not None) == holds


def test_both_hosts_and_paths_have_to_hold() -> None:
    matcher = Matcher([rule("a", hosts="x.test", paths="/p"), rule("*", category="other")])
    found = {(host, path): matcher.find(b"a", host, path) for host in ("x.test", "y.test") for path in ("/p", "/q")}
    assert [place for place, one in found.items() if one is not None and one.category == "c"] == [("x.test", "/p")]
    assert all(found.values())


def test_where_a_narrowed_rule_does_not_hold_the_next_one_does() -> None:
    ranked = [rule("a", hosts="x.test"), rule("a*", paths="/p"), rule("*")]
    matcher = Matcher(ranked[::-1])
    assert matcher.find(b"a", "x.test", "/p") == ranked[0]
    assert matcher.find(b"a", "y.test", "/p") == ranked[1]
    assert matcher.find(b"a", "y.test", "/q") == ranked[2]
    assert Matcher(ranked[:2]).find(b"a", "y.test", "/q") is None


def test_a_name_is_narrowed_if_its_rule_depends_on_where_it_is() -> None:
    matcher = Matcher([rule("a", hosts="x"), rule("b"), rule("b", paths="/p"), rule("c"), rule("c*", hosts="x")])
    assert [matcher.is_narrowed(name) for name in (b"a", b"b", b"c", b"cc", b"d")] == [True, True, False, True, False]


def test_every_rule_that_may_be_a_names_is_told_once_the_most_specific_first() -> None:
    rules = [
        rule("ab", hosts="x"),
        rule("ab*", paths="/p"),
        rule("abcd*"),
        rule("*b", hosts="y"),
        rule("*cdb"),
        rule("?*"),
        rule("*", hosts="z"),
        rule("**"),
    ]
    assert Matcher(rules).possible(b"ab") == (rules[0], rules[1], rules[3], rules[6], rules[5])
    assert Matcher(rules).possible(b"") == (rules[6], rules[7])
    assert Matcher(rules[:2]).possible(b"ab") == (rules[0], rules[1])
    assert Matcher(rules[:2]).possible(b"x") == ()


# --- a plain scan as the judge ---------------------------------------------------------------------------------------


def glob(pattern: str, text: str) -> bool:
    """Whether a pattern of ASCII matches, without a regex."""
    reached = {0}
    for char in pattern:
        if char == "*":
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(text) and char in ("?", text[at])}
    return len(text) in reached


def holds(one: Rule, host: str, path: str) -> bool:
    def on(pattern: str) -> bool:
        return glob(pattern, path) if {"*", "?"} & set(pattern) else path_match(path.encode(), pattern.encode())

    return (not one.hosts or any(glob(each, host) for each in one.hosts)) and (not one.paths or any(map(on, one.paths)))


def scan(rules: list[Rule], name: str, host: str, path: str) -> Rule | None:
    """The contract, word for word, over all rules."""

    def specificity(place: int) -> tuple[bool, bool, int, bool, int]:
        one = rules[place]
        wild = min((one.name + "*").index("*"), (one.name + "?").index("?"))
        exact = wild == len(one.name)
        return one.source == FILE, exact, wild, bool(one.hosts or one.paths), -place

    matching = [place for place, one in enumerate(rules) if glob(one.name, name) and holds(one, host, path)]
    return rules[max(matching, key=specificity)] if matching else None


PATTERN = st.lists(st.sampled_from(["a", "b", "ab", "*", "?"]), min_size=1, max_size=4).map("".join)
NAME = st.lists(st.sampled_from(["a", "b"]), max_size=6).map("".join)
HOST = st.sampled_from(["x.test", "y.test", "a.y.test"])
PATH = st.sampled_from(["/", "/p", "/p/q", "/pq"])
RULE = st.builds(
    Rule,
    PATTERN,
    st.integers(0, 10**9).map(str),
    hosts=st.lists(st.sampled_from(["x.test", "*.test", "*.y.test"]), max_size=2).map(tuple),
    paths=st.lists(st.sampled_from(["/p", "/p*", "/"]), max_size=1).map(tuple),
    source=st.sampled_from([FILE, FILE, "preset"]),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(RULE, max_size=12), st.lists(st.tuples(NAME, HOST, PATH), min_size=1, max_size=6))
def test_a_look_up_finds_what_a_scan_of_all_rules_finds(rules: list[Rule], cookies: list[tuple[str, str, str]]) -> None:
    matcher = Matcher(rules)
    for name, host, path in [*cookies, *cookies]:  # the second time from memory
        expected = scan(rules, name, host, path)
        assert matcher.find(name.encode(), host, path) is expected
        assert expected is None or expected in matcher.possible(name.encode())


def specificity(one: Rule) -> tuple[object, ...]:
    wild = min((one.name + "*").index("*"), (one.name + "?").index("?"))
    return one.source == FILE, wild == len(one.name), wild, bool(one.hosts or one.paths)


@settings(deadline=None, max_examples=200)
@given(st.lists(RULE, max_size=10, unique_by=specificity), st.randoms(), NAME, HOST, PATH)
def test_reordering_rules_of_different_specificity_changes_nothing(
    rules: list[Rule], generator: random.Random, name: str, host: str, path: str
) -> None:
    shuffled = list(rules)
    generator.shuffle(shuffled)
    assert Matcher(shuffled).find(name.encode(), host, path) is Matcher(rules).find(name.encode(), host, path)


def many_rules(count: int) -> tuple[list[Rule], list[str]]:
    """Rules of all kinds, and names that meet and miss them."""
    generator = random.Random(6265)
    rules, names = [], []
    for number in range(count):
        word = f"{generator.choice('abc')}{generator.randrange(count)}"
        kinds = (f"n{word}", f"n{word}", f"p{word}*", f"p{word}_*_x", f"*_s{word}", f"q{word}?")
        pattern = kinds[number % len(kinds)]
        rules.append(rule(pattern, category=str(number), source=FILE if number % 5 else "preset"))
        if number % 50 == 0:
            names += [f"n{word}", f"p{word}", f"p{word}7_9_x", f"x_s{word}", f"q{word}z", f"x{word}"]
    return rules, names


def test_ten_thousand_rules_give_the_same_result_as_a_scan() -> None:
    rules, names = many_rules(10_000)
    matcher = Matcher(rules)
    # Only rules that share a name's ends can match it: the judge scans those.
    found = 0
    for name in names[:90]:
        near = [one for one in rules if one.name[0] in ("*", name[0])]
        expected = scan(near, name, "h", "/")
        assert matcher.find(name.encode(), "h", "/") is expected
        found += expected is not None
    assert found > 20


def test_the_cost_of_a_look_up_does_not_grow_with_the_number_of_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bytes] = []

    def counted(pattern: bytes) -> Callable[[bytes], bool]:
        def matches(name: bytes) -> bool:
            tried.append(name)
            return False

        return matches

    monkeypatch.setattr(matcher_module, "compile_glob", counted)
    rules, names = many_rules(10_000)
    matcher = Matcher(rules)
    for name in names[:60]:
        tried.clear()
        matcher.find(name.encode())
        assert len(tried) <= 12, "only patterns that share the name's literal ends are tried"
        matcher.find(name.encode())
        assert len(tried) <= 12, "and the second time none"


def test_names_invented_by_the_thousand_change_nothing_and_are_not_all_kept() -> None:
    matcher = Matcher([rule("a*"), rule("*z", category="z")])
    for number in range(40_000):
        found = matcher.find(b"a%d" % number if number % 2 else b"%dz" % number)
        assert found is not None
        assert found.category == ("c" if number % 2 else "z")
    assert matcher.find(b"a" * 5000) == matcher.find(b"a")
    assert len(matcher._memory) < 20_000
    assert all(len(name) <= 256 for name in matcher._memory)
