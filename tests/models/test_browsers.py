"""The models of browsers against what browsers did: every case of the data, and the corners that the data leave out."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.models import dates
from tests.models.browsers import TODAY, Chromium, Firefox, Rfc6265bis, stored_names

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
HOME = "http://home.example.org/"
IN_2010 = datetime(2010, 1, 1, tzinfo=UTC).timestamp()


def _cases(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    loaded = json.loads(path.read_text())
    cases: list[dict[str, Any]] = loaded if isinstance(loaded, list) else loaded["cases"]
    return cases


PROBES = _cases(ROOT / "tests" / "vectors" / "browser_probe_cases.json")
HTTP_STATE = _cases(SHARED / "http_state_cases.json")
COOKIE_DATES = _cases(SHARED / "cookie_dates.json")
needs_shared_data = pytest.mark.skipif(
    not (HTTP_STATE and COOKIE_DATES), reason="the http-state cases are not part of the repository: no ../shared/data"
)

# Cases that say something about more than the Set-Cookie fields of one final head.
NOT_ABOUT_THE_JAR = {
    "framing:265": "a 101 that nobody asked for: Firefox reads its fields, Chromium fails the request",
    "framing:284": "two Content-Lengths: both browsers fail the request",
    "framing:290": "Clear-Site-Data beside the cookie: Chromium clears what it has just stored",
    "framing:291": "the response (200 kB of head) is not in the data",
    "framing:292": "the response (300 kB of head, too much for Chromium) is not in the data",
    "framing:294": "a script opens a WebSocket, whose 101 sets the cookie",
    "framing:296": "a script fetches what sets the cookie",
    "framing:298": "the page's script uses cookieStore",
    "framing:299": "the page's script looks at a synthetic response",
    "framing-tls:302": "a script opens a WebSocket, whose 101 sets the cookie",
    "framing-tls:303": "the page's script uses cookieStore",
}
# Cases that the model of a browser does not reproduce.
MISREAD: dict[tuple[str, type[Rfc6265bis]], str] = {
    (
        "framing:293",
        Firefox,
    ): "of 200 cookies Firefox lost the 29 oldest, where 31 of the site's have to go; two that the "
    "profile held from before would explain it, and no verdict hangs on the number",
}


def _text(field: bytes | None) -> str:
    return (field or b"").decode("latin-1")


def _set_cookies(response: bytes, browser: type[Rfc6265bis]) -> list[bytes]:
    """The Set-Cookie fields of a raw response as the two browsers' readers of heads find them."""
    response = response.lstrip(b"\r\n")
    head = re.split(rb"\r?\n\r?\n", response, maxsplit=1)
    if re.match(rb"HTTP/1\.[01] 1(?!01)", head[0]):  # an interim response
        return _set_cookies(head[1], browser)
    lines = re.sub(rb"\r?\n[ \t]+", b" ", head[0]).split(b"\n")
    fields = []
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if (name.rstrip(b" \t") if browser is Chromium else name).lower() == b"set-cookie":
            fields.append(value.rstrip(b"\r").strip(b" \t"))
    return fields


def _probes() -> Iterator[Any]:
    """Each case for each browser; the standard's reference says nothing about raw responses."""
    browsers: dict[str, type[Rfc6265bis]] = {"chromium_156": Chromium, "firefox_153": Firefox, "rfc6265bis": Rfc6265bis}
    for case in PROBES:
        for observed, browser in browsers.items():
            reason = NOT_ABOUT_THE_JAR.get(case["id"]) or MISREAD.get((case["id"], browser))
            marks = [pytest.mark.skip(reason)] if reason else []
            if browser is not Rfc6265bis or case[observed] is not None:
                yield pytest.param(case, browser, case[observed], id=f"{case['id']}-{observed}", marks=marks)


@pytest.mark.parametrize(("case", "browser", "observed"), list(_probes()))
def test_a_probe_comes_back_as_the_browser_sent_it(
    case: dict[str, Any], browser: type[Rfc6265bis], observed: str
) -> None:
    raw = case["raw_response"]
    fields = _set_cookies(raw.encode("latin-1"), browser) if raw else [f.encode("latin-1") for f in case["set_cookie"]]
    url = f"{case['scheme']}://home.example.org/"
    jar = browser(lambda: TODAY)
    jar.receive(url, fields)
    assert _text(jar.cookie_header(url)) == observed


def test_the_lists_of_exceptions_name_cases_that_exist() -> None:
    assert NOT_ABOUT_THE_JAR.keys() | {case for case, _ in MISREAD} <= {case["id"] for case in PROBES}
    assert len(PROBES) == 213


@needs_shared_data
@pytest.mark.parametrize(
    ("browser", "clock", "observed"),
    [
        (Chromium, TODAY, "observed_chromium_156"),
        (Firefox, TODAY, "observed_firefox_153"),
        (Rfc6265bis, IN_2010, "expected_cookie_rfc6265bis_clock_2010"),
    ],
)
@pytest.mark.parametrize("case", HTTP_STATE, ids=lambda case: str(case["name"]))
def test_an_http_state_case_comes_back_as_observed(
    case: dict[str, Any], browser: type[Rfc6265bis], clock: float, observed: str
) -> None:
    jar = browser(lambda: clock)
    jar.receive(case["request_url"], [field.encode("latin-1") for field in case["set_cookie"]])
    assert _text(jar.cookie_header(case["result_url"])) == case[observed]


@needs_shared_data
@pytest.mark.parametrize("case", COOKIE_DATES, ids=lambda case: str(case["test"]))
def test_the_standard_reads_dates_as_the_http_state_suite_does(case: dict[str, Any]) -> None:
    expected = case["expected"] and datetime.strptime(case["expected"], "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=UTC)
    assert dates.rfc6265bis(case["test"].encode()) == (expected and expected.timestamp())


JANUARY_1970 = 0.0


@pytest.mark.parametrize(
    ("text", "standard", "chromium", "firefox"),
    [
        (b"Thu, 01 Jan 1970 00:00:00 GMT", JANUARY_1970, JANUARY_1970, JANUARY_1970),
        (b"Thu, 01 Jan 1970 00:00:00 EST", JANUARY_1970, JANUARY_1970, 5 * 3600),
        (b"Thu, 01 Jan 1970 00:00:00 GMT+0100", JANUARY_1970, JANUARY_1970, -3600),
        (b"Thu, 01 Jan 1970", None, None, JANUARY_1970),
        (b"Thu, 01 Jan 1970 24:00:00 GMT", None, None, 86400),
        (b"Thu, 01 Jan 1970 11:00 pm", None, None, 23 * 3600 - 16),
        (b"Thu, 31 Feb 1970 00:00:00 GMT", None, None, 61 * 86400),
        (b"01/02/70 00:00:00", None, None, 86400),
        (b"70-01-02 00:00:00", None, None, 86400),
        (b"Jan 2 5 00:00:00", None, 1104624000, None),
        (b"Jan 1st 1970 00:00:00", JANUARY_1970, None, None),
        (b"Thu, 01 Jan 1600 00:00:00 GMT", None, -11676096000, -11676096000),
        (b"1 Jan 1970 00:00:000", None, JANUARY_1970, JANUARY_1970),
        (b"", None, None, None),
    ],
)
def test_the_three_readers_of_dates_disagree(
    text: bytes, standard: float | None, chromium: float | None, firefox: float | None
) -> None:
    assert (dates.rfc6265bis(text), dates.chromium(text), dates.firefox(text)) == (standard, chromium, firefox)


def _held(browser: type[Rfc6265bis], url: str, *fields: bytes) -> bytes:
    jar = browser(lambda: TODAY)
    jar.receive(url, fields)
    return b"; ".join(jar.pair(cookie) for cookie in jar.cookies)


@pytest.mark.parametrize(
    ("field", "chromium", "firefox", "standard"),
    [
        # the last attribute counts in browsers, the last that can be read in the standard
        (b"a=1; Max-Age=0; Max-Age=", b"a=1", b"a=1", b""),
        (b"a=1; Max-Age=0; Max-Age=x", b"a=1", b"a=1", b""),
        (b"a=1; Max-Age=-x", b"a=1", b"", b"a=1"),
        (b"a=1; Max-Age=-99999999999999999999x", b"", b"", b"a=1"),
        # an attribute-value over 1024 octets hides a flag, but not from Firefox
        (b"__Secure-a=1; Secure=" + b"x" * 1025, b"", b"__Secure-a=1", b""),
        (b"a=1; Partitioned=" + b"x" * 1025, b"a=1", b"", b"a=1"),
        # control octets
        (b"a=1; x=\ty", b"a=1", b"a=1", b"a=1"),
        (b"a=1; x=y\tz", b"", b"a=1", b"a=1"),
        (b"a=1; Path=/\tz", b"", b"", b"a=1"),
        (b"a=1; x=y\x7fz", b"", b"", b""),
        # a bare CR ends a line of Chromium's reader of heads, a bare LF one of both
        (b"a=1\rSet-Cookie: b=2", b"a=1; b=2", b"", b""),
        (b"a=1\nSet-Cookie: b=2", b"a=1; b=2", b"a=1; b=2", b""),
        (b"a=1; Domain=.", b"", b"", b"a=1"),
    ],
)
def test_browsers_disagree_where_the_data_are_silent(
    field: bytes, chromium: bytes, firefox: bytes, standard: bytes
) -> None:
    url = "https://home.example.org/"
    assert [_held(browser, url, field) for browser in (Chromium, Firefox, Rfc6265bis)] == [chromium, firefox, standard]


EACH = pytest.mark.parametrize("browser", [Chromium, Firefox, Rfc6265bis])


@EACH
def test_lifetimes_are_cut_at_400_days(browser: type[Rfc6265bis]) -> None:
    jar = browser(lambda: TODAY)
    jar.receive(
        HOME, [b"a=1; Max-Age=60", b"b=1; Max-Age=99999999999999999999", b"c=1; Expires=1 Jan 2200 00:00:00", b"d"]
    )
    limit = TODAY + 400 * 86400
    assert [cookie.expires for cookie in jar.cookies] == [TODAY + 60, limit, limit, None]


@EACH
def test_a_cookie_is_gone_when_its_time_has_come(browser: type[Rfc6265bis]) -> None:
    now = TODAY
    jar = browser(lambda: now)
    jar.receive(HOME, b"a=1; Max-Age=60")
    now += 60
    assert jar.cookies == []


@EACH
@pytest.mark.parametrize(
    "attack", [b"a=2", b"a=2; Domain=example.org", b"a=2; Max-Age=0", b"a=2; Path=/deep", b"a=2; Secure"]
)
def test_an_insecure_page_leaves_secure_cookies_alone(browser: type[Rfc6265bis], attack: bytes) -> None:
    jar = browser(lambda: TODAY)
    jar.receive("https://home.example.org/", b"a=1; Secure")
    jar.receive(HOME, attack)
    assert [cookie.value for cookie in jar.cookies] == [b"1"]


@EACH
def test_secure_cookies_go_to_loopback_but_to_no_other_insecure_host(browser: type[Rfc6265bis]) -> None:
    for host, kept in {
        "localhost": 1,
        "app.localhost": 1,
        "127.0.0.1": 1,
        "[::1]": 1,
        "192.0.2.1": 0,
        "example.org": 0,
    }.items():
        jar = browser(lambda: TODAY)
        jar.receive(f"http://{host}:8080/", b"a=1; Secure")
        assert len(jar.cookies) == kept, host
        assert (jar.cookie_header(f"http://{host}:8080/") is not None) == bool(kept), host


@EACH
@pytest.mark.parametrize(
    ("host", "domain", "scope"),
    [
        ("www.example.org", "", ("www.example.org", True)),
        ("www.example.org", "EXAMPLE.org", ("example.org", False)),
        ("www.example.org", "org", None),
        ("www.shop.co.uk", "co.uk", None),
        ("co.uk", ".co.uk", ("co.uk", True)),
        ("localhost", "localhost", ("localhost", True)),
        ("192.0.2.1", "192.0.2.1", ("192.0.2.1", True)),
        ("192.0.2.1", "0.2.1", None),
        ("www.example.org", "xample.org", None),
        ("www.example.org", "ex\u00e4mple.org", None),
    ],
)
def test_the_domain_attribute_widens_a_cookie_within_the_site(
    browser: type[Rfc6265bis], host: str, domain: str, scope: tuple[str, bool] | None
) -> None:
    jar = browser(lambda: TODAY, public_suffixes={"co.uk"})
    jar.receive(f"https://{host}/", f"a=1; Domain={domain}".encode())
    assert [(cookie.domain, cookie.host_only) for cookie in jar.cookies] == ([scope] if scope else [])


@EACH
def test_a_cookie_carries_its_attributes(browser: type[Rfc6265bis]) -> None:
    jar = browser(lambda: TODAY)
    jar.receive(
        "https://home.example.org/a/b", [b"a=1; SECURE; HttpOnly=x; samesite=STRICT", b"b=1; SameSite=odd; Path=x"]
    )
    first, second = jar.cookies
    assert (first.secure, first.httponly, first.samesite, first.path) == (True, True, "Strict", b"/a")
    assert (second.secure, second.httponly, second.samesite, second.path) == (False, False, "Default", b"/a")


@pytest.mark.parametrize("browser", [Chromium, Firefox])
def test_a_partitioned_cookie_stands_beside_its_namesake(browser: type[Rfc6265bis]) -> None:
    fields = b"a=1", b"a=2; Secure; Partitioned"
    assert _held(browser, "https://home.example.org/", *fields) == b"a=1; a=2"
    assert _held(Rfc6265bis, "https://home.example.org/", *fields) == b"a=2"


def test_only_chromium_moves_a_changed_cookie_to_the_end() -> None:
    fields = b"a=1", b"b=1", b"a=2"
    assert _held(Chromium, HOME, *fields) == b"b=1; a=2"
    assert _held(Firefox, HOME, *fields) == _held(Rfc6265bis, HOME, *fields) == b"a=2; b=1"


def test_many_cookies_push_out_the_oldest_insecure_ones() -> None:
    fields = [b"choice=1; Secure", *(b"c%d=1" % number for number in range(200))]
    jar = Chromium(lambda: TODAY)
    jar.receive("https://www.example.org/", fields)
    assert len(jar.cookies) == 150 + 20
    assert jar.cookies[0].name == b"choice"


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (b"_ga=1", {b"_ga"}),
        (b"_ga", {b"_ga"}),
        (b"=_ga=1", {b"_ga"}),
        (b"=_ga", {b"_ga"}),
        (b" _ga = 1 ; path=/elsewhere", {b"_ga"}),
        (b"_ga=1; Max-Age=0", set()),
        (b"_ga=1; Max-Age=+0", {b"_ga"}),
        (b"_ga=1; Expires=Thu, 01 Jan 1970", {b"_ga"}),
        (b"a=1\rSet-Cookie: _ga=1", {b"a", b"_ga"}),
        (b"_ga=\x01", set()),
        (b"__Host-a=1", set()),
    ],
)
def test_stored_names_is_the_union_of_all_readings(field: bytes, names: set[bytes]) -> None:
    assert stored_names("https://home.example.org/", field) == names


def test_stored_names_takes_many_fields() -> None:
    reads: Callable[..., set[bytes]] = stored_names
    assert reads(HOME, [b"a=1", b"b=1", b"a=1; Max-Age=0"]) == {b"b"}
