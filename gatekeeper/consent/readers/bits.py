"""Bit strings of the IAB in base64url, as TCF and GPP write them: integers, sets of ids, Fibonacci codes.

Whatever is in them was written by a stranger: each method says how much it may cost, and a count never leads to more
work than the bits that came.
"""

import re
from binascii import a2b_base64
from dataclasses import dataclass

# In one segment. Vendors are written as ranges only where that is shorter than a bit for each of some 1,500 vendors, so
# a list has no more than 90 of them.
_MOST_RANGES = 600

_ALPHABET = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_STANDARD = bytes.maketrans(b"-_", b"+/")

_ID = 16  # the width of a vendor's id
_SINGLE = 1 + _ID  # a flag that says no range, and the id
_RANGE = 1 + 2 * _ID  # a flag that says a range, its first and its last id
_FIBONACCI = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)  # far beyond the ids of sections


def from_base64url(text: str) -> str:
    """The bits, six for each character, as ``0`` and ``1``; raises ValueError for characters of another alphabet.

    The IAB's strings are not padded to whole octets.
    """
    if not _ALPHABET.fullmatch(text):
        raise ValueError("not base64url")
    octets = a2b_base64((text + "A" * (-len(text) % 4)).encode().translate(_STANDARD))
    return format(int.from_bytes(octets, "big"), f"0{8 * len(octets)}b")[: 6 * len(text)]


@dataclass(frozen=True, slots=True)
class Ids:
    """A set of vendors' ids as the string has it: ``bits`` hold one for each id, or entries of ranges.

    It is not written out, for most of what reads a string asks for none of them, or for one.
    """

    bits: str
    are_ranges: bool = False

    def __contains__(self, number: object) -> bool:
        """In the order of the number of ranges, at most."""
        if not isinstance(number, int) or not 0 < number < 1 << _ID:
            return False
        if not self.are_ranges:
            return self.bits[number - 1 : number] == "1"
        bits, wanted, at = self.bits, format(number, f"0{_ID}b"), 0
        while at < len(bits):
            # Of one width, they compare as text as they do as numbers.
            first = bits[at + 1 : at + _SINGLE]
            if bits[at] == "0":
                at += _SINGLE
                if first == wanted:
                    return True
            else:
                at += _RANGE
                if first <= wanted <= bits[at - _ID : at]:
                    return True
        return False


class Bits:
    """A bit string and how far it was read. Every method raises ValueError where the string ends too soon."""

    def __init__(self, text: str) -> None:
        """``text`` in base64url; raises ValueError where it is not."""
        self._bits = from_base64url(text)
        self._at = 0
        self._ranges = 0

    def take(self, width: int) -> str:
        """The next ``width`` bits."""
        taken = self._bits[self._at : self._at + width]
        if len(taken) < width:
            raise ValueError("cut off")
        self._at += width
        return taken

    def number(self, width: int) -> int:
        """The next ``width`` bits as an unsigned integer."""
        return int(self.take(width), 2)

    def flags(self, width: int) -> frozenset[int]:
        """Which of the next ``width`` bits are set; the first of them is 1."""
        return frozenset([number for number, bit in enumerate(self.take(width), 1) if bit == "1"])

    def ids(self) -> Ids:
        """TCF's two ways to write vendors: MaxVendorId, a flag, and a bit for each of them or entries of ranges."""
        most = self.number(_ID)
        return self.ranges() if self.take(1) == "1" else Ids(self.take(most))

    def ranges(self) -> Ids:
        """NumEntries, and for each of them an id or a range of ids."""
        count = self.number(12)
        self._ranges += count
        if self._ranges > _MOST_RANGES:
            raise ValueError("more ranges than anybody writes")
        bits, start = self._bits, self._at
        end = start
        try:
            for _ in range(count):
                end += _RANGE if bits[end] == "1" else _SINGLE
        except IndexError:
            raise ValueError("cut off") from None
        return Ids(self.take(end - start), are_ranges=True)

    def fibonacci(self) -> int:
        """A Fibonacci-coded integer, 1 or more: it ends with the first two set bits in a row."""
        end = self._bits.find("11", self._at)
        code = self._bits[self._at : end + 1]
        if end < 0 or len(code) > len(_FIBONACCI):
            raise ValueError("no Fibonacci code")
        self._at = end + 2
        return sum(number for number, bit in zip(_FIBONACCI, code, strict=False) if bit == "1")
