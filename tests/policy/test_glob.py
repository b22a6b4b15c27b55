"""Name patterns: what they match, told by a second implementation, and at what cost."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.policy.glob import compile_glob, is_prefix_pattern, literal_prefix, literal_suffix


def reference(pattern: bytes, text: bytes) -> bool:
    """Whether a glob matches, by a table of prefixes: no regex, no backtracking."""
    reached = {0}  # lengths of text that the pattern so far can account for
    for place in range(len(pattern)):
        octet = pattern[place : place + 1]
        if octet == b"*":
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(text) and octet in (b"?", text[at : at + 1])}
    return len(text) in reached


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        (b"_ga", [b"_ga"], [b"_GA", b"_ga_", b"x_ga", b"_g", b"", b"_ga\n"]),
        (b"_ga*", [b"_ga", b"_ga_1", b"_ga*", b"_ga\n\n"], [b"_g", b"x_ga"]),
        (b"*_ga", [b"_ga", b"x_ga", b"_ga_ga"], [b"_ga_", b"_gax"]),
        (b"_g?", [b"_ga", b"_g?", b"_g\n", b"_g\xff"], [b"_g", b"_gaa"]),
        (b"?", [b"a", b"\0"], [b"", b"ab", "é".encode()]),
        (b"??", ["é".encode()], [b"a"]),
        (b"*", [b"", b"anything", b"\r\n"], []),
        (b"**", [b"", b"x"], []),
        (b"*?", [b"x", b"xx"], [b""]),
        (b"a*b*c", [b"abc", b"axbxc", b"abbcc", b"abcbc"], [b"ab", b"acb", b"abcx", b"xabc"]),
        (b"*ab*ab", [b"abab", b"xabyab", b"ababab"], [b"ab", b"aab", b"abax"]),
        (b"a*a", [b"aa", b"aba"], [b"a"]),
        (b"*a?c*", [b"abc", b"aaac", b"xaxcx", b"aabc"], [b"ac", b"abd"]),
        (b"*?x*", [b"ax", b"xx", b"aax"], [b"x", b"xa"]),
        (b"[ab].(c)+|^$\\d{2}", [b"[ab].(c)+|^$\\d{2}"], [b"a.c", b"acc", b"a1"]),
        (b"a.c", [b"a.c"], [b"abc"]),
        ("é*".encode(), ["éa".encode()], [b"\xe9a"]),
        (b"", [b""], [b"a"]),
    ],
)
def test_a_pattern_matches_whole_names(pattern: bytes, matching: list[bytes], others: list[bytes]) -> None:
    matches = compile_glob(pattern)
    assert [name for name in matching if not matches(name)] == []
    assert [name for name in others if matches(name)] == []


PATTERNS = st.lists(st.sampled_from([b"a", b"b", b"ab", b"*", b"?", b".", b"\\", b"\xff", b"\n"]), max_size=9).map(
    b"".join
)
NAMES = st.lists(st.sampled_from([b"a", b"b", b".", b"\\", b"\xff", b"\n", b"*"]), max_size=12).map(b"".join)


@settings(deadline=None, max_examples=500)
@given(PATTERNS, NAMES)
@example(b"*ab*?ab", b"abab")
@example(b"*a*b", b"aab")
@example(b"a*?*b", b"ab")
def test_patterns_match_as_an_independent_implementation_says(pattern: bytes, name: bytes) -> None:
    assert compile_glob(pattern)(name) == reference(pattern, name)


@settings(deadline=None)
@given(st.binary(max_size=20), st.binary(max_size=20))
def test_any_octets_are_a_pattern(pattern: bytes, name: bytes) -> None:
    assert compile_glob(pattern)(name) == reference(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (b"*a" * 100 + b"*b", b"a" * 4096),
        (b"*a*a*a*a*b", b"a" * 100_000),
        (b"*?a" * 80 + b"*b", b"xa" * 2048),
        (b"a*" * 120 + b"b", b"a" * 4096),
        (b"*" * 200 + b"b", b"a" * 4096),
        (b"*?" * 100 + b"b", b"a" * 4096),
        (b"*aaaaaaaaaaaaaaaab*", b"a" * 100_000),
        (b"*ab" * 60 + b"*c", b"ab" * 2048),
    ],
)
def test_many_stars_cost_no_more_than_one(pattern: bytes, name: bytes) -> None:
    """A backtracking matcher would take 4096 to the power of the stars: this test would not come to an end."""
    matches = compile_glob(pattern)
    assert not matches(name)
    assert matches(name + pattern[-1:].replace(b"*", b"b"))


@pytest.mark.parametrize(
    ("pattern", "prefix", "suffix", "simple"),
    [
        ("_ga*", "_ga", "", True),
        ("*", "", "", True),
        ("_ga", "_ga", "_ga", False),
        ("_g?*", "_g", "", False),
        ("_*_", "_", "_", False),
        ("*_ga", "", "_ga", False),
        ("_ga**", "_ga", "", False),
        ("?", "", "", False),
        ("a?b*c?d", "a", "d", False),
    ],
)
def test_a_patterns_literal_ends(pattern: str, prefix: str, suffix: str, simple: bool) -> None:
    assert (literal_prefix(pattern), literal_suffix(pattern), is_prefix_pattern(pattern)) == (prefix, suffix, simple)
