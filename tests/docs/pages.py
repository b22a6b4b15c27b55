"""The project's pages as a reader sees them: fenced blocks, tables, links, headings.

What a fenced block means to the tests stands behind its language:

========================  =============================================================================================
```toml                   a whole file: the commands of the page find it as ``gatekeeper.toml``
```toml NAME              a whole file of another name
```toml fragment          a part of a file, which only has to be TOML
```console                lines that begin with ``$ gatekeeper`` are run, and print what follows them
```console exit=2         the last of them ends so
```console norun          shown, and not run
```python                 compiles
========================  =============================================================================================
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block. ``line`` is that of its first line of text, counted from 1."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


@dataclass(frozen=True)
class Row:
    """A row of a table: the headings that it stands under, and the text of its cells, backticks and all."""

    headings: tuple[str, ...]
    cells: tuple[str, ...]


def name_of(page: Path) -> str:
    """The page's path within the project."""
    return page.relative_to(ROOT).as_posix()


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8")))


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks in these languages, in order."""
    found = []
    for token in tokens(page):
        language, *words = token.info.split() or [""]
        if token.type == "fence" and language in languages:
            assert token.map is not None
            found.append(Block(page, token.map[0] + 2, language, tuple(words), token.content))
    return found


def all_blocks(*languages: str) -> list[Block]:
    """Those of all pages."""
    return [block for page in PAGES for block in blocks(page, *languages)]


def rows(page: Path) -> Iterator[Row]:
    """Every row of every table but the heads."""
    path: list[str] = []
    cells: list[str] = []
    kind = ""
    for token in tokens(page):
        if token.type == "heading_open":
            path = path[: int(token.tag[1]) - 1]
        if token.type in ("heading_open", "th_open", "td_open"):
            kind = token.type
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close" and kind == "td_open":
            yield Row(tuple(path), tuple(cells))
        elif token.type == "inline" and kind == "heading_open":
            path.append(token.content)
            kind = ""
        elif token.type == "inline" and kind in ("th_open", "td_open"):
            cells.append(token.content)


def section(page: Path, heading: str) -> str:
    """The text under a heading, up to the next one of its rank."""
    text = page.read_text("utf-8")
    found = re.search(rf"^(#+) {re.escape(heading)}$(.*?)(?=^\1 |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{name_of(page)} has no heading {heading}"
    return found[2]


def references(page: Path) -> Iterator[str]:
    """Where its links and pictures lead."""
    for token in tokens(page):
        for child in token.children or ():
            target = child.attrGet("href") if child.type == "link_open" else child.attrGet("src")
            if isinstance(target, str):
                yield target


def anchors(page: Path) -> set[str]:
    """The fragments that its headings can be reached by."""
    found = set()
    headings = False
    for token in tokens(page):
        if token.type == "inline" and headings:
            found.add(_NOT_IN_ANCHORS.sub("", token.content.replace("`", "").lower()).replace(" ", "-"))
        headings = token.type == "heading_open"
    return found
