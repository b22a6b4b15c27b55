"""Which cookies the policy page lists, under which category, in which columns: the same for every format."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from gatekeeper.consent.category import Basis, Category
from gatekeeper.consent.native import NativeReader
from gatekeeper.pages.durations import lifetime, lifetime_in_words
from gatekeeper.policy.document import Consent, Page, Policy, Rule, shortest
from gatekeeper.policy.matcher import Matcher, matcher_of

UNKNOWN_LIFETIME = "not stated"

_WILDCARD_NOTES = {
    "*": "In a cookie name, * stands for any characters.",
    "?": "In a cookie name, ? stands for any one character.",
}

_BASIS_IN_WORDS = {
    Basis.REQUIRED: "No consent is needed for these cookies.",
    Basis.OPT_IN: "These cookies are stored only after you agree.",
    Basis.OPT_OUT: "These cookies are stored unless you object.",
}
_GENERIC_INTRO = (
    "This site uses cookies. A cookie is a small piece of data that a website stores in your browser and gets back on "
    "your next visits: to keep you signed in, for example, or to remember a choice that you made.\n\n"
    "This page lists the cookies that the site may store, what each of them is for, and whether your consent is needed."
)
# Any name that a pattern matches stands for all of them, if no one writes that many question marks.
_FOR_A_STAR = "\x01" * 64


class Column(StrEnum):
    """A column, by what stands above it."""

    FUNCTION = "Function and location"
    NAME = "Cookie name"
    PURPOSE = "Purposes"
    PROVIDER = "Provider"
    LIFETIME = "Lifetime"


@dataclass(frozen=True, slots=True)
class ListedCookie:
    """A rule as the page tells it. ``lifetime`` in seconds: 0 is the browser session, None not known."""

    rule: Rule
    lifetime: int | None
    lifetime_in_words: str


@dataclass(frozen=True, slots=True)
class CategoryTable:
    """A category and its cookies, maybe none."""

    category: Category
    cookies: tuple[ListedCookie, ...]
    regions: tuple[tuple[str, Basis], ...] = ()  # where the basis is another, by the regions' names

    @property
    def heading(self) -> str:
        """What stands above the table."""
        return self.category.heading.strip() or self.category.title.strip() or self.category.id

    @property
    def basis_in_words(self) -> str:
        """Whether the visitor is asked, here and there."""
        places: dict[Basis, list[str]] = {}
        for name, basis in self.regions:
            places.setdefault(basis, []).append(name)
        others = [f"{', '.join(names)}: {_BASIS_IN_WORDS[basis]}" for basis, names in places.items()]
        return " ".join([_BASIS_IN_WORDS[self.category.basis], *others])

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that say something: always the first three."""
        provider = (Column.PROVIDER,) if any(self._has_a_say(cookie.rule) for cookie in self.cookies) else ()
        lifetimes = (Column.LIFETIME,) if any(cookie.lifetime_in_words for cookie in self.cookies) else ()
        return (Column.FUNCTION, Column.NAME, Column.PURPOSE, *provider, *lifetimes)

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The plain text of each cell, in the order of the columns."""
        return tuple(tuple(_cell(cookie, column) for column in self.columns) for cookie in self.cookies)

    def _has_a_say(self, rule: Rule) -> bool:
        # Whose software the site itself runs concerns nobody; who else gets the data, and whom one agrees to, does.
        return rule.party == "third" or bool(rule.provider and self.category.basis is not Basis.REQUIRED)


def category_tables(policy: Policy) -> tuple[CategoryTable, ...]:
    """Every category in the file's order with the cookies that the gate would judge by it, each name once: those of
    the file first, then those of the presets.

    A cookie that several rules describe has the first one's place and cap; where that one says nothing of what the
    cookie is for, the next one does. The page states the policy: a trial in report-only mode does not change it. With
    regions, it states what holds elsewhere, and in which of them the basis is another.
    """
    regions = [(one.name, policy.within(one)) for one in policy.regions.regions] if policy.regions else []
    policy = policy.within()
    matcher = matcher_of(policy)
    listed: dict[tuple[str, str], Rule] = {}
    for rule in policy.rules:
        key = (rule.category, rule.name)
        if key in listed:
            listed[key] = _completed(listed[key], rule)
        elif _is_judged_by(rule, matcher):
            listed[key] = rule
    return tuple(
        CategoryTable(
            category,
            tuple(
                _listed(_capped(rule, category, policy), policy.consent)
                for rule in listed.values()
                if rule.category == category.id
            ),
            tuple(
                (name, there.categories[place].basis)
                for name, there in regions
                if there.categories[place].basis is not category.basis
            ),
        )
        for place, category in enumerate(policy.categories)
    )


def wildcard_notes(tables: Iterable[CategoryTable]) -> tuple[str, ...]:
    """What the wildcards mean that the names on the page hold."""
    names = "".join(cookie.rule.name for table in tables for cookie in table.cookies)
    return tuple(note for wildcard, note in _WILDCARD_NOTES.items() if wildcard in names)


def title(page: Page) -> str:
    """The page's title: never empty, as a document needs one."""
    return page.title.strip() or Page().title


def table_title(page: Page) -> str:
    """What stands above all tables: never empty, as the categories' headings stand below it."""
    return page.table_title.strip() or Page().table_title


def intro(page: Page) -> str:
    """The page's first words (light markdown): the operator's, or some that hold for every site."""
    return page.intro or ("" if page.sections else _GENERIC_INTRO)


def description(category: Category, page: Page) -> str:
    """A category's description (light markdown) where the page's own words do not say the same already."""
    said = (page.intro, *(section.text for section in page.sections))
    told = category.description.strip()
    return "" if any(told in text for text in said) else told


def _is_judged_by(rule: Rule, matcher: Matcher) -> bool:
    """Whether the rule's category is that of its cookie: a rule of the file may have put it elsewhere."""
    example = rule.name.replace("*", _FOR_A_STAR).encode()
    return any(judge.category == rule.category for judge in matcher.possible(example))


def _completed(rule: Rule, other: Rule) -> Rule:
    return replace(
        rule,
        function=rule.function or other.function,
        purpose=rule.purpose or other.purpose,
        provider=rule.provider or other.provider,
        party=rule.party or other.party,
        duration=rule.duration or other.duration,
    )


def _capped(rule: Rule, category: Category, policy: Policy) -> Rule:
    if category.basis is Basis.REQUIRED:
        return rule
    return replace(rule, max_age=shortest(rule.max_age, category.max_age, policy.enforcement.max_age))


def _listed(rule: Rule, consent: Consent) -> ListedCookie:
    timed = rule
    if not rule.duration and any(
        rule.octets in reader.cookies for reader in consent.readers if isinstance(reader, NativeReader)
    ):
        timed = replace(rule, duration=f"{consent.max_age}s")  # Gatekeeper writes this one itself
    return ListedCookie(rule, lifetime(timed), lifetime_in_words(timed))


def _cell(cookie: ListedCookie, column: Column) -> str:
    rule = cookie.rule
    match column:
        case Column.FUNCTION:
            return rule.function
        case Column.NAME:
            return rule.name
        case Column.PURPOSE:
            return rule.purpose
        case Column.PROVIDER:
            return _provider(rule)
        case Column.LIFETIME:
            return cookie.lifetime_in_words or UNKNOWN_LIFETIME


def _provider(rule: Rule) -> str:
    if rule.party == "third":
        return f"{rule.provider}, third party" if rule.provider else "a third party"
    return rule.provider or ("this site" if rule.party == "first" else "")
