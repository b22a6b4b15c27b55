"""The IAB's US Privacy string (``us_privacy``), version 1: ``1``, notice given, opted out of the sale, covered by the
LSPA; each ``Y``, ``N`` or ``-`` for "does not apply".

The IAB withdrew it in 2024 in favour of GPP, in which it lives on as section 6.
"""

import re

from gatekeeper.consent.readers.base import Cookies, Format, Said, load_json
from gatekeeper.consent.readers.iab import read_each

_STRING = re.compile(r"1[YN-]([YN-])[YN-]", re.IGNORECASE)
_COOKIES = (b"us_privacy", b"usprivacy")


def read(text: str) -> Said | None:
    """What the string says: an opt-out refuses marketing, and nothing else. None where it cannot be read."""
    string = _STRING.fullmatch(text)
    if string is None:
        return None
    if string[1] == "-":
        return Said()
    granted = string[1] in "Nn"
    return Said(answers={"OptOutSale": granted}, categories={"marketing": granted})


def _read_value(text: str) -> Said | None:
    """Some platforms put the string into a little JSON, with dates."""
    if not text.startswith("{"):
        return read(text)
    document = load_json(text)
    string = document.get("uspString") if isinstance(document, dict) else None
    return read(string) if isinstance(string, str) else None


def _parse(cookies: Cookies) -> Said | None:
    return read_each(cookies, _COOKIES, _read_value)


USP = Format("usp", "IAB US Privacy string", _COOKIES, _parse, note="An opt-out refuses marketing.")
FORMATS = (USP,)
