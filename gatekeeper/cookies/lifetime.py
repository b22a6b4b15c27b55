"""How long a browser keeps a cookie (RFC 6265bis sections 5.6.1, 5.6.2 and 5.7), told only as far as all browsers
agree.

Max-Age outweighs Expires and the last of equal attributes wins. What they make of an odd value differs: Chromium
deletes on ``Max-Age=+0``, Firefox on ``Max-Age=-``; the standard skips an invalid attribute and takes an earlier valid
one, both browsers let the invalid one win.
"""

import re
from dataclasses import dataclass

from gatekeeper.cookies.dates import agreed_cookie_date, parse_cookie_date
from gatekeeper.cookies.response import SetCookie

_DELTA = re.compile(rb"-?[0-9]+")
# Values of Max-Age that every browser skips, so that Expires decides: Chromium and Firefox were both seen to.
_WORD = re.compile(rb"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What a field says of its life. ``seconds`` from now; None is "until the browser closes".

    ``agreed`` is False where browsers differ: then ``seconds`` is no more than a guess and nothing may rest on it.
    """

    seconds: int | None
    agreed: bool
    # Told by Expires alone: Chromium counts that from the response's Date field, which the app may set as it likes.
    by_date: bool = False

    @property
    def deletes(self) -> bool:
        """Whether every browser takes the field as a deletion."""
        return self.agreed and self.seconds is not None and self.seconds <= 0


def lifetime_of(cookie: SetCookie, now: int) -> Lifetime:
    """The life of a cookie received at ``now`` (seconds since the epoch)."""
    ages = [av.value for av in cookie.attributes if av.name == b"max-age" and not av.is_ignored]
    if ages:
        if _DELTA.fullmatch(ages[-1]):
            return Lifetime(_clamped(ages[-1]), agreed=True)
        if not all(_WORD.fullmatch(age) for age in ages):
            return Lifetime(None, agreed=False)
    expires = cookie.effective(b"expires")
    if expires is None:
        return Lifetime(None, agreed=True)
    moment = agreed_cookie_date(expires.value)
    if moment is None:
        return Lifetime(None, agreed=False)
    return Lifetime(moment - now, agreed=True, by_date=True)


def may_delete(cookie: SetCookie, now: int) -> bool:
    """Whether some browser takes the field as a deletion: ``Max-Age=+0``, a date with a zone or with one digit less."""
    age = cookie.effective(b"max-age")
    if age is not None and age.value[:1] in b"+-0123456789" and age.value:
        return age.value.startswith(b"-") or not age.value.strip(b"+0")
    expires = cookie.effective(b"expires")
    moment = parse_cookie_date(expires.value) if expires is not None else None
    return moment is not None and moment <= now


def _clamped(digits: bytes) -> int:
    # Section 5.6.2 knows no upper bound, int() does (4300 digits); ten digits of seconds are 300 years.
    if digits.startswith(b"-"):
        return -1 if digits.strip(b"-0") else 0
    significant = digits.lstrip(b"0")
    return int(significant or b"0") if len(significant) <= 10 else 10**10
