"""Banners as a service: what their scripts, put into a page with one line, write into cookies."""

import re
from collections.abc import Callable, Mapping

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said, load_json, unwrapped, yes_or_no
from gatekeeper.consent.readers.shapes import (
    MAX_PARTS,
    agreed,
    base64_object,
    epoch,
    flags,
    iso_time,
    json_object,
    listed,
    pairs,
    revision,
    together,
)

_COOKIEBOT = {
    "necessary": "necessary",
    "preferences": "functional",
    "statistics": "analytics",
    "marketing": "marketing",
}
# One field of a JavaScript object literal whose texts hold no escapes.
_FIELD = re.compile(r"([A-Za-z0-9_]{1,16}+):('[^']*+'|[^',]*+)(?:,|\Z)")


def _cookiebot(cookies: Cookies) -> Said | None:
    """``{stamp:'…',necessary:true,…,method:'explicit',ver:1,utc:1757948109464,region:'dk'}``, ``-1`` or ``0``.

    TYPO3's cookieman and others use the same name for a list of words.
    """
    texts = list(unwrapped(cookies[b"CookieConsent"]))
    for text in texts:
        if text in ("-1", "0"):
            return Said(State.NOT_REQUIRED, rest=True) if text == "-1" else Said(rest=False)
        fields = _literal(text)
        if fields is not None and "necessary" in fields:
            return _cookiebot_fields(fields)
    return NOBODY_CHOSE if any(text.startswith("{stamp:") for text in texts) else None


def _literal(text: str) -> dict[str, str] | None:
    if text[:1] != "{" or text[-1:] != "}" or "%" in text or text.count(":") > MAX_PARTS:
        return None
    fields: dict[str, str] = {}
    at, end = 1, len(text) - 1
    while at < end:
        field = _FIELD.match(text, at, end)
        if field is None or field[1] in fields:
            return None
        fields[field[1]] = field[2]
        at = field.end()
    return fields


def _cookiebot_fields(fields: Mapping[str, str]) -> Said:
    said = {name: fields[name] for name in _COOKIEBOT if name in fields}
    stamp, method = fields.get("stamp", "").strip("'"), fields.get("method", "explicit").strip("'")
    if method not in ("explicit", "implied") or not {"true", "false"}.issuperset(said.values()):
        return NOBODY_CHOSE
    # Stamps count for more than flags: "0" declined, "-1" was not asked because of the region.
    answers = {name: value == "true" and stamp != "0" for name, value in said.items()}
    state = State.NOT_REQUIRED if method == "implied" or stamp == "-1" else State.DECIDED
    return Said(state, answers, rest=False, given_at=epoch(fields.get("utc"), milliseconds=True))


_COOKIEYES = {
    "necessary": "necessary",
    "functional": "functional",
    "analytics": "analytics",
    "performance": "analytics",
    "advertisement": "marketing",
    "other": "marketing",
}
_FAZ = {
    "necessary": "necessary",
    "functional": "functional",
    "analytics": "analytics",
    "performance": "analytics",
    "marketing": "marketing",
    "advertisement": "marketing",
    "uncategorized": "marketing",
}
_NO_CATEGORIES = frozenset({"consentid", "consent", "action"})


def _acted(name: bytes, categories: Mapping[str, str]) -> Callable[[Cookies], Said | None]:
    """``consentid:…,consent:no,action:yes,necessary:yes,functional:no,…``: ``action`` is whether anybody acted, and
    ``consent`` is not what they answered.
    """

    def parse(cookies: Cookies) -> Said:
        for text in unwrapped(cookies[name]):
            told = pairs(text, ",")
            if told is not None and "action" in told:
                return _acted_so(told, categories)
        return NOBODY_CHOSE

    return parse


def _acted_so(told: Mapping[str, str], categories: Mapping[str, str]) -> Said:
    if any(told[name] not in ("yes", "no") for name in categories if name in told):
        return NOBODY_CHOSE
    answers = {
        name: word == "yes" for name, word in told.items() if word in ("yes", "no") and name not in _NO_CATEGORIES
    }
    if told["action"] == "yes":
        return Said(State.DECIDED, answers, revision=revision(told.get("rev")))
    if (told["action"], told.get("consent")) == ("no", "yes"):  # an opt-out template, and nobody opted out
        return Said(State.NOT_REQUIRED, answers, revision=revision(told.get("rev")))
    return NOBODY_CHOSE


_WEBTOFFEE = {
    "necessary": "necessary",
    "functional": "functional",
    "performance": "analytics",
    "analytics": "analytics",
    "advertisement": "marketing",
    "others": "marketing",
    "non-necessary": "marketing",
}
_CHECKBOX = b"cookielawinfo-checkbox-"


def _webtoffee(cookies: Cookies) -> Said:
    """Base64 of ``{"functional": false, …}``, a cookie ``yes`` or ``no`` for each category, or both; the latter are
    there before anybody chose, and stay when the site has other categories: they grant nothing that is not in the
    former.
    """
    viewed = cookies.get(b"viewed_cookie_policy")
    if viewed not in (None, b"yes", b"no"):
        return NOBODY_CHOSE
    whole = flags(base64_object(cookies.get(b"CookieLawInfoConsent", b"")), _WEBTOFFEE)
    answers = list(whole.items())
    if b"CookieLawInfoConsent" in cookies:
        if not answers:
            return NOBODY_CHOSE
    elif viewed is None:
        return NOBODY_CHOSE
    for name, value in cookies.items():
        if name.startswith(_CHECKBOX):
            if value not in (b"yes", b"no"):
                return NOBODY_CHOSE
            native = name.removeprefix(_CHECKBOX).decode("latin-1")
            answers.append((native, value == b"yes" and (not whole or native in whole)))
    said = {native: granted and viewed != b"no" for native, granted in agreed(answers).items()}
    # With two categories, one of them is all the rest.
    return Said(answers=said, rest=said.get("non-necessary", False))


_COOKIESCRIPT = {
    "strict": "necessary",
    "performance": "analytics",
    "targeting": "marketing",
    "functionality": "functional",
    "unclassified": "marketing",
}


def _cookiescript(cookies: Cookies) -> Said:
    """``{"action":"accept","categories":"[\\"performance\\"]"}``: a list within a text, or a list."""
    document = json_object(cookies[b"CookieScriptConsent"])
    if document is None or document.get("action") not in ("accept", "reject"):
        return NOBODY_CHOSE
    categories = document.get("categories", [])
    if isinstance(categories, str):
        try:
            categories = load_json(categories)
        except ValueError:
            return NOBODY_CHOSE
    answers = agreed(listed(categories, document["action"] == "accept"))
    return Said(answers=answers, rest=False, given_at=epoch(document.get("consenttime")))


_COOKIEFIRST = {
    "necessary": "necessary",
    "performance": "analytics",
    "functional": "functional",
    "advertising": "marketing",
}


def _cookiefirst(cookies: Cookies) -> Said:
    """``{"necessary":true,"performance":false,…,"timestamp":1728728251}``, the time as a count or in ISO 8601."""
    document = json_object(cookies[b"cookiefirst-consent"])
    if document is None or _COOKIEFIRST.keys().isdisjoint(document):
        return NOBODY_CHOSE
    time = document.get("timestamp")
    given_at = epoch(time)
    return Said(answers=flags(document, _COOKIEFIRST), given_at=iso_time(time) if given_at is None else given_at)


_COOKIEINFORMATION = {
    "cookie_cat_necessary": "necessary",
    "cookie_cat_functional": "functional",
    "cookie_cat_statistic": "analytics",
    "cookie_cat_marketing": "marketing",
    "cookie_cat_unclassified": "marketing",
}


def _cookieinformation(cookies: Cookies) -> Said:
    """``{"consents_approved":["cookie_cat_necessary"],"consents_denied":[…],"timestamp":"2026-02-11T21:53:14.188Z"}``."""
    document = json_object(cookies[b"CookieInformationConsent"]) or {}
    approved = listed(document.get("consents_approved"), granted=True)
    if not approved:
        return NOBODY_CHOSE
    answers = agreed([*approved, *listed(document.get("consents_denied"), granted=False)])
    return Said(answers=answers, rest=False, given_at=iso_time(document.get("timestamp")))


_IUBENDA = {"1": "necessary", "2": "functional", "3": "functional", "4": "analytics", "5": "marketing"}
# One for each site or language. Those that go on (-granular, -uspr) say other things.
_IUBENDA_NAME = re.compile(rb"_iub_cs-(?:\d+|\*)")


def _iubenda(cookies: Cookies) -> Said | None:
    """``{"purposes":{"1":true,"4":true},…}``, or ``{"consent":true,…}`` for all; ``{"id":1}`` before a choice."""
    sayings = [_iubenda_site(value) for name, value in cookies.items() if _IUBENDA_NAME.fullmatch(name)]
    return together(sayings) if sayings else None


def _iubenda_site(value: bytes) -> Said:
    document = json_object(value) or {}
    consent, purposes = document.get("consent"), document.get("purposes")
    given_at = iso_time(document.get("timestamp"))
    if isinstance(purposes, dict):
        answers = {native: granted is True and consent is not False for native, granted in purposes.items()}
        return Said(answers=answers, rest=False, given_at=given_at)
    return Said(rest=consent, given_at=given_at) if isinstance(consent, bool) else NOBODY_CHOSE


def _cookiehub(cookies: Cookies) -> Said:
    """Base64 of ``{"answered":true,"revision":1,"allAllowed":false,"categories":[{"id":"analytics","v":true},…]}``.

    Where all are allowed, none is listed.
    """
    document = base64_object(cookies[b"cookiehub"]) or {}
    if document.get("answered") is not True:
        return NOBODY_CHOSE
    categories = document.get("categories")
    answers = agreed(
        (one["id"], yes_or_no(one.get("v", one.get("value"))) is True)
        for one in (categories if isinstance(categories, list) else [])
        if isinstance(one, dict) and isinstance(one.get("id"), str)
    )
    everything = document.get("allAllowed")
    return Said(
        # The misspelt one is what most of its versions write.
        State.NOT_REQUIRED if True in (document.get("implict"), document.get("implicit")) else State.DECIDED,
        answers,
        rest=everything if isinstance(everything, bool) and not answers else None,
        given_at=iso_time(document.get("timestamp")),
        revision=revision(document.get("revision")),
    )


FORMATS: tuple[Format, ...] = (
    Format("cookiebot", "Cookiebot", (b"CookieConsent",), _cookiebot, categories=_COOKIEBOT),
    Format(
        "cookieyes",
        "CookieYes",
        (b"cookieyes-consent",),
        _acted(b"cookieyes-consent", _COOKIEYES),
        categories=_COOKIEYES,
    ),
    Format("faz", "FAZ Cookie Manager", (b"fazcookie-consent",), _acted(b"fazcookie-consent", _FAZ), categories=_FAZ),
    Format(
        "webtoffee",
        "WebToffee GDPR Cookie Consent (Cookie Law Info)",
        (b"CookieLawInfoConsent", b"viewed_cookie_policy", _CHECKBOX + b"*"),
        _webtoffee,
        (b"cli_user_preference",),
        categories=_WEBTOFFEE,
    ),
    Format("cookiescript", "CookieScript", (b"CookieScriptConsent",), _cookiescript, categories=_COOKIESCRIPT),
    Format("cookiefirst", "CookieFirst", (b"cookiefirst-consent",), _cookiefirst, categories=_COOKIEFIRST),
    Format(
        "cookieinformation",
        "Cookie Information",
        (b"CookieInformationConsent",),
        _cookieinformation,
        categories=_COOKIEINFORMATION,
    ),
    Format("iubenda", "iubenda", (b"_iub_cs-*",), _iubenda, categories=_IUBENDA),
    Format("cookiehub", "CookieHub", (b"cookiehub",), _cookiehub),
)
