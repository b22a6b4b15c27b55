"""Consent platforms of large organisations: their categories are often the tenant's own, and then need the map."""

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said, percent_decoded, unwrapped, yes_or_no
from gatekeeper.consent.readers.shapes import (
    MAX_PARTS,
    agreed,
    base64_object,
    epoch,
    iso_time,
    json_object,
    pairs,
    together,
)

_ONETRUST = {
    "C0001": "necessary",
    "C0002": "analytics",
    "C0003": "functional",
    "C0004": "marketing",
    "C0005": "marketing",
}


def _onetrust(cookies: Cookies) -> Said:
    """``…&groups=C0001%3A1%2CC0002%3A0&AwaitingReconsent=false``, which holds the tenant's defaults until
    ``OptanonAlertBoxClosed`` holds the time of a choice.
    """
    closed = unwrapped(cookies.get(b"OptanonAlertBoxClosed", b""))
    closed_at = next((moment for text in closed if (moment := iso_time(text)) is not None), None)
    # No decoding of what is a query already: landingPath would begin to speak.
    query = next((text for text in unwrapped(cookies[b"OptanonConsent"]) if "=" in text), "")
    told = pairs(query, "&", "=") or {}
    if closed_at is None or told.get("AwaitingReconsent", "false") != "false":
        return NOBODY_CHOSE
    answers = _onetrust_groups(told.get("groups", ""))
    return Said(answers=answers, rest=False, given_at=closed_at) if answers else NOBODY_CHOSE


def _onetrust_groups(groups: str) -> dict[str, bool]:
    """Nothing where one of them is no answer."""
    octets = percent_decoded(groups.encode())
    if octets is None or octets.count(b",") >= MAX_PARTS:
        return {}
    answers = []
    for group in octets.decode("utf-8", "replace").split(","):
        native, _, answer = group.rpartition(":")
        if not native or answer not in ("0", "1"):
            return {}
        answers.append((native, answer == "1"))
    return agreed(answers)


_OSANO = {
    "ESSENTIAL": "necessary",
    "STORAGE": "necessary",
    "PERSONALIZATION": "functional",
    "ANALYTICS": "analytics",
    "MARKETING": "marketing",
}


def _osano(cookies: Cookies) -> Said:
    """Encrypted; ``{"consent":{"MARKETING":"DENY",…}}`` only where a site writes that for Osano's script to take up."""
    value = cookies[b"osano_consentmanager"]
    document = json_object(value)
    if document is None:
        return NOBODY_CHOSE if value[:1] in (b"", b"{", b"%", b'"') else Said(State.OPAQUE)
    told = document.get("consent", document)
    words = told.items() if isinstance(told, dict) else ()
    answers = {native: word == "ACCEPT" for native, word in words if word in ("ACCEPT", "DENY") or native in _OSANO}
    # The one purpose whose acceptance is a refusal: of sale and sharing.
    if answers.pop("OPT_OUT", False):
        answers["MARKETING"] = False
    return Said(answers=answers) if answers else NOBODY_CHOSE


def _usercentrics(cookies: Cookies) -> Said | None:
    return None


_TRUSTARC = {"0": "necessary", "1": "functional", "2": "marketing", "3": "marketing"}
_MOST_LEVELS = 16


def _trustarc(cookies: Cookies) -> Said:
    """``notice_gdpr_prefs=0,1,2:`` lists the levels that were granted, ``notice_preferences=2:`` says up to which."""
    sets: list[set[int]] = []
    behaviour = cookies.get(b"notice_behavior", b"").decode("latin-1")
    for name in (b"notice_gdpr_prefs", b"notice_preferences"):
        if name in cookies:
            levels, suffix = _trustarc_levels(cookies[name])
            if not levels:
                return NOBODY_CHOSE
            single = name == b"notice_preferences" and len(levels) == 1
            sets.append(set(range(max(levels) + 1)) if single else levels)
            behaviour = behaviour or suffix
    granted = set.intersection(*sets)
    # Without an act, all levels are granted where the law lets visitors opt out; fewer are what somebody chose.
    unasked = behaviour.startswith(("implied", "none")) and granted - {0}
    return Said(
        State.NOT_REQUIRED if unasked else State.DECIDED,
        {str(level): True for level in sorted(granted)},
        rest=False,
    )


def _trustarc_levels(value: bytes) -> tuple[set[int], str]:
    """The levels before the colon, without which they may be cut off, and what follows it; none where it is no list."""
    for text in unwrapped(value):
        levels, colon, suffix = text.partition(":")
        parts = levels.split(",", _MOST_LEVELS)
        if colon and all(part.isascii() and part.isdigit() and len(part) < 3 for part in parts):
            return {int(part) for part in parts}, suffix.lstrip(":")
    return set(), ""


def _commandersact(cookies: Cookies) -> Said:
    """``0@007|2|2|224@1,2,3@@1714758430157,…@…``: whether all was refused (0 is no, 1 is yes), and what was granted."""
    for text in unwrapped(cookies[b"TC_PRIVACY"]):
        fields = text.split("@", MAX_PARTS)
        # As many as there are after the times, or the ids may be cut off.
        if "%" in text or len(fields) < 6 or fields[0] not in ("0", "1"):
            continue
        granted, given_at = fields[0] == "0", epoch(fields[4].split(",", 1)[0], milliseconds=True)
        if granted and fields[2] == "ALL":
            return Said(rest=True, given_at=given_at)
        natives = [native for native in fields[2].split(",", MAX_PARTS) if native not in ("", "ALL")]
        return Said(answers=dict.fromkeys(natives, granted), complete=True, given_at=given_at)
    return NOBODY_CHOSE


_KETCH = {
    "essential_services": "necessary",
    "essential_purposes": "necessary",
    "analytics": "analytics",
    "behavioral_advertising": "marketing",
    "personalization": "functional",
    "personalisation": "functional",
    "prod_enhancement": "functional",
    "product_enhancement": "functional",
    "functional": "functional",
}


def _ketch(cookies: Cookies) -> Said:
    """Base64 of ``{"our_ads":{"status":"denied","canonicalPurposes":["behavioral_advertising"]},…}``.

    The keys are the tenant's, the canonical purposes everybody's; both are ids.
    """
    names = (b"_ketch_consent_v1_", b"_swb_consent_")
    return together([_ketch_purposes(cookies[name]) for name in names if name in cookies])


def _ketch_purposes(value: bytes) -> Said:
    answers: list[tuple[str, bool]] = []
    for native, purpose in (base64_object(value) or {}).items():
        if isinstance(purpose, dict) and "status" in purpose:
            canonical = purpose.get("canonicalPurposes")
            natives = [native, *(canonical if isinstance(canonical, list) else [])]
            answers += [(one, purpose["status"] == "granted") for one in natives if isinstance(one, str)]
    return Said(answers=agreed(answers)) if answers else NOBODY_CHOSE


def _securiti(cookies: Cookies) -> Said:
    """``{"consents":{"13":1,"14":1},"implicit_consent":false,"ts":1790666096}``: what is not in it is refused."""
    document = json_object(cookies[b"__privaci_cookie_consents"]) or {}
    consents = document.get("consents")
    if not isinstance(consents, dict) or b"__privaci_cookie_no_action" in cookies:
        return NOBODY_CHOSE
    return Said(
        State.NOT_REQUIRED if document.get("implicit_consent", False) is not False else State.DECIDED,
        {native: yes_or_no(answer) is True for native, answer in consents.items()},
        rest=False,
        given_at=epoch(document.get("ts")),
    )


_TRANSCEND = {
    "Essential": "necessary",
    "Functional": "functional",
    "Analytics": "analytics",
    "Advertising": "marketing",
    "SaleOfInfo": "marketing",
}


def _transcend(cookies: Cookies) -> Said | None:
    """``{"purposes":{"Analytics":true,"SaleOfInfo":"Auto"},"confirmed":true,…}``; "Auto" is the law's answer, not the
    visitor's. The cookie's name says little: what has no purposes is somebody else's.
    """
    document = json_object(cookies[b"tcm"]) or {}
    purposes = document.get("purposes")
    if not isinstance(purposes, dict):
        return None
    if document.get("confirmed") is not True:
        return NOBODY_CHOSE
    answers = {native: answer is True for native, answer in purposes.items()}
    return Said(answers=answers, given_at=iso_time(document.get("timestamp")))


FORMATS: tuple[Format, ...] = (
    Format(
        "onetrust",
        "OneTrust, CookiePro",
        (b"OptanonConsent",),
        _onetrust,
        (b"OptanonAlertBoxClosed", b"eupubconsent-v2", b"OTGPPConsent", b"OTAdditionalConsentString"),
        _ONETRUST,
    ),
    Format(
        "osano",
        "Osano",
        (b"osano_consentmanager",),
        _osano,
        (b"osano_consentmanager_uuid", b"osano_consentmanager_expdate"),
        _OSANO,
        opaque="Osano encrypts its cookie. Let a script of the page write what Osano.cm.getConsent() says into "
        "cookies_preferences whenever it changes.",
    ),
    Format(
        "usercentrics",
        "Usercentrics",
        (),
        _usercentrics,
        opaque="Usercentrics keeps the choice in the browser's localStorage, which no server sees. Let a script of the "
        "page write what UC_UI.getServicesBaseInfo() says into cookies_preferences whenever it changes.",
    ),
    Format(
        "trustarc",
        "TrustArc",
        (b"notice_gdpr_prefs", b"notice_preferences"),
        _trustarc,
        (b"cmapi_cookie_privacy", b"notice_behavior"),
        _TRUSTARC,
    ),
    Format("commandersact", "Commanders Act TrustCommander", (b"TC_PRIVACY",), _commandersact, (b"TC_PRIVACY_CENTER",)),
    Format("ketch", "Ketch", (b"_ketch_consent_v1_", b"_swb_consent_"), _ketch, categories=_KETCH),
    Format(
        "securiti",
        "Securiti",
        (b"__privaci_cookie_consents",),
        _securiti,
        (b"__privaci_cookie_no_action", b"__privaci_cookie_consent_uuid", b"__privaci_latest_published_version"),
    ),
    Format("transcend", "Transcend", (b"tcm",), _transcend, categories=_TRANSCEND),
)
