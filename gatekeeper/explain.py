"""What would happen to each cookie and why, without a server: for ``gatekeeper explain`` and ``gatekeeper consent``."""

from collections.abc import Sequence
from dataclasses import dataclass

from gatekeeper.audit.event import name_text, rfc3339
from gatekeeper.consent.choice import Choice
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.response import Outcome
from gatekeeper.policy.document import Mode, Policy
from gatekeeper.wire.fields import FieldList


@dataclass(frozen=True)
class Explanation:
    """A choice and the outcomes for the cookies of one exchange."""

    policy: Policy
    choice: Choice
    allowed: frozenset[str]
    outcomes: tuple[Outcome, ...]

    def choice_object(self) -> dict[str, object]:
        """The choice as ``gatekeeper consent --json`` prints it."""
        choice = self.choice
        order = [category.id for category in self.policy.categories]
        return {
            "format": choice.format,
            "state": choice.state.value,
            "granted": [name for name in order if name in choice.granted],
            "refused": [name for name in order if name in choice.refused],
            "native": dict(choice.native),
            "given_at": None if choice.given_at is None else rfc3339(choice.given_at),
            "revision": choice.revision,
            "grant": [name for name in order if name in self.allowed],
        }

    def verdict_objects(self) -> list[dict[str, object]]:
        """The verdicts as ``gatekeeper explain --json`` prints them; ``result`` is the field or pair that leaves."""
        return [
            {
                "direction": verdict.direction.value,
                "cookie": name_text(verdict.cookie),
                "category": verdict.category,
                "rule": verdict.rule,
                "action": verdict.action.value,
                "reason": verdict.reason.value,
                "mode": verdict.mode.value,
                "result": None if result is None else result.decode("utf-8", "backslashreplace"),
            }
            for verdict, result in self.outcomes
        ]


def explain(
    policy: Policy,
    *,
    cookie_headers: Sequence[bytes],
    set_cookies: Sequence[bytes],
    host: bytes,
    path: str,
    gpc: bool,
    now: int,
) -> Explanation:
    """Sends a made-up navigation through the gate. ``now`` in epoch seconds, ``path`` without the query."""
    gate = Gate(policy, record_passes=True)
    exchange = Exchange(gate, method="GET", host=host, path=path, now=now)
    request: FieldList = ((b"host", host), (b"sec-fetch-mode", b"navigate"))
    request += tuple((b"cookie", value) for value in cookie_headers)
    request += ((b"sec-gpc", b"1"),) if gpc else ()
    exchange.request(request)
    exchange.response(200, tuple((b"set-cookie", value) for value in set_cookies))
    if exchange.fault is not None:
        raise exchange.fault
    reading = gate.reading(list(cookie_headers), signal=gpc and bool(policy.consent.gpc), now=now)
    allowed = reading.decisions.grant.allowed if policy.enforcement.mode is not Mode.OFF else frozenset[str]()
    return Explanation(policy, reading.choice, allowed, tuple(exchange.outcomes))
