"""Every platform's format, by its id."""

from collections.abc import Mapping

from gatekeeper.consent.readers import banners, builders, enterprise, measuring
from gatekeeper.consent.readers.base import Format

_FAMILIES: tuple[tuple[Format, ...], ...] = (
    banners.FORMATS,
    enterprise.FORMATS,
    builders.FORMATS,
    measuring.FORMATS,
)

KNOWN: Mapping[str, Format] = {one.id: one for family in _FAMILIES for one in family}
