"""The misbehaviour: every tracker of the shop, where it is set, with which attributes, and why a real shop has it.

None of this asks for the visitor's choice. That is the point of the sample.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum

from starlette.requests import Request
from starlette.responses import Response

from .cookies import DAY, Cookie, echoable, value_of, write

EXPIRES_IN = "{expires}"  # stands for an HTTP date of ``Tracker.days`` from now


class Place(Enum):
    """Which response carries a tracker."""

    PAGE = "on every page"
    CATALOGUE = "on the catalogue's pages"
    MOVED = "on the redirect"
    NOT_FOUND = "on the page that does not exist"
    PIXEL = "on the counting pixel"
    PRODUCT_IMAGE = "on a product's picture"
    SCRIPT = "by the script in the page"


def _google(now: int) -> str:
    return f"GA1.1.{secrets.randbelow(10**9)}.{now}"


def _google_4(now: int) -> str:
    return f"GS1.1.{now}.1.0.{now}.60.0.0"


def _facebook(now: int) -> str:
    return f"fb.1.{now * 1000}.{secrets.randbelow(10**10)}"


def _identifier(_now: int) -> str:
    return secrets.token_hex(12)


def _constant(value: str) -> Callable[[int], str]:
    return lambda _now: value


@dataclass(frozen=True)
class Tracker(Cookie):
    place: Place
    make: Callable[[int], str] = _identifier
    days: int = 0


TRACKERS: tuple[Tracker, ...] = (
    Tracker(
        "_ga",
        f"Max-Age={730 * DAY}; Path=/",
        "analytics 'server-side', so that ad blockers do not see it",
        Place.PAGE,
        _google,
    ),
    Tracker("_gid", f"max-age={DAY}; path=/", "the same again, for one day", Place.PAGE, _google),
    Tracker(
        "_ga_SHOP123",
        f"Max-Age={730 * DAY}; Path=/; SameSite=Lax",
        "state of a session; the name ends in the property's id",
        Place.PAGE,
        _google_4,
    ),
    Tracker(
        "_gat_UA-1234-5",
        "Max-Age=60; Path=/",
        "throttle; the name ends in the account's id, a rule needs a wildcard",
        Place.PAGE,
        _constant("1"),
    ),
    Tracker(
        "_fbp",
        f"Expires={EXPIRES_IN}; Path=/",
        "ad pixel; Expires instead of Max-Age, and no Domain",
        Place.PAGE,
        _facebook,
        days=90,
    ),
    Tracker(
        "adtrail_uid",
        f"Max-Age={548 * DAY}; Path=/; HttpOnly; SameSite=Lax",
        "ad network; HttpOnly, so no script can see or delete it; eighteen months, more than any guideline allows",
        Place.PAGE,
    ),
    Tracker(
        "pp_visitor",
        f"path=/; httponly; expires={EXPIRES_IN}",
        "audience measurement, HttpOnly, a year",
        Place.PAGE,
        days=365,
    ),
    Tracker(
        "cat_variant",
        f"Max-Age={30 * DAY}; Path=/catalogue",
        "split test; a Path of its own, so a deletion for / misses it",
        Place.CATALOGUE,
        _constant("B"),
    ),
    Tracker(
        "adtrail_click",
        f"Max-Age={90 * DAY}; Path=/",
        "campaign source, set on a redirect, where no script of a page ever runs",
        Place.MOVED,
        _constant("winter-offers"),
    ),
    Tracker("pp_lost", f"Max-Age={30 * DAY}; Path=/", "counts dead links, on a 404", Place.NOT_FOUND),
    Tracker(
        "adtrail_px", f"Max-Age={390 * DAY}; Path=/; HttpOnly", "the classic: a cookie on a 1×1 picture", Place.PIXEL
    ),
    Tracker(
        "adtrail_seen",
        f"Max-Age={90 * DAY}; Path=/",
        "products looked at, on a picture that a shared cache may keep",
        Place.PRODUCT_IMAGE,
    ),
    Tracker("_gcl_au", "", "ad conversions, written by the script", Place.SCRIPT),
    Tracker("_BEAMER_USER_ID_shop", "", "notices of what is new, written by the script", Place.SCRIPT),
    Tracker("_BEAMER_FIRST_VISIT_shop", "", "notices of what is new, written by the script", Place.SCRIPT),
)


def track(request: Request, response: Response, *places: Place) -> None:
    """Set the trackers of these places, whatever the visitor chose, and renew those that came back."""
    now = int(time.time())
    for tracker in TRACKERS:
        if tracker.place in places:
            sent = value_of(request, tracker)
            value = sent if sent is not None and echoable(sent) else tracker.make(now)
            expires = formatdate(now + tracker.days * DAY, usegmt=True)
            attributes = tracker.attributes.replace(EXPIRES_IN, expires)
            write(response, Cookie(tracker.name, attributes, tracker.reason), value)


# No tag manager can be loaded, as the sample uses no other server: this is what its tags would write.
SCRIPT = """
(function () {
  function has(name) { return ("; " + document.cookie).indexOf("; " + name + "=") >= 0; }
  function put(name, value, days) {
    if (!has(name)) document.cookie = name + "=" + value + "; path=/; max-age=" + days * 86400 + "; SameSite=Lax";
  }
  var random = Math.random().toString(36).slice(2);
  put("_gcl_au", "1.1." + random + "." + Math.floor(Date.now() / 1000), 90);
  put("_BEAMER_USER_ID_shop", random, 300);
  put("_BEAMER_FIRST_VISIT_shop", encodeURIComponent(new Date().toISOString()), 300);
})();
"""
