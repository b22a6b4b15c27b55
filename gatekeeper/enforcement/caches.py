"""Keeps a response that depends on one visitor's choice out of shared caches (RFC 9111 section 5.2.2.7, RFC 9213)."""

import re

from gatekeeper.wire.fields import FieldList

# A directive without an argument; private="set-cookie" covers only the fields that it names (RFC 9111 section 5.2.2.7).
_UNSHARED = re.compile(rb"(?:^|,)[ \t]*(?:private|no-store)[ \t]*(?=,|$)", re.IGNORECASE)

# RFC 9213 section 3.1 and the fields that CDNs had before it: they outweigh Cache-Control for the cache that they are
# meant for.
_TARGETED = (b"cdn-cache-control", b"surrogate-control")


def make_private(fields: FieldList) -> FieldList:
    """The fields with ``private`` in Cache-Control, unless they already say ``private`` or ``no-store``."""
    lines = [value for name, value in fields if len(name) == 13 and name.lower() == b"cache-control"]
    covered = _UNSHARED.search(b",".join(lines)) is not None if lines else False
    changed: list[tuple[bytes, bytes]] = []
    for line in fields:
        name, value = line
        # All of the fields meant here end so; most fields of a response do not.
        if name[-7:].lower() == b"control":
            key = name.lower()
            mine = key == b"cache-control"
            if (mine and not covered) or (key.endswith(_TARGETED) and not _UNSHARED.search(value)):
                line = (name, value.rstrip(b" \t") + b", private" if value.strip(b" \t") else b"private")
                covered = covered or mine
        changed.append(line)
    if not covered:
        changed.append((b"cache-control", b"private"))
    return tuple(changed)
