"""Rules that were written with other categories in mind: those of presets, and the top level's for a site."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gatekeeper.consent.category import Vocabulary
from gatekeeper.policy.document import FILE, Rule
from gatekeeper.policy.load_rule import read_rule
from gatekeeper.policy.schema import Problem, Table, did_you_mean, quoted

Presets = Mapping[str, Mapping[str, object]]

_Rehomed = tuple[tuple[Rule, ...], tuple[str, ...]]


class Shelf:
    """Presets, each read once for all sites that have the same categories."""

    def __init__(self, presets: Presets) -> None:
        self.presets = presets
        self._read: dict[tuple[object, ...], _Rehomed] = {}

    def read(self, name: str, vocabulary: Vocabulary, problems: list[Problem]) -> _Rehomed:
        """The rules of a preset in one's own categories, and those categories of its that are none of them."""
        key = (name, vocabulary.categories, *sorted(vocabulary.mapping.items()))
        if key not in self._read:
            tables = Table(self.presets[name], f"preset {name}", problems).tables("cookie")
            rules = (read_rule(table, vocabulary, name) for table in tables)
            self._read[key] = _rehomed([rule for rule in rules if rule is not None], vocabulary)
        return self._read[key]


def rules_of_presets(table: Table, names: tuple[str, ...], vocabulary: Vocabulary, shelf: Shelf) -> tuple[Rule, ...]:
    """The rules of these presets, which ``table`` names, or the table above it."""
    kept: list[Rule] = []
    written = table.items("presets") if names and table.has("presets") else list(names)
    for name in names:
        path = f"presets[{written.index(name)}]"
        if name in shelf.presets:
            rules, homeless = shelf.read(name, vocabulary, table.problems)
            kept += rules
            for category in homeless:
                table.report(
                    path,
                    f"{quoted(name)} has cookies of the category {quoted(category)}, which is none of yours and no "
                    f"synonym of one; say which with [consent.map], or add a [[category]]",
                )
        elif table.has("presets"):
            table.report(path, f"{quoted(name)} is no preset{did_you_mean(name, shelf.presets)}")
    return tuple(kept)


def rules_from_above(table: Table, rules: Iterable[Rule], vocabulary: Vocabulary) -> tuple[Rule, ...]:
    """The top level's own rules in the categories of a site."""
    # Here an id is meant as it stands, whatever a platform means by the same word.
    ids = vocabulary.ids()
    kept, homeless = _rehomed([rule for rule in rules if rule.source == FILE], vocabulary, ids)
    for category in homeless:
        table.report(
            "category",
            f"the top level has cookies of the category {quoted(category)}, which is none of this site's and no "
            f"synonym of one; say which with consent.map, or add a [[site.category]]",
        )
    return kept


def _rehomed(rules: Iterable[Rule], vocabulary: Vocabulary, at_home: frozenset[str] = frozenset()) -> _Rehomed:
    kept: list[Rule] = []
    homeless: dict[str, None] = {}
    for rule in rules:
        category = rule.category if rule.category in at_home else vocabulary.resolve(rule.category)
        if category is None:
            homeless[rule.category] = None
        else:
            kept.append(rule if rule.category == category else replace(rule, category=category))
    return tuple(kept), tuple(homeless)
