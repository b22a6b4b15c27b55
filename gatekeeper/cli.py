"""The command line: arguments in, exit codes out; the work is done elsewhere.

Exit codes: 0 done; 1 could not run (the port is taken, the log cannot be opened); 2 the file or the arguments are
wrong.
"""

import json
import os
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper import __version__
from gatekeeper.assembly import load_settings
from gatekeeper.errors import GatekeeperError
from gatekeeper.explain import Explanation, explain
from gatekeeper.policy.presets import library
from gatekeeper.policy.review import review
from gatekeeper.policy.schema import PolicyError, did_you_mean, quoted
from gatekeeper.serve import Launch, describe, serve
from gatekeeper.settings import Settings
from gatekeeper.starter import starter_file

app = typer.Typer(
    name="gatekeeper",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help=(
        "Enforces cookie consent in front of any web app, with no change to the app.\n\n"
        "Start with [bold]gatekeeper run --upstream http://127.0.0.1:8000[/] and open http://127.0.0.1:8080: cookies "
        "that no rule names are blocked and shown, with the rule to paste. [bold]gatekeeper init[/] writes a file for it."
    ),
    epilog="Every key of the file can be set from the environment too: GATEKEEPER_UPSTREAM__URL=http://127.0.0.1:9000",
)

_FILE = typer.Argument(help="The TOML file.", show_default=False)
_JSON = typer.Option("--json", help="Print one JSON object.")


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


@app.command()
def run(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The TOML file. Default: the shipped rules.", show_default=False),
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="The app behind: http://…, https://… or unix:/path.", show_default=False)
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="Where to listen: 127.0.0.1:8080 or unix:/path.", show_default=False)
    ] = None,
    mode: Annotated[
        ModeName | None, typer.Option(help="report-only logs verdicts and changes nothing.", show_default=False)
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.", min=1, show_default=False)] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Take a changed file into force at once.")] = False,
) -> None:
    """Run the proxy in front of an app.

    SIGHUP reloads the file; a broken one is refused and the old rules stay. SIGTERM drains and ends.
    """
    overrides: dict[str, dict[str, Any]] = {
        "server": {"listen": listen, "workers": workers},
        "upstream": {"url": upstream},
        "enforcement": {"mode": mode.value if mode else None},
    }
    given = {
        table: {key: value for key, value in keys.items() if value is not None} for table, keys in overrides.items()
    }
    launch = Launch(config, {table: keys for table, keys in given.items() if keys}, watch=reload)
    settings = _or_exit(launch.load)

    def announce(address: str) -> None:
        line = (
            f"Gatekeeper {__version__} listens on {address} in front of {settings.upstream.url}, {describe(settings)}"
        )
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(line), style="bold")

    try:
        raise typer.Exit(serve(launch, settings, announce))
    except PolicyError as error:
        raise typer.Exit(_print_problems(error)) from None
    except GatekeeperError as error:
        _complain(str(error))
        raise typer.Exit(1) from None


@app.command()
def check(file: Annotated[Path, _FILE]) -> None:
    """Validate a file: prints every problem at once, then what looks wrong. Exit code 0 or 2."""
    settings = _load(file)
    console = Console(highlight=False, soft_wrap=True)
    for warning in review(settings.policy, library()):
        console.print(Text(f"warning: {file}: {warning}", style="yellow"))
    console.print(Text(f"{file}: good: {describe(settings)}", style="green"))


@app.command("explain")
def explain_command(
    file: Annotated[Path, _FILE],
    cookie_header: Annotated[
        list[str] | None,
        typer.Option(
            "--cookie-header", help="What the browser sends, such as 'sessionid=1; _ga=2'.", show_default=False
        ),
    ] = None,
    set_cookie: Annotated[
        list[str] | None,
        typer.Option("--set-cookie", help="What the app answers, such as '_ga=1; Max-Age=99'.", show_default=False),
    ] = None,
    url: Annotated[str, typer.Option(help="The page, for rules with hosts or paths.")] = "http://localhost/",
    gpc: Annotated[bool, typer.Option("--gpc", help="The browser sends Sec-GPC: 1.")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show what would happen to each cookie, and why."""
    settings = _load(file)
    parts = urlsplit(url if "//" in url else "http://" + url)
    result = explain(
        settings.policy,
        cookie_headers=[os.fsencode(value) for value in cookie_header or ()],
        set_cookies=[os.fsencode(value) for value in set_cookie or ()],
        host=os.fsencode(parts.netloc),
        path=parts.path or "/",
        gpc=gpc,
        now=int(time.time()),
    )
    if as_json:
        _print_json({"choice": result.choice_object(), "verdicts": result.verdict_objects()})
        return
    _print_choice(result)
    rows = [
        (
            one["direction"],
            one["cookie"],
            one["category"] or "",
            one["rule"] or "",
            one["action"],
            one["reason"],
            one["result"] or "",
        )
        for one in result.verdict_objects()
    ]
    if settings.policy.enforcement.mode.value != "enforce":
        typer.echo(f"The file's mode is {settings.policy.enforcement.mode.value}: nothing is changed.")
    if rows:
        _print_table(("direction", "cookie", "category", "rule", "action", "reason", "what leaves"), rows)


@app.command()
def consent(
    cookie_header: Annotated[str, typer.Argument(help="A Cookie header, as a browser sends it.", show_default=False)],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The TOML file. Default: the shipped rules.", show_default=False),
    ] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show what a visitor's cookies say: the choice, and what it allows."""
    settings = _or_exit(lambda: load_settings(config))
    result = explain(
        settings.policy,
        cookie_headers=[os.fsencode(cookie_header)],
        set_cookies=[],
        host=b"localhost",
        path="/",
        gpc=False,
        now=int(time.time()),
    )
    if as_json:
        _print_json(result.choice_object())
    else:
        _print_choice(result)


@app.command()
def policy(
    file: Annotated[Path, _FILE],
    format: Annotated[PageFormat, typer.Option(help="What to write.")] = PageFormat.markdown,  # noqa: A002 — the option's name
) -> None:
    """Write the cookie policy page that the rules amount to."""
    from gatekeeper.pages import cookie_policy

    settings = _load(file)
    render = {
        PageFormat.markdown: cookie_policy.render_markdown,
        PageFormat.html: cookie_policy.render_html,
        PageFormat.json: cookie_policy.render_json,
    }[format]
    sys.stdout.write(render(settings.policy).rstrip("\n") + "\n")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write; - for standard output.")] = Path("gatekeeper.toml"),
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", "-p", help="A rule set to start with; may be repeated.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    presets: Annotated[bool, typer.Option("--list", help="List the presets and end.")] = False,
) -> None:
    """Write a commented starter file."""
    known = library()
    if presets:
        rows = [(name, one.get("title", ""), one.get("description", "")) for name, one in known.items()]
        _print_table(("preset", "for", "what it names"), rows)
        return
    for name in preset or ():
        if name not in known:
            _complain(f"{quoted(name)} is no preset{did_you_mean(name, known)} (gatekeeper init --list shows them all)")
            raise typer.Exit(2)
    text = starter_file(tuple(preset or ("essential",)))
    if str(file) == "-":
        sys.stdout.write(text)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        _complain(f"{file} is there already; --force overwrites it")
        raise typer.Exit(2) from None
    except OSError as fault:
        _complain(f"{file} cannot be written: {fault.strerror}")
        raise typer.Exit(1) from None
    typer.echo(f"{file} is written. Next: gatekeeper check {file}; gatekeeper run --config {file} --upstream http://…")


# --- printing --------------------------------------------------------------------------------------------------------


def _load(file: Path) -> Settings:
    return _or_exit(lambda: load_settings(file))


def _or_exit(load: Any) -> Settings:
    try:
        settings: Settings = load()
    except PolicyError as error:
        raise typer.Exit(_print_problems(error)) from None
    return settings


def _print_problems(error: PolicyError) -> int:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    source = f"{error.source}: " if error.source else ""
    for problem in error.problems:
        console.print(Text.assemble(source, (problem.path, "bold red"), ": " if problem.path else "", problem.message))
    count = len(error.problems)
    console.print(Text(f"{count} problem{'s' if count != 1 else ''}", style="red"))
    return 2


def _complain(message: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"gatekeeper: {message}", style="red"))


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _print_choice(result: Explanation) -> None:
    told = result.choice_object()
    rows: list[tuple[str, str]] = [("choice", str(told["state"])), ("format", str(told["format"] or "-"))]
    rows += [(key, ", ".join(map(str, told[key])) or "-") for key in ("granted", "refused")]  # type: ignore[call-overload]
    rows += [("native", json.dumps(told["native"]))] if told["native"] else []
    rows += [(key.replace("_", " "), str(told[key])) for key in ("given_at", "revision") if told[key] is not None]
    rows += [("allowed now", ", ".join(map(str, told["grant"])) or "-")]  # type: ignore[call-overload]
    for key, value in rows:
        typer.echo(f"{key:<12} {value}")


def _print_table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """A drawn table on a terminal, tab-separated lines in a pipe."""
    shown = [tuple(str(cell) for cell in row) for row in rows]
    if not sys.stdout.isatty():
        for row in (head, *shown):
            sys.stdout.write("\t".join(cell.replace("\t", " ") for cell in row) + "\n")
        return
    table = Table(header_style="bold", show_lines=False)
    for name in head:
        table.add_column(name, overflow="fold")
    for row in shown:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console(highlight=False).print(table)


_STYLES = {"pass": "green", "drop": "red", "rewrite": "cyan", "expire": "yellow"}


def main() -> None:
    """Entry point of the ``gatekeeper`` command."""
    app()
