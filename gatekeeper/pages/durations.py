"""Lifetimes in words: what "13mo" or 34187400 seconds is to a visitor."""

from gatekeeper.policy.document import SESSION, Rule
from gatekeeper.policy.schema import seconds

_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_YEAR = 365 * _DAY
_MONTH = 2_629_800  # 30.4375 days, as in a policy
_ROUGH = ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"))
_EXACT = ((_YEAR, "year"), (12 * _MONTH, "year"), (_MONTH, "month"), *_ROUGH, (1, "second"))
_LEGIBLE = 120  # 90 seconds or 72 hours are said as they are; from 120 on, two of a larger unit are there to round to


def lifetime(rule: Rule) -> int | None:
    """How long a rule's cookie stays, in seconds: the documented duration, or the cap where that is shorter.

    ``SESSION`` (0) is the browser session; None means that the policy says nothing.
    """
    documented = SESSION if rule.duration == "session" else seconds(rule.duration)
    # A cap shortens and never lengthens, so a session cookie stays one: 0 is the least.
    return min((length for length in (documented, rule.max_age) if length is not None), default=None)


def lifetime_in_words(rule: Rule) -> str:
    """The same for a visitor, such as "13 months"; "" where the policy says nothing."""
    length = lifetime(rule)
    if length is None:
        return ""
    if length == SESSION:
        return "until you close the browser"
    # With a cap alone, the site may well set less than the cap allows.
    return words(length) if rule.duration else f"at most {words(length)}"


def words(length: int) -> str:
    """A length of time, in seconds, in words: exact where that can be read, otherwise rounded and called "about"."""
    unit, name = next((unit, name) for unit, name in _EXACT if length % unit == 0)
    if unit < _DAY and length // unit >= _LEGIBLE:
        unit, name = next((unit, name) for unit, name in _ROUGH if length >= 2 * unit)
        return f"about {_counted(round(length / unit), name)}"
    return _counted(length // unit, name)


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
