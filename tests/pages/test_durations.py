"""Lifetimes as a visitor reads them."""

import re

import pytest

from gatekeeper.pages.durations import lifetime, lifetime_in_words, words
from gatekeeper.policy.document import SESSION, Rule

DAY = 86400
MONTH = 2_629_800


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("14d", "14 days"),
        ("1d", "1 day"),
        ("24h", "1 day"),
        ("13mo", "13 months"),
        ("1mo", "1 month"),
        ("12mo", "1 year"),
        ("24mo", "2 years"),
        ("365d", "1 year"),
        ("730d", "2 years"),
        ("400d", "400 days"),
        ("364d", "364 days"),
        ("480h", "20 days"),
        ("36h", "36 hours"),
        ("15m", "15 minutes"),
        ("60s", "1 minute"),
        ("90s", "90 seconds"),
        ("1s", "1 second"),
        ("90061s", "about 25 hours"),
        ("100h", "100 hours"),
        ("130h", "about 5 days"),
        ("119s", "119 seconds"),
        ("121s", "about 2 minutes"),
        ("7261s", "about 2 hours"),
        ("session", "until you close the browser"),
        ("", ""),
    ],
)
def test_a_documented_duration_is_said_in_words(duration: str, expected: str) -> None:
    assert lifetime_in_words(Rule("a", "b", duration=duration)) == expected


@pytest.mark.parametrize(
    ("duration", "cap", "seconds", "expected"),
    [
        ("730d", 13 * MONTH, 13 * MONTH, "13 months"),
        ("14d", 13 * MONTH, 14 * DAY, "14 days"),
        ("session", 30 * DAY, SESSION, "until you close the browser"),
        ("14d", SESSION, SESSION, "until you close the browser"),
        ("", 180 * DAY, 180 * DAY, "at most 180 days"),
        ("", SESSION, SESSION, "until you close the browser"),
        ("", None, None, ""),
    ],
)
def test_the_shorter_of_duration_and_cap_holds(
    duration: str, cap: int | None, seconds: int | None, expected: str
) -> None:
    rule = Rule("a", "b", duration=duration, max_age=cap)
    assert lifetime(rule) == seconds
    assert lifetime_in_words(rule) == expected


def test_every_length_has_words_that_can_be_read() -> None:
    for length in (*range(1, 10_000), *range(10_000, 400 * DAY, 9_973)):
        said = words(length)
        assert re.fullmatch(r"(about )?[1-9][0-9]{0,2} [a-z]+", said), said
