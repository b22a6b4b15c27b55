"""The table as bars: an SVG for the page, and characters for a terminal. The axis is logarithmic."""

import math
from collections.abc import Sequence
from html import escape

from bench.proxy.results import Row

_WIDTH, _LEFT, _RIGHT, _BAR, _GAP, _TOP = 930, 360, 90, 20, 8, 58
_INK, _GREY = 'fill="#1c2733"', 'fill="#52606d"'
_COLOURS = {"gatekeeper": "#0b6e4f", "same": "#5b7db1", "none": "#b8c4d6"}


def _measured(rows: Sequence[Row]) -> list[Row]:
    return sorted((row for row in rows if "cpu_us" in row), key=lambda row: float(row["cpu_us"]))


def _scale(rows: Sequence[Row]) -> tuple[float, float]:
    """The powers of ten between which all lies, as exponents."""
    values = [float(row["cpu_us"]) for row in rows]
    low, high = math.floor(math.log10(min(values) * 0.8)), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _kind(row: Row) -> str:
    return "gatekeeper" if row["key"].startswith("gatekeeper") else "none" if row["filter"] == "none" else "same"


def svg(rows: Sequence[Row]) -> str:
    """CPU time a request as horizontal bars, the least on top."""
    shown = _measured(rows)
    if not shown:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\n'
    low, high = _scale(shown)
    room = _WIDTH - _LEFT - _RIGHT
    bottom = _TOP + len(shown) * (_BAR + _GAP)

    def place(value: float) -> float:
        return _LEFT + room * (math.log10(value) - low) / (high - low)

    box = f'viewBox="0 0 {_WIDTH} {bottom + 46}" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f'<rect width="{_WIDTH}" height="{bottom + 46}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="16" font-weight="bold" {_INK}>CPU time of the proxy, µs a request</text>',
        f'<text x="16" y="43" {_GREY}>Shorter is better. Each step of the axis is ten times the one before.</text>',
    ]
    for power in range(int(low), int(high) + 1):
        x = place(10**power)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP - 4}" x2="{x:.1f}" y2="{bottom}" stroke="#d9e0e8"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" {_GREY}>{10**power:,} µs</text>')
    for index, row in enumerate(shown):
        y = _TOP + index * (_BAR + _GAP)
        weight = ' font-weight="bold"' if _kind(row) == "gatekeeper" else ""
        end = place(float(row["cpu_us"]))
        title = escape(row["title"])
        colour = _COLOURS[_kind(row)]
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end" {_INK}{weight}>{title}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{end - _LEFT:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>',
            f'<text x="{end + 6:.1f}" y="{y + 15}" {_INK}{weight}>{_figure(float(row["cpu_us"]))}</text>',
        ]
    legend = (("gatekeeper", "Gatekeeper"), ("same", "others, filtering"), ("none", "others, no filter"))
    for index, (kind, words) in enumerate(legend):
        x = _LEFT + index * 160
        parts.append(f'<rect x="{x}" y="{bottom + 26}" width="12" height="12" rx="2" fill="{_COLOURS[kind]}"/>')
        parts.append(f'<text x="{x + 18}" y="{bottom + 37}" {_GREY}>{words}</text>')
    return "\n".join([*parts, "</svg>", ""])


def text_bars(rows: Sequence[Row], width: int = 60) -> str:
    """The same in characters."""
    shown = _measured(rows)
    if not shown:
        return ""
    low, high = _scale(shown)
    widest = max(len(row["title"]) for row in shown)
    lines = ["CPU µs a request, on a logarithmic axis"]
    for row in shown:
        value = float(row["cpu_us"])
        bar = "█" * max(1, round(width * (math.log10(value) - low) / (high - low)))
        lines.append(f"{row['title']:>{widest}}  {bar} {_figure(value)}")
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
