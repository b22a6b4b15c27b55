"""Banners that a site takes from npm: open-source scripts whose cookie holds the choice itself.

Each calls its categories and services as the site likes; the names that their documentation uses are known here.
"""

from collections.abc import Callable, Iterable

from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said, load_json, unwrapped
from gatekeeper.consent.readers.shapes import (
    are_names,
    as_object,
    epoch,
    flags,
    iso_time,
    json_object,
    pairs,
    revision,
    services,
)


def _cc_cookie(cookies: Cookies) -> Said | None:
    """Version 2 writes raw JSON, version 3 encodes it and adds services; before 2.8 the categories were a "level"."""
    said = json_object(cookies[b"cc_cookie"])
    if said is None:
        return None
    listed = said.get("categories", said.get("level"))
    if isinstance(listed, str):  # classic ASP hands the list on as a text
        listed = _inner_list(listed)
    if not are_names(listed):
        return None
    answers = services(said.get("services"), listed) | dict.fromkeys(listed, True)
    return Said(
        answers=answers,
        rest=False,
        given_at=_first_time(said, "lastConsentTimestamp", "last_consent_update", "consentTimestamp", "consent_date"),
        revision=revision(said.get("revision")),
        further=_left_out(said.get("services"), answers),
    )


def _left_out(document: object, answers: Iterable[str]) -> Callable[[str], bool | None]:
    """A category is listed where one of its services is accepted, and a service that was refused is left out: it is one
    of a category that has a list, and is not in it.
    """
    categories = {one.lower() for one, names in (as_object(document) or {}).items() if isinstance(names, list)}
    known = {one.lower() for one in answers}

    def answer(native: str) -> bool | None:
        category, dot, _ = native.lower().partition(".")
        return False if dot and category in categories and native.lower() not in known else None

    return answer


def _inner_list(text: str) -> object:
    try:
        return load_json(text)
    except ValueError:
        return None


def _first_time(said: dict[str, object], *keys: str) -> int | None:
    return next((time for key in keys if (time := iso_time(said.get(key))) is not None), None)


def _klaro(cookies: Cookies) -> Said | None:
    """Services, not categories: ``{"matomo": true}``. Which category each serves stands in the page's script only."""
    said = json_object(cookies[b"klaro"])
    if said is None or not any(isinstance(value, bool) for value in said.values()):
        return None
    return Said(answers=flags(said, said))


def _tarteaucitron(cookies: Cookies) -> Said | None:
    """``!gtag=true!matomo=wait``, a service each. The script finds "youtube" in "youtubeplaylist" too; we do not.

    One that needs no consent is ``true`` before anybody chose. As long as another waits, the banner stands, and no yes
    is known to be the visitor's; a no is.
    """
    for text in unwrapped(cookies[b"tarteaucitron"]):
        answers = pairs(text[1:], "!", "=") if text.startswith("!") else None
        if answers is None:
            continue
        yes = {service for service, answer in answers.items() if answer == "true"}
        if "wait" not in answers.values():
            return Said(answers={service: service in yes for service in answers})
        return Said(answers=dict.fromkeys(answers.keys() - yes, False)) if "false" in answers.values() else NOBODY_CHOSE
    return None


_WORDS = {b"allow": Said(rest=True), b"deny": Said(rest=False), b"dismiss": NOBODY_CHOSE}
_CONSENTMO = {
    "analytics": "analytics",
    "marketing": "marketing",
    "functionality": "functional",
    "functional": "functional",
    "preferences": "functional",
    "strict": "necessary",
    "necessary": "necessary",
}


def _cookieconsent_status(cookies: Cookies) -> Said | None:
    """One word. To dismiss the banner is no answer: where no consent is needed, the category's basis says so.

    Consentmo keeps a list of what was refused beside it.
    """
    said = _WORDS.get(cookies[b"cookieconsent_status"])
    disabled = cookies.get(b"cookieconsent_preferences_disabled")
    if said is None or not said.rest or not disabled:
        return said
    for text in unwrapped(disabled):
        names = text.split(",")
        if all(name in _CONSENTMO for name in names):
            return Said(answers=dict.fromkeys(names, False), rest=True)
    return NOBODY_CHOSE  # a refusal that nobody understands may be one of anything


_C15T_PURPOSES = ("necessary", "functionality", "experience", "measurement", "marketing")


def _c15t(cookies: Cookies) -> Said | None:
    """``c.marketing:1,i.t:1700000000000,i.sid:…``: purposes, then what is known of the consent.

    A purpose that was refused is left out, so those that are always asked for stand here. Without a subject's id (or
    from the time before these) the script asks again.
    """
    value = cookies.get(b"c15t", cookies.get(b"privacy-consent-storage", b""))
    for text in unwrapped(value):
        said = pairs(text, ",")
        if said is None or not any(name.startswith(("c.", "i.")) for name in said):
            continue
        given_at = epoch(said.get("i.t"), milliseconds=True)
        if given_at is None or not said.get("i.sid"):
            return NOBODY_CHOSE
        chosen = {name[2:]: answer == "1" for name, answer in said.items() if name.startswith("c.")}
        return Said(answers=dict.fromkeys(_C15T_PURPOSES, False) | chosen, rest=False, given_at=given_at)
    return None


FORMATS: tuple[Format, ...] = (
    Format(
        "cc_cookie",
        "CookieConsent by Orest Bida (vanilla-cookieconsent 2 and 3)",
        (b"cc_cookie",),
        _cc_cookie,
    ),
    Format("klaro", "Klaro", (b"klaro",), _klaro),
    Format("tarteaucitron", "tarteaucitron.js", (b"tarteaucitron",), _tarteaucitron),
    Format(
        "cookieconsent_status",
        "Cookie Consent by Insites (cookieconsent 3), Consentmo",
        (b"cookieconsent_status",),
        _cookieconsent_status,
        (b"cookieconsent_preferences_disabled",),
        _CONSENTMO,
    ),
    Format(
        "c15t",
        "c15t",
        (b"c15t", b"privacy-consent-storage"),
        _c15t,
        categories={"experience": "functional"},
    ),
)
