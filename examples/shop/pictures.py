"""The shop's drawings: plain SVG files, shown as pictures of their own or inside a page."""

from pathlib import Path

from .data import BY_SLUG

_ART = {path.stem: path.read_text("utf-8") for path in (Path(__file__).parent / "art").glob("*.svg")}

PRODUCT_SVG: dict[str, str] = {slug: _ART[slug] for slug in BY_SLUG}


def inline(name: str, css: str = "") -> str:
    """A drawing as part of a page. It says nothing that the text beside it does not say, so screen readers skip it."""
    return _ART[name].replace("<svg ", f'<svg class="{css}" aria-hidden="true" focusable="false" ', 1)
