"""The cookies that the shop needs, and how any cookie of it is written.

The attributes stand as text, spelled as they are on the wire: legacy apps do not agree on it, and neither do these.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response

DAY = 86_400
YEAR = 365 * DAY

# What may be echoed into a Set-Cookie field: RFC 6265's cookie-octets, so that no visitor's value adds an attribute.
_ECHOABLE = re.compile(r"[!#-+\--:<-\[\]-~]{1,512}")


@dataclass(frozen=True)
class Cookie:
    name: str
    attributes: str
    reason: str


SESSION = Cookie("sessionid", f"HttpOnly; Max-Age={14 * DAY}; Path=/; SameSite=Lax", "login and basket")
CSRF = Cookie("csrftoken", f"Max-Age={YEAR}; Path=/; SameSite=Lax", "double submit: every POST repeats it in the form")
LANGUAGE = Cookie("language", f"Max-Age={YEAR}; Path=/; SameSite=Lax", "the language that the visitor asked for")
MESSAGES = Cookie(
    "messages", "HttpOnly; Path=/; SameSite=Lax", "one message after a POST, deleted by the page that shows it"
)
BALANCER = Cookie("SERVERID", "path=/", "the load balancer keeps a visitor on one machine")
PREFERENCES = Cookie(
    "cookies_preferences", f"Max-Age={180 * DAY}; Path=/; SameSite=Lax", "the choice made in the banner"
)
RECENT = Cookie(
    "recently_viewed", f"Max-Age={30 * DAY}; Path=/; SameSite=Lax", "shows the last products again: comfort, not need"
)

OWN = (SESSION, CSRF, LANGUAGE, MESSAGES, BALANCER, PREFERENCES, RECENT)


def write(response: Response, cookie: Cookie, value: str) -> None:
    response.headers.append("set-cookie", f"{cookie.name}={value}; {cookie.attributes}")


def delete(response: Response, cookie: Cookie) -> None:
    """Delete as Django does it: an empty quoted value, Expires in the past and Max-Age=0 at once."""
    response.headers.append(
        "set-cookie", f'{cookie.name}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax'
    )


def received(request: Request) -> list[tuple[str, str]]:
    """All the pairs of the request in their order, doubles too: what a visitor wants to see is what really came."""
    pairs = []
    for field in request.headers.getlist("cookie"):
        for pair in field.split(";"):
            name, _, value = pair.strip().partition("=")
            if name or value:
                pairs.append((name, value))
    return pairs


def value_of(request: Request, cookie: Cookie) -> str | None:
    return next((value for name, value in received(request) if name == cookie.name), None)


def echoable(value: str | None) -> bool:
    return value is not None and _ECHOABLE.fullmatch(value) is not None


def decoded(value: str) -> str:
    return unquote_to_bytes(value).decode("utf-8", "replace")
