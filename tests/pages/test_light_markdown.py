"""The operator's texts: what is markup in them, and that nothing else ever becomes markup."""

import html
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gatekeeper.pages.light_markdown import (
    code_to_markdown,
    one_line,
    text_to_html,
    text_to_markdown,
    to_html,
    to_markdown,
)

# A reader that takes all it can, raw HTML too: what stays text for it, stays text.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LETTERS = ["a", "b ", "é", "1", " ", "\n", "\n\n", "  \n", "    ", "\t", "\r", "\x00", "\u2028"]
INLINE = ["*", "**", "_", "__", "`", "~~", "[", "](", "](/x)", ")", "[a](javascript:x)", "!", "\\", "http://x"]
BLOCKS = [
    "|",
    "\\|",
    "\n|-|-|\n",
    "#",
    "# ",
    "-",
    "---",
    "===",
    "\n=",
    "\n- ",
    "\n1. ",
    "\n2) ",
    "+",
    "\n> ",
    "```\n",
    "~~~",
]
HTML = ["<", ">", "<b>", "</script>", "<!--", "<http://x>", "&", "&lt;", "&amp;"]
PIECES = st.lists(st.sampled_from(LETTERS + INLINE + BLOCKS + HTML), max_size=12).map("".join)


def _visible(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", page))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\n\nTwo.", "<p>One.</p>\n<p>Two.</p>\n"),
        ("**bold** and *em* and _em_", "<p><strong>bold</strong> and <em>em</em> and <em>em</em></p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("[x](https://example.org/?a=1&b=2)", '<p><a href="https://example.org/?a=1&amp;b=2">x</a></p>\n'),
        ("[x](mailto:a@example.org)", '<p><a href="mailto:a@example.org">x</a></p>\n'),
        ("[x](/cookies#top)", '<p><a href="/cookies#top">x</a></p>\n'),
        ("[x](a/b:c)", '<p><a href="a/b:c">x</a></p>\n'),
        ("# no heading", "<p># no heading</p>\n"),
        ("![x](/pixel.png)", '<p>!<a href="/pixel.png">x</a></p>\n'),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("", ""),
    ],
)
def test_the_light_subset_becomes_html_and_the_rest_stays_text(text: str, expected: str) -> None:
    assert to_html(text) == expected


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "java&Tab;script:alert(1)",
        "<java\tscript:alert(1)>",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.org/",
    ],
)
def test_an_address_of_another_scheme_makes_no_link(address: str) -> None:
    text = f"[x]({address})"
    assert "<a" not in to_html(text)
    assert "<a" not in READER.render(to_markdown(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** _em_ [x](/a)", "**bold** _em_ [x](/a)"),
        ("- a\n- b\n\n  c", "- a\n- b\n\n  c"),
        ("1. a\n2. b", "1. a\n2. b"),
        ("wrapped\nline", "wrapped line"),
        ("broken  \nline", "broken\\\nline"),
        ("cookies_preferences and _BEAMER*", "cookies_preferences and \\_BEAMER\\*"),
        ("# x", "\\# x"),
        ("a | b", "a \\| b"),
        ("`x`", "\\`x\\`"),
        ("![x](/a)", "\\![x](/a)"),
        ("2021-03-30 - no list", "2021-03-30 - no list"),
        ("1\\. no list", "1\\. no list"),
        ("\\- no list", "\\- no list"),
        ("a  \n-:", "a\\\n\\-:"),
        ("&amp;lt;", "\\&lt;"),
        ("[x](</a (b)|c>)", "[x](/a%20%28b%29%7Cc)"),
    ],
)
def test_markdown_keeps_the_light_subset_and_escapes_the_rest(text: str, expected: str) -> None:
    assert to_markdown(text) == expected


def test_nested_empty_lists_do_not_become_a_rule() -> None:
    assert "<hr" not in READER.render(to_markdown("-    -    -"))


@settings(deadline=None)
@given(PIECES)
def test_no_reader_of_the_markdown_finds_markup_beyond_the_subset(text: str) -> None:
    page = READER.render(to_markdown(text))
    tags = set(re.findall(r"<(?!/)([^\s>]*)", page))
    assert tags <= {"p", "ul", "ol", "li", "em", "strong", "a", "br"}
    # Delimiters that are ambiguous in the source may be taken otherwise the second time; no other letter may differ.
    assert re.sub(r"[\s*_]", "", _visible(page)) == re.sub(r"[\s*_]", "", _visible(to_html(text)))


@settings(deadline=None)
@given(PIECES, st.sampled_from([text_to_markdown, code_to_markdown]))
def test_a_cell_holds_its_text_and_nothing_else(text: str, write: Callable[[str], str]) -> None:
    page = READER.render(f"| a | b |\n| --- | --- |\n| {write(text)} | end |\n")
    first, last = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    assert last == "end"
    assert html.unescape(re.sub(r"^<code>(.*)</code>$", r"\1", first)) == one_line(text)


@settings(deadline=None)
@given(PIECES)
def test_a_heading_and_a_paragraph_hold_their_text_and_nothing_else(text: str) -> None:
    heading = READER.render(f"# {text_to_markdown(text)}\n")
    assert re.fullmatch(r"<h1>[^<]*</h1>\n", heading)
    assert html.unescape(heading[4:-6]) == one_line(text)
    paragraph = READER.render(f"before\n\n{text_to_markdown(text)}\n")
    assert _visible(paragraph) == f"before\n{one_line(text)}\n".replace("\n\n", "\n")


def test_text_is_safe_in_a_quoted_attribute() -> None:
    assert text_to_html("\"><script>'&\x00\n") == "&quot;&gt;&lt;script&gt;&#x27;&amp;"


def test_no_break_spaces_stay_as_spelling() -> None:
    assert one_line("«\u00a0x\u00a0»\u2028y") == "«\u00a0x\u00a0» y"
