"""Connections to the upstream: kept while they are sound, given out last in first out, never more than the limit.

A visitor gets an idle connection, or a new one, or, where there are as many as may be, the next that becomes free. One
that waits longer than the limits say is answered with 503.

An answer that told of a body it must not have (HEAD, 204, 304) is sometimes followed by that body all the same. Its
connection rests for a moment before another request is sent on it: octets that come then belong to nobody, and end
it.
"""

import asyncio
import logging
import select
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from gatekeeper.proxy.plane.upstream import UpstreamConnection
from gatekeeper.proxy.upstream import UpstreamError

if TYPE_CHECKING:
    from gatekeeper.proxy.plane.visitor import Visitor

_logger = logging.getLogger("gatekeeper.proxy")
_RETRY_AFTER = 1  # seconds


class Connects(Protocol):
    """What makes the connections: :class:`gatekeeper.proxy.plane.connector.Connector`."""

    async def connect(self, factory: Any) -> Any:
        """A connected protocol made by ``factory``; raises :class:`UpstreamError`."""


class Pool:
    """All connections of this process to one upstream. Times in seconds of the loop's clock."""

    def __init__(
        self, connector: Connects, *, most: int, queue_wait: float, idle: float, most_head: int, now: float = 0.0
    ) -> None:
        self.connector = connector
        self.now = now
        self.most_head = most_head
        self._most = most
        self._queue_wait = queue_wait
        self._idle_time = idle
        self._count = 0
        self._idle: dict[UpstreamConnection, float] = {}
        self._resting: dict[UpstreamConnection, float] = {}
        self._waiting: dict[Visitor, float] = {}
        self._connecting: dict[Visitor, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def take(self, careful: bool) -> UpstreamConnection | None:
        """An idle connection; with ``careful``, one that has not been ended meanwhile as far as this machine knows: a
        request that cannot be repeated should not meet its end.
        """
        idle = self._idle
        while idle:
            connection, _ = idle.popitem()
            if not connection.is_closing() and not (careful and _has_news(connection)):
                return connection
            connection.abort()
        return None

    def ask(self, visitor: "Visitor") -> None:
        """A connection for this visitor as soon as there is one; it is told by ``connected`` or ``failed``."""
        if self._count < self._most:
            self._connecting[visitor] = self._begin(self._connect(visitor))
            self._count += 1
        else:
            self._waiting[visitor] = self.now + self._queue_wait
            if self._resting:
                # Its place is free as soon as it has ended.
                self._resting.popitem()[0].abort()

    def forget(self, visitor: "Visitor") -> None:
        """The visitor is gone; a connection that is being made for it will be another's."""
        self._waiting.pop(visitor, None)
        self._connecting.pop(visitor, None)

    def give_back(self, connection: UpstreamConnection, rests: bool) -> None:
        """A connection whose exchange is over in good order."""
        if not (rests or self._waiting or self._closed):
            self._idle[connection] = self.now
        elif self._closed or (rests and self._waiting):
            connection.abort()
        elif rests:
            self._resting[connection] = self.now
        else:
            visitor = next(iter(self._waiting))
            del self._waiting[visitor]
            visitor.connected(connection)

    def gone(self, connection: UpstreamConnection) -> None:
        """A connection has ended."""
        self._idle.pop(connection, None)
        self._resting.pop(connection, None)
        self._count -= 1
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and self._count < self._most and not self._closed:
            visitor = next(iter(self._waiting))
            del self._waiting[visitor]
            self.ask(visitor)

    def tick(self, now: float) -> None:
        """Ends what has waited, or has been idle, too long."""
        before, self.now = self.now, now
        if not (self._idle or self._waiting or self._resting):
            return
        for visitor in [visitor for visitor, until in self._waiting.items() if until <= now]:
            del self._waiting[visitor]
            visitor.failed(
                UpstreamError("all connections to it were in use for too long", status=503, retry_after=_RETRY_AFTER)
            )
        for connection in [one for one, since in self._idle.items() if now - since > self._idle_time]:
            connection.abort()
        # A whole tick of rest: what was on its way has arrived.
        rested = [one for one, since in self._resting.items() if since < before]
        for connection in rested:
            if self._resting.pop(connection, None) is not None:
                self.give_back(connection, False)

    def retire(self) -> None:
        """Nobody new will ask: who has asked is served, and no connection is kept any more."""
        self._idle_time = -1.0

    def ends(self, now: float) -> bool:
        """A tick of a retired pool; whether it is over."""
        self.tick(now)
        return not (self._count or self._waiting)

    def close(self) -> None:
        """Ends the connections that nobody uses; those in use end with their exchange."""
        self._closed = True
        for connection in [*self._idle, *self._resting]:
            connection.abort()
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _connect(self, visitor: "Visitor") -> None:
        failure = None
        connection: UpstreamConnection | None = None
        try:
            connection = await self.connector.connect(lambda: UpstreamConnection(self))
        except UpstreamError as error:
            failure = error
        except Exception as error:
            _logger.exception("connecting to the upstream failed")
            failure = UpstreamError(f"the connection to it failed: {type(error).__name__}")
        wanted = self._connecting.pop(visitor, None) is not None
        if connection is None:
            self._count -= 1
            if wanted and failure is not None:
                visitor.failed(failure)
            self._serve_waiting()
        elif wanted and not connection.is_closing():
            visitor.connected(connection)
        elif wanted:
            visitor.failed(UpstreamError("it ended the connection at once"))
        else:
            self.give_back(connection, False)


def _has_news(connection: UpstreamConnection) -> bool:
    """Whether octets or the end of the connection wait to be read; before a response neither is good news."""
    poll = select.poll()
    poll.register(connection.fileno, select.POLLIN)
    return bool(poll.poll(0))
