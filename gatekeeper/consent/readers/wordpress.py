"""What WordPress plugins write."""

import re
from collections.abc import Iterable

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said, load_json, unwrapped, yes_or_no
from gatekeeper.consent.readers.shapes import (
    agreed,
    as_object,
    epoch,
    flags,
    json_object,
    revision,
    services,
    together,
    values,
)

# Complianz and the WP Consent API both call "functional" what the site cannot work without.
_WP_CATEGORIES = {
    "functional": "necessary",
    "preferences": "functional",
    "statistics": "analytics",
    "marketing": "marketing",
}
# The first site of a network keeps its choice apart from those of the sites below its paths.
_COMPLIANZ_PREFIXES = (b"cmplz_", b"cmplz_rt_")
_COMPLIANZ_COMPANIONS = (b"policy_id", b"consented_services", b"saved_categories")


def _complianz(cookies: Cookies) -> Said | None:
    """A cookie for each category, which exist before the banner is dismissed too."""
    answers: list[tuple[str, bool]] = []
    revisions = []
    state = State.DECIDED
    for prefix in _COMPLIANZ_PREFIXES:
        said = _by_category(cookies, prefix, _WP_CATEGORIES)
        if said and cookies.get(prefix + b"banner-status") != b"dismissed":
            state = State.UNDECIDED  # what was refused for the other site stays so
            continue
        answers += said
        answers += _consented_services(cookies, prefix)
        revisions.append(revision(cookies.get(prefix + b"policy_id", b"").decode("latin-1")))
    if not any(name in _WP_CATEGORIES for name, _ in answers):
        return NOBODY_CHOSE
    return Said(state, agreed(answers), rest=False, revision=min((one for one in revisions if one), default=None))


_WP_CONSENT_API = ("functional", "preferences", "statistics-anonymous", "statistics", "marketing")


def _wp_consent_api(cookies: Cookies) -> Said | None:
    """As Complianz, without a banner of its own. "statistics-anonymous" is none of our categories unless it is mapped:
    what is exempt from consent in one country is not in the next.
    """
    prefix = b"wp_consent_"
    said = _by_category(cookies, prefix, _WP_CONSENT_API)
    return Said(answers=agreed([*said, *_consented_services(cookies, prefix)]), rest=False) if said else None


def _by_category(cookies: Cookies, prefix: bytes, categories: Iterable[str]) -> list[tuple[str, bool]]:
    named = [(category, cookies.get(prefix + category.encode())) for category in categories]
    return [(category, value == b"allow") for category, value in named if value is not None]


def _consented_services(cookies: Cookies, prefix: bytes) -> list[tuple[str, bool]]:
    """``service.youtube``: what the visitor let in at its own place in the page."""
    said = json_object(cookies.get(prefix + b"consented_services", b"")) or {}
    return [(f"service.{name}", granted) for name, granted in flags(said, said).items()]


def _borlabs(cookies: Cookies) -> Said | None:
    """Groups, each with the services in it that were accepted."""
    said = json_object(cookies[b"borlabs-cookie"]) or {}
    consents = as_object(said.get("consents"))
    if consents is None:
        return None
    groups = {group: isinstance(names, list) and bool(names) for group, names in consents.items()}
    granted = [group for group, given in groups.items() if given]
    return Said(answers=services(consents, granted) | groups, rest=False, revision=revision(said.get("version")))


_MOOVE = {
    "strict": "necessary",
    "thirdparty": "analytics",
    "advanced": "marketing",
    "performance": "analytics",
    "preference": "functional",
}


def _moove(cookies: Cookies) -> Said | None:
    """Five switches, of which a site shows those it has text for."""
    said = json_object(cookies[b"moove_gdpr_popup"]) or {}
    answers = {name: yes_or_no(said[name]) is True for name in _MOOVE if name in said}
    return Said(answers=answers, revision=revision(said.get("version"))) if answers else None


# <time>:<id>[,<id>]:<hash of the settings>:{"<group>":[<service>, …]}, the last part encoded on its own.
_REAL_COOKIE_BANNER = re.compile(
    r"([0-9]{1,12}):[0-9a-f-]{1,64}(?:,[0-9a-f-]{1,64}){0,9}:[0-9a-f]{32}:(\{.*)", re.DOTALL
)
_REAL_COOKIE_BANNER_NAME = b"real_cookie_banner"


def _real_cookie_banner(cookies: Cookies) -> Said | None:
    """Its name holds the blog and the path, so several may come; others of that beginning (``…-tcf``) are no choice."""
    choices = [_one_real_cookie_banner(value) for value in values(cookies, _REAL_COOKIE_BANNER_NAME)]
    said = [one for one in choices if one is not None]
    return together(said) if said else None


def _one_real_cookie_banner(value: bytes) -> Said | None:
    for text in unwrapped(value):
        match = _REAL_COOKIE_BANNER.fullmatch(text)
        if match is None:
            continue
        try:
            groups = as_object(load_json(match[2]))
        except ValueError:
            continue
        given = {group: isinstance(names, list) and bool(names) for group, names in (groups or {}).items()}
        granted = [group for group, yes in given.items() if yes]
        # A group of which nothing was accepted is left out.
        return Said(answers=services(groups, granted) | given, complete=True, given_at=epoch(match[1]))
    return None


_COOKIE_NOTICE_WORDS = {b"true": Said(rest=True), b"false": Said(rest=False)}


def _cookie_notice(cookies: Cookies) -> Said | None:
    """A word for everything; the newer ``hu-consent`` has four levels, by number."""
    word = _COOKIE_NOTICE_WORDS.get(cookies.get(b"cookie_notice_accepted", b""))
    if b"hu-consent" not in cookies or (word is not None and word.rest is False):
        return word
    said = json_object(cookies[b"hu-consent"]) or {}
    levels = as_object(said.get("categories")) or {}
    agrees = said.get("consent")
    if not isinstance(agrees, bool):
        return None
    return Said(answers=flags(levels, levels)) if agrees else Said(answers=dict.fromkeys(levels, False), rest=False)


FORMATS: tuple[Format, ...] = (
    Format(
        "complianz",
        "Complianz",
        tuple(p + name for p in _COMPLIANZ_PREFIXES for name in (b"banner-status", *map(str.encode, _WP_CATEGORIES))),
        _complianz,
        tuple(prefix + name for prefix in _COMPLIANZ_PREFIXES for name in _COMPLIANZ_COMPANIONS),
        _WP_CATEGORIES,
        stem=b"cmplz_",
    ),
    Format(
        "wp-consent-api",
        "WP Consent API",
        tuple(b"wp_consent_" + category.encode() for category in _WP_CONSENT_API),
        _wp_consent_api,
        (b"wp_consent_consented_services",),
        _WP_CATEGORIES,
        stem=b"wp_consent_",
    ),
    Format(
        "borlabs",
        "Borlabs Cookie",
        (b"borlabs-cookie",),
        _borlabs,
        categories={"external-media": "functional"},
    ),
    Format("moove", "GDPR Cookie Compliance (Moove)", (b"moove_gdpr_popup",), _moove, categories=_MOOVE),
    Format(
        "realcookiebanner",
        "Real Cookie Banner",
        (_REAL_COOKIE_BANNER_NAME + b"*",),
        _real_cookie_banner,
    ),
    Format(
        "cookienotice",
        "Cookie Notice, Compliance by Hu-manity",
        (b"cookie_notice_accepted", b"hu-consent"),
        _cookie_notice,
        categories={"1": "necessary", "2": "functional", "3": "analytics", "4": "marketing"},
    ),
)
