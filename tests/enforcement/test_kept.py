"""What an exchange keeps with fields that come again: where they all passed, and under which gate, and nothing else."""

from typing import Any

import pytest

from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.wire.fields import FieldList

NOW = 1763900000
DAY = 86400


def gate(**tables: Any) -> Gate:
    rules = [{"name": "sid", "category": "necessary"}, {"name": "_ga", "category": "analytics"}]
    return Gate(load_policy_tables({"cookie": rules, **tables}, {}))


def cookies(value: bytes, *more: tuple[bytes, bytes]) -> FieldList:
    return ((b"Cookie", value), *more)


def ask(one: Gate, fields: FieldList, kept: list[Any], now: int = NOW) -> Exchange:
    exchange = Exchange(one, b"GET".decode(), b"shop.example", "/", now)
    exchange.request(fields, kept)
    return exchange


def passed(one: Gate, fields: FieldList, kept: list[Any], now: int = NOW) -> FieldList:
    return Exchange(one, "GET", b"shop.example", "/", now).request(fields, kept)


def test_fields_that_all_passed_are_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one, fields, kept = gate(), cookies(b"sid=1; cookies_preferences=analytics; _ga=2"), []  # type: ignore[var-annotated]
    assert passed(one, fields, kept) is fields  # looked at in full, and remembered by name
    assert passed(one, fields, kept) is fields
    assert kept
    assert kept[0] is one
    monkeypatch.setattr(Exchange, "_request", None)
    again = ask(one, fields, kept)
    assert again.fault is None
    assert again.choice.state == "decided"
    assert [value for _, value in again.response(200, ((b"Set-Cookie", b"_ga=3"),))] == [b"_ga=3", b"private"]


def test_another_gate_looks_for_itself() -> None:
    fields, kept = cookies(b"sid=1; cookies_preferences=analytics; _ga=2"), []  # type: ignore[var-annotated]
    one = gate()
    passed(one, fields, kept)
    passed(one, fields, kept)
    strict = gate(cookie=[{"name": "sid", "category": "necessary"}, {"name": "_ga", "category": "marketing"}])
    assert passed(strict, fields, kept) == cookies(b"sid=1; cookies_preferences=analytics")


def test_a_choice_that_has_grown_old_is_read_again() -> None:
    told = b"%7B%22v%22%3A1%2C%22rev%22%3A1%2C%22t%22%3A1763900000%2C%22granted%22%3A%5B%22analytics%22%5D%7D"
    one, kept = gate(), []  # type: ignore[var-annotated]
    fields = cookies(b"cookies_preferences=" + told + b"; _ga=2")
    for _ in range(2):
        assert passed(one, fields, kept) is fields
    assert kept
    assert passed(one, fields, kept, NOW + 181 * DAY) == cookies(b"cookies_preferences=" + told)


def test_nothing_is_kept_of_fields_that_do_not_all_pass() -> None:
    one, kept = gate(), []  # type: ignore[var-annotated]
    for value in (b"sid=1; _ga=2", b'sid="x; _ga=9"', b"sid=1; other=2", b"sid"):
        for _ in range(3):
            passed(one, cookies(value), kept)
        assert kept == []


def test_what_was_sent_is_known_where_a_rule_asks_for_it() -> None:
    """renew = false drops a cookie that came with the request: the names have to be read each time."""
    rules = [{"name": "sid", "category": "necessary", "renew": False}]
    one, kept = gate(cookie=rules), []  # type: ignore[var-annotated]
    fields = cookies(b"sid=1")
    for _ in range(3):
        exchange = ask(one, fields, kept)
        assert exchange.response(200, ((b"Set-Cookie", b"sid=2; Max-Age=9"),)) == ()


@pytest.mark.parametrize("how", ["report-only", "off"])
def test_a_gate_that_does_not_strip_keeps_nothing_wrong(how: str) -> None:
    one, kept = gate(enforcement={"mode": how}), []  # type: ignore[var-annotated]
    fields = cookies(b"_ga=2")
    for _ in range(3):
        assert passed(one, fields, kept) is fields
