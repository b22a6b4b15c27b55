"""The sample shop's pages as documents: well-formed, accessible, and without a resource of another site."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from examples.shop.data import PRODUCTS, Lang
from tests.examples.visiting import PAGES, Visitor

NewVisitor = Callable[..., Visitor]
VOID = {"meta", "link", "img", "input", "br"}


class Document(HTMLParser):
    """Checks what a browser would silently repair: tags that do not close, ids twice, fields without a label."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[str | None] = []
        self.problems: list[str] = []
        self.urls: list[str] = []
        self.headings: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.problems.append(f"<{tag}> repeats an attribute")
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag == "label" and "for" in given:
            self.labelled.add(str(given["for"]))
        if tag == "input" and given.get("type") != "hidden" and "label" not in self.open:
            self.fields.append(given.get("id"))
        if tag == "img" and not {"alt", "width", "height"} <= set(given):
            self.problems.append("an img lacks alt, width or height")
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)
        self.urls += [str(given[name]) for name in ("src", "href", "action") if name in given]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "svg" not in self.open:
            self.problems.append(f"<{tag}/> outside an svg")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")


@pytest.fixture
def busy_visitor(visitor: Visitor) -> Visitor:
    """One for whom every page shows everything that it can show."""
    visitor.login()
    for slug in ("belchen-bell", "jura-pump"):
        visitor.get(f"/catalogue/{slug}")
        visitor.post("/basket/add", product=slug, quantity="1")
    return visitor


@pytest.mark.parametrize("lang", list(Lang))
def test_every_page_is_a_well_formed_accessible_document(
    busy_visitor: Visitor, new_visitor: NewVisitor, lang: str
) -> None:
    busy_visitor.post("/language", lang=lang)
    new = new_visitor()
    responses = [new.get(url) for url in PAGES] + [new.login(password="wrong")]
    responses += [busy_visitor.get(url) for url in (*PAGES, "/account", "/checkout") if url != "/login"]
    responses.append(busy_visitor.post("/checkout"))
    for response in responses:
        document = Document(response.text)
        where = str(response.url)
        assert document.problems == [], where
        assert document.open == [], where
        assert len(set(document.ids)) == len(document.ids), where
        assert set(document.fields) <= document.labelled, where
        assert document.headings.count("h1") == 1, where
        assert 'href="#main"' in response.text
        assert "main" in document.ids
        assert all(url.startswith(("/", "#", "mailto:")) for url in document.urls), "a resource of another site"


def test_every_link_and_picture_of_the_shop_leads_somewhere(busy_visitor: Visitor) -> None:
    urls = {url for page in PAGES for url in Document(busy_visitor.get(page).text).urls if url.startswith("/")}
    assert len(urls) > len(PRODUCTS)
    for url in sorted(urls):
        assert busy_visitor.get(url).status_code in {200, 302, 303, 405}, url
