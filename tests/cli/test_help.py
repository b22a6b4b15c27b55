"""``--help`` and ``--version``, errors of usage, and what a terminal of 80 columns shows of it."""

import itertools
import re
import subprocess

import pytest
import typer

from gatekeeper import __version__
from gatekeeper.cli import app
from tests.cli.conftest import Tell
from tests.cli.running import COMMAND, environment

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]

# What each command's help has to name: its arguments, its options with what they take, and an example that runs.
HELP = {
    "run": (
        [
            "--config -c FILE",
            "--upstream URL",
            "--listen ADDR",
            "--mode MODE",
            "--workers N",
            "--reload Take",
            "--help -h",
        ],
        ["enforce, report-only", "or off", "unix:/path", "SIGHUP", "SIGTERM", "Default: the shipped rules"],
        "gatekeeper run --upstream http://127.0.0.1:8000",
    ),
    "check": (["* FILE", "--help -h Show"], ["Exit code 0", "otherwise 2"], "gatekeeper check site.toml"),
    "explain": (
        [
            "* FILE",
            "--cookie-header COOKIES",
            "--set-cookie COOKIE",
            "--url URL",
            "--gpc The",
            "--json Print",
            "--help -h",
        ],
        ["tab-separated", "[default: http://localhost/]", "May be repeated"],
        "gatekeeper explain site.toml --set-cookie '_ga=1; Max-Age=99'",
    ),
    "consent": (
        ["* COOKIES", "--config -c FILE", "--json Print", "--help -h"],
        ["as a browser sends it"],
        "gatekeeper consent 'cookies_preferences=analytics' --json",
    ),
    "policy": (
        ["* FILE", "--format FORMAT", "--help -h"],
        ["markdown, html or json", "[default: markdown]"],
        "gatekeeper policy site.toml --format html > cookies.html",
    ),
    "init": (
        ["FILE", "--preset -p NAME", "--force Overwrite", "--list List", "--help -h"],
        ["- for standard output", "[default: gatekeeper.toml]", "Default: essential"],
        "gatekeeper init site.toml --preset django --preset matomo",
    ),
}


def words(text: str) -> str:
    """The text without frames and runs of spaces."""
    return re.sub(r"\s+", " ", re.sub(r"[^\x20-\x7e…]", " ", text))


def test_every_command_is_told_of(tell: Tell) -> None:
    told = tell("--help")
    assert told.code == 0
    assert set(HELP) == set(COMMANDS)
    for name in COMMANDS:
        assert re.search(rf"│ {name} +[A-Z]", told.out)
    assert "--version Print the version." in words(told.out)
    assert "gatekeeper run --upstream http://127.0.0.1:8000" in words(told.out)
    assert "GATEKEEPER_UPSTREAM__URL=http://127.0.0.1:9000" in told.out


@pytest.mark.parametrize("name", HELP)
def test_the_help_of_a_command_tells_its_options_and_an_example(tell: Tell, name: str) -> None:
    options, sentences, example = HELP[name]
    told = tell(name, "--help")
    assert (told.code, told.err) == (0, "")
    text = words(told.out)
    for one in (*options, *sentences, example):
        assert one in text, one
    known = {opt for parameter in COMMANDS[name].params for opt in parameter.opts if opt.startswith("--")}
    assert set(re.findall(r"(?<=│ )--[a-z-]+", told.out)) == known | {"--help"}
    assert tell(name, "-h").out == told.out


@pytest.mark.parametrize("arguments", [(), *((name,) for name in HELP)])
def test_help_fits_into_eighty_columns_and_flags_take_nothing(tell: Tell, arguments: tuple[str, ...]) -> None:
    out = tell(*arguments, "--help").out
    assert max(map(len, out.splitlines())) <= 80
    assert "<bool>" not in out
    assert "list[" not in out
    # A sentence is broken where the line is full, not where the source was.
    for line, following in itertools.pairwise(one.strip() for one in out.partition("╭")[0].splitlines()):
        if line and following:
            assert len(f"{line} {following.split()[0]}") > 78


def test_an_example_in_the_help_is_in_one_piece(tell: Tell) -> None:
    for name, (_, _, example) in HELP.items():
        assert example in tell(name, "--help").out, name


def test_arguments_stand_in_capitals_in_the_usage(tell: Tell) -> None:
    usages = {name: re.search(r"Usage: (.*)", tell(name, "--help").out) for name in HELP}
    assert {name: usage[1].strip() for name, usage in usages.items() if usage} == {
        "run": "gatekeeper run [OPTIONS]",
        "check": "gatekeeper check [OPTIONS] FILE",
        "explain": "gatekeeper explain [OPTIONS] FILE",
        "consent": "gatekeeper consent [OPTIONS] COOKIES",
        "policy": "gatekeeper policy [OPTIONS] FILE",
        "init": "gatekeeper init [OPTIONS] [FILE]",
    }


def test_version_is_one_line(tell: Tell) -> None:
    told = tell("--version")
    assert (told.code, told.out, told.err) == (0, f"gatekeeper {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("chek", "a"), "No such command 'chek'. Did you mean 'check'?"),
        (("check",), "Missing argument 'FILE'"),
        (("check", "a", "b"), "unexpected extra argument"),
        (("run", "--upstrem", "x"), "No such option: --upstrem"),
        (("run", "--upstream"), "requires an argument"),
        (("run", "--mode", "strict"), "'strict' is not one of 'enforce', 'report-only', 'off'"),
        (("run", "--workers", "two"), "Invalid value for '--workers'"),
        (("run", "--reload"), "Invalid value for '--reload': it watches the file of --config, and none is given"),
        (("--verbose",), "No such option: --verbose"),
    ],
)
def test_an_error_of_usage_ends_with_two_and_says_what_is_wrong(
    tell: Tell, arguments: tuple[str, ...], hint: str
) -> None:
    told = tell(*arguments)
    assert (told.code, told.out) == (2, "")
    assert hint in words(told.err)
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--workers", "0"), "server.workers: must be between 1 and 256, not 0"),
        (("--listen", "8080"), 'server.listen: "8080" is no address; did you mean "127.0.0.1:8080"?'),
        (("--listen", ""), "server.listen: must not be empty"),
        (("--upstream", "localhost"), 'upstream.url: "localhost" cannot be used: it has to begin with http://'),
    ],
)
def test_a_value_that_cannot_be_is_refused_like_one_of_a_file(
    tell: Tell, arguments: tuple[str, ...], problem: str
) -> None:
    told = tell("run", *arguments)
    assert told.code == 2
    (only,) = told.problems
    assert only.startswith(problem)
    assert only.endswith(" (set on the command line)")


def test_control_characters_of_an_argument_do_not_reach_the_terminal(tell: Tell) -> None:
    for arguments in (
        ("\x1b[31m",),
        ("check", "a", "\x1b[31m"),
        ("run", "--\x1b[31m"),
        ("init", "-p", "\x1b[31m\udcff"),
    ):
        told = tell(*arguments)
        assert told.code == 2
        assert "\x1b" not in told.out + told.err


def test_without_a_command_the_help_is_shown() -> None:
    done = subprocess.run(COMMAND, env=environment(COLUMNS="80"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "[OPTIONS] COMMAND [ARGS]..." in done.stdout
    assert done.stderr == ""


def test_the_module_is_the_same_program() -> None:
    done = subprocess.run([*COMMAND, "--version"], env=environment(), capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"gatekeeper {__version__}\n", "")
