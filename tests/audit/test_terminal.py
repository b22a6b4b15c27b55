"""The log as a person at a terminal reads it: short lines, the rule to paste once, and names that play no tricks."""

import io
import re
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from gatekeeper.audit.event import name_text
from gatekeeper.audit.log import VerdictLog
from gatekeeper.audit.terminal import TerminalSink
from tests.audit.recording import exchange_of, make_log
from tests.conformance.case import REFUSED

CATEGORIES = ["necessary", "statistics"]


def terminal(width: int = 100, encoding: str | None = None, **settings: object) -> tuple[TerminalSink, io.TextIOBase]:
    """A sink, and what it prints."""
    out: io.TextIOBase = io.StringIO()
    if encoding is not None:
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    console = Console(file=out, width=width, **settings)
    return TerminalSink(console, lambda: CATEGORIES), out


def printed(out: io.TextIOBase) -> str:
    if isinstance(out, io.StringIO):
        return out.getvalue()
    assert isinstance(out, io.TextIOWrapper)
    out.flush()
    return out.buffer.getvalue().decode(out.encoding)


def event(**keys: object) -> dict[str, object]:
    """An event as the log makes it, changed."""
    log, sink, _ = make_log(repeat=0)
    log.record(exchange_of(sets=[b"Set-Cookie: _ga=1"]), 200)
    return sink.next() | keys


def shown(*events: dict[str, object], **settings: object) -> str:
    sink, out = terminal(**settings)
    for one in events:
        sink.write(one)
    return printed(out)


def test_a_verdict_is_one_short_line() -> None:
    assert shown(event()) == ("12:13:20  blocked    _ga  (statistics, undecided)  GET shop.example.org/basket\n")


@pytest.mark.parametrize(
    ("kind", "mode", "verb"),
    [
        ("cookie.blocked", "enforce", "blocked"),
        ("cookie.stripped", "enforce", "stripped"),
        ("cookie.expired", "enforce", "expired"),
        ("cookie.rewritten", "enforce", "rewritten"),
        ("cookie.passed", "enforce", "passed"),
        ("cookie.blocked", "report-only", "would block"),
        ("cookie.stripped", "report-only", "would strip"),
        ("cookie.expired", "report-only", "would expire"),
        ("cookie.rewritten", "report-only", "would rewrite"),
        ("cookie.passed", "report-only", "passed"),
    ],
)
def test_every_kind_has_its_word(kind: str, mode: str, verb: str) -> None:
    assert f"  {verb:<9}  _ga  " in shown(event(event=kind, mode=mode))


def test_a_count_is_shown() -> None:
    assert re.search(r"undecided\)\s+×?12\b", shown(event(count=12)))


def test_a_long_line_is_not_broken() -> None:
    text = shown(event(path="/" + "x" * 300), width=40)
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    "other",
    [
        {"time": "2025-11-23T12:13:20.000Z", "event": "log.lost", "count": 7},
        {
            "time": "2025-11-23T12:13:20.000Z",
            "event": "gate.fault",
            "site": "default",
            "fault": "KeyError",
            "where": ["a.py:1 f", "b.py:2 g"],
        },
    ],
)
def test_other_events_are_one_line_with_all_they_say(other: dict[str, object]) -> None:
    text = shown(other, width=40)
    assert text.count("\n") == 1
    assert text.startswith(f"12:13:20  {other['event']}  ")
    assert "7" in text or ("KeyError" in text and "b.py:2 g" in text)


# --- the rule to paste -----------------------------------------------------------------------------------------------

UNLISTED: dict[str, object] = {"category": None, "rule": None, "reason": "unlisted"}


def pasted(text: str) -> list[dict[str, str]]:
    """The rules in what was printed, read as a person would paste them."""
    lines = [line.strip() for line in text.splitlines() if line.startswith(" " * 14)]
    return list(tomllib.loads("\n".join(lines)).get("cookie", []))


def test_a_platform_that_is_recognised_is_one_short_line() -> None:
    sink, out = terminal()
    sink.write(
        {"time": "2026-11-23T18:58:17.777Z", "event": "consent.recognised", "format": "klaro", "cookie": "klaro"}
    )
    assert printed(out) == "18:58:17  recognised klaro  (consent cookie klaro)\n"


def test_a_cookie_that_no_rule_names_comes_with_the_rule_to_paste() -> None:
    text = shown(event(cookie="new_one", **UNLISTED))
    assert text.splitlines()[0] == "12:13:20  blocked    new_one  (unlisted)  GET shop.example.org/basket"
    assert pasted(text) == [{"name": "new_one", "category": "statistics", "purpose": ""}]
    assert "necessary, statistics" in text


def test_the_rule_is_shown_once_for_each_name() -> None:
    names = ["one", "two", "one", "one", "two"]
    text = shown(*(event(cookie=name, **UNLISTED) for name in names))
    assert [rule["name"] for rule in pasted(text)] == ["one", "two"]
    assert text.count("  blocked  ") == 5


def test_a_cookie_that_a_rule_names_comes_with_none() -> None:
    assert pasted(shown(event())) == []


def test_a_nameless_cookie_comes_with_none() -> None:
    text = shown(event(cookie="", **UNLISTED))
    assert "(nameless)" in text
    assert pasted(text) == []


def test_names_without_end_do_not_fill_the_memory() -> None:
    sink, _ = terminal()
    for number in range(1100):
        sink.write(event_template | {"cookie": f"n{number}"} | UNLISTED)
    assert len(sink._suggested) == 1000


event_template = {
    "time": "2025-11-23T12:13:20.000Z",
    "event": "cookie.blocked",
    "mode": "enforce",
    "method": "GET",
    "host": "h",
    "path": "/",
}


@pytest.mark.parametrize(
    "name", ["a'b", 'a"b', "a\\b", 'a\\"b', "a\\", "a#b", "ключ", "a[0]", "[cookie]", "a = b", "😀"]
)
def test_the_rule_names_the_cookie_whatever_it_is_called(name: str) -> None:
    (rule,) = pasted(shown(event(cookie=name, **UNLISTED), width=40))
    assert rule["name"] == name


def test_the_categories_are_those_in_force_at_the_time() -> None:
    sink, out = terminal()
    sink.write(event(cookie="one", **UNLISTED))
    CATEGORIES.append("late")
    try:
        sink.write(event(cookie="two", **UNLISTED))
    finally:
        CATEGORIES.pop()
    assert [rule["category"] for rule in pasted(printed(out))] == ["statistics", "late"]


def test_the_preset_that_knows_a_name_is_told() -> None:
    out = io.StringIO()
    console = Console(file=out, width=200)
    sink = TerminalSink(console, lambda: CATEGORIES, {"_ga": "google-analytics"}.get)
    sink.write(event(cookie="_ga", **UNLISTED))
    sink.write(event(cookie="other", **UNLISTED))
    assert out.getvalue().count("The preset google-analytics knows it: add it to presets. Or paste this") == 1


# --- names that would play tricks ------------------------------------------------------------------------------------

TRICKS = [
    "[bold red]x[/]",
    "[/]",
    "[/bold]",
    "[link=file:///etc/passwd]x",
    "[@click=app.bell]x",
    ":smile:",
    "a:warning:b",
    "\\",
    "a\\\\\\",
    "\\[bold]",
    "\\\\[bold]x[/bold]",
    "[[cookie]]",
    "[",
    "]",
    "[red",
    "https://evil.example/?q=1",
    "'quoted' 1234 None True",
]


@pytest.mark.parametrize("name", TRICKS)
@pytest.mark.parametrize("more", [{}, UNLISTED])
def test_markup_in_a_name_is_inert(name: str, more: dict[str, object]) -> None:
    text = shown(event(cookie=name, **more))
    why = "unlisted" if more else "statistics, undecided"
    assert text.splitlines()[0] == f"12:13:20  blocked    {name}  ({why})  GET shop.example.org/basket"
    assert [rule["name"] for rule in pasted(text)] == ([name] if more else [])


@pytest.mark.parametrize("name", TRICKS)
def test_a_name_changes_no_colour(name: str) -> None:
    def styles(cookie: str) -> list[str]:
        text = shown(event(cookie=cookie), force_terminal=True, color_system="truecolor", legacy_windows=False)
        assert f"\x1b[1m{cookie}\x1b[0m" in text
        return re.findall(r"\x1b\[[0-9;]*m|\x1b[^\[].", text)

    assert styles(name) == styles("plain")


@pytest.mark.parametrize("key", ["host", "path", "method", "category"])
@pytest.mark.parametrize("text", TRICKS)
def test_markup_elsewhere_is_inert(key: str, text: str) -> None:
    assert text in shown(event(**{key: text})).splitlines()[0]


@given(st.binary(max_size=200))
@example(b"\x1b]0;title\x07")
@example(b"\x1b[2J\x1b[H")
@example("\u202e\u2066\u200f".encode())
@example(b"\x9b31m")
def test_no_name_sends_the_terminal_anything_but_letters(name: bytes) -> None:
    text = shown(event_template | {"cookie": name_text(name), "reason": "refused", "category": "x"})
    assert text.endswith("\n")
    assert text[:-1].isprintable()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_that_cannot_show_a_name_is_written_to_all_the_same(encoding: str) -> None:
    events = [event(cookie="ключ-😀", count=3, **UNLISTED), event(cookie="plain", path="/…")]
    text = shown(*events, encoding=encoding)
    assert "plain" in text
    assert ("ключ-😀" in text) is (encoding == "utf-8")


def test_an_exchange_reaches_the_terminal_through_the_log() -> None:
    sink, out = terminal()
    log = VerdictLog(sink)
    exchange = exchange_of(asks=[b"Cookie: new=1; " + REFUSED], sets=[b"Set-Cookie: _ga=1"], path="/a")
    for _ in range(3):
        log.record(exchange, 200)
    log.flush()
    text = printed(out)
    assert [line.split()[1:3] for line in text.splitlines() if line[:2].isdigit()] == [
        ["stripped", "new"],
        ["blocked", "_ga"],
        ["stripped", "new"],
        ["blocked", "_ga"],
    ]
    assert len(pasted(text)) == 1


def test_reopening_a_terminal_does_nothing() -> None:
    sink, out = terminal()
    sink.reopen()
    assert printed(out) == ""
