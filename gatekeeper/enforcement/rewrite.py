"""Set-Cookie fields in other words: pure functions that touch one thing and leave every other octet.

No rewrite breaks a name prefix (``__Host-``, ``__Secure-``), ``SameSite=None`` or ``Partitioned`` (CHIPS): browsers
would refuse the cookie.
"""

from dataclasses import replace

from gatekeeper.cookies.dates import format_cookie_date
from gatekeeper.cookies.lifetime import lifetime_of
from gatekeeper.cookies.response import CookieAv, SetCookie
from gatekeeper.cookies.scope import requires_host_only, requires_http_only, requires_secure
from gatekeeper.policy.document import SESSION, Rule

_LIFETIME = (b"max-age", b"expires")
_DELETED = b"=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"


def deletion(
    name: bytes,
    *,
    domain: bytes | None = None,
    path: bytes | None = None,
    secure: bool = False,
    samesite: bytes | None = None,
    partitioned: bool = False,
) -> bytes:
    """The gate's own words for "forget this cookie", on which all browsers agree. ``domain`` and ``path`` as in the
    attributes.
    """
    field = name + _DELETED
    if domain is not None and not requires_host_only(name):
        field += b"; Domain=" + domain
    if requires_host_only(name):
        field += b"; Path=/"
    elif path is not None:
        field += b"; Path=" + path
    if secure or partitioned or requires_secure(name):
        field += b"; Secure"
    if requires_http_only(name):
        field += b"; HttpOnly"
    if samesite is not None:
        field += b"; SameSite=" + samesite
    return field + (b"; Partitioned" if partitioned else b"")


def deletion_of(cookie: SetCookie) -> bytes:
    """A deletion of what this field would have stored."""
    domain, path, samesite = (cookie.effective(name) for name in (b"domain", b"path", b"samesite"))
    return deletion(
        cookie.name,
        domain=domain.value if domain else None,
        path=path.value if path else None,
        secure=cookie.effective(b"secure") is not None,
        samesite=samesite.value if samesite else None,
        partitioned=cookie.effective(b"partitioned") is not None,
    )


def without_lifetime(cookie: SetCookie) -> SetCookie:
    """The cookie for this browser session only."""
    kept = tuple(av for av in cookie.attributes if av.name not in _LIFETIME)
    return cookie if len(kept) == len(cookie.attributes) else replace(cookie, attributes=kept)


def capped(cookie: SetCookie, cap: int, now: int) -> SetCookie:
    """The cookie with at most ``cap`` seconds to live; never longer than it had, by any browser's reading."""
    if cap == SESSION:
        return without_lifetime(cookie) if not lifetime_of(cookie, now).deletes else cookie
    life = lifetime_of(cookie, now)
    if not life.agreed:
        # To one browser it may already end with the session, so no number of seconds would be a cap.
        return without_lifetime(cookie)
    if life.seconds is None or (life.seconds <= cap and not life.by_date):
        return cookie
    cap = min(cap, life.seconds)
    place = next(index for index, av in enumerate(cookie.attributes) if av.name in _LIFETIME)
    expires = format_cookie_date(now + cap)
    pair = (
        CookieAv(b"max-age", str(cap).encode(), b" Max-Age=%d" % cap),
        CookieAv(b"expires", expires, b" Expires=" + expires),
    )
    before = tuple(av for av in cookie.attributes[:place] if av.name not in _LIFETIME)
    after = tuple(av for av in cookie.attributes[place:] if av.name not in _LIFETIME)
    return replace(cookie, attributes=(*before, *pair, *after))


def with_value(cookie: SetCookie, value: bytes) -> SetCookie:
    """The same cookie-name with a constant in place of its value."""
    if cookie.value == value:
        return cookie
    return replace(cookie, value=value, pair=cookie.pair.partition(b"=")[0] + b"=" + value)


def with_attributes(cookie: SetCookie, rule: Rule | None) -> SetCookie:
    """The attributes that the rule sets, each once; the rest in place and spelling."""
    if rule is None:
        return cookie
    if rule.secure is not None:
        keep = rule.secure or _needs_secure(cookie)
        cookie = _flag(cookie, b"Secure", on=keep)
    if rule.httponly is not None:
        cookie = _flag(cookie, b"HttpOnly", on=rule.httponly or requires_http_only(cookie.name))
    if rule.samesite is not None:
        cookie = _valued(cookie, b"SameSite", rule.samesite.encode())
    if rule.partitioned is not None:
        cookie = _flag(cookie, b"Partitioned", on=rule.partitioned)
    return cookie


def _needs_secure(cookie: SetCookie) -> bool:
    samesite = cookie.effective(b"samesite")
    return (
        requires_secure(cookie.name)
        or cookie.effective(b"partitioned") is not None
        or (samesite is not None and samesite.value.lower() == b"none")
    )


def _flag(cookie: SetCookie, name: bytes, *, on: bool) -> SetCookie:
    key = name.lower()
    if on == (cookie.effective(key) is not None):
        return cookie
    if on:
        return replace(cookie, attributes=(*cookie.attributes, CookieAv(key, b"", b" " + name)))
    return replace(cookie, attributes=tuple(av for av in cookie.attributes if av.name != key))


def _valued(cookie: SetCookie, name: bytes, value: bytes) -> SetCookie:
    key = name.lower()
    current = cookie.effective(key)
    if current is not None and current.value.lower() == value.lower():
        return cookie
    fresh = CookieAv(key, value, b" " + name + b"=" + value)
    places = [index for index, av in enumerate(cookie.attributes) if av.name == key]
    kept = [av for av in cookie.attributes if av.name != key]
    kept.insert(places[0] if places else len(kept), fresh)
    return replace(cookie, attributes=tuple(kept))
