"""The command line: arguments in, exit codes out; the work is done elsewhere.

Exit codes: 0 done; 1 could not run (the port is taken, the log cannot be opened, the disk is full); 2 the file or the
arguments are wrong. What was asked for goes to standard output, all else to standard error. Nothing of a file, a cookie
or an argument reaches a terminal with its control characters.
"""

import errno
import io
import json
import os
import re
import sys
import time
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from gatekeeper import __version__
from gatekeeper.assembly import in_order, load_settings, read_file
from gatekeeper.audit.event import printable
from gatekeeper.consent.region import Region
from gatekeeper.cookies.scope import canonical_host
from gatekeeper.errors import GatekeeperError
from gatekeeper.explain import Explanation, explain
from gatekeeper.pages import cookie_policy
from gatekeeper.policy.document import Policy
from gatekeeper.policy.presets import library
from gatekeeper.policy.review import review
from gatekeeper.policy.schema import PolicyError, Problem, did_you_mean, quoted
from gatekeeper.policy.sites import site_of
from gatekeeper.serve import (
    Launch,
    describe,
    in_front_of,
    not_enforced,
    not_enforced_anywhere,
    read_pair,
    serve,
    tls_warnings,
)
from gatekeeper.settings import Settings, believes_nobody
from gatekeeper.starter import starter_file


class _ReadsLikeAManual:
    """Help in the usual notation: FILE is an argument, and a flag has no value that could be given."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [piece.strip("{}") for piece in pieces]


class _Group(_ReadsLikeAManual, TyperGroup):
    pass


class _Command(_ReadsLikeAManual, TyperCommand):
    pass


app = typer.Typer(
    name="gatekeeper",
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help=(
        "Enforces cookie consent in front of any web app, with no change to the app.\n\n"
        "Start with [bold]gatekeeper run --upstream http://127.0.0.1:8000[/] and open http://127.0.0.1:8080: cookies "
        "that no rule names are blocked and shown, with the rule to paste. [bold]gatekeeper init[/] writes a file for "
        "it."
    ),
    epilog="Every key of the file can be set from the environment too: GATEKEEPER_UPSTREAM__URL=http://127.0.0.1:9000",
)

_Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="The TOML file. Default: the shipped rules.", show_default=False
    ),
]
_File = Annotated[Path, typer.Argument(metavar="FILE", help="The TOML file.", show_default=False)]
_Site = Annotated[
    str | None,
    typer.Option(
        metavar="HOST", help="The site, by one of its hosts. Default: what holds for all others.", show_default=False
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_RegionName = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="Where the visitor is: a [[region]]'s name, or a value such as US-CA. Default: elsewhere.",
        show_default=False,
    ),
]


# A middleware never refuses a host: there its app is behind it.
_NOBODYS = "No site has this host: gatekeeper run answers with 421, and a middleware judges by the top level."


class ModeName(StrEnum):
    """The words of --mode."""

    enforce = "enforce"
    report_only = "report-only"
    off = "off"


class PageFormat(StrEnum):
    """The words of --format."""

    markdown = "markdown"
    html = "html"
    json = "json"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gatekeeper {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command(
    cls=_Command,
    help="Run the proxy in front of an app.\n\n"
    "What is given here outweighs the environment, and that outweighs the file. SIGHUP reloads the file; a broken one "
    "is refused and the old rules stay. SIGTERM and Ctrl-C let exchanges under way finish, then end it.",
    epilog="Examples:\n"
    "  gatekeeper run --upstream http://127.0.0.1:8000\n"
    "  gatekeeper run --config site.toml --mode report-only --reload",
)
def run(
    config: _Config = None,
    upstream: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The app behind: http://…, https://… or unix:/path.", show_default=False),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="ADDR", help="Where to listen: 127.0.0.1:8080 or unix:/path.", show_default=False),
    ] = None,
    mode: Annotated[
        ModeName | None,
        typer.Option(
            metavar="MODE",
            help="enforce, report-only (says what would be blocked, and changes nothing) or off.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="How many processes share the work.", show_default=False)
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Take a changed file into force at once.")] = False,
) -> None:
    """``gatekeeper run``."""
    if reload and config is None:
        raise typer.BadParameter("it watches the file of --config, and none is given", param_hint="'--reload'")
    overrides: dict[str, dict[str, Any]] = {
        "server": {"listen": listen, "workers": workers},
        "upstream": {"url": upstream},
        "enforcement": {"mode": mode.value if mode else None},
    }
    given = {
        table: {key: value for key, value in keys.items() if value is not None} for table, keys in overrides.items()
    }
    launch = Launch(config, {table: keys for table, keys in given.items() if keys}, watch=reload)
    try:
        settings = launch.load()
    except PolicyError as error:
        raise typer.Exit(_print_problems(error, launch.read)) from None

    def announce(address: str) -> None:
        app = in_front_of(settings)
        line = f"Gatekeeper {__version__} listens on {address} in front of {app}, {describe(settings)}"
        console = _console(stderr=True)
        console.print(Text(printable(line, 2000)), style="bold")
        for warning in (warnings := not_enforced_anywhere(settings)):
            console.print(Text(printable(warning, 2000)), style="bold yellow")
        if not warnings and config is None and console.is_terminal:
            console.print("Rules of your own go into a file: gatekeeper init writes one, and --config names it.")

    try:
        raise typer.Exit(serve(launch, settings, announce))
    except GatekeeperError as error:
        _complain(str(error))
        raise typer.Exit(1) from None


@app.command(
    cls=_Command,
    help="Validate a file, and tell everything that is wrong with it.\n\n"
    "Prints every problem at once, then what is legal and looks wrong. Exit code 0 if the file can be used, otherwise "
    "2.",
    epilog="Example: gatekeeper check site.toml && systemctl reload gatekeeper",
)
def check(file: _File) -> None:
    """``gatekeeper check``."""
    settings, octets = _load(file)
    try:
        read_pair(settings)
    except PolicyError as error:
        raise typer.Exit(_print_problems(error, octets)) from None
    warnings = [
        *tls_warnings(settings),
        *believes_nobody(settings),
        *review(settings.policy, library(), top=settings.serves_others),
    ]
    console = _console()
    for place, warning in _placed(str(file), warnings, octets):
        console.print(Text.assemble(place, ("warning: ", "bold yellow"), printable(str(warning), 2000)))
    also = f", with {_counted(len(warnings), 'warning')}" if warnings else ""
    line = f"{file} can be used{also}: {describe(settings)}"
    console.print(Text(printable(line, 2000), style="green"))


@app.command(
    "explain",
    cls=_Command,
    help="Show what would happen to each cookie, and why.\n\n"
    "Takes a visitor's request and the app's answer as you make them up; no server is asked. In a pipe the table is "
    "tab-separated.",
    epilog="Example: gatekeeper explain site.toml --set-cookie '_ga=1; Max-Age=99'",
)
def explain_command(
    file: _File,
    cookie_header: Annotated[
        list[str] | None,
        typer.Option(
            "--cookie-header",
            metavar="COOKIES",
            help="What the browser sends: 'sessionid=1; _ga=2'. May be repeated.",
            show_default=False,
        ),
    ] = None,
    set_cookie: Annotated[
        list[str] | None,
        typer.Option(
            "--set-cookie",
            metavar="COOKIE",
            help="What the app answers: '_ga=1; Max-Age=99'. May be repeated.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str, typer.Option(metavar="URL", help="The page, for rules with hosts or paths.")
    ] = "http://localhost/",
    gpc: Annotated[bool, typer.Option("--gpc", help="The browser sends Sec-GPC: 1.")] = False,
    region: _RegionName = None,
    as_json: _AsJson = False,
) -> None:
    """``gatekeeper explain``."""
    settings, _ = _load(file)
    try:
        parts = urlsplit(url if "//" in url else "http://" + url)
    except ValueError as fault:
        raise typer.BadParameter(f"{quoted(url)} is no URL: {fault}", param_hint="'--url'") from None
    host = os.fsencode(parts.netloc.rpartition("@")[2])
    site = site_of(settings.policy, canonical_host(host))
    judged = site.policy if site else settings.policy
    notes = [] if site or settings.serves_others else [_NOBODYS]
    notes += [warning for warning in (not_enforced(judged),) if warning]
    result = explain(
        judged,
        cookie_headers=[_field_value(value) for value in cookie_header or ()],
        set_cookies=[_field_value(value) for value in set_cookie or ()],
        host=host,
        path=parts.path or "/",
        gpc=gpc,
        now=int(time.time()),
        region=_region(settings, region),
    )
    if as_json:
        _print_json({"choice": result.choice.as_object(), "verdicts": result.verdict_objects()})
    elif sys.stdout.isatty():
        _print_choice(result)
        console = Console(highlight=False)
        for one in result.tables():
            console.print(one)
        for note in notes:
            console.print(Text(note, style="bold yellow"))
    else:
        _print_choice(result)
        for note in notes:
            _write(f"{note}\n")
        if verdicts := result.verdict_objects():
            head = ("direction", "cookie", "category", "rule", "action", "reason", "what leaves")
            _print_tab_separated(head, (tuple(one.values()) for one in verdicts))


@app.command(cls=_Command, epilog="Example: gatekeeper consent 'cookies_preferences=analytics' --json")
def consent(
    cookie_header: Annotated[
        str, typer.Argument(metavar="COOKIES", help="A Cookie header, as a browser sends it.", show_default=False)
    ],
    config: _Config = None,
    site: _Site = None,
    region: _RegionName = None,
    as_json: _AsJson = False,
) -> None:
    """Show what a visitor's cookies say: the choice, and what it allows."""
    settings = _load(config)[0] if config else load_settings(None)
    result = explain(
        _policy_of(settings, site),
        cookie_headers=[_field_value(cookie_header)],
        set_cookies=[],
        host=b"localhost",
        path="/",
        gpc=False,
        now=int(time.time()),
        region=_region(settings, region),
    )
    if as_json:
        _print_json(result.choice.as_object())
    else:
        _print_choice(result)


@app.command(cls=_Command, epilog="Example: gatekeeper policy site.toml --format html > cookies.html")
def policy(
    file: _File,
    format: Annotated[  # noqa: A002 — the option's name
        PageFormat, typer.Option(metavar="FORMAT", help="markdown, html or json.")
    ] = PageFormat.markdown,
    site: _Site = None,
) -> None:
    """Write the cookie policy page that the rules amount to."""
    settings, _ = _load(file)
    render = {
        PageFormat.markdown: cookie_policy.render_markdown,
        PageFormat.html: cookie_policy.render_html,
        PageFormat.json: cookie_policy.render_json,
    }[format]
    _write(render(_policy_of(settings, site)).rstrip("\n") + "\n")


@app.command(cls=_Command, epilog="Example: gatekeeper init site.toml --preset django --preset matomo")
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; - for standard output.")] = Path(
        "gatekeeper.toml"
    ),
    preset: Annotated[
        list[str] | None,
        typer.Option(
            "--preset",
            "-p",
            metavar="NAME",
            help="A rule set to start with. May be repeated. Default: essential.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    presets: Annotated[bool, typer.Option("--list", help="List the presets and end.")] = False,
) -> None:
    """Write a commented starter file."""
    known = library()
    if presets:
        _print_presets(known)
        return
    for name in preset or ():
        if name not in known:
            _complain(f"{quoted(name)} is no preset{did_you_mean(name, known)} (gatekeeper init --list shows them all)")
            raise typer.Exit(2)
    if str(file) in known:
        _complain(f"{quoted(file)} is a preset and no file's name; write --preset {file}")
        raise typer.Exit(2)
    text = starter_file(tuple(dict.fromkeys(preset or ("essential",))))
    if str(file) == "-":
        _write(text)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        _complain(f"{file} is there already{'' if file.is_dir() else '; --force overwrites it'}")
        raise typer.Exit(2) from None
    except OSError as fault:
        _complain(f"{file} cannot be written: {(fault.strerror or str(fault)).lower()}")
        raise typer.Exit(1) from None
    line = f"{file} is written. Next: gatekeeper check {file}; gatekeeper run --config {file} --upstream http://…"
    typer.echo(printable(line, 2000))


# --- reading ---------------------------------------------------------------------------------------------------------


def _load(file: Path) -> tuple[Settings, bytes]:
    octets = None
    try:
        octets = read_file(file)
        return load_settings(file, octets=octets), octets
    except PolicyError as error:
        raise typer.Exit(_print_problems(error, octets)) from None


def _region(settings: Settings, name: str | None) -> Region | None:
    """The region that an argument names."""
    if name is None:
        return None
    regions = settings.policy.regions
    if regions is None:
        raise typer.BadParameter("the file has no [[region]]", param_hint="'--region'")
    region = regions.named(name)
    if region is None:
        names = [one.name for one in (*regions.regions, regions.elsewhere)]
        hint = did_you_mean(name, names) or f"; there are {', '.join(map(quoted, names))}"
        raise typer.BadParameter(f"{quoted(name)} is no region{hint}", param_hint="'--region'")
    return region


def _policy_of(settings: Settings, host: str | None) -> Policy:
    """The policy of the site with this host; the top level's without one."""
    if host is None:
        return settings.policy
    site = site_of(settings.policy, canonical_host(host.encode("utf-8", "surrogateescape")))
    if site is None:
        raise typer.BadParameter(f"{quoted(host)} is no host of a [[site]] table", param_hint="'--site'")
    return site.policy


def _field_value(argument: str) -> bytes:
    """An argument in the octets in which it was typed, without the field's name where that was pasted too."""
    return re.sub(rb"^\s*(?:set-)?cookie:\s*", b"", os.fsencode(argument), flags=re.IGNORECASE)


# --- printing --------------------------------------------------------------------------------------------------------


def _console(*, stderr: bool = False) -> Console:
    """Lines that a terminal breaks between words, and nothing else breaks at all."""
    console = Console(stderr=stderr, highlight=False)
    console.soft_wrap = not console.is_terminal
    return console


def _placed(source: str, problems: Iterable[Problem], octets: bytes | None) -> list[tuple[str, Problem]]:
    """Problems in the order of the file, each behind the place where it stands ("site.toml:12: ")."""
    name = printable(source, 1000)
    return [
        (f"{name}{f':{line}' if line else ''}: " if source else "", problem)
        for line, problem in in_order(problems, octets)
    ]


def _print_problems(error: PolicyError, octets: bytes | None) -> int:
    console = _console(stderr=True)
    for place, problem in _placed(error.source, error.problems, octets):
        path = printable(problem.path, 200)
        message = printable(problem.message, 2000)
        console.print(Text.assemble(place, (path, "bold red"), ": " if path else "", message))
    console.print(Text(_counted(len(error.problems), "problem"), style="red"))
    return 2


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _complain(message: str) -> None:
    _console(stderr=True).print(Text(printable(f"gatekeeper: {message}", 2000), style="red"))


def _write(text: str) -> None:
    """A document on standard output: UTF-8 wherever it goes."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    sys.stdout.flush()
    rest = memoryview(text.encode("utf-8", "backslashreplace"))
    while rest:
        # With PYTHONUNBUFFERED there is no buffer, and the system may take a part only.
        rest = rest[sys.stdout.buffer.write(rest) :]


def _print_json(document: object) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # JSON lets through what steers a terminal, such as U+009B and the marks that turn a line round.
    _write("".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text) + "\n")


def _print_choice(result: Explanation) -> None:
    for line in result.choice.lines():
        typer.echo(printable(line, 2000))


def _print_presets(known: dict[str, dict[str, object]]) -> None:
    rows = [(name, str(one.get("title", "")), str(one.get("description", ""))) for name, one in known.items()]
    head = ("preset", "for", "what it names")
    if not sys.stdout.isatty():
        _print_tab_separated(head, rows)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column(head[0], no_wrap=True, style="cyan")
    table.add_column(head[1], max_width=24)
    table.add_column(head[2])
    for row in rows:
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)


def _print_tab_separated(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    for row in (head, *rows):
        _write("\t".join("" if cell is None else printable(str(cell), 8192) for cell in row) + "\n")


# --- the program -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Entry point of the ``gatekeeper`` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A locale without some letter is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as fault:
        # What is still in the buffer has nowhere to go; Python would try again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if fault.errno != errno.EPIPE:  # `… | head -1` is no fault
            _complain(f"standard output cannot be written: {(fault.strerror or str(fault)).lower()}")
        raise SystemExit(1) from None
