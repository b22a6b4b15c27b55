"""Categories: what a visitor consents to as a unit, and under which names other people's tools know them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Basis(StrEnum):
    """Why a category may store at all."""

    REQUIRED = "required"  # no consent needed (ePrivacy Directive, article 5(3), second sentence)
    OPT_IN = "opt-in"
    OPT_OUT = "opt-out"  # exempt from consent, but the visitor may object


@dataclass(frozen=True, slots=True)
class Category:
    """One ``[[category]]`` table. ``gpc``: whether Sec-GPC speaks about it. ``heading`` stands above its cookies on the
    policy page. ``max_age`` (seconds) and ``renew`` are what a region asks of its cookies.
    """

    id: str
    basis: Basis = Basis.OPT_IN
    title: str = ""
    description: str = ""
    heading: str = ""
    gpc: bool = False
    max_age: int | None = None
    renew: bool = True


DEFAULT_CATEGORIES = (
    Category(
        "necessary",
        Basis.REQUIRED,
        "Necessary",
        "Needed for the site to work, such as signing in or keeping a basket. They do not require your consent.",
    ),
    Category("functional", Basis.OPT_IN, "Functional", "Remember how you like to use the site."),
    Category("analytics", Basis.OPT_IN, "Analytics", "Tell the site how it is used.", gpc=True),
    Category("marketing", Basis.OPT_IN, "Marketing", "Follow you for advertising.", gpc=True),
)

_SYNONYMS = (
    ("necessary", "essential", "required", "strictly-necessary", "strictly_necessary"),
    ("functional", "preferences", "functionality", "personalization", "personalisation"),
    ("analytics", "statistics", "statistical", "performance", "measurement"),
    ("marketing", "advertising", "targeting", "ads"),
)


@dataclass(frozen=True)
class Vocabulary:
    """The operator's categories, found by their ids, by an explicit map, by a known synonym.

    ``mapping`` is ``[consent.map]``: a platform's id, with or without the format's before it, and the category or
    categories that it stands for. ``named`` are the platforms' ids that rules bind to, with the format's before them.
    """

    categories: tuple[Category, ...]
    mapping: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    _known: dict[str, str] = field(init=False, repr=False, compare=False)
    _mapped: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _words: dict[str, dict[str, tuple[str, ...]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known: dict[str, str] = {}
        ids = {category.id.lower(): category.id for category in self.categories}
        for group in _SYNONYMS:
            # Two categories of one group (functional beside preferences): then a synonym is ambiguous and stands for
            # none.
            held = [ids[name] for name in group if name in ids]
            if len(held) == 1:
                known |= dict.fromkeys(group, held[0])
        known |= ids
        mapped = {
            native.lower(): (to,) if isinstance(to, str) else tuple(dict.fromkeys(to))
            for native, to in self.mapping.items()
        }
        # A word for several categories is none that can stand for one.
        known = {name: category for name, category in known.items() if name not in mapped}
        known |= {native: to[0] for native, to in mapped.items() if len(to) == 1}
        object.__setattr__(self, "_known", known)
        object.__setattr__(self, "_mapped", mapped)
        object.__setattr__(self, "_words", {})

    def resolve(self, name: str) -> str | None:
        """The category id that a name stands for, or None; case does not matter."""
        return self._known.get(name.strip().lower())

    def mapped(self, native: str) -> tuple[str, ...]:
        """The category ids that the operator's own map names for a platform's id; case does not matter."""
        return self._mapped.get(native.strip().lower(), ())

    def words(self, platform: str, own: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
        """What each id of a platform stands for, in lower case: the operator's words go before the platform's ``own``
        (an id and one of the default categories), and these before those that everybody uses.
        """
        words = self._words.get(platform)
        if words is None:
            words = {name: (category,) for name, category in self._known.items()}
            for native, default in own.items():
                category = self.resolve(default)
                words[native.lower()] = () if category is None else (category,)
            prefix = f"{platform}:".lower()
            words |= self._mapped
            words |= {native[len(prefix) :]: to for native, to in self._mapped.items() if native.startswith(prefix)}
            self._words[platform] = words
        return words

    def unanswered(self, platform: str, answers: Iterable[str]) -> frozenset[str]:
        """The categories of those ids that the operator's own map names for a platform and that are not in
        ``answers``.
        """
        answered = {native.strip().lower() for native in answers}
        own = ((native.removeprefix(f"{platform}:"), categories) for native, categories in self._mapped.items())
        return frozenset(one for native, to in own if ":" not in native and native not in answered for one in to)

    @property
    def asked(self) -> frozenset[str]:
        """The platforms' ids that the operator's file has a use for, in the map and in rules."""
        return self.named | self._mapped.keys()

    def ids(self, *bases: Basis) -> frozenset[str]:
        """Ids of the categories on these bases; without an argument, of all."""
        return frozenset(category.id for category in self.categories if not bases or category.basis in bases)

    def optional(self) -> frozenset[str]:
        """Ids of the categories that a visitor can refuse."""
        return self.ids(Basis.OPT_IN, Basis.OPT_OUT)

    def resolve_all(self, names: Iterable[str]) -> frozenset[str]:
        """The categories that any of the names stands for."""
        return frozenset(category for name in names if (category := self.resolve(name)) is not None)
