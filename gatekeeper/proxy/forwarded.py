"""Who the visitor is, as told to the upstream: X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239).

The trust model
---------------
These fields are claims. Whoever connects can write any of them, and the upstream believes them: for rate limits, for
audit logs, for "is this request secure". So one question decides: *is the peer, the machine at the other end of this
connection, one that the operator named in* ``trusted_proxies``?

=====================  =========================================  ====================================================
field                  the peer is trusted                        the peer is not
=====================  =========================================  ====================================================
X-Forwarded-For        all its lines as one list, the peer's      the peer's address alone
                       address behind them
X-Forwarded-Proto      kept; ours when it sent none               ours: the scheme of this connection
X-Forwarded-Host       kept; ours when it sent none               ours: the Host field of this request
Forwarded              all its lines as one list, our element     our element alone, and only if one was sent
                       behind them; none is begun
X-Forwarded-(other),   kept                                       dropped
X-Real-IP
=====================  =========================================  ====================================================

A peer's word is taken for the whole list or not at all: the upstream decides how many elements from the right it
believes, which is why every proxy in the chain has to add its own and none may overwrite.

*Several lines are one list* (RFC 9110 section 5.3): an upstream that reads only the first or only the last line must
not read a different visitor, so they leave as one line.

*Underscores.* CGI and WSGI turn both ``X-Forwarded-For`` and ``X_Forwarded_For`` into ``HTTP_X_FORWARDED_FOR``. A line
whose name becomes one of ours in that way is nobody's honest claim and is dropped, whoever sent it.

*Forwarded is not begun* because a peer that speaks only X-Forwarded-For would be the first element of it, and an
upstream that prefers Forwarded would take that proxy for the visitor.

*A peer without an address* is one on a unix socket; it is trusted if ``trusted_proxies`` has ``"unix"``. It adds no
element to X-Forwarded-For, which knows addresses only, and ``for=unknown`` to Forwarded (RFC 7239 section 6.2).

The address is what ASGI calls ``scope["client"]``. A server that rewrites it from X-Forwarded-For itself (uvicorn does
unless run with ``proxy_headers=False``) has already decided whom to trust; then the peer here is the visitor.
"""

import re
from collections.abc import Iterable

from gatekeeper.wire.fields import FieldList, values
from gatekeeper.wire.peers import Peer as Peer
from gatekeeper.wire.peers import TrustedProxies as TrustedProxies

# RFC 9110 section 5.6.2; a value of Forwarded that is no token is a quoted-string (RFC 7239 section 4).
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def forward(fields: FieldList, *, peer: Peer, scheme: bytes, host: bytes | None) -> FieldList:
    """The request's fields with the forwarding fields as the upstream may believe them, at the end of the list.

    ``host`` is the value of the request's Host field; None when an HTTP/1.0 request has none.
    """
    believed = _honest(fields) if peer.trusted else ()
    kept = tuple(field for field in fields if not _is_claim(field[0])) + tuple(
        field for field in believed if field[0].lower() not in (b"x-forwarded-for", b"forwarded")
    )
    added: list[tuple[bytes, bytes]] = []
    addresses = _lists(values(believed, b"x-forwarded-for"))
    if peer.address is not None:
        addresses.append(str(peer.address).encode("ascii"))
    if addresses:
        added.append((b"X-Forwarded-For", b", ".join(addresses)))
    if not values(believed, b"x-forwarded-proto"):
        added.append((b"X-Forwarded-Proto", scheme))
    if host is not None and not values(believed, b"x-forwarded-host"):
        added.append((b"X-Forwarded-Host", host))
    if values(fields, b"forwarded"):
        elements = [*_lists(values(believed, b"forwarded")), _element(peer, scheme, host)]
        added.append((b"Forwarded", b", ".join(elements)))
    return kept + tuple(added)


def _canonical(name: bytes) -> bytes:
    return name.lower().replace(b"_", b"-")


def _is_claim(name: bytes) -> bool:
    canonical = _canonical(name)
    return canonical in (b"forwarded", b"x-real-ip") or canonical.startswith(b"x-forwarded-")


def _honest(fields: FieldList) -> FieldList:
    return tuple(field for field in fields if _is_claim(field[0]) and b"_" not in field[0])


def _lists(lines: Iterable[bytes]) -> list[bytes]:
    """The lines that hold anything, each as it stands; with commas between them they are one list."""
    return [line.strip(b" \t") for line in lines if line.strip(b" \t,")]


def _element(peer: Peer, scheme: bytes, host: bytes | None) -> bytes:
    """Our forwarded-element (RFC 7239 sections 4 and 6)."""
    if peer.address is None:
        node = b"unknown"
    elif peer.address.version == 6:
        node = b"[%s]" % str(peer.address).encode("ascii")
    else:
        node = str(peer.address).encode("ascii")
    pairs = [(b"for", node), (b"proto", scheme)]
    if host is not None:
        pairs.append((b"host", host))
    return b";".join(b"%s=%s" % (name, _value(value)) for name, value in pairs)


def _value(value: bytes) -> bytes:
    if _TOKEN.fullmatch(value):
        return value
    return b'"%s"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
