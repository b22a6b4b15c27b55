"""One verdict as an event: names, never values, in text that cannot forge another line."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from gatekeeper.consent.choice import State
from gatekeeper.policy.document import Mode
from gatekeeper.policy.verdict import Action, Direction, Ruling, Verdict

MAX_NAME = 128
MAX_PATH = 512

_EVENTS = {
    Action.REWRITE: "cookie.rewritten",
    Action.EXPIRE: "cookie.expired",
    Action.PASS: "cookie.passed",
}
_TOLD = {State.DECIDED: "decided", State.NOT_REQUIRED: "decided", State.STALE: "stale"}


@dataclass(frozen=True, slots=True)
class Context:
    """The exchange that a verdict fell in. ``path`` holds no query, ``status`` is None where no response came."""

    site: str
    method: str
    host: str
    path: str
    status: int | None
    state: State
    format: str | None
    revision: int | None


_PARAMETERS = re.compile(r";[^/]*")


def event_name(verdict: Verdict) -> str:
    """The kind of event that a verdict is."""
    if verdict.action is Action.DROP:
        return "cookie.stripped" if verdict.direction is Direction.REQUEST else "cookie.blocked"
    return _EVENTS[verdict.action]


def as_object(verdict: Verdict, context: Context, *, time: float, count: int = 1) -> dict[str, object]:
    """The event as the object that one log line holds. ``time`` in epoch seconds; ``count`` of equal verdicts since the
    line before.
    """
    would = "would-" if verdict.mode is Mode.REPORT_ONLY else ""
    event: dict[str, object] = {
        "time": rfc3339(time),
        "event": event_name(verdict),
        "mode": verdict.mode.value,
        "cookie": name_text(verdict.cookie),
        "category": verdict.category,
        "rule": verdict.rule,
        "reason": verdict.reason.value,
        "action": would + verdict.action.value,
        "direction": verdict.direction.value,
        "site": context.site,
        "method": printable(context.method, 32),
        "host": printable(context.host, 255),
        # "/shop;jsessionid=…": a path parameter may be a session's very key.
        "path": printable(_PARAMETERS.sub("", context.path), MAX_PATH),
        "status": context.status,
        "choice": _TOLD.get(context.state, "undecided"),
        "format": context.format,
        "revision": context.revision,
    }
    if count > 1:
        event["count"] = count
    return event


def stubborn(ruling: Ruling, *, site: str, host: str, time: float) -> dict[str, object]:
    """The event that browsers do not drop a refused cookie when they are asked to; ``time`` in epoch seconds."""
    rule = ruling.rule
    if rule is None:
        hint = "its domain and path are not known: write a rule for it with domain and path"
    elif rule.domain is None and rule.path is None:
        hint = "its domain and path are not known: say domain and path in its rule"
    else:
        hint = "it is not where the rule's domain and path say, or a script writes it back"
    return {
        "time": rfc3339(time),
        "event": "cookie.stubborn",
        "cookie": name_text(ruling.name),
        "category": ruling.category,
        "rule": rule.name if rule is not None else None,
        "site": site,
        "host": printable(host, 255),
        "hint": hint,
    }


def as_line(event: dict[str, object]) -> bytes:
    """One line of JSON in ASCII: whatever a name holds, it ends where the line ends."""
    return json.dumps(event, ensure_ascii=True, separators=(", ", ": ")).encode("ascii") + b"\n"


def rfc3339(time: float) -> str:
    """A moment in epoch seconds, in UTC with milliseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def name_text(name: bytes) -> str:
    """A cookie-name for people: at most 128 octets, what is not printable escaped."""
    return printable(name[:MAX_NAME].decode("utf-8", "backslashreplace"), 4 * MAX_NAME)


def printable(text: str, limit: int) -> str:
    """Text in which control characters, line separators and direction marks are escaped."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
