"""The log as a person at a terminal reads it: short lines, and the rule to paste when a cookie turns up that no rule
names.
"""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape

_COLOURS = {
    "cookie.blocked": "red",
    "cookie.stripped": "magenta",
    "cookie.expired": "yellow",
    "cookie.rewritten": "cyan",
    "cookie.passed": "green",
}
_VERBS = {
    ("cookie.blocked", False): "blocked",
    ("cookie.stripped", False): "stripped",
    ("cookie.expired", False): "expired",
    ("cookie.rewritten", False): "rewritten",
    ("cookie.passed", False): "passed",
    ("cookie.blocked", True): "would block",
    ("cookie.stripped", True): "would strip",
    ("cookie.expired", True): "would expire",
    ("cookie.rewritten", True): "would rewrite",
    ("cookie.passed", True): "passed",
}


class TerminalSink:
    """Writes readable events to a console. ``categories`` are the ids that a pasted rule may name."""

    def __init__(self, console: Console, categories: Callable[[], Sequence[str]]) -> None:
        self._console = console
        self._categories = categories
        self._suggested: set[str] = set()

    def write(self, event: dict[str, object]) -> None:
        """Prints one event; for the first of an unlisted cookie, the rule to paste."""
        kind = str(event["event"])
        clock = str(event["time"])[11:19]
        if kind not in _COLOURS:
            detail = ", ".join(f"{key} {value}" for key, value in event.items() if key not in ("time", "event", "site"))
            self._console.print(f"[dim]{clock}[/]  [bold red]{escape(kind)}[/]  {escape(detail)}", highlight=False)
            return
        verb = _VERBS[kind, event["mode"] == "report-only"]
        cookie = str(event["cookie"]) or "(nameless)"
        why = f"{event['category']}, {event['reason']}" if event["category"] else str(event["reason"])
        times = f"  ×{event['count']}" if "count" in event else ""
        where = f"{event['method']} {event['host']}{event['path']}"
        self._console.print(
            f"[dim]{clock}[/]  [{_COLOURS[kind]}]{verb:<9}[/]  [bold]{escape(cookie)}[/]  ({escape(why)}){times}  "
            f"[dim]{escape(where)}[/]",
            highlight=False,
            soft_wrap=True,
        )
        if event["reason"] == "unlisted" and cookie not in self._suggested and len(self._suggested) < 1000:
            self._suggested.add(cookie)
            self._suggest(cookie)

    def reopen(self) -> None:
        """A terminal needs no reopening."""

    def _suggest(self, cookie: str) -> None:
        quoted = cookie.replace("\\", "\\\\").replace('"', '\\"')
        ids = list(self._categories())
        self._console.print(
            f"          [yellow]No rule names it.[/] Paste this, with the right one of {escape(', '.join(ids))}:\n"
            f"              {escape('[[cookie]]')}\n"
            f'              name = "{escape(quoted)}"\n'
            f'              category = "{escape(ids[0])}"\n'
            f'              purpose = ""',
            highlight=False,
            soft_wrap=True,
        )
