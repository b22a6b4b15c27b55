"""What is legal in a policy and looks wrong: said by ``gatekeeper check``, and no reason to refuse the file."""

from collections.abc import Iterator

from gatekeeper.consent.category import Basis
from gatekeeper.consent.readers.custom import FORMAT as CUSTOM
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.region import PROFILES
from gatekeeper.cookies.grammar import BROWSER_MAX_AGE
from gatekeeper.policy.document import FILE, SITE, Policy, Rule
from gatekeeper.policy.glob import compile_glob
from gatekeeper.policy.load import Presets
from gatekeeper.policy.matcher import Matcher
from gatekeeper.policy.schema import Problem, Table, quoted

_TRACKING = ("analytics", "marketing")
_NO_CAP = "browsers keep no cookie for more than 400 days: this cap does nothing"


def review(policy: Policy, presets: Presets, *, top: bool = True) -> tuple[Problem, ...]:
    """Warnings, in the order of the file. ``top``: whether the top level is a policy of its own, and not only what
    sites fall back on.
    """
    trackers = tuple(rule for rule in known_rules(presets) if rule.category in _TRACKING)
    by_name = Matcher(trackers)
    told = (*_about_categories(policy), *_about_map(policy)) if top else ()
    found = [*told, *_about_rules(policy, FILE, trackers, by_name)]
    for index, site in enumerate(policy.sites):
        general = (*_about_categories(site.policy), *_about_map(site.policy))
        about = (problem for problem in general if problem not in told)
        of_site = (*about, *_about_rules(site.policy, SITE, trackers, by_name))
        found += [Problem(f"site[{index}].{problem.path}", problem.message) for problem in of_site]
    return tuple(found)


def _about_rules(policy: Policy, source: str, trackers: tuple[Rule, ...], by_name: Matcher) -> Iterator[Problem]:
    required = {category.id for category in policy.categories if category.basis is Basis.REQUIRED}
    for index, rule in enumerate(rule for rule in policy.rules if rule.source == source):
        path = f"cookie[{index}]"
        if rule.category in required:
            known = by_name.find(rule.octets) if rule.is_exact else _met(rule, trackers)
            yield from _about_required(path, rule, known)
        if rule.max_age is not None and rule.max_age > BROWSER_MAX_AGE:
            yield Problem(f"{path}.max_age", _NO_CAP)
        yield from _swallowed(path, rule, policy)
        for place, native in enumerate(rule.consent):
            if native.partition(":")[0] not in _formats_read(policy):
                never = f"{quoted(native)} is never answered: consent.format does not name its format"
                yield Problem(f"{path}.consent[{place}]", never)


def _formats_read(policy: Policy) -> frozenset[str]:
    return frozenset(reader.id for reader in (*policy.consent.readers, *policy.consent.guessed))


def _about_map(policy: Policy) -> Iterator[Problem]:
    """Ids of platforms whose cookies nobody reads."""
    for native, _ in policy.mapping:
        identity, _, bare = native.partition(":")
        known = [one.id for one in KNOWN.values() if native in one.categories]
        theirs = [identity] if bare and identity in KNOWN else known
        if theirs and _formats_read(policy).isdisjoint(theirs):
            yield Problem(f"consent.map.{native}", f"is an id of {theirs[0]}, which consent.format does not name")


def _about_categories(policy: Policy) -> Iterator[Problem]:
    if not any(category.basis is Basis.REQUIRED for category in policy.categories):
        yield Problem("category", 'none has the basis "required": no cookie but the consent cookie passes unasked')
    if policy.consent.revision > 1 and any(reader.id == CUSTOM for reader in policy.consent.readers):
        yield Problem("consent.revision", "a custom consent cookie tells no revision, so no choice is stale by it")
    if not policy.rules and policy.enforcement.unlisted == "block":
        yield Problem("cookie", "there is no rule and no preset: every cookie is unlisted and will be blocked")
    elif policy.enforcement.unlisted == "block" and not _may_name_required(policy):
        yield Problem(
            "presets",
            "no rule names a required cookie, so that nobody can sign in; "
            'with presets = ["essential"] the cookies of frameworks and load balancers pass',
        )
    yield from _about_regions(policy)
    if (policy.enforcement.max_age or 0) > BROWSER_MAX_AGE:
        yield Problem("enforcement.max_age", _NO_CAP)
    if policy.consent.max_age > BROWSER_MAX_AGE:
        yield Problem("consent.max_age", "browsers keep no cookie for more than 400 days")


def _about_regions(policy: Policy) -> Iterator[Problem]:
    regions = policy.regions.regions if policy.regions is not None else ()
    for index, region in enumerate(regions):
        if PROFILES[region.profile].deaf is not None and not policy.consent.gpc:
            yield Problem(f"region[{index}].profile", "the law there asks that Sec-GPC is heard; consent.gpc is false")


def _may_name_required(policy: Policy) -> bool:
    """Whether some rule lets a cookie pass unasked, or a rule for everything says that this is not meant."""
    required = {category.id for category in policy.categories if category.basis is Basis.REQUIRED}
    return not required or any(rule.category in required or not rule.name.strip("*?") for rule in policy.rules)


def _about_required(path: str, rule: Rule, known: Rule | None) -> Iterator[Problem]:
    if "*" in rule.name and not rule.name.strip("*?"):
        yield Problem(f"{path}.name", f"{quoted(rule.name)} lets every cookie pass without consent")
    elif known is not None:
        yield Problem(
            f"{path}.category",
            f"{quoted(known.name)} is known as a cookie of {known.provider} for {known.category}; "
            f"{quoted(rule.category)} needs no consent",
        )


def _met(rule: Rule, trackers: tuple[Rule, ...]) -> Rule | None:
    """The first tracker that a pattern matches."""
    matches = compile_glob(rule.octets)
    return next((tracker for tracker in trackers if matches(tracker.octets)), None)


def _swallowed(path: str, rule: Rule, policy: Policy) -> Iterator[Problem]:
    """Rules with another category that a wildcard outweighs: those of presets, and for a site the top level's."""
    if rule.is_exact or rule.is_narrowed:
        return
    matches = compile_glob(rule.octets)
    for other in policy.rules:
        if other.source != rule.source and other.category != rule.category and matches(other.octets):
            whose = "the top level" if other.source == FILE else f"the preset {quoted(other.source)}"
            yield Problem(
                f"{path}.name",
                f"{quoted(rule.name)} swallows {quoted(other.name)} of {whose}, which is "
                f"{quoted(other.category)} there",
            )


def known_rules(presets: Presets) -> Iterator[Rule]:
    """The names, categories and providers that presets know, whatever the operator's own categories are."""
    for name, preset in presets.items():
        for table in Table(preset, name, []).tables("cookie"):
            yield Rule(table.text("name"), table.text("category"), provider=table.text("provider"), source=name)
