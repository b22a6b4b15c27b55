"""``docs/command-line.md`` against the program: each command, argument and option, and no other."""

import re

import pytest
import typer

from gatekeeper.cli import app
from tests.docs.pages import ROOT, section

PAGE = ROOT / "docs" / "command-line.md"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_command_has_its_heading_and_no_other_has_one() -> None:
    headings = re.findall(r"^## `gatekeeper (\w+)`$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_the_options_that_the_page_tells(name: str) -> None:
    text = section(PAGE, f"`gatekeeper {name}`")
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("-")}
    tabled = {
        option for line in re.findall(r"^\| `-.*?\|", text, re.MULTILINE) for option in re.findall(r"`(-[\w-]+)", line)
    }
    assert tabled == options - {"--help", "-h"}


def test_the_options_of_the_program_itself_are_told() -> None:
    head = PAGE.read_text("utf-8").partition("\n## ")[0]
    for option in ("--version", "--help", "-h"):
        assert f"`{option}`" in head or f"`gatekeeper {option}`" in head
