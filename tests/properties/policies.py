"""The policy that the properties are tried on, and a plain statement of what it allows."""

import tomllib
from functools import cache

from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.wire.fields import FieldList

NOW = 1_795_132_800  # the day on which the browsers were observed
URL = "https://shop.example.test/cart/view"
HOST = b"shop.example.test"
PATH = "/cart/view"

POLICY = """
[[category]]
id = "necessary"
basis = "required"
[[category]]
id = "analytics"
gpc = true
[[category]]
id = "marketing"
gpc = true
[[category]]
id = "audience"
basis = "opt-out"
gpc = true

[[cookie]]
name = "sessionid"
category = "necessary"
[[cookie]]
name = "__Host-id"
category = "necessary"
[[cookie]]
name = "_ga*"
category = "analytics"
[[cookie]]
name = "_gid"
category = "analytics"
max_age = "180d"
[[cookie]]
name = "_fbp"
category = "marketing"
[[cookie]]
name = "ad_seen"
category = "marketing"
on_refusal = "session"
[[cookie]]
name = "ad_optout"
category = "marketing"
on_refusal = { value = "1" }
[[cookie]]
name = "ad_old"
category = "marketing"
on_refusal = "expire"
[[cookie]]
name = "_pk_id"
category = "audience"
renew = false
httponly = true
"""

NAMES = [
    b"sessionid", b"__Host-id", b"_ga", b"_ga_X1", b"_gid", b"_fbp", b"ad_seen", b"ad_optout", b"ad_old", b"_pk_id",
    b"unlisted", b"__Secure-x",
]  # fmt: skip
CATEGORY = {
    b"sessionid": "necessary",
    b"__Host-id": "necessary",
    b"_gid": "analytics",
    b"_fbp": "marketing",
    b"ad_seen": "marketing",
    b"ad_optout": "marketing",
    b"ad_old": "marketing",
    b"_pk_id": "audience",
}
OPTIONAL = ("analytics", "marketing", "audience")


def category_of(name: bytes) -> str | None:
    """By the policy's words, without the code under test."""
    return "analytics" if name.startswith(b"_ga") else CATEGORY.get(name)


@cache
def gate(extra: str = "") -> Gate:
    """The policy, compiled, with further lines before its first table."""
    return Gate(load_policy_tables(tomllib.loads(extra + POLICY), {}))


def allowed(granted: frozenset[str] | None) -> frozenset[str]:
    """Categories that a visitor's choice allows; None for a visitor who has not chosen."""
    if granted is None:
        return frozenset({"necessary", "audience"})
    return granted | {"necessary"}


def consent_cookie(granted: frozenset[str] | None) -> bytes:
    """The pair that says so, or nothing."""
    if granted is None:
        return b""
    answers = ",".join(f"%22{name}%22:{str(name in granted).lower()}" for name in OPTIONAL)
    return b"cookies_preferences=%7B" + answers.encode() + b"%7D"


def begin(the_gate: Gate, *cookies: bytes) -> tuple[Exchange, FieldList]:
    """An exchange whose request carried these Cookie field values, and the fields that go on."""
    exchange = Exchange(the_gate, method="GET", host=HOST, path=PATH, now=NOW)
    fields: FieldList = ((b"host", HOST), (b"sec-fetch-mode", b"navigate"))
    return exchange, exchange.request(fields + tuple((b"cookie", value) for value in cookies if value))


def respond(exchange: Exchange, set_cookies: list[bytes]) -> list[bytes]:
    """The Set-Cookie field values that leave."""
    fields = exchange.response(200, tuple((b"set-cookie", value) for value in set_cookies))
    assert exchange.fault is None, repr(exchange.fault)
    return [value for name, value in fields if name == b"set-cookie"]
