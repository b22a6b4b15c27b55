"""The pages for looking around, for cookies and for errors. ``buying`` has the others, ``layout`` the frame of all."""

from html import escape

from . import pictures, tracking
from .cookies import OWN, SESSION, decoded
from .data import BY_SLUG, CATEGORIES, FEATURED, PRODUCTS, Lang, Product, Text, price
from .layout import checkboxes, here, page, post_form
from .visit import CHOICES, Visit

MAX_QUANTITY = 20

_TILES = {
    "bicycles": "blauen-gravel",
    "bags": "kander-bar-bag",
    "parts": "belchen-bell",
    "clothing": "hochblauen-jacket",
}
_PROMISES = ("repair", "trial", "local")


# --- looking around -------------------------------------------------------------------------------------------------


def home(visit: Visit) -> str:
    tiles = "\n".join(
        f'<li><a class="tile" href="/catalogue?category={key}">{pictures.inline(_TILES[key])}'
        f"<span>{text_in(visit, text)}</span></a></li>"
        for key, text in CATEGORIES.items()
    )
    promises = "\n".join(
        f"<li><h3>{visit.text(f'promise.{key}')}</h3><p>{visit.text(f'promise.{key}.text')}</p></li>"
        for key in _PROMISES
    )
    return page(
        visit,
        visit.text("tagline"),
        f"""<section class="hero"><div class="hero-text">
<h1>{visit.text("hero.title")}</h1><p>{visit.text("hero.text")}</p>
<p class="actions"><a class="button" href="/catalogue">{visit.text("hero.action")}</a>
<a class="button outline" href="/about">{visit.text("hero.second")}</a></p></div>
{pictures.inline("hero", "hero-picture")}</section>
<section class="wide section"><h2>{visit.text("home.categories")}</h2><ul class="tiles">{tiles}</ul></section>
<section class="wide section"><h2>{visit.text("home.featured")}</h2>
{_grid(visit, [BY_SLUG[slug] for slug in FEATURED])}</section>
{recent(visit)}
<section class="promises"><div class="wide"><h2>{visit.text("home.promise")}</h2><ul>{promises}</ul></div></section>""",
    )


def catalogue(visit: Visit, category: str | None) -> str:
    chosen = CATEGORIES.get(category or "")
    links = "\n".join(
        f'<li><a href="/catalogue?category={key}"{here(text is chosen)}>{text_in(visit, text)}</a></li>'
        for key, text in CATEGORIES.items()
    )
    title = visit.text("catalogue") if chosen is None else text_in(visit, chosen)
    return page(
        visit,
        title,
        f"""<div class="wide section"><h1>{title}</h1>
<nav class="filter" aria-label="{visit.text("catalogue.filter")}"><ul>
<li><a href="/catalogue"{here(chosen is None)}>{visit.text("catalogue.all")}</a></li>
{links}
</ul></nav>
{_grid(visit, [product for product in PRODUCTS if chosen is None or product.category == category])}</div>""",
        current="catalogue",
    )


def product(visit: Visit, item: Product) -> str:
    facts = "\n".join(
        f"<div><dt>{text_in(visit, name)}</dt><dd>{_fact(visit, value)}</dd></div>" for name, value in item.facts
    )
    add = f"""<input type="hidden" name="product" value="{item.slug}">
<label for="quantity">{visit.text("product.quantity")}</label>
<div class="row"><input id="quantity" name="quantity" type="number" min="1" max="{MAX_QUANTITY}" value="1" required>
<button class="button">{visit.text("product.add")}</button></div>"""
    name, kind, category = escape(item.name), text_in(visit, item.kind), text_in(visit, CATEGORIES[item.category])
    return page(
        visit,
        name,
        f"""<div class="wide section"><nav class="crumbs" aria-label="{visit.text("breadcrumb")}"><ol>
<li><a href="/catalogue">{visit.text("catalogue")}</a></li>
<li><a href="/catalogue?category={item.category}">{category}</a></li>
<li aria-current="page">{name}</li></ol></nav>
<article class="product"><img src="/images/{item.slug}.svg" alt="{name}" width="400" height="300">
<div><p class="kind">{kind}</p><h1>{name}</h1>
<p class="price big">{price(item.cents, visit.lang)} <small>{visit.text("product.vat")}</small></p>
<p>{text_in(visit, item.description)}</p>
{post_form(visit, "/basket/add", add, css="add")}
<p class="stock">{visit.text("product.stock")}</p>
<h2>{visit.text("product.facts")}</h2><dl class="facts">{facts}</dl></div></article></div>
{recent(visit, without=item.slug)}""",
        current="catalogue",
    )


def about(visit: Visit) -> str:
    return page(
        visit,
        visit.text("about"),
        f"""<article class="wide section prose"><h1>{visit.text("about.title")}</h1>
<p class="lead">{visit.text("about.1")}</p>
{pictures.inline("workshop", "workshop-picture")}
<h2>{visit.text("about.workshop")}</h2><p>{visit.text("about.2")}</p><p>{visit.text("about.3")}</p></article>""",
        current="about",
    )


def recent(visit: Visit, *, without: str = "") -> str:
    """What the functional cookie is for. Without the cookie the section is not there, and nothing else changes."""
    products = [BY_SLUG[slug] for slug in visit.recent if slug != without]
    if not products:
        return ""
    return f'<section class="wide section"><h2>{visit.text("home.recent")}</h2>{_grid(visit, products)}</section>'


def text_in(visit: Visit, text: Text) -> str:
    return escape(text.for_(visit.lang))


def _grid(visit: Visit, products: list[Product]) -> str:
    cards = "\n".join(
        f"""<li class="card"><a href="/catalogue/{item.slug}">
<img src="/images/{item.slug}.svg" alt="" width="400" height="300" loading="lazy">
<span class="card-name">{escape(item.name)}</span></a>
<p class="kind">{text_in(visit, item.kind)}</p><p class="price">{price(item.cents, visit.lang)}</p></li>"""
        for item in products
    )
    return f'<ul class="grid">\n{cards}\n</ul>'


def _fact(visit: Visit, value: Text | str) -> str:
    if isinstance(value, Text):
        return text_in(visit, value)
    return escape(value if visit.lang is Lang.EN else value.replace(".", ","))


# --- cookies --------------------------------------------------------------------------------------------------------


def cookie_settings(visit: Visit) -> str:
    title = visit.text("cookies.settings")
    refuse = "cookies.refuse" if visit.choice is None else "cookies.withdraw"
    fields = f"""<fieldset><legend>{visit.text("cookies.choose")}</legend>
{checkboxes(visit, "settings", visit.choice or {})}</fieldset>
<div class="answers"><button class="button" name="choice" value="save">{visit.text("cookies.save")}</button>
<button class="button outline" name="choice" value="refuse">{visit.text(refuse)}</button>
<button class="button outline" name="choice" value="accept">{visit.text("cookies.accept")}</button></div>"""
    return page(
        visit,
        title,
        f"""<div class="wide section prose"><h1>{title}</h1><p class="lead">{visit.text("cookies.settings.text")}</p>
{_current_choice(visit)}
{post_form(visit, "/cookie-choice", fields, css="stack panel", back=True)}</div>""",
        banner=False,  # the same questions twice on one page would only confuse
    )


def _current_choice(visit: Visit) -> str:
    if visit.choice is None:
        return f"<p>{visit.text('cookies.none')}</p>"
    items = "".join(
        f"<li>{visit.text(f'cookies.{name}')}: {visit.text('cookies.yes' if visit.choice[name] else 'cookies.no')}</li>"
        for name in CHOICES
    )
    return f'<p>{visit.text("cookies.known")}</p><ul class="dots">{items}</ul>'


def debug_cookies(visit: Visit, pairs: list[tuple[str, str]]) -> str:
    title = visit.text("debug.title")
    return page(
        visit,
        title,
        f"""<div class="wide section debug"><h1>{title}</h1><p class="lead">{visit.text("debug.text")}</p>
<h2>{visit.text("debug.arrived", count=len(pairs))}</h2>
{_arrived(visit, pairs)}
{_missing(visit, {name for name, _ in pairs})}</div>""",
    )


def shown(name: str, value: str) -> str:
    """A value for the eye. The session's id stays short: a page that shows it whole hands it to every script on it."""
    return f"{value[:4]}…" if name == SESSION.name else decoded(value)[:200]


def _arrived(visit: Visit, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return f"<p>{visit.text('debug.nothing')}</p>"
    places = {cookie.name: "by the server" for cookie in OWN}
    places |= {tracker.name: tracker.place.value for tracker in tracking.TRACKERS}
    head = "".join(f'<th scope="col">{visit.text(f"debug.{key}")}</th>' for key in ("name", "value", "written"))
    rows = "\n".join(
        f"""<tr><th scope="row"><code>{escape(name)}</code></th>
<td data-label="{visit.text("debug.value")}"><code>{escape(shown(name, value))}</code></td>
<td data-label="{visit.text("debug.written")}">{_place(visit, places.get(name))}</td></tr>"""
        for name, value in pairs
    )
    return f'<table class="lines"><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>'


def _place(visit: Visit, place: str | None) -> str:
    return visit.text("debug.unknown") if place is None else f'<span lang="en">{place}</span>'


def _missing(visit: Visit, came: set[str]) -> str:
    missing = [tracker for tracker in tracking.TRACKERS if tracker.name not in came]
    if not missing:
        return ""
    items = "\n".join(
        f'<li><code>{tracker.name}</code> <span lang="en">{tracker.place.value}: {escape(tracker.reason)}</span></li>'
        for tracker in missing
    )
    return f"""<h2>{visit.text("debug.missing", count=len(missing))}</h2><p>{visit.text("debug.missing.text")}</p>
<ul class="missing">{items}</ul>"""


# --- what went wrong ------------------------------------------------------------------------------------------------


def error(visit: Visit, status: int) -> str:
    key = f"error.{status}" if status in {403, 404} else "error.other"
    return page(
        visit,
        visit.text(key),
        f"""<div class="wide section prose centred"><p class="status">{status}</p><h1>{visit.text(key)}</h1>
<p class="lead">{visit.text(f"{key}.text")}</p>
<p><a class="button" href="/catalogue">{visit.text("hero.action")}</a></p></div>""",
    )
