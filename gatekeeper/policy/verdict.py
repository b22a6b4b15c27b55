"""What is decided on a cookie, and why."""

from dataclasses import dataclass, field
from enum import StrEnum

from gatekeeper.consent.grant import Grant, Standing
from gatekeeper.consent.readers.registry import Role
from gatekeeper.policy.document import Mode, OnRefusal, Policy, Rule, shortest
from gatekeeper.policy.matcher import Matcher


class Action(StrEnum):
    """What happens to one cookie."""

    PASS = "pass"  # noqa: S105 — no password, the name of an action
    DROP = "drop"
    REWRITE = "rewrite"
    EXPIRE = "expire"


class Reason(StrEnum):
    """Why it happens."""

    MALFORMED = "malformed"  # no browser would store it
    DELETION = "deletion"
    REQUIRED = "required"
    GRANTED = "granted"
    EXEMPT = "exempt"
    UNDECIDED = "undecided"
    REFUSED = "refused"
    SIGNAL = "signal"
    UNLISTED = "unlisted"
    AMBIGUOUS = "ambiguous"  # some server would read another, blocked name in the pair
    CONSENT_COOKIE = "consent-cookie"
    RENEWAL = "renewal"  # a re-issue under `renew = false`
    OVERFLOW = "overflow"  # more Set-Cookie fields than may leave on one response
    FAULT = "fault"  # the gate itself failed, and stayed closed


class Direction(StrEnum):
    """Which way the cookie travelled."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The decision on one cookie; holds its name and never its value.

    Compared by identity: the gate hands out the same verdict again for the same name, rule and outcome, so that
    counting repeats is cheap.
    """

    direction: Direction
    cookie: bytes
    category: str | None
    rule: str | None
    action: Action
    reason: Reason
    mode: Mode = Mode.ENFORCE
    # Whether what leaves by it rests on this visitor's choice, and must not be replayed to another.
    is_personal: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        unlisted = self.reason is Reason.UNLISTED or (self.reason is Reason.DELETION and self.category is None)
        # A deletion sent for what one visitor's browser holds must not be replayed to another, whatever the reason.
        for_everybody = self.action is not Action.EXPIRE and (unlisted or self.reason is Reason.REQUIRED)
        object.__setattr__(self, "is_personal", self.mode is Mode.ENFORCE and not for_everybody)


# A verdict, and the field value or pair that leaves (None: none does).
Outcome = tuple[Verdict, bytes | None]
Lives = tuple[int, Outcome | None, Verdict | None]


class Ruling:
    """What a grant means for one cookie-name, before any field is looked at. Hands out verdicts, each made once.

    ``passes_whole`` is the verdict on every well-formed Set-Cookie field of the name, where that leaves as it is;
    ``drops_whole`` the verdict on each that is no deletion, where that is dropped; ``strips_whole`` the verdict on
    every pair of the name in a Cookie field, where that goes. They are None where a field has to be looked at.
    ``passes_within`` is the verdict on a field that leaves as it is because its life is within the ``cap`` (seconds).

    ``dropped`` and ``stripped`` are the outcomes of the latter two, ready made for the hot path, where the rule is
    enforced and not only reported.

    ``lives`` is the gate's memory of the fields of this name: by their attributes (all that follows the first
    semicolon), a time in epoch seconds before which such a field surely is no deletion, and for that time ``dropped``
    and the verdict with which it passes as it is.
    """

    __slots__ = (
        "_verdicts",
        "allowed",
        "cap",
        "category",
        "dropped",
        "drops_whole",
        "lives",
        "mode",
        "name",
        "passes_whole",
        "passes_within",
        "reason",
        "renews",
        "rule",
        "stripped",
        "strips_whole",
    )

    def __init__(
        self,
        name: bytes,
        rule: Rule | None,
        *,
        allowed: bool,
        reason: Reason,
        mode: Mode,
        cap: int | None = None,
        renews: bool = True,
    ) -> None:
        self.name = name
        self.rule = rule
        self.category = rule.category if rule else None
        self.allowed = allowed
        self.reason = reason
        self.mode = mode
        self.cap = cap
        self.renews = renews
        self._verdicts: dict[str, Verdict] = {}
        self.lives: dict[bytes, Lives] = {}
        # A name with odd octets is remembered too, and its fields have to be looked at: most of them are malformed.
        # (A name with "=" or ";" comes from percent-decoding; in a field, those octets end what judge() takes for a
        # name.)
        parts = b"=" not in name and b";" not in name
        clean = bool(name) and parts and name.strip(b" ") == name and name.decode("latin-1").isprintable()
        dresses = rule is not None and rule.sets_attributes
        passes = clean and allowed and self.renews and not dresses and reason is not Reason.CONSENT_COOKIE
        whole = self.verdict(Direction.RESPONSE, Action.PASS) if passes else None
        self.passes_whole = whole if cap is None else None
        self.passes_within = whole if cap is not None else None
        drops = clean and not allowed and self.on_refusal is OnRefusal.DROP
        self.drops_whole = self.verdict(Direction.RESPONSE, Action.DROP) if drops else None
        strips = bool(name) and not allowed and self.on_refusal in (OnRefusal.DROP, OnRefusal.EXPIRE)
        self.strips_whole = self.verdict(Direction.REQUEST, Action.DROP) if strips else None
        self.dropped = self._outcome(self.drops_whole)
        self.stripped = self._outcome(self.strips_whole)

    def _outcome(self, verdict: Verdict | None) -> Outcome | None:
        return (verdict, None) if verdict is not None and self.mode is Mode.ENFORCE else None

    def verdict(self, direction: Direction, action: Action, reason: Reason | None = None) -> Verdict:
        """The verdict on a cookie of this name."""
        reason = reason or self.reason
        # An enum's own hash is computed in Python; this is the hot path of every blocked request cookie.
        key = f"{direction}{action}{reason}"
        verdict = self._verdicts.get(key)
        if verdict is None:
            pattern = self.rule.name if self.rule else None
            verdict = Verdict(direction, self.name, self.category, pattern, action, reason, self.mode)
            self._verdicts[key] = verdict
        return verdict

    @property
    def on_refusal(self) -> OnRefusal:
        """What happens to the cookie when it is not allowed."""
        return self.rule.on_refusal if self.rule else OnRefusal.DROP


def decide(
    name: bytes,
    *,
    host: str,
    path: str,
    policy: Policy,
    matcher: Matcher,
    grant: Grant,
    role: Role = Role.NONE,
) -> Ruling:
    """The ruling on a cookie-name (octets, empty for a nameless cookie) on a host (lower case, no port) and path.

    ``role`` of the name among the consent cookies: one that is but guessed passes as one where no rule names it.
    """
    mode = policy.enforcement.mode
    rule = matcher.find(name, host, path) if name else None
    if role is Role.CONSENT or (role is Role.GUESSED and rule is None):
        return Ruling(name, rule, allowed=True, reason=Reason.CONSENT_COOKIE, mode=mode)
    everywhere = policy.enforcement.max_age
    if rule is None:
        allowed = policy.enforcement.unlisted == "allow"
        return Ruling(name, None, allowed=allowed, reason=Reason.UNLISTED, mode=mode, cap=everywhere)
    standing = grant.of(rule.category, rule.consent)
    # What the site cannot do without lives as long as it has to: a sign-in that is to be remembered, for one.
    here, renews = grant.limits.get(rule.category, (None, True))
    cap = rule.max_age if standing is Standing.REQUIRED else shortest(rule.max_age, here, everywhere)
    return Ruling(
        name,
        rule,
        allowed=standing.allows,
        reason=Reason(standing.value),
        mode=rule.mode or mode,
        cap=cap,
        renews=rule.renew and renews,
    )
