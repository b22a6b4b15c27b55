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
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_WITHOUT_SCHEME = re.compile(r"[A-Za-z0-9.\-]+:[0-9]{1,5}(/.*)?|localhost")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 — compared with, not listened on


def read_file(path: Path) -> bytes:
    """The octets of a file; raises :class:`PolicyError` for what cannot be read."""
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        hint = "; gatekeeper init writes a new file" if isinstance(fault, FileNotFoundError) else ""
        raise PolicyError([Problem("", f"cannot be read: {reason}{hint}")], str(path)) from None
    if len(octets) > _MOST_OCTETS:
        raise PolicyError([Problem("", "is larger than 64 MiB, which is no policy")], str(path))
    return octets


def parse_file(octets: bytes, source: str) -> dict[str, object]:
    """The tables in a file's octets; raises :class:`PolicyError` for what is no TOML."""
    try:
        return parse_toml(octets.decode("utf-8-sig"), source)
    except UnicodeDecodeError as fault:
        line = octets[: fault.start].count(b"\n") + 1
        hint = "; it looks like UTF-16: save it as UTF-8" if octets[:2] in _UTF16 else ""
        raise PolicyError([Problem("", f"is not UTF-8: octet {fault.start} in line {line}{hint}")], source) from None
    except ValueError as fault:
        # Python refuses to read a number of thousands of digits.
        raise PolicyError([Problem("", f"not valid TOML: {fault}")], source) from None


def load_settings(
    path: Path | None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    octets: bytes | None = None,
) -> Settings:
    """Settings of a file (None: the shipped defaults), with what environment and command line set.

    ``octets`` is what was read of the file already. Raises :class:`PolicyError` with every problem at once.
    """
    if path is not None and octets is None:
        octets = read_file(path)
    source = str(path) if path is not None else ""
    return build_settings(
        None if octets is None else parse_file(octets, source),
        presets=library(),
        environ=environ,
        overrides=overrides,
        source=source,
        further=_problems_of_upstream,
    )


def _problems_of_upstream(settings: Settings) -> Iterator[Problem]:
    url = settings.upstream.url
    try:
        upstream_of(settings)
    except GatekeeperError as fault:
        key, _, what = str(fault).partition(": ")
        if key == "upstream.url":
            hint = f"; did you mean {quoted('http://' + url)}?" if _WITHOUT_SCHEME.fullmatch(url) else ""
            what = f"{quoted(url)} cannot be used: {what}{hint}"
        yield Problem(key, what)
        return
    if not url.isprintable():
        yield Problem("upstream.url", f"{quoted(url)} cannot be an address")
    elif _is_itself(url, settings.server):
        yield Problem("upstream.url", f"{quoted(url)} is where Gatekeeper itself listens; the app needs another address")


def _is_itself(url: str, server: Server) -> bool:
    """Whether a request to the upstream would come back here, and again, without end."""
    if server.unix_path is not None:
        return url == server.listen
    host, port = server.address
    parts = urlsplit(url)
    if parts.hostname is None or port != (parts.port or {"http": 80, "https": 443}.get(parts.scheme)):
        return False
    return host == parts.hostname or (parts.hostname in _LOOPBACK and host in ("", *_LOOPBACK, *_WILDCARDS))


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
