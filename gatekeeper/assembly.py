"""The composition root: files, environment, clock and wiring. Whatever touches the machine is put together here."""

import logging
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rich.console import Console

from gatekeeper.audit.log import LineSink, Sink, VerdictLog
from gatekeeper.audit.terminal import TerminalSink
from gatekeeper.errors import GatekeeperError
from gatekeeper.middleware.asgi import ASGIApp, ConsentMiddleware
from gatekeeper.policy.document import Policy
from gatekeeper.policy.presets import library
from gatekeeper.policy.schema import PolicyError, Problem, parse_toml
from gatekeeper.proxy import ReverseProxy, Upstream
from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.settings import Settings, build_settings

# A file of ten thousand rules has two megabytes; a path to something else by mistake (a disk image, /dev/zero) must not
# fill the memory.
_MOST_OCTETS = 64 * 1024 * 1024


def read_document(path: Path) -> dict[str, object]:
    """The tables of a TOML file; raises :class:`PolicyError` for what cannot be read or parsed."""
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise PolicyError([Problem("", f"cannot be read: {reason}")], str(path)) from None
    if len(octets) > _MOST_OCTETS:
        raise PolicyError([Problem("", "is larger than 64 MiB, which is no policy")], str(path))
    try:
        return parse_toml(octets.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as fault:
        line = octets[: fault.start].count(b"\n") + 1
        raise PolicyError([Problem("", f"is not UTF-8: octet {fault.start} in line {line}")], str(path)) from None


def load_settings(
    path: Path | None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Settings of a file (None: the shipped defaults), with what environment and command line set.

    Raises :class:`PolicyError` with every problem of the file, and then of what its addresses mean.
    """
    document = read_document(path) if path is not None else None
    source = str(path) if path is not None else ""
    settings = build_settings(document, presets=library(), environ=environ, overrides=overrides, source=source)
    problems = []
    for make in (upstream_of, lambda settings: TrustedProxies(settings.server.trusted_proxies)):
        try:
            make(settings)
        except GatekeeperError as fault:
            where, _, what = str(fault).partition(": ")
            problems.append(Problem(where if where.startswith("upstream") else f"server.{where}", what))
    if problems:
        raise PolicyError(problems, source)
    return settings


def load_policy(path: str | Path) -> Policy:
    """The policy in a TOML file; raises :class:`PolicyError` with every problem at once."""
    return load_settings(Path(path)).policy


def upstream_of(settings: Settings) -> Upstream:
    """Where the app is."""
    chosen = settings.upstream
    return Upstream(
        chosen.url,
        host=chosen.host,
        connect_timeout=chosen.connect_timeout,
        read_timeout=chosen.read_timeout,
        max_connections=chosen.max_connections,
    )


class Assembled:
    """The proxy with the gate in front of it, as one ASGI app, and the handles to reload it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = VerdictLog(_sink(self), repeat=settings.log.repeat, passes=settings.log.passes)
        self.proxy = ReverseProxy(upstream_of(settings), trusted_proxies=settings.server.trusted_proxies)
        self.gate = ConsentMiddleware(self.proxy, settings.policy, log=self.log)
        self.app: ASGIApp = self.gate

    def reload(self, settings: Settings) -> tuple[str, ...]:
        """Takes new settings into force between two exchanges; returns the tables that need a restart instead."""
        before, self.settings = self.settings, settings
        self.log.repeat, self.log.passes = settings.log.repeat, settings.log.passes
        self.log.sink.reopen()
        self.gate.gatehouse.policy = settings.policy
        changed = {
            "server": settings.server != before.server,
            "upstream": settings.upstream != before.upstream,
            "log.destination": settings.log.destination != before.log.destination,
        }
        return tuple(name for name, differs in changed.items() if differs)


def _sink(assembled: Assembled) -> Sink:
    destination = assembled.settings.log.destination
    stream = {"stdout": sys.stdout, "stderr": sys.stderr}.get(destination)
    if stream is not None and stream.isatty():
        console = Console(file=stream)
        return TerminalSink(console, lambda: [category.id for category in assembled.settings.policy.categories])
    try:
        return LineSink(destination)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise PolicyError(
            [Problem("log.destination", f"{destination} cannot be opened: {reason}")], assembled.settings.source
        ) from None


@cache
def own_logger() -> logging.Logger:
    """The logger of the program's own messages (not of cookies), to standard error; uvicorn's go there too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("gatekeeper: %(message)s"))
    handler.addFilter(_is_news)
    for name in ("gatekeeper", "uvicorn"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False
    logging.getLogger("gatekeeper").setLevel(logging.INFO)
    return logging.getLogger("gatekeeper")


def _is_news(record: logging.LogRecord) -> bool:
    # The proxy breaks a transfer off by raising what it has logged in one line already; uvicorn would add the
    # traceback.
    return not (record.exc_info and isinstance(record.exc_info[1], GatekeeperError))
