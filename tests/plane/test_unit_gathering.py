"""A head in pieces is the head, or is refused as soon as it can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.plane.gathering import Gathering, TooLarge
from gatekeeper.proxy.plane.lines import Untrusted
from gatekeeper.proxy.plane.request import END
from tests.plane.pieces import cut, places, spoiled

MOST = 60
SOUND = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y",
        b"X" * 59,
        b"X" * 60,
        b"X" * 61,
        b"X: y\r\n" * 12,
    ]
)


def gather(octets: bytes, cuts: list[int]) -> bytes | None:
    """All octets up to the piece with which the head is whole; None where it never is."""
    pieces = cut(octets, cuts)
    if END in pieces[0]:
        return pieces[0]
    gathering = Gathering(pieces[0], MOST)
    for number, piece in enumerate(pieces[1:], start=2):
        whole = gathering.add(piece, MOST)
        if whole is not None:
            assert whole == b"".join(pieces[:number])
            return whole
    return None


@given(spoiled(SOUND, [b"\r", b"\n", b"\r\n", END]), places, st.sampled_from([b"", b"body", b"\n", END]))
def test_a_head_is_whole_with_its_first_empty_line_and_not_before(head: bytes, cuts: list[int], rest: bytes) -> None:
    octets = head + END + rest
    end = octets.index(END)
    try:
        whole = gather(octets, cuts)
    except Untrusted:
        assert b"\n" in octets.replace(b"\r\n", b"") or b"\r" in octets.replace(b"\r\n", b"")
    except TooLarge:
        assert end > MOST
    else:
        assert whole is not None
        assert octets.startswith(whole)
        assert whole.index(END) == end


@given(SOUND, places)
def test_a_head_within_the_limit_is_never_too_large(head: bytes, cuts: list[int]) -> None:
    if len(head) <= MOST:
        assert gather(head + END, cuts) == head + END


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\n", b"GET /\rX", b"\nGET"])
def test_a_bare_end_of_line_is_refused_at_once(octets: bytes) -> None:
    with pytest.raises(Untrusted):
        Gathering(octets, MOST)
    with pytest.raises(Untrusted):
        gather(octets, list(range(len(octets))))


def test_octets_without_end_are_refused_when_they_are_too_many() -> None:
    with pytest.raises(TooLarge):
        gather(b"x" * (MOST + 4), list(range(MOST + 4)))
