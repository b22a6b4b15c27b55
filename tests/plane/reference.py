"""A second opinion on request heads: read line by line, by the letter, by somebody who remembers nothing."""

from dataclasses import dataclass

from gatekeeper.proxy.plane.request import CHUNKED
from tests.plane.pieces import WATCHED_IN_REQUESTS

TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
MOST_FIELDS = 12
HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"upgrade",
}
STAYS = {
    b"authorization", b"cache-control", b"content-length", b"cookie", b"forwarded", b"host", b"sec-gpc", b"set-cookie",
    b"x-real-ip", b"connection", b"upgrade", b"transfer-encoding", b"expect", b"close", b"keep-alive",
}  # fmt: skip
GOOD_HOSTS = [b"shop.example", b"shop.example:8080", b"[::1]:80", b"127.0.0.1", b"a"]
BAD_HOSTS = [b"", b"user@shop.example", b"shop.example/", b"a b", b"a,b", b"shop.example:x", b"[::1", b"a\x00", b"\xe9"]


@dataclass(frozen=True)
class Meaning:
    """What a request comes to."""

    method: bytes
    target: bytes
    host: bytes | None
    length: int
    keep_alive: bool
    lines: tuple[bytes, ...]  # that go on, but for Host and Upgrade


def meaning(octets: bytes) -> Meaning | None:
    """A request by the letter, None where it has to be refused. Looks at one line at a time and remembers nothing."""
    first, *lines = octets.split(b"\r\n")
    parts = first.split(b" ")
    if len(parts) != 3 or not parts[0] or set(parts[0]) - TOKEN or parts[0] == b"CONNECT" or not parts[1]:
        return None
    method, target, version = parts
    if any(octet <= 0x20 or octet == 0x7F for octet in target):
        return None
    if version[:7] != b"HTTP/1." or len(version) != 8 or not 0x30 <= version[7] <= 0x39:
        return None
    if len(lines) > MOST_FIELDS:
        return None
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or set(name) - TOKEN or set(line) & {0, 10, 13}:
            return None
        fields.append((name.lower(), value.strip(b" \t"), line))
    return _meaning(method, target, version != b"HTTP/1.0", fields)


def _meaning(method: bytes, target: bytes, modern: bool, fields: list[tuple[bytes, bytes, bytes]]) -> Meaning | None:
    def values(name: bytes) -> list[bytes]:
        return [value for key, value, _ in fields if key == name]

    hosts, lengths, codings = values(b"host"), values(b"content-length"), values(b"transfer-encoding")
    if len(hosts) > 1 or (modern and not hosts) or any(host in BAD_HOSTS for host in hosts):
        return None
    if codings and (lengths or not modern or len(codings) > 1 or codings[0].lower() != b"chunked"):
        return None
    if len(lengths) > 1 or any(not one.isdigit() or len(one) > 18 for one in lengths):
        return None
    host = hosts[0] if hosts else None
    if target[:1] != b"/" and (target, method) != (b"*", b"OPTIONS"):
        scheme, found, rest = target.partition(b"://")
        ends = [at for at in map(rest.find, (b"/", b"?", b"#")) if at >= 0]
        authority, path = rest[: min(ends)] if ends else rest, rest[min(ends) :] if ends else b""
        if scheme.lower() not in (b"http", b"https") or not found or b"#" in path[:1]:
            return None
        if authority in BAD_HOSTS or b"@" in authority or (authority not in GOOD_HOSTS and not authority.isalnum()):
            return None
        host = authority
        target = path or (b"*" if method == b"OPTIONS" else b"/")
        target = b"/" + target if target[:1] == b"?" else target
    options = {one.strip(b" \t").lower() for value in values(b"connection") for one in value.split(b",")}
    gone = HOP | (options - STAYS) | ({b"expect"} if not modern else set())
    kept = [
        line
        for name, _, line in fields
        if name != b"host"
        and not is_claim(name)
        and (name in WATCHED_IN_REQUESTS or name not in gone or (name == b"expect" and modern))
    ]
    keep_alive = False if b"close" in options else modern or b"keep-alive" in options
    length = CHUNKED if codings else int(lengths[0]) if lengths else 0
    return Meaning(method, target, host, length, keep_alive, tuple(kept))


def is_claim(name: bytes) -> bool:
    name = name.replace(b"_", b"-")
    return name in (b"forwarded", b"x-real-ip") or name.startswith(b"x-forwarded-")
