"""What is legal in a policy and looks wrong: said by ``gatekeeper check``, and no reason to refuse the file."""

from collections.abc import Iterator

from gatekeeper.consent.category import Basis
from gatekeeper.cookies.grammar import BROWSER_MAX_AGE
from gatekeeper.policy.document import FILE, Policy, Rule
from gatekeeper.policy.glob import compile_glob
from gatekeeper.policy.load import Presets
from gatekeeper.policy.matcher import Matcher
from gatekeeper.policy.schema import Problem, Table, quoted

_TRACKING = ("analytics", "marketing")


def review(policy: Policy, presets: Presets) -> tuple[Problem, ...]:
    """Warnings, in the order of the file."""
    own = [rule for rule in policy.rules if rule.source == FILE]
    found: list[Problem] = list(_about_categories(policy))
    trackers = Matcher(_known_trackers(presets))
    required = {category.id for category in policy.categories if category.basis is Basis.REQUIRED}
    for index, rule in enumerate(own):
        path = f"cookie[{index}]"
        found += _about_rule(path, rule, rule.category in required, trackers)
        found += _swallowed(path, rule, policy)
    return tuple(found)


def _about_categories(policy: Policy) -> Iterator[Problem]:
    if not any(category.basis is Basis.REQUIRED for category in policy.categories):
        yield Problem("category", 'none has the basis "required": no cookie but the consent cookie passes unasked')
    if policy.consent.revision > 1 and policy.consent.format == "custom":
        yield Problem("consent.revision", "a custom consent cookie tells no revision, so no choice is stale by it")
    if not policy.rules and policy.enforcement.unlisted == "block":
        yield Problem("cookie", "there is no rule and no preset: every cookie is unlisted and will be blocked")
    if policy.consent.max_age > BROWSER_MAX_AGE:
        yield Problem("consent.max_age", "browsers keep no cookie for more than 400 days")


def _about_rule(path: str, rule: Rule, required: bool, trackers: Matcher) -> Iterator[Problem]:
    known = trackers.find(rule.octets) if rule.is_exact else None
    if required and known is not None:
        yield Problem(
            f"{path}.category",
            f"{quoted(rule.name)} is known as a cookie of {known.provider} for {known.category}; "
            f"{quoted(rule.category)} needs no consent",
        )
    if required and rule.name in ("*", "?*", "*?"):
        yield Problem(f"{path}.name", f"{quoted(rule.name)} lets every cookie pass without consent")
    if rule.max_age is not None and rule.max_age > BROWSER_MAX_AGE:
        yield Problem(f"{path}.max_age", "browsers keep no cookie for more than 400 days: this cap does nothing")


def _swallowed(path: str, rule: Rule, policy: Policy) -> Iterator[Problem]:
    """Rules of presets that a wildcard of the file outweighs, with another category."""
    if rule.is_exact or rule.is_narrowed:
        return
    matches = compile_glob(rule.octets)
    for other in policy.rules:
        if other.source != FILE and other.category != rule.category and other.is_exact and matches(other.octets):
            yield Problem(
                f"{path}.name",
                f"{quoted(rule.name)} swallows {quoted(other.name)} of the preset {quoted(other.source)}, which is "
                f"{quoted(other.category)} there",
            )


def _known_trackers(presets: Presets) -> Iterator[Rule]:
    for name, preset in presets.items():
        for table in Table(preset, name, []).tables("cookie"):
            category = table.text("category")
            if category in _TRACKING:
                yield Rule(table.text("name"), category, provider=table.text("provider"), source=name)
