"""Which address of the upstream is tried next, and what of that is news: decisions alone, without clock or socket.

Times are readings of any clock that does not go back, in seconds.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Address = TypeVar("Address", bound=Hashable)

# How long what a name was looked up for is used before it is looked up again.
LOOKED_UP_FOR = 10.0
# An address that failed is passed over for the shortest rest, then twice as long each time, up to the longest.
SHORTEST_REST, LONGEST_REST = 1.0, 30.0
# After it was told that the upstream is back, so long nothing is told of its being down: an upstream that comes and
# goes with every connection is a pair of lines in this time, and not two for each connection.
QUIET = 5.0


@dataclass(slots=True)
class _Rest:
    until: float
    length: float
    tried: bool = False  # by one request, before the others


class Addresses(Generic[Address]):
    """The addresses of one name. Every one has its turn; who failed rests, and is tried last meanwhile.

    Last, and not never: when all of them rest there is nothing to lose.
    """

    def __init__(self) -> None:
        self._known: tuple[Address, ...] = ()
        self._known_until = float("-inf")
        self._resting: dict[Address, _Rest] = {}
        self._turn = -1

    def learn(self, addresses: Sequence[Address], now: float, *, valid: float = LOOKED_UP_FOR) -> None:
        """A look-up has given these. Those that were known already keep what is known of them."""
        self._known = tuple(dict.fromkeys(addresses))
        self._known_until = now + valid
        self._resting = {address: rest for address, rest in self._resting.items() if address in self._known}

    @property
    def known(self) -> tuple[Address, ...]:
        """What the last look-up gave."""
        return self._known

    def are_fresh(self, now: float) -> bool:
        """Whether they need not be looked up again."""
        return now < self._known_until

    def in_turn(self, now: float) -> tuple[Address, ...]:
        """All addresses, in the order in which one request should try them.

        The one whose rest has just ended comes first, for this request alone: others need not all find out with it.
        """
        if len(self._known) < 2:
            return self._known
        self._turn = (self._turn + 1) % len(self._known)
        rotated = self._known[self._turn :] + self._known[: self._turn]
        if not self._resting:
            return rotated
        up = [address for address in rotated if address not in self._resting]
        resting = sorted((rest.until, place) for place, rest in self._places(rotated))
        down = [rotated[place] for _, place in resting]
        if resting[0][0] <= now and up:
            tried = self._resting[down[0]]
            tried.until, tried.tried = now + tried.length, True
            return (down[0], *up, *down[1:])
        return (*up, *down)

    def _places(self, rotated: Sequence[Address]) -> list[tuple[int, _Rest]]:
        return [(place, rest) for place, one in enumerate(rotated) if (rest := self._resting.get(one)) is not None]

    def failed(self, address: Address, now: float) -> bool:
        """No connection to it could be made. Returns whether that is news."""
        rest = self._resting.get(address)
        if rest is None:
            self._resting[address] = _Rest(now + SHORTEST_REST, SHORTEST_REST)
        elif rest.tried or rest.until <= now:
            # Failures of others who were under way to it when its rest began do not make the rest longer.
            length = min(2 * rest.length, LONGEST_REST)
            self._resting[address] = _Rest(now + length, length)
        return rest is None

    def succeeded(self, address: Address) -> bool:
        """A connection to it was made. Returns whether that is news."""
        return self._resting.pop(address, None) is not None


class Health:
    """Whether the upstream as a whole is up; it is until the contrary is seen."""

    def __init__(self) -> None:
        self._told_down = False
        self._quiet_until = float("-inf")

    def failed(self, now: float) -> bool:
        """It could not be reached at all. Returns whether to tell so."""
        if self._told_down or now < self._quiet_until:
            return False
        self._told_down = True
        return True

    def succeeded(self, now: float) -> bool:
        """It was reached. Returns whether to tell so."""
        if not self._told_down:
            return False
        self._told_down = False
        self._quiet_until = now + QUIET
        return True
