"""The cookie policy page as an HTML document.

The style is the same for every policy and stands in one element, so a Content-Security-Policy can name it by its hash
and forbid the rest; the document carries that policy itself, for sites that send none.
"""

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from gatekeeper.pages.cookie_table import CategoryTable, Column, description, intro, table_title, title, wildcard_notes
from gatekeeper.pages.light_markdown import text_to_html, to_html
from gatekeeper.policy.document import Page

_CLASSES: Final = {
    Column.FUNCTION: "function",
    Column.NAME: "name",
    Column.PURPOSE: "purpose",
    Column.PROVIDER: "provider",
    Column.LIFETIME: "lifetime",
}
# What stands before a cell where a row is a card: shorter than the column's heading.
_LABELS: Final = {
    Column.FUNCTION: "Function",
    Column.PURPOSE: "Purpose",
    Column.PROVIDER: "Provider",
    Column.LIFETIME: "Lifetime",
}


def html_document(page: Page, tables: tuple[CategoryTable, ...]) -> str:
    """A complete document with one line feed at its end."""
    heading = text_to_html(title(page))
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{content_security_policy()}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{heading}</title>",
            f"<style>{_style()}</style>",
            "</head>",
            "<body>",
            "<main>",
            f"<h1>{heading}</h1>",
            *_words(page),
            f'<section aria-labelledby="cookies">\n<h2 id="cookies">{text_to_html(table_title(page))}</h2>',
            *_tables(page, [table for table in tables if table.cookies]),
            "</section>",
            "</main>",
            "</body>",
            "</html>\n",
        )
    )


@cache
def content_security_policy() -> str:
    """The strictest policy that the page works under: its style, by hash, and nothing else."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _style() -> str:
    return files(__package__).joinpath("cookie_policy.css").read_text("utf-8")


def _words(page: Page) -> Iterator[str]:
    if page.updated:
        day = page.updated.isoformat()[:10]
        yield f'<p class="updated">Last update: <time datetime="{day}">{day}</time></p>'
    yield to_html(intro(page)).rstrip("\n")
    for section in page.sections:
        if section.title.strip():
            yield f"<h2>{text_to_html(section.title)}</h2>"
        yield to_html(section.text).rstrip("\n")


def _tables(page: Page, tables: list[CategoryTable]) -> Iterator[str]:
    for number, table in enumerate(tables, start=1):
        heading = text_to_html(table.heading)
        yield f'<section aria-labelledby="category-{number}">\n<h3 id="category-{number}">{heading}</h3>'
        yield to_html(description(table.category, page)).rstrip("\n")
        yield f'<p class="basis">{text_to_html(table.basis_in_words)}</p>'
        yield from _table(table, heading)
        yield "</section>"
    for note in wildcard_notes(tables) if tables else ("No cookies are listed.",):
        yield f'<p class="note">{text_to_html(note)}</p>'


def _table(table: CategoryTable, heading: str) -> Iterator[str]:
    # The roles repeat what the elements say: browsers forget it once the narrow layout makes cards of the rows.
    yield f'<table role="table">\n<caption>{heading}</caption>\n<thead role="rowgroup">\n<tr role="row">'
    for column in table.columns:
        yield f'<th scope="col" role="columnheader" class="{_CLASSES[column]}">{column}</th>'
    yield '</tr>\n</thead>\n<tbody role="rowgroup">'
    for row in table.rows:
        yield '<tr role="row">'
        yield from map(_cell, table.columns, row)
        yield "</tr>"
    yield "</tbody>\n</table>"


def _cell(column: Column, text: str) -> str:
    shown = text_to_html(text)
    if column is Column.NAME:
        return f'<th scope="row" role="rowheader"><code>{shown}</code></th>'
    return f'<td role="cell" data-label="{_LABELS[column]}">{shown}</td>'
