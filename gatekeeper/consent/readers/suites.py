"""Consent platforms for one site each, which keep the choice in a JSON object with the time of it beside."""

from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said
from gatekeeper.consent.readers.shapes import as_object, epoch, flags, iso_time, json_object, json_or_base64_object


def _civic(cookies: Cookies) -> Said | None:
    """Before the visitor touched the banner, "legitimate interest" is what the script assumes; it is no consent after
    that either.
    """
    said = json_object(cookies[b"CookieControl"])
    optional = as_object(said.get("optionalCookies")) if said else None
    if said is None or optional is None:
        return None
    if said.get("interactedWith") is not True:
        return NOBODY_CHOSE
    return Said(
        answers={name: answer == "accepted" for name, answer in optional.items()},
        rest=False,
        given_at=epoch(said.get("consentDate"), milliseconds=True),
    )


def _axeptio(cookies: Cookies) -> Said | None:
    """Vendors by name; what begins with ``$$`` is about the consent itself."""
    said = json_object(cookies[b"axeptio_cookies"])
    if said is None or "$$completed" not in said:
        return None
    if said["$$completed"] is not True:
        return NOBODY_CHOSE
    vendors = {name: value for name, value in said.items() if not name.startswith("$$")}
    return Said(answers=flags(vendors, vendors), given_at=iso_time(said.get("$$date")))


def _finsweet(cookies: Cookies) -> Said | None:
    consents = as_object((json_object(cookies[b"fs-cc"]) or {}).get("consents"))
    return Said(answers=flags(consents, consents)) if consents else None


# The others (script, gpc, dismiss, and what later versions add) are defaults that a script wrote down.
_FIDES_ACTS = frozenset({"accept", "reject", "save", "individual_preferences", "acknowledge"})


def _fides(cookies: Cookies) -> Said | None:
    """Notices by their keys, each true or false, in newer versions "opt_in" or "opt_out"."""
    said = json_or_base64_object(cookies[b"fides_consent"]) or {}
    consent, about = as_object(said.get("consent")), as_object(said.get("fides_meta"))
    if consent is None or about is None:
        return None
    method = about.get("consentMethod")
    if not isinstance(method, str) or method not in _FIDES_ACTS:
        return NOBODY_CHOSE
    answers = {notice: value is True or value == "opt_in" for notice, value in consent.items()}
    return Said(answers=answers, given_at=iso_time(about.get("updatedAt")))


def _unpublished(cookies: Cookies) -> Said | None:
    """Nobody outside can tell: it has no cookie to be asked for."""
    return None


FORMATS: tuple[Format, ...] = (
    Format(
        "civic",
        "Civic Cookie Control",
        (b"CookieControl",),
        _civic,
        categories={"socialmedia": "marketing"},
    ),
    Format(
        "axeptio",
        "Axeptio",
        (b"axeptio_cookies",),
        _axeptio,
        (b"axeptio_authorized_vendors", b"axeptio_all_vendors"),
    ),
    Format(
        "finsweet",
        "Finsweet Cookie Consent (Webflow)",
        (b"fs-cc",),
        _finsweet,
        categories={"uncategorized": "marketing"},
    ),
    Format("fides", "Ethyca Fides", (b"fides_consent",), _fides),
    Format(
        "opendatasoft",
        "Opendatasoft",
        (),
        _unpublished,
        opaque="Opendatasoft does not publish what its cookies_preferences holds. Describe in [consent.custom] what "
        "your site writes into it.",
    ),
)
