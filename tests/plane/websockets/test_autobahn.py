"""What of the Autobahn test suite's reports fails ``tests.plane.websockets.autobahn``."""

import pytest

from tests.plane.websockets.autobahn import Outcome, worse

FINE = Outcome("OK", "OK")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FINE, Outcome("FAILED", "OK")),
        (FINE, Outcome("OK", "UNCLEAN")),
        (FINE, Outcome("UNIMPLEMENTED", "OK")),
        (Outcome("NON-STRICT", "OK"), Outcome("OK", "WRONG CODE")),
        (Outcome("FAILED", "OK"), Outcome("FAILED", "FAILED BY CLIENT")),
        (FINE, None),
    ],
)
def test_a_case_that_ends_worse_through_the_gate_is_named(before: Outcome, after: Outcome | None) -> None:
    (found,) = worse({"1.1": FINE, "2.1": before}, {"1.1": FINE} | ({} if after is None else {"2.1": after}))
    assert found.startswith("2.1: ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FINE, FINE),
        (FINE, Outcome("NON-STRICT", "OK")),
        (Outcome("FAILED", "WRONG CODE"), Outcome("FAILED", "WRONG CODE")),
        (Outcome("FAILED", "UNCLEAN"), FINE),
        (Outcome("INFORMATIONAL", "INFORMATIONAL"), FINE),
    ],
)
def test_a_case_that_ends_as_it_does_without_the_gate_is_not(before: Outcome, after: Outcome) -> None:
    assert worse({"2.1": before}, {"2.1": after}) == []
