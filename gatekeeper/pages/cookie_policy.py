"""The cookie policy page, from the rules that the gate enforces: markdown, HTML and JSON of the same content.

What the page lists is settled in :mod:`gatekeeper.pages.cookie_table`; what of the operator's texts is markup, in
:mod:`gatekeeper.pages.light_markdown`. No text of the policy can leave its place: not its cell, not its element.
"""

import json
from collections.abc import Iterator

from gatekeeper.pages.cookie_policy_html import html_document
from gatekeeper.pages.cookie_table import (
    CategoryTable,
    Column,
    category_tables,
    description,
    intro,
    table_title,
    title,
    wildcard_notes,
)
from gatekeeper.pages.light_markdown import code_to_markdown, text_to_markdown, to_markdown
from gatekeeper.policy.document import Page, Policy


def render_html(policy: Policy) -> str:
    """The page as a complete HTML document in English: no script, one inline style, nothing fetched from anywhere."""
    return html_document(policy.page, category_tables(policy))


def render_markdown(policy: Policy) -> str:
    """The page as markdown with tables (GitHub Flavored Markdown, section 4.10)."""
    page = policy.page
    tables = [table for table in category_tables(policy) if table.cookies]
    blocks = [f"# {text_to_markdown(title(page))}"]
    if page.updated:
        blocks.append(f"Last update: {page.updated.isoformat()[:10]}")
    blocks.append(to_markdown(intro(page)))
    for section in page.sections:
        blocks += [f"## {text_to_markdown(section.title)}" if section.title.strip() else "", to_markdown(section.text)]
    blocks.append(f"## {text_to_markdown(table_title(page))}")
    for table in tables:
        blocks += _markdown_table(table, page)
    blocks += map(text_to_markdown, wildcard_notes(tables) if tables else ("No cookies are listed.",))
    return "\n\n".join(block for block in blocks if block) + "\n"


def render_json(policy: Policy) -> str:
    """The page's content as JSON, with two spaces of indent::

        {"title": str, "updated": "2026-01-31" | null, "intro": str, "sections": [{"title": str, "text": str}],
         "table_title": str,
         "categories": [{"id": str, "title": str, "heading": str, "description": str,
                         "basis": "required" | "opt-in" | "opt-out", "regions": {str: "opt-in" | "opt-out"},
                         "cookies": [{"name": str, "function": str, "purpose": str, "provider": str,
                                      "party": "" | "first" | "third", "duration": str,
                                      "max_age_seconds": int | null, "source": str}]}]}

    Texts are as the policy has them (``intro``, ``text`` and ``description`` in light markdown), "" where it has none;
    an ``intro`` that the page makes up is there too. ``heading`` stands above the table on the page. ``regions`` names
    those where the basis is another. ``duration`` is the lifetime as documented ("14d", "13mo", "session").
    ``max_age_seconds`` is the lifetime that the page shows, in seconds: the documented one or the cap, whichever is
    shorter; 0 for the browser session, null for not stated.
    ``source`` is "the file" or the id of a preset. All categories are there, those without cookies too.
    """
    page = policy.page
    document = {
        "title": title(page),
        "updated": page.updated.isoformat()[:10] if page.updated else None,
        "intro": intro(page),
        "sections": [{"title": section.title, "text": section.text} for section in page.sections],
        "table_title": table_title(page),
        "categories": [_json_category(table) for table in category_tables(policy)],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _markdown_table(table: CategoryTable, page: Page) -> Iterator[str]:
    yield f"### {text_to_markdown(table.heading)}"
    yield to_markdown(description(table.category, page))
    yield f"*{text_to_markdown(table.basis_in_words)}*"
    lines = [table.columns, ["---"] * len(table.columns)]
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        lines.append(
            [code_to_markdown(text) if column is Column.NAME else text_to_markdown(text) for column, text in cells]
        )
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _json_category(table: CategoryTable) -> dict[str, object]:
    category = table.category
    return {
        "id": category.id,
        "title": category.title or category.id,
        "heading": table.heading,
        "description": category.description,
        "basis": category.basis.value,
        "regions": {name: basis.value for name, basis in table.regions},
        "cookies": [
            {
                "name": cookie.rule.name,
                "function": cookie.rule.function,
                "purpose": cookie.rule.purpose,
                "provider": cookie.rule.provider,
                "party": cookie.rule.party,
                "duration": cookie.rule.duration,
                "max_age_seconds": cookie.lifetime,
                "source": cookie.rule.source,
            }
            for cookie in table.cookies
        ],
    }
