"""Consent platforms at the gate: whose cookies pass, and why the format "auto" is no way round the rules."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gatekeeper.consent.readers.base import NOBODY_CHOSE, Format, Said
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.wire.fields import FieldList
from tests.conformance.case import written
from tests.consent.invented import LAMP, TORCH, VAULT

NOW = 1_795_132_800
RULES = """
[[cookie]]
name = "sid"
category = "necessary"
[[cookie]]
name = "_ga"
category = "analytics"
"""
LAMP_RULE = '[[cookie]]\nname = "lamp"\ncategory = "marketing"\n'


def gate(extra: str = "", *, named: tuple[Format, ...] = ()) -> Gate:
    policy = load_policy_tables(tomllib.loads(extra + RULES), {})
    consent = replace(policy.consent, guessed=() if named else (LAMP, TORCH, VAULT))
    return Gate(replace(policy, consent=replace(consent, readers=named) if named else consent))


def through(
    the_gate: Gate, cookies: bytes, set_cookies: Sequence[bytes] = ()
) -> tuple[bytes | None, list[bytes], list[str]]:
    """What the app sees, what the browser stores, and the verdicts; the same the second and third time."""
    results = []
    for _ in range(3):
        exchange = Exchange(the_gate, "GET", b"shop.test", "/", NOW)
        asked: FieldList = ((b"cookie", cookies),)
        seen = [value for name, value in exchange.request(asked) if name == b"cookie"]
        answered = exchange.response(200, tuple((b"set-cookie", value) for value in set_cookies))
        assert exchange.fault is None
        stored = [value for name, value in answered if name == b"set-cookie"]
        results.append((seen[0] if seen else None, stored, [written(verdict) for verdict in exchange.verdicts]))
    assert results[1] == results[0]
    assert results[2] == results[0]
    return results[0]


@pytest.mark.parametrize(
    ("cookies", "seen"),
    [
        (b"sid=1; lamp=stats; _ga=2", b"sid=1; lamp=stats; _ga=2"),
        (b"sid=1; lamp=none; _ga=2", b"sid=1; lamp=none"),
        (b"sid=1; lamp=user-4711; _ga=2", b"sid=1; lamp=user-4711"),
        (b"lamp=stats; lamp_at=x; lamp_id=y; torch_seen=1", b"lamp=stats; lamp_at=x; lamp_id=y"),
        (b"lamp=user; lamp_at=x; lamp_id=y", b"lamp=user"),
        (b"torch-7=yes; torch_seen=1; torch=2", b"torch-7=yes; torch_seen=1"),
        (b"torch-7=user; torch_seen=1", b"torch-7=user"),
        (b"vault=abc; _ga=1", b"vault=abc"),
        (b"vault=abc; lamp=stats; _ga=1", b"vault=abc; lamp=stats"),
        (b"vault=abc; cookies_preferences=analytics; _ga=1", b"vault=abc; cookies_preferences=analytics; _ga=1"),
        (b"_ga=1; torch-7=yes; lamp=stats", b"_ga=1; torch-7=yes; lamp=stats"),
        (b"_ga=1; torch-7=no; lamp=stats", b"torch-7=no; lamp=stats"),
        (b'_ga=1; lamp=stats; note="a, b"', b"_ga=1; lamp=stats"),
    ],
)
def test_a_request_keeps_the_consent_cookies_of_the_platform_that_it_shows(cookies: bytes, seen: bytes) -> None:
    assert through(gate(), cookies)[0] == seen


@pytest.mark.parametrize(
    ("cookies", "field", "leaves"),
    [
        (b"sid=1", b"lamp=stats; Path=/", True),
        (b"sid=1", b"lamp=none; Max-Age=9", True),
        (b"sid=1", b"lamp=; Max-Age=0", True),
        (b"sid=1", b"lamp=user; Max-Age=0", True),
        (b"sid=1", b"lamp=user-4711", False),
        (b"sid=1", b"lamp=open", False),
        (b"lamp=stats", b"lamp=user-4711", False),
        (b"lamp=stats", b"lamp_id=4711", True),
        (b"lamp=user", b"lamp_id=4711", False),
        (b"sid=1", b"lamp_id=4711", False),
        (b"sid=1", b"torch-7=no", True),
        (b"sid=1", b"torch-7=4711", False),
        (b"torch-7=yes", b"torch-7=4711", False),
        (b"torch-7=yes", b"torch-8=no", True),
        (b"sid=1", b"vault=4711", False),
        (b"vault=1", b"vault=4711", False),
        (b"sid=1", b"=lamp=stats", False),
        (b"sid=1", b"lamp", False),
    ],
)
def test_a_set_cookie_of_a_guess_leaves_only_as_a_choice_or_a_deletion(
    cookies: bytes, field: bytes, leaves: bool
) -> None:
    _, stored, verdicts = through(gate(), cookies, [field])
    assert stored == ([field] if leaves else [])
    assert verdicts[-1].endswith("pass consent-cookie" if leaves else "drop unlisted")


@pytest.mark.parametrize(
    ("cookies", "seen"),
    [
        (b"lamp=user-4711", None),
        (b"lamp=open", b"lamp=open"),
        (b"lamp=none", b"lamp=none"),
    ],
)
def test_a_rule_is_heard_unless_the_platform_is_recognised(cookies: bytes, seen: bytes | None) -> None:
    ruled = gate(LAMP_RULE)
    assert through(ruled, cookies)[0] == seen
    stored = through(ruled, cookies, [b"lamp=user", b"lamp=stats"])[1]
    assert stored == [b"lamp=stats"]
    assert through(ruled, b"lamp=ads", [b"lamp=user"])[1] == [b"lamp=user"]


def test_where_unlisted_cookies_pass_a_guess_is_no_worse_off_than_they() -> None:
    _, stored, verdicts = through(gate('[enforcement]\nunlisted = "allow"\n'), b"sid=1", [b"lamp=4711", b"lamp=stats"])
    assert stored == [b"lamp=4711", b"lamp=stats"]
    assert verdicts == ["response lamp pass unlisted", "response lamp pass consent-cookie"]


def test_all_cookies_of_a_format_that_the_file_names_pass_whatever_they_hold() -> None:
    sets = [b"lamp=4711", b"lamp_id=1", b"torch-9=x", b"cookies_preferences=all"]
    seen, stored, _ = through(gate(named=(LAMP, TORCH)), b"lamp=x; torch-7=y; lamp_at=z; cookies_preferences=all", sets)
    assert seen == b"lamp=x; torch-7=y; lamp_at=z"
    assert stored == sets[:3]


def test_an_app_that_may_not_set_the_choice_sets_that_of_no_platform() -> None:
    closed = gate("[consent]\nupstream_may_set = false\n")
    assert through(closed, b"lamp=stats", [b"lamp=ads", b"lamp_id=1", b"torch-7=yes"])[1] == []


@pytest.mark.parametrize("extra", ["", LAMP_RULE.replace("marketing", "necessary")])
@pytest.mark.parametrize("cookies", [b"sid=1", b"lamp=none", b"lamp=user", b"cookies_preferences=none"])
def test_nor_does_it_set_the_parts_that_a_choice_is_made_of(extra: str, cookies: bytes) -> None:
    closed = gate('[consent]\nupstream_may_set = false\n[enforcement]\nunlisted = "allow"\n' + extra)
    parts = [
        b"lamp=user",
        b"lamp_id=1",
        b"torch_seen=1",
        b"=lamp=stats",
        b"=cookies_preferences=all",
        b"lamp",
        b"lamp=",
    ]
    assert through(closed, cookies, [*parts, b"other=1"])[1] == [b"other=1"]
    opened = gate('[enforcement]\nunlisted = "allow"\n' + extra)
    assert through(opened, cookies, [*parts, b"other=1"])[1] == [*parts, b"other=1"]


def test_an_app_that_does_not_see_the_choice_sees_no_platforms_either() -> None:
    hiding = gate("[consent]\nforward = false\n")
    assert through(hiding, b"sid=1; lamp=stats; lamp_id=3; torch-7=yes; _ga=2")[0] == b"sid=1; _ga=2"
    assert through(hiding, b"sid=1; vault=1; cookies_preferences=all; _ga=2")[0] == b"sid=1; _ga=2"
    assert through(hiding, b"sid=1; lamp=none; _ga=2")[0] == b"sid=1"


def test_a_name_that_only_a_pattern_holds_is_heard_at_once_and_on_every_way() -> None:
    for extra in ("", "[enforcement]\nstrip_requests = false\n"):
        refusing = gate(extra)
        assert through(refusing, b"torch-7=yes; _ga=1", [b"_ga=1"])[1] == [b"_ga=1"]
        # Names that came in responses and with other choices have been remembered by then.
        assert through(refusing, b"sid=1", [b"torch-8=4711", b"torch-8=yes"])[1] == [b"torch-8=yes"]
        assert through(refusing, b"torch-8=yes; _ga=1", [b"_ga=1"])[1] == [b"_ga=1"]
        assert through(refusing, b"torch-8=no; _ga=1", [b"_ga=1"])[1] == []


def test_a_platform_that_leaves_the_word_to_others_keeps_what_it_has_beside_its_choice() -> None:
    vault = replace(VAULT, companions=(b"vault_id",))
    us = Format("usp", "US", (b"us",), lambda _: NOBODY_CHOSE, companions=(b"us_at",))
    policy = gate().policy
    both = Gate(replace(policy, consent=replace(policy.consent, guessed=(vault, us))))
    for choice in (b"cookies_preferences=none", b"us=-"):
        cookies = b"vault=x; vault_id=4711; us=-; us_at=5; " + choice
        assert through(both, cookies, [b"vault_id=4712", b"us_at=6"])[:2] == (cookies, [b"vault_id=4712", b"us_at=6"])


def test_names_for_which_there_is_no_room_are_heard_too() -> None:
    full = gate()
    for number in range(300):
        through(full, b"torch-%d=no" % number)
    assert through(full, b"torch-299=yes; _ga=1") == (b"torch-299=yes; _ga=1", [], [])
    assert through(full, b"torch-299=no; _ga=1")[0] == b"torch-299=no"
    # Where it says nothing it is sent as it is, and yet no short way may pass it by.
    through(full, b"torch-299=user; sid=1")
    assert through(full, b"torch-299=yes; sid=1", [b"_ga=1"])[1] == [b"_ga=1"]


def test_what_came_in_a_response_before_is_heard_beside_the_choice() -> None:
    beam = Format(
        "beam",
        "Beam",
        (b"beam",),
        lambda cookies: Said(rest=True) if b"yes" in cookies.values() else None,
        companions=(b"beam_*",),
    )
    policy = gate().policy
    beaming = Gate(replace(policy, consent=replace(policy.consent, guessed=(beam,))))
    assert through(beaming, b"beam=1; sid=1", [b"beam_1=yes"]) == (
        b"beam=1; sid=1",
        [],
        ["response beam_1 drop unlisted"],
    )
    assert through(beaming, b"beam=1; beam_1=yes; sid=1", [b"_ga=1"])[1] == [b"_ga=1"]


def test_if_the_gate_fails_no_guess_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    failing = gate()
    monkeypatch.setattr(failing, "reading_of", broken)
    exchange = Exchange(failing, "GET", b"shop.test", "/", NOW)
    asked = exchange.request(((b"cookie", b"sid=1; lamp=stats; cookies_preferences=all"),))
    assert asked == ((b"cookie", b"sid=1; cookies_preferences=all"),)
    assert exchange.response(200, ((b"set-cookie", b"lamp=stats"),)) == ()


def test_a_platform_is_told_of_once_with_its_cookie_and_never_for_the_files_own_format() -> None:
    told: list[tuple[str, str, bytes]] = []
    policy = gate().policy
    telling = Gate(policy, site="shop", on_recognised=lambda *one: told.append(one))
    for cookies in (b"cookies_preferences=all", b"lamp=x", b"lamp=stats", b"lamp=ads; lamp_at=1", b"torch-7=open"):
        through(telling, cookies)
    assert told == [("shop", "lamp", b"lamp"), ("shop", "torch", b"torch-7")]
    through(Gate(policy), b"lamp=stats")


def test_readings_and_grants_are_shared_by_all_who_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = gate()
    one = shared.reading_of(((b"lamp", b"stats"),), False, NOW)
    assert shared.reading_of(((b"lamp", b"stats"),), False, NOW) is one
    assert shared.reading_of(((b"lamp", b"stats"), (b"lamp_at", b"-")), False, NOW).decisions is one.decisions
    other = shared.reading_of(((b"cookies_preferences", b"analytics"),), False, NOW)
    assert other.decisions.grant == one.decisions.grant
    assert other.decisions is not one.decisions


BOUND = """
[[cookie]]
name = "heat"
category = "analytics"
consent = ["lamp:map", "torch:map"]
"""


@pytest.mark.parametrize(
    ("choice", "seen"),
    [
        (b"lamp=map", True),
        (b"lamp=stats", False),
        (b"lamp=stats.map", True),
        (b"lamp=open", False),
        (b"torch-7=yes", False),
        (b"lamp=map; lamp_at=5", False),
        (b"lamp=map.stats; torch-7=no", False),
        (b"lamp=map; cookies_preferences=none", False),
        (b"lamp=map; cookies_preferences=analytics", True),
        (b"torch-7=yes; cookies_preferences=analytics", False),
        (b"lamp=map; torch-7=open", False),
    ],
)
def test_a_rule_bound_to_a_platforms_own_id_hangs_on_that_answer(
    monkeypatch: pytest.MonkeyPatch, choice: bytes, seen: bool
) -> None:
    monkeypatch.setattr("gatekeeper.policy.load_rule.KNOWN", {"lamp": LAMP, "torch": TORCH})
    bound = gate(BOUND)
    came = through(bound, b"heat=1; " + choice)[0]
    assert came == (b"heat=1; " + choice if seen else choice)


def test_what_no_rule_is_bound_to_parts_no_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper.policy.load_rule.KNOWN", {"lamp": LAMP, "torch": TORCH})
    bound = gate(BOUND)

    def decisions(value: bytes) -> object:
        return bound.reading_of(((b"lamp", value),), False, NOW).decisions

    assert decisions(b"ads") is decisions(b"ads.none")
    assert decisions(b"ads") is not decisions(b"ads.map")
    assert gate().reading_of(((b"lamp", b"ads"),), False, NOW).decisions.grant.bound == {}
