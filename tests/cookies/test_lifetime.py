"""Whether a Set-Cookie deletes by *every* browser's reading; "deletions pass" must not become a bypass."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.cookies.lifetime import Lifetime, lifetime_of
from gatekeeper.cookies.response import SetCookie, parse_set_cookie
from tests.models.browsers import TODAY, Chromium, Firefox, Rfc6265bis

NOW = int(TODAY)  # the day on which the browsers of the data were observed
PROBES = json.loads((Path(__file__).parents[1] / "vectors" / "browser_probe_cases.json").read_text("utf-8"))["cases"]
DELETIONS = [case for case in PROBES if case["group"] == "deletion"]
BROWSERS = ("rfc6265bis", "chromium_156", "firefox_153")
# All three deleted, by readings that have nothing to do with one another: none that the gate would bet on.
ODD = {
    "deletion:182": "an Expires in quotes",
    "deletion:193": "an offset of 99 hours",
    "deletion:195": "a month's full name",
}


def life(field: bytes, now: int = NOW) -> Lifetime:
    cookie = parse_set_cookie(field)
    assert isinstance(cookie, SetCookie)
    return lifetime_of(cookie, now)


def test_the_data_hold_deletions_of_both_kinds() -> None:
    assert len(DELETIONS) >= 35
    assert ODD.keys() <= {case["id"] for case in DELETIONS}


@pytest.mark.parametrize("case", DELETIONS, ids=lambda case: case["id"])
def test_only_what_every_browser_deleted_counts_as_a_deletion(case: dict[str, Any]) -> None:
    (field,) = case["set_cookie"]
    stored = any(case[browser] for browser in BROWSERS)
    assert life(field.encode("latin-1")).deletes == (not stored and case["id"] not in ODD), field


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        (b"", None),
        (b"; Path=/; Secure", None),
        (b"; Max-Age=60", 60),
        (b"; MAX-AGE = \t60 ", 60),
        (b"; Max-Age=0060", 60),
        (b"; Max-Age=0", 0),
        (b"; Max-Age=-0", 0),
        (b"; Max-Age=-000", 0),
        (b"; Max-Age=-1", -1),
        (b"; Max-Age=-99999999999999999999", -1),
        (b"; Max-Age=0; Expires=Fri, 07 Aug 2099 08:04:19 GMT", 0),
        (b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", 60),
        (b"; Max-Age=0; Max-Age=60", 60),
        (b"; Max-Age=60; Max-Age=0", 0),
        (b"; Max-Age=x; Max-Age=0", 0),
        (b"; Max-Age=expired", None),
        (b"; Max-Age=expired; Expires=Thu, 01 Jan 1970 00:00:00 GMT", -NOW),
        (b"; Expires=Fri, 20 Nov 2026 00:01:00 GMT", 60),
        (b"; Expires=Fri, 20 Nov 2026 00:00:00 GMT", 0),
        (b"; Expires=Thu, 19 Nov 2026 23:59:59 GMT", -1),
        (b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=Fri, 20 Nov 2026 00:01:00 GMT", 60),
        (b"; Expires=Fri, 20 Nov 2026 00:01:00 GMT; Expires=Thu, 01 Jan 1970 00:00:00 GMT", -NOW),
        (b"; Max-Age=0; Max-Age=6" + b"0" * 1024, 0),
        (b"; Max-Age=" + b"0" * 1024, 0),
        (b"; Max-Age=" + b"0" * 1025, None),
        (b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=" + b"x" * 1025, -NOW),
    ],
)
def test_what_all_browsers_read_alike_is_told_in_seconds_from_now(attributes: bytes, seconds: int | None) -> None:
    told = life(b"_ga=1" + attributes)
    assert (told.seconds, told.agreed) == (seconds, True)
    assert told.deletes == (seconds is not None and seconds <= 0)


@pytest.mark.parametrize(
    "attributes",
    [
        b"; Max-Age=",
        b"; Max-Age",
        b"; Max-Age=+0",
        b"; Max-Age=-",
        b"; Max-Age=--1",
        b"; Max-Age=0x",
        b"; Max-Age=0.0",
        b"; Max-Age=0 0",
        b'; Max-Age="0"',
        "; Max-Age=\u0660".encode(),
        b"; Max-Age=0; Max-Age=",
        b"; Max-Age=0; Max-Age=x",
        b"; Max-Age=; Max-Age=x",
        b"; Max-Age=+0; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        b"; Expires=",
        b"; Expires=0",
        b"; Expires=Thu, 01 Jan 1970",
        b"; Expires=Thu, 31 Feb 1970 00:00:00 GMT",
        b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=x",
        b"; Max-Age=x; Expires=y",
    ],
)
def test_where_browsers_may_differ_nothing_is_agreed_and_nothing_deletes(attributes: bytes) -> None:
    told = life(b"_ga=1" + attributes)
    assert not told.agreed
    assert not told.deletes


@pytest.mark.parametrize("digits", [11, 300, 1024])
def test_a_max_age_of_many_digits_lives_long_and_does_not_raise(digits: int) -> None:
    told = life(b"_ga=1; Max-Age=" + b"9" * digits)
    assert told.agreed
    assert told.seconds is not None
    assert told.seconds > 300 * 365 * 86400


def test_a_max_age_within_300_years_is_told_exactly() -> None:
    assert life(b"_ga=1; Max-Age=9999999999").seconds == 9999999999


AGES = [
    b"0",
    b"-0",
    b"00",
    b"-1",
    b"1",
    b"60",
    b"+0",
    b"-",
    b"",
    b"x",
    b"expired",
    b"0x",
    b"0.5",
    b'"0"',
    b"-x",
    b"\xd9\xa0",
]
DATES = [
    b"Thu, 01 Jan 1970 00:00:00 GMT",
    b"Thu, 19-Nov-2026 23:59:59 GMT",
    b"Fri, 20 Nov 2026 00:00:01 GMT",
    b"EST, 19 Nov 2026 23:59:59 GMT",
    b"Thu, 31 Feb 1970 00:00:00 GMT",
    b"Thu Jan  1 00:00:00 1970",
    b"Thu, 01 Jan 0001 00:00:00 GMT",
    b"Thu, 01 Jan 0027 00:00:00 GMT",
    b"Thu, 01 Jan 1970",
    b"",
    b"0",
    b"x",
    b"x" * 1025,
    b"Fri, 07 Aug 2099 08:04:19 GMT",
]
ATTRIBUTE = st.one_of(
    st.tuples(st.sampled_from([b"; Max-Age=", b";max-age =", b";\tMAX-AGE"]), st.sampled_from([*AGES, b"0" * 1025])),
    st.tuples(st.sampled_from([b"; Expires=", b";expires\t= "]), st.sampled_from(DATES)),
    st.tuples(st.sampled_from([b"; Path=/", b"; Secure", b";;", b"; Max-Age"]), st.just(b"")),
).map(b"".join)


@settings(deadline=None, max_examples=400)
@given(st.lists(ATTRIBUTE, max_size=5).map(b"".join))
@example(b"; Max-Age=0; Max-Age=")
@example(b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=x")
def test_what_deletes_is_stored_by_no_browser(attributes: bytes) -> None:
    field = b"_ga=1" + attributes
    told = life(field)
    for browser in (Rfc6265bis, Chromium, Firefox):
        jar = browser(lambda: TODAY)
        jar.receive("https://home.example.org/", field)
        assert not (told.deletes and jar.cookies), browser


def test_a_long_chain_of_lifetimes_is_judged_by_its_last() -> None:
    chain = b"".join(b"; Max-Age=%d" % age for age in range(10_000))
    assert life(b"_ga=1" + chain).seconds == 9999
