"""What the unit tests of the plane share: octets to read from, heads to draw, and ways to cut them."""

from collections.abc import Sequence

from hypothesis import strategies as st

from gatekeeper.proxy.plane.lines import Lines

WATCHED_IN_REQUESTS = frozenset({b"cookie", b"dnt", b"accept"})
WATCHED_IN_RESPONSES = frozenset({b"set-cookie", b"vary", b"cache-control"})


def request_lines() -> Lines:
    return Lines(WATCHED_IN_REQUESTS.__contains__, of_requests=True)


def response_lines() -> Lines:
    return Lines(WATCHED_IN_RESPONSES.__contains__, of_requests=False)


class Octets:
    """Octets as a source for the strict reader; who asks for more than there is gets an EOFError."""

    def __init__(self, octets: bytes) -> None:
        self.left = octets

    def until(self, mark: bytes) -> bytes:
        part, found, self.left = self.left.partition(mark)
        if not found:
            raise EOFError
        return part + mark

    def exactly(self, count: int) -> bytes:
        if len(self.left) < count:
            raise EOFError
        part, self.left = self.left[:count], self.left[count:]
        return part

    def to_end(self) -> bytes:
        part, self.left = self.left, b""
        return part


def cut(octets: bytes, places: Sequence[int]) -> list[bytes]:
    """The octets in pieces, none empty, cut at these places (modulo their number)."""
    ends = sorted({place % len(octets) for place in places} - {0}) if octets else []
    return [octets[start:end] for start, end in zip([0, *ends], [*ends, len(octets)], strict=True)]


places = st.lists(st.integers(0, 10_000), max_size=12)


@st.composite
def spoiled(draw: st.DrawFn, sound: st.SearchStrategy[bytes], alphabet: Sequence[bytes]) -> bytes:
    """Sound octets, of which up to four are taken away, put in or replaced."""
    octets = draw(sound)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(octets)))
        taken = draw(st.integers(0, 2))
        put = draw(st.sampled_from([b"", *alphabet]))
        octets = octets[:at] + put + octets[at + taken :]
    return octets
