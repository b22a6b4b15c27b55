"""Field lines as they stand on the wire: octets, in order, duplicates kept (RFC 9110 section 5).

A :data:`FieldList` is the only form in which fields travel through Gatekeeper. A mapping would lose the second of two
``Cookie`` lines and join two ``Set-Cookie`` lines with a comma, which RFC 9110 section 5.3 forbids.
"""

import re
from typing import Any

FieldList = tuple[tuple[bytes, bytes], ...]

# The same, where its fields themselves go on: a field that nobody changed is the same object in what leaves, and
# compiled code makes a new pair of each that it looks into by its type.
Fields = tuple[Any, ...]

# RFC 9110 section 5.1: field-name = token. Anything else in a name makes a recipient guess: Chromium, for one, stores
# the cookie of a line that reads "Set-Cookie : a=1".
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# RFC 9110 section 5.5: CR, LF and NUL are "invalid and dangerous"; each of them can end a line for some recipient.
_BREAKS_LINE = re.compile(rb"[\r\n\x00]")


def is_trustworthy(name: bytes, value: bytes) -> bool:
    """Whether every recipient reads this field line as the same one field (RFC 9110 sections 5.1 and 5.5)."""
    return _TOKEN.fullmatch(name) is not None and _BREAKS_LINE.search(value) is None


def values(fields: FieldList, name: bytes) -> list[bytes]:
    """Values of all lines of a field, in order; ``name`` is in lower case."""
    size = len(name)
    return [value for key, value in fields if len(key) == size and key.lower() == name]
