"""What TYPO3 extensions write."""

import re

from gatekeeper.consent.readers.base import MAX_JSON_ITEMS, NOBODY_CHOSE, Cookies, Format, Said, unwrapped
from gatekeeper.consent.readers.shapes import agreed, are_names, as_object, json_list, json_object, pairs


def _dp_cookieconsent(cookies: Cookies) -> Said | None:
    """``open`` until the visitor pressed a button, whatever the boxes were preset to."""
    said = json_object(cookies[b"dp_cookieconsent_status"])
    if said is None or "status" not in said:
        return None
    if said["status"] != "approved":
        return NOBODY_CHOSE
    boxes = said.get("checkboxes")
    tables = [as_object(box) or {} for box in boxes] if isinstance(boxes, list) else []
    named = [(box.get("name"), box.get("checked") is True) for box in tables]
    return Said(answers=agreed((name, checked) for name, checked in named if isinstance(name, str)))


def _sg_cookie_optin(cookies: Cookies) -> Said | None:
    """``essential:1|analytics:0``. The groups are the site's own, often in its language."""
    for text in unwrapped(cookies[b"cookie_optin"]):
        said = pairs(text, "|")
        if said is not None and all(answer in ("0", "1") for answer in said.values()):
            return Said(answers={group: answer == "1" for group, answer in said.items()})
    return None


# The name is Cookiebot's too, and that of others. Cookieman always lists the group that cannot be refused.
_COOKIEMAN = re.compile(r"[\w-]{1,64}(?:\|[\w-]{1,64})*+", re.ASCII)


def _cookieman(cookies: Cookies) -> Said | None:
    """``mandatory|video_google``: groups, or services behind their group, that were granted."""
    for text in unwrapped(cookies[b"CookieConsent"]):
        granted = text.split("|") if text.count("|") < MAX_JSON_ITEMS and _COOKIEMAN.fullmatch(text) else []
        groups = [one.partition("_")[0] for one in granted]
        if "mandatory" in groups:
            return Said(answers=dict.fromkeys([*groups, *granted], True), rest=False)
    return None


def _in2cookiemodal(cookies: Cookies) -> Said | None:
    granted = json_list(cookies[b"in2cookiemodal-selection"])
    return Said(answers=dict.fromkeys(granted, True), rest=False) if are_names(granted) else None


FORMATS: tuple[Format, ...] = (
    Format("typo3-dp", "TYPO3 dp_cookieconsent", (b"dp_cookieconsent_status",), _dp_cookieconsent),
    Format(
        "typo3-sg",
        "TYPO3 sg_cookie_optin",
        (b"cookie_optin",),
        _sg_cookie_optin,
        categories={"statistiken": "analytics", "iframes": "functional", "external": "functional"},
    ),
    Format(
        "typo3-cookieman",
        "TYPO3 cookieman",
        (b"CookieConsent",),
        _cookieman,
        categories={"mandatory": "necessary", "video": "functional"},
    ),
    Format(
        "typo3-in2",
        "TYPO3 in2cookiemodal",
        (b"in2cookiemodal-selection",),
        _in2cookiemodal,
        categories={"media": "functional"},
    ),
)
