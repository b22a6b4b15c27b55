"""Tag managers and analytics: the consent that they keep for the tags of their own."""

import re

from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said, unwrapped
from gatekeeper.consent.readers.shapes import agreed, epoch, flags, json_object, pairs, together, values

_TEALIUM = {"c1": "analytics", "c2": "marketing", "c3": "marketing"}
_TEALIUM_CATEGORY = re.compile(r"c[0-9]{1,2}")
# Milliseconds since 1970, in this century and the next two: one that is cut off is no time.
_MILLISECONDS = re.compile(r"[0-9]{13}")


def _tealium(cookies: Cookies) -> Said:
    """``consent:true|ts:1678332400820|c1:1|c3:0``; where there are categories, they say it."""
    text = next((text for text in unwrapped(cookies[b"CONSENTMGR"]) if "%" not in text), "")
    told = pairs(text, "|") or {}
    categories = {native: answer for native, answer in told.items() if _TEALIUM_CATEGORY.fullmatch(native)}
    consent, time = told.get("consent", "true"), told.get("ts")
    if not {"0", "1"}.issuperset(categories.values()) or consent not in ("true", "false"):
        return NOBODY_CHOSE
    if (time is not None and not _MILLISECONDS.fullmatch(time)) or not ("consent" in told or categories):
        return NOBODY_CHOSE
    granted = consent == "true"
    return Said(
        answers={native: answer == "1" and granted for native, answer in categories.items()},
        rest=None if categories and granted else granted,
        given_at=epoch(time, milliseconds=True),
    )


def _adobe(cookies: Cookies) -> Said | None:
    """``general=in`` or ``general=out``: one purpose, and all there is."""
    return together([_adobe_purposes(value) for value in values(cookies, b"kndctr_", b"_AdobeOrg_consent")])


def _adobe_purposes(value: bytes) -> Said:
    for text in unwrapped(value):
        if text in ("general=in", "general=out"):
            return Said(answers={"general": text == "general=in"}, rest=text == "general=in")
    return NOBODY_CHOSE


_SEGMENT = {"functional": "functional", "marketingAndAnalytics": "analytics", "advertising": "marketing"}


def _segment(cookies: Cookies) -> Said | None:
    """``{"version":1,"destinations":{"Google Tag Manager":false},"custom":{"advertising":false}}``.

    The cookie's name says little: what has neither is somebody else's.
    """
    document = json_object(cookies[b"tracking-preferences"]) or {}
    if document.keys().isdisjoint(("destinations", "custom")):
        return None
    answers = agreed(
        answer
        for key, known in (("destinations", ()), ("custom", _SEGMENT))
        for answer in flags(document.get(key), known).items()
    )
    return Said(answers=answers) if answers else NOBODY_CHOSE


def _zaraz(cookies: Cookies) -> Said:
    """``{"vxcT":true,"aBcD":false}``: the ids are the site's own."""
    document = json_object(cookies[b"zaraz-consent"]) or {}
    answers = {native: granted is True for native, granted in document.items()}
    return Said(answers=answers) if any(isinstance(granted, bool) for granted in document.values()) else NOBODY_CHOSE


_PIWIKPRO = {
    "analytics": "analytics",
    "conversion_tracking": "analytics",
    "ab_testing_and_personalization": "functional",
    "marketing_automation": "marketing",
    "remarketing": "marketing",
    "user_feedback": "functional",
    "custom_consent": "functional",
}


def _piwikpro(cookies: Cookies) -> Said:
    """``{"consents":{"analytics":{"status":1},…},…}``: 1 is yes, 0 is no, -1 is nothing yet."""
    return together([_piwikpro_site(value) for value in values(cookies, b"ppms_privacy_")])


def _piwikpro_site(value: bytes) -> Said:
    consents = (json_object(value) or {}).get("consents")
    told = {
        native: consent.get("status")
        for native, consent in (consents.items() if isinstance(consents, dict) else ())
        if isinstance(consent, dict)
    }
    chosen = any(type(status) is int and status in (0, 1) for status in told.values())
    answers = {native: type(status) is int and status == 1 for native, status in told.items()}
    return Said(answers=answers) if chosen else NOBODY_CHOSE


_MATOMO = {"mtm_consent": "analytics", "mtm_cookie_consent": "analytics"}


def _matomo(cookies: Cookies) -> Said:
    """The time of the consent in milliseconds, in one cookie for being counted and in one for cookies; in a third, the
    time at which both were taken back.
    """
    if b"mtm_consent_removed" in cookies:
        return Said(answers=dict.fromkeys(_MATOMO, False))
    given = {native: cookies[native.encode()] for native in _MATOMO if native.encode() in cookies}
    times = [text for value in given.values() for text in unwrapped(value) if _MILLISECONDS.fullmatch(text)]
    if len(times) != len(given):
        return NOBODY_CHOSE
    return Said(answers=dict.fromkeys(given, True), given_at=epoch(min(times), milliseconds=True))


FORMATS: tuple[Format, ...] = (
    Format("tealium", "Tealium iQ", (b"CONSENTMGR",), _tealium, categories=_TEALIUM),
    Format("adobe", "Adobe Experience Platform Web SDK", (b"kndctr_*_AdobeOrg_consent",), _adobe),
    Format("segment", "Segment Consent Manager", (b"tracking-preferences",), _segment, categories=_SEGMENT),
    Format("zaraz", "Cloudflare Zaraz", (b"zaraz-consent",), _zaraz),
    Format("piwikpro", "Piwik PRO", (b"ppms_privacy_*",), _piwikpro, categories=_PIWIKPRO),
    Format(
        "matomo",
        "Matomo",
        (b"mtm_consent", b"mtm_cookie_consent", b"mtm_consent_removed"),
        _matomo,
        categories=_MATOMO,
    ),
)
