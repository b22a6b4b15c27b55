"""Every platform's format, by its id."""

from collections.abc import Mapping

from gatekeeper.consent.readers import (
    banners,
    builders,
    didomi,
    enterprise,
    frameworks,
    gpp,
    libraries,
    measuring,
    suites,
    tcf,
    typo3,
    usp,
    wordpress,
)
from gatekeeper.consent.readers.base import Format

_FAMILIES: tuple[tuple[Format, ...], ...] = (
    banners.FORMATS,
    enterprise.FORMATS,
    builders.FORMATS,
    measuring.FORMATS,
    libraries.FORMATS,
    suites.FORMATS,
    wordpress.FORMATS,
    typo3.FORMATS,
    frameworks.FORMATS,
    tcf.FORMATS,
    gpp.FORMATS,
    usp.FORMATS,
    didomi.FORMATS,
)

KNOWN: Mapping[str, Format] = {one.id: one for family in _FAMILIES for one in family}
