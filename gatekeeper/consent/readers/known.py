"""Every platform's format, by its id."""

from collections.abc import Mapping

from gatekeeper.consent.readers.base import Format

_FAMILIES: tuple[tuple[Format, ...], ...] = ()

KNOWN: Mapping[str, Format] = {one.id: one for family in _FAMILIES for one in family}
