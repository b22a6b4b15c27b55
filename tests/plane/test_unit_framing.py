"""Where a body ends, whichever way its octets come (RFC 9112 sections 6.2 and 7)."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.plane.framing import Chunked, Framing, Sized, Truncated, UntilClose
from gatekeeper.proxy.plane.lines import Untrusted
from gatekeeper.wire.fields import FieldList
from tests.plane.pieces import Octets, cut, places, spoiled
from tests.plane.strict import Ambiguous, chunk_of, trailers_of

CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
SPOILERS = [b"\r", b"\n", b"\r\n", b"\x00", b" ", b"\t", b";", b":", b"0", b"5", b"f", b"x", b"-", b"+", b"_", b"\x0b"]


def all_of_them(fields: FieldList) -> FieldList:
    return fields


def without_cookies(fields: FieldList) -> FieldList:
    kept = tuple(field for field in fields if field[0].lower() != b"cookie")
    return fields if len(kept) == len(fields) else kept


@dataclass(frozen=True)
class Fed:
    """What became of a body. ``fault`` has no text where there was none."""

    out: bytes
    surplus: bytes
    done: bool
    fault: str


def feed(framing: Framing, pieces: list[bytes]) -> Fed:
    """Feeds piece by piece; what comes behind the end is surplus, as it is on a connection."""
    out, surplus = b"", b""
    try:
        for piece in pieces:
            if framing.done:
                surplus += piece
                continue
            passed, surplus = framing.feed(piece)
            assert framing.done or not surplus
            out += passed
    except Untrusted as fault:
        return Fed(out, b"", False, str(fault))
    return Fed(out, surplus, framing.done, "")


chunk = st.tuples(
    st.binary(min_size=1, max_size=40),
    st.sampled_from([b"%x", b"%X", b"000%x"]),
    st.sampled_from([b"", b";a=b", b' ;a="b;c"', b";" + b"e" * 990]),
).map(lambda drawn: b"%b%b\r\n%b\r\n" % (drawn[1] % len(drawn[0]), drawn[2], drawn[0]))
trailer = st.sampled_from(
    [b"X-Sum: 1\r\n", b"Cookie: a=1\r\n", b"COOKIE:\r\n", b"Empty:\r\n", b"Long: " + b"y" * 900 + b"\r\n"]
)
sound = st.builds(
    lambda chunks, last, trailers, surplus: b"".join([*chunks, last, *trailers, b"\r\n", surplus]),
    st.lists(chunk, max_size=5),
    st.sampled_from([b"0\r\n", b"000\r\n", b"0;last\r\n"]),
    st.lists(trailer, max_size=3),
    st.sampled_from([b"", b"x", b"\r\n", b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n"]),
)
bodies = spoiled(sound, SPOILERS)
forms = st.fixed_dictionaries({"padded": st.booleans(), "decoded": st.booleans()})


def read_strictly(octets: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Body, trailers and surplus by the letter; raises :class:`Ambiguous` and EOFError."""
    source = Octets(octets)
    body = b"".join(iter(lambda: chunk_of(source), b""))
    return body, trailers_of(source), source.left


@given(bodies, places, forms)
def test_a_chunked_body_means_the_same_in_any_pieces(octets: bytes, places: list[int], form: dict[str, bool]) -> None:
    whole = feed(Chunked(without_cookies, **form), [octets])
    pieces = feed(Chunked(without_cookies, **form), cut(octets, places))
    # What is wrong first may depend on where it was cut; that something is does not.
    assert (bool(pieces.fault), pieces.done, pieces.surplus) == (bool(whole.fault), whole.done, whole.surplus)
    if not whole.fault:
        assert pieces.out == whole.out


@given(bodies, forms)
def test_a_chunked_body_means_the_same_octet_by_octet(octets: bytes, form: dict[str, bool]) -> None:
    whole = feed(Chunked(all_of_them, **form), [octets])
    single = feed(Chunked(all_of_them, **form), [octets[index : index + 1] for index in range(len(octets))])
    assert (single.fault, single.done, single.surplus) == (whole.fault, whole.done, whole.surplus)
    if not whole.fault:
        assert single.out == whole.out


@given(bodies, places)
def test_what_goes_on_of_a_chunked_body_is_read_as_it_came(octets: bytes, places: list[int]) -> None:
    """A strict reader finds the same data, trailers and end, before and after; or nothing whole went on at all."""
    fed = feed(Chunked(all_of_them), cut(octets, places))
    decoded = feed(Chunked(all_of_them, decoded=True), cut(octets, places))
    try:
        body, trailers, surplus = read_strictly(octets)
    except (Ambiguous, EOFError):
        assert not fed.done
        return
    if fed.fault:
        # Refused is more than the strict reader refuses: control octets in an extension.
        assert CONTROL.search(octets)
        return
    assert fed.done
    assert (fed.surplus, decoded.surplus) == (surplus, surplus)
    assert read_strictly(fed.out) == (body, trailers, b"")
    assert fed.out + fed.surplus == octets
    assert decoded.out == body


@given(bodies, places)
def test_what_has_gone_on_before_a_fault_is_no_whole_body(octets: bytes, places: list[int]) -> None:
    framing = Chunked(all_of_them)
    fed = feed(framing, cut(octets, places))
    if fed.fault:
        assert octets.startswith(fed.out)
        with pytest.raises((Ambiguous, EOFError)):
            read_strictly(fed.out)
    elif not fed.done:
        with pytest.raises(Truncated):
            framing.end()


@given(sound, places)
def test_a_sound_chunked_body_goes_on_octet_for_octet(octets: bytes, places: list[int]) -> None:
    fed = feed(Chunked(all_of_them), cut(octets, places))
    assert (fed.fault, fed.done, fed.out + fed.surplus) == ("", True, octets)


@given(sound, places)
def test_a_trailer_field_that_may_not_go_on_is_taken_out_and_nothing_else(octets: bytes, places: list[int]) -> None:
    fed = feed(Chunked(without_cookies), cut(octets, places))
    body, trailers, _ = read_strictly(octets)
    went, left, _ = read_strictly(fed.out)
    assert went == body
    wanted = [line for line in trailers if not line.lower().startswith(b"cookie:")]
    if wanted == trailers:
        assert left == trailers
    else:
        # A field that stays beside one that goes is written anew, with the space that belongs there.
        assert [line.replace(b": ", b":") for line in left] == [line.replace(b": ", b":") for line in wanted]


@given(st.binary(max_size=200), places, forms)
def test_no_octets_are_an_exception_of_another_kind(octets: bytes, places: list[int], form: dict[str, bool]) -> None:
    whole = feed(Chunked(all_of_them, **form), [octets])
    assert feed(Chunked(all_of_them, **form), cut(octets, places)).fault == whole.fault


@pytest.mark.parametrize("padded", [False, True])
def test_spaces_behind_a_size_are_read_over_where_that_was_asked_for(padded: bool) -> None:
    fed = feed(Chunked(all_of_them, padded=padded), [b"5 \t\r\nhello\r\n0  \r\n\r\n"])
    assert fed.done is padded
    assert bool(fed.fault) is not padded


def test_an_unfinished_size_line_waits_and_what_came_before_goes_on() -> None:
    framing = Chunked(all_of_them)
    assert framing.feed(b"5\r\nhello\r\n1") == (b"5\r\nhello\r\n", b"")
    assert framing.feed(b"0") == (b"", b"")
    assert framing.feed(b"\r\nwo") == (b"10\r\nwo", b"")


def test_the_last_chunk_waits_for_its_trailers() -> None:
    framing = Chunked(all_of_them)
    assert framing.feed(b"5\r\nhello\r\n0\r\nX: y\r\n") == (b"5\r\nhello\r\n", b"")
    assert framing.feed(b"\r\nmore") == (b"0\r\nX: y\r\n\r\n", b"more")


@pytest.mark.parametrize("octets", [b"5\r\nhelloXX", b"5\r\nhello0", b"5\r\nhello\rX", b"5\r\nhello\n"])
def test_a_chunk_that_is_longer_than_its_size_is_refused_at_once(octets: bytes) -> None:
    assert feed(Chunked(all_of_them), [octets]).fault
    assert feed(Chunked(all_of_them), [octets[:1], octets[1:-1], octets[-1:]]).fault


@pytest.mark.parametrize("size", [1022, 1023])
def test_a_size_line_has_a_limit_and_it_is_the_same_in_pieces(size: int) -> None:
    octets = b"5;" + b"e" * (size - 2) + b"\r\nhello\r\n0\r\n\r\n"
    whole = feed(Chunked(all_of_them), [octets])
    assert whole.done is (size == 1022)
    assert feed(Chunked(all_of_them), [octets[index : index + 1] for index in range(len(octets))]) == whole


LIMIT = 16 * 1024


def trailers_of_size(size: int) -> bytes:
    """``size`` counts all lines, but for the end of the last."""
    return b"X: " + b"y" * (size - 3)


@pytest.mark.parametrize("size", [LIMIT - 4, LIMIT + 1, LIMIT + 4])
@pytest.mark.parametrize("held_back", range(5))
def test_a_trailer_section_has_a_limit_and_it_is_the_same_in_pieces(size: int, held_back: int) -> None:
    octets = b"0\r\n" + trailers_of_size(size) + b"\r\n\r\n"
    pieces = [octets[: len(octets) - held_back], octets[len(octets) - held_back :]]
    assert feed(Chunked(all_of_them), [piece for piece in pieces if piece]).done is (size <= LIMIT)


def test_a_trailer_section_of_the_limit_passes_in_pieces_too() -> None:
    octets = b"0\r\n" + trailers_of_size(LIMIT) + b"\r\n\r\n"
    assert feed(Chunked(all_of_them), [octets[:-1], octets[-1:]]).done


@given(st.integers(0, 60), st.binary(max_size=80), places)
def test_a_sized_body_ends_with_its_last_octet(size: int, octets: bytes, places: list[int]) -> None:
    framing = Sized(size)
    fed = feed(framing, cut(octets, places) if octets else [])
    assert fed.out == octets[:size]
    assert fed.surplus == octets[size:]
    assert fed.done is (len(octets) >= size)
    if fed.done:
        assert framing.end() == b""
    else:
        with pytest.raises(Truncated):
            framing.end()


@given(st.binary(max_size=80), places, st.booleans())
def test_a_body_up_to_the_close_has_all_octets(octets: bytes, places: list[int], rechunk: bool) -> None:
    framing = UntilClose(rechunk=rechunk)
    fed = feed(framing, [piece for piece in cut(octets, places) if piece])
    assert not fed.done
    out = fed.out + framing.end()
    assert framing.done
    assert (read_strictly(out)[0] if rechunk else out) == octets


def test_an_empty_piece_of_a_body_up_to_the_close_is_no_last_chunk() -> None:
    assert UntilClose(rechunk=True).feed(b"") == (b"", b"")
