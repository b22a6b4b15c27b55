"""Policy pages read back: the markdown by a reader of its own, the HTML by a parser that wants every element closed."""

import html
import json
import re
import tomllib
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

from gatekeeper.pages.cookie_policy import render_json, render_markdown
from gatekeeper.policy import presets
from gatekeeper.policy.document import Policy
from gatekeeper.policy.load import load_policy_tables

GFM = MarkdownIt("commonmark", {"html": True}).enable("table")
VOID = {"meta", "br"}


def loaded(text: str) -> Policy:
    """The policy of a file with this text."""
    return load_policy_tables(tomllib.loads(text), presets.library())


def categories(policy: Policy) -> dict[str, Any]:
    """The categories of the JSON by id."""
    return {category["id"]: category for category in json.loads(render_json(policy))["categories"]}


def names(policy: Policy, category: str) -> list[str]:
    """The cookie-names that the JSON lists under a category."""
    return [cookie["name"] for cookie in categories(policy)[category]["cookies"]]


def rows(policy: Policy) -> list[list[str]]:
    """The cells of every table of the markdown, as a reader of it sees them, headers too."""
    page = GFM.render(render_markdown(policy))
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [
        [html.unescape(re.sub(r"</?code>", "", cell)) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row)]
        for row in rows
    ]


class Document(HTMLParser):
    """A parser that insists on balanced elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for element, text in self.texts if element == tag]
