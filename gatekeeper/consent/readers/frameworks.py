"""What web frameworks and public-sector templates write: Drupal, Django, ASP.NET Core, GOV.UK."""

import re

from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said, unwrapped, yes_or_no
from gatekeeper.consent.readers.shapes import (
    are_names,
    flags,
    json_list,
    json_or_base64_object,
    pairs,
    revision,
)

_DRUPAL_COMPANIONS = (b"cookie-agreed-categories", b"cookie-agreed-version")
_AGREED = {b"0": False, b"1": True, b"2": True}


def _drupal(cookies: Cookies) -> Said | None:
    """``cookie-agreed=2`` is a yes to everything only where there are no categories: with ``["necessary"]`` beside it,
    it is a refusal. Old versions have one for each language, ``cookie-agreed-de``.
    """
    answers = [
        answer
        for name, value in cookies.items()
        if name not in _DRUPAL_COMPANIONS and (answer := _AGREED.get(value)) is not None
    ]
    if not answers:
        return None
    agrees = all(answers)
    version = cookies.get(b"cookie-agreed-version", b"").decode("latin-1")
    said = Said(rest=agrees, revision=revision(version))
    if b"cookie-agreed-categories" not in cookies:
        return said
    listed = json_list(cookies[b"cookie-agreed-categories"])
    if not are_names(listed):
        return NOBODY_CHOSE if agrees else said
    return Said(answers=dict.fromkeys(listed, agrees), rest=False, revision=said.revision)


# group=<when the group's newest cookie was declared, ISO 8601> or -1
_DJANGO_GROUP = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DJANGO_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}[0-9:.+-]{0,32}Z?")


def _django(cookies: Cookies) -> Said | None:
    """``optional=-1|social=2013-06-04T03:17:01.421395``. The time is not that of the choice but the group's version."""
    for text in unwrapped(cookies[b"cookie_consent"]):
        said = pairs(text, "|", "=") or {}
        answers = {group: _DJANGO_VERSION.fullmatch(version) is not None for group, version in said.items()}
        if all(map(_DJANGO_GROUP.fullmatch, said)) and (any(answers.values()) or "-1" in said.values()):
            return Said(answers=answers)
    return None


def _aspnet(cookies: Cookies) -> Said | None:
    """There is no cookie for a no."""
    return Said(rest=True) if cookies[b".AspNet.Consent"] == b"yes" else None


def _govuk(cookies: Cookies) -> Said | None:
    """The policy cookie is there with its defaults from the first page on; another one tells that somebody chose."""
    said = json_or_base64_object(cookies[b"cookies_policy"])
    if not said:
        return None
    chosen = cookies.get(b"cookies_preferences_set", b"").decode("latin-1")
    return Said(answers=flags(said, said)) if yes_or_no(chosen) is True else NOBODY_CHOSE


FORMATS: tuple[Format, ...] = (
    Format(
        "drupal-eucc",
        "Drupal and Backdrop EU Cookie Compliance",
        (b"cookie-agreed", b"cookie-agreed-*"),
        _drupal,
        _DRUPAL_COMPANIONS,
        {"social": "marketing"},
    ),
    Format("django-cookie-consent", "django-cookie-consent", (b"cookie_consent",), _django),
    Format("aspnet", "ASP.NET Core CookiePolicy", (b".AspNet.Consent",), _aspnet),
    Format(
        "govuk",
        "GOV.UK and other public-sector sites",
        (b"cookies_policy",),
        _govuk,
        (b"cookies_preferences_set", b"seen_cookie_message"),
        {"settings": "functional", "usage": "analytics", "campaigns": "marketing"},
        stem=b"",
    ),
)
