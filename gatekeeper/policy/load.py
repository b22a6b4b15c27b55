"""From TOML tables to a :class:`Policy`, or to all problems at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Literal, cast

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Basis, Category, Vocabulary
from gatekeeper.policy.document import FILE, Enforcement, Mode, Page, Policy, Rule, Section
from gatekeeper.policy.load_consent import read_consent, read_mapping
from gatekeeper.policy.load_rule import read_cap, read_rule
from gatekeeper.policy.schema import PolicyError, Problem, Table, did_you_mean, quoted

Presets = Mapping[str, Mapping[str, object]]

_BASES = tuple(basis.value for basis in Basis)
_MODES = tuple(mode.value for mode in Mode)


def build_policy(root: Table, presets: Presets) -> Policy:
    """The policy in a whole file's tables; problems are added to ``root.problems``, and what they concern keeps its
    default.

    Keys of ``root`` that belong to others (server, upstream, log) are not touched: whoever reads the last of them
    closes the table.
    """
    categories = _categories(root)
    consent_table = root.table("consent")
    mapping = read_mapping(consent_table.table("map"), Vocabulary(categories))
    vocabulary = Vocabulary(categories, mapping)
    consent = read_consent(consent_table, vocabulary)
    enforcement = _enforcement(root.table("enforcement"))
    page = _page(root.table("page"))
    rules = [read_rule(table, vocabulary, FILE) for table in root.tables("cookie")]
    _report_doubles(root, rules)
    named = root.strings("presets")
    for name in named:
        rules += _preset(root, f"presets[{root.items('presets').index(name)}]", name, vocabulary, presets)
    kept = tuple(rule for rule in rules if rule is not None)
    return Policy(categories, kept, consent, enforcement, page, named, tuple(mapping.items()))


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


def _preset(root: Table, path: str, name: str, vocabulary: Vocabulary, presets: Presets) -> list[Rule | None]:
    if name not in presets:
        root.report(path, f"{quoted(name)} is no preset{did_you_mean(name, presets)}")
        return []
    preset = Table(presets[name], f"preset {name}", root.problems)
    rules: list[Rule | None] = []
    homeless: dict[str, None] = {}
    for table in preset.tables("cookie"):
        rule = read_rule(table, vocabulary, name)
        if rule is None:
            continue
        category = vocabulary.resolve(rule.category)
        if category is None:
            homeless[rule.category] = None
        else:
            rules.append(_with_category(rule, category))
    for category in homeless:
        root.report(
            path,
            f"{quoted(name)} has cookies of the category {quoted(category)}, which is none of yours and no "
            f"synonym of one; say which with [consent.map], or add a [[category]]",
        )
    return rules


def _with_category(rule: Rule, category: str) -> Rule:
    return rule if rule.category == category else replace(rule, category=category)
