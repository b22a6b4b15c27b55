"""A policy as its file states it: immutable values, validated by :mod:`gatekeeper.policy.load`."""

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Literal

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Category, Vocabulary
from gatekeeper.consent.grant import Gpc
from gatekeeper.consent.native import NativeReader
from gatekeeper.consent.readers.base import Reader
from gatekeeper.consent.readers.registry import AUTO, guessed_readers
from gatekeeper.consent.region import Region, Regions

# The sources of rules that no preset brought: the top level of the file, and a [[site]] table.
FILE = "the file"
SITE = "the site"


class Mode(StrEnum):
    """What the gate does with its verdicts."""

    ENFORCE = "enforce"
    REPORT_ONLY = "report-only"
    OFF = "off"


class OnRefusal(StrEnum):
    """What happens to a cookie whose category is not allowed."""

    DROP = "drop"
    SESSION = "session"
    EXPIRE = "expire"
    REPLACE = "replace"  # written { value = "…" }


SESSION = 0  # a cap of "session": the cookie ends with the browser session


def shortest(*caps: int | None) -> int | None:
    """The cap that holds where several do, in seconds; None where none does."""
    return min((cap for cap in caps if cap is not None), default=None)


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[cookie]]`` table. Durations are in seconds; ``None`` means that the file does not say."""

    name: str
    category: str
    function: str = ""
    purpose: str = ""
    provider: str = ""
    party: Literal["", "first", "third"] = ""
    duration: str = ""  # the lifetime its maker documents: for people, never enforced
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    on_refusal: OnRefusal = OnRefusal.DROP
    replacement: str = ""
    mode: Mode | None = None
    max_age: int | None = None
    renew: bool = True
    secure: bool | None = None
    httponly: bool | None = None
    samesite: Literal["Strict", "Lax", "None"] | None = None
    partitioned: bool | None = None
    domain: str | None = None
    path: str | None = None
    source: str = FILE
    consent: tuple[str, ...] = ()  # a platform's own ids, qualified: "klaro:matomo"

    @property
    def octets(self) -> bytes:
        """The name pattern as cookie-names are compared: octets."""
        return self.name.encode()

    @property
    def is_exact(self) -> bool:
        """Whether the name is no glob."""
        return "*" not in self.name and "?" not in self.name

    @property
    def is_narrowed(self) -> bool:
        """Whether the rule holds for some hosts or paths only."""
        return bool(self.hosts or self.paths)

    @property
    def sets_attributes(self) -> bool:
        """Whether the rule says which attributes a cookie leaves with, beside its lifetime."""
        return any(value is not None for value in (self.secure, self.httponly, self.samesite, self.partitioned))


@dataclass(frozen=True)
class Consent:
    """The ``[consent]`` table; ``max_age`` in seconds. ``guessed`` are the readers that no word of the file names;
    ``domain`` (empty for the host alone) and ``path`` are where the platform's cookies lie that are re-issued."""

    cookie: str = "cookies_preferences"
    formats: tuple[str, ...] = (AUTO,)
    revision: int = 1
    max_age: int = 180 * 86400
    gpc: Gpc = True
    gpc_json: bool = field(default=True, kw_only=True)
    reissue: bool = field(default=False, kw_only=True)
    domain: str = field(default="", kw_only=True)
    path: str = field(default="/", kw_only=True)
    dnt: bool = False
    forward: bool = True
    upstream_may_set: bool = True
    readers: tuple[Reader, ...] = (NativeReader(),)
    guessed: tuple[Reader, ...] = field(default_factory=guessed_readers)


@dataclass(frozen=True, slots=True)
class Enforcement:
    """The ``[enforcement]`` table; ``max_age`` in seconds, for all that is not required."""

    mode: Mode = Mode.ENFORCE
    unlisted: Literal["block", "allow"] = "block"
    strip_requests: bool = True
    expire_leftovers: bool = True
    protect_caches: bool = True
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its paragraphs on the policy page."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The ``[page]`` table: the words round the cookie table."""

    title: str = "Cookie policy"
    updated: date | None = None
    intro: str = ""
    sections: tuple[Section, ...] = ()
    table_title: str = "Cookies on this site"


@dataclass(frozen=True)
class Policy:
    """A whole policy. ``rules`` holds the file's own rules first, in its order, then those of the presets; in a site's
    policy, the site's own before them. ``sites`` have policies of their own, without further sites in them.
    """

    categories: tuple[Category, ...] = DEFAULT_CATEGORIES
    rules: tuple[Rule, ...] = ()
    consent: Consent = field(default_factory=Consent)
    enforcement: Enforcement = field(default_factory=Enforcement)
    page: Page = field(default_factory=Page)
    presets: tuple[str, ...] = ()
    mapping: tuple[tuple[str, str | tuple[str, ...]], ...] = ()
    sites: tuple["Site", ...] = ()
    regions: Regions | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The categories and every name that they go by, and the platforms' ids that rules are bound to."""
        named = frozenset(native for rule in self.rules for native in rule.consent)
        return Vocabulary(self.categories, dict(self.mapping), named)

    @property
    def states_gpc(self) -> bool:
        """Whether the site may say that it abides by Sec-GPC: the operator wants it to, the gate enforces, and there is
        something that the signal refuses.
        """
        if not (self.consent.gpc and self.consent.gpc_json and self.enforcement.mode is Mode.ENFORCE):
            return False
        places = [self.within(), *(self.within(region) for region in (self.regions.regions if self.regions else ()))]
        return any(category.gpc for place in places for category in place.categories)

    def within(self, region: Region | None = None) -> "Policy":
        """The policy as it is in one region, or without one elsewhere; the same where it has no regions."""
        if self.regions is None:
            return self
        here = region or self.regions.elsewhere
        return replace(self, categories=here.categories(self.categories, self.vocabulary), regions=None)


@dataclass(frozen=True)
class Site:
    """One ``[[site]]`` table: ``hosts`` are exact, or wildcards such as ``*.example.org``, in canonical form; ``name``
    is what the log calls it.
    """

    name: str
    hosts: tuple[str, ...]
    policy: Policy
