"""Cookie fields on their way to the upstream: each pair goes on as it is, or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gatekeeper.cookies.grammar import WSP
from gatekeeper.cookies.request import CookiePair, is_token, mangled_names, parse_cookie, resumed_names, split_names
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.policy.document import Mode, OnRefusal
from gatekeeper.policy.verdict import Action, Direction, Outcome, Reason, Ruling, Verdict


@dataclass(slots=True)
class Sifted:
    """What became of a request's Cookie fields."""

    fields: list[bytes | None] = field(default_factory=list)  # in place of each field value; None for one left empty
    outcomes: list[Outcome] = field(default_factory=list)  # with the pair that stays
    blocked: dict[bytes, Ruling] = field(default_factory=dict)  # own names of pairs that are not allowed, in order


def sift(
    values: Iterable[bytes],
    decisions: Decisions,
    host: str,
    path: str,
    *,
    hides: bool = False,
    strips: bool = True,
    passes: bool = False,
) -> Sifted:
    """Takes out of the Cookie field values what is not allowed; pairs that stay keep their order and spelling.

    With ``hides``, the consent cookies go without a verdict: the upstream is not to see them. Without ``strips``, the
    others stay and are only noted as blocked. With ``passes``, what stays has a verdict too.
    """
    sifted = Sifted()
    may_skip = not hides and not passes
    for value in values:
        if may_skip and is_plain(value) and _is_all_known(value, decisions.sent_as_is):
            sifted.fields.append(value)
            continue
        pairs = parse_cookie(value)
        kept = [
            pair.raw
            for pair in pairs
            if not (hides and decisions.ruling(pair.name, host, path).reason is Reason.CONSENT_COOKIE)
            and _goes_on(pair, decisions, host, path, sifted, strips, passes)
        ]
        whole = len(kept) == len(pairs)
        sifted.fields.append(value if whole else b";".join(kept).lstrip(WSP) if kept else None)
    return sifted


def sift_known_pure(
    names: Iterable[bytes], pairs: Iterable[bytes], decisions: Decisions
) -> tuple[list[bytes], list[Outcome], dict[bytes, Ruling]] | None:
    """The short way for plain pairs whose names have all been seen: the pairs that stay, and for the others the
    outcomes and the rulings by name. None where a pair has to be looked at.
    """
    sent, rulings = decisions.sent_as_is, decisions.remembered
    kept: list[bytes] = []
    outcomes: list[Outcome] = []
    blocked: dict[bytes, Ruling] = {}
    for name, pair in zip(names, pairs):  # noqa: B905 — one list in two, and the keyword costs as much as a pair
        if name in sent:
            kept.append(pair)
            continue
        ruling = rulings.get(name)
        if ruling is None or ruling.stripped is None:
            return None
        outcomes.append(ruling.stripped)
        blocked[name] = ruling
    return kept, outcomes, blocked


def is_plain(value: bytes) -> bool:
    """Whether no parser finds a name in this Cookie field value but those behind ``;`` and before ``=``."""
    return (
        b"," not in value
        and b'"' not in value
        and b"\\" not in value
        and value.isascii()
        and value.decode("ascii").isprintable()
        and value.count(b" ") == value.count(b"; ")
    )


def _is_all_known(value: bytes, known: set[bytes]) -> bool:
    """The common case: every name has been seen, and may be sent wherever it occurs."""
    for segment in value.split(b";"):
        name, equals, _ = segment.partition(b"=")
        if not equals or name.strip(WSP) not in known:
            return False
    return True


def _goes_on(
    pair: CookiePair, decisions: Decisions, host: str, path: str, sifted: Sifted, strips: bool, passes: bool
) -> bool:
    obstacle = _obstacle(pair, decisions, host, path)
    if obstacle is None:
        if passes:
            ruling = decisions.ruling(pair.name, host, path)
            sifted.outcomes.append((ruling.verdict(Direction.REQUEST, Action.PASS), pair.raw.strip(WSP)))
        return True
    if strips:
        kept = pair.raw.strip(WSP) if obstacle.mode is not Mode.ENFORCE else None
        sifted.outcomes.append((_verdict(pair, obstacle), kept))
    if obstacle.mode is not Mode.ENFORCE:
        return True
    if pair.name and obstacle.name == pair.name:
        sifted.blocked[pair.name] = obstacle
    return not strips


def _verdict(pair: CookiePair, obstacle: Ruling) -> Verdict:
    of_the_name = (pair.name, *mangled_names(pair.name), *split_names(pair.name, b""))
    if obstacle.name in of_the_name:
        return obstacle.verdict(Direction.REQUEST, Action.DROP)
    # What looks like a name inside a value may be a part of it: the verdict holds the cookie's own.
    rule = obstacle.rule.name if obstacle.rule else None
    reason = Reason.AMBIGUOUS
    return Verdict(Direction.REQUEST, pair.name, obstacle.category, rule, Action.DROP, reason, obstacle.mode)


def _obstacle(pair: CookiePair, decisions: Decisions, host: str, path: str) -> Ruling | None:
    """What keeps the pair from the upstream."""
    inner = split_names(pair.name, pair.value)
    # ASP.NET Core begins anew behind white space before "=", and behind an octet that no name may hold.
    ordinary = is_token(pair.name) and pair.raw.strip(WSP) == pair.name + b"=" + pair.value
    doubtful = resumed_names(pair.value, begun=not ordinary)
    obstacle = decisions.first_obstacle((pair.name, *inner), doubtful, host, path)
    if obstacle is not None:
        return obstacle
    own = decisions.ruling(pair.name, host, path)
    if own.allowed:
        if not inner and not doubtful:
            decisions.remember_sent(pair.name)
        return None
    # The constant of { value = … } may be read; an older value under the same name may not.
    replaced = own.rule is not None and own.rule.on_refusal is OnRefusal.REPLACE
    return own if replaced and own.rule and pair.value != own.rule.replacement.encode() else None


# The same, compiled, where _judge.pyx was built and GATEKEEPER_PURE is not set. Coverage is measured without it.
try:
    from gatekeeper.enforcement import _judge
except ImportError:
    sift_known = sift_known_pure
else:  # pragma: no cover - what is measured is the pure form
    sift_known = _judge.sift_known
