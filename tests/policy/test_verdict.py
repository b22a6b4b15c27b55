"""What follows from a grant for one cookie-name."""

import pytest

from gatekeeper.consent.category import Basis, Category
from gatekeeper.consent.choice import ABSENT, Choice, State
from gatekeeper.consent.grant import Gpc, weigh
from gatekeeper.consent.readers.registry import Role
from gatekeeper.policy.document import Enforcement, Mode, OnRefusal, Policy, Rule
from gatekeeper.policy.matcher import Matcher
from gatekeeper.policy.verdict import Action, Direction, Reason, Ruling, Verdict, decide

CATEGORIES = (
    Category("need", Basis.REQUIRED),
    Category("ask", Basis.OPT_IN, gpc=True),
    Category("object", Basis.OPT_OUT, gpc=True),
)
YES = Choice(State.DECIDED, frozenset({"ask", "object"}))
NO = Choice(State.DECIDED, frozenset(), frozenset({"ask", "object"}))
RULES = (
    Rule("sid", "need"),
    Rule("_ga", "ask"),
    Rule("_pk*", "object"),
    Rule("local", "need", hosts=("shop.test",), paths=("/cart",)),
    Rule("seen", "ask", mode=Mode.REPORT_ONLY),
    Rule("kept", "ask", on_refusal=OnRefusal.SESSION),
    Rule("capped", "need", max_age=60),
    Rule("choice", "ask"),
)


def ruling(
    name: bytes,
    choice: Choice = ABSENT,
    *,
    gpc: Gpc = True,
    signal: bool = False,
    enforcement: Enforcement | None = None,
    host: str = "shop.test",
    path: str = "/cart",
) -> Ruling:
    return decide(
        name,
        host=host,
        path=path,
        policy=Policy(CATEGORIES, RULES, enforcement=enforcement or Enforcement()),
        matcher=Matcher(RULES),
        grant=weigh(choice, categories=CATEGORIES, gpc=gpc, signal=signal),
        role=Role.CONSENT if name in (b"choice", b"companion") else Role.NONE,
    )


@pytest.mark.parametrize(
    ("name", "choice", "signal", "allowed", "reason"),
    [
        (b"sid", ABSENT, False, True, Reason.REQUIRED),
        (b"sid", NO, True, True, Reason.REQUIRED),
        (b"_ga", ABSENT, False, False, Reason.UNDECIDED),
        (b"_ga", ABSENT, True, False, Reason.UNDECIDED),
        (b"_ga", YES, False, True, Reason.GRANTED),
        (b"_ga", YES, True, True, Reason.GRANTED),
        (b"_ga", NO, False, False, Reason.REFUSED),
        (b"_pk_id", ABSENT, False, True, Reason.EXEMPT),
        (b"_pk_id", ABSENT, True, False, Reason.SIGNAL),
        (b"_pk_id", YES, True, True, Reason.GRANTED),
        (b"_pk_id", NO, False, False, Reason.REFUSED),
        (b"other", YES, False, False, Reason.UNLISTED),
        (b"_GA", YES, False, False, Reason.UNLISTED),
        (b"", YES, False, False, Reason.UNLISTED),
        (b"choice", ABSENT, False, True, Reason.CONSENT_COOKIE),
        (b"choice", NO, True, True, Reason.CONSENT_COOKIE),
        (b"companion", NO, False, True, Reason.CONSENT_COOKIE),
        (b"Choice", NO, False, False, Reason.UNLISTED),
    ],
)
def test_what_holds_for_a_name(name: bytes, choice: Choice, signal: bool, allowed: bool, reason: Reason) -> None:
    told = ruling(name, choice, signal=signal)
    assert (told.allowed, told.reason) == (allowed, reason)


def test_a_strict_signal_outweighs_a_grant() -> None:
    told = ruling(b"_ga", YES, gpc="strict", signal=True)
    assert (told.allowed, told.reason) == (False, Reason.SIGNAL)


@pytest.mark.parametrize(("name", "allowed"), [(b"other", True), (b"", True), (b"_ga", False)])
def test_unlisted_cookies_may_be_allowed_and_a_nameless_one_is_unlisted(name: bytes, allowed: bool) -> None:
    assert ruling(name, enforcement=Enforcement(unlisted="allow")).allowed == allowed


def test_no_pattern_names_a_nameless_cookie() -> None:
    everything = (Rule("*", "need"),)
    told = decide(
        b"",
        host="h",
        path="/",
        policy=Policy(CATEGORIES, everything),
        matcher=Matcher(everything),
        grant=weigh(YES, categories=CATEGORIES),
    )
    assert (told.allowed, told.reason) == (False, Reason.UNLISTED)


def test_a_narrowed_rule_leaves_its_name_unlisted_elsewhere() -> None:
    assert ruling(b"local").reason is Reason.REQUIRED
    assert ruling(b"local", host="other.test").reason is Reason.UNLISTED
    assert ruling(b"local", path="/").reason is Reason.UNLISTED


@pytest.mark.parametrize("mode", Mode)
def test_the_sites_mode_holds_unless_a_rule_has_its_own(mode: Mode) -> None:
    enforcement = Enforcement(mode=mode)
    assert ruling(b"_ga", enforcement=enforcement).mode is mode
    assert ruling(b"other", enforcement=enforcement).mode is mode
    assert ruling(b"choice", enforcement=enforcement).mode is mode
    assert ruling(b"seen", enforcement=enforcement).mode is Mode.REPORT_ONLY


def test_a_verdict_tells_the_rule_and_category_and_never_more_than_the_name() -> None:
    verdict = ruling(b"_pk_id").verdict(Direction.REQUEST, Action.DROP)
    assert (verdict.direction, verdict.cookie, verdict.category, verdict.rule, verdict.action, verdict.reason) == (
        Direction.REQUEST,
        b"_pk_id",
        "object",
        "_pk*",
        Action.DROP,
        Reason.EXEMPT,
    )
    unlisted = ruling(b"other").verdict(Direction.RESPONSE, Action.DROP)
    assert (unlisted.category, unlisted.rule, unlisted.reason) == (None, None, Reason.UNLISTED)


def test_a_verdict_may_have_a_reason_of_its_own_and_equal_ones_are_one() -> None:
    told = ruling(b"_ga")
    plain = told.verdict(Direction.RESPONSE, Action.DROP)
    deletion = told.verdict(Direction.RESPONSE, Action.REWRITE, Reason.DELETION)
    assert deletion.reason is Reason.DELETION
    assert told.verdict(Direction.RESPONSE, Action.DROP) is plain
    assert told.verdict(Direction.RESPONSE, Action.DROP, Reason.UNDECIDED) is plain
    assert told.verdict(Direction.REQUEST, Action.DROP) is not plain


@pytest.mark.parametrize(
    ("name", "choice", "passes", "drops"),
    [
        (b"sid", ABSENT, True, False),
        (b"_ga", YES, True, False),
        (b"_ga", NO, False, True),
        (b"other", YES, False, True),
        (b"capped", ABSENT, False, False),
        (b"kept", NO, False, False),
        (b"choice", ABSENT, False, False),
        (b"", ABSENT, False, False),
    ],
)
def test_some_names_are_decided_before_any_field_is_looked_at(
    name: bytes, choice: Choice, passes: bool, drops: bool
) -> None:
    told = ruling(name, choice)
    assert (told.passes_whole is not None, told.drops_whole is not None) == (passes, drops)
    if told.passes_whole:
        assert (told.passes_whole.action, told.passes_whole.direction) == (Action.PASS, Direction.RESPONSE)
    if told.drops_whole:
        assert (told.drops_whole.action, told.drops_whole.direction) == (Action.DROP, Direction.RESPONSE)


@pytest.mark.parametrize(
    ("rule", "mode", "stripped"),
    [
        (None, Mode.ENFORCE, True),
        (Rule("a", "c"), Mode.ENFORCE, True),
        (Rule("a", "c", on_refusal=OnRefusal.EXPIRE), Mode.ENFORCE, True),
        (Rule("a", "c", on_refusal=OnRefusal.SESSION), Mode.ENFORCE, False),
        (Rule("a", "c", on_refusal=OnRefusal.REPLACE), Mode.ENFORCE, False),
        (Rule("a", "c"), Mode.REPORT_ONLY, False),
    ],
)
def test_a_refused_name_has_its_outcome_ready_where_no_pair_of_it_may_go_on(
    rule: Rule | None, mode: Mode, stripped: bool
) -> None:
    told = Ruling(b"a", rule, allowed=False, reason=Reason.REFUSED, mode=mode)
    assert (told.stripped is not None) == stripped
    if told.stripped:
        assert told.stripped == (told.verdict(Direction.REQUEST, Action.DROP), None)
    assert (told.dropped is not None) == (stripped and told.on_refusal is OnRefusal.DROP)
    assert Ruling(b"a", rule, allowed=True, reason=Reason.GRANTED, mode=mode).stripped is None
    assert Ruling(b"", rule, allowed=False, reason=Reason.REFUSED, mode=mode).stripped is None


@pytest.mark.parametrize("name", [b" sid", b"sid ", b"s\0d", b"s\td", b"s\x7fd", b"s\xa0d", b"s\x85d"])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_name_with_odd_octets_is_never_decided_before_its_field_is_looked_at(name: bytes, allowed: bool) -> None:
    told = Ruling(name, None, allowed=allowed, reason=Reason.UNLISTED, mode=Mode.ENFORCE)
    assert told.passes_whole is None
    assert told.drops_whole is None


@pytest.mark.parametrize(
    ("rule", "rewrites"),
    [
        (Rule("a", "c"), False),
        (Rule("a", "c", on_refusal=OnRefusal.EXPIRE, domain="x", path="/", duration="1d"), False),
        (Rule("a", "c", secure=False), True),
        (Rule("a", "c", httponly=False), True),
        (Rule("a", "c", samesite="Lax"), True),
        (Rule("a", "c", partitioned=False), True),
    ],
)
def test_what_a_rule_may_change_does_not_pass_unseen(rule: Rule, rewrites: bool) -> None:
    told = Ruling(b"a", rule, allowed=True, reason=Reason.GRANTED, mode=Mode.ENFORCE)
    assert (told.passes_whole is None) == rewrites
    assert told.passes_within is None
    capped = Ruling(b"a", rule, allowed=True, reason=Reason.GRANTED, mode=Mode.ENFORCE, cap=60)
    assert capped.passes_whole is None
    assert (capped.passes_within is None) == rewrites
    assert Ruling(b"a", rule, allowed=False, reason=Reason.REFUSED, mode=Mode.ENFORCE, cap=60).passes_within is None


@pytest.mark.parametrize(
    ("name", "everywhere", "cap"),
    [
        (b"sid", None, None),
        (b"sid", 60, None),  # a required cookie lives as long as the app needs it
        (b"remembered", 60, 90),
        (b"_ga", None, None),
        (b"_ga", 60, 60),
        (b"short", 60, 30),
        (b"long", 60, 60),
        (b"long", None, 90),
        (b"long", 0, 0),
        (b"unlisted", 60, 60),
    ],
)
def test_of_a_rules_cap_and_the_one_for_all_that_is_not_required_the_shorter_holds(
    name: bytes, everywhere: int | None, cap: int | None
) -> None:
    rules = (
        Rule("sid", "necessary"),
        Rule("remembered", "necessary", max_age=90),
        Rule("_ga", "analytics"),
        Rule("short", "analytics", max_age=30),
        Rule("long", "analytics", max_age=90),
    )
    policy = Policy(rules=rules, enforcement=Enforcement(unlisted="allow", max_age=everywhere))
    told = decide(
        name,
        host="",
        path="/",
        policy=policy,
        matcher=Matcher(rules),
        grant=weigh(ABSENT, categories=policy.categories),
    )
    assert told.cap == cap


@pytest.mark.parametrize(
    ("reason", "category", "mode", "personal"),
    [
        (Reason.GRANTED, "c", Mode.ENFORCE, True),
        (Reason.EXEMPT, "c", Mode.ENFORCE, True),
        (Reason.CONSENT_COOKIE, None, Mode.ENFORCE, True),
        (Reason.DELETION, "c", Mode.ENFORCE, True),
        (Reason.REFUSED, "c", Mode.ENFORCE, True),
        (Reason.UNDECIDED, "c", Mode.ENFORCE, True),
        (Reason.SIGNAL, "c", Mode.ENFORCE, True),
        (Reason.REQUIRED, "c", Mode.ENFORCE, False),
        (Reason.UNLISTED, None, Mode.ENFORCE, False),
        (Reason.DELETION, None, Mode.ENFORCE, False),
        (Reason.GRANTED, "c", Mode.REPORT_ONLY, False),
    ],
)
def test_what_rests_on_this_visitors_choice_is_personal(
    reason: Reason, category: str | None, mode: Mode, personal: bool
) -> None:
    verdict = Verdict(Direction.RESPONSE, b"a", category, None, Action.PASS, reason, mode)
    assert verdict.is_personal == personal
