"""The Cookie request field, pair by pair (RFC 6265bis sections 4.2 and 5.7), and every name that a server may see in
it.

Browsers write ``name=value`` pairs joined by ``"; "``. Servers do not read them alike: SimpleCookie also ends a pair at
white space, ASP.NET and CGI libraries at a comma, older ones unquote first, PHP rewrites names, old PHP and Rack
percent-decode them. Whoever decides on a pair has to ask for all of these names, or a refused cookie gets past as part
of an allowed one.
"""

import re
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gatekeeper.cookies.grammar import WSP

# White space for any parser that decodes as latin-1 or UTF-8 and calls a Unicode-aware strip: NEL and NBSP in both
# encodings, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000, and the byte order mark.
_WIDE_SPACE = (
    rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80|\xef\xbb\xbf|[\x85\xa0]"
)
_SEPARATORS = re.compile(rb"(?:[\x00-\x20\x7f,]|" + _WIDE_SPACE + rb")+")
_QUOTED_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_UNUSUAL_IN_NAME = re.compile(rb"[^!#$'*\-^_`|~0-9A-Za-z]")
# RFC 9110 section 5.6.2, and what is not among RFC 6265bis' cookie-octets (section 4.1.1).
_TOKEN_OCTETS = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NOT_IN_VALUE = re.compile(rb"[^\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]")
# What stands in a plain pair: visible ASCII without comma, quotation mark, semicolon and backslash.
_PLAIN = bytes(octet for octet in range(0x21, 0x7F) if octet not in b',";\\')
PlainPairs = tuple[list[bytes], list[bytes], list[tuple[bytes, bytes]]]
# CGI.pm's own addition to percent-encoding.
_PERL_UNICODE = re.compile(rb"%[uU]([0-9a-fA-F]{4})")
# php.net, "Variables From External Sources"; the C function isspace().
_C_SPACE = b" \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class CookiePair:
    """One pair as browsers write it.

    ``raw`` is the whole segment between semicolons, white space included; ``name`` is empty for a pair without ``=``
    (section 5.6 step 3).
    """

    name: bytes
    value: bytes
    raw: bytes


def parse_cookie(field_value: bytes) -> tuple[CookiePair, ...]:
    """The pairs of a Cookie field value; never raises. Segments without any octet but white space are no pairs."""
    pairs = []
    for raw in field_value.split(b";"):
        name, equals, value = raw.partition(b"=")
        if equals:
            pairs.append(CookiePair(name.strip(WSP), value.strip(WSP), raw))
        elif stripped := raw.strip(WSP):
            pairs.append(CookiePair(b"", stripped, raw))
    return tuple(pairs)


def plain_pairs_pure(field_value: bytes, wanted: Container[bytes]) -> PlainPairs | None:
    """The names and the whole pairs of a Cookie field value as browsers write it, and the wanted names with their
    values. None for any other field value.

    In such a value no parser finds a name but those behind ``"; "`` and before ``=``, unless a name is no token.
    """
    pairs = field_value.split(b"; ")
    if field_value.translate(None, _PLAIN) != b"; " * (len(pairs) - 1):
        return None
    names, found = [], []
    for pair in pairs:
        name, equals, content = pair.partition(b"=")
        if not equals:
            return None
        names.append(name)
        if name in wanted:
            found.append((name, content))
    return names, pairs, found


def split_names(name: bytes, value: bytes) -> tuple[bytes, ...]:
    """Names that a parser sees which ends pairs at white space or commas, or reads a nameless pair as a name.

    The name as browsers mean it is not among them. What quotes hide from a parser that
    honours them is not left out: it sees fewer names.
    """
    first = name
    if not name:
        first, _, value = value.lstrip(b"= \t").partition(b"=")
    parts = _SEPARATORS.split(first)
    begins = len(parts) > 1 and not parts[-1]
    for before in value.split(b"=")[:-1]:
        # "1, b" before an "=" holds the name b; "1" alone is value: "a=1=2". Behind "1, =" a new pair begins.
        tokens = _SEPARATORS.split(before)
        parts += [token for token in tokens[0 if begins else 1 :] if token][-1:]
        begins = not tokens[-1] and (begins or len(tokens) > 1)
    if quoted := _QUOTED_STRING.match(value):
        # Whoever honours quotes reads a="x"b=2 as two pairs.
        parts += [_last_token(part) for part in value[quoted.end() :].split(b"=")[:-1]]
    # Parsers of RFC 2109's time take quotes off a name.
    parts += [part.replace(b'"', b"") for part in parts if b'"' in part]
    return tuple(dict.fromkeys(part for part in parts if part and part != name))


def mangled_names(name: bytes) -> tuple[bytes, ...]:
    """Names that one cookie-name becomes where a server renames it.

    PHP turns dots and spaces to underscores and cuts at ``[``; PHP before 7.2.34 and Rack before 2.2.3 percent-decode;
    ASP.NET Core begins anew behind an octet that no name may hold.
    """
    if _UNUSUAL_IN_NAME.search(name) is None:
        return ()
    variants = {name}
    if b"%" in name:
        decoded = unquote_to_bytes(_PERL_UNICODE.sub(_utf8, name))
        # To C, a name ends at NUL.
        variants |= {unquote_to_bytes(name), decoded, decoded.partition(b"\0")[0]}
    if b"+" in name:
        variants |= {unquote_to_bytes(variant.replace(b"+", b" ")) for variant in tuple(variants)}
    variants |= {_php_name(variant) for variant in tuple(variants)}
    variants.add(_last_token(name))
    return tuple(sorted(variants - {name, b""}))


def resumed_names(value: bytes, *, begun: bool = False) -> tuple[bytes, ...]:
    """Names inside a cookie-value for a parser that gives a pair up at an octet no value may hold, and looks for the
    next pair there.

    ASP.NET Core does: ``a=1"b=2`` holds ``b`` to it. The quote that a quoted value begins with is none of these octets.
    ``begun``: the parser has given up before, at the name.
    """
    if b"=" not in value:
        return ()
    if value[:1] == value[-1:] == b'"' and value.count(b'"') == 2:
        value = value[1:-1]
    odd = None if begun else _NOT_IN_VALUE.search(value)
    if odd is None and not begun:
        return ()
    found = (_last_token(part) for part in value[odd.end() if odd else 0 :].split(b"=")[:-1])
    return tuple(dict.fromkeys(name for name in found if name))


def is_token(octets: bytes) -> bool:
    """Whether these octets are a token (RFC 9110 section 5.6.2), as the standard has cookie-names."""
    return bool(octets) and not octets.strip(_TOKEN_OCTETS)


def _last_token(octets: bytes) -> bytes:
    kept = octets.rstrip(_TOKEN_OCTETS)
    return octets[len(kept) :]


def _utf8(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1], 16)).encode("utf-8", "surrogatepass")


def _php_name(name: bytes) -> bytes:
    base, bracket, rest = name.lstrip(_C_SPACE).partition(b"[")
    if bracket and b"]" not in rest:
        base = base + b"_" + rest
    return base.replace(b".", b"_").replace(b" ", b"_")


# The same, compiled, where _pairs.pyx was built and GATEKEEPER_PURE is not set. Coverage is measured without it.
try:
    from gatekeeper.cookies import _pairs
except ImportError:
    plain_pairs = plain_pairs_pure
else:  # pragma: no cover - what is measured is the pure form
    plain_pairs = _pairs.plain_pairs

COMPILED = plain_pairs is not plain_pairs_pure
