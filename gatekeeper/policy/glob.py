"""Name patterns: ``*`` for any octets, ``?`` for one. Never a regex of the operator's, so that none can cost more than
linear time.
"""

import re
from collections.abc import Callable


def literal_prefix(pattern: str) -> str:
    """What stands before the first wildcard."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def literal_suffix(pattern: str) -> str:
    """What stands behind the last wildcard."""
    return re.split(r"[*?]", pattern)[-1]


def is_prefix_pattern(pattern: str) -> bool:
    """Whether the pattern is a literal prefix and one star: by far the most common, and matched without a regex."""
    return pattern.endswith("*") and literal_prefix(pattern) == pattern[:-1]


def compile_glob(pattern: bytes) -> Callable[[bytes], bool]:
    """A predicate on octets.

    Each star becomes an atomic group that takes the nearest continuation and never gives it back, which is right for
    globs and keeps the cost at the length of the name times that of the pattern, however many stars there are.
    """
    first, *rest = (
        b"".join(b"." if octet == 63 else re.escape(bytes([octet])) for octet in part) for part in pattern.split(b"*")
    )
    if rest:
        middle = b"".join(b"(?>.*?" + part + b")" for part in rest[:-1] if part)
        first += middle + b".*" + rest[-1]
    matches = re.compile(first, re.DOTALL).fullmatch
    return lambda octets: matches(octets) is not None
