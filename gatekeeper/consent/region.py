"""Where a visitor is, as far as the law asks: in which region each category has which basis.

A profile is what one jurisdiction asks of every category; the operator's own word for a category outweighs it. What is
required stays required everywhere, and nothing becomes required by a region. Nothing here changes what a choice means.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gatekeeper.consent.category import Basis, Category, Vocabulary

_MONTH = 2_629_800  # seconds: 30.4375 days
AS_WRITTEN = "as-written"
STRICTEST = "eu"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a jurisdiction asks. ``basis`` is that of every category that can be refused (None: as the file has it),
    ``bases`` that of some of Gatekeeper's default categories.

    ``deaf`` are the default categories that ``Sec-GPC`` does not speak about, all others it does; None: as the file has
    it. ``exempt_max_age`` (seconds) and ``exempt_renew`` hold for cookies of every category that needs no consent
    there, though it can be refused.
    """

    title: str
    basis: Basis | None = Basis.OPT_IN
    bases: Mapping[str, Basis] = field(default_factory=dict)
    deaf: frozenset[str] | None = None
    exempt_max_age: int | None = None
    exempt_renew: bool = True


PROFILES: Mapping[str, Profile] = {
    # Directive 2002/58/EC, article 5(3): consent for all that is not strictly necessary.
    "eu": Profile("opt-in for all that is not required"),
    # The same with the CNIL's exemption of audience measurement (guidelines of 17 September 2020): no longer than
    # thirteen months, and not prolonged with each visit. Which category is so exempt is the operator's to say.
    "fr": Profile(
        "opt-in; what you exempt lives 13 months at most and is not renewed",
        exempt_max_age=13 * _MONTH,
        exempt_renew=False,
    ),
    # PECR, schedule A1, by the Data (Use and Access) Act 2025: statistics on how the site is used, until one objects.
    "uk": Profile("opt-in, and statistics until the visitor objects", bases={"analytics": Basis.OPT_OUT}),
    # CCPA, sections 1798.120 and 1798.135, and its regulations, section 7025: the signal is an objection to sale and
    # sharing. How one likes to use the site is neither.
    "us-ca": Profile(
        "allowed until the visitor objects, by Sec-GPC too", Basis.OPT_OUT, deaf=frozenset({"functional"})
    ),
    AS_WRITTEN: Profile("the categories as the file has them", None),
}


@dataclass(frozen=True, slots=True)
class Region:
    """One ``[[region]]`` table. ``values`` are those of the region field, in capital letters; ``basis`` outweighs the
    profile, by the ids of categories.
    """

    name: str
    values: tuple[str, ...] = ()
    profile: str = AS_WRITTEN
    basis: tuple[tuple[str, Basis], ...] = ()

    def categories(self, categories: Iterable[Category], vocabulary: Vocabulary) -> tuple[Category, ...]:
        """The categories as they are here. What ``basis`` names and is none of them, or required, changes nothing."""
        profile = PROFILES[self.profile]
        own = dict(self.basis)
        bases = {vocabulary.resolve(name): basis for name, basis in profile.bases.items()}
        deaf = None if profile.deaf is None else {vocabulary.resolve(name) for name in profile.deaf}
        return tuple(
            category if category.basis is Basis.REQUIRED else _there(category, profile, own, bases, deaf)
            for category in categories
        )


def _there(
    category: Category,
    profile: Profile,
    own: Mapping[str, Basis],
    bases: Mapping[str | None, Basis],
    deaf: set[str | None] | None,
) -> Category:
    basis = own.get(category.id) or bases.get(category.id) or profile.basis or category.basis
    exempt = basis is Basis.OPT_OUT
    return replace(
        category,
        basis=basis,
        gpc=category.gpc if deaf is None else category.id not in deaf,
        max_age=profile.exempt_max_age if exempt else None,
        renew=profile.exempt_renew or not exempt,
    )


@dataclass(frozen=True, slots=True)
class Regions:
    """The ``[regions]`` table and the ``[[region]]`` tables. ``field`` and ``subdivision`` are names of request fields,
    the latter empty where the file names none; ``default`` is the profile for whoever is in none of the regions.
    """

    field: str = ""
    subdivision: str = ""
    default: str = STRICTEST
    regions: tuple[Region, ...] = ()

    @property
    def elsewhere(self) -> Region:
        """The region of whoever is in none of them."""
        return Region("elsewhere", (), self.default)

    @property
    def fields(self) -> frozenset[bytes]:
        """The names of the request fields that tell the region, in lower case."""
        return frozenset(name.lower().encode() for name in (self.field, self.subdivision) if name)

    def named(self, text: str) -> Region | None:
        """The region of this name, or of this value of the field; None where there is none."""
        known = {one.name: one for one in self.regions} | {self.elsewhere.name: self.elsewhere}
        return known.get(text) or self.of(text)

    def of(self, value: str) -> Region | None:
        """The region of a value such as ``US-CA``: that of the whole, or of what stands before the hyphen."""
        value = value.upper()
        for wanted in (value, value.partition("-")[0]):
            for region in self.regions:
                if wanted in region.values:
                    return region
        return None
