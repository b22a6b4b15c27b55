"""How much of it: a short form in every run of the tests, and the whole with GATEKEEPER_SOAK=1 (``make soak``)."""

import os
from typing import TypeVar

T = TypeVar("T")
FULL = os.environ.get("GATEKEEPER_SOAK") == "1"


def sized(short: T, full: T) -> T:
    """The one that holds in this run."""
    return full if FULL else short
