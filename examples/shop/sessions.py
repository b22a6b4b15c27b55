"""Sessions on the server: a random id in a cookie, everything else in this process."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_SESSIONS = 5_000
IDLE_SECONDS = 2 * 60 * 60.0
MAX_ORDERS = 20


@dataclass(frozen=True)
class Order:
    number: str
    date: str
    cents: int


@dataclass
class Session:
    key: str
    seen: float
    user: str | None = None
    basket: dict[str, int] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)

    def remember(self, order: Order) -> None:
        self.orders = [order, *self.orders][:MAX_ORDERS]


class SessionStore:
    """At most ``maximum`` sessions, so that a flood cannot fill the memory; the one unused for longest goes first."""

    def __init__(self, maximum: int = MAX_SESSIONS, clock: Callable[[], float] = time.monotonic) -> None:
        self._maximum = maximum
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, key: str | None) -> Session | None:
        """The session of an id that this store gave out. An id of anybody else's making is never adopted."""
        session = self._sessions.get(key or "")
        if session is None:
            return None
        if self._clock() - session.seen > IDLE_SECONDS:
            self.drop(session)
            return None
        session.seen = self._clock()
        self._sessions.move_to_end(session.key)
        return session

    def create(self) -> Session:
        session = Session(secrets.token_urlsafe(24), self._clock())
        self._sessions[session.key] = session
        while len(self._sessions) > self._maximum:
            self._sessions.popitem(last=False)
        return session

    def rotate(self, session: Session) -> None:
        """A new id at login, so that an id planted before it is worth nothing after it."""
        self.drop(session)
        session.key = secrets.token_urlsafe(24)
        self._sessions[session.key] = session

    def drop(self, session: Session) -> None:
        self._sessions.pop(session.key, None)
