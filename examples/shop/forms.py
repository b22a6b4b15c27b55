"""Reading and checking what a visitor posts."""

import hmac
import re
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from . import cookies
from .buying import ADDRESS, Checkout
from .data import BY_SLUG, Product
from .pages import MAX_QUANTITY

MAX_OCTETS = 64 * 1024
MAX_FIELDS = 50
MAX_CHARACTERS = 200

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")

Form = dict[str, str]


async def read_form(request: Request) -> Form:
    """The fields of a posted form; of equal names the last. Raises 400, 413 or 415."""
    # Starlette's own reader needs one more package; a shop without file uploads does not.
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_OCTETS:
                raise HTTPException(413)
        return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ClientDisconnect:
        raise HTTPException(400) from None
    except ValueError:
        raise HTTPException(413) from None


def check_csrf(request: Request, form: Form) -> None:
    """Raise 403 unless the form repeats the cookie: another site can send our cookie, but it cannot read it."""
    cookie = cookies.value_of(request, cookies.CSRF) or ""
    if not cookie or not hmac.compare_digest(cookie.encode("utf-8"), form.get("csrf_token", "").encode("utf-8")):
        raise HTTPException(403)


def product_of(form: Form) -> Product:
    item = BY_SLUG.get(form.get("product", ""))
    if item is None:
        raise HTTPException(404)
    return item


def quantity_of(form: Form) -> int:
    """The quantity within what the form allows. Raises 400 for what is no number."""
    text = form.get("quantity", "1")
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise HTTPException(400)
    return min(int(text), MAX_QUANTITY)


def is_email(text: str) -> bool:
    return len(text) <= MAX_CHARACTERS and _EMAIL.fullmatch(text) is not None


def checkout_of(form: Form) -> Checkout:
    values = {name: form.get(name, "").strip()[:MAX_CHARACTERS] for name in (*ADDRESS, "payment")}
    errors = {name: "checkout.required" for name in ADDRESS if not values[name]}
    if values["email"] and not is_email(values["email"]):
        errors["email"] = "checkout.bad-email"
    return Checkout(values, errors)
