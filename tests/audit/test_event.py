"""One line of the log: its keys, its words, and that nothing in it can be taken for another line."""

import asyncio
import json
import tomllib
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gatekeeper.audit.event import as_line, name_text, rfc3339
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.middleware.asgi import ConsentMiddleware
from tests.audit.recording import exchange_of, make_log
from tests.conformance.case import DAY, NOW, REFUSED, choice, rule
from tests.middleware.calling import answering, call, policy, scope

KEYS = [
    *("time", "event", "mode", "cookie", "category", "rule", "reason", "action", "direction", "site", "method"),
    *("host", "path", "status", "choice", "format", "revision"),
]


def lines_of(exchange: Exchange, status: int | None = 200, **settings: Any) -> list[dict[str, Any]]:
    """What the log writes of an exchange."""
    log, sink, _ = make_log(repeat=0, **settings)
    log.record(exchange, status)
    log.flush()
    return sink.rest()


def test_a_blocked_cookie_is_told_with_all_there_is_to_tell() -> None:
    exchange = exchange_of(
        asks=[b"Cookie: " + choice(refused=["statistics"], revision=4)],
        sets=[b"Set-Cookie: _ga_G1=secret; Path=/"],
        host=b"SHOP.example.org:8080",
        path="/basket/add",
        method="POST",
    )
    (event,) = lines_of(exchange, 302)
    assert list(event) == KEYS
    assert event == {
        "time": "2025-11-23T12:13:20.000Z",
        "event": "cookie.blocked",
        "mode": "enforce",
        "cookie": "_ga_G1",
        "category": "statistics",
        "rule": "_ga_*",
        "reason": "refused",
        "action": "drop",
        "direction": "response",
        "site": "default",
        "method": "POST",
        "host": "shop.example.org",
        "path": "/basket/add",
        "status": 302,
        "choice": "decided",
        "format": "gatekeeper",
        "revision": 4,
    }


def test_a_stripped_cookie_of_an_undecided_visitor_without_a_response() -> None:
    (event,) = lines_of(exchange_of(asks=[b"Cookie: new=1"]), None)
    assert list(event) == KEYS
    assert {key: event[key] for key in KEYS[1:9]} == {
        "event": "cookie.stripped",
        "mode": "enforce",
        "cookie": "new",
        "category": None,
        "rule": None,
        "reason": "unlisted",
        "action": "drop",
        "direction": "request",
    }
    assert [event[key] for key in ("status", "choice", "format", "revision")] == [None, "undecided", None, None]


@pytest.mark.parametrize(
    ("sets", "policy", "told"),
    [
        (b"_ga=1", "", ("cookie.blocked", "drop", "undecided")),
        (b"_ga=; Max-Age=0", "", ("cookie.rewritten", "rewrite", "deletion")),
        (b"x=1; Max-Age=9", rule("x", on_refusal='"expire"'), ("cookie.expired", "expire", "undecided")),
        (b"x=1; Max-Age=9", rule("x", on_refusal='"session"'), ("cookie.rewritten", "rewrite", "undecided")),
        (b"x=1; Max-Age=9", rule("x", "necessary", max_age='"5s"'), ("cookie.rewritten", "rewrite", "required")),
        (b"sessionid=\x01", "", ("cookie.blocked", "drop", "malformed")),
    ],
)
def test_every_verdict_but_a_plain_pass_has_its_event(sets: bytes, policy: str, told: tuple[str, str, str]) -> None:
    (event,) = lines_of(exchange_of(sets=[b"Set-Cookie: " + sets], policy=policy))
    assert (event["event"], event["action"], event["reason"]) == told


def test_a_leftover_is_told_as_expired() -> None:
    exchange = exchange_of(asks=[b"Cookie: _ga=1; " + REFUSED, b"Sec-Fetch-Mode: navigate"], host=b"localhost")
    assert [event["event"] for event in lines_of(exchange)] == ["cookie.stripped", "cookie.expired"]


def test_a_plain_pass_is_no_event() -> None:
    assert lines_of(exchange_of(asks=[b"Cookie: sessionid=s"], sets=[b"Set-Cookie: sessionid=s"])) == []


def test_passes_are_events_where_they_are_asked_for() -> None:
    exchange = exchange_of(
        asks=[b"Cookie: sessionid=s; theme=t"], sets=[b"Set-Cookie: sessionid=s"], record_passes=True
    )
    events = lines_of(exchange, passes=True)
    assert [(event["event"], event["cookie"], event["direction"], event["action"]) for event in events] == [
        ("cookie.passed", "sessionid", "request", "pass"),
        ("cookie.passed", "theme", "request", "pass"),
        ("cookie.passed", "sessionid", "response", "pass"),
    ]


def test_what_would_happen_is_told_as_such() -> None:
    exchange = exchange_of(
        policy='[enforcement]\nmode = "report-only"\n',
        asks=[b"Cookie: _ga=1"],
        sets=[b"Set-Cookie: _ga=1", b"Set-Cookie: _fbp=; Max-Age=0"],
    )
    assert [(event["event"], event["mode"], event["action"]) for event in lines_of(exchange)] == [
        ("cookie.stripped", "report-only", "would-drop"),
        ("cookie.blocked", "report-only", "would-drop"),
        ("cookie.rewritten", "report-only", "would-rewrite"),
    ]


def test_nothing_is_told_where_the_gate_is_off() -> None:
    exchange = exchange_of(policy='[enforcement]\nmode = "off"\n', asks=[b"Cookie: _ga=1"], sets=[b"Set-Cookie: _ga=1"])
    assert lines_of(exchange, passes=True) == []


@pytest.mark.parametrize(
    ("cookies", "told"),
    [
        (b"", ("undecided", None, None)),
        (choice(), ("decided", "gatekeeper", 1)),
        (choice(age=181 * DAY), ("stale", "gatekeeper", 1)),
        (b"cookies_preferences=nonsense", ("undecided", None, None)),
    ],
)
def test_the_state_of_the_choice_is_told(cookies: bytes, told: tuple[str, str | None, int | None]) -> None:
    (event,) = lines_of(exchange_of(asks=[b"Cookie: " + cookies] if cookies else [], sets=[b"Set-Cookie: _ga=1"]))
    assert (event["choice"], event["format"], event["revision"]) == told


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOW + 0.9996, "2025-11-23T12:13:20.999Z"),
        (1_709_251_199, "2024-02-29T23:59:59.000Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text


# --- names that forge ------------------------------------------------------------------------------------------------

FORGED = {
    b'a"}\n{"event": "forged"': 'a"}\\n{"event": "forged"',
    b"a\r\nb": "a\\r\\nb",
    b"a\x00b\x1b[31mred\x7f": "a\\x00b\\x1b[31mred\\x7f",
    "a\u2028b\u2029c".encode(): "a\\u2028b\\u2029c",
    "a\x85b".encode(): "a\\x85b",
    "user\u202egnp.exe".encode(): "user\\u202egnp.exe",
    "a\u2066b\u200bc\ufeff".encode(): "a\\u2066b\\u200bc\\ufeff",
    b"caf\xc3\xa9": "café",
    b"caf\xe9": "caf\\xe9",
    b"\xed\xa0\x80": "\\xed\\xa0\\x80",
    b"a\\nb": "a\\nb",
    b"": "",
}


@pytest.mark.parametrize("name", FORGED, ids=repr)
def test_a_name_is_told_so_that_it_forges_nothing(name: bytes) -> None:
    assert name_text(name) == FORGED[name]


@pytest.mark.parametrize("length", [129, 10_000])
def test_a_long_name_is_cut_at_128_octets(length: int) -> None:
    (event,) = lines_of(exchange_of(asks=[b"Cookie: " + b"n" * length + b"=1"]))
    assert event["cookie"] == "n" * 128
    assert name_text("é".encode() * 5000) == "é" * 64
    assert name_text(b"n" * 128) == "n" * 128


@given(st.binary(max_size=300), st.text(max_size=700), st.text(max_size=40), st.binary(max_size=300))
@example(b'"\n', "/\n", "GET\n", b"\n")
@example(b"\xff" * 300, "/\U0001f600" * 300, "\u2028", b"\x00\x1b")
def test_whatever_a_visitor_or_an_app_writes_an_event_is_one_line_that_parses(
    name: bytes, path: str, method: str, host: bytes
) -> None:
    cookie = name.replace(b";", b"").replace(b"=", b"").strip(b" \t") or b"x"
    assume(cookie != b"cookies_preferences")  # of which nothing is told
    exchange = exchange_of(
        asks=[b"Cookie: " + cookie + b"=1"],
        sets=[b"Set-Cookie: " + cookie + b"=1"],
        path=path,
        method=method,
        host=host,
    )
    log, sink, _ = make_log(repeat=0)
    log.record(exchange, 200)
    log.flush()
    lines = sink.raw()
    assert lines
    for line in lines:
        assert line.isascii()
        assert line.endswith(b"\n")
        assert len(line.decode().splitlines()) == 1
        event = json.loads(line)
        assert list(event) == KEYS
        texts = [event[key] for key in ("cookie", "path", "host", "method")]
        assert all(text.isprintable() for text in texts)
        assert len(line) < 16_384


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50) | st.none() | st.integers(), max_size=5))
def test_a_line_is_a_line_whatever_the_event_holds(event: dict[str, object]) -> None:
    line = as_line(event)
    assert line.count(b"\n") == 1
    assert len(line.decode("ascii").splitlines()) == 1
    assert json.loads(line) == event


# --- what is not in it -----------------------------------------------------------------------------------------------


def test_the_query_is_in_no_line() -> None:
    log, sink, _ = make_log(repeat=0)
    middleware = ConsentMiddleware(answering(b"Set-Cookie: _ga=1"), policy(), log=log)
    given = scope(path="/reset", raw_path=b"/reset?token=s3cret", query_string=b"token=s3cret")
    asyncio.run(call(middleware, given))
    log.flush()
    (event,) = sink.rest()
    assert event["path"] == "/reset"


def test_a_rule_in_an_event_is_the_pattern_as_the_file_writes_it() -> None:
    policy = rule("glob_?_*", "marketing")
    assert tomllib.loads(policy)
    (event,) = lines_of(exchange_of(policy=policy, sets=[b"Set-Cookie: glob_1_x=1"]))
    assert event["rule"] == "glob_?_*"
