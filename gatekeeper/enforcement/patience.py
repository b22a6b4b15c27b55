"""How deletions fare: a browser that does not drop a cookie is not asked for ever.

That a deletion was in vain is seen on the visitor's connection alone: the very same pairs come again behind a response
that deleted them. A connection keeps a number made of the pairs, not the pairs, and only while it is open. Beyond it
there is a count by cookie-name, and nothing of visitors.
"""

from collections.abc import Mapping

from gatekeeper.cookies.grammar import WSP
from gatekeeper.enforcement.scopes import Scope


class Trace:
    """What a connection keeps of a cookie-name: ``mark`` stands for the pairs that were to be deleted, ``done`` counts
    the places where they were, ``whole`` says that there is no other, ``vain`` that they came again all the same.
    """

    __slots__ = ("done", "mark", "vain", "whole")

    def __init__(self, mark: int) -> None:
        self.mark = mark
        self.done = 0
        self.whole = False
        self.vain = False


Asked = dict[bytes, Trace]

# Names that one connection keeps, and names that are counted. A visitor who makes up others only empties the table.
_MOST_ASKED = 64
_MOST_COUNTED = 1024
# Deletions in vain, and at least half of all, before fewer leave; how few in the end: one of so many.
_SOON = 3
_SELDOM = 32
_MEMORY = 64  # deletions, after which older ones count half: what has changed shows


class _Tally:
    """``asked`` counts deletions that were watched, ``vain`` those in vain, ``waited`` what was left out since then."""

    __slots__ = ("asked", "known", "told", "vain", "waited")

    def __init__(self, known: list[Scope]) -> None:
        self.known = known
        self.asked = 0
        self.vain = 0
        self.waited = 0
        self.told = False

    @property
    def is_stubborn(self) -> bool:
        return self.vain >= _SOON and 2 * self.vain >= self.asked


class Patience:
    """The counts of one gate: a new policy, which may say where a cookie lies, begins anew."""

    def __init__(self) -> None:
        self._tallies: dict[bytes, _Tally] = {}

    def is_due(self, name: bytes, known: list[Scope]) -> bool:
        """Whether a deletion of the name may leave. ``known`` is where it was learned to lie: with a change of that,
        what was in vain no longer counts.
        """
        tally = self._tallies.get(name)
        if tally is None or not tally.is_stubborn:
            return True
        if tally.known != known:
            self._tallies.pop(name, None)
            return True
        tally.waited += 1
        if tally.waited < min(2**tally.vain, _SELDOM):
            return False
        tally.waited = 0
        return True

    def note_asked(self, name: bytes, known: list[Scope]) -> None:
        """A deletion has left on a connection that is watched."""
        tally = self._tallies.get(name)
        if tally is None:
            if len(self._tallies) >= _MOST_COUNTED:
                self._tallies.clear()
            tally = self._tallies[name] = _Tally(known)
        tally.asked += 1
        if tally.asked >= _MEMORY:
            tally.asked //= 2
            tally.vain //= 2

    def note_vain(self, name: bytes) -> bool:
        """The deletion was in vain; whether it has just been found that the cookie does not go."""
        tally = self._tallies.get(name)
        if tally is None:
            return False
        tally.vain += 1
        news = tally.is_stubborn and not tally.told
        tally.told = tally.told or news
        return news


class Watch:
    """One request among those of its connection. ``asked`` is None where the connection is not known: there, nothing is
    found to be in vain.
    """

    __slots__ = ("_asked", "_marks", "_patience")

    def __init__(
        self, patience: Patience, asked: Asked | None, cookies: list[bytes], names: Mapping[bytes, object]
    ) -> None:
        self._patience = patience
        self._asked = asked
        self._marks = {} if asked is None else _marks(cookies, names)

    def look(self) -> list[bytes]:
        """Names that have just been found not to go, as their pairs have come again."""
        asked, found = self._asked or {}, []
        for name, mark in self._marks.items():
            trace = asked.get(name)
            if trace is not None and trace.mark == mark and trace.whole and not trace.vain:
                trace.vain = True
                if self._patience.note_vain(name):
                    found.append(name)
        return found

    @property
    def keeps(self) -> bool:
        """Whether it is known what this connection was sent."""
        return self._asked is not None

    def done(self, name: bytes) -> int:
        """In how many places the pairs that came were to be deleted already."""
        trace = self._trace(name)
        return 0 if trace is None else trace.done

    def is_due(self, name: bytes, known: list[Scope]) -> bool:
        """Whether a deletion of the name may leave; of the same pairs, one in each place is enough for a connection."""
        trace = self._trace(name)
        if trace is not None:
            return not trace.whole
        return self._asked is None or self._patience.is_due(name, known)

    def note(self, name: bytes, known: list[Scope], count: int, *, of: int) -> None:
        """So many deletions leave, of so many places that there are."""
        asked, mark = self._asked, self._marks.get(name)
        if asked is None or mark is None:
            return
        trace = self._trace(name)
        if trace is None:
            if len(asked) >= _MOST_ASKED:
                asked.clear()
            trace = asked[name] = Trace(mark)
        trace.done += count
        if trace.done >= of:
            trace.whole = True
            self._patience.note_asked(name, known)

    def _trace(self, name: bytes) -> Trace | None:
        """What is kept of the very pairs that came."""
        trace = self._asked.get(name) if self._asked is not None else None
        return trace if trace is not None and trace.mark == self._marks.get(name) else None


def _marks(cookies: list[bytes], names: Mapping[bytes, object]) -> dict[bytes, int]:
    """For each of the names a number that is the same for the same pairs, in these Cookie field values."""
    marks: dict[bytes, int] = {}
    for value in cookies:
        for segment in value.split(b";"):
            name = segment.partition(b"=")[0].strip(WSP)
            if name in names:
                marks[name] = hash((marks.get(name), segment.strip(WSP)))
    return marks
