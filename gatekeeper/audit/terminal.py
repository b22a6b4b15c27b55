"""The log as a person at a terminal reads it: short lines, and the rule to paste when a cookie turns up that no rule
names.
"""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

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
        clock = (str(event["time"])[11:19], "dim")
        if kind not in _COLOURS:
            detail = ", ".join(f"{key} {value}" for key, value in event.items() if key not in ("time", "event", "site"))
            self._print(clock, "  ", (kind, "bold red"), f"  {detail}")
            return
        verb = _VERBS[kind, event["mode"] == "report-only"]
        cookie = str(event["cookie"])
        why = f"{event['category']}, {event['reason']}" if event["category"] else str(event["reason"])
        times = f"  ×{event['count']}" if "count" in event else ""
        where = f"{event['method']} {event['host']}{event['path']}"
        name = (cookie or "(nameless)", "bold")
        self._print(clock, "  ", (f"{verb:<9}", _COLOURS[kind]), "  ", name, f"  ({why}){times}  ", (where, "dim"))
        if event["reason"] == "unlisted" and cookie and cookie not in self._suggested and len(self._suggested) < 1000:
            self._suggested.add(cookie)
            self._suggest(cookie)

    def reopen(self) -> None:
        """A terminal needs no reopening."""

    def _suggest(self, cookie: str) -> None:
        quoted = cookie.replace("\\", "\\\\").replace('"', '\\"')
        ids = list(self._categories())
        self._print(
            "          ",
            ("No rule names it.", "yellow"),
            f" Paste this, with the right one of {', '.join(ids)}:\n"
            f"              [[cookie]]\n"
            f'              name = "{quoted}"\n'
            f'              category = "{ids[0]}"\n'
            f'              purpose = ""',
        )

    def _print(self, *parts: str | tuple[str, str]) -> None:
        # As Text and not as markup: a name may look like markup, or like an emoji.
        self._console.print(Text.assemble(*parts), soft_wrap=True)
