"""The ``[regions]`` table and the ``[[region]]`` tables: in which region each category has which basis."""

import re

from gatekeeper.consent.category import Basis, Vocabulary
from gatekeeper.consent.region import AS_WRITTEN, PROFILES, STRICTEST, Region, Regions
from gatekeeper.policy.load_consent import no_category
from gatekeeper.policy.schema import Table, quoted

# An underscore and a hyphen are one to CGI and WSGI, so that a visitor could send the one for the other.
_FIELD = re.compile(r"[A-Za-z0-9-]+")
_VALUE = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # no comma: two lines of a field may have been joined with one
# What has a meaning of its own, to the gate or to the hop.
_TAKEN = (
    *("accept", "authorization", "cookie", "dnt", "forwarded", "host", "sec-fetch-mode", "sec-gpc", "x-real-ip"),
    *("connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
    *("proxy-authorization", "proxy-connection"),
)
_BASES = (Basis.OPT_IN.value, Basis.OPT_OUT.value)


def read_regions(root: Table, vocabulary: Vocabulary) -> Regions | None:
    """None where the file has no ``[[region]]``."""
    table = root.table("regions")
    regions = Regions(
        _field(table, "field"),
        _field(table, "subdivision"),
        table.text("default", STRICTEST, choices=PROFILES),
        _regions(root.tables("region"), vocabulary),
    )
    table.close()
    if root.has("regions") and not root.has("region"):
        root.report("regions", "chooses nothing without a [[region]]")
    if root.has("region") and not table.has("field"):
        table.report("field", 'is missing: which request field tells the region, such as "CF-IPCountry"')
    if regions.field and regions.field.lower() == regions.subdivision.lower():
        table.report("subdivision", "is the same as field")
    return regions if regions.regions else None


def _field(table: Table, key: str) -> str:
    name = table.text(key, empty=False)
    if name and not _FIELD.fullmatch(name):
        table.report(key, f"{quoted(name)} is no field-name of letters, digits and hyphens")
    elif name.lower() in _TAKEN or name.lower().startswith("x-forwarded-"):
        table.report(key, f"{quoted(name)} says something else")
    return name


def _regions(tables: tuple[Table, ...], vocabulary: Vocabulary) -> tuple[Region, ...]:
    names: set[str] = set()
    found: dict[str, str] = {}
    regions = []
    for table in tables:
        region = Region(
            _name(table, names),
            tuple(_value(table, index, value) for index, value in enumerate(table.strings("values"))),
            table.text("profile", AS_WRITTEN, choices=PROFILES),
            tuple(_basis(table.table("basis"), vocabulary)),
        )
        if not region.values and not table.is_reported("values"):
            table.report("values", 'is missing: what the field says there, such as ["FR"]')
        for index, value in enumerate(region.values):
            if value in found:
                table.report(f"values[{index}]", f"{quoted(value)} is in the region {quoted(found[value])} already")
            found.setdefault(value, region.name)
        table.close()
        regions.append(region)
    return tuple(regions)


def _name(table: Table, names: set[str]) -> str:
    name = table.text("name", empty=False)
    if not table.has("name"):
        table.report("name", "is missing")
    elif not name.isprintable() or len(name) > 64 or name != name.strip():
        table.report("name", "must be a short printable word")
    elif name in names or name == Regions().elsewhere.name:
        table.report("name", f"{quoted(name)} is a region already")
    names.add(name)
    return name


def _value(table: Table, index: int, value: str) -> str:
    if not _VALUE.fullmatch(value):
        table.report(f"values[{index}]", f"{quoted(value)} can be no value; write a code such as FR or US-CA")
    return value.upper()


def _basis(table: Table, vocabulary: Vocabulary) -> list[tuple[str, Basis]]:
    bases = []
    for name in table.keys():  # noqa: SIM118 — not a dict: a table notes what it was asked for
        basis = table.text(name, Basis.OPT_IN.value, choices=_BASES)
        if name not in vocabulary.ids():
            table.report(name, no_category(name, vocabulary))
        elif name in vocabulary.ids(Basis.REQUIRED):
            table.report(name, "is required, and that everywhere")
        else:
            bases.append((name, Basis(basis)))
    return bases
