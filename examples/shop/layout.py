"""The frame of every page: head, navigation, footer, message and consent banner."""

from html import escape

from . import pictures
from .data import CATEGORIES, FREE_DELIVERY_FROM_CENTS, Lang, whole_price
from .tracking import SCRIPT
from .translations import LANGUAGE_NAMES, TEXTS
from .visit import CHOICES, Visit

SHOP = "Belchenrad"
_BAD_NEWS = {"bad-email"}


def page(visit: Visit, title: str, main: str, *, current: str = "", banner: bool = True) -> str:
    """A whole document. ``title`` and ``main`` are HTML already."""
    shows_banner = banner and not visit.choice_came
    return f"""<!DOCTYPE html>
<html lang="{visit.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · {SHOP}</title>
<meta name="description" content="{visit.text("tagline")}">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/shop.css">
</head>
<body class="{"has-banner" if shows_banner else "plain"}">
<a class="skip" href="#main">{visit.text("skip")}</a>
{_topbar(visit)}
{_header(visit, current)}
{_flash(visit)}
<main id="main" tabindex="-1">
{main}
</main>
{_footer(visit)}
{_banner(visit) if shows_banner else ""}
<img class="pixel" src="/pixel.gif" alt="" width="1" height="1">
<script>{SCRIPT}</script>
</body>
</html>
"""


def post_form(visit: Visit, action: str, fields: str, *, css: str = "bare", back: bool = False) -> str:
    """A form with its protection code; with ``back`` the answer leads to the page that it stands on."""
    there = f'<input type="hidden" name="next" value="{escape(visit.here)}">' if back else ""
    return f"""<form method="post" action="{action}" class="{css}">
<input type="hidden" name="csrf_token" value="{escape(visit.csrf)}">{there}
{fields}
</form>"""


def checkboxes(visit: Visit, prefix: str, chosen: dict[str, bool]) -> str:
    """The categories to choose from. Nothing is ticked that the visitor has not ticked before."""
    boxes = [_checkbox(visit, "necessary", f'id="{prefix}-necessary" checked disabled')]
    for name in CHOICES:
        ticked = " checked" if chosen.get(name) else ""
        boxes.append(_checkbox(visit, name, f'id="{prefix}-{name}" name="{name}" value="1"{ticked}'))
    return "\n".join(boxes)


def _checkbox(visit: Visit, name: str, attributes: str) -> str:
    return f"""<label class="choice"><input type="checkbox" {attributes}>
<span><strong>{visit.text(f"cookies.{name}")}</strong> {visit.text(f"cookies.{name}.text")}</span></label>"""


def here(is_here: bool) -> str:
    """Marks the link to the page that is shown."""
    return ' aria-current="page"' if is_here else ""


def _topbar(visit: Visit) -> str:
    buttons = "\n".join(
        f'<button name="lang" value="{lang}" lang="{lang}" aria-pressed="{"true" if lang is visit.lang else "false"}">'
        f"{LANGUAGE_NAMES[lang]}</button>"
        for lang in Lang
    )
    group = f'<div role="group" aria-label="{visit.text("language")}">{buttons}</div>'
    return f"""<div class="topbar"><div class="wide">
<p>{visit.text("topbar", amount=whole_price(FREE_DELIVERY_FROM_CENTS, visit.lang))}
<span>· {visit.text("topbar.collect")}</span></p>
{post_form(visit, "/language", group, css="languages", back=True)}
</div></div>"""


def _header(visit: Visit, current: str) -> str:
    count = visit.basket_count()
    items = f' <span class="count">{count}<span class="away"> {visit.text("items")}</span></span>' if count else ""
    person = ("account", "/account") if visit.session.user else ("login", "/login")
    links = "\n".join(
        f'<li><a href="{href}"{here(current == key)}>{visit.text(key)}{items if key == "basket" else ""}</a></li>'
        for key, href in (("catalogue", "/catalogue"), ("about", "/about"), person, ("basket", "/basket"))
    )
    return f"""<header class="header"><div class="wide">
<a class="brand" href="/">{pictures.inline("logo", "logo")}<span>{SHOP}</span></a>
<nav aria-label="{visit.text("nav")}"><ul>
{links}
</ul></nav>
</div></header>"""


def _flash(visit: Visit) -> str:
    # The cookie carries a code, never a text: what a stranger plants in it cannot appear on the page.
    if visit.flash is None or f"flash.{visit.flash}" not in TEXTS:
        return ""
    kind = "bad" if visit.flash in _BAD_NEWS else "good"
    said = visit.text(f"flash.{visit.flash}")
    return f'<div class="flash {kind}" role="status"><div class="wide"><p>{said}</p></div></div>'


def _footer(visit: Visit) -> str:
    categories = "\n".join(
        f'<li><a href="/catalogue?category={key}">{escape(text.for_(visit.lang))}</a></li>'
        for key, text in CATEGORIES.items()
    )
    return f"""<footer class="footer"><div class="wide columns">
<section><h2>{visit.text("newsletter.title")}</h2><p>{visit.text("newsletter.text")}</p>{_newsletter(visit)}</section>
<section><h2>{visit.text("footer.shop")}</h2><ul>{categories}
<li><a href="/winter-offers">{visit.text("footer.winter")}</a></li></ul></section>
<section><h2>{visit.text("footer.visit")}</h2>
<address>{SHOP}<br>Am Wehr 3<br>79999 Oberwiesen<br>
<a href="mailto:hello@belchenrad.example">hello@belchenrad.example</a></address>
<p>{visit.text("footer.hours")}</p></section>
<section><h2>{visit.text("footer.privacy")}</h2>
<ul><li><a href="/cookie-settings">{visit.text("footer.cookies")}</a></li>
<li><a href="/debug/cookies">{visit.text("footer.debug")}</a></li></ul></section>
</div><div class="wide"><p class="note">{visit.text("footer.note")}</p></div></footer>"""


def _newsletter(visit: Visit) -> str:
    fields = f"""<label for="newsletter-email">{visit.text("newsletter.email")}</label>
<div class="row"><input id="newsletter-email" name="email" type="email" required autocomplete="email">
<button class="button light">{visit.text("newsletter.submit")}</button></div>"""
    return post_form(visit, "/newsletter", fields, css="newsletter", back=True)


def _banner(visit: Visit) -> str:
    # "Refuse" comes first and looks like "Accept": a choice that one has to look for is no choice.
    fields = f"""<div><h2 id="banner-title">{visit.text("cookies.title")}</h2><p>{visit.text("cookies.text")}</p></div>
<div class="answers"><button class="button" name="choice" value="refuse">{visit.text("cookies.refuse")}</button>
<button class="button" name="choice" value="accept">{visit.text("cookies.accept")}</button></div>
<details><summary>{visit.text("cookies.choose")}</summary><div class="choices">
{checkboxes(visit, "banner", {})}
<button class="button outline" name="choice" value="save">{visit.text("cookies.save")}</button></div></details>"""
    return f"""<section class="banner" aria-labelledby="banner-title">
{post_form(visit, "/cookie-choice", fields, css="wide decide", back=True)}
</section>"""
