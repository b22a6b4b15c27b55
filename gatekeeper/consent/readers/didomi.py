"""Didomi's token (``didomi_token``): base64 of JSON, with the purposes and vendors that were enabled or disabled.

The ids of purposes are the site's own, so most need an entry in ``[consent.map]``. What was chosen for the IAB's
purposes is not in it, but in ``euconsent-v2``. Legitimate interests (``purposes_li``, ``vendors_li``) are no consent.
"""

from collections.abc import Iterator

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said
from gatekeeper.consent.readers.shapes import agreed, base64_object, iso_time

_TOKEN, _SHORT = b"didomi_token", b"didomi_dcs"
_VERSION = 2


def _parse(cookies: Cookies) -> Said | None:
    if _TOKEN not in cookies:
        return Said(State.OPAQUE)
    token = base64_object(cookies[_TOKEN])
    if token is None or not token.keys() >= {"user_id", "version"}:
        return None
    if token["version"] != _VERSION or not {"purposes", "vendors"} & token.keys():
        return NOBODY_CHOSE
    try:
        answers = [*_answers(token.get("purposes", {}), ""), *_answers(token.get("vendors", {}), "vendor:")]
    except ValueError:
        return NOBODY_CHOSE
    return Said(answers=agreed(answers), given_at=iso_time(token.get("updated")))


def _answers(part: object, prefix: str) -> Iterator[tuple[str, bool]]:
    """The answers in ``{"enabled": […], "disabled": […]}``; raises ValueError for what is not of this form."""
    if not isinstance(part, dict):
        raise ValueError("no lists")
    for key, granted in (("enabled", True), ("disabled", False)):
        ids = part.get(key, [])
        # The IAB's vendors are numbers, the others words.
        if not isinstance(ids, list) or not all(type(one) in (str, int) for one in ids):
            raise ValueError("no list of ids")
        yield from ((f"{prefix}{one}", granted) for one in ids)


DIDOMI = Format(
    "didomi",
    "Didomi",
    (_TOKEN, _SHORT),
    _parse,
    categories={"geolocation_data": "marketing", "device_characteristics": "marketing"},
    opaque="Only the notice's own configuration knows what the numbers in didomi_dcs stand for: let Didomi write "
    'didomi_token, or read the IAB\'s purposes alone with format = "tcf".',
)
FORMATS = (DIDOMI,)
