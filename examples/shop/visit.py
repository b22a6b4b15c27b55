"""What the shop knows of one request: session, language, protection code, message and choice."""

import json
import re
import secrets
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from starlette.requests import Request

from . import cookies
from .cookies import decoded, value_of
from .data import BY_SLUG, Lang
from .sessions import Session, SessionStore
from .translations import TEXTS

CHOICES = ("functional", "analytics", "marketing")
MAX_RECENT = 4

_CSRF = re.compile(r"[A-Za-z0-9_-]{20,64}")
# A second slash or a backslash would make it another host's address; browsers also skip control octets.
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


@dataclass
class Visit:
    lang: Lang
    here: str
    csrf: str
    csrf_is_new: bool
    session: Session
    session_is_new: bool
    flash: str | None
    choice_came: bool
    choice: dict[str, bool] | None
    recent: tuple[str, ...]

    def text(self, key: str, **values: object) -> str:
        """A text of the chrome in the visitor's language, ready to stand in HTML."""
        return escape(TEXTS[key].for_(self.lang).format(**values))

    def basket_count(self) -> int:
        return sum(self.session.basket.values())

    def rotate_csrf(self) -> None:
        self.csrf, self.csrf_is_new = new_csrf(), True


def new_csrf() -> str:
    return secrets.token_urlsafe(24)


def local(target: str | None, default: str = "/") -> str:
    """The target of a redirect if it stays on this site, else the default."""
    return target if target is not None and _LOCAL.fullmatch(target) else default


def visit_of(request: Request, store: SessionStore) -> Visit:
    csrf = value_of(request, cookies.CSRF)
    csrf_is_new = csrf is None or not _CSRF.fullmatch(csrf)
    known = store.get(value_of(request, cookies.SESSION))
    flash = value_of(request, cookies.MESSAGES)
    choice = value_of(request, cookies.PREFERENCES)
    return Visit(
        lang=_language(request),
        here=_here(request),
        csrf=new_csrf() if csrf is None or csrf_is_new else csrf,
        csrf_is_new=csrf_is_new,
        session=known or store.create(),
        session_is_new=known is None,
        flash=flash,
        choice_came=choice is not None,
        choice=_choice(choice),
        recent=tuple(slug for slug in (value_of(request, cookies.RECENT) or "").split("|") if slug in BY_SLUG)[
            :MAX_RECENT
        ],
    )


def choice_value(choice: dict[str, bool]) -> str:
    return quote(json.dumps(choice, separators=(",", ":")), safe="")


def _here(request: Request) -> str:
    """Where a form of this page leads back to. A page that answers a POST has no address that a GET could fetch."""
    if request.method not in {"GET", "HEAD"}:
        return "/"
    query = f"?{request.url.query}" if request.url.query else ""
    return local(quote(request.url.path, safe="/-._~") + query)


def _language(request: Request) -> Lang:
    wanted = value_of(request, cookies.LANGUAGE)
    if wanted in set(Lang):
        return Lang(wanted)
    for item in request.headers.get("accept-language", "").split(",")[:10]:
        primary = item.split(";")[0].strip().split("-")[0].lower()
        if primary in set(Lang):
            return Lang(primary)
    return Lang.EN


def _choice(value: str | None) -> dict[str, bool] | None:
    """The choice as the banner wrote it; every other shape, and anybody can write any, counts as none."""
    if value is None or len(value) > 1024:
        return None
    try:
        stored = json.loads(decoded(value))
    except (ValueError, RecursionError):
        return None
    if not isinstance(stored, dict) or not any(name in stored for name in CHOICES):
        return None
    return {name: stored.get(name) is True for name in CHOICES}
