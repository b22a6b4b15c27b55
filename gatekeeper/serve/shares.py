"""How many connections each worker holds, for all of them to see: the next is for those who hold few."""

import mmap
from collections.abc import Callable
from typing import Any

# More connections than another worker has before new ones are left to that one. Without some, every other connection
# would wait for the one worker that happens to hold one less.
_SLACK = 8
_TAKES_NONE = 0xFFFFFFFF


class Shares:
    """A number for each worker in memory that they share; made before the workers are."""

    def __init__(self, workers: int) -> None:
        self._held = memoryview(mmap.mmap(-1, 4 * workers)).cast("I")
        self._free = [Share(self._held, slot) for slot in range(workers)]

    def take(self) -> "Share":
        """For a new worker; raises IndexError for more of them than was said."""
        return self._free.pop()

    def give_back(self, share: "Share") -> None:
        """Its worker is gone: nothing is to be left to it."""
        share.end()
        self._free.append(share)


class Share:
    """One worker's number, and those of the others."""

    def __init__(self, held: memoryview, slot: int) -> None:
        self._held = held
        self._slot = slot
        self._ended = 0
        self._then: Callable[[], None] | None = None
        self.end()

    def begin(self) -> None:
        """This worker takes connections from now on."""
        self._takes = True
        self.tell(0)

    def end(self) -> None:
        """It takes none any more."""
        self._takes = False
        self._held[self._slot] = _TAKES_NONE

    def tell(self, count: int) -> None:
        """This worker holds so many connections now."""
        if self._takes:
            self._held[self._slot] = count

    def tell_end(self, count: int) -> None:
        """One of them has ended, and this many are left."""
        self.tell(count)
        self._ended += 1
        then, self._then = self._then, None
        if then is not None:
            then()

    def room(self, count: int) -> int:
        """How many connections a worker that holds ``count`` may take before others should.

        In any case as many as have ended since it was asked last: where connections are short, every worker has enough
        to do, and to wait for another would be a waste of time.
        """
        self.tell(count)
        ended, self._ended = self._ended, 0
        return max(ended, int(min(self._held)) + _SLACK - count)

    def once_one_ends(self, then: Callable[[], None] | None) -> None:
        """``then`` is called once one of this worker's connections ends; None calls that off."""
        self._then = then


class Counted(set[Any]):
    """Connections that a worker holds, whose number it tells the others."""

    def __init__(self, share: Share) -> None:
        super().__init__()
        self._share = share

    def add(self, element: Any) -> None:
        """See set."""
        super().add(element)
        self._share.tell(len(self))

    def discard(self, element: Any) -> None:
        """See set."""
        super().discard(element)
        self._share.tell_end(len(self))
