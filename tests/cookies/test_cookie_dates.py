"""cookie-date, and the date forms that all browsers read alike."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.cookies.dates import agreed_cookie_date, format_cookie_date, parse_cookie_date
from tests.models import dates

HTTP_STATE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cookie_dates.json"
CASES = json.loads(HTTP_STATE.read_text("utf-8")) if HTTP_STATE.exists() else []
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch(text: str) -> int:
    moment = datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    return round((moment - EPOCH).total_seconds())


@pytest.mark.skipif(not CASES, reason=f"the http-state suite's dates are not part of the repository: no {HTTP_STATE}")
def test_the_http_state_suite_reads_as_expected() -> None:
    assert len(CASES) == 70
    expected = [case["expected"] and epoch(case["expected"]) for case in CASES]
    assert [parse_cookie_date(case["test"].encode()) for case in CASES] == expected


BASE = epoch("Sun, 06 Nov 1994 08:49:37 GMT")


@pytest.mark.parametrize(
    ("text", "expected", "why"),
    [
        (b"Sun, 06 Nov 1994 08:49:37 GMT", BASE, "IMF-fixdate"),
        (b"Sunday, 06-Nov-94 08:49:37 GMT", BASE, "RFC 850"),
        (b"Sun Nov  6 08:49:37 1994", BASE, "asctime"),
        (b"08:49:37 94 6 november", None, "the first number of one or two digits is the day"),
        (b"08:49:37 6 94 november", BASE, "any order otherwise"),
        (b"06/Nov/1994?08:49:37", BASE, "any delimiters"),
        (b"06 Nov 1994 08:49:37 09:50:38 7 Dec 1995", BASE, "the first of each counts"),
        (b"06th Nov 1994 8:49:37x", BASE, "what follows a non-digit is passed over"),
        (b"06 Novxyz 1994AD 08:49:37.5", BASE, "in every token"),
        (b"06 Nov 1994 08:49:371", None, "a third digit is no second"),
        (b"06 Nov 1994 108:49:37", None, "nor an hour"),
        (b"06 Nov 1994 08:49", None, "a time without seconds"),
        (b"006 Nov 1994 08:49:37", None, "006 is a year to this algorithm, and 1994 none"),
        (b"06 Nov 19940 08:49:37", None, "five digits are no year"),
        (b"06 Nov 1 08:49:37", None, "nor is one"),
        (b"06 Foo 1994 08:49:37", None, "no month"),
        (b"Nov 1994 08:49:37", None, "no day"),
        (b"06 Nov 08:49:37", None, "no year"),
        (b"06 Nov 1994", None, "no time"),
        (b"", None, "nothing"),
        (b"06 Nov 1994 24:00:00", None, "hour 24"),
        (b"06 Nov 1994 23:60:00", None, "minute 60"),
        (b"06 Nov 1994 23:59:60", None, "second 60"),
        (b"00 Nov 1994 08:49:37", None, "day 0"),
        (b"31 Nov 1994 08:49:37", None, "31 November"),
        (b"29 Feb 2100 00:00:00", None, "no leap year"),
        (b"01 Jan 69 00:00:00", epoch("Tue, 01 Jan 2069 00:00:00 GMT"), "69 is 2069"),
        (b"01 Jan 70 00:00:00", 0, "70 is 1970"),
        (b"31 Dec 99 23:59:59", epoch("Fri, 31 Dec 1999 23:59:59 GMT"), "99 is 1999"),
        (b"01 Jan 100 00:00:00", None, "100 is 100, and before 1601"),
        (b"31 Dec 1600 23:59:59", None, "the last second before 1601"),
        (b"01 Jan 1601 00:00:00", -11644473600, "the first moment of 1601"),
        (b"31 Dec 9999 23:59:59", 253402300799, "the last moment of four digits"),
        (b"\xff\x00 06 Nov 1994 08:49:37", BASE, "octets that are neither delimiter nor digit"),
        ("0\u0666 Nov 1994 08:49:37".encode(), None, "an Arabic six is no digit"),
    ],
)
def test_a_cookie_date_is_read_by_the_algorithm_of_section_5_1_1(text: bytes, expected: int | None, why: str) -> None:
    assert parse_cookie_date(text) == expected, why


DATE_TOKENS = [
    "06",
    "31",
    "1994",
    "94",
    "0070",
    "Nov",
    "feb",
    "08:49:37",
    "8:4:3",
    "24:00:00",
    "GMT",
    "x",
    "-",
    ":",
    "\t",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(DATE_TOKENS)))
@example([])
def test_it_agrees_with_an_independent_reading(tokens: list[str]) -> None:
    text = " ".join(tokens).encode()
    assert parse_cookie_date(text) == dates.rfc6265bis(text)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_octets_raise(text: bytes) -> None:
    assert agreed_cookie_date(text) in (None, parse_cookie_date(text))


MOMENT = epoch("Tue, 06 Jan 2026 08:49:37 GMT")


@pytest.mark.parametrize(
    "text",
    [
        b"Tue, 06 Jan 2026 08:49:37 GMT",
        b"tue, 06 jan 2026 08:49:37 GMT",
        b"Tuesday, 06-Jan-26 08:49:37 GMT",
        b"Tue, 06-Jan-2026 08:49:37 GMT",
        b"Tue 06 Jan 2026 08:49:37 UTC",
        b"6 Jan 2026 08:49:37",
        b"Tue Jan  6 08:49:37 2026",
        b"Tue Jan 06 08:49:37 2026 GMT",
    ],
)
def test_the_forms_that_servers_send_are_agreed_upon(text: bytes) -> None:
    assert agreed_cookie_date(text) == MOMENT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"EST, 06 Jan 2026 08:49:37 GMT", "Firefox reads a time zone in the weekday's place"),
        (b"Tue, 06 Jan 2026 08:49:37 EST", "and behind the time"),
        (b"Tue, 06 Jan 2026 08:49:37 +9900", "an offset too"),
        (b"Dec, 06 Jan 2026 08:49:37 GMT", "a second month"),
        (b"Tue, 06 Jan 2026 08:49 GMT", "without seconds only Firefox reads it"),
        (b"Tue, 06 Jan 2026", "without a time as well"),
        (b"Tue, 31 Feb 2026 08:49:37 GMT", "Firefox knows 31 February"),
        (b"Tue, 06 Jan 1600 08:49:37 GMT", "Chromium and Firefox know 1600"),
        (b"Tue, 06 Jan 0070 08:49:37 GMT", "the year 70 to Firefox, 1970 to the others"),
        (b"Tue, 06 Jan 026 08:49:37 GMT", "three digits"),
        (b"Tue Jan  6 08:49:37 26", "asctime with a short year"),
        (b'"Tue, 06 Jan 2026 08:49:37 GMT"', "quotes"),
        (b"2026-01-06T08:49:37Z", "ISO 8601"),
        (b"Tue, 06 Jan 2026 08:49:37 GMT\n", "a line break at the end"),
    ],
)
def test_what_browsers_read_differently_is_not_agreed_upon(text: bytes, why: str) -> None:
    assert agreed_cookie_date(text) is None, why


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "JAN", "dec", "Foo"]
WEEKDAYS = ["", "Mon, ", "Thu ", "Thursday, ", "sunday,", "EST, ", "PST ", "Jan, ", "Dec ", "Noon ", "JST, ", "Foo "]
YEARS = [
    "1600",
    "1601",
    "1899",
    "1969",
    "1970",
    "2025",
    "2026",
    "2027",
    "9999",
    "0000",
    "0001",
    "0027",
    "0070",
    "00",
    "26",
]
CLOCKS = ["00:00:00", "23:59:59", "24:00:00", "12:60:00", "12:00:60", "12:34", "1:2:3"]
HOSTILE_DATES = st.builds(
    lambda weekday, day, dash, month, year, clock, zone, asctime: (
        f"{weekday}{month}  {day} {clock} {year}{zone}"
        if asctime
        else f"{weekday}{day}{dash}{month}{dash}{year} {clock}{zone}"
    ).encode(),
    st.sampled_from(WEEKDAYS),
    st.sampled_from(["0", "1", "01", "28", "30", "31", "32", "001"]),
    st.sampled_from([" ", "-", "/", "  "]),
    st.sampled_from(MONTHS),
    st.one_of(st.sampled_from(YEARS), st.integers(0, 9999).map("{:02d}".format)),
    st.sampled_from(CLOCKS),
    st.sampled_from(["", " GMT", " UTC", " EST", " +0100", "GMT"]),
    st.booleans(),
)


@settings(deadline=None, max_examples=500)
@given(HOSTILE_DATES)
@example(b"EST, 19 Nov 2026 23:54:48 GMT")
def test_all_browsers_take_an_agreed_date_for_the_same_moment(text: bytes) -> None:
    moment = agreed_cookie_date(text)
    if moment is not None and b"0001" not in text:
        assert [dates.rfc6265bis(text), dates.chromium(text), dates.firefox(text)] == [moment] * 3


def test_the_smallest_date_of_dotnet_is_past_by_every_reading() -> None:
    text = b"Mon, 01-Jan-0001 00:00:00 GMT"
    moments = [agreed_cookie_date(text), dates.rfc6265bis(text), dates.chromium(text), dates.firefox(text)]
    assert all(moment is not None and moment < MOMENT for moment in moments)


EARLIEST, LATEST = -11644473600, 253402300799


@settings(deadline=None)
@given(st.integers(EARLIEST, LATEST))
@example(EARLIEST)
@example(LATEST)
def test_a_written_date_is_read_back_by_everybody(seconds: int) -> None:
    written = format_cookie_date(seconds)
    assert written == (EPOCH + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT").encode()
    assert agreed_cookie_date(written) == seconds


@pytest.mark.parametrize(("seconds", "held"), [(EARLIEST - 1, EARLIEST), (LATEST + 1, LATEST), (10**30, LATEST)])
def test_a_moment_that_no_date_can_say_becomes_the_nearest_one(seconds: int, held: int) -> None:
    assert agreed_cookie_date(format_cookie_date(seconds)) == held
