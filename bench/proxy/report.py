"""The results on the terminal, and as Markdown in docs/performance.md between two marks."""

import re
from collections.abc import Iterable, Sequence

from bench.proxy.aims import aims
from bench.proxy.places import PAGE, RESULTS
from bench.proxy.plot import svg, text_bars
from bench.proxy.results import Row, load
from bench.proxy.tables import SECTIONS, Cells, profile_tables

BEGIN, END = "<!-- bench.proxy writes from here -->", "<!-- bench.proxy writes to here -->"
_AIMS = "Against the aims"
_DIGITS = frozenset("0123456789")


def markdown(cells: Sequence[Cells]) -> str:
    """A Markdown table; figures to the right."""
    if not cells:
        return ""
    head, *rows = cells
    right = [any(row[i][:1] in _DIGITS for row in rows if row[i]) and i > 0 for i in range(len(head))]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---:" if one else "---" for one in right) + " |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def aligned(cells: Sequence[Cells]) -> str:
    """The same for a terminal."""
    widths = [max(len(row[i]) for row in cells if not row[i].startswith("not measured")) for i in range(len(cells[0]))]
    lines = []
    for row in cells:
        shown = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(shown).rstrip())
    return "\n".join(lines)


def terminal(names: Iterable[str], *, published: bool) -> str:
    """These measurements as last taken, for a terminal."""
    names, parts = list(names), []
    for name in names:
        result = load(name, published=published)
        if result is None:
            continue
        if name == "profile":
            for title, cells in profile_tables(result["rows"]):
                parts.append(f"{title}\n{aligned(cells)}" if cells else title)
            continue
        title, _, cells_of = SECTIONS[name]
        parts.append(f"{title}\n\n{aligned(cells_of(result['rows']))}")
        if name == "table":
            parts.append(text_bars(result["rows"]))
    if len(names) > 1:
        parts.append(f"{_AIMS}\n\n{aligned(aims(_all(published)))}")
    return "\n\n".join(parts) + "\n"


def _all(published: bool) -> dict[str, list[Row]]:
    results = {name: load(name, published=published) for name in SECTIONS}
    return {name: result["rows"] for name, result in results.items() if result is not None}


def write() -> None:
    """Writes the results into the page, and the plot beside them."""
    parts = [f"### {_AIMS}", markdown(aims(_all(published=True)))]
    for name, (title, words, cells_of) in SECTIONS.items():
        result = load(name, published=True)
        if result is None:
            continue
        parts.append(f"### {title}")
        if words:
            parts.append(folded(words))
        if name == "table":
            (RESULTS / "proxy.svg").write_text(svg(result["rows"]))
            parts.append("![CPU time a request, by system](../bench/results/proxy.svg)")
        parts += [markdown(cells_of(result["rows"])), taken(result)]
    result = load("profile", published=True)
    if result is not None:
        parts.append("### Where the microseconds go")
        for title, cells in profile_tables(result["rows"]):
            parts += [title, markdown(cells)] if cells else [title]
        parts.append(taken(result))
    PAGE.write_text(between(PAGE.read_text(), "\n\n".join(parts)))


def taken(result: Row) -> str:
    """When and where."""
    machine = result["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, Python {machine['python']}"
    idle = f"; idle cores {machine['idle_cores']}" if "idle_cores" in machine else ""
    return folded(
        f"Taken on {result['date']}: {where}{idle}; medians of {result['rounds']} rounds of {result['seconds']:g} s."
    )


def folded(text: str, width: int = 120) -> str:
    """Lines of at most so many characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


def between(page: str, text: str) -> str:
    """The page with this text between its marks; raises ValueError without them."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no {BEGIN}")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page, count=1)
