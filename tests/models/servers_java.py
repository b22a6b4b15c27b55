"""Java's readers of Cookie request fields: Tomcat, Jetty, Undertow, Netty (see servers.py)."""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial

Pairs = list[tuple[bytes, bytes]]

_SPACE = re.compile(rb"[ \t]*")
# RFC 2616 section 2.2: any CHAR except CTLs and separators
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_TO_SEMICOLON = re.compile(rb"[^;]*")
_TO_SEPARATOR = re.compile(rb"[^;,]*")
_TO_EQUALS = re.compile(rb"[^=]*")


class _BrokenFieldError(Exception):
    """The server's reader throws: what it has found so far is all that it finds."""


class _Reader:
    """A place in a field."""

    def __init__(self, field: bytes) -> None:
        self.field = field
        self.at = 0

    def done(self) -> bool:
        return self.at >= len(self.field)

    @property
    def next(self) -> bytes:
        return self.field[self.at : self.at + 1]

    def take(self, pattern: re.Pattern[bytes]) -> bytes:
        found = pattern.match(self.field, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else b""

    def skip(self, octets: bytes) -> bool:
        found = self.field.startswith(octets, self.at)
        self.at += len(octets) if found else 0
        return found

    def skip_past(self, pattern: re.Pattern[bytes]) -> None:
        self.take(pattern)
        self.at += 1


# --- Tomcat ----------------------------------------------------------------------------------------------------------

# cookie-octet of RFC 6265, and UTF-8
_TOMCAT_VALUE = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e\x80-\xff]*")


def tomcat(field: bytes) -> Pairs:
    """Rfc6265CookieProcessor of Tomcat 8.5 to 10.0: `$Version=0` or `1` in front turns RFC 2109 on, with its commas."""
    reader = _Reader(field)
    reader.take(_SPACE)
    versioned = reader.skip(b"$Version")
    reader.take(_SPACE)
    if not (versioned and reader.skip(b"=")):
        return tomcat_rfc6265(field)
    reader.take(_SPACE)
    version = _tomcat_value(reader, b",; \t")
    reader.take(_SPACE)
    known = version in (b"0", b"1") and reader.next in (b";", b",")
    reader.at += 1
    return _tomcat_rfc2109(reader) if known else []


def tomcat_rfc6265(field: bytes) -> Pairs:
    """The same since Tomcat 10.1: token "=" value `;`. A bare token is a cookie; a pair with a wrong octet is none."""
    pairs: Pairs = []
    reader = _Reader(field)
    while not reader.done():
        reader.take(_SPACE)
        name, value = reader.take(_TOKEN), b""
        reader.take(_SPACE)
        if reader.skip(b"="):
            reader.take(_SPACE)
            read = _tomcat_value(reader, b"; \t")
            if read is None:
                reader.skip_past(_TO_SEMICOLON)
                continue
            value = read
            reader.take(_SPACE)
        if not (reader.done() or reader.next == b";"):
            name = b""
        reader.skip_past(_TO_SEMICOLON)
        if name:
            pairs.append((name, value))
    return pairs


def _tomcat_value(reader: _Reader, ends: bytes) -> bytes | None:
    """A quotation may end with a semicolon; None, one octet further, where an octet does not belong into a value."""
    quoted = reader.skip(b'"')
    value = reader.take(_TOMCAT_VALUE)
    if reader.done() or reader.next in ends or (quoted and reader.skip(b'"')):
        return value
    reader.at += 1
    return None


def _tomcat_rfc2109(reader: _Reader) -> Pairs:
    """token "=" (token | quoted-string), `;` or `,` between, $Path and $Domain behind a `;`."""
    pairs: Pairs = []
    while not reader.done():
        reader.take(_SPACE)
        name = reader.take(_TOKEN)
        value, attributes_follow = _rfc2109_value(reader)
        for attribute, token in ((b"$Path", _PATH_TOKEN), (b"$Domain", _TOKEN)):
            if attributes_follow and value is not None and reader.skip(attribute):
                other, attributes_follow = _rfc2109_value(reader, token)
                value = None if other is None else value
        if name and value:
            pairs.append((name, value))
    return pairs


def _rfc2109_value(reader: _Reader, attribute: re.Pattern[bytes] | None = None) -> tuple[bytes | None, bool]:
    """[ "=" value ] separator, and whether that was a `;`. What is invalid is None, and skipped."""
    reader.take(_SPACE)
    value = None if attribute else b""
    if reader.skip(b"="):
        reader.take(_SPACE)
        value = _quoted_string(reader) if reader.next == b'"' else reader.take(attribute or _TOKEN)
        reader.take(_SPACE)
    if value is None or not (reader.done() or reader.next in b";,"):
        reader.skip_past(_TO_SEPARATOR)
        return None, False
    attributes_follow = reader.skip(b";")
    reader.at += not attributes_follow
    reader.take(_SPACE)
    return value, attributes_follow


_PATH_TOKEN = re.compile(rb"[!#$%&'*+\-./^_`|~0-9A-Za-z]*")
_QUOTED_TEXT = re.compile(rb'"(?:\\+[^\\]|[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff])*')


def _quoted_string(reader: _Reader) -> bytes | None:
    text = reader.take(_QUOTED_TEXT)
    if reader.skip(b'"'):
        return text[1:]
    reader.at += 1
    return None


_LEGACY_TO_NAME = re.compile(rb'[\t "(),:;<=>?@\[\\\]{}]*')
_LEGACY_TOKEN = re.compile(rb'[^\t "(),:;<=>?@\[\\\]{}\x00-\x1f\x7f-\xff]*')
_LEGACY_QUOTED = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_FOR_LEGACY = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f-\xff]")


def tomcat_legacy(field: bytes, *, name_only: bool = False) -> Pairs:
    """LegacyCookieProcessor: separators in front of a name are skipped, all of them (`@_ga=1`, `"_ga=1`, `(_ga=1`).

    A name ends at any separator; a control octet or one from 0x7F on ends the reading. `name_only` is allowNameOnly.
    """
    pairs: Pairs = []
    reader = _Reader(field)
    with suppress(_BrokenFieldError):
        while not reader.done():
            reader.take(_LEGACY_TO_NAME)
            special = reader.skip(b"$")
            name = _legacy_token(reader)
            value = _legacy_value(reader)
            reader.skip_past(_TO_SEPARATOR)
            if name and value is not None and not special and (value or name_only):
                pairs.append((name, value))
    return pairs


def _legacy_token(reader: _Reader) -> bytes:
    token = reader.take(_LEGACY_TOKEN)
    if _NOT_FOR_LEGACY.match(reader.next):
        raise _BrokenFieldError
    return token


def _legacy_value(reader: _Reader) -> bytes | None:
    """Empty where there is only a name, None where a value begins with a separator."""
    reader.take(_SPACE)
    if reader.at >= len(reader.field) - 1 or not reader.skip(b"="):
        return b""
    reader.take(_SPACE)
    if reader.skip(b'"'):
        if value := reader.take(_LEGACY_QUOTED):
            return value[:-1]
        raise _BrokenFieldError
    if reader.next in b";,=":
        return b""
    return _legacy_token(reader) or None


# --- Jetty -----------------------------------------------------------------------------------------------------------

_CLOSED_QUOTATION = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)


def jetty_cookie_cutter(field: bytes, *, commas: bool) -> Pairs:
    """CookieCutter of Jetty 9.4 to 11, as RFC 6265 or, with `commas`, RFC 2965 compliance: `,` ends a value like `;`.

    Quotations hide separators; what follows one without a separator is taken back into it. To RFC 2965, `$…` is none.
    """
    pairs: Pairs = []
    reader = _Reader(field)
    while True:
        before = reader.take(_TO_EQUALS)
        if not reader.skip(b"="):
            return pairs
        name = before.rpartition(b";")[2].strip(b" \t")
        reader.take(_SPACE)
        if reader.next == b'"':
            value = _cutter_quotation(reader, b";," if commas else b";")
        else:
            value = reader.take(_TO_SEPARATOR if commas else _TO_SEMICOLON).strip(b" \t")
        reader.at += 1
        if name and not (commas and name.startswith(b"$")):
            pairs.append((name, value))


def _cutter_quotation(reader: _Reader, ends: bytes) -> bytes:
    start = reader.at
    reader.at += 1
    value = b""
    while closed := reader.take(_CLOSED_QUOTATION):
        gap = reader.take(_SPACE)
        value += closed[:-1]
        if reader.next in ends:
            return value
        value += b'"' + gap
    reader.at = len(reader.field)
    return reader.field[start:]


_ATTRIBUTES = {b"$path", b"$domain", b"$port", b"$version", b"$expires", b"$max-age", b"$commenturl", b"$comment"}
_ATTRIBUTES |= {b"$discard", b"$secure"}


class _Jetty12:
    """RFC6265CookieParser: a machine of states, each a method that takes an octet and says whether it is used up."""

    def __init__(self, *, legacy: bool) -> None:
        self.legacy = legacy
        self.pairs: Pairs = []
        self.state: Callable[[bytes], bool] = self.start
        self.forget()
        self.text = b""

    def forget(self) -> None:
        self.name = self.attribute = b""
        self.value = b""
        self.spoilt = False

    def read(self, field: bytes) -> Pairs:
        with suppress(_BrokenFieldError):
            for octet in [bytes([octet]) for octet in field] + [b";"]:
                while not self.state(octet):
                    pass
            if self.name and not self.spoilt:
                self.pairs.append((self.name, self.value))
        return self.pairs

    def start(self, octet: bytes) -> bool:
        if octet in b" \t;":
            return True
        if not _TOKEN.fullmatch(octet):
            self.state = self.invalid
            return True
        if self.name and not (self.legacy and octet == b"$"):
            self.pairs.append((self.name, self.value))
            self.forget()
        self.text, self.state = octet, self.in_name
        return True

    def in_name(self, octet: bytes) -> bool:
        if octet in b"= \t":
            if self.text.startswith(b"$"):
                self.attribute = self.text
            else:
                self.name = self.text
            self.state = self.before_value if octet == b"=" else self.after_name
        elif _TOKEN.fullmatch(octet):
            self.text += octet
        else:
            self.state = self.start if octet == b";" else self.invalid
        return True

    def after_name(self, octet: bytes) -> bool:
        """One octet of space may stand before the `=`; a `,` here starts the next cookie in every mode."""
        self.state = self.before_value if octet == b"=" else self.start if octet in b";," else self.invalid
        return True

    def before_value(self, octet: bytes) -> bool:
        if octet == b" ":
            return True
        self.text = b""
        if octet == b'"':
            self.state = self.in_quotes
        elif octet == b";":
            self.state = self.end
            return False
        elif self.is_cookie_octet(octet):
            self.text, self.state = octet, self.in_value
        else:
            self.state = self.invalid
        return True

    def in_value(self, octet: bytes) -> bool:
        """Spaces within a value are kept, those behind it are not."""
        if octet in b";,\t":
            self.state, self.text = self.end, self.text.rstrip(b" ")
            return False
        self.state = self.in_value if octet == b" " or self.is_cookie_octet(octet) else self.invalid
        self.text += octet
        return True

    def in_quotes(self, octet: bytes) -> bool:
        if octet == b'"':
            self.state = self.after_quotes
        elif octet == b"\\" and self.legacy:
            self.state = self.escaped
        else:
            self.text += octet
            self.spoilt |= not (self.legacy or octet == b" " or self.is_cookie_octet(octet))
        return True

    def escaped(self, octet: bytes) -> bool:
        self.text, self.state = self.text + octet, self.in_quotes
        return True

    def after_quotes(self, octet: bytes) -> bool:
        if octet in b";, \t":
            self.state = self.invalid if self.spoilt else self.end
            return False
        self.state = self.invalid
        return True

    def end(self, octet: bytes) -> bool:
        if octet in b" \t":
            return True
        if octet == b";" or (octet == b"," and self.legacy):
            self.state = self.start
            if not self.attribute:
                self.value = self.text
            elif not self.legacy:
                self.name, self.value = self.attribute, self.text
            elif self.attribute.lower() not in _ATTRIBUTES:
                self.state = self.invalid
            self.attribute = b""
        elif octet == b",":
            self.state = self.invalid
        else:
            raise _BrokenFieldError
        return True

    def invalid(self, octet: bytes) -> bool:
        """The cookie before the invalid one is lost with it."""
        self.forget()
        self.state = self.start if octet == b";" else self.invalid
        return True

    def is_cookie_octet(self, octet: bytes) -> bool:
        return bool(re.fullmatch(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]", octet))


def jetty_12(field: bytes, *, legacy: bool) -> Pairs:
    """Jetty 12, as RFC6265 or, with `legacy`, RFC2965 compliance. `a ,_ga=1` holds `_ga` for both."""
    return _Jetty12(legacy=legacy).read(field)


# --- Undertow and Netty ----------------------------------------------------------------------------------------------

_UNDERTOW_VALUE = re.compile(rb'[^\t "(),;<=>?@\[\\\]{}]*')
_UNDERTOW_QUOTED = re.compile(rb'(?:\\"(?!;|\Z)|[^"])*+"')  # possessive: an escaped quote stays one
_UNDERTOW_QUOTED_COMMAS = re.compile(rb'(?:\\"(?![;,]|\Z)|[^"])*+"')


def undertow(field: bytes, *, commas: bool) -> Pairs:
    """Undertow (WildFly): behind a closing quote the next name begins, with or without a separator: `a="x" _ga=1`."""
    pairs: Pairs = []
    reader = _Reader(field)
    while True:
        reader.take(_BETWEEN_UNDERTOW)
        name = reader.take(_COMMA_NAME if commas else _NAME)
        if reader.done():
            return pairs
        if not reader.skip(b"="):
            reader.at += 1
            continue
        if reader.skip(b'"'):
            quoted = reader.take(_UNDERTOW_QUOTED_COMMAS if commas else _UNDERTOW_QUOTED)
            if not quoted:  # older releases stop here, newer ones go on behind the next separator
                reader.skip_past(_TO_SEPARATOR if commas else _TO_SEMICOLON)
                continue
            value = quoted[:-1]
        else:
            value = reader.take(_UNDERTOW_VALUE)
            reader.skip_past(_TO_SEPARATOR if commas else _TO_SEMICOLON)
        if not name.startswith(b"$") or name in (b"$Version", b"$Path", b"$Domain"):
            pairs.append((name, value))


_NAME = re.compile(rb"[^=;]*")
_COMMA_NAME = re.compile(rb"[^=;,]*")
_BETWEEN_UNDERTOW = re.compile(rb"[ \t;]*")
_BETWEEN_NETTY = re.compile(rb"[\t\n\x0b\x0c\r ,;]*")
_JAVA_SPACE = bytes(range(0x21))  # what String.trim takes


def netty(field: bytes) -> Pairs:
    """ServerCookieDecoder.LAX (Vert.x, Play, Micronaut): commas and white space in front of a name are skipped.

    Names are trimmed of everything up to the space. $Version in front makes $Path, $Domain and $Port attributes.
    """
    pairs: Pairs = []
    reader = _Reader(field)
    versioned = field[:8].lower() == b"$version"
    reader.at = field.find(b";") + 1 if versioned else 0
    while not reader.done():
        reader.take(_BETWEEN_NETTY)
        name = reader.take(_NAME)
        if not reader.skip(b"="):
            continue
        value = reader.take(_TO_SEMICOLON)
        attribute = versioned and name.startswith((b"$Path", b"$Domain", b"$Port"))
        unclosed = value.startswith(b'"') and not (len(value) > 1 and value.endswith(b'"'))
        if name.strip(_JAVA_SPACE) and not attribute and not unclosed:
            pairs.append((name.strip(_JAVA_SPACE), value[1:-1] if value.startswith(b'"') else value))
    return pairs


PARSERS: dict[str, Callable[[bytes], Pairs]] = {
    "tomcat": tomcat,
    "tomcat_rfc6265": tomcat_rfc6265,
    "tomcat_legacy": tomcat_legacy,
    "tomcat_legacy_name_only": partial(tomcat_legacy, name_only=True),
    "jetty_cookie_cutter": partial(jetty_cookie_cutter, commas=False),
    "jetty_cookie_cutter_commas": partial(jetty_cookie_cutter, commas=True),
    "jetty_12": partial(jetty_12, legacy=False),
    "jetty_12_legacy": partial(jetty_12, legacy=True),
    "undertow": partial(undertow, commas=False),
    "undertow_commas": partial(undertow, commas=True),
    "netty": netty,
}
