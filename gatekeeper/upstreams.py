"""The upstreams that settings name, as the data plane takes them: the top level's, and one for each site that has its
own.

Sites with the same settings share one, and its connections: it is one app to them, which is asked with as many at once
as those settings allow. The host of a request decides which upstream it goes to, and its policy, by the same look.
"""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from gatekeeper.cookies.scope import canonical_host
from gatekeeper.errors import GatekeeperError
from gatekeeper.policy.schema import Problem, quoted
from gatekeeper.policy.sites import ByHost
from gatekeeper.proxy import Upstream
from gatekeeper.proxy.plane.connector import Connector
from gatekeeper.proxy.plane.routes import Route, Routes
from gatekeeper.proxy.upstream import tls_of
from gatekeeper.settings import Server, Settings, UpstreamSettings

_WITHOUT_SCHEME = re.compile(r"[A-Za-z0-9.\-]+:[0-9]{1,5}(/.*)?|localhost")
_WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 — compared with, not listened on

# The route of each upstream that is asked.
Asked = Mapping[Upstream, Route]


def upstream_of(chosen: UpstreamSettings) -> Upstream:
    """Where an app is; raises :class:`GatekeeperError` for settings that cannot be used."""
    return Upstream(
        chosen.url,
        host=chosen.host,
        connect_timeout=chosen.connect_timeout,
        read_timeout=chosen.read_timeout,
        max_connections=chosen.max_connections,
        ca_file=chosen.ca or None,
        client_cert=chosen.certificate or None,
        client_key=chosen.key or None,
        verify=chosen.verify,
        queue_timeout=chosen.queue_timeout,
        idle_timeout=chosen.idle_timeout,
        max_head=chosen.max_head,
    )


# --- as routes -------------------------------------------------------------------------------------------------------


def routes_of(settings: Settings, before: Asked) -> tuple[Routes, Asked]:
    """The routes of all hosts, and each by its upstream. One that is among those of ``before`` goes on with the
    connections that it has.

    Raises :class:`GatekeeperError` for certificates that do not serve.
    """
    asked: dict[Upstream, Route] = {}
    tls = _shared_tls()

    def route_of(chosen: UpstreamSettings) -> Route:
        upstream = upstream_of(chosen)
        route = asked.get(upstream) or before.get(upstream) or Route(upstream, Connector(upstream, tls))
        return asked.setdefault(upstream, route)

    default = route_of(settings.upstream) if settings.serves_others else None
    sites = list(zip(settings.policy.sites, map(route_of, settings.upstreams), strict=True))
    if all(route is default for _, route in sites):
        return Routes(default), asked
    by_host = ByHost((host, route) for site, route in sites for host in site.hosts)
    return Routes(default, lambda host: by_host.find(canonical_host(host)), among=asked.values()), asked


def _shared_tls() -> Callable[[Upstream], ssl.SSLContext | None]:
    """Contexts, one for all upstreams that are trusted by the same files: to load the usual authorities takes 20 ms."""
    made: dict[tuple[object, ...], ssl.SSLContext | None] = {}

    def tls(upstream: Upstream) -> ssl.SSLContext | None:
        files = (upstream.ca_file, upstream.client_cert, upstream.client_key)
        key = (upstream.origin.scheme, upstream.verify, *files)
        if key not in made:
            made[key] = tls_of(upstream)
        return made[key]

    return tls


# --- as the operator wrote them --------------------------------------------------------------------------------------


def problems_of_upstreams(settings: Settings) -> Iterator[Problem]:
    """What makes an upstream unusable, but for what its files hold."""
    for path, chosen in settings.asked:
        yield from _problems_of(path, chosen, settings.server)


def _problems_of(path: str, chosen: UpstreamSettings, server: Server) -> Iterator[Problem]:
    url = chosen.url
    try:
        upstream_of(chosen)
    except GatekeeperError as fault:
        key, _, what = str(fault).partition(": ")
        if key == "upstream.url":
            hint = f"; did you mean {quoted('http://' + url)}?" if _WITHOUT_SCHEME.fullmatch(url) else ""
            what = f"{quoted(url)} cannot be used: {what}{hint}"
        yield Problem(path + key.removeprefix("upstream"), what)
        return
    if not url.isprintable():
        yield Problem(f"{path}.url", f"{quoted(url)} cannot be an address")
    elif _is_itself(url, server):
        yield Problem(f"{path}.url", f"{quoted(url)} is where Gatekeeper itself listens; the app needs another address")


def _is_itself(url: str, server: Server) -> bool:
    """Whether a request to the upstream would come back here, and again, without end."""
    if server.unix_path is not None:
        return url == server.listen
    host, port = server.address
    parts = urlsplit(url)
    if parts.hostname is None or port != (parts.port or {"http": 80, "https": 443}.get(parts.scheme)):
        return False
    here = ("127.0.0.1", "localhost")
    return host == parts.hostname or (
        parts.hostname in (*here, "::1") and (host in _WILDCARDS or {host, parts.hostname} == set(here))
    )
