"""Where somebody else looks at an exchange: request fields, response fields and, where wanted, the response's body.

A hook is shown only the fields that it watches, so that all others cost it nothing. It answers with the same tuple
when it changes nothing; a field that it leaves alone is the same object in its answer, a changed one stands in the
place of the original, and a new one at the end. A watched value is shown as it stands behind the colon and one space:
white space round it is the hook's to read over.

There is room for a third hook, over the body of an answer: a framing (:mod:`gatekeeper.proxy.plane.framing`) that takes
another's decoded octets and gives out its own in chunks, chosen in ``Visitor._framing`` where a hook asks for it. Where
none does, it costs nothing.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from gatekeeper.wire.fields import FieldList

Field = tuple[bytes, bytes]


class Passing(Protocol):
    """One exchange in a hook's eyes."""

    def request(self, fields: FieldList, kept: list[Any], own: dict[Any, Any]) -> FieldList:
        """The watched fields of the request as the upstream may see them.

        ``kept`` is the hook's own, empty at first, and the same for all requests of a connection that send the same
        fields: it may keep there what it made of them. ``own`` is the hook's too, and the same for all requests of a
        connection.
        """

    def response(self, status: int, fields: FieldList) -> FieldList:
        """The watched fields of a response, an interim one (1xx) too, as the visitor may see them."""

    def trailers(self, fields: FieldList) -> FieldList:
        """All trailer fields, of either direction, as they may go on."""


class Hooks(Protocol):
    """What the plane asks at each exchange.

    ``watches_request`` and ``watches_response`` say of a field name in lower case whether it is shown; they are asked
    once for each name, and again after :meth:`gatekeeper.proxy.plane.plane.Plane.watch_anew`. Fields that belong to the
    hop or to its framing (Host, Connection, Content-Length and their like) cannot be watched.
    """

    def watches_request(self, name: bytes) -> bool:
        """Whether the hook wants a request's fields of this name."""

    def watches_response(self, name: bytes) -> bool:
        """Whether the hook wants a response's."""

    def begin(self, method: bytes, host: bytes, path: bytes, trusted: bool) -> Passing:
        """A request has arrived; ``path`` is as on the wire, without the query. ``trusted``: from one of the proxies
        whose word counts.
        """

    def end(self, passing: Any, status: int | None) -> None:
        """Its response's head has left with this status, or none ever will."""


class _Nothing:
    def request(self, fields: FieldList, kept: list[Any], own: dict[Any, Any]) -> FieldList:
        return fields

    def response(self, status: int, fields: FieldList) -> FieldList:
        return fields

    def trailers(self, fields: FieldList) -> FieldList:
        return fields


_NOTHING = _Nothing()


class NoHooks:
    """A plain reverse proxy."""

    @staticmethod
    def watches_request(name: bytes) -> bool:
        """None."""
        return False

    @staticmethod
    def watches_response(name: bytes) -> bool:
        """None."""
        return False

    def begin(self, method: bytes, host: bytes, path: bytes, trusted: bool) -> Passing:
        """Nobody looks."""
        return _NOTHING

    def end(self, passing: Passing, status: int | None) -> None:
        """Nobody listens."""


def placed(before: FieldList, after: FieldList) -> tuple[Sequence[Field | None], Sequence[Field]]:
    """What a hook made of each field that it was shown (None: it is gone), and what is new."""
    originals = set(map(id, before))
    places: list[Field | None] = []
    at, size = 0, len(after)
    for field in before:
        if at < size and (after[at] is field or (id(after[at]) not in originals and after[at][0] == field[0])):
            places.append(after[at])
            at += 1
        else:
            places.append(None)
    return places, after[at:]


def merged(lines: list[bytes], watched: Sequence[bytes], before: FieldList, after: FieldList) -> list[bytes]:
    """The lines of a head with what a hook made of the watched ones, which are among them, in order."""
    places, new = placed(before, after)
    changed = []
    seen, number = 0, len(watched)
    for line in lines:
        if seen == number or line is not watched[seen]:
            changed.append(line)
            continue
        field = places[seen]
        if field is not None:
            changed.append(line if field is before[seen] else written(field))
        seen += 1
    return changed + [written(field) for field in new]


def written(field: Field) -> bytes:
    """The line of a field."""
    return field[0] + b": " + field[1]
