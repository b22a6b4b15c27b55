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
    """Writes readable events to a console.

    ``categories`` are the ids that a pasted rule may name; ``preset_of`` tells which shipped preset knows a
    cookie-name, if one does.
    """

    def __init__(
        self,
        console: Console,
        categories: Callable[[], Sequence[str]],
        preset_of: Callable[[str], str | None] = lambda name: None,
    ) -> None:
        self._console = console
        self._categories = categories
        self._preset_of = preset_of
        self._suggested: set[str] = set()

    def write(self, event: dict[str, object]) -> None:
        """Prints one event; for the first of an unlisted cookie, the rule to paste."""
        kind = str(event["event"])
        clock = (str(event["time"])[11:19], "dim")
        if kind == "consent.recognised":
            cookie, name = str(event["cookie"]), (str(event["format"]), "bold")
            self._print(clock, "  ", ("recognised", "green"), " ", name, f"  (consent cookie {cookie})")
            return
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
        preset = self._preset_of(cookie)
        hint = f" The preset {preset} knows it: add it to presets. Or" if preset else ""
        self._print(
            "          ",
            ("No rule names it.", "yellow"),
            f"{hint} {'paste' if hint else 'Paste'} this, with the right one of {', '.join(ids)}:\n"
            f"              [[cookie]]\n"
            f'              name = "{quoted}"\n'
            # The last, not the first: a rule that is pasted unread must not let a tracker pass unasked.
            f'              category = "{ids[-1]}"\n'
            f'              purpose = ""',
        )

    def _print(self, *parts: str | tuple[str, str]) -> None:
        # As Text and not as markup: a name may look like markup, or like an emoji.
        self._console.print(Text.assemble(*parts), soft_wrap=True)
