"""The names and values that common servers read out of one Cookie request field: judges of what a gate must strip.

A field goes in as octets, the pairs come out as octets, in the order of the field. Duplicates are all listed, whichever
the server would keep, and a bare token that a server takes for a name has the value b"". Python's parsers are the real
ones; the others are written from what their sources and documentation say of them, PHP's is held to a real PHP
(test_servers.py), and the Java servers are next door (servers_java.py). Where a server decides by configuration or by
version, each choice is a parser of its own. Nothing here may look at gatekeeper.

ASP.NET (both), nginx and the first Connect compare names without regard to case; names stand here as they were sent.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import unquote_to_bytes

import werkzeug.http
import werkzeug.sansio.http
from django.http import parse_cookie as django_parse_cookie  # type: ignore[import-untyped]  # Django ships no types
from starlette.requests import cookie_parser as starlette_parse_cookie

from tests.models import servers_java

Pairs = list[tuple[bytes, bytes]]
Parser = Callable[[bytes], Pairs]

# RFC 9110 section 5.6.2
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


# --- Python: the real ones -------------------------------------------------------------------------------------------


def _octets(text: str) -> bytes:
    """Text that was read as Latin-1 goes back the same way; an unescaped value may have left that range."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def simple_cookie(field: bytes) -> Pairs:
    """The standard library's. A name it does not like ends the reading: what stands before it has been read."""
    jar: SimpleCookie = SimpleCookie()
    with suppress(CookieError):
        jar.load(field.decode("latin-1"))
    return [(_octets(name), _octets(morsel.value)) for name, morsel in jar.items()]


def werkzeug_wsgi(field: bytes) -> Pairs:
    """Werkzeug and Flask: the environ's Latin-1 is read as UTF-8; what is not UTF-8 fails the request."""
    try:
        found = werkzeug.http.parse_cookie({"HTTP_COOKIE": field.decode("latin-1")})
    except UnicodeDecodeError:
        return []
    return [(name.encode(), value.encode()) for name, value in found.items(multi=True)]


def werkzeug_sansio(field: bytes) -> Pairs:
    """Werkzeug's parser on text as ASGI frameworks hand it over."""
    found = werkzeug.sansio.http.parse_cookie(field.decode("latin-1"))
    return [(_octets(name), _octets(value)) for name, value in found.items(multi=True)]


def starlette(field: bytes) -> Pairs:
    """Starlette and FastAPI. A token without `=` is the value of a cookie without a name."""
    found = starlette_parse_cookie(field.decode("latin-1"))
    return [(_octets(name), _octets(value)) for name, value in found.items()]


def django_wsgi(field: bytes) -> Pairs:
    """Django under WSGI: UTF-8, and U+FFFD for what is none."""
    found = django_parse_cookie(field.decode("utf-8", "replace"))
    return [(name.encode(), value.encode()) for name, value in found.items()]


def django_asgi(field: bytes) -> Pairs:
    """Django under ASGI: Latin-1."""
    return [(_octets(name), _octets(value)) for name, value in django_parse_cookie(field.decode("latin-1")).items()]


# --- PHP -------------------------------------------------------------------------------------------------------------

_C_SPACE = b" \t\n\x0b\x0c\r"
_MANGLED_PREFIX = (b"__Host-", b"__Secure-")


def php(field: bytes) -> Pairs:
    """PHP since 7.4.11: names as they are, but for what PHP makes of them; a name mangled into a prefix is refused.

    (So is `a[__Host-]`, since 8.1 or so; this reader lists it.)
    """
    return [
        (variable, unquote_to_bytes(value))
        for name, value in _php_pairs(field)
        if (variable := _php_variable(name))
        and (name.startswith(_MANGLED_PREFIX) or not variable.startswith(_MANGLED_PREFIX))
    ]


def php_decoding_names(field: bytes) -> Pairs:
    """PHP before 7.2.34, 7.3.23 and 7.4.11 (CVE-2020-7070): names are decoded like those of a form, up to a NUL."""
    return [
        (variable, unquote_to_bytes(value.replace(b"+", b" ")))
        for name, value in _php_pairs(field)
        if (variable := _php_variable(unquote_to_bytes(name.replace(b"+", b" ")).partition(b"\0")[0]))
    ]


def _php_pairs(field: bytes) -> Iterator[tuple[bytes, bytes]]:
    for piece in field.split(b";"):
        name, _, value = piece.lstrip(_C_SPACE).partition(b"=")
        if name:
            yield name, value


def _php_variable(name: bytes) -> bytes:
    """The key of $_COOKIE: `.` and space become `_`, `a[b]` is an array `a`, a `[` that nothing closes is `_` too."""
    name = name.lstrip(b" ")
    base, bracket, index = name.partition(b"[")
    if not base or (bracket and b"]" in index):
        return re.sub(rb"[ .]", b"_", base)
    return re.sub(rb"[ .\[]", b"_", name)


# --- servers that split, trim, and perhaps decode --------------------------------------------------------------------


def go(field: bytes) -> Pairs:
    """net/http: trimmed of ASCII space on both sides of the name; names are tokens."""
    return _go_pairs(part.strip(b" \t\r\n") for part in field.split(b";"))


def go_unicode_space(field: bytes) -> Pairs:
    """net/http in older releases: a pair is trimmed of Unicode's white space (in UTF-8)."""
    parts = (part.decode("utf-8", "surrogateescape").strip(_UNICODE_SPACE) for part in field.split(b";"))
    return _go_pairs(part.encode("utf-8", "surrogateescape") for part in parts)


def _go_pairs(parts: Iterator[bytes]) -> Pairs:
    pairs = [
        (name.strip(b" \t\r\n"), _go_unquoted(value)) for name, _, value in (part.partition(b"=") for part in parts)
    ]
    return [(name, value) for name, value in pairs if TOKEN.fullmatch(name) and _GO_VALUE.fullmatch(value)]


_GO_VALUE = re.compile(rb"[\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*")


def _go_unquoted(value: bytes) -> bytes:
    return value[1:-1] if len(value) > 1 and value[:1] == value[-1:] == b'"' else value


_JS_SPACE = b"\t\n\x0b\x0c\r \xa0"  # what String.prototype.trim takes of Latin-1
_UNICODE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def _node(separator: bytes, space: bytes) -> Parser:
    def parse(field: bytes) -> Pairs:
        pairs = (part.split(b"=", 1) for part in re.split(separator, field) if b"=" in part)
        return [(name.strip(space), unquote_to_bytes(_node_unquoted(value.strip(space)))) for name, value in pairs]

    return parse


def _node_unquoted(value: bytes) -> bytes:
    return value[1:-1] if value.startswith(b'"') else value


def rack(field: bytes) -> Pairs:
    """Rack since 2.1.4 and 2.2.3: nothing is trimmed but the spaces behind a semicolon, no name decoded."""
    return [(name, _form_decoded(value)) for name, value in _ruby_pairs(rb"; *", field)]


def rack_decoding_names(field: bytes) -> Pairs:
    """Rack before (CVE-2020-8184): a comma separates too, and names are decoded like those of a form."""
    return [(_form_decoded(name), _form_decoded(value)) for name, value in _ruby_pairs(rb"[;,] *", field)]


def _ruby_pairs(separator: bytes, field: bytes) -> Iterator[tuple[bytes, bytes]]:
    for part in re.split(separator, field):
        if part:
            name, _, value = part.partition(b"=")
            yield name, value


def _form_decoded(text: bytes) -> bytes:
    return text if _BAD_ESCAPE.search(text) else unquote_to_bytes(text.replace(b"+", b" "))


def perl_cgi(field: bytes) -> Pairs:
    """CGI::Cookie->fetch: `;` and `,` separate, pairs are trimmed of white space, names decoded, no bare tokens."""
    pairs = (part.strip(_C_SPACE).split(b"=", 1) for part in re.split(rb"[;,] ?", field))
    return [(_perl_decoded(pair[0]), _perl_decoded(pair[1])) for pair in pairs if len(pair) == 2]


def perl_cgi_raw(field: bytes) -> Pairs:
    """CGI::Cookie->raw_fetch: the same without decoding, and with bare tokens."""
    parts = (part.strip(_C_SPACE) for part in re.split(rb"[;,] ?", field))
    return [(part.split(b"=")[0], part.partition(b"=")[2].split(b"=")[0]) for part in parts if part]


def _perl_decoded(text: bytes) -> bytes:
    """%XX, and %uXXXX as UTF-8."""

    def octets(found: re.Match[bytes]) -> bytes:
        return bytes([int(found[1], 16)]) if found[1] else chr(int(found[2], 16)).encode("utf-8", "surrogatepass")

    return re.sub(rb"%(?:([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))", octets, text.replace(b"+", b" "))


def nginx(field: bytes) -> Pairs:
    """$cookie_name: a look-up that goes on behind each `;` and each `,`; only spaces count as such."""
    parts = [part.lstrip(b" ") if at else part for at, part in enumerate(re.split(rb"[;,]", field))]
    pairs = (part.split(b"=", 1) for part in parts if b"=" in part)
    return [(name.rstrip(b" "), value.lstrip(b" ")) for name, value in pairs]


# --- .NET ------------------------------------------------------------------------------------------------------------

_NET_SEPARATORS = re.compile(rb"[ \t]*(?:[;,][ \t]*)*")
_NET_VALUE = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")  # cookie-octet of RFC 6265


def aspnet_core(field: bytes) -> Pairs:
    """CookieHeaderParserShared: token "=" value, `;` or `,` between; where that fails it tries again one octet further.

    So a name may begin anywhere behind what could not be read: in `sid=1 _ga=2`, `@_ga=2` and `x"_ga=2` it is `_ga`.
    """
    pairs, at = [], 0
    while (start := _past_separators(field, at)) < len(field):
        pair, end = _net_pair(field, start)
        after = _past_separators(field, end)
        if pair and (after == len(field) or re.search(rb"[;,]", field[end:after])):
            pairs.append(pair)
            at = after
        else:
            name = TOKEN.match(field, start)  # what fails for a token fails for its tails
            at = name.end() if name else start + 1
    return [(name, unquote_to_bytes(value)) for name, value in pairs]


def aspnet_core_decoding_names(field: bytes) -> Pairs:
    """ASP.NET Core before the fix of CVE-2020-1045, and with its EnableCookieNameEncoding switch: names are decoded."""
    return [(unquote_to_bytes(name), value) for name, value in aspnet_core(field)]


def _past_separators(field: bytes, at: int) -> int:
    found = _NET_SEPARATORS.match(field, at)
    return found.end() if found else at


def _net_pair(field: bytes, at: int) -> tuple[tuple[bytes, bytes] | None, int]:
    name = TOKEN.match(field, at)
    if not name or field[name.end() : name.end() + 1] != b"=":
        return None, at
    start = name.end() + 1
    quoted = field[start : start + 1] == b'"'
    value = _NET_VALUE.match(field, start + quoted)
    end = value.end() if value else start
    if not quoted:
        return (name[0], field[start:end]), end
    closed = field[end : end + 1] == b'"'  # the value of an unclosed quotation is empty, and its octets are gone
    return (name[0], field[start : end + 1] if closed else b""), end + closed


def system_web(field: bytes) -> Pairs:
    """Classic ASP.NET: split at `;`, trimmed of Unicode's white space; `$…` behind a cookie is its attribute.

    A `&` before the first `=` leaves a cookie without a name.
    """
    encoding = "utf-8"
    try:
        text = field.decode(encoding)
    except UnicodeDecodeError:
        text = field.decode(encoding := "latin-1")
    pairs: Pairs = []
    for part in (part.strip(_UNICODE_SPACE) for part in text.split(";")):
        name, _, value = ("", "", part) if "&" in part.partition("=")[0] else part.partition("=")
        if part and not (pairs and name.startswith("$")):
            pairs.append((name.encode(encoding), value.encode(encoding)))
    return pairs


ALL_PARSERS: dict[str, Parser] = {
    "simple_cookie": simple_cookie,
    "werkzeug": werkzeug_wsgi,
    "werkzeug_sansio": werkzeug_sansio,
    "starlette": starlette,
    "django_wsgi": django_wsgi,
    "django_asgi": django_asgi,
    "php": php,
    "php_decoding_names": php_decoding_names,
    "go": go,
    "go_unicode_space": go_unicode_space,
    "node_cookie_1": _node(rb";", b" \t"),
    "node_cookie_0": _node(rb";", _JS_SPACE),
    "node_cookie_0_1": _node(rb"[;,]", _JS_SPACE),
    "rack": rack,
    "rack_decoding_names": rack_decoding_names,
    "perl_cgi": perl_cgi,
    "perl_cgi_raw": perl_cgi_raw,
    "nginx": nginx,
    "aspnet_core": aspnet_core,
    "aspnet_core_decoding_names": aspnet_core_decoding_names,
    "system_web": system_web,
    **servers_java.PARSERS,
}


def names_seen(field: bytes) -> dict[str, set[bytes]]:
    """What each server sees in `field`, by the server: the names of its non-empty readings."""
    return {server: {name for name, _ in parse(field) if name} for server, parse in ALL_PARSERS.items()}
