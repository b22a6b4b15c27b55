"""The PROXY protocol's headers, octet by octet (HAProxy's proxy-protocol.txt, sections 2.1 and 2.2)."""

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.proxy_protocol import LONGEST_V1, Header, NoHeader, read_header

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
INCOMPLETE, MALFORMED = NoHeader.INCOMPLETE, NoHeader.MALFORMED


def v2(command: int, kind: int, rest: bytes, *, size: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, kind, len(rest) if size is None else size) + rest


def ipv4(source: str = "192.0.2.1", port: int = 50000) -> bytes:
    return socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + struct.pack("!HH", port, 443)


def ipv6(source: str = "2001:db8::1", port: int = 50000) -> bytes:
    addresses = (ipaddress.IPv6Address(address).packed for address in (source, "2001:db8::2"))
    return b"".join(addresses) + struct.pack("!HH", port, 443)


UNIX = b"/run/a.sock".ljust(108, b"\0") + b"/run/b.sock".ljust(108, b"\0")
# ALPN, then a CRC32C that is wrong, then NOOP (section 2.2.).
TLVS = b"\x01\x00\x02h2" + b"\x03\x00\x04abcd" + b"\x04\x00\x00"

GOOD = {
    "v1 IPv4": (b"PROXY TCP4 192.0.2.1 198.51.100.1 50000 443\r\n", ("192.0.2.1", 50000)),
    "v1 IPv4, longest": (
        b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        ("255.255.255.255", 65535),
    ),
    "v1 IPv4, port 0": (b"PROXY TCP4 192.0.2.1 198.51.100.1 0 443\r\n", ("192.0.2.1", 0)),
    "v1 IPv6": (b"PROXY TCP6 2001:DB8:0::1 2001:db8::2 50000 443\r\n", ("2001:db8::1", 50000)),
    "v1 IPv6, longest": (
        b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535),
    ),
    "v1 IPv6 with IPv4 in it": (
        b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n",
        (str(ipaddress.IPv6Address("::ffff:192.0.2.1")), 1),
    ),
    "v1 UNKNOWN": (b"PROXY UNKNOWN\r\n", None),
    "v1 UNKNOWN and more": (b"PROXY UNKNOWN whatever \x00\xff 1\r\n", None),
    "v1 UNKNOWN, longest": (b"PROXY UNKNOWN " + b"f" * (LONGEST_V1 - 16) + b"\r\n", None),
    "v2 IPv4": (v2(0x21, 0x11, ipv4()), ("192.0.2.1", 50000)),
    "v2 IPv4 with TLVs": (v2(0x21, 0x11, ipv4() + TLVS), ("192.0.2.1", 50000)),
    "v2 IPv4, datagrams": (v2(0x21, 0x12, ipv4()), ("192.0.2.1", 50000)),
    "v2 IPv6": (v2(0x21, 0x21, ipv6()), ("2001:db8::1", 50000)),
    "v2 IPv6 with TLVs": (v2(0x21, 0x21, ipv6() + TLVS), ("2001:db8::1", 50000)),
    "v2 unix": (v2(0x21, 0x31, UNIX), None),
    "v2 unix with TLVs": (v2(0x21, 0x31, UNIX + TLVS), None),
    "v2 unspecified": (v2(0x21, 0x00, b""), None),
    "v2 unspecified with something": (v2(0x21, 0x00, b"something"), None),
    "v2 LOCAL": (v2(0x20, 0x00, b""), None),
    "v2 LOCAL with an address": (v2(0x20, 0x11, ipv4()), None),
    "v2 LOCAL of no known family": (v2(0x20, 0xFF, b"x"), None),
    "v2 LOCAL with an address cut short": (v2(0x20, 0x11, b"x"), None),
    "v2, longest": (v2(0x21, 0x11, ipv4() + bytes(65535 - 12)), ("192.0.2.1", 50000)),
}

BAD = {
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00",
    "an empty line": b"\r\nGET / HTTP/1.1\r\n\r\n",
    "lower case": b"proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
    "two spaces": b"PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
    "two spaces later": b"PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
    "a space at the end": b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
    "a tab": b"PROXY TCP4 192.0.2.1\t198.51.100.1 1 2\r\n",
    "another family": b"PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n",
    "the other family's address": b"PROXY TCP4 ::1 ::1 1 2\r\n",
    "the other family's address too": b"PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
    "the other family's destination": b"PROXY TCP4 192.0.2.1 ::1 1 2\r\n",
    "a leading nought": b"PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
    "an octet too large": b"PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
    "a scope": b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "a port too large": b"PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n",
    "a destination port too large": b"PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n",
    "a port with a leading nought": b"PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
    "a port with a sign": b"PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n",
    "no port": b"PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
    "no addresses": b"PROXY TCP4\r\n",
    "nothing at all": b"PROXY \r\n",
    "UNKNOWN with a word grown on it": b"PROXY UNKNOWNS\r\n",
    "no end": b"PROXY UNKNOWN " + b"f" * 200,
    "an end too late": b"PROXY UNKNOWN " + b"f" * (LONGEST_V1 - 15) + b"\r\n",
    "LF alone": b"PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n" + b"x" * 100,
    "digits of another script": "PROXY TCP4 192.0.2.1 198.51.100.1 ١ 2\r\n".encode(),
    "another version": v2(0x11, 0x11, ipv4()),
    "version 3": v2(0x31, 0x11, ipv4()),
    "another command": v2(0x22, 0x11, ipv4()),
    "a family that is none": v2(0x21, 0x41, ipv4()),
    "a protocol that is none": v2(0x21, 0x13, ipv4()),
    "a family without a protocol": v2(0x21, 0x10, ipv4()),
    "an IPv4 block that is too short": v2(0x21, 0x11, ipv4()[:-1]),
    "an IPv6 block that is too short": v2(0x21, 0x21, ipv6()[:-1]),
    "a unix block that is too short": v2(0x21, 0x31, UNIX[:-1]),
    "a signature with a fault": b"\r\n\r\n\x00\r\nQUIT\r" + bytes(20),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_header_is_read_and_what_follows_it_is_not_touched(name: str) -> None:
    octets, source = GOOD[name]
    for rest in (b"", b"\x00", b"GET / HTTP/1.1\r\n\r\n", octets):
        assert read_header(octets + rest) == Header(len(octets), source)


@pytest.mark.parametrize("name", [name for name in GOOD if "longest" not in name or "v1" in name])
def test_a_header_in_pieces_is_incomplete_until_its_last_octet(name: str) -> None:
    octets, _ = GOOD[name]
    assert {read_header(octets[:end]) for end in range(len(octets))} == {INCOMPLETE}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_header_is_refused(name: str) -> None:
    assert read_header(BAD[name]) is MALFORMED


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_header_is_refused_in_pieces_too_and_never_taken_for_one_meanwhile(name: str) -> None:
    octets = BAD[name]
    seen = [read_header(octets[:end]) for end in range(len(octets) + 1)]
    turn = seen.index(MALFORMED)
    assert set(seen[:turn]) == {INCOMPLETE}
    assert set(seen[turn:]) == {MALFORMED}


@pytest.mark.parametrize("octets", [b"G", b"\x16", b"\r\n\r\n\x00\r\nQUIT\n\x31"])
def test_nobody_waits_for_the_rest_of_what_cannot_become_a_header(octets: bytes) -> None:
    assert read_header(octets) is MALFORMED


def test_the_longest_header_of_version_1_has_107_octets() -> None:
    assert max(len(octets) for name, (octets, _) in GOOD.items() if name.startswith("v1")) == LONGEST_V1 == 107


@given(st.one_of(st.binary(max_size=120), st.binary(max_size=60).map(lambda rest: SIGNATURE + rest)))
def test_any_octets_have_an_answer(octets: bytes) -> None:
    answer = read_header(octets)
    assert isinstance(answer, NoHeader) or 0 < answer.length <= len(octets)


@given(st.ip_addresses(), st.integers(0, 65535), st.binary(max_size=50))
def test_every_address_and_port_is_read_in_both_versions(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, rest: bytes
) -> None:
    four = address.version == 4
    other = b"192.0.2.9" if four else b"2001:db8::9"
    line = b"PROXY TCP%d %s %s %d 443\r\n" % (address.version, str(address).encode(), other, port)
    block = v2(0x21, 0x11, ipv4(str(address), port)) if four else v2(0x21, 0x21, ipv6(str(address), port))
    for octets in (line, block):
        assert read_header(octets + rest) == Header(len(octets), (str(address), port))
