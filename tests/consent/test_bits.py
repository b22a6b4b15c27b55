"""Bits in base64url: what is read is what was written, and counts that lie lead nowhere."""

from collections.abc import Callable

import pytest

from gatekeeper.consent.readers.bits import Bits, Ids, from_base64url
from tests.consent.iab.strings import base64url, bitfield, entries, fibonacci, ranged


def bits(written: str) -> Bits:
    return Bits(base64url(written))


@pytest.mark.parametrize("length", range(1, 10))
def test_any_number_of_characters_is_read_and_none_is_made_up(length: int) -> None:
    assert from_base64url("D" * length) == "000011" * length
    assert from_base64url("_" * length) == "111111" * length


@pytest.mark.parametrize("text", ["", "=", "CA==", "C+", "C/", "C A", "Cé", "C.", "C\n", "C٣"])
def test_characters_of_another_alphabet_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        from_base64url(text)


def test_fields_are_read_one_after_the_other() -> None:
    some = bits("000010" + "1" + "0110" + "01" * 3)
    assert (some.number(6), some.take(1), some.flags(4), some.take(6)) == (2, "1", {2, 3}, "010101")


@pytest.mark.parametrize(
    "read",
    [lambda some: some.number(7), lambda some: some.flags(7), lambda some: some.ids(), lambda some: some.ranges()],
)
def test_a_field_that_is_cut_off_is_refused(read: Callable[[Bits], object]) -> None:
    with pytest.raises(ValueError, match="cut off"):
        read(bits("111111"))


def found(ids: Ids) -> set[int]:
    return {number for number in range(1100) if number in ids}


@pytest.mark.parametrize("ids", [set(), {1}, {1, 2, 3, 9}, {1001}])
def test_vendors_with_a_bit_for_each(ids: set[int]) -> None:
    some = bits(bitfield(ids) + "101")
    assert found(some.ids()) == ids
    assert some.take(3) == "101"


def test_vendors_in_ranges_in_any_order() -> None:
    some = bits(ranged(755, (10, 12), 1, (1000, 1001), (11, 20), (9, 8)) + "101")
    assert found(some.ids()) == {755, *range(10, 21), 1, 1000, 1001}
    assert some.take(3) == "101"


def test_all_vendors_there_can_be() -> None:
    everybody = bits(ranged((1, 65535))).ids()
    assert 1 in everybody
    assert 65535 in everybody
    for no_vendor in (0, -1, 65536, "1", None):
        assert no_vendor not in everybody
        assert no_vendor not in Ids("1" * 70000)


@pytest.mark.parametrize(
    "written",
    [
        ranged(count=1),
        ranged(1, 2, 3, count=4),
        ranged(count=4095),
        ranged(1, (2, 3))[:-1],
        ranged((2, 3), 1)[:-1],
        bitfield({1, 65535})[:-7],
        f"{65535:016b}0",
    ],
)
def test_a_count_that_lies_is_refused(written: str) -> None:
    whole_characters = written[: len(written) // 6 * 6]
    with pytest.raises(ValueError, match=r"cut off|ranges"):
        bits(whole_characters).ids()


def test_more_ranges_than_anybody_writes_are_refused() -> None:
    assert 600 in bits(ranged(*range(1, 601))).ids()
    with pytest.raises(ValueError, match="ranges"):
        bits(ranged(*range(1, 602))).ids()
    some = bits(entries(*range(1, 400)) + entries(*range(1, 400)))
    some.ranges()
    with pytest.raises(ValueError, match="ranges"):
        some.ranges()


@pytest.mark.parametrize("number", [*range(1, 40), 986, 987, 1000, 1596])
def test_fibonacci_codes(number: int) -> None:
    some = bits(fibonacci(number) + "0101")
    assert some.fibonacci() == number
    assert some.take(4) == "0101"


@pytest.mark.parametrize("written", ["000000", "010101", "1", "0" * 15 + "11", "0" * 600 + "11"])
def test_no_fibonacci_code_and_one_too_long_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="Fibonacci"):
        bits(written).fibonacci()
