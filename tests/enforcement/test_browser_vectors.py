"""What real browsers stored of hostile and odd Set-Cookie fields, against the gate's judgement of the same octets.

``browser_probe_cases.json`` is ours; ``http_state_cases.json`` belongs to the http-state suite and is read where it
lies. The framing cases, which need a wire, are in tests/proxy/test_framing_vectors.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.cookies.response import Ignored, parse_set_cookie
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables
from tests.models import browsers

ROOT = Path(__file__).resolve().parents[2]
HTTP_STATE = ROOT.parent / "shared" / "data" / "http_state_cases.json"
PROBES = json.loads((ROOT / "tests" / "vectors" / "browser_probe_cases.json").read_text())["cases"]
NOW = int(browsers.TODAY)
STRICT = Gate(load_policy_tables({"cookie": [{"name": "sessionid", "category": "necessary"}]}, {}))
OPEN = Gate(load_policy_tables({"enforcement": {"unlisted": "allow"}}, {}))

# Where the gate drops what some browser would store: stricter than it has to be, and never a cookie past a refusal.
HARMLESS = {
    "name:021": "a TAB in the cookie-name: Firefox stores it, Chromium does not, and no app means it",
}
# name:001 and its like are stored by all, as a nameless cookie or by its text; the gate's readings hold both.


def octets(text: str) -> bytes:
    return text.encode("latin-1")


def gate_says(gate: Gate, set_cookies: list[bytes], *, https: bool = False) -> list[bytes]:
    host, path = b"home.example.org:8888", "/cookie-parser"
    exchange = Exchange(gate, method="GET", host=host, path=path, now=NOW)
    exchange.request(((b"host", host),))
    fields = exchange.response(200, tuple((b"set-cookie", value) for value in set_cookies))
    assert exchange.fault is None
    return [value for name, value in fields if name == b"set-cookie"]


def sent_names(cookie: str | None) -> Iterator[bytes]:
    """Names in a Cookie field that a browser sent; for a pair without "=", its text, which servers take for a name."""
    for pair in octets(cookie or "").split(b"; "):
        if pair:
            yield pair.partition(b"=")[0]


def probes() -> list[dict[str, object]]:
    return [case for case in PROBES if case["set_cookie"] and case["raw_response"] is None]


def http_state() -> list[dict[str, object]]:
    return json.loads(HTTP_STATE.read_text())["cases"] if HTTP_STATE.exists() else []


needs_http_state = pytest.mark.skipif(
    not HTTP_STATE.exists(), reason="http_state_cases.json is not ours to ship; it is looked for in ../shared/data"
)


@pytest.mark.parametrize("case", probes(), ids=lambda case: case["id"])
def test_nothing_that_a_browser_stores_leaves_where_every_name_is_unlisted(case: dict[str, list[str]]) -> None:
    leaving = gate_says(STRICT, [octets(text) for text in case["set_cookie"]])
    for browser in (browsers.Chromium, browsers.Firefox, browsers.Rfc6265bis):
        jar = browser(clock=lambda: float(NOW))
        jar.receive(f"{case['scheme']}://home.example.org/cookie-parser", leaving)
        assert jar.cookies == [], leaving


@pytest.mark.parametrize("case", probes(), ids=lambda case: case["id"])
def test_the_gate_judges_a_cookie_under_every_name_that_a_browser_sends_it_back_with(case: dict[str, str]) -> None:
    readings: set[bytes] = set()
    for text in case["set_cookie"]:
        parsed = parse_set_cookie(octets(text))
        readings |= set() if isinstance(parsed, Ignored) else set(parsed.readings)
    for browser in ("chromium_156", "firefox_153"):
        for name in sent_names(case[browser]):
            assert name in readings or case["id"] in HARMLESS, (browser, name)


@pytest.mark.parametrize("case", probes(), ids=lambda case: case["id"])
def test_what_the_gate_calls_malformed_is_stored_by_no_browser(case: dict[str, str]) -> None:
    ignored = [isinstance(parse_set_cookie(octets(text)), Ignored) for text in case["set_cookie"]]
    if all(ignored):
        stored = case["chromium_156"], case["firefox_153"]
        assert stored == ("", "") or case["id"] in HARMLESS


@pytest.mark.parametrize("case", probes(), ids=lambda case: case["id"])
def test_where_all_is_allowed_every_field_that_a_browser_stores_leaves_as_it_is(case: dict[str, list[str]]) -> None:
    sent = [octets(text) for text in case["set_cookie"]]
    leaving = gate_says(OPEN, sent)
    kept = set(sent_names(str(case["chromium_156"] or ""))) | set(sent_names(str(case["firefox_153"] or "")))
    if kept and case["id"] not in HARMLESS:
        assert leaving == sent


def test_the_list_of_harmless_differences_names_no_case_that_does_not_differ() -> None:
    for case in probes():
        if case["id"] in HARMLESS:
            assert gate_says(OPEN, [octets(text) for text in case["set_cookie"]]) == []
            assert case["chromium_156"] or case["firefox_153"]


@needs_http_state
def test_the_http_state_suite_is_read_as_rfc6265bis_expects() -> None:
    cases = http_state()
    assert len(cases) == 222
    differing = []
    for case in cases:
        readings = {b""} if case["nameless"] else set()
        for text in case["set_cookie"]:
            parsed = parse_set_cookie(octets(text))
            readings |= set() if isinstance(parsed, Ignored) else set(parsed.readings)
        expected = "expected_cookie_rfc6265bis_clock_2010", "observed_chromium_156", "observed_firefox_153"
        names = {name for key in expected for name in sent_names(case[key])}
        if not names <= readings:
            differing.append((case["name"], names - readings))
    # A bare CR inside a field: Chromium takes it for the end of the line. To the gate it is a control octet, and
    # dropped.
    assert differing == [("disabled-chromium0023", {b"AAA"})]


@needs_http_state
def test_no_case_of_the_http_state_suite_puts_an_unlisted_cookie_into_a_jar() -> None:
    for case in http_state():
        leaving = gate_says(STRICT, [octets(text) for text in case["set_cookie"]])
        for browser in (browsers.Chromium, browsers.Firefox, browsers.Rfc6265bis):
            jar = browser(clock=lambda: float(NOW))
            jar.receive(case["request_url"], leaving)
            assert jar.cookies == [], (case["name"], leaving)


@needs_http_state
def test_where_all_is_allowed_the_http_state_suite_ends_in_the_same_jars_behind_the_gate() -> None:
    for case in http_state():
        sent = [octets(text) for text in case["set_cookie"]]
        for browser in (browsers.Chromium, browsers.Firefox):
            jars = []
            for fields in (sent, gate_says(OPEN, sent)):
                jar = browser(clock=lambda: float(NOW))
                jar.receive(case["request_url"], fields)
                jars.append(jar.cookie_header(case["result_url"]))
            assert jars[0] == jars[1] or case["name"] == "disabled-chromium0023", case["name"]
