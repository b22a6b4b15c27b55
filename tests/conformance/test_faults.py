"""Principle 1, through every adapter: a fault inside the gate lets no cookie through, and never breaks the page."""

from dataclasses import replace

import pytest

from gatekeeper.enforcement import exchange as core
from gatekeeper.enforcement.gate import Gate
from tests.conformance.adapters import Adapter, BareExchange
from tests.conformance.apps import BODY
from tests.conformance.case import ACCEPTED, REFUSED, Case, rule, written

COOKIES = b"sessionid=s; _ga=1; new=2; theme=t; " + ACCEPTED
GLOB = rule("csrf*", "necessary")

PAGE = Case(
    "a page of all sorts",
    policy=GLOB + rule("_pk_ref", "statistics", renew="false"),
    asks=[b"Cookie: " + COOKIES, b"Sec-Fetch-Mode: navigate"],
    sets=[
        b"X-First: 1",
        b"Set-Cookie: sessionid=s; Path=/; HttpOnly",
        b"Set-Cookie: _ga=1; Path=/",
        b"Set-Cookie: new=1",
        b"Set-Cookie: _fbp=; Max-Age=0; Max-Age=",
        b"Set-Cookie2: sessionid=1",
        b"Set-Cookie: hello",
        b"X-Last: 1",
    ],
)
REQUIRED_ONLY = [b"X-First: 1", b"Set-Cookie: sessionid=s; Path=/; HttpOnly", b"X-Last: 1"]

RESPONSE_STEPS = [(core, "judge"), (core, "judge_all"), (core, "make_private")]
REQUEST_STEPS = [(core, "sift"), (core, "plain_pairs")]
if core.__file__.endswith(".py"):
    # Compiled, it is called without a look at its name.
    REQUEST_STEPS.append((core, "_is_navigation"))
BOTH = [(Gate, "reading_of")]


class Boom(Exception):  # noqa: N818 — its name is what the log shows
    """What no code of the gate expects; its text quotes a cookie, as a real one's might."""


def break_it(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    def boom(*args: object, **kwargs: object) -> None:
        raise Boom("sessionid=secret")

    monkeypatch.setattr(owner, name, boom)


def lowered(adapter: Adapter, lines: list[bytes]) -> list[bytes]:
    """uvicorn writes response names in lower case."""
    if adapter.name not in ("uvicorn", "proxy"):
        return lines
    return [name.lower() + b": " + value for name, _, value in (line.partition(b": ") for line in lines)]


@pytest.mark.parametrize(("owner", "step"), RESPONSE_STEPS + BOTH, ids=lambda step: getattr(step, "__name__", step))
def test_a_fault_on_the_way_out_keeps_the_page_and_its_required_cookies_and_no_other(
    adapter: Adapter, owner: object, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = PAGE.load()
    break_it(monkeypatch, owner, step)
    came = adapter.exchange(PAGE, policy)
    assert (came.status, came.body) == (200, BODY)
    assert list(came.leaves) == lowered(adapter, REQUIRED_ONLY)
    assert came.faults == ("Boom",)


@pytest.mark.parametrize(("owner", "step"), REQUEST_STEPS + BOTH, ids=lambda step: getattr(step, "__name__", step))
def test_a_fault_on_the_way_in_keeps_the_request_and_its_required_cookies_and_no_other(
    adapter: Adapter, owner: object, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = replace(PAGE, asks=[b"Cookie: " + COOKIES.replace(ACCEPTED, REFUSED), b"Sec-Fetch-Mode: navigate"])
    policy = case.load()
    break_it(monkeypatch, owner, step)
    came = adapter.exchange(case, policy)
    assert (came.status, came.body) == (200, BODY)
    assert list(came.sees) == [b"sessionid=s; " + REFUSED]
    assert came.faults == ("Boom",)
    # The visitor refused everything: whatever is known of that, nothing unrequired leaves.
    kept = [line for line in came.leaves if b"sessionid" in line or not line.lower().startswith(b"set-cookie")]
    assert [line.lower() for line in kept if not line.startswith(b"cache-control")] == [
        line.lower() for line in REQUIRED_ONLY
    ]
    assert not any(b"_ga=1" in line or b"new=1" in line for line in came.leaves)


def test_a_fault_while_leftovers_are_expired_keeps_the_page(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    case = replace(PAGE, asks=[b"Cookie: sessionid=s; _ga=1", b"Sec-Fetch-Mode: navigate"])
    policy = case.load()
    break_it(monkeypatch, core, "deletions")
    came = adapter.exchange(case, policy)
    assert list(came.leaves) == lowered(adapter, REQUIRED_ONLY)
    assert came.faults == ("Boom",)


@pytest.mark.parametrize("mode", ["report-only", "off"])
def test_a_fault_touches_nothing_where_nothing_is_enforced(
    adapter: Adapter, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = replace(PAGE, policy=f'[enforcement]\nmode = "{mode}"\n' + PAGE.policy)
    policy = case.load()
    for owner, step in RESPONSE_STEPS + REQUEST_STEPS + BOTH:
        break_it(monkeypatch, owner, step)
    came = adapter.exchange(case, policy)
    assert list(came.leaves) == lowered(adapter, list(case.sets))
    assert list(came.sees) == [COOKIES]
    assert came.faults == (("Boom",) if mode == "report-only" else ())


# --- what the closed gate itself decides: the same behind every adapter ---


def test_a_fault_does_not_let_the_upstream_write_the_consent_cookie_where_it_may_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case(
        "the upstream consents for the visitor",
        policy="[consent]\nupstream_may_set = false\n",
        sets=[b"Set-Cookie: " + ACCEPTED, b"Set-Cookie: sessionid=1"],
    )
    policy = case.load()
    break_it(monkeypatch, core, "judge")
    came = BareExchange().exchange(case, policy)
    assert list(came.leaves) == [b"Set-Cookie: sessionid=1"]


def test_a_fault_does_not_show_the_upstream_a_consent_cookie_that_is_hidden_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case(
        "the app cannot bear the consent cookie",
        policy="[consent]\nforward = false\n",
        asks=[b"Cookie: " + REFUSED + b"; sessionid=s; _ga=1"],
    )
    policy = case.load()
    break_it(monkeypatch, core, "sift")
    came = BareExchange().exchange(case, policy)
    assert list(came.sees) == [b"sessionid=s"]


def test_a_fault_does_not_let_a_nameless_cookie_through(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(
        "named like a required one", sets=[b"Set-Cookie: sessionid; Path=/", b"Set-Cookie: =sessionid=1", b"X-A: 1"]
    )
    policy = case.load()
    break_it(monkeypatch, core, "judge")
    came = BareExchange().exchange(case, policy)
    assert list(came.leaves) == [b"X-A: 1"]


def test_a_fault_keeps_no_more_than_fifty_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("sixty required ones", sets=[b"Set-Cookie: sessionid=%d" % one for one in range(60)])
    policy = case.load()
    break_it(monkeypatch, core, "judge")
    came = BareExchange().exchange(case, policy)
    assert len(came.leaves) <= 50


def test_after_a_fault_no_verdict_says_that_a_cookie_passed_which_did_not_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case("granted", asks=[b"Cookie: " + ACCEPTED], sets=[b"Set-Cookie: _ga=1", b"Set-Cookie: sessionid=1"])
    policy = case.load()
    break_it(monkeypatch, core, "make_private")
    came = BareExchange().exchange(case, policy)
    assert list(came.leaves) == [b"Set-Cookie: sessionid=1"]
    assert "response _ga pass granted" not in map(written, came.verdicts)
