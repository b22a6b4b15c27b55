"""``docs/log.md`` against the events that are written."""

import json
import re

from gatekeeper.audit.event import Context, as_object
from gatekeeper.consent.choice import State
from gatekeeper.policy.document import Mode
from gatekeeper.policy.verdict import Action, Direction, Reason, Verdict
from tests.docs.pages import ROOT, blocks, rows

PAGE = ROOT / "docs" / "log.md"
CONTEXT = Context("default", "GET", "example.org", "/", 200, State.ABSENT, None, None)


def _told(heading: str) -> list[str]:
    """The words in the first column of the table under a heading."""
    return [
        word for row in rows(PAGE) if row.headings[-1] == heading for word in re.findall(r"`([\w.-]+)`", row.cells[0])
    ]


def _event(action: Action, direction: Direction = Direction.RESPONSE) -> dict[str, object]:
    verdict = Verdict(direction, b"_ga", "analytics", "_ga", action, Reason.UNDECIDED, Mode.ENFORCE)
    return as_object(verdict, CONTEXT, time=0, count=2)


def test_every_field_of_an_event_is_told_in_its_order() -> None:
    assert _told("Fields") == list(_event(Action.DROP))


def test_the_example_is_such_an_event() -> None:
    example = json.loads(blocks(PAGE, "json")[0].text)
    assert [*example, "count"] == list(_event(Action.DROP))


def test_every_kind_of_event_is_told() -> None:
    kinds = {_event(action)["event"] for action in Action} | {_event(Action.DROP, Direction.REQUEST)["event"]}
    code = "".join(path.read_text("utf-8") for path in (ROOT / "gatekeeper" / "audit").glob("*.py"))
    own = set(re.findall(r'"((?:gate|log|cookie|consent)\.[a-z]+)"', code))
    assert own >= {"gate.fault", "log.lost", "cookie.stubborn", "consent.recognised"}
    assert set(_told("Events")) == kinds | own


def test_every_reason_is_told() -> None:
    assert set(_told("Reasons")) == {reason.value for reason in Reason}
