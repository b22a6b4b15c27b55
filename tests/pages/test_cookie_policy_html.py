"""The HTML page as a document: complete, legible, readable aloud, nothing fetched and nothing run."""

import base64
import hashlib
import re

from gatekeeper.pages.cookie_policy import render_html
from gatekeeper.policy.document import Page, Policy, Rule
from tests.pages.reading import Document

PAGE = render_html(
    Policy(rules=(Rule("a", "necessary", "F", "P"), Rule("b", "analytics", duration="1d", provider="B")))
)


def test_it_is_a_complete_document_in_english() -> None:
    document = Document(PAGE)
    assert PAGE.startswith("<!DOCTYPE html>\n")
    assert document.all("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in document.all("meta")
    assert [len(document.all(tag)) for tag in ("main", "h1", "title", "script", "link")] == [1, 1, 1, 0, 0]


def test_tables_can_be_read_aloud() -> None:
    document = Document(PAGE)
    assert document.text("caption") == ["Necessary", "Analytics"]
    assert {cell["scope"] for cell in document.all("th")} == {"col", "row"}
    assert all(cell["data-label"] for cell in document.all("td"))
    ids = {attributes["id"] for _, attributes in document.elements if "id" in attributes}
    assert {section["aria-labelledby"] for section in document.all("section")} == ids


def test_the_style_and_nothing_else_is_allowed_by_its_content_security_policy() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = (m["content"] for m in Document(PAGE).all("meta") if "http-equiv" in m)
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "url(" not in style
    assert "@import" not in style


def test_the_style_is_the_same_for_every_policy() -> None:
    assert PAGE.partition("<title>")[0] == render_html(Policy(page=Page("</style><script>"))).partition("<title>")[0]


def test_colours_contrast_enough_to_be_read() -> None:
    palettes = re.findall(
        r"--paper: (#\w{6}); --ink: (#\w{6}); --quiet: (#\w{6}).*?--shade: (#\w{6}); --link: (#\w{6})", PAGE
    )
    assert len(palettes) == 3  # light, dark, print
    for paper, ink, quiet, shade, link in palettes:
        for background in (paper, shade):
            for colour in (ink, quiet, link):
                assert _contrast(colour, background) >= 4.5, (colour, background)  # WCAG 2.2, 1.4.3 (AA)


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
