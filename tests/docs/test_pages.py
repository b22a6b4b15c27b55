"""Every page: links lead somewhere, files are files, Python compiles, and the words are the project's own."""

import re
import struct
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

from gatekeeper.assembly import load_settings
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, anchors, blocks, name_of, references

# A reader finds packages wherever they get them; what this machine is like is nobody's business.
_NOT_OURS = re.compile(r"https?://[^\s)>]*(?:registry|packages|simple)\b|/tmp/", re.IGNORECASE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    wrong = []
    for reference in references(page):
        path, _, fragment = unquote(reference).partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (page.parent / path).resolve() if path else page
        if (
            not target.is_relative_to(ROOT)
            or not target.exists()
            or (fragment and target.suffix == ".md" and fragment not in anchors(target))
        ):
            wrong.append(reference)
    assert not wrong


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        for reference in references(page):
            target = (page.parent / reference.partition("#")[0]).resolve()
            if target in PAGES and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert reached == set(PAGES)


def test_every_picture_is_a_picture_and_shown_somewhere() -> None:
    shown = {(page.parent / reference).resolve() for page in PAGES for reference in references(page)}
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture in shown, picture.name
        assert picture.suffix == ".png"
        head = picture.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", head[16:])
        assert 400 <= width <= 2600
        assert 200 <= height <= 2600


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_package_registry_or_a_machine(page: Path) -> None:
    assert not _NOT_OURS.findall(page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for path, name in _TEST.findall(page.read_text("utf-8")):
        assert (ROOT / path).is_file(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8"), f"{path}::{name}"


@pytest.mark.parametrize("block", all_blocks("toml"), ids=str)
def test_every_file_in_the_pages_is_one_that_gatekeeper_takes(block: Block, tmp_path: Path) -> None:
    tomllib.loads(block.text)
    if "fragment" not in block.words:
        file = tmp_path / "gatekeeper.toml"
        file.write_text(block.text, "utf-8")
        load_settings(file)


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_every_program_in_the_pages_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


def test_no_block_is_in_a_language_that_no_test_knows() -> None:
    known = {"", "console", "dockerfile", "html", "http", "javascript", "json", "mermaid", "php", "python", "text"}
    known |= {"toml", "yaml"}
    for page in PAGES:
        assert {block.language for block in blocks(page, *known)} <= known
        languages = re.findall(r"^```(\w+)", page.read_text("utf-8"), re.MULTILINE)
        assert set(languages) <= known, name_of(page)


def test_every_decision_has_its_parts() -> None:
    pages = [page for page in PAGES if page.parent.name == "decisions" and page.name != "index.md"]
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Held by"], page.name
        assert _TEST.search(page.read_text("utf-8")), page.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text("utf-8"))) <= set(targets)


def test_every_make_target_is_told_to_contributors() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    told = re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    # What is a part of another, or prints its own list.
    assert set(phony.split()) - set(told) <= {"help", "system", "compiler", "tests-processes", "tests-core"}
