"""The composition root: files, environment, clock and wiring. Whatever touches the machine is put together here."""

import asyncio
import io
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console

from gatekeeper.audit.log import VerdictLog
from gatekeeper.audit.sinks import LineSink, Sink
from gatekeeper.audit.terminal import TerminalSink
from gatekeeper.errors import GatekeeperError
from gatekeeper.middleware.plane import GateHooks
from gatekeeper.pages.app import GPC, Pages
from gatekeeper.policy.document import Policy
from gatekeeper.policy.matcher import Matcher
from gatekeeper.policy.presets import ESSENTIAL, library
from gatekeeper.policy.review import known_rules
from gatekeeper.policy.schema import PolicyError, Problem, parse_toml, quoted
from gatekeeper.proxy import Limits
from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.plane.plane import Plane
from gatekeeper.settings import Settings, build_settings, is_set_elsewhere
from gatekeeper.upstreams import problems_of_upstreams, routes_of

# A file of ten thousand rules has two megabytes; a path to something else by mistake (a disk image, /dev/zero) must not
# fill the memory.
_MOST_OCTETS = 64 * 1024 * 1024
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

# A table's or an array's name, and a key; with dots, and with quotes round a part.
_HEADER = re.compile(r"\s*(?:\[\[(?P<array>[^\]]+)\]\]|\[(?P<table>[^\]]+)\])\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_\-.]|"[^"]*"|'[^']*')+)\s*=""")


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
        document = parse_toml(octets.decode("utf-8-sig"), source)
    except UnicodeDecodeError as fault:
        line = octets[: fault.start].count(b"\n") + 1
        hint = "; it looks like UTF-16: save it as UTF-8" if octets[:2] in _UTF16 else ""
        raise PolicyError([Problem("", f"is not UTF-8: octet {fault.start} in line {line}{hint}")], source) from None
    # TOML 1.0, "Integer": 64 bits. Python would read thousands of digits, and then refuse to print them.
    if too_large := [Problem(path, "is no number of 64 bits") for path in _huge(document, "")]:
        raise PolicyError(too_large, source)
    return document


def _huge(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _huge(one, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _huge(one, f"{path}[{index}]")
    elif isinstance(value, int) and value.bit_length() > 63:
        yield path


def lines_of(octets: bytes) -> dict[str, int]:
    """The line on which each table and key of a TOML file stands, by the path that a problem with it has.

    Read by the look of the lines, which is enough to send an operator to the right one; what only looks like a key, in
    a text of several lines, can take nothing's place, since no problem has its path.
    """
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(octets.decode("utf-8-sig", "replace").splitlines(), start=1):
        if header := _HEADER.match(line):
            above, _, name = _bare(header["array"] or header["table"]).rpartition(".")
            table = f"{_placed(above, counts)}.{name}".lstrip(".")
            if header["array"]:
                found.setdefault(table, number)
                counts[table] = counts.get(table, -1) + 1
            table = _placed(table, counts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault(f"{table}.{_bare(key[1])}".lstrip("."), number)
    return found


def _placed(table: str, counts: Mapping[str, int]) -> str:
    """The path of a table: what lies in an array's lies in its last one so far."""
    path = ""
    for part in table.split("."):
        path = f"{path}.{part}".lstrip(".")
        if path in counts:
            path = f"{path}[{counts[path]}]"
    return path


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def line_of(problem: Problem, lines: Mapping[str, int]) -> int | None:
    """The line of a problem's key, or of what it lies in; None for what does not stand in the file."""
    if is_set_elsewhere(problem):
        return None
    # The key, what it lies in, what that lies in: cookie[3].name, then cookie[3], then cookie.
    ends = [len(problem.path), *(match.start() for match in re.finditer(r"[.\[]", problem.path))]
    return next((lines[path] for end in sorted(ends, reverse=True) if (path := problem.path[:end]) in lines), None)


def in_order(problems: Iterable[Problem], octets: bytes | None) -> list[tuple[int | None, Problem]]:
    """Problems with their lines, in the order of the file; before them, those that stand in no line."""
    lines = lines_of(octets) if octets is not None else {}
    return sorted(((line_of(problem, lines), problem) for problem in problems), key=lambda placed: placed[0] or 0)


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
        further=problems_of_upstreams,
    )


def load_policy(path: str | Path) -> Policy:
    """The policy in a TOML file, with its sites; raises :class:`PolicyError` with every problem at once."""
    return load_settings(Path(path)).policy


def limits_of(settings: Settings) -> Limits:
    """What one exchange may take."""
    return Limits(
        request_head=settings.server.max_head,
        request_fields=settings.server.max_fields,
        response_head=settings.upstream.max_head,
        head_timeout=settings.server.head_timeout,
        idle_timeout=settings.server.idle_timeout,
        tunnel_timeout=settings.server.tunnel_timeout,
        body_idle=settings.server.body_timeout,
        queue_wait=settings.upstream.queue_timeout,
    )


class Assembled:
    """The data plane with the gate in it, and the handles to reload it.

    Raises :class:`GatekeeperError` when the log cannot be opened; without ``must_log`` that is told, and tried again.
    """

    def __init__(self, settings: Settings, *, must_log: bool = True) -> None:
        self.settings = settings
        self.sink = WatchedSink(settings.log.destination, self._new_sink)
        if must_log:
            self.sink.open()
        self.log = VerdictLog(self.sink, repeat=settings.log.repeat, passes=settings.log.passes)
        self.hooks = GateHooks(settings.policy, self.log)
        routes, self._asked = routes_of(settings, {})
        prefix = settings.server.pages
        pages = Pages(prefix, site=self._site_of) if prefix else None
        self.plane = Plane(
            routes,
            self.hooks,
            trusted=TrustedProxies(settings.server.trusted_proxies),
            limits=limits_of(settings),
            pages=pages.app if pages else None,
            pages_prefix=prefix.encode("ascii"),
            single_pages={GPC.encode("ascii"): self._states_gpc},
        )

    def prepare(self, settings: Settings) -> Callable[[], None]:
        """Makes ready what new settings need, which takes a second for ten thousand rules, and may be done in another
        thread; what is returned takes all of it into force between two exchanges, but for what
        :func:`waits_for_restart`.

        Raises :class:`GatekeeperError` for certificates that do not serve.
        """
        routes, asked = routes_of(settings, self._asked)
        # Whether passes are recorded is in the gates, too.
        self.log.repeat, self.log.passes = settings.log.repeat, settings.log.passes
        gates = self.hooks.gatehouse.prepare(settings.policy)
        self.sink.reopen()

        def take() -> None:
            watched = self.hooks.gatehouse.region_fields
            self.settings, self._asked = settings, asked
            self.hooks.gatehouse.take(gates)
            self.plane.take(routes)
            if self.hooks.gatehouse.region_fields != watched:
                self.plane.watch_anew()

        return take

    def reload(self, settings: Settings) -> None:
        """Both at once, where no exchange is under way."""
        self.prepare(settings)()

    def _site_of(self, host: bytes) -> tuple[str, Policy] | None:
        """The name and the policy in force of the site that a Host field value is for; None where none is."""
        gate = self.hooks.gatehouse.gate_of(host)
        is_served = gate is not self.hooks.gatehouse.gate or self.settings.serves_others
        return (gate.site, gate.policy) if is_served else None

    def _states_gpc(self, host: bytes | None) -> bool:
        site = self._site_of(host or b"")
        return site is not None and site[1].states_gpc

    def _categories(self) -> list[str]:
        policy = self.settings.policy
        policies = (policy, *(site.policy for site in policy.sites))
        return list(dict.fromkeys(category.id for one in policies for category in one.categories))

    def _new_sink(self, destination: str) -> Sink:
        stream = {"stdout": sys.stdout, "stderr": sys.stderr}.get(destination)
        if stream is not None and stream.isatty():
            if isinstance(stream, io.TextIOWrapper):
                # A cookie-name may hold letters that this terminal cannot show.
                stream.reconfigure(errors="backslashreplace")
            console = Console(file=stream)
            return TerminalSink(console, self._categories, preset_of)
        return LineSink(destination)


@cache
def _known() -> Matcher:
    return Matcher(known_rules({name: preset for name, preset in library().items() if name != ESSENTIAL}))


def preset_of(name: str) -> str | None:
    """The shipped preset that knows a cookie-name, if one does."""
    rule = _known().find(name.encode("utf-8", "surrogateescape"))
    return rule.source if rule else None


def waits_for_restart(started: Settings, now: Settings) -> tuple[str, ...]:
    """The parts of the settings that are others than those it started with, and that a reload leaves as they are."""
    # For whom nothing is served is decided with the routes, and those are taken at once.
    server = replace(now.server, unknown_host=started.server.unknown_host)
    changed = {
        "[server]": server != started.server,
        "log.destination": now.log.destination != started.log.destination,
    }
    return tuple(name for name, differs in changed.items() if differs)


class WatchedSink:
    """A sink that tells the operator, on standard error, when events are lost and when no more are."""

    def __init__(self, destination: str, new_sink: Callable[[str], Sink]) -> None:
        self.lost = 0
        self._destination = destination
        self._new_sink = new_sink
        self._sink: Sink | None = None
        self._stale = False
        self._failing = False

    def open(self) -> None:
        """Opens the destination now; raises :class:`GatekeeperError`."""
        try:
            self._sink = self._new_sink(self._destination)
        except (OSError, ValueError, AttributeError) as fault:
            # The two others are what a closed standard stream is known by.
            raise GatekeeperError(f"log.destination: {self._cannot('opened', fault)}") from None

    def write(self, event: dict[str, object]) -> None:
        """Takes one event; raises OSError for one that is lost."""
        try:
            if self._sink is None:
                self._sink = self._new_sink(self._destination)
            elif self._stale:
                self._sink.reopen()
            self._stale = False
            self._sink.write(event)
        except OSError as fault:
            self.lost += event["event"] != "log.lost"
            if not self._failing:
                self._failing = True
                own_logger().error("the log %s; what is lost is counted", self._cannot("written", fault))
            raise
        if self._failing:
            self._failing = False
            own_logger().warning("the log is written again; it lost %d so far", self.lost)

    def reopen(self) -> None:
        """Opens a file anew: it may have been moved away. What does not succeed is tried again at the next event."""
        try:
            if self._sink is not None:
                self._sink.reopen()
        except OSError:
            self._stale = True

    def _cannot(self, done: str, fault: Exception) -> str:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else "it is closed"
        return f"{quoted(self._destination)} cannot be {done}: {reason.lower()}"


@cache
def own_logger() -> logging.Logger:
    """The logger of the program's own messages (not of cookies), to standard error; uvicorn's go there too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutValues("gatekeeper: %(message)s"))
    handler.addFilter(_is_news)
    for name in ("gatekeeper", "uvicorn"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False
    logging.getLogger("gatekeeper").setLevel(logging.INFO)
    return logging.getLogger("gatekeeper")


class _WithoutValues(logging.Formatter):
    """A fault is told by its kind and place, never by its text, which may quote a cookie."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 — logging's name
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__name__])


# What uvicorn says of its own tasks at the end of a drain; the plane says what was cut off.
_NO_NEWS = ("Cancel %s running task(s)",)


def _is_news(record: logging.LogRecord) -> bool:
    if str(record.msg).startswith(_NO_NEWS):
        return False
    # The drain ends tasks by cancelling them; uvicorn would add the traceback.
    known = GatekeeperError | asyncio.CancelledError
    return not (record.exc_info and isinstance(record.exc_info[1], known))
