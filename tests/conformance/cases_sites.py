"""Cases of several sites: the host decides by which rules an exchange is judged, and which cookie holds the choice."""

from collections.abc import Sequence

from tests.conformance.case import ACCEPTED, Case

TABLES = """
[[site]]
hosts = ["shop.example.org", "*.shop.example.org"]
consent.cookie = "shop_choice"
[[site.cookie]]
name = "basket"
category = "necessary"
[[site.cookie]]
name = "_g*"
category = "necessary"

[[site]]
hosts = ["quiet.shop.example.org", "[::1]"]
enforcement.mode = "off"
"""
SETS = [b"Set-Cookie: " + name + b"=1" for name in (b"basket", b"_ga", b"_fbp")]
PRIVATE = b"cache-control: private"
SHOP_ACCEPTED = ACCEPTED.replace(b"cookies_preferences", b"shop_choice")

_SHOPS = ["response basket pass required", "response _ga pass required", "response _fbp drop undecided"]
_OTHERS = ["response basket drop unlisted", "response _ga drop undecided", "response _fbp drop undecided"]


def at(host: bytes, says: str, leaves: Sequence[bytes], verdicts: Sequence[str], *asks: bytes) -> Case:
    return Case(says, asks=asks, sets=SETS, leaves=leaves, verdicts=verdicts, policy=TABLES, host=host)


SITES = (
    at(b"shop.example.org", "the rules of a site come before all others", SETS[:2], _SHOPS),
    at(b"SHOP.example.org.:8443", "a host has its site in any spelling", SETS[:2], _SHOPS),
    at(b"a.b.shop.example.org", "a wildcard stands for every host below", SETS[:2], _SHOPS),
    at(b"example.org", "a host of no site is judged by the top level", (), _OTHERS),
    at(b"shop.example.org.evil", "a longer name is another host", (), _OTHERS),
    at(b"quiet.shop.example.org", "an exact host wins over a wildcard", SETS, ()),
    at(b"[::1]:80", "an address may have a site", SETS, ()),
    Case(
        "a choice that was made at another site is none here",
        asks=[b"Cookie: " + ACCEPTED],
        sees=[],
        sets=SETS[2:],
        leaves=[],
        verdicts=["request cookies_preferences drop unlisted", "response _fbp drop undecided"],
        policy=TABLES,
    ),
    Case(
        "a choice counts at the site that it was made at",
        asks=[b"Cookie: " + SHOP_ACCEPTED],
        sets=SETS[2:],
        leaves=[SETS[2], PRIVATE],
        verdicts=["response _fbp pass granted"],
        policy=TABLES,
    ),
)
