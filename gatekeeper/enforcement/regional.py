"""In which region a request comes from: one look-up of what a trusted proxy said in a request field."""

from dataclasses import dataclass

from gatekeeper.consent.category import Category
from gatekeeper.consent.region import Region
from gatekeeper.cookies.grammar import WSP
from gatekeeper.policy.document import Policy
from gatekeeper.wire.fields import FieldList, values


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A region, compiled: the categories as they are there. Compared by identity."""

    region: Region
    categories: tuple[Category, ...]


class Regional:
    """The regions of a policy that has some. ``categories`` are those of all places, ``dependent`` the ids of those
    that are not everywhere the same, and ``vary`` names the fields that tell the region.
    """

    def __init__(self, policy: Policy) -> None:
        regions = policy.regions
        assert regions is not None  # noqa: S101 — the caller looked
        vocabulary = policy.vocabulary

        def compiled(region: Region) -> Place:
            return Place(region, region.categories(policy.categories, vocabulary))

        self.elsewhere = compiled(regions.elsewhere)
        self._of_value: dict[bytes, Place] = {}
        for region in regions.regions:
            self._of_value |= dict.fromkeys((value.encode() for value in region.values), compiled(region))
        places = (self.elsewhere, *self._of_value.values())
        self.categories = tuple(category for place in places for category in place.categories)
        self.dependent = frozenset(
            ways[0].id for ways in zip(*(place.categories for place in places), strict=True) if len(set(ways)) > 1
        )
        names = [name.encode() for name in (regions.field, regions.subdivision) if name]
        self.vary = b", ".join(names)
        self._field = names[0].lower()
        self._subdivision = names[1].lower() if len(names) > 1 else None

    def of(self, fields: FieldList, *, trusted: bool) -> Place:
        """Where a request with these fields comes from. ``trusted``: it came from a peer whose word counts.

        What is missing, unknown or said more than once tells nothing: a proxy that adds its line behind the visitor's
        own must not leave the choice between them.
        """
        said = values(fields, self._field) if trusted else []
        if len(said) != 1:
            return self.elsewhere
        value = said[0].strip(WSP).upper()
        if self._subdivision is not None:
            parts = [part.strip(WSP).upper() for part in values(fields, self._subdivision)]
            if len(parts) > 1:
                return self.elsewhere
            value = b"-".join((value, *filter(None, parts)))
        if b"," in value:  # a server may have made one line of several
            return self.elsewhere
        place = self._of_value.get(value)
        return self._of_value.get(value.partition(b"-")[0], self.elsewhere) if place is None else place
