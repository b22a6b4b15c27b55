"""Whose word counts: the machine at the other end of a connection, and the proxies that the operator named."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatekeeper.errors import GatekeeperError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of the connection a request came by: its address, or None on a unix socket or an unreadable one."""

    address: _Address | None
    trusted: bool


class TrustedProxies:
    """The peers whose forwarding fields are believed: addresses, networks, and ``"unix"`` for a unix socket.

    Raises :class:`GatekeeperError`, with all entries that are none of these.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        networks: list[_Network] = []
        wrong: list[str] = []
        names = list(entries)
        for entry in names:
            if entry == "unix":
                continue
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                wrong.append(entry)
        if wrong:
            listed = ", ".join(repr(entry) for entry in wrong)
            raise GatekeeperError(f'trusted_proxies: neither an address, a network nor "unix": {listed}')
        self._networks = tuple(networks)
        self._unix = "unix" in names

    def peer(self, client: Sequence[object] | None) -> Peer:
        """The peer behind ``scope["client"]``: ``(host, port)``, or None when the server knows no address."""
        if client is None:
            return Peer(address=None, trusted=self._unix)
        try:
            address: _Address = ipaddress.ip_address(str(client[0]))
        except ValueError:
            return Peer(address=None, trusted=False)
        # A socket that listens on both families shows an IPv4 peer as ::ffff:192.0.2.1; the operator wrote
        # 192.0.2.0/24.
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return Peer(address=address, trusted=any(address in network for network in self._networks))
