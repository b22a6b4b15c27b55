"""The compiled form of the gate's hot loops and the pure one: the same octets, the same verdicts, the same objects."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatekeeper.cookies import request as pairs
from gatekeeper.enforcement import request, response
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.response import judge
from gatekeeper.enforcement.scopes import Scopes
from gatekeeper.policy.verdict import Outcome, Verdict
from gatekeeper.wire.fields import FieldList
from tests.conformance.case import written
from tests.models import strategies
from tests.properties.policies import HOST, NAMES, NOW, PATH, gate

pytestmark = pytest.mark.skipif(
    not (pairs.COMPILED and response.COMPILED), reason="not compiled (make speed), or GATEKEEPER_PURE is set"
)
thorough = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

REPORT_ONLY = '[enforcement]\nmode = "report-only"\n'
CHOICES = [b"cookies_preferences=none", b"cookies_preferences=all", b"cookies_preferences=analytics"]
SETTING = [b"set-cookie", b"Set-Cookie", b"SET-COOKIE", b"sEt-cOOKIE", b"set-cookie2", b"Set-Cookie2"]
NEARLY = [
    b"set\rcookie",
    b"set-cookie\x12",
    b"set-cooki\xe5",
    b"set-cookies",
    b"set_cookie",
    b"",
    b"vary",
    b"Set-Cookie3",
]
AGES = [b"", b"; Path=/", b"; Max-Age=0", b"; Max-Age=60", b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT", b";" * 300]


def values() -> st.SearchStrategy[bytes]:
    plain = st.builds(
        lambda name, value, age: name + b"=" + value + age,
        st.sampled_from(NAMES),
        st.sampled_from([b"1", b"", b"a=b", b"\xe4", b"\x7f", b"\xad", b"x" * 4094, b"x" * 30]),
        st.sampled_from(AGES),
    )
    return plain | plain | strategies.set_cookie_fields(NAMES) | st.binary(max_size=12)


FIELDS = st.lists(st.tuples(st.sampled_from(SETTING + SETTING + NEARLY), values()), max_size=8).map(tuple)


class Octets(bytes):
    """What an app may hand over in place of octets."""


class Memory:
    """One gate's, told of a choice and warm with fields it has seen."""

    def __init__(self, extra: str, choice: bytes, seen: FieldList) -> None:
        self.gate = Gate(gate(extra).policy)
        self.exchange = Exchange(self.gate, "GET", HOST, PATH, NOW)
        self.exchange.request(((b"cookie", choice),))
        self.exchange.response(200, seen)
        decisions = self.exchange._decisions
        assert decisions is not None
        self.decisions = decisions

    def ask(self, value: bytes) -> Outcome:
        host = self.exchange.host
        return judge(value, copy.deepcopy(self.decisions), Scopes(), host, PATH, NOW, frozenset())

    def judged(self, form: Callable[..., tuple[FieldList, list[Outcome], bool]], fields: FieldList, now: int) -> Any:
        return form(fields, self.decisions.remembered, now, self.ask)


@thorough
@given(FIELDS, st.sampled_from(["", REPORT_ONLY]), st.sampled_from(CHOICES), st.sampled_from([NOW, 0, 2**62, 2**70]))
@example(
    ((b"Set-Cookie", b"_ga=1"), (b"SET-COOKIE", b"sessionid=1"), (b"set-cookie2", b"sessionid=1")), "", CHOICES[0], NOW
)
def test_both_judge_all_fields_alike(fields: FieldList, extra: str, choice: bytes, now: int) -> None:
    memory = Memory(extra, choice, fields)
    left, outcomes, personal = memory.judged(response.judge_all, fields, now)
    expected, told, known_as_personal = memory.judged(response.judge_all_pure, fields, now)
    assert left == expected
    assert (
        personal is known_as_personal is any(verdict.is_personal and result is not None for verdict, result in outcomes)
    )
    assert (left is fields) == (expected is fields)
    assert [any(one is field for field in fields) for one in left] == [
        any(one is field for field in fields) for one in expected
    ]
    assert said(outcomes) == said(told)


def said(outcomes: Iterable[tuple[Verdict, bytes | None]]) -> list[tuple[str, bytes | None]]:
    return [(written(verdict), result) for verdict, result in outcomes]


@pytest.mark.parametrize(
    "fields",
    [
        ((Octets(b"Set-Cookie"), Octets(b"_ga=1")), (b"set-cookie", b"sessionid=1")),
        ([b"Set-Cookie", b"_ga=1"],),
        [(b"Set-Cookie", b"_ga=1"), (b"vary", b"*")],
    ],
)
def test_both_take_what_an_app_hands_over_in_place_of_octets_and_tuples(fields: Any) -> None:
    memory = Memory("", CHOICES[0], ((b"Set-Cookie", b"_ga=1"),))
    left, outcomes, personal = memory.judged(response.judge_all, fields, NOW)
    expected, told, known_as_personal = memory.judged(response.judge_all_pure, fields, NOW)
    assert (left, said(outcomes), personal) == (expected, said(told), known_as_personal)


def test_what_breaks_where_a_field_is_looked_at_breaks_both() -> None:
    def ask(value: bytes) -> Outcome:
        raise LookupError(value)

    for form in (response.judge_all, response.judge_all_pure):
        with pytest.raises(LookupError):
            form(((b"set-cookie", b"a=1"),), {}, NOW, ask)


COOKIES = st.one_of(
    strategies.cookie_fields(NAMES),
    st.text(alphabet='ab=; ,"\\\t\x00\xe4~', max_size=12).map(lambda text: text.encode("latin-1")),
    st.lists(st.sampled_from([b"a=1", b"_ga_and_more=2", b"a", b"=", b"a==b", b"n" * 300 + b"=1"]), max_size=5).map(
        b"; ".join
    ),
)


@thorough
@given(COOKIES, st.sampled_from([frozenset(), frozenset({b"a", b"_ga"}), frozenset({b""}), [b"a"]]))
@example(b"", frozenset())
@example(b"a=1; ", frozenset())
@example(b"a=1;", frozenset())
@example(b"a=1\x00; b=2", frozenset())
def test_both_read_a_cookie_field_alike(value: bytes, wanted: Any) -> None:
    assert pairs.plain_pairs(value, wanted) == pairs.plain_pairs_pure(value, wanted)
    assert pairs.plain_pairs(Octets(value), wanted) == pairs.plain_pairs_pure(Octets(value), wanted)


@thorough
@given(st.lists(st.sampled_from([*NAMES, b"unheard-of"]), max_size=8), st.sampled_from(CHOICES))
def test_both_sift_known_pairs_alike(names: list[bytes], choice: bytes) -> None:
    decisions: Decisions = Memory("", choice, ()).decisions
    for name in NAMES:
        if decisions.ruling(name, HOST.decode(), PATH).allowed:
            decisions.remember_sent(name)
    each = [name + b"=1" for name in names]
    for form in (list, tuple):
        assert request.sift_known(form(names), form(each), decisions) == request.sift_known_pure(names, each, decisions)
