"""The trust model of the forwarding fields: who says who the visitor is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import GatekeeperError
from gatekeeper.proxy import ReverseProxy
from gatekeeper.proxy.forwarded import Peer, TrustedProxies, forward
from tests.proxy.conftest import Gate
from tests.proxy.origin import OK, Origin
from tests.proxy.visitor import Visitor, request

Exchange = Callable[..., Any]
Fields = list[tuple[bytes, bytes]]


def told(
    sent: Fields,
    *,
    client: tuple[str, int] | None = ("192.0.2.7", 5000),
    trusted: tuple[str, ...] = (),
    scheme: bytes = b"http",
    host: bytes | None = b"shop.example:8080",
) -> Fields:
    """What the upstream is told when a peer sends this."""
    peer = TrustedProxies(trusted).peer(client)
    return list(forward(tuple(sent), peer=peer, scheme=scheme, host=host))


OURS = [
    (b"X-Forwarded-For", b"192.0.2.7"),
    (b"X-Forwarded-Proto", b"http"),
    (b"X-Forwarded-Host", b"shop.example:8080"),
]


def test_a_peer_that_says_nothing_is_the_visitor() -> None:
    assert told([]) == OURS
    assert told([], trusted=("192.0.2.7",)) == OURS


def test_what_an_untrusted_peer_claims_is_replaced_whole() -> None:
    claims = [
        (b"x-forwarded-for", b"127.0.0.1"),
        (b"x-forwarded-for", b"10.0.0.1"),
        (b"X-Forwarded-Proto", b"https"),
        (b"x-forwarded-host", b"evil.example"),
        (b"x-forwarded-port", b"443"),
        (b"x-forwarded-prefix", b"/evil"),
        (b"x-forwarded-anything", b"evil"),
        (b"x-real-ip", b"127.0.0.1"),
        (b"accept", b"*/*"),
    ]
    assert told(claims) == [(b"accept", b"*/*"), *OURS]


def test_a_trusted_peer_is_believed_and_its_own_address_goes_behind() -> None:
    claims = [
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"accept", b"*/*"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"www.shop.example"),
        (b"x-forwarded-port", b"443"),
        (b"x-real-ip", b"198.51.100.1"),
    ]
    assert told(claims, trusted=("192.0.2.0/24",)) == [
        (b"accept", b"*/*"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"www.shop.example"),
        (b"x-forwarded-port", b"443"),
        (b"x-real-ip", b"198.51.100.1"),
        (b"X-Forwarded-For", b"198.51.100.1, 192.0.2.7"),
    ]


def test_several_lines_of_x_forwarded_for_are_one_list() -> None:
    claims = [
        (b"x-forwarded-for", b"198.51.100.1, 203.0.113.9"),
        (b"X-Forwarded-For", b" 10.0.0.1 "),
        (b"x-forwarded-for", b""),
    ]
    assert told(claims, trusted=("192.0.2.7",))[0] == (
        b"X-Forwarded-For",
        b"198.51.100.1, 203.0.113.9, 10.0.0.1, 192.0.2.7",
    )


@pytest.mark.parametrize("trusted", [(), ("192.0.2.7",)])
@pytest.mark.parametrize(
    "name", [b"X_Forwarded_For", b"x-forwarded_for", b"X_FORWARDED-PROTO", b"X_Real_IP", b"X_Forwarded_X"]
)
def test_a_name_that_cgi_would_take_for_ours_is_dropped_whoever_sends_it(trusted: tuple[str, ...], name: bytes) -> None:
    assert told([(name, b"127.0.0.1")], trusted=trusted) == OURS


def test_forwarded_is_not_begun() -> None:
    assert b"Forwarded" not in dict(told([(b"x-forwarded-for", b"198.51.100.1")], trusted=("192.0.2.7",)))


def test_forwarded_of_an_untrusted_peer_is_replaced() -> None:
    assert told([(b"forwarded", b"for=127.0.0.1;proto=https"), (b"forwarded", b"for=10.0.0.1")]) == [
        *OURS,
        (b"Forwarded", b'for=192.0.2.7;proto=http;host="shop.example:8080"'),
    ]


def test_forwarded_of_a_trusted_peer_is_extended_as_one_list() -> None:
    claims = [(b"forwarded", b'for="[2001:db8::1]:4711"'), (b"Forwarded", b"for=_hidden")]
    assert told(claims, trusted=("192.0.2.7",), host=b"shop.example") == [
        *OURS[:2],
        (b"X-Forwarded-Host", b"shop.example"),
        (b"Forwarded", b'for="[2001:db8::1]:4711", for=_hidden, for=192.0.2.7;proto=http;host=shop.example'),
    ]


def test_an_ipv6_peer_is_quoted_in_forwarded_and_bare_in_x_forwarded_for() -> None:
    fields = dict(told([(b"forwarded", b"for=x")], client=("2001:db8::7", 1), host=b"[2001:db8::1]:80"))
    assert fields[b"X-Forwarded-For"] == b"2001:db8::7"
    assert fields[b"Forwarded"] == b'for="[2001:db8::7]";proto=http;host="[2001:db8::1]:80"'


def test_an_ipv4_peer_on_an_ipv6_socket_is_the_ipv4_peer() -> None:
    claims = [(b"x-forwarded-for", b"198.51.100.1")]
    fields = dict(told(claims, client=("::ffff:192.0.2.7", 1), trusted=("192.0.2.0/24",)))
    assert fields[b"X-Forwarded-For"] == b"198.51.100.1, 192.0.2.7"


@pytest.mark.parametrize("client", [None, ("testclient", 50000), ("", 0)])
def test_a_peer_without_an_address_is_not_trusted_and_says_nothing_of_the_visitor(
    client: tuple[str, int] | None,
) -> None:
    claims = [(b"x-forwarded-for", b"127.0.0.1"), (b"forwarded", b"for=127.0.0.1")]
    assert told(claims, client=client, trusted=("0.0.0.0/0", "::/0")) == [
        *OURS[1:],
        (b"Forwarded", b'for=unknown;proto=http;host="shop.example:8080"'),
    ]


def test_a_peer_on_a_unix_socket_is_trusted_if_unix_is() -> None:
    claims = [(b"x-forwarded-for", b"198.51.100.1"), (b"forwarded", b"for=198.51.100.1")]
    fields = dict(told(claims, client=None, trusted=("unix",)))
    assert fields[b"X-Forwarded-For"] == b"198.51.100.1"
    assert fields[b"Forwarded"].startswith(b"for=198.51.100.1, for=unknown;")


def test_unix_does_not_trust_peers_with_an_address() -> None:
    assert TrustedProxies(["unix"]).peer(("127.0.0.1", 1)).trusted is False


def test_without_host_no_host_is_claimed() -> None:
    assert told([(b"forwarded", b"for=x")], host=None) == [
        *OURS[:2],
        (b"Forwarded", b"for=192.0.2.7;proto=http"),
    ]


def test_networks_of_both_families_are_told_apart() -> None:
    trusted = TrustedProxies(["10.0.0.0/8", "2001:db8::/32"])
    assert trusted.peer(("10.200.0.1", 1)).trusted
    assert trusted.peer(("2001:db8:1::1", 1)).trusted
    assert not trusted.peer(("11.0.0.1", 1)).trusted
    assert not trusted.peer(("2001:db9::1", 1)).trusted
    assert TrustedProxies([]).peer(("10.0.0.1", 1)) == Peer(
        address=trusted.peer(("10.0.0.1", 1)).address, trusted=False
    )


def test_wrong_entries_are_named_all_at_once() -> None:
    with pytest.raises(GatekeeperError, match=r"trusted_proxies: .*'10\.0\.0\.1/8', 'proxy\.internal'"):
        ReverseProxy("http://a", trusted_proxies=["127.0.0.1", "10.0.0.1/8", "proxy.internal"])


def test_on_the_wire_an_untrusted_visitor_cannot_choose_an_address(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.get(
        b"/",
        b"X-Forwarded-For: 6.6.6.6",
        b"X-Forwarded-For: 7.7.7.7",
        b"X-Forwarded-Proto: https",
        b"Forwarded: for=6.6.6.6",
    )
    assert b"X-Forwarded-For: 127.0.0.1" in origin.lines
    assert b"X-Forwarded-Proto: http" in origin.lines
    assert b"Forwarded: for=127.0.0.1;proto=http;host=shop.example" in origin.lines
    assert b"6.6.6.6" not in origin.head
    assert b"7.7.7.7" not in origin.head


def test_on_the_wire_a_trusted_proxy_is_believed(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK, proxy={"trusted_proxies": ["127.0.0.0/8"]})
    visitor.get(b"/", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 7.7.7.7", b"X-Forwarded-Proto: https")
    assert b"X-Forwarded-For: 6.6.6.6, 7.7.7.7, 127.0.0.1" in origin.lines
    assert b"x-forwarded-proto: https" in origin.lines
    assert b"X-Forwarded-Proto: http" not in origin.lines


def test_over_a_unix_socket_the_peer_has_no_address(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tmp_path: Path
) -> None:
    origin = origins(OK)
    path = tmp_path / "gate.sock"
    gates(ReverseProxy(origin.url, trusted_proxies=["unix"]), uds=str(path))
    with Visitor(path) as visitor:
        visitor.send(request(b"/", b"X-Forwarded-For: 6.6.6.6"))
        assert visitor.response().status == 200
    assert b"X-Forwarded-For: 6.6.6.6" in origin.lines
