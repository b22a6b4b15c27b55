"""Writes strings of the IAB bit by bit, whole ones and broken ones; it shares no code with the readers."""

from collections.abc import Iterable

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
WRITTEN = 1_767_225_600  # 2026-01-01, before TCF 2.3 had to be used


def base64url(bits: str) -> str:
    """Padded to whole characters, as the IAB's strings are."""
    bits += "0" * (-len(bits) % 6)
    return "".join(DIGITS[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def flags(ids: Iterable[int], width: int) -> str:
    return "".join("1" if number in set(ids) else "0" for number in range(1, width + 1))


def bitfield(ids: Iterable[int], most: int | None = None) -> str:
    """A list of vendors, with a bit for each."""
    most = max(ids, default=0) if most is None else most
    return f"{most:016b}0" + flags(ids, most)


def entries(*ranges: int | tuple[int, int], count: int | None = None) -> str:
    """Ranges of vendors: single ids, and pairs of a first and a last one."""
    written = [f"0{one:016b}" if isinstance(one, int) else f"1{one[0]:016b}{one[1]:016b}" for one in ranges]
    return f"{len(ranges) if count is None else count:012b}" + "".join(written)


def ranged(*ranges: int | tuple[int, int], count: int | None = None) -> str:
    """A list of vendors, as ranges."""
    return f"{65535:016b}1" + entries(*ranges, count=count)


def restrictions(*some: tuple[int, int, str], count: int | None = None) -> str:
    """Purpose, kind, and the vendors as :func:`entries` writes them."""
    number = len(some) if count is None else count
    return f"{number:012b}" + "".join(f"{purpose:06b}{kind:02b}{vendors}" for purpose, kind, vendors in some)


def core(
    purposes: Iterable[int] = (),
    *,
    version: int = 2,
    created: int = WRITTEN,
    updated: int = WRITTEN,
    policy: int = 4,
    service_specific: bool = True,
    features: Iterable[int] = (),
    legitimate: Iterable[int] = (),
    vendors: str = bitfield(()),
    legitimate_vendors: str = bitfield(()),
    restricted: str = restrictions(),
) -> str:
    """The bits of a TC string's core segment."""
    begun = f"{version:06b}{created * 10:036b}{updated * 10:036b}{300:012b}{1:012b}{1:06b}{0:06b}{1:06b}{100:012b}"
    said = flags(features, 12) + flags(purposes, 24) + flags(legitimate, 24)
    of_vendors = vendors + legitimate_vendors + restricted
    return f"{begun}{policy:06b}{service_specific:b}0{said}0{0:06b}{0:06b}{of_vendors}"


def publisher(purposes: Iterable[int], custom: Iterable[int] = (), *, customs: int = 0) -> str:
    return "011" + flags(purposes, 24) + flags((), 24) + f"{customs:06b}" + flags(custom, customs) + flags((), customs)


def disclosed(vendors: str) -> str:
    return "001" + vendors


def dotted(*segments: str) -> str:
    """Segments, as bits, to a TC string or to a section of GPP."""
    return ".".join(map(base64url, segments))


def fibonacci(number: int) -> str:
    numbers = [1, 2]
    while numbers[-1] < number:
        numbers.append(numbers[-1] + numbers[-2])
    code = ""
    for one in reversed(numbers):
        if one <= number:
            number -= one
            code = "1" + code
        elif code:
            code = "0" + code
    return code + "1"


def header(*ids: int, kind: int = 3, version: int = 1) -> str:
    """GPP's header for these sections, in ascending order."""
    written, last = "", 0
    for number in ids:
        written += "0" + fibonacci(number - last)
        last = number
    return base64url(f"{kind:06b}{version:06b}{len(ids):012b}{written}")


def gpp(sections: dict[int, str]) -> str:
    return "~".join([header(*sections), *sections.values()])
