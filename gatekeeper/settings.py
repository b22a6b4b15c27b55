"""One frozen value from the file, the environment and the command line; the later outweighs the former."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast

from gatekeeper.consent.region import Regions
from gatekeeper.policy.document import Consent, Enforcement, Page, Policy
from gatekeeper.policy.load import Presets, build_policy
from gatekeeper.policy.load_site import Above
from gatekeeper.policy.presets import ESSENTIAL
from gatekeeper.policy.schema import EnvironmentText, PolicyError, Problem, Table, did_you_mean, merged, quoted

_PREFIX = "GATEKEEPER_"
# Only these may be set without "__": an orchestrator adds names of its own, such as GATEKEEPER_SERVICE_HOST beside a
# service "gatekeeper".
_TOP_LEVEL_LISTS = ("presets", "category", "cookie", "region")
_TABLES = ("server", "upstream", "consent", "enforcement", "log", "page", "regions")
# Whoever stands down means all sites.
_MODE = "enforcement.mode"
_COMMAND_LINE = "set on the command line"
_ORIGIN = re.compile(rf"\(({_COMMAND_LINE}|set by {_PREFIX}\w+)\)$")
# Gatekeeper's own pages lie below it: segments without anything to encode or to resolve, and never the whole site.
_PAGES = re.compile(r"(/(?!\.{1,2}/)[A-Za-z0-9._~\-]+)+/")
_PAGES_FORM = 'is no prefix of paths; write "/.well-known/gatekeeper/", or "" for no pages at all'
# Octets. Below the least, browsers' own fields do not fit; the most is what one connection may make us hold.
_LEAST_HEAD, _MOST_HEAD = 4096, 1024 * 1024
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]*):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Server:
    """The ``[server]`` table; ``drain`` and timeouts in seconds, ``max_head`` in octets."""

    listen: str = "127.0.0.1:8080"
    workers: int = 1
    trusted_proxies: tuple[str, ...] = ()
    drain: int = 30
    certificate: str = ""
    key: str = ""
    proxy_protocol: bool = False
    pages: str = "/.well-known/gatekeeper/"
    head_timeout: int = 10
    body_timeout: int = 60
    idle_timeout: int = 65
    tunnel_timeout: int = 3600
    max_head: int = 65536
    max_fields: int = 200
    state: str = ""
    unknown_host: Literal["default", "refuse"] = "default"

    @property
    def unix_path(self) -> str | None:
        """The path of a unix socket, or None for TCP."""
        return self.listen.removeprefix("unix:") if self.listen.startswith("unix:") else None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; an empty host means every address."""
        match = _LISTEN.fullmatch(self.listen)
        if match is None:
            return "", 0
        return match["host"].strip("[]"), int(match["port"])


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """The ``[upstream]`` table; timeouts in seconds, ``max_head`` in octets."""

    url: str = "http://127.0.0.1:8000"
    host: str = "preserve"
    connect_timeout: int = 5
    read_timeout: int = 60
    idle_timeout: int = 60
    queue_timeout: int = 5
    max_connections: int = 256
    max_head: int = 131072
    ca: str = ""
    verify: bool = True
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The ``[log]`` table; ``repeat`` in seconds."""

    destination: str = "stdout"
    passes: bool = False
    repeat: int = 60


@dataclass(frozen=True)
class Settings:
    """Everything that a file can say. ``source`` is the file's path, empty for the shipped defaults.

    ``upstreams`` are those of the policy's sites, in their order: the very ``upstream`` for one that has none of its
    own. ``serves_others`` says whether that is there for hosts that are no site's.
    """

    policy: Policy
    server: Server = field(default_factory=Server)
    upstream: UpstreamSettings = field(default_factory=UpstreamSettings)
    log: LogSettings = field(default_factory=LogSettings)
    source: str = ""
    upstreams: tuple[UpstreamSettings, ...] = ()
    serves_others: bool = True

    @property
    def asked(self) -> tuple[tuple[str, UpstreamSettings], ...]:
        """Every upstream that some request may go to, and the path of its table."""
        own = [(f"site[{index}].upstream", one) for index, one in enumerate(self.upstreams) if one is not self.upstream]
        top = [("upstream", self.upstream)] if self.serves_others or len(own) < len(self.upstreams) else []
        return (*top, *own)


# What the keys of a table are called: the fields of the value that it becomes.
_VALUES = {
    "server": Server,
    "upstream": UpstreamSettings,
    "consent": Consent,
    "enforcement": Enforcement,
    "log": LogSettings,
    "page": Page,
    "regions": Regions,
}


def build_settings(
    document: Mapping[str, object] | None,
    *,
    presets: Presets,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    source: str = "",
    further: Callable[[Settings], Iterable[Problem]] = lambda _: (),
) -> Settings:
    """Settings from a file's tables (None: the shipped defaults, with the preset ``essential``).

    ``overrides`` are tables too, from the command line; ``further`` looks for what only others can find. Raises
    :class:`PolicyError` with every problem at once, each with what set it where that was not the file.
    """
    problems: list[Problem] = []
    origins: dict[str, str] = {}
    tables = {"presets": [ESSENTIAL]} if document is None else dict(document)
    tables = merged(tables, _from_environment(environ or {}, origins, problems))
    tables = merged(tables, overrides or {})
    origins |= dict.fromkeys(_paths(overrides or {}), _COMMAND_LINE)
    if _MODE in origins:
        _take_from_sites(tables, *_MODE.split("."))
    root = Table(tables, "", problems)
    policy = build_policy(root, presets)
    asks = root.table("upstream")
    server, upstream, log = _server(root.table("server")), _upstream(asks), _log(root.table("log"))
    if server.unknown_host == "refuse" and not root.has("site"):
        root.report("server.unknown_host", '"refuse" is for a file with [[site]] tables: every host would be refused')
    serves_others = server.unknown_host == "default" and (not policy.sites or asks.has("url"))
    settings = Settings(policy, server, upstream, log, source, _of_sites(root, upstream), serves_others)
    problems += further(settings)
    root.close()
    if problems:
        raise PolicyError([_with_origin(problem, origins) for problem in problems], source)
    return settings


def believes_nobody(settings: Settings) -> Iterator[Problem]:
    """A warning where no peer may say in which region a visitor is."""
    if settings.policy.regions is not None and not settings.server.trusted_proxies:
        yield Problem(
            "regions.field",
            "is believed from server.trusted_proxies alone, and there are none: to gatekeeper run, every visitor is "
            "elsewhere",
        )


def _take_from_sites(tables: dict[str, object], table: str, key: str) -> None:
    """What the environment or the command line sets holds for the sites too."""
    sites = tables.get("site")
    if isinstance(sites, list):
        tables["site"] = [_without(site, table, key) for site in sites]


def _without(site: object, table: str, key: str) -> object:
    said = site.get(table) if isinstance(site, dict) else None
    if not isinstance(site, dict) or not isinstance(said, dict):
        return site
    return {**site, table: {name: value for name, value in said.items() if name != key}}


def _paths(tables: Mapping[str, object], above: str = "") -> Iterator[str]:
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{above}{key}.")
        else:
            yield above + key


def _from_environment(
    environ: Mapping[str, str], origins: dict[str, str], problems: list[Problem]
) -> dict[str, object]:
    """``GATEKEEPER_UPSTREAM__URL=…`` as ``{"upstream": {"url": …}}``."""
    tables: dict[str, object] = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(_PREFIX):
            continue
        keys = variable.removeprefix(_PREFIX).lower().split("__")
        if keys[0] == "site":
            problems.append(Problem(variable, "sets no key: what a site has of its own is told in the file alone"))
        elif len(keys) == 1 and keys[0] not in _TOP_LEVEL_LISTS:
            if meant := _meant(keys[0]):
                problems.append(Problem(variable, f"sets no key; did you mean {meant}, with two underscores?"))
        elif len(keys) > 1 and keys[0] not in _TABLES:
            message = f"sets no key: {quoted(keys[0])} is no table{did_you_mean(keys[0], _TABLES)}"
            problems.append(Problem(variable, message))
        elif not _put(tables, keys, EnvironmentText(value)):
            problems.append(Problem(variable, "sets no key: another variable sets what is above it"))
        else:
            origins[".".join(keys)] = f"set by {variable}"
    return tables


def _meant(name: str) -> str | None:
    """What a variable with one underscore stands for, where it can be nothing else: an orchestrator's never can."""
    for table, value in _VALUES.items():
        keys = [one.name for one in fields(value)]
        key = keys[0] if name == table else name.removeprefix(f"{table}_")
        if name.startswith(table) and key in keys:
            return f"{_PREFIX}{table}__{key}".upper()
    return None


def _put(tables: dict[str, object], keys: list[str], value: object) -> bool:
    for key in keys[:-1]:
        below = tables.setdefault(key, {})
        if not isinstance(below, dict):
            return False
        tables = below
    tables[keys[-1]] = value
    return True


def _with_origin(problem: Problem, origins: Mapping[str, str]) -> Problem:
    """The problem, and what set its key, what that lies in, or what lies in that, if it was not the file."""
    path = re.sub(r"\[\d+\]", "", problem.path)
    for name, origin in origins.items():
        if f"{path}.".startswith(f"{name}.") or (path and name.startswith(f"{path}.")):
            return Problem(problem.path, f"{problem.message} ({origin})")
    return problem


def is_set_elsewhere(problem: Problem) -> bool:
    """Whether the problem is with a variable or the command line, and not with the file."""
    return problem.path.startswith(_PREFIX) or _ORIGIN.search(problem.message) is not None


def _server(table: Table) -> Server:
    default = Server()
    server = Server(
        table.text("listen", default.listen, empty=False),
        table.integer("workers", default.workers, least=1, most=256),
        table.strings("trusted_proxies"),
        table.duration("drain", default.drain) or 0,
        *_certificate(table),
        table.flag("proxy_protocol", default=default.proxy_protocol),
        table.text("pages", default.pages),
        _some_time(table, "head_timeout", default.head_timeout),
        _some_time(table, "body_timeout", default.body_timeout),
        _some_time(table, "idle_timeout", default.idle_timeout),
        _some_time(table, "tunnel_timeout", default.tunnel_timeout),
        table.integer("max_head", default.max_head, least=_LEAST_HEAD, most=_MOST_HEAD),
        table.integer("max_fields", default.max_fields, least=10, most=10_000),
        table.text("state", default.state),
        cast("Any", table.text("unknown_host", default.unknown_host, choices=("default", "refuse"))),
    )
    if fault := _fault_of_address(server):
        table.report("listen", fault)
    for index, entry in enumerate(server.trusted_proxies):
        if fault := _fault_of_network(entry):
            table.report(f"trusted_proxies[{index}]", f"{quoted(entry)} {fault}")
    if server.proxy_protocol and not server.trusted_proxies and not table.is_reported("trusted_proxies"):
        table.report("proxy_protocol", "needs trusted_proxies: the load balancers that may say who the visitor is")
    if server.pages and not _PAGES.fullmatch(server.pages):
        table.report("pages", f"{quoted(server.pages)} {_PAGES_FORM}")
    if not server.state.isprintable():
        table.report("state", f"{quoted(server.state)} cannot be a path")
    table.close()
    return server


def _certificate(table: Table) -> tuple[str, str]:
    """The paths of a certificate and its key: both or neither. Whether the files are any good is asked elsewhere."""
    paths = {key: table.text(key) for key in ("certificate", "key")}
    for key, path in paths.items():
        if not path.isprintable():
            table.report(key, f"{quoted(path)} cannot be a path")
    if paths["key"] and not paths["certificate"] and not table.is_reported("certificate"):
        table.report("key", "is of no use without certificate")
    if paths["certificate"] and not paths["key"] and not table.is_reported("key"):
        table.report("certificate", "needs key; if one file holds both, name it twice")
    return paths["certificate"], paths["key"]


def _some_time(table: Table, key: str, default: int) -> int:
    length = table.duration(key, default)
    if length == 0:
        table.report(key, "must be longer than nothing")
    return length or default


def _fault_of_address(server: Server) -> str | None:
    listen = server.listen
    path = server.unix_path
    if path is not None:
        if not path.isprintable():
            return f"{quoted(listen)} cannot be a path"
        return None if path else 'names no path; write "unix:/run/gatekeeper.sock"'
    match = _LISTEN.fullmatch(listen)
    if match is None or int(match["port"]) > 65535:
        bare = listen.partition("//")[2].rstrip("/") if "//" in listen else f"127.0.0.1:{listen}"
        meant = _LISTEN.fullmatch(bare)
        if meant is not None and int(meant["port"]) <= 65535:
            return f"{quoted(listen)} is no address; did you mean {quoted(bare)}?"
        return f'{quoted(listen)} is no address; write "127.0.0.1:8080" or "unix:/path"'
    return None


def _fault_of_network(entry: str) -> str | None:
    if entry == "unix":
        return None
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return 'is neither an address, a network such as "10.0.0.0/8", nor "unix"'
    if "/" in entry and network.network_address != ipaddress.ip_interface(entry).ip:
        return f"is an address within a network; write {quoted(network)}, or the address alone"
    return None


def _upstream(table: Table) -> UpstreamSettings:
    default = UpstreamSettings()
    upstream = UpstreamSettings(
        table.text("url", default.url, empty=False),
        table.text("host", default.host, empty=False),
        _some_time(table, "connect_timeout", default.connect_timeout),
        _some_time(table, "read_timeout", default.read_timeout),
        _some_time(table, "idle_timeout", default.idle_timeout),
        _some_time(table, "queue_timeout", default.queue_timeout),
        table.integer("max_connections", default.max_connections, least=1, most=65535),
        table.integer("max_head", default.max_head, least=_LEAST_HEAD, most=_MOST_HEAD),
        table.text("ca"),
        table.flag("verify", default=default.verify),
        *_certificate(table),
    )
    if not upstream.ca.isprintable():
        table.report("ca", f"{quoted(upstream.ca)} cannot be a path")
    table.close()
    return upstream


def _of_sites(root: Table, top: UpstreamSettings) -> tuple[UpstreamSettings, ...]:
    """The upstream of each site: what its table says, and the top level's where it says nothing."""
    above = Above(root, ("upstream",))
    sites = root.raw("site")
    found = []
    for index, tables in enumerate(sites if isinstance(sites, list) else ()):
        has_own = isinstance(tables, dict) and "upstream" in tables
        site = Table(tables, f"site[{index}]", root.problems) if has_own else None
        found.append(top if site is None else _upstream(above.under(site, "upstream")))
    return tuple(found)


def _log(table: Table) -> LogSettings:
    default = LogSettings()
    log = LogSettings(
        table.text("destination", default.destination, empty=False),
        table.flag("passes", default=default.passes),
        table.duration("repeat", default.repeat) or 0,
    )
    if not log.destination.isprintable():
        table.report("destination", f"{quoted(log.destination)} cannot be a path")
    table.close()
    return log
