"""Where cookies were set: what the app's own Set-Cookie fields tell of it, passing and blocked ones alike.

A Cookie field does not say with which Domain and Path a cookie was set, and a deletion has to name them. The table
holds names and scopes, never values, and nothing of any visitor. It is bounded. Threads need no lock: every step is one
operation on a dict, and what gets lost between two of them is learned another time.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from gatekeeper.cookies.response import SetCookie, parse_set_cookie
from gatekeeper.policy.document import Rule

# Scopes of one name: an app has one or two, and each costs a deletion.
MAX_SCOPES = 8
# Octets. What is longer, or holds other octets, is not learned: it would have to be written into a field again.
_NAME = re.compile(rb"[\x21-\x3a\x3c\x3e-\x7e]{1,256}")
_PATH = re.compile(rb"/[\x21-\x3a\x3c-\x7e]{0,127}")
_LIFETIME = re.compile(rb";[ \t]*(?:expires|max-age)[ \t]*=[^;]*", re.IGNORECASE)
_SHORT = 512  # octets of what is remembered
_DOMAIN = re.compile(rb"[a-z0-9_\-]{1,63}(?:\.[a-z0-9_\-]{1,63}){0,15}")


class Pool(StrEnum):
    """Names that compete for room: those that an app makes up push out none that the operator wrote down."""

    EXACT = "exact"  # the name of a rule
    PATTERN = "pattern"  # matched by a rule's pattern
    UNLISTED = "unlisted"


MAX_NAMES = {Pool.EXACT: 1024, Pool.PATTERN: 512, Pool.UNLISTED: 256}


class Scope(NamedTuple):
    """With what a cookie was set. ``domain`` in lower case, without a leading dot; None: for the host alone. ``path``
    None: the field named none, and browsers took the folder of the page (RFC 6265bis section 5.1.4).
    """

    domain: bytes | None
    path: bytes | None
    partitioned: bool
    secure: bool

    @property
    def is_usable(self) -> bool:
        """Whether a deletion can be written with it."""
        domain, path = self.domain, self.path
        return (domain is None or (len(domain) <= 253 and _DOMAIN.fullmatch(domain) is not None)) and (
            path is None or _PATH.fullmatch(path) is not None
        )


Entry = tuple[Pool, bytes, Scope]


def scope_of(cookie: SetCookie) -> Scope:
    """What a field says of where its cookie lies, as browsers read it."""
    domain, path = cookie.effective(b"domain"), cookie.effective(b"path")
    return Scope(
        (domain.value.removeprefix(b".").lower() or None) if domain else None,
        path.value if path and path.value.startswith(b"/") else None,
        cookie.effective(b"partitioned") is not None,
        cookie.effective(b"secure") is not None,
    )


def scope_in(attributes: bytes) -> Scope | None:
    """The same of the attributes alone (all that follows the first semicolon); None for those of no cookie."""
    # A date is another with each response, and the rest comes again.
    places = _LIFETIME.sub(b"", b";" + attributes)
    return _known_scope_in(places) if len(places) <= _SHORT else _scope_in(places)


def _scope_in(places: bytes) -> Scope | None:
    cookie = parse_set_cookie(b"x=" + places)
    return scope_of(cookie) if isinstance(cookie, SetCookie) else None


_known_scope_in = lru_cache(maxsize=1024)(_scope_in)


def pool_of(rule: Rule | None) -> Pool:
    """Where a name belongs that this rule matches."""
    if rule is None:
        return Pool.UNLISTED
    return Pool.EXACT if rule.is_exact else Pool.PATTERN


_Place = tuple[bytes | None, bytes | None, bool]


class Scopes:
    """The table of one site. ``version`` is another number after each thing that was learned here."""

    def __init__(self) -> None:
        self.version = 0
        # By name, those heard of longest ago first; by place, whether every field there was Secure.
        self._pools: dict[Pool, dict[bytes, dict[_Place, bool]]] = {pool: {} for pool in Pool}

    def learn(self, name: bytes, scope: Scope, pool: Pool) -> None:
        """A field set the name with this scope. What cannot be written into a field again is passed over."""
        if self._put(name, scope, pool):
            self.version += 1

    def _put(self, name: bytes, scope: Scope, pool: Pool) -> bool:
        """Whether that is new."""
        names = self._pools[pool]
        places = names.get(name)
        place = scope[:3]
        secure = None if places is None else places.get(place)
        if secure is scope.secure or secure is False or not scope.is_usable or not _NAME.fullmatch(name):
            return False
        if places is None:
            _make_room(names, MAX_NAMES[pool])
            places = names[name] = {}
        if secure is None:
            _make_room(places, MAX_SCOPES)
        places[place] = scope.secure
        return True

    def of(self, name: bytes, pool: Pool) -> list[Scope]:
        """The scopes of a name, the latest learned first. Whoever asks has met the cookie: it is kept the longer."""
        names = self._pools[pool]
        places = names.pop(name, None)
        if places is None:
            return []
        names[name] = places
        return [Scope(*place, secure) for place, secure in reversed(list(places.items()))]

    def entries(self) -> Iterator[Entry]:
        """All of it, as of now."""
        for pool, names in self._pools.items():
            for name, places in list(names.items()):
                for place, secure in list(places.items()):
                    yield pool, name, Scope(*place, secure)

    def add(self, entries: Iterable[Entry]) -> None:
        """Takes in what others learned, where there is room for it: nothing that was learned here goes for that."""
        for pool, name, scope in entries:
            names = self._pools[pool]
            places = names.get(name)
            if len(names) < MAX_NAMES[pool] if places is None else len(places) < MAX_SCOPES:
                self._put(name, scope, pool)


class Learned:
    """A table for each site, by its name in the log."""

    def __init__(self) -> None:
        self._sites: dict[str, Scopes] = {}

    def of(self, site: str) -> Scopes:
        """The table of a site."""
        return self._sites.setdefault(site, Scopes())

    def sites(self) -> list[tuple[str, Scopes]]:
        """All tables that were asked for."""
        return list(self._sites.items())

    @property
    def version(self) -> int:
        """Another number after each thing that was learned here."""
        return sum(scopes.version for _, scopes in self.sites())


def _make_room(table: dict[Any, Any], most: int) -> None:
    """Takes the older quarter out of a full table; all at once, as to find the oldest costs a look at all keys."""
    if len(table) >= most:
        for key in list(table)[: most // 4]:
            table.pop(key, None)
