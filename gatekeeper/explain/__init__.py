"""What would happen to each cookie and why, without a server: for ``gatekeeper explain`` and ``gatekeeper consent``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatekeeper.audit.event import name_text, printable
from gatekeeper.consent.region import Region
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.response import Outcome
from gatekeeper.explain.choice import ExplainedChoice
from gatekeeper.policy.document import Mode, Policy
from gatekeeper.policy.verdict import Action, Direction, Reason, Verdict
from gatekeeper.wire.fields import FieldList

# What the words of a verdict and of a choice mean, for people.
_REASONS = {
    Reason.MALFORMED: "no browser would store it as it is",
    Reason.DELETION: "the app deletes it, and the gate does so in its place",
    Reason.REQUIRED: "the site needs it",
    Reason.GRANTED: "the visitor agreed",
    Reason.EXEMPT: "allowed until the visitor objects",
    Reason.UNDECIDED: "the visitor has not chosen yet",
    Reason.REFUSED: "the visitor said no",
    Reason.SIGNAL: "the browser's privacy signal says no",
    Reason.UNLISTED: "no rule names it",
    Reason.AMBIGUOUS: "some server would read another, blocked name in it",
    Reason.CONSENT_COOKIE: "it holds the visitor's choice",
    Reason.RENEWAL: "the browser has it already (renew = false)",
    Reason.OVERFLOW: "too many cookies on one response",
    Reason.FAULT: "the gate failed, and stayed closed",
}
_SIDES = {
    Direction.REQUEST: "The request: what the app gets to see",
    Direction.RESPONSE: "The response: what the browser gets to store",
}
_STYLES = {Action.PASS: "green", Action.DROP: "red", Action.REWRITE: "cyan", Action.EXPIRE: "yellow"}
_COLUMNS = ("action", "cookie", "category", "rule", "why")
_MOST = 4096  # characters of a cookie that are shown


@dataclass(frozen=True)
class Explanation:
    """A choice, and the outcomes for the cookies of one exchange."""

    choice: ExplainedChoice
    outcomes: tuple[Outcome, ...]

    def tables(self) -> Iterator[RenderableType]:
        """The verdicts for a terminal: one table for each direction; a field that leaves changed stands below, where
        it can be as long as it is.
        """
        for direction, title in _SIDES.items():
            outcomes = [one for one in self.outcomes if one[0].direction is direction]
            if not outcomes:
                continue
            yield Text(f"\n{title}", style="bold")
            table = Table(*_COLUMNS, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            for column in table.columns:
                column.overflow = "fold"
            for verdict, _ in outcomes:
                why = f"{verdict.reason.value}: {_REASONS[verdict.reason]}"
                cells = (name_text(verdict.cookie) or "(nameless)", verdict.category or "-", verdict.rule or "-", why)
                action = Text(_would(verdict) + verdict.action.value, style=_STYLES[verdict.action])
                table.add_row(action, *map(Text, cells))
            yield table
            for verdict, result in outcomes:
                if verdict.action in (Action.REWRITE, Action.EXPIRE) and result is not None and not _would(verdict):
                    field = printable(result.decode("utf-8", "backslashreplace"), _MOST)
                    yield Padding(Text.assemble("Set-Cookie: ", (field, _STYLES[verdict.action])), (0, 0, 0, 2))

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
                "result": None if result is None else result.decode("utf-8", "backslashreplace"),
            }
            for verdict, result in self.outcomes
        ]


def _would(verdict: Verdict) -> str:
    return "would " if verdict.mode is Mode.REPORT_ONLY and verdict.action is not Action.PASS else ""


def explain(
    policy: Policy,
    *,
    cookie_headers: Sequence[bytes],
    set_cookies: Sequence[bytes],
    host: bytes,
    path: str,
    gpc: bool,
    now: int,
    region: Region | None = None,
) -> Explanation:
    """Sends a made-up navigation through the gate. ``now`` in epoch seconds, ``path`` without the query."""
    policy = policy.within(region)
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
    cookies = tuple(gate.told(cookie_headers))
    consent = policy.consent
    found = gate.registry.read(cookies, now=now, max_age=consent.max_age, revision=consent.revision).found
    names = tuple(dict.fromkeys(name for name, _ in cookies))
    choice = ExplainedChoice(policy, reading.choice, reading.decisions.grant.allowed, found, names, now)
    return Explanation(choice, tuple(exchange.outcomes))
