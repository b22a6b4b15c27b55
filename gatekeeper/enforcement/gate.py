"""A policy, compiled: immutable but for its bounded memory of names and consent values, shared by all exchanges,
replaced as a whole on reload.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.consent.category import Basis
from gatekeeper.consent.choice import Choice
from gatekeeper.consent.grant import weigh
from gatekeeper.consent.readers.base import MAX_VALUE
from gatekeeper.consent.readers.registry import read_choice
from gatekeeper.cookies.grammar import WSP
from gatekeeper.cookies.scope import canonical_host
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.enforcement.patience import Patience
from gatekeeper.enforcement.regional import Place, Regional
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
    """What a set of consent values meant, until when (epoch seconds)."""

    choice: Choice
    decisions: Decisions
    until: int


class Gate:
    """A compiled policy. ``record_passes``: whether plain passes of the request get verdicts too (for `log.passes` and
    for explaining). ``site``: what the log calls those whom it is for. ``top``: a gate of the top level's policy, with
    which a site's shares what they have in common. ``learned``: where the cookies of each site were set, which outlives
    a policy.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        record_passes: bool = False,
        site: str = "default",
        top: "Gate | None" = None,
        learned: Learned | None = None,
    ) -> None:
        self.policy = policy
        self.site = site
        self.learned: Learned = learned or (Learned() if top is None else top.learned)
        self.scopes = self.learned.of(site)
        self.patience = Patience()
        self.matcher: Matcher = matcher_of(policy, None if top is None else (top.policy, top.matcher))
        self.vocabulary = policy.vocabulary
        self.record_passes = record_passes
        readers = policy.consent.readers
        self.consent_names = frozenset(name for reader in readers for name in (*reader.cookies, *reader.companions))
        hides = not policy.consent.forward and policy.enforcement.mode is Mode.ENFORCE
        self.hidden = self.consent_names if hides else frozenset[bytes]()
        self.regional = Regional(policy) if policy.regions is not None else None
        categories = policy.categories if self.regional is None else self.regional.categories
        self.needs_sent_names = not all(rule.renew for rule in policy.rules) or not all(one.renew for one in categories)
        # What stays if the gate itself fails: names that need neither a grant nor a pattern to be known.
        required = {category.id for category in policy.categories if category.basis is Basis.REQUIRED}
        self.always = self.consent_names | {
            rule.octets
            for rule in policy.rules
            if rule.is_exact and all(one.category in required for one in self.matcher.possible(rule.octets))
        }
        self.enforces = policy.enforcement.mode is Mode.ENFORCE or any(
            rule.mode is Mode.ENFORCE for rule in policy.rules
        )
        # Read directly on the hot path.
        self.is_off = policy.enforcement.mode is Mode.OFF
        self.may_skip = policy.enforcement.strip_requests and not self.hidden and not record_passes
        said = ((b"sec-gpc", bool(policy.consent.gpc)), (b"dnt", policy.consent.dnt))
        self.signals = frozenset(name for name, counts in said if counts)
        self.hosts: dict[bytes, str] = {}  # a miss goes through host()
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
        return self.reading_of(tuple(self._told(cookies)), signal, now, place)

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

    def _told(self, cookies: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for value in cookies:
            for name in self.consent_names:
                if name in value:
                    break
            else:
                continue
            for segment in value.split(b";"):
                name, equals, content = segment.partition(b"=")
                if equals and (name := name.strip(WSP)) in self.consent_names:
                    yield name, content.strip(WSP)

    def _read(self, told: Told, signal: bool, now: int, place: Place | None) -> Reading:
        consent = self.policy.consent
        choice = read_choice(
            told,
            readers=consent.readers,
            vocabulary=self.vocabulary,
            now=now,
            max_age=consent.max_age,
            revision=consent.revision,
        )
        if place is None and self.regional is not None:
            place = self.regional.elsewhere  # nobody asked where: where the least is allowed
        categories = self.policy.categories if place is None else place.categories
        grant = weigh(choice, categories=categories, gpc=consent.gpc, signal=signal)
        key = (*grant.standings.items(), *grant.limits.items())
        decisions = self._decisions.get(key)
        if decisions is None:
            if len(self._decisions) >= _GRANTS:
                self._decisions.clear()
                self._readings.clear()  # each of them holds on to its decisions
            decisions = self._decisions[key] = Decisions(self.policy, self.matcher, grant, self.consent_names)
        until = _FOREVER
        if choice.given_at is not None:
            # It grows stale when it is too old; one dated in the future may become valid, and is looked at again.
            until = choice.given_at + consent.max_age + 1 if choice.is_binding else now + _AGAIN
        return Reading(choice, decisions, until)
