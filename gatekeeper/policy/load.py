"""From TOML tables to a :class:`Policy`, or to all problems at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Literal, cast

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Basis, Category, Vocabulary
from gatekeeper.policy.document import FILE, SITE, Enforcement, Mode, Page, Policy, Rule, Section
from gatekeeper.policy.load_consent import read_consent, read_mapping
from gatekeeper.policy.load_preset import Presets, Shelf, rules_from_above, rules_of_presets
from gatekeeper.policy.load_region import read_regions
from gatekeeper.policy.load_rule import read_cap, read_rule
from gatekeeper.policy.load_site import Above, read_sites
from gatekeeper.policy.schema import PolicyError, Problem, Table, quoted

__all__ = ["Presets", "build_policy", "load_policy_tables"]

_BASES = tuple(basis.value for basis in Basis)
_MODES = tuple(mode.value for mode in Mode)


def build_policy(root: Table, presets: Presets) -> Policy:
    """The policy in a whole file's tables; problems are added to ``root.problems``, and what they concern keeps its
    default.

    Keys of ``root`` that belong to others (server, upstream, log) are not touched: whoever reads the last of them
    closes the table.
    """
    shelf = Shelf(presets)
    top = _top_level(root, shelf)
    above = Above(root, ("consent", "enforcement", "page"))
    sites = read_sites(root, lambda table: _of_site(table, top, above, shelf))
    return replace(top, sites=sites) if sites else top


def _top_level(root: Table, shelf: Shelf) -> Policy:
    categories = _categories(root)
    consent_table = root.table("consent")
    mapping = read_mapping(consent_table.table("map"), Vocabulary(categories))
    vocabulary = Vocabulary(categories, mapping)
    consent = read_consent(consent_table, vocabulary)
    enforcement = _enforcement(root.table("enforcement"))
    page = _page(root.table("page"))
    own = _own_rules(root, vocabulary, FILE)
    named = root.strings("presets")
    rules = (*own, *rules_of_presets(root, named, vocabulary, shelf))
    regions = read_regions(root, vocabulary)
    return Policy(categories, rules, consent, enforcement, page, named, tuple(mapping.items()), regions=regions)


def _of_site(table: Table, top: Policy, above: Above, shelf: Shelf) -> Policy:
    """The policy of a site: what its table says, and the top level's where it says nothing."""
    categories = _categories(table) if table.has("category") else top.categories
    mapping, vocabulary, consent = dict(top.mapping), top.vocabulary, top.consent
    if table.has("category") or table.has("consent"):
        consent_table = above.under(table, "consent")
        mapping = read_mapping(consent_table.table("map"), Vocabulary(categories))
        vocabulary = Vocabulary(categories, mapping)
        consent = read_consent(consent_table, vocabulary)
    own = _own_rules(table, vocabulary, SITE)
    named = table.strings("presets") if table.has("presets") else top.presets
    below = top.rules  # the very same where it can be, so that what is made of them is made once
    if vocabulary != top.vocabulary or named != top.presets:
        below = rules_from_above(table, top.rules, vocabulary) + rules_of_presets(table, named, vocabulary, shelf)
    return replace(
        top,
        categories=categories,
        rules=(*own, *below) if own else below,
        consent=consent,
        enforcement=_enforcement(above.under(table, "enforcement")) if table.has("enforcement") else top.enforcement,
        page=_page(above.under(table, "page")) if table.has("page") else top.page,
        presets=named,
        mapping=tuple(mapping.items()),
    )


def _own_rules(table: Table, vocabulary: Vocabulary, source: str) -> tuple[Rule, ...]:
    rules = [read_rule(one, vocabulary, source) for one in table.tables("cookie")]
    _report_doubles(table, rules)
    return tuple(rule for rule in rules if rule is not None)


def load_policy_tables(document: Mapping[str, object], presets: Presets, source: str = "") -> Policy:
    """A policy from tables that hold nothing but a policy; raises :class:`PolicyError` with every problem."""
    problems: list[Problem] = []
    root = Table(document, "", problems)
    policy = build_policy(root, presets)
    root.close()
    if problems:
        raise PolicyError(problems, source)
    return policy


def _categories(root: Table) -> tuple[Category, ...]:
    tables = root.tables("category")
    if not tables:
        return DEFAULT_CATEGORIES
    found: dict[str, Category] = {}
    for table in tables:
        identity = table.text("id", empty=False)
        basis = Basis(table.text("basis", Basis.OPT_IN.value, choices=_BASES))
        category = Category(
            identity,
            basis,
            table.text("title") or identity.replace("-", " ").replace("_", " ").capitalize(),
            table.text("description"),
            table.text("heading"),
            table.flag("gpc", default=False),
        )
        if not identity:
            if not table.has("id"):
                table.report("id", "is missing")
        elif not identity.isprintable() or len(identity) > 64 or identity != identity.strip():
            table.report("id", "must be a short printable word")
        elif identity.lower() in map(str.lower, found):  # consent cookies name categories in any case
            table.report("id", f"{quoted(identity)} is already a category")
        else:
            found[identity] = category
        table.close()
    return tuple(found.values()) or DEFAULT_CATEGORIES


def _enforcement(table: Table) -> Enforcement:
    enforcement = Enforcement(
        Mode(table.text("mode", Mode.ENFORCE.value, choices=_MODES)),
        cast('Literal["block", "allow"]', table.text("unlisted", "block", choices=("block", "allow"))),
        table.flag("strip_requests", default=True),
        table.flag("expire_leftovers", default=True),
        table.flag("protect_caches", default=True),
        read_cap(table),
    )
    table.close()
    return enforcement


def _page(table: Table) -> Page:
    default = Page()
    sections = []
    for section in table.tables("section"):
        sections.append(Section(section.text("title"), section.text("text")))
        section.close()
    page = Page(
        table.text("title", default.title),
        _date(table, "updated"),
        table.text("intro"),
        tuple(sections),
        table.text("table_title", default.table_title),
    )
    table.close()
    return page


def _date(table: Table, key: str) -> date | None:
    value = table.raw(key)
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        table.report(key, "must be a date such as 2026-01-31")
        return None


def _report_doubles(root: Table, rules: list[Rule | None]) -> None:
    seen: dict[tuple[object, ...], int] = {}
    for index, rule in enumerate(rules):
        if rule is not None:
            key = (rule.name, tuple(sorted(rule.hosts)), tuple(sorted(rule.paths)))
            if key in seen:
                root.report(f"cookie[{index}].name", f"{quoted(rule.name)} is already named by cookie[{seen[key]}]")
            seen.setdefault(key, index)
