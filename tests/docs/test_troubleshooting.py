"""``docs/troubleshooting.md`` against the code: each message about an exchange and its connections, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.proxy.response import _TEXTS
from tests.docs.pages import ROOT, rows

PAGE = ROOT / "docs" / "troubleshooting.md"
PACKAGE = ROOT / "gatekeeper"
SOURCES = (
    *sorted((PACKAGE / "proxy" / "plane").glob("*.py")),
    PACKAGE / "serve" / "entrance.py",
    PACKAGE / "serve" / "workers.py",
)
# What is told stands in the first argument that is a text.
TELLING = {"Refusal", "Untrusted", "UpstreamError", "_fail", "_break_off", "_tell"}
LEVELS = {"info", "warning", "error", "exception"}
# Only ReverseProxy answers with these.
NOT_OF_THE_PLANE = {501}


def _as_told(node: ast.expr) -> str | None:
    """A text as the page writes it: "…" for what is filled in; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[sd]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        candidates: list[ast.expr] = []
        after = ""
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in TELLING | LEVELS:
                candidates = node.args
                after = ": …" if name == "_tell" else ""
            case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=int()), _] as elements)):
                candidates = elements
            case ast.Assign(targets=[ast.Name(id="text")]):
                candidates = [node.value]
        told = [text for text in map(_as_told, candidates) if text is not None]
        if told:
            yield told[0] + after


def said(path: Path) -> set[str]:
    """The messages in a module."""
    return {text for text in _texts(ast.parse(path.read_text("utf-8"))) if not text.startswith("the upstream: …")}


def told() -> set[str]:
    return {row.cells[0].strip("`") for row in rows(PAGE) if row.headings[-1] == "What the lines say"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_message_is_explained(path: Path) -> None:
    assert said(path) - told() == set()


def test_no_message_is_explained_that_nobody_says() -> None:
    every = {text for path in SOURCES for text in said(path)}
    assert len(every) > 40
    assert told() - every == set()


def test_every_status_of_the_gates_own_is_explained() -> None:
    explained = {int(row.cells[0]) for row in rows(PAGE) if row.cells[0].isdecimal()}
    assert explained == set(_TEXTS) - NOT_OF_THE_PLANE
