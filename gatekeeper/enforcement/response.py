"""One Set-Cookie field on its way to the visitor: whole, rewritten, or gone."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from gatekeeper.cookies.dates import agreed_cookie_date
from gatekeeper.cookies.grammar import MAX_NAME_VALUE
from gatekeeper.cookies.lifetime import lifetime_of, may_delete
from gatekeeper.cookies.response import Ignored, SetCookie, parse_set_cookie
from gatekeeper.enforcement import rewrite
from gatekeeper.enforcement.decisions import SHORT_ATTRIBUTES, Decisions
from gatekeeper.enforcement.scopes import Scopes, pool_of, scope_in, scope_of
from gatekeeper.policy.document import SESSION, Mode, OnRefusal
from gatekeeper.policy.verdict import Action, Direction, Lives, Reason, Ruling, Verdict
from gatekeeper.policy.verdict import Outcome as Outcome
from gatekeeper.wire.fields import FieldList

# The only lifetime attribute is one positive Max-Age, or one Expires of an ordinary form: read without a full parse.
_LIVES = re.compile(rb";[ \t]*max-age[ \t]*=[ \t]*([1-9][0-9]{0,9})[ \t]*(?:;|\Z)", re.IGNORECASE)
_EXPIRES = re.compile(rb";[ \t]*expires[ \t]*=[ \t]*([^;]{20,40}?)[ \t]*(?:;|\Z)", re.IGNORECASE)

# RFC 6265 section 9.4 made Set-Cookie2 historic; no browser reads it, and a cookie in it was judged by nobody.
SET_COOKIE = b"set-cookie"
SETTING = (SET_COOKIE, b"set-cookie2")
_SIZES = (10, 11)
_USUAL = frozenset({SET_COOKIE, b"Set-Cookie"})  # found without a look at the case
_LONGEST_PAIR = MAX_NAME_VALUE + 1  # with the "="
_LAST_TO_GO = (Reason.REQUIRED, Reason.CONSENT_COOKIE)
# All octets that are printable in ISO 8859-1 become letters: then isalpha() tells whether all are, and that there are
# some, at half the cost of decode() and isprintable().
_ALL_A = bytes(0x61 if chr(octet).isprintable() else 0 for octet in range(256))

_FOREVER, _LOOK = 2**62, -(2**62)  # epoch seconds that stand for "surely lives" and "look closer"
_UNSEEN: Lives = (_LOOK, None, None)


def _live_until(attributes: bytes) -> int:
    if not attributes.decode("latin-1").isprintable():
        return _LOOK
    lowered = attributes.lower()
    ages, dates = lowered.count(b"max-age"), lowered.count(b"expires")
    if ages:
        return _FOREVER if ages == 1 and _LIVES.search(b";" + attributes) else _LOOK
    if not dates:
        return _FOREVER
    found = _EXPIRES.search(b";" + attributes) if dates == 1 else None
    moment = agreed_cookie_date(found[1]) if found else None
    return _LOOK if moment is None else moment


# The same for several names of a response, and known again while a date in them is.
_known_live_until = lru_cache(maxsize=1024)(_live_until)


def _length(attributes: bytes) -> int:
    """For how many seconds attributes let a cookie live that need no closer look: 0 is the browser session; for ever
    where only a closer look tells.
    """
    found = _LIVES.search(b";" + attributes)
    if found is not None:
        return int(found[1])
    lowered = attributes.lower()
    # What Expires alone tells is written anew under a cap, since browsers count it from the app's own Date.
    return _FOREVER if b"max-age" in lowered or b"expires" in lowered else SESSION


def judge(
    value: bytes, decisions: Decisions, scopes: Scopes, host: str, path: str, now: int, sent: frozenset[bytes]
) -> Outcome:
    """The outcome for one Set-Cookie field value. ``now`` in epoch seconds; ``sent`` names the cookies that came with
    the request.
    """
    pair, _, attributes = value.partition(b";")
    name, equals, content = pair.partition(b"=")
    ruling = decisions.remembered.get(name)
    # Known names in plain fields: about a microsecond. Everything unusual takes the other way.
    if ruling is not None and equals and len(pair) <= _LONGEST_PAIR and content.decode("latin-1").isprintable():
        lives = ruling.lives.get(attributes) or _first_seen(ruling, attributes, decisions, scopes)
        until, _, passes = lives
        if until != _LOOK and passes is not None:
            return passes, value
        if until > now and ruling.drops_whole is not None:
            return ruling.drops_whole, None
    return _judge_slowly(value, decisions, scopes, host, path, now, sent)


def _first_seen(ruling: Ruling, attributes: bytes, decisions: Decisions, scopes: Scopes) -> Lives:
    """What attributes mean that were not seen with this name before; where such a cookie lies is learned."""
    until = _known_live_until(attributes) if len(attributes) <= SHORT_ATTRIBUTES else _live_until(attributes)
    passes = ruling.passes_whole
    if ruling.cap is not None and until != _LOOK and _length(attributes) <= ruling.cap:
        passes = ruling.passes_within
    lives = (until, ruling.dropped, passes)
    decisions.note(ruling, attributes, lives)
    if ruling.reason not in _LAST_TO_GO and (scope := scope_in(attributes)) is not None:
        scopes.learn(ruling.name, scope, pool_of(ruling.rule))
    return lives


def judge_all_pure(
    fields: FieldList,
    rulings: Mapping[bytes, Ruling],
    now: int,
    ask: Callable[[bytes], Outcome],
) -> tuple[FieldList, list[Outcome], bool]:
    """The fields as they leave, each Set-Cookie field whole, rewritten or gone in place, an outcome for each, and
    whether one leaves that no other visitor may get.

    ``rulings`` by cookie-name are what is remembered; ``ask`` decides on a field value of which they do not tell
    enough. The very same tuple comes back if nothing changed.
    """
    kept: list[tuple[bytes, bytes]] = []
    outcomes: list[Outcome] = []
    same = True
    personal = False
    for field in fields:
        name, value = field
        if name in _USUAL:
            pair, _, attributes = value.partition(b";")
            cookie, _, content = pair.partition(b"=")
            try:
                until, dropped, passes = rulings[cookie].lives[attributes]
            except KeyError:
                until, dropped, passes = _UNSEEN
            # Known names in plain fields that are no deletion: half a microsecond.
            if until > now and content.translate(_ALL_A).isalpha() and len(pair) <= _LONGEST_PAIR:
                if dropped is not None:
                    outcomes.append(dropped)
                    same = False
                    continue
                if passes is not None:
                    outcomes.append((passes, value))
                    kept.append(field)
                    personal = personal or passes.is_personal
                    continue
        elif len(name) not in _SIZES or name.lower() not in SETTING:
            kept.append(field)
            continue
        outcome = ask(value)
        if len(name) != len(SET_COOKIE):
            outcome = (with_reason(outcome[0], Reason.MALFORMED), None)
        verdict, result = outcome
        if verdict.mode is not Mode.ENFORCE:
            outcome = (verdict, value)
            kept.append(field)
        elif result == value:
            kept.append(field)
        else:
            same = False
            if result is not None:
                kept.append((name, result))
        outcomes.append(outcome)
        personal = personal or is_personal(outcome)
    return fields if same else tuple(kept), outcomes, personal


def is_personal(outcome: Outcome) -> bool:
    """Whether something leaves by it that no other visitor may get."""
    return outcome[1] is not None and outcome[0].is_personal


def has_set_cookie(fields: FieldList) -> bool:
    """Whether a field is Set-Cookie or Set-Cookie2."""
    for name, _ in fields:  # noqa: SIM110 — any() with a generator costs twice as much, and every response pays it
        if name in _USUAL or (len(name) in _SIZES and name.lower() in SETTING):
            return True
    return False


def thinned(fields: FieldList, outcomes: list[Outcome], most: int) -> tuple[FieldList, list[Outcome]]:
    """Fields and outcomes with at most so many Set-Cookie fields; required ones are the last to go, and the later
    before the earlier. What is only reported stays.
    """
    leaving = [place for place, (_, result) in enumerate(outcomes) if result is not None]
    setting = [place for place, (name, _) in enumerate(fields) if name.lower() in SETTING]
    enforced = [pair for pair in zip(leaving, setting, strict=True) if outcomes[pair[0]][0].mode is Mode.ENFORCE]
    room = max(0, most - (len(leaving) - len(enforced)))
    enforced.sort(key=lambda pair: outcomes[pair[0]][0].reason not in _LAST_TO_GO)
    told = outcomes.copy()
    for place, _ in enforced[room:]:
        told[place] = (with_reason(outcomes[place][0], Reason.OVERFLOW), None)
    gone = {place for _, place in enforced[room:]}
    return tuple(field for place, field in enumerate(fields) if place not in gone), told


def with_reason(verdict: Verdict, reason: Reason) -> Verdict:
    """The verdict on the same cookie, which is dropped for another reason."""
    return Verdict(
        Direction.RESPONSE, verdict.cookie, verdict.category, verdict.rule, Action.DROP, reason, verdict.mode
    )


def _judge_slowly(
    value: bytes, decisions: Decisions, scopes: Scopes, host: str, path: str, now: int, sent: frozenset[bytes]
) -> Outcome:
    cookie = parse_set_cookie(value)
    if isinstance(cookie, Ignored):
        ruling = decisions.ruling(cookie.name, host, path)
        return ruling.verdict(Direction.RESPONSE, Action.DROP, Reason.MALFORMED), None
    first = cookie.name not in decisions.remembered
    rulings = [decisions.ruling_on(cookie, name, host, path, now) for name in cookie.readings]
    if first and cookie.name and rulings[0].reason not in _LAST_TO_GO:
        # A name whose rules hold for some hosts or paths is never remembered: it is always looked at here.
        scopes.learn(cookie.name, scope_of(cookie), pool_of(rulings[0].rule))
    if not decisions.policy.consent.upstream_may_set and any(one.reason is Reason.CONSENT_COOKIE for one in rulings):
        return rulings[0].verdict(Direction.RESPONSE, Action.DROP, Reason.CONSENT_COOKIE), None
    # Every reading has to be allowed.
    ruling = next((one for one in rulings if not one.allowed), rulings[0])
    if ruling.allowed:
        return _let_pass(cookie, ruling, decisions, now, sent, value)
    if not cookie.name:
        # Its text may be a name to one browser and is a value to another: no verdict holds it.
        return rulings[0].verdict(Direction.RESPONSE, Action.DROP, ruling.reason), None
    if lifetime_of(cookie, now).deletes:
        deletion = rewrite.deletion_of(cookie)
        return ruling.verdict(Direction.RESPONSE, Action.REWRITE, Reason.DELETION), deletion
    return _refuse(cookie, ruling, now, sent, value)


def _let_pass(
    cookie: SetCookie, ruling: Ruling, decisions: Decisions, now: int, sent: frozenset[bytes], value: bytes
) -> Outcome:
    if ruling.reason is Reason.CONSENT_COOKIE:
        return ruling.verdict(Direction.RESPONSE, Action.PASS), value
    return _rewritten(cookie, ruling, now, sent, value)


def _rewritten(cookie: SetCookie, ruling: Ruling, now: int, sent: frozenset[bytes], value: bytes) -> Outcome:
    """The lifetime and attributes that hold for it, applied to a cookie that may be stored."""
    rule, cap = ruling.rule, ruling.cap
    deletes = lifetime_of(cookie, now).deletes
    if cookie.name and not deletes and (cap is not None or not ruling.renews) and may_delete(cookie, now):
        # To one browser a deletion, to another none: neither to be capped nor to be dropped. A sign-out has to work.
        agreed = parse_set_cookie(rewrite.deletion_of(cookie))
        assert isinstance(agreed, SetCookie)  # noqa: S101 — our own words
        deletion = rewrite.with_attributes(agreed, rule).field_value()
        return ruling.verdict(Direction.RESPONSE, Action.REWRITE, Reason.DELETION), deletion
    if not ruling.renews and cookie.name in sent and cookie.value and not deletes:
        return ruling.verdict(Direction.RESPONSE, Action.DROP, Reason.RENEWAL), None
    if cap is not None and not deletes:
        cookie = rewrite.capped(cookie, cap, now)
    result = rewrite.with_attributes(cookie, rule).field_value()
    action = Action.PASS if result == value else Action.REWRITE
    return ruling.verdict(Direction.RESPONSE, action), result


def _refuse(cookie: SetCookie, ruling: Ruling, now: int, sent: frozenset[bytes], value: bytes) -> Outcome:
    match ruling.on_refusal:
        case OnRefusal.EXPIRE:
            return ruling.verdict(Direction.RESPONSE, Action.EXPIRE), rewrite.deletion_of(cookie)
        case OnRefusal.SESSION:
            return _rewritten(rewrite.without_lifetime(cookie), ruling, now, sent, value)
        case OnRefusal.REPLACE:
            assert ruling.rule is not None  # noqa: S101 — only a rule can say so
            constant = ruling.rule.replacement.encode()
            return _rewritten(rewrite.with_value(cookie, constant), ruling, now, sent, value)
        case _:
            return ruling.verdict(Direction.RESPONSE, Action.DROP), None


# The same, compiled, where _judge.pyx was built and GATEKEEPER_PURE is not set. Coverage is measured without it.
try:
    from gatekeeper.enforcement import _judge
except ImportError:
    judge_all = judge_all_pure
else:  # pragma: no cover - what is measured is the pure form
    judge_all = _judge.judge_all

COMPILED = judge_all is not judge_all_pure
