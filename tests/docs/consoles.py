"""The commands in the pages, run as they stand.

``python -m tests.docs.consoles`` writes what they print now into the pages, but for blocks with a ``…``, which stands
for anything.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from gatekeeper import cli
from gatekeeper.serve import Launch
from gatekeeper.settings import Settings
from tests.docs.pages import PAGES, ROOT, Block, blocks

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_PROMPT = "$ "
_ASSIGNMENT = re.compile(r"(GATEKEEPER_\w+)=(.*)", re.DOTALL)
_WIDTH = "110"
# When the pages were written, in epoch seconds: the choices in them do not grow old.
_TODAY = 1795651200


class _Terminal(io.TextIOWrapper):
    """Both standard streams of a terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> str:
        """What stands on it, without colours."""
        assert isinstance(self.buffer, io.BytesIO)
        text = _STYLE.sub("", self.buffer.getvalue().decode("utf-8"))
        return "".join(line.rstrip() + "\n" for line in text.splitlines())


@dataclass(frozen=True)
class Command:
    """A command line of a block, and what the page says that it prints."""

    block: Block
    source: str
    words: tuple[str, ...]
    prints: str
    exit_code: int

    @property
    def is_run(self) -> bool:
        """Whether it is ours: other programs are the reader's."""
        own = [word for word in self.words if not _ASSIGNMENT.fullmatch(word)]
        return own[:1] == ["gatekeeper"] and "norun" not in self.block.words


def commands(block: Block) -> list[Command]:
    """A block's commands; a line that ends in a backslash goes on in the next one."""
    found: list[tuple[list[str], list[str]]] = []
    goes_on = False
    for line in block.text.splitlines():
        if line.startswith(_PROMPT):
            found.append(([line], []))
        elif found:
            found[-1][0 if goes_on else 1].append(line)
        goes_on = line.endswith("\\") and bool(found) and not found[-1][1]
    codes = [int(word.removeprefix("exit=")) for word in block.words if word.startswith("exit=")]
    return [
        Command(
            block,
            _text(source),
            tuple(shlex.split(_text(source).removeprefix(_PROMPT).replace("\\\n", " "))),
            _text(output),
            codes[0] if codes and place == len(found) else 0,
        )
        for place, (source, output) in enumerate(found, start=1)
    ]


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def folder_for(page: Path, upto: int) -> Iterator[Path]:
    """A folder with what a reader of the page has when they come to a line of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "config", folder / "config")
        (folder / "examples" / "shop").mkdir(parents=True)
        shutil.copy(ROOT / "examples" / "shop" / "gatekeeper.toml", folder / "examples" / "shop")
        for block in blocks(page, "toml"):
            if block.line < upto and block.words != ("fragment",):
                (folder / (block.words or ("gatekeeper.toml",))[0]).write_text(block.text, "utf-8")
        with contextlib.chdir(folder):
            yield folder


def run(words: Sequence[str]) -> tuple[int, str]:
    """Exit code and what a terminal shows. ``gatekeeper run`` is the real one up to the socket."""
    terminal = _Terminal()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEKEEPER_")}
    arguments = list(words)
    while found := _ASSIGNMENT.fullmatch(arguments[0]):
        environment[found[1]] = found[2]
        del arguments[0]
    arguments, redirected = (arguments[: arguments.index(">")], True) if ">" in arguments else (arguments, False)

    def serve(launch: Launch, settings: Settings, announce: Callable[[str], None]) -> int:
        announce("http://" + settings.server.listen)
        return 0

    with (
        mock.patch.dict(os.environ, environment | {"COLUMNS": _WIDTH, "NO_COLOR": "1", "TERM": "xterm"}, clear=True),
        mock.patch.object(cli, "serve", serve),
        mock.patch.object(cli, "time", SimpleNamespace(time=lambda: _TODAY)),
        contextlib.redirect_stdout(_Terminal() if redirected else terminal),
        contextlib.redirect_stderr(terminal),
    ):
        try:
            cli.app(arguments[1:], prog_name="gatekeeper")
        except SystemExit as end:
            code = int(end.code or 0)
    return code, terminal.shown


def matches(shown: str, prints: str) -> bool:
    """Whether a page tells what was shown; ``…`` stands for anything."""
    pattern = re.escape(prints.strip()).replace("…", r"[\s\S]*?")
    return re.fullmatch(pattern, shown.strip()) is not None


def _refresh() -> None:
    for page in PAGES:
        lines = page.read_text("utf-8").splitlines(keepends=True)
        for block in reversed(blocks(page, "console")):
            if "…" not in block.text:
                begin = block.line - 1
                with folder_for(page, block.line):
                    fresh = "".join(map(_fresh, commands(block)))
                lines[begin : begin + block.text.count("\n")] = [fresh]
        page.write_text("".join(lines), "utf-8")


def _fresh(command: Command) -> str:
    if not command.is_run or not command.prints.strip():
        return command.source + command.prints
    return command.source + run(command.words)[1]


if __name__ == "__main__":
    _refresh()
