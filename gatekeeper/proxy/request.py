"""From an ASGI scope to the request that leaves for the upstream (RFC 9110 section 7.6, RFC 9112).

The scope is what the server in front of us understood. Where two recipients could understand a message differently
(two Host fields, Content-Length beside Transfer-Encoding) the answer is a :class:`Refusal`; guessing is how requests
are smuggled.

What ASGI does not tell, so that no intermediary on top of it can pass it on: the case of field names, an empty query
("?" with nothing behind it), the authority of a request in absolute-form, octets above 0x7E in the target. What
uvicorn tells wrongly: its httptools protocol appends *trailers* to ``scope["headers"]``. The list is copied before
anything is awaited, which keeps out every trailer that arrives later than the head; one that came in the same read is
past telling.
"""

import enum
import re
import urllib.parse
from dataclasses import dataclass

from gatekeeper.proxy.asgi import Scope
from gatekeeper.proxy.forwarded import TrustedProxies, forward
from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.upstream import Upstream
from gatekeeper.wire.fields import FieldList, is_trustworthy, values
from gatekeeper.wire.hop_by_hop import end_to_end

# RFC 9110 section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# RFC 3986 section 3.2, without userinfo, which RFC 9110 section 4.2.4 forbids; host is not empty (RFC 9110 section
# 4.2.1).
_HOST = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")

# RFC 9112 section 3.2: a request-target has no octet outside the visible ones.
_TARGET = re.compile(rb"[\x21-\x7e]+")

_DIGITS = re.compile(rb"[0-9]{1,19}")

# One octet of a path as it stands or percent-encoded (RFC 3986 section 2.1).
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})|[\x00-\xff]")

# RFC 3986 section 3.3, pchar and "/": for servers that give a decoded path only.
_PATH_SAFE = "/!$&'()*+,;=:@-._~"


class Body(enum.Enum):
    """How the length of the request's body is known (RFC 9112 section 6.3)."""

    NONE = enum.auto()
    SIZED = enum.auto()
    CHUNKED = enum.auto()
    # HTTP/2 and later need no field to announce a body: the first message of the server tells.
    UNTOLD = enum.auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that goes no further: the status for the visitor and the reason for the operator's log."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """The request as it leaves; ``fields`` lack only the framing of a body that is ``UNTOLD``."""

    method: str
    target: bytes
    fields: FieldList
    body: Body


def outbound(
    scope: Scope, fields: FieldList, *, upstream: Upstream, trusted: TrustedProxies, limits: Limits
) -> OutboundRequest | Refusal:
    """The request for the upstream, or why there is none; ``fields`` are the scope's, copied."""
    method = str(scope["method"])
    refusal = _method(method) or too_large(scope, fields, limits) or _trust(fields) or _host(fields, scope)
    if refusal is not None:
        return refusal
    body = framing(fields, str(scope.get("http_version", "1.1")))
    if isinstance(body, Refusal):
        return body
    target = request_target(scope, prefix=upstream.prefix)
    if target is None:
        return Refusal(400, "its target cannot be sent on")
    return OutboundRequest(method, target, _fields(scope, fields, body, upstream, trusted), body)


def _method(method: str) -> Refusal | None:
    if not _TOKEN.fullmatch(method):
        return Refusal(400, "its method is no token")
    if method == "CONNECT":
        return Refusal(400, "CONNECT asks for a tunnel, and this is no forward proxy")
    return None


def too_large(scope: Scope, fields: FieldList, limits: Limits) -> Refusal | None:
    """431 for more fields or octets than the limits allow (RFC 6585 section 5)."""
    if len(fields) > limits.request_fields:
        return Refusal(431, f"it has more than {limits.request_fields} fields")
    target = len(scope.get("raw_path") or str(scope.get("path", ""))) + len(scope.get("query_string", b""))
    if target + sum(len(name) + len(value) + 4 for name, value in fields) > limits.request_head:
        return Refusal(431, f"its head is larger than {limits.request_head} octets")
    return None


def _trust(fields: FieldList) -> Refusal | None:
    if all(is_trustworthy(name, value) for name, value in fields):
        return None
    return Refusal(400, "a field line can be read in more than one way")


def _host(fields: FieldList, scope: Scope) -> Refusal | None:
    """RFC 9112 section 3.2: 400 for no Host, more than one, or one that is no authority."""
    hosts = values(fields, b"host")
    if not hosts and str(scope.get("http_version", "1.1")) == "1.0":
        return None
    if len(hosts) != 1:
        return Refusal(400, f"it has {len(hosts)} Host fields")
    if not _HOST.fullmatch(hosts[0]):
        return Refusal(400, "its Host field is not valid")
    return None


def framing(fields: FieldList, http_version: str) -> Body | Refusal:
    """How the body is delimited; what two recipients could read differently is refused (RFC 9112 section 6)."""
    codings = values(fields, b"transfer-encoding")
    lengths = {part.strip(b" \t") for value in values(fields, b"content-length") for part in value.split(b",")}
    if codings and lengths:
        return Refusal(400, "it has both Content-Length and Transfer-Encoding")
    if codings:
        if http_version == "1.0":
            return Refusal(400, "it has Transfer-Encoding in HTTP/1.0")
        if len(codings) > 1 or codings[0].strip(b" \t").lower() != b"chunked":
            return Refusal(400, "its Transfer-Encoding is not chunked")
        return Body.CHUNKED
    if not lengths:
        return Body.NONE if http_version.startswith("1") else Body.UNTOLD
    if len(lengths) > 1 or not _DIGITS.fullmatch(next(iter(lengths))):
        return Refusal(400, "its Content-Length is not one number")
    return Body.NONE if not int(next(iter(lengths))) else Body.SIZED


def request_target(scope: Scope, *, prefix: bytes) -> bytes | None:
    """The target octet for octet: the upstream's prefix, the path below the mount, the query. None: it cannot be sent.

    Nothing is normalised: ``%2F``, dot segments and ``//`` mean what the upstream says they mean. A prefix is
    therefore an address, not a fence: ``/../`` behind it is the upstream's to resolve.
    """
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        raw = urllib.parse.quote(str(scope["path"]), safe=_PATH_SAFE).encode("ascii")
    # Some servers put the query into raw_path, against the specification; it stands in query_string too.
    path = _below(raw.partition(b"?")[0], str(scope.get("root_path", "")).encode("utf-8"))
    if path == b"*" and scope["method"] == "OPTIONS" and not prefix:
        return path
    if path and not path.startswith(b"/"):
        return None
    target = prefix + path or b"/"
    query: bytes = scope.get("query_string", b"")
    if query:
        target += b"?" + query
    return target if _TARGET.fullmatch(target) else None


def _below(raw: bytes, root: bytes) -> bytes:
    """The part of a percent-encoded path below ``root_path``; the whole path if it does not lie below."""
    at = len(root) if raw.startswith(root) else _decoded_prefix(raw, root)
    return raw[at:] if raw[at : at + 1] in (b"", b"/") else raw


def _decoded_prefix(raw: bytes, root: bytes) -> int:
    """How many octets of ``raw`` decode to ``root``, 0 if it does not begin so; what follows stays encoded as it is."""
    at = 0
    for octet in root:
        found = _ENCODED.match(raw, at)
        if found is None or octet != (int(found[1], 16) if found[1] else found[0][0]):
            return 0
        at = found.end()
    return at


def _fields(scope: Scope, fields: FieldList, body: Body, upstream: Upstream, trusted: TrustedProxies) -> FieldList:
    received = next(iter(values(fields, b"host")), None)
    kept = tuple((name, value.strip(b" \t")) for name, value in end_to_end(fields) if name.lower() != b"host")
    forwarded = forward(
        kept,
        peer=trusted.peer(scope.get("client")),
        scheme=str(scope.get("scheme", "http")).encode("ascii"),
        host=received,
    )
    # Transfer-Encoding is for one hop only (RFC 9112 section 6.1): the visitor's was dropped, this is ours.
    chunked = ((b"Transfer-Encoding", b"chunked"),) if body is Body.CHUNKED else ()
    return ((b"Host", upstream.host_for(received)), *forwarded, *chunked)
