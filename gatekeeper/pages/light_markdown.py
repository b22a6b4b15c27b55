"""The operator's texts: light markdown, made safe once and written out as HTML or as markdown.

Paragraphs, lists, bold, emphasis, links and line breaks mean what they mean in CommonMark; everything else, HTML
and headings among it, is text. Both outputs come from one parse, so what is bold in one is bold in the other, and what
is text in one is text in the other, whoever renders the markdown later.
"""

import html
import re

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

_SCHEMES = ("http:", "https:", "mailto:")
_FIRST_SEGMENT = re.compile(r"[^/?#]*:")  # RFC 3986, section 4.2: a colon here makes what stands before it a scheme
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_BREAKS = re.compile(r"[ \t\n\v\f\r\x85\u2028\u2029]+")  # \s would also take no-break spaces, which are spelling
# An underscore within a word is never emphasis; an ampersand that begins no entity is only itself.
_SPECIAL = re.compile(r"[\\`*\[\]<>~|#]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|&(?=#?\w+;)")
# "- x", "+ x", "1. x" and "1) x" would begin a list, "---" be a rule; "===" would make the line before a heading, "-:"
# a table's.
_LINE_START = re.compile(r"^(?:(\d{1,9})(?=[.)](?: |$))|(?=[-+](?: |$)|[-:][-: ]*$|=+ *$))", re.MULTILINE)


class _Light(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the hook's name is markdown-it's
        return _FIRST_SEGMENT.match(url) is None or url.lower().startswith(_SCHEMES)


_PARSER = _Light("zero", {"html": False}).enable(["emphasis", "entity", "escape", "link", "list", "newline"])


def one_line(text: str) -> str:
    """A text as one line: line breaks become spaces, control characters go."""
    return _BREAKS.sub(" ", _CONTROL.sub("", text)).strip()


def text_to_html(text: str) -> str:
    """Plain text as one line of HTML, safe as content and in a quoted attribute."""
    return html.escape(one_line(text))


def text_to_markdown(text: str) -> str:
    """Plain text as one line of markdown that renders as that text: in a paragraph, a heading or a table's cell."""
    return _at_line_start(_literal(one_line(text)))


def code_to_markdown(text: str) -> str:
    """A name as one line of markdown, set as code where a table's cell can hold it so."""
    name = one_line(text)
    # Renderers differ on a backslash before a pipe within code; in escaped text they agree.
    if not name or "`" in name or "\\" in name:
        return text_to_markdown(name)
    return "`" + name.replace("|", "\\|") + "`"


def to_html(text: str) -> str:
    """Light markdown as HTML blocks, with a line feed at the end; "" for an empty text."""
    return str(_PARSER.render(_clean(text)))


def to_markdown(text: str) -> str:
    """Light markdown as markdown in which nothing but the light subset is left; blocks parted by blank lines."""
    return _blocks(SyntaxTreeNode(_PARSER.parse(_clean(text))))


def _clean(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def _literal(text: str) -> str:
    return _SPECIAL.sub(lambda special: "\\" + special[0], text)


def _at_line_start(text: str) -> str:
    return _LINE_START.sub(r"\1\\", text)


def _blocks(parent: SyntaxTreeNode) -> str:
    return "\n\n".join(_block(node) for node in parent.children)


def _block(node: SyntaxTreeNode) -> str:
    if node.type == "bullet_list":
        return "\n".join(_item(item, "- ") for item in node.children)
    if node.type == "ordered_list":
        first = int(node.attrs.get("start", 1))
        return "\n".join(_item(item, f"{number}. ") for number, item in enumerate(node.children, start=first))
    if node.type == "paragraph":
        return _at_line_start(_inline(node.children[0]))
    raise ValueError(node.type)  # a block that the parser was not told to know


def _item(item: SyntaxTreeNode, marker: str) -> str:
    lines = _blocks(item).split("\n")
    if marker == "- " and re.fullmatch(r"-[- ]*", lines[0]):
        marker = "+ "  # a list in a list in a list, all empty: "- - -" would be a rule
    rest = (" " * len(marker) + line if line else "" for line in lines[1:])
    return "\n".join((marker + lines[0], *rest)).rstrip()


def _inline(parent: SyntaxTreeNode) -> str:
    # What is text has its brackets escaped: this is an exclamation mark before a link, not an image.
    return "".join(_span(node) for node in parent.children).replace("![", "\\![")


def _span(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "text_special":
            return _literal(_BREAKS.sub(" ", node.content))
        case "softbreak":
            return " "
        case "hardbreak":
            return "\\\n"
        case "strong" | "em":
            return node.markup + _inline(node) + node.markup
        case "link":
            return f"[{_inline(node)}]({_address(str(node.attrs['href']))})"
    raise ValueError(node.type)


def _address(url: str) -> str:
    """A normalised URL, in which markdown-it has percent-encoded spaces, pipes, quotes and angle brackets."""
    return re.sub(r"&(?=#?\w+;)", "&amp;", url.replace("(", "%28").replace(")", "%29"))
