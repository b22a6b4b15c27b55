"""What all connections of a process share: the hooks, the limits, the memory of lines, the routes, and the clock.

One look at all deadlines, a few times a second, takes the place of a timer for each exchange: to move a deadline is
then to set a number.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from gatekeeper.proxy.asgi import Receive, Scope, Send
from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.plane.hooks import Hooks
from gatekeeper.proxy.plane.lines import Lines
from gatekeeper.proxy.plane.pool import Pool
from gatekeeper.proxy.plane.response import Statuses
from gatekeeper.proxy.plane.routes import Route, Routes

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gatekeeper.proxy.plane.connection import Connection

_logger = logging.getLogger("gatekeeper.proxy")
_TICK = 0.25  # seconds; a deadline is kept to within two of them
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")

ASGIApp = Callable[[Scope, Receive, Send], "Awaitable[None]"]


class Plane:
    """The data plane in front of its upstreams. ``pages`` answers what lies below ``pages_prefix``, and a path
    of ``single_pages`` where that says so of the host."""

    def __init__(
        self,
        routes: Routes,
        hooks: Hooks,
        *,
        trusted: TrustedProxies,
        limits: Limits,
        pages: ASGIApp | None = None,
        pages_prefix: bytes = b"",
        single_pages: Mapping[bytes, Callable[[bytes | None], bool]] = MappingProxyType({}),
    ) -> None:
        self.hooks = hooks
        self.trusted = trusted
        self.limits = limits
        self.pages = pages
        self._pages_prefix = pages_prefix
        self._single_pages = single_pages
        # Asked for every request: whether its path may be a page's at all.
        self.pages_begin = (pages_prefix, *single_pages) if pages is not None else ()
        self.requests = Lines(hooks.watches_request, of_requests=True)
        self.responses = Lines(hooks.watches_response, of_requests=False)
        self.statuses = Statuses()
        self.routes = routes
        self._retired: list[Pool] = []
        self.visitors: set[Connection] = set()
        self.draining = False
        self.now = 0.0  # seconds of the loop's clock, as of the last tick
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        limited = (limits.head_timeout, limits.idle_timeout, limits.body_idle, limits.queue_wait)
        self._tick_time = min(_TICK, min(limited) / 4)

    def enter(self, visitor: "Connection", loop: asyncio.AbstractEventLoop) -> None:
        """A connection has been made."""
        self.visitors.add(visitor)
        if self._timer is None:
            self._loop = loop
            self._tick()

    def leave(self, visitor: "Connection") -> None:
        """A connection has ended."""
        self.visitors.discard(visitor)

    def is_page(self, path: bytes, host: bytes | None) -> bool:
        """Whether a path that begins like one of Gatekeeper's own pages is one, on this host."""
        answers = self._single_pages.get(path)
        return path.startswith(self._pages_prefix) if answers is None else answers(host)

    def route_of(self, host: bytes | None) -> Route | None:
        """The route of a host as it stands in a request."""
        return self.routes.of(host)

    def take(self, routes: Routes) -> None:
        """Other routes, from the next request on, of connections that are there already too. What is under way ends
        where it began: a pool to which no route leads any more is over with the last of it.
        """
        before, self.routes = self.routes, routes
        kept = set(routes.pools)
        for pool in before.pools:
            if pool not in kept:
                pool.retire()
                self._retired.append(pool)
        for pool in routes.pools:
            pool.now = self.now
        for visitor in self.visitors:
            visitor.reroute()

    def watch_anew(self) -> None:
        """The hooks watch others than before, from the next head on."""
        self.requests.forget()
        self.responses.forget()
        for visitor in self.visitors:
            visitor.reroute()

    def _tick(self) -> None:
        loop = self._loop
        if loop is None:
            return
        self.now = now = loop.time()
        self._timer = loop.call_later(self._tick_time, self._tick)
        for pool in self.routes.pools:
            pool.tick(now)
        if self._retired:
            self._retired = [pool for pool in self._retired if not pool.ends(now)]
        for visitor in [visitor for visitor in self.visitors if visitor.deadline <= now]:
            visitor.expired()

    def close(self) -> None:
        """Cuts off what is still under way, and ends the connections to the upstream."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = self._timer = None
        if self.visitors:
            _logger.error("exchanges still under way after server.drain, and cut off: %d", len(self.visitors))
        for visitor in list(self.visitors):
            visitor.cut_off()
        for pool in (*self.routes.pools, *self._retired):
            pool.close()


def tell(method: bytes, target: bytes, outcome: str, reason: str) -> None:
    """One line, without a field's value and without the query: either may hold what identifies a visitor."""
    path = target.partition(b"?")[0][:200].decode("latin-1")
    level = logging.INFO if outcome.startswith("4") else logging.WARNING
    _logger.log(
        level,
        "%s for %s %s: %s",
        outcome,
        _UNPRINTABLE.sub("?", method.decode("latin-1")),
        _UNPRINTABLE.sub("?", path),
        reason,
    )
