"""Keeps a response that depends on one visitor's choice out of shared caches (RFC 9111 section 5.2.2.7, RFC 9213)."""

import re
from functools import lru_cache

from gatekeeper.wire.fields import FieldList

# A directive without an argument; private="set-cookie" covers only the fields that it names (RFC 9111 section 5.2.2.7).
_UNSHARED = re.compile(rb"(?:^|,)[ \t]*(?:private|no-store)[ \t]*(?=,|$)", re.IGNORECASE)
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)

# Octets of a field value that is remembered with what it says: a site has a handful of them, in every response.
_SHORT = 256

# RFC 9213 section 3.1, and what CDNs had before it or have beside it: each outweighs Cache-Control for the cache that
# it is meant for (CDN-Cache-Control, Cloudflare-CDN-Cache-Control, X-LiteSpeed-Cache-Control, Surrogate-Control,
# Edge-Control…).
_CONTROLS = (b"cache-control", b"surrogate-control", b"edge-control")
_CACHE_CONTROL = b"cache-control"
# nginx in front of the gate: seconds, and they outweigh Cache-Control.
_ACCEL = b"x-accel-expires"


def is_about_caches(name: bytes) -> bool:
    """Whether :func:`make_private` may look at a field of this name (lower case)."""
    return name == _ACCEL or name.endswith(_CONTROLS)


def make_private(fields: FieldList) -> FieldList:
    """The fields with ``private`` in Cache-Control and its like, unless they say it, or ``no-store``, already."""
    lines = [value for name, value in fields if len(name) == 13 and name.lower() == _CACHE_CONTROL]
    covered = bool(lines) and _is_unshared(b",".join(lines))
    changed = list(fields)
    for place, (name, value) in enumerate(fields):
        # Most fields of a response end in neither way.
        if name[-7:].lower() not in (b"control", b"expires"):
            continue
        key = name.lower()
        mine = key == _CACHE_CONTROL
        if key == _ACCEL and value != b"0":
            changed[place] = (name, b"0")
        elif (mine and not covered) or (not mine and key.endswith(_CONTROLS) and not _is_unshared(value)):
            changed[place] = (name, value.rstrip(b" \t") + b", private" if value.strip(b" \t") else b"private")
            covered = covered or mine
    if not covered:
        changed.append((_CACHE_CONTROL, b"private"))
    made = tuple(changed)
    return fields if made == fields else made


def _is_unshared(value: bytes) -> bool:
    return _is_known_unshared(value) if len(value) <= _SHORT else _says_unshared(value)


def _says_unshared(value: bytes) -> bool:
    return _UNSHARED.search(_QUOTED.sub(b"", value) if b'"' in value else value) is not None


_is_known_unshared = lru_cache(maxsize=256)(_says_unshared)
