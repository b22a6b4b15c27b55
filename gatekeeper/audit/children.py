"""What an object has to do in a forked child before anything else is done with it."""

import os
import weakref
from collections.abc import Callable


class InChildren:
    """Calls ``begin_anew`` in every forked child, as long as this object lives: its owner keeps it."""

    def __init__(self, begin_anew: Callable[[], None]) -> None:
        self.begin_anew = begin_anew
        _OWNED.add(self)


_OWNED: weakref.WeakSet[InChildren] = weakref.WeakSet()


def _after_fork() -> None:
    for one in tuple(_OWNED):
        one.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
