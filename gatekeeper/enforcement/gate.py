"""A policy, compiled: immutable but for its bounded memory of names and consent values, shared by all exchanges,
replaced as a whole on reload.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gatekeeper.consent.category import Basis, Vocabulary
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.grant import weigh
from gatekeeper.consent.native import FORMAT as NATIVE
from gatekeeper.consent.readers.base import MAX_VALUE
from gatekeeper.consent.readers.custom import FORMAT as CUSTOM
from gatekeeper.consent.readers.registry import Registry
from gatekeeper.consent.readers.registry import Told as Heard
from gatekeeper.cookies.grammar import WSP
from gatekeeper.cookies.scope import canonical_host
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.enforcement.patience import Patience
from gatekeeper.enforcement.regional import Place, Regional
from gatekeeper.enforcement.reissue import Kept, reissuable
from gatekeeper.enforcement.scopes import Learned
from gatekeeper.policy.document import Mode, Policy
from gatekeeper.policy.matcher import Matcher, matcher_of

# Different grants in use at once. A site has a dozen; visitors who make up others only empty the table.
_GRANTS = 64

# Hosts remembered in their canonical form, and octets of one. A visitor who makes up others only empties the table.
_HOSTS = 1024
_SHORT = 255

# Consent values remembered with what they mean; each is at most 8 KiB.
_REMEMBERED = 2048
_FOREVER = 2**62
_AGAIN = 600  # seconds

Told = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a set of consent values meant, until when (epoch seconds); ``kept`` are those to be written again."""

    choice: Choice
    decisions: Decisions
    until: int
    kept: tuple[Kept, ...] = ()


def _registry_of(policy: Policy, vocabulary: Vocabulary, top: "Gate | None") -> Registry:
    consent = policy.consent
    if top is not None and (top.policy.consent, top.vocabulary) == (consent, vocabulary):
        return top.registry
    return Registry(vocabulary, consent.readers, consent.guessed)


class Gate:
    """A compiled policy. ``record_passes``: whether plain passes of the request get verdicts too (for `log.passes` and
    for explaining). ``site``: what the log calls those whom it is for. ``top``: a gate of the top level's policy, with
    which a site's shares what they have in common. ``learned``: where the cookies of each site were set, which outlives
    a policy. ``on_recognised`` hears, once for each consent platform, of the site, its format's id and the name of the
    cookie in which it was recognised.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        record_passes: bool = False,
        site: str = "default",
        top: "Gate | None" = None,
        learned: Learned | None = None,
        on_recognised: Callable[[str, str, bytes], None] | None = None,
    ) -> None:
        self.policy = policy
        self.site = site
        self.learned: Learned = learned or (Learned() if top is None else top.learned)
        self.scopes = self.learned.of(site)
        self.patience = Patience()
        self.matcher: Matcher = matcher_of(policy, None if top is None else (top.policy, top.matcher))
        self.vocabulary = policy.vocabulary
        self.record_passes = record_passes
        self.registry = _registry_of(policy, self.vocabulary, top)
        self.consent_names = self.registry.names
        self.bonds = tuple(dict.fromkeys((rule.category, rule.consent) for rule in policy.rules if rule.consent))
        self.reissues = policy.consent.reissue and policy.enforcement.mode is Mode.ENFORCE
        self.hides = not policy.consent.forward and policy.enforcement.mode is Mode.ENFORCE
        self.regional = Regional(policy) if policy.regions is not None else None
        categories = policy.categories if self.regional is None else self.regional.categories
        self.needs_sent_names = not all(rule.renew for rule in policy.rules) or not all(one.renew for one in categories)
        # What stays if the gate itself fails: names that need neither a grant nor a pattern to be known.
        required = {category.id for category in policy.categories if category.basis is Basis.REQUIRED}
        self.certain = self.registry.certain
        self.always = self.certain | {
            rule.octets
            for rule in policy.rules
            if rule.is_exact and all(one.category in required for one in self.matcher.possible(rule.octets))
        }
        self.enforces = policy.enforcement.mode is Mode.ENFORCE or any(
            rule.mode is Mode.ENFORCE for rule in policy.rules
        )
        # Read directly on the hot path.
        self.is_off = policy.enforcement.mode is Mode.OFF
        self.may_skip = not self.hides and not record_passes
        self.strips = policy.enforcement.strip_requests
        said = ((b"sec-gpc", bool(policy.consent.gpc)), (b"dnt", policy.consent.dnt))
        self.signals = frozenset(name for name, counts in said if counts)
        self.hosts: dict[bytes, str] = {}  # a miss goes through host()
        self.on_recognised = on_recognised
        self._recognised = {NATIVE, CUSTOM}  # which the file itself describes
        self._readings: dict[tuple[Place | None, bool, Told], Reading] = {}
        self._decisions: dict[tuple[object, ...], Decisions] = {}

    def host(self, authority: bytes) -> str:
        """The canonical host of a Host field value."""
        host = canonical_host(authority)
        if len(authority) <= _SHORT:
            if len(self.hosts) >= _HOSTS:
                self.hosts.clear()
            self.hosts[authority] = host
        return host

    def reading(self, cookies: list[bytes], *, signal: bool, now: int, place: Place | None = None) -> Reading:
        """The choice in these Cookie field values, and what it means as of ``now``; ``place``: where the policy has
        regions, the one that the visitor is in.
        """
        return self.reading_of(tuple(self.told(cookies)), signal, now, place)

    def reading_of(self, told: Told, signal: bool, now: int, place: Place | None = None) -> Reading:
        """The same for the consent cookie and its companions, every copy of them, as (name, value)."""
        key = (place, signal, told)
        reading = self._readings.get(key)
        if reading is None or now >= reading.until:
            reading = self._read(told, signal, now, place)
            if sum(len(value) for _, value in told) <= MAX_VALUE:
                if len(self._readings) >= _REMEMBERED:
                    self._readings.clear()
                self._readings[key] = reading
        return reading

    def has_unread(self, names: Iterable[bytes]) -> bool:
        """Whether one of these cookie-names is a consent cookie's by a pattern alone, so that its value was not found
        among :attr:`consent_names`. Such a name is never among those that a shortcut knows.
        """
        return any(map(self.registry.is_unlearned, names))

    def told(self, cookies: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """The consent cookies and their companions in these Cookie field values, every copy of them."""
        for value in cookies:
            for segment in value.split(b";"):
                name, equals, content = segment.partition(b"=")
                if equals and self.registry.reads(name := name.strip(WSP)):
                    yield name, content.strip(WSP)

    def doubted(self, place: Place | None = None) -> Reading:
        """What Cookie fields mean that nobody can be made to look through: the visitor may have refused all."""
        choice = Choice(State.UNDECIDED, refused=self.vocabulary.optional())
        return Reading(choice, self._decided(Heard(choice), False, place), 0)

    def _read(self, told: Told, signal: bool, now: int, place: Place | None) -> Reading:
        consent = self.policy.consent
        result = self.registry.read(told, now=now, max_age=consent.max_age, revision=consent.revision)
        choice = result.choice
        for one in result.found:
            if one.reader.id not in self._recognised:
                self._recognised.add(one.reader.id)
                if self.on_recognised is not None:
                    self.on_recognised(self.site, one.reader.id, one.cookies[0])
        decisions = self._decided(result, signal, place)
        until = _FOREVER
        if choice.given_at is not None:
            # It grows stale when it is too old; one dated in the future may become valid, and is looked at again.
            until = choice.given_at + consent.max_age + 1 if choice.is_binding else now + _AGAIN
        again = self.reissues and choice.state is State.DECIDED
        return Reading(choice, decisions, until, reissuable(told, result.found) if again else ())

    def _decided(self, heard: Heard, signal: bool, place: Place | None) -> Decisions:
        """What a choice means for every name; the same object for the same."""
        if place is None and self.regional is not None:
            place = self.regional.elsewhere  # nobody asked where: where the least is allowed
        categories = self.policy.categories if place is None else place.categories
        grant = weigh(
            heard.choice,
            categories=categories,
            gpc=self.policy.consent.gpc,
            signal=signal,
            bonds=self.bonds,
            refusals=heard.refusals if self.bonds else {},
        )
        recognised = heard.guesses
        # A platform's own ids are weighed here and not kept: lists of a thousand vendors would never meet again.
        key = (*grant.standings.items(), *grant.bound.values(), *grant.limits.items(), recognised)
        decisions = self._decisions.get(key)
        if decisions is None:
            if len(self._decisions) >= _GRANTS:
                self._decisions.clear()
                self._readings.clear()  # each of them holds on to its decisions
            decisions = self._decisions[key] = Decisions(self.policy, self.matcher, grant, self.registry, recognised)
        return decisions
