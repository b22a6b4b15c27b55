"""The pages for the basket, the checkout and the account."""

from dataclasses import dataclass, field
from html import escape

from .data import BY_SLUG, PAST_ORDERS, day, delivery, price
from .layout import page, post_form
from .pages import MAX_QUANTITY, recent, text_in
from .sessions import Order
from .visit import Visit

DEMO_EMAIL = "anna@example.org"
DEMO_PASSWORD = "freewheel"  # shown on the page: the sample has nothing to protect

# What the checkout asks for, with the browser's name for it.
ADDRESS = {
    "name": "name",
    "email": "email",
    "street": "street-address",
    "postcode": "postal-code",
    "city": "address-level2",
}
_PAYMENTS = ("invoice", "collect")


@dataclass(frozen=True)
class Checkout:
    """What the visitor typed, and for each wrong field the text that says so."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def order_total(visit: Visit) -> int:
    """What the basket costs with delivery, in cents."""
    goods = _goods(visit)
    return goods + delivery(goods)


def basket(visit: Visit) -> str:
    title = visit.text("basket")
    return page(
        visit,
        title,
        f"""<div class="wide section"><h1>{title}</h1>
{_full_basket(visit) if visit.session.basket else _empty_basket(visit)}</div>
{recent(visit)}""",
        current="basket",
    )


def checkout(visit: Visit, form: Checkout) -> str:
    title = visit.text("checkout")
    address = "\n".join(_field(visit, form, name, autocomplete) for name, autocomplete in ADDRESS.items())
    payments = "\n".join(_payment(visit, form, way) for way in _PAYMENTS)
    problems = f'<p class="error box" role="alert">{visit.text("checkout.errors")}</p>' if form.errors else ""
    fields = f"""{problems}
<fieldset><legend>{visit.text("checkout.address")}</legend><div class="fields">{address}</div></fieldset>
<fieldset><legend>{visit.text("checkout.payment")}</legend>{payments}</fieldset>
<p class="hint">{visit.text("checkout.fake")}</p>
<button class="button">{visit.text("checkout.submit")}</button>"""
    lines = "\n".join(
        f"<li><span>{quantity} × {escape(BY_SLUG[slug].name)}</span>"
        f"<span>{price(BY_SLUG[slug].cents * quantity, visit.lang)}</span></li>"
        for slug, quantity in visit.session.basket.items()
    )
    return page(
        visit,
        title,
        f"""<div class="wide section"><h1>{title}</h1><div class="two">
{post_form(visit, "/checkout", fields, css="stack")}
<aside class="panel"><h2>{visit.text("checkout.summary")}</h2><ul class="summary">{lines}</ul>{_sums(visit)}</aside>
</div></div>""",
        current="basket",
    )


def thanks(visit: Visit, order: Order) -> str:
    title = visit.text("thanks")
    said = visit.text("thanks.text", number=order.number, amount=price(order.cents, visit.lang))
    return page(
        visit,
        title,
        f"""<div class="wide section prose"><h1>{title}</h1><p class="lead">{said}</p>
<p class="hint">{visit.text("checkout.fake")}</p>
<p><a class="button" href="/catalogue">{visit.text("basket.continue")}</a></p></div>""",
    )


def login(visit: Visit, target: str, *, email: str = "", failed: bool = False) -> str:
    title = visit.text("login")
    problem = f'<p class="error box" role="alert" id="error">{visit.text("login.failed")}</p>' if failed else ""
    marks = ' aria-invalid="true" aria-describedby="error"' if failed else ""
    fields = f"""{problem}<input type="hidden" name="next" value="{escape(target)}">
<div class="field"><label for="email">{visit.text("login.email")}</label>
<input id="email" name="email" type="email" value="{escape(email)}" autocomplete="username" required{marks}></div>
<div class="field"><label for="password">{visit.text("login.password")}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{marks}></div>
<button class="button full">{title}</button>"""
    return page(
        visit,
        title,
        f"""<div class="wide section narrow"><h1>{title}</h1>
{post_form(visit, "/login", fields, css="stack panel")}
<p class="hint">{visit.text("login.demo", email=DEMO_EMAIL, password=DEMO_PASSWORD)}</p></div>""",
        current="login",
    )


def account(visit: Visit) -> str:
    rows = "\n".join(
        f"""<tr><th scope="row">{escape(order.number)}</th>
<td data-label="{visit.text("account.date")}"><time datetime="{order.date}">{day(order.date, visit.lang)}</time></td>
<td class="number" data-label="{visit.text("basket.total")}">{price(order.cents, visit.lang)}</td></tr>"""
        for order in [*visit.session.orders, *(Order(*past) for past in PAST_ORDERS)]
    )
    leave = f'<button class="button outline">{visit.text("logout")}</button>'
    return page(
        visit,
        visit.text("account"),
        f"""<div class="wide section"><h1>{visit.text("account.hello", name="Anna")}</h1>
<p class="lead">{visit.text("account.text")}</p><h2>{visit.text("account.orders")}</h2>
<table class="lines"><thead><tr><th scope="col">{visit.text("account.number")}</th>
<th scope="col">{visit.text("account.date")}</th>
<th scope="col" class="number">{visit.text("basket.total")}</th></tr></thead>
<tbody>{rows}</tbody></table>
{post_form(visit, "/logout", leave)}</div>""",
        current="account",
    )


def _goods(visit: Visit) -> int:
    return sum(BY_SLUG[slug].cents * quantity for slug, quantity in visit.session.basket.items())


def _sums(visit: Visit) -> str:
    goods = _goods(visit)
    freight = delivery(goods)
    shown = price(freight, visit.lang) if freight else visit.text("basket.free")
    return f"""<dl class="sums">
<div><dt>{visit.text("basket.goods")}</dt><dd>{price(goods, visit.lang)}</dd></div>
<div><dt>{visit.text("basket.delivery")}</dt><dd>{shown}</dd></div>
<div class="total"><dt>{visit.text("basket.total")}</dt><dd>{price(goods + freight, visit.lang)}</dd></div></dl>"""


def _empty_basket(visit: Visit) -> str:
    return f"""<p class="lead">{visit.text("basket.empty")}</p>
<p><a class="button" href="/catalogue">{visit.text("hero.action")}</a></p>"""


def _full_basket(visit: Visit) -> str:
    lines = "\n".join(_line(visit, slug, quantity) for slug, quantity in visit.session.basket.items())
    return f"""<div class="two"><table class="lines"><thead><tr>
<th scope="col">{visit.text("basket.product")}</th><th scope="col">{visit.text("product.quantity")}</th>
<th scope="col" class="number">{visit.text("basket.price")}</th><td></td></tr></thead>
<tbody>{lines}</tbody></table>
<aside class="panel">{_sums(visit)}
<p><a class="button full" href="/checkout">{visit.text("basket.checkout")}</a></p>
<p><a href="/catalogue">{visit.text("basket.continue")}</a></p></aside></div>"""


def _line(visit: Visit, slug: str, quantity: int) -> str:
    item = BY_SLUG[slug]
    name = escape(item.name)
    which = f'<input type="hidden" name="product" value="{slug}">'
    of_what = (
        f'<span class="away">: {name}</span>'  # "Change" alone says nothing to who hears one button after the other
    )
    change = f"""{which}<label class="away" for="quantity-{slug}">{visit.text("product.quantity")}: {name}</label>
<input id="quantity-{slug}" name="quantity" type="number" min="0" max="{MAX_QUANTITY}" value="{quantity}" required>
<button class="button small outline">{visit.text("basket.change")}{of_what}</button>"""
    remove = f'{which}<button class="link">{visit.text("basket.remove")}{of_what}</button>'
    return f"""<tr><th scope="row"><a class="line" href="/catalogue/{slug}">
<img src="/images/{slug}.svg" alt="" width="80" height="60">
<span>{name}<small>{text_in(visit, item.kind)}</small></span></a></th>
<td data-label="{visit.text("product.quantity")}">{post_form(visit, "/basket/change", change, css="row")}</td>
<td class="number" data-label="{visit.text("basket.price")}">{price(item.cents * quantity, visit.lang)}</td>
<td>{post_form(visit, "/basket/remove", remove)}</td></tr>"""


def _field(visit: Visit, form: Checkout, name: str, autocomplete: str) -> str:
    error = form.errors.get(name)
    note = f'<p class="error" id="{name}-error">{visit.text(error)}</p>' if error else ""
    marks = f' aria-invalid="true" aria-describedby="{name}-error"' if error else ""
    kind = "email" if name == "email" else "text"
    value = escape(form.values.get(name, ""))
    return f"""<div class="field"><label for="{name}">{visit.text(f"checkout.{name}")}</label>
<input id="{name}" name="{name}" type="{kind}" value="{value}" maxlength="200"
autocomplete="{autocomplete}" required{marks}>
{note}</div>"""


def _payment(visit: Visit, form: Checkout, way: str) -> str:
    ticked = " checked" if form.values.get("payment", _PAYMENTS[0]) == way else ""
    return f"""<label class="choice"><input type="radio" name="payment" value="{way}"{ticked}>
<span>{visit.text(f"checkout.{way}")}</span></label>"""
