"""Makers of shops and sites: Shopify and an app of its store, Wix, HubSpot."""

import re

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said, unwrapped, yes_or_no
from gatekeeper.consent.readers.shapes import base64_object, epoch, flags, json_object, pairs

_SHOPIFY = {"a": "analytics", "m": "marketing", "p": "functional"}
# 3.<allowed: analytics, marketing, preferences, sale>_<region>_…
_SHOPIFY_V3 = re.compile(rb"3\.([AMPS]{1,4})_[A-Z0-9]{2,6}_[tf]_[tf]_[\w-]+")


def _shopify(cookies: Cookies) -> Said:
    """Version 2.0 ``{"con":{"GDPR":"1"},…}``; 2.1 ``{"con":{"CMP":{"a":"1",…}},"purposes":{"a":true,…}}``, where
    ``CMP`` is what the visitor said and ``purposes`` what the region allows; 3 ``3.AMPS_USVA_f_f_…``.
    """
    value = cookies[b"_tracking_consent"]
    if match := _SHOPIFY_V3.fullmatch(value):
        return Said(State.NOT_REQUIRED, {letter.lower(): letter.encode() in match[1] for letter in "AMPS"})
    document = json_object(value) or {}
    said = document.get("con")
    consent = said.get("CMP", said.get("GDPR")) if isinstance(said, dict) else None
    if not isinstance(consent, dict):
        return Said(rest=consent == "1") if consent in ("0", "1") else NOBODY_CHOSE
    answers = {native: answer == "1" for native, answer in consent.items() if answer in ("0", "1")}
    allowed = flags(document.get("purposes"))
    if answers or not any(allowed.values()):
        return Said(answers=answers) if answers else NOBODY_CHOSE
    return Said(State.NOT_REQUIRED, allowed)


_PANDECTES = {"1": "functional", "2": "analytics", "4": "marketing"}


def _pandectes(cookies: Cookies) -> Said:
    """Base64 of ``{"status":"allow","timestamp":1724345013,"preferences":6,…}``: the sum of the ids that were refused,
    or -1 for all.
    """
    document = base64_object(cookies[b"_pandectes_gdpr"]) or {}
    status, refused = document.get("status"), document.get("preferences")
    if status not in ("allow", "accept", "deny") or type(refused) is not int or not -1 <= refused < 256:
        return NOBODY_CHOSE
    if status == "deny":
        refused = -1
    answers = {str(bit): not refused & bit for bit in (1, 2, 4)}
    rest = {0: True, -1: False}.get(refused)
    return Said(answers=answers, rest=rest, given_at=epoch(document.get("timestamp")))


_WIX = {"ess": "necessary", "func": "functional", "anl": "analytics", "adv": "marketing", "dt3": "marketing"}


def _wix(cookies: Cookies) -> Said | None:
    """``{"ess":1,"func":0,"anl":0,"adv":0,"dt3":1,"ts":28815767}``, the time in minutes; ``dt3`` is data that goes to
    third parties. The cookie's name says little: what has none of these is somebody else's.
    """
    document = json_object(cookies[b"consent-policy"]) or {}
    answers = {native: yes_or_no(document[native]) is True for native in _WIX if native in document}
    minutes = document.get("ts")
    given_at = epoch(minutes * 60) if isinstance(minutes, int) else None
    return Said(answers=answers, given_at=given_at) if answers else None


_HUBSPOT = {"1": "analytics", "2": "marketing", "3": "functional"}


def _hubspot(cookies: Cookies) -> Said:
    """``__hs_cookie_cat_pref=1:true_2:true_3:false``, in older ones with commas; ``__hs_opt_out=yes`` refuses all."""
    opt_out = cookies.get(b"__hs_opt_out")
    if opt_out not in (None, b"no"):
        return Said(rest=False) if opt_out == b"yes" else NOBODY_CHOSE
    if b"__hs_cookie_cat_pref" not in cookies:
        return Said(rest=True)
    for text in unwrapped(cookies[b"__hs_cookie_cat_pref"]):
        told = pairs(text, "_" if "_" in text else ",")
        if told is not None and {"true", "false"}.issuperset(told.values()):
            return Said(answers={native: word == "true" for native, word in told.items()})
    return NOBODY_CHOSE


FORMATS: tuple[Format, ...] = (
    Format("shopify", "Shopify", (b"_tracking_consent",), _shopify, (b"_cmp_a",), _SHOPIFY),
    Format("pandectes", "Pandectes", (b"_pandectes_gdpr",), _pandectes, categories=_PANDECTES),
    Format("wix", "Wix", (b"consent-policy",), _wix, categories=_WIX),
    Format("hubspot", "HubSpot", (b"__hs_cookie_cat_pref", b"__hs_opt_out"), _hubspot, categories=_HUBSPOT),
)
