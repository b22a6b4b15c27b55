"""The PROXY protocol, versions 1 and 2, as HAProxy's ``proxy-protocol.txt`` has it: who the visitor is, told by a load
balancer in the first octets of a connection.

A function of octets. Whom to believe is somebody else's question. Of version 2 the source address is read; what may
follow the addresses (TLVs) is skipped, a checksum too: TCP has one.
"""

import ipaddress
import re
import socket
import struct
from dataclasses import dataclass
from enum import Enum

# "A receiver must be prepared" for no more of version 1, with its CRLF (section 2.1).
LONGEST_V1 = 107
_V1 = b"PROXY "
_V1_LINE = re.compile(rb"PROXY (TCP4|TCP6) ([0-9.]{7,15}|[0-9A-Fa-f:.]{2,45}) (\S{2,45}) ([0-9]{1,5}) ([0-9]{1,5})")

# Section 2.2: the signature, version and command, family and protocol, the length of the rest.
_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD = struct.Struct("!12sBBH")
_LOCAL, _PROXY = 0x20, 0x21
# Family and protocol, with the octets that the addresses have: IPv4, IPv6 and unix sockets, streams and datagrams.
_UNSPECIFIED = 0x00
_IPV4, _IPV6, _UNIX = (0x11, 0x12), (0x21, 0x22), (0x31, 0x32)
_SIZES = dict.fromkeys(_IPV4, 12) | dict.fromkeys(_IPV6, 36) | dict.fromkeys(_UNIX, 216)


@dataclass(frozen=True, slots=True)
class Header:
    """A header of ``length`` octets. ``source`` is the visitor's address and port; None: the header tells none, and the
    connection's own is the right one (LOCAL, UNKNOWN, a unix socket).
    """

    length: int
    source: tuple[str, int] | None


class NoHeader(Enum):
    """Why there is no header."""

    INCOMPLETE = "so far it can become one"
    MALFORMED = "it cannot become one"


def read_header(octets: bytes) -> Header | NoHeader:
    """The header that these octets begin with. INCOMPLETE says that every one of them belongs to it."""
    if octets[:1] == _V2[:1]:
        return _read_v2(octets)
    return _read_v1(octets)


def _read_v1(octets: bytes) -> Header | NoHeader:
    """Section 2.1."""
    if octets[: len(_V1)] != _V1[: len(octets)]:
        return NoHeader.MALFORMED
    line, ending, _ = octets[:LONGEST_V1].partition(b"\r\n")
    if not ending:
        return NoHeader.INCOMPLETE if len(octets) < LONGEST_V1 else NoHeader.MALFORMED
    length = len(line) + 2
    if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
        return Header(length, None)
    match = _V1_LINE.fullmatch(line)
    if match is None:
        return NoHeader.MALFORMED
    family, source, destination, *ports = (part.decode("ascii", "replace") for part in match.groups())
    kind = ipaddress.IPv4Address if family == "TCP4" else ipaddress.IPv6Address
    try:
        shown = str(kind(source))
        kind(destination)
    except ValueError:
        return NoHeader.MALFORMED
    if any(int(port) > 65535 or str(int(port)) != port for port in ports):
        return NoHeader.MALFORMED
    return Header(length, (shown, int(ports[0])))


def _read_v2(octets: bytes) -> Header | NoHeader:
    """Section 2.2."""
    if octets[: len(_V2)] != _V2[: len(octets)]:
        return NoHeader.MALFORMED
    if len(octets) < _V2_HEAD.size:
        # What is there is looked at, so that nobody waits for the rest of what cannot become a header.
        if octets[12:13] and octets[12] not in (_LOCAL, _PROXY):
            return NoHeader.MALFORMED
        return NoHeader.INCOMPLETE
    _, command, kind, size = _V2_HEAD.unpack_from(octets)
    # The family of LOCAL is ignored, whatever it is.
    known = command == _LOCAL or (
        command == _PROXY and (kind == _UNSPECIFIED or (kind in _SIZES and size >= _SIZES[kind]))
    )
    if not known:
        return NoHeader.MALFORMED
    length = _V2_HEAD.size + size
    if len(octets) < length:
        return NoHeader.INCOMPLETE
    return Header(length, _v2_source(octets, kind) if command == _PROXY else None)


def _v2_source(octets: bytes, kind: int) -> tuple[str, int] | None:
    if kind in _IPV4:
        address, _, port = struct.unpack_from("!4s4sH", octets, _V2_HEAD.size)
        return socket.inet_ntop(socket.AF_INET, address), port
    if kind in _IPV6:
        address, _, port = struct.unpack_from("!16s16sH", octets, _V2_HEAD.size)
        return str(ipaddress.IPv6Address(address)), port
    return None
