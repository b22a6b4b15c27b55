"""Every ``gatekeeper`` command in the pages does what the page says."""

from pathlib import Path

import pytest

from tests.docs.consoles import commands, folder_for, matches, run
from tests.docs.pages import Block, all_blocks


@pytest.mark.parametrize(
    "block", [one for one in all_blocks("console") if any(c.is_run for c in commands(one))], ids=str
)
def test_the_commands_of_a_page_print_what_it_says(block: Block) -> None:
    with folder_for(block.page, block.line):
        for command in commands(block):
            if not command.is_run:
                continue
            code, shown = run(command.words)
            assert code == command.exit_code, (command.words, shown)
            if command.prints.strip():
                assert matches(shown, command.prints), (command.words, shown)


def test_a_page_may_leave_out_what_changes() -> None:
    assert matches("a 12 b\nc\n", "a … b\nc")
    assert not matches("a 12 b\nc\n", "a … c\nb")


def test_a_command_that_is_wrong_is_seen_to_be(tmp_path: Path) -> None:
    code, shown = run(("gatekeeper", "check", str(tmp_path / "nothing.toml")))
    assert code == 2
    assert "cannot be read" in shown
