"""One frozen value from the file, the environment and the command line; the later outweighs the former."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.policy.document import Policy
from gatekeeper.policy.load import Presets, build_policy
from gatekeeper.policy.presets import ESSENTIAL
from gatekeeper.policy.schema import EnvironmentText, PolicyError, Problem, Table, did_you_mean, quoted

_PREFIX = "GATEKEEPER_"
# Only these may be set without "__": an orchestrator adds names of its own, such as GATEKEEPER_SERVICE_HOST beside a
# service "gatekeeper".
_TOP_LEVEL_LISTS = ("presets", "category", "cookie")
_TABLES = ("server", "upstream", "consent", "enforcement", "log", "page")
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]*):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Server:
    """The ``[server]`` table; ``drain`` in seconds."""

    listen: str = "127.0.0.1:8080"
    workers: int = 1
    trusted_proxies: tuple[str, ...] = ()
    drain: int = 30

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
    """The ``[upstream]`` table; timeouts in seconds."""

    url: str = "http://127.0.0.1:8000"
    host: str = "preserve"
    connect_timeout: int = 5
    read_timeout: int = 60
    max_connections: int = 256


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The ``[log]`` table; ``repeat`` in seconds."""

    destination: str = "stdout"
    passes: bool = False
    repeat: int = 60


@dataclass(frozen=True)
class Settings:
    """Everything that a file can say. ``source`` is the file's path, empty for the shipped defaults."""

    policy: Policy
    server: Server = field(default_factory=Server)
    upstream: UpstreamSettings = field(default_factory=UpstreamSettings)
    log: LogSettings = field(default_factory=LogSettings)
    source: str = ""


def build_settings(
    document: Mapping[str, object] | None,
    *,
    presets: Presets,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    source: str = "",
) -> Settings:
    """Settings from a file's tables (None: the shipped defaults, with the preset ``essential``).

    ``overrides`` are tables too, from the command line. Raises :class:`PolicyError` with every problem at once.
    """
    problems: list[Problem] = []
    set_by: dict[str, str] = {}
    merged = {"presets": [ESSENTIAL]} if document is None else dict(document)
    merged = _merge(merged, _from_environment(environ or {}, set_by, problems))
    merged = _merge(merged, overrides or {})
    root = Table(merged, "", problems)
    settings = Settings(
        build_policy(root, presets),
        _server(root.table("server")),
        _upstream(root.table("upstream")),
        _log(root.table("log")),
        source,
    )
    if root.has("site"):
        root.raw("site")
        root.report("site", "this version serves one site; run one Gatekeeper for each")
    root.close()
    if problems:
        raise PolicyError([_with_origin(problem, set_by) for problem in problems], source)
    return settings


def _merge(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _from_environment(environ: Mapping[str, str], set_by: dict[str, str], problems: list[Problem]) -> dict[str, object]:
    """``GATEKEEPER_UPSTREAM__URL=…`` as ``{"upstream": {"url": …}}``."""
    tables: dict[str, object] = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(_PREFIX):
            continue
        keys = variable.removeprefix(_PREFIX).lower().split("__")
        if len(keys) == 1 and keys[0] not in _TOP_LEVEL_LISTS:
            continue
        if len(keys) > 1 and keys[0] not in _TABLES:
            message = f"sets no key: {quoted(keys[0])} is no table{did_you_mean(keys[0], _TABLES)}"
            problems.append(Problem(variable, message))
            continue
        set_by[".".join(keys)] = variable
        table = tables
        for key in keys[:-1]:
            below = table.setdefault(key, {})
            table = below if isinstance(below, dict) else {}
        table[keys[-1]] = EnvironmentText(value)
    return tables


def _with_origin(problem: Problem, set_by: Mapping[str, str]) -> Problem:
    variable = set_by.get(problem.path)
    return Problem(problem.path, f"{problem.message} (set by {variable})") if variable else problem


def _server(table: Table) -> Server:
    default = Server()
    server = Server(
        table.text("listen", default.listen, empty=False),
        table.integer("workers", default.workers, least=1, most=256),
        table.strings("trusted_proxies"),
        table.duration("drain", default.drain) or 0,
    )
    if server.unix_path == "":
        table.report("listen", 'names no path; write "unix:/run/gatekeeper.sock"')
    elif server.unix_path is None:
        match = _LISTEN.fullmatch(server.listen)
        if match is None or int(match["port"]) > 65535:
            table.report("listen", f'{quoted(server.listen)} is no address; write "127.0.0.1:8080" or "unix:/path"')
    table.close()
    return server


def _upstream(table: Table) -> UpstreamSettings:
    default = UpstreamSettings()
    upstream = UpstreamSettings(
        table.text("url", default.url, empty=False),
        table.text("host", default.host, empty=False),
        table.duration("connect_timeout", default.connect_timeout) or 0,
        table.duration("read_timeout", default.read_timeout) or 0,
        table.integer("max_connections", default.max_connections, least=1, most=65535),
    )
    for key in ("connect_timeout", "read_timeout"):
        if getattr(upstream, key) == 0:
            table.report(key, "must be longer than nothing")
    table.close()
    return upstream


def _log(table: Table) -> LogSettings:
    default = LogSettings()
    log = LogSettings(
        table.text("destination", default.destination, empty=False),
        table.flag("passes", default=default.passes),
        table.duration("repeat", default.repeat) or 0,
    )
    table.close()
    return log
