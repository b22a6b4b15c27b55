"""Which upstream a request goes to, by its host.

A request is routed by its own host and by nothing that came before it on its connection. What is remembered is keyed by
the octets of the host as they came, so that a host in use is found with one look-up, and only another one is looked at.
"""

from collections.abc import Callable, Iterable

from gatekeeper.proxy.plane.pool import Connects, Pool
from gatekeeper.proxy.upstream import Upstream

# Hosts remembered with their routes, and octets of one. A visitor who makes up others only empties the table.
_HOSTS = 4096
_SHORT = 255


class Route:
    """One upstream as the plane asks it; hosts may share one. ``host_for`` makes the Host field that leaves of the one
    that came (None: it stays); ``read_timeout`` in seconds.
    """

    __slots__ = ("default_host", "host_for", "pool", "prefix", "read_timeout")

    def __init__(self, upstream: Upstream, connector: Connects) -> None:
        self.prefix = upstream.prefix
        self.host_for = None if upstream.host == "preserve" else upstream.host_for
        self.default_host = upstream.authority
        self.read_timeout = upstream.read_timeout
        self.pool = Pool(
            connector,
            most=upstream.max_connections,
            queue_wait=upstream.queue_timeout,
            idle=upstream.idle_timeout,
            most_head=upstream.max_head,
        )


class Routes:
    """The route of each host. ``find`` knows those of some hosts, in any spelling; all others have ``default``, None
    for no route at all. ``among`` are all that ``find`` may answer with.
    """

    def __init__(
        self,
        default: Route | None,
        find: Callable[[bytes], Route | None] | None = None,
        *,
        among: Iterable[Route] = (),
    ) -> None:
        self._default = default
        self._find = find
        self._known: dict[bytes, Route | None] = {}
        found = [route.pool for route in among]
        self.pools = tuple(dict.fromkeys(found if default is None else [default.pool, *found]))

    def of(self, host: bytes | None) -> Route | None:
        """The route of a host as it stands in a request. A request without one is for the default's own, by which it
        will be judged too.
        """
        default = self._default
        if self._find is None:
            return default
        if host is None:
            if default is None:
                return None
            host = default.default_host
        known = self._known
        if host in known:
            return known[host]
        route = self._find(host) or default
        if len(host) <= _SHORT:
            if len(known) >= _HOSTS:
                known.clear()
            known[host] = route
        return route
