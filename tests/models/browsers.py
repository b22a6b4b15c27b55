"""What a browser holds after a `Set-Cookie`, and what it sends back: the judges of the property tests.

`Rfc6265bis` is the standard's section 5, of a draft that knows `__Secure-` and `__Host-`. `Chromium` and `Firefox` say
only where they leave it. test_browsers.py holds them to what Chromium 156 and Firefox ESR 153 did with every case of
the data; the corners that the data leave out follow the browsers' published sources, of somewhat older releases.
Nothing here may look at gatekeeper: a judge that shares the defendant's code is none.

The request is a top-level navigation to `url` itself, so SameSite never withholds a cookie. Not modelled: IDNA, the
whole Public Suffix List (single labels, and what the caller names), clock skew by `Date`, limits over the whole jar.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from tests.models import dates

WSP = b" \t"
LIFETIME_LIMIT = 400 * 86400  # RFC 6265bis section 5.5: "400 days"
SIZE_LIMIT = 4096  # section 5.6: name plus value
ATTRIBUTE_LIMIT = 1024  # section 5.6: an attribute-value
EARLIEST, LATEST = float("-inf"), float("inf")
# section 5.6: %x00-08 / %x0A-1F / %x7F, CTL characters excluding HTAB
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SET_COOKIE_LINE = re.compile(rb"set-cookie[ \t]*:(.*)", re.IGNORECASE | re.DOTALL)
TODAY = 1_795_132_800.0  # 2026-11-20, the day on which the browsers were observed


@dataclass(frozen=True, slots=True)
class StoredCookie:
    """A cookie in the jar; `expires` is None for a session cookie, `samesite` one of Strict, Lax, None, Default."""

    name: bytes
    value: bytes
    domain: str
    host_only: bool
    path: bytes
    expires: float | None
    secure: bool
    httponly: bool
    samesite: str
    partitioned: bool

    @property
    def identity(self) -> tuple[bytes, str, bool, bytes, bool]:
        """Section 5.7 step 23: what a new cookie takes the place of."""
        return self.name, self.domain, self.host_only, self.path, self.partitioned


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a response came from: the scheme, the canonical host (section 5.1.2), the octets of the path."""

    scheme: str
    host: str
    path: bytes

    @classmethod
    def of(cls, url: str) -> "Origin":
        parts = urlsplit(url)
        return cls(parts.scheme, (parts.hostname or "").lower(), (parts.path or "/").encode())

    @property
    def https(self) -> bool:
        return self.scheme in ("https", "wss")

    @property
    def is_address(self) -> bool:
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def trustworthy(self) -> bool:
        """Browsers take loopback for a secure protocol."""
        loopback = ip_address(self.host).is_loopback if self.is_address else self.host.endswith(".localhost")
        return self.https or loopback or self.host == "localhost"


@dataclass(frozen=True, slots=True)
class Line:
    """A set-cookie-string after section 5.6: the pair, and the attributes with lower-case names in their order."""

    name: bytes
    value: bytes
    attributes: tuple[tuple[bytes, bytes], ...]

    def all(self, name: bytes) -> list[bytes]:
        return [value for attribute, value in self.attributes if attribute == name]

    def last(self, name: bytes) -> bytes | None:
        return next(reversed(self.all(name)), None)


def default_path(path: bytes) -> bytes:
    """Section 5.1.4."""
    return path[: path.rfind(b"/")] or b"/" if path.startswith(b"/") else b"/"


def path_match(request: bytes, cookie: bytes) -> bool:
    """Section 5.1.4."""
    return request == cookie or (
        request.startswith(cookie) and (cookie.endswith(b"/") or request[len(cookie) :].startswith(b"/"))
    )


def domain_match(host: str, domain: str) -> bool:
    """Section 5.1.3, for a host that is a name."""
    return host == domain or host.endswith("." + domain)


class Rfc6265bis:
    """The standard's user agent. `clock` gives seconds since 1970; `public_suffixes` go on top of the single labels."""

    only_the_last_lifetime_counts = False
    flags_are_measured = True  # an over-long value hides Secure, HttpOnly, SameSite and Partitioned too
    partitions = False
    prefixes: tuple[bytes, ...] = (b"__secure-", b"__host-")
    http_prefixes: tuple[bytes, ...] = ()
    line_break: re.Pattern[bytes] | None = None  # what the reader of heads in front of the jar takes for one
    most_per_site: int | None = None
    kept_per_site = 150

    def __init__(self, clock: Callable[[], float], *, public_suffixes: Collection[str] = ()) -> None:
        self._clock = clock
        self._suffixes = frozenset(public_suffixes)
        self._jar: list[StoredCookie] = []  # by creation-time

    # --- the three doors ---

    def receive(self, url: str, set_cookie: bytes | Iterable[bytes]) -> None:
        """A response from `url` with these Set-Cookie field values."""
        origin = Origin.of(url)
        for field in [set_cookie] if isinstance(set_cookie, bytes) else set_cookie:
            for text in self._lines(field):
                line = self._parse(text)
                if line and (cookie := self._cookie(origin, line)) and self._acceptable(origin, line, cookie):
                    self._put(cookie)

    @property
    def cookies(self) -> list[StoredCookie]:
        """The cookies that have not expired, by creation-time."""
        now = self._clock()
        self._jar = [cookie for cookie in self._jar if cookie.expires is None or cookie.expires > now]
        return list(self._jar)

    def cookie_header(self, url: str) -> bytes | None:
        """Section 5.8.3: the field value of a request to `url`; longer paths first, then the older cookies."""
        origin = Origin.of(url)
        sent = sorted((c for c in self.cookies if self._goes_to(origin, c)), key=lambda cookie: -len(cookie.path))
        return b"; ".join(self.pair(cookie) for cookie in sent) or None

    # --- section 5.6: the set-cookie-string ---

    def _lines(self, field: bytes) -> Iterator[bytes]:
        """The field values which a browser finds in one, for where a bare CR or LF ends a line."""
        first, *rest = self.line_break.split(field) if self.line_break else [field]
        yield first
        for line in rest:
            if found := _SET_COOKIE_LINE.fullmatch(line):
                yield found[1].strip(WSP)

    def _parse(self, text: bytes) -> Line | None:
        if _CONTROL.search(text):
            return None
        pair, *rest = text.split(b";")
        name, equals, value = pair.partition(b"=")
        if not equals:
            name, value = self._without_equals(pair)
        name, value = name.strip(WSP), value.strip(WSP)
        if not 0 < len(name) + len(value) <= SIZE_LIMIT:
            return None
        return Line(name, value, tuple(self._attributes(rest)))

    def _without_equals(self, pair: bytes) -> tuple[bytes, bytes]:
        return b"", pair

    def _attributes(self, pieces: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for piece in pieces:
            name, _, value = (part.strip(WSP) for part in piece.partition(b"="))
            is_flag = name.lower() in (b"secure", b"httponly", b"samesite", b"partitioned")
            if len(value) <= ATTRIBUTE_LIMIT or (is_flag and not self.flags_are_measured):
                yield name.lower(), value

    # --- section 5.7: the storage model ---

    def _cookie(self, origin: Origin, line: Line) -> StoredCookie | None:
        scope = self._scope(origin, line.last(b"domain") or b"")
        path = line.last(b"path") or b""
        same_site = (line.last(b"samesite") or b"").lower()
        return scope and StoredCookie(
            name=line.name,
            value=line.value,
            domain=scope[0],
            host_only=scope[1],
            path=path if path.startswith(b"/") else default_path(origin.path),
            expires=self._expires(line),
            secure=line.last(b"secure") is not None,
            httponly=line.last(b"httponly") is not None,
            samesite=same_site.decode().title() if same_site in (b"strict", b"lax", b"none") else "Default",
            partitioned=self.partitions and line.last(b"partitioned") is not None,
        )

    def _scope(self, origin: Origin, attribute: bytes) -> tuple[str, bool] | None:
        """Steps 7 to 10: the domain and the host-only-flag; None where the Domain attribute is not for this host."""
        if not attribute.isascii():
            return None
        domain = attribute.removeprefix(b".").lower().decode()
        if not domain:
            return origin.host, True
        if origin.is_address or self._is_public_suffix(domain):
            return (origin.host, True) if domain == origin.host else None
        return (domain, False) if domain_match(origin.host, domain) else None

    def _is_public_suffix(self, domain: str) -> bool:
        return "." not in domain or domain in self._suffixes

    def _expires(self, line: Line) -> float | None:
        """Step 6: Max-Age before Expires, the last of each, none later than in 400 days."""
        now = self._clock()
        for name, read in ((b"max-age", self._max_age), (b"expires", self._date)):
            values = line.all(name)[-1:] if self.only_the_last_lifetime_counts else line.all(name)
            found = [seconds for value in values if (seconds := read(value)) is not None]
            if found:
                return min(found[-1] + (now if read == self._max_age else 0), now + LIFETIME_LIMIT)
        return None

    def _max_age(self, value: bytes) -> float | None:
        """Section 5.6.2: a DIGIT, or a "-" with a DIGIT after it, then DIGITs only."""
        if not re.fullmatch(rb"-?[0-9]+", value):
            return None
        return int(value) if int(value) > 0 else EARLIEST

    def _date(self, value: bytes) -> float | None:
        return dates.rfc6265bis(value)

    def _acceptable(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        """Steps 13 to 22."""
        if not (self._secure_protocol(origin) or self._leaves_secure_alone(cookie)):
            return False
        if cookie.samesite == "None" and not cookie.secure:
            return False
        return self._keeps_prefix(origin, line, cookie)

    def _secure_protocol(self, origin: Origin) -> bool:
        return origin.trustworthy

    def _leaves_secure_alone(self, cookie: StoredCookie) -> bool:
        """Steps 13 and 16: without a secure protocol no Secure cookie is set, and none is shadowed or overwritten."""
        return not cookie.secure and not any(
            old.secure
            and old.name == cookie.name
            and (domain_match(old.domain, cookie.domain) or domain_match(cookie.domain, old.domain))
            and path_match(cookie.path, old.path)
            for old in self.cookies
        )

    def _keeps_prefix(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        """Steps 20 to 22 and section 5.4; prefixes are compared without regard to case."""
        name = cookie.name.lower()
        if not name:
            return not cookie.value.lower().startswith(self.prefixes)
        if not name.startswith(self.prefixes):
            return True
        if not cookie.secure or (name.startswith(self.http_prefixes) and not cookie.httponly):
            return False
        return not name.startswith(b"__host-") or self._keeps_host_prefix(origin, line, cookie)

    def _keeps_host_prefix(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        return cookie.host_only and line.last(b"path") == b"/"

    def _put(self, cookie: StoredCookie) -> None:
        """Steps 23 and 24: in the place of the old one, or at the end; an expired one only takes the old one away."""
        jar = self.cookies
        place = next((at for at, old in enumerate(jar) if old.identity == cookie.identity), len(jar))
        replaced = jar[place : place + 1]
        if replaced and not self._keeps_creation_time(replaced[0], cookie):
            del jar[place]
            place = len(jar)
        alive = cookie.expires is None or cookie.expires > self._clock()
        jar[place : place + 1] = [cookie] if alive else []
        self._jar = self._evict(jar, cookie)

    def _keeps_creation_time(self, old: StoredCookie, new: StoredCookie) -> bool:
        return True

    def _evict(self, jar: list[StoredCookie], new: StoredCookie) -> list[StoredCookie]:
        """Section 5.7, last paragraphs: too many cookies of one site; the oldest go, those without Secure first."""
        if self.most_per_site is None:
            return jar
        site = [c for c in jar if (self._site(c), c.partitioned) == (self._site(new), new.partitioned)]
        if len(site) <= self.most_per_site:
            return jar
        gone = sorted(site, key=lambda cookie: cookie.secure)[: len(site) - self.kept_per_site]
        return [cookie for cookie in jar if cookie not in gone]

    def _site(self, cookie: StoredCookie) -> str:
        labels = cookie.domain.split(".")
        if labels[-1].isdigit():  # an address
            return cookie.domain
        ends = (".".join(labels[at:]) for at in range(len(labels)))
        return next((end for end in ends if self._is_public_suffix(end.partition(".")[2])), cookie.domain)

    # --- section 5.8: the request ---

    def _goes_to(self, origin: Origin, cookie: StoredCookie) -> bool:
        host_matches = origin.host == cookie.domain or (
            not cookie.host_only and not origin.is_address and domain_match(origin.host, cookie.domain)
        )
        secure_enough = not cookie.secure or self._secure_protocol(origin)
        return host_matches and secure_enough and path_match(origin.path, cookie.path)

    def pair(self, cookie: StoredCookie) -> bytes:
        """Section 5.8.3 step 4: how the cookie is written into a Cookie field."""
        return cookie.name + b"=" + cookie.value if cookie.name else cookie.value


class _Browser(Rfc6265bis):
    """Where Chromium and Firefox leave the standard together."""

    only_the_last_lifetime_counts = True
    partitions = True
    prefixes = (b"__secure-", b"__host-", b"__http-", b"__host-http-")
    http_prefixes = (b"__http-", b"__host-http-")
    most_per_site = 180

    def _scope(self, origin: Origin, attribute: bytes) -> tuple[str, bool] | None:
        return None if attribute == b"." else super()._scope(origin, attribute)

    def _acceptable(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        return (cookie.secure or not cookie.partitioned) and super()._acceptable(origin, line, cookie)


class Chromium(_Browser):
    """Chromium 156."""

    line_break = re.compile(rb"[\r\n]")

    def _parse(self, text: bytes) -> Line | None:
        """A TAB within a name, a value or an attribute counts as a control octet; no `=` in a nameless cookie."""
        parts = (part.strip(WSP) for piece in text.split(b";") for part in piece.split(b"=", 1))
        line = None if any(b"\t" in part for part in parts) else super()._parse(text)
        return line if line and (line.name or b"=" not in line.value) else None

    def _max_age(self, value: bytes) -> float | None:
        """An optional sign and digits. A number too large for 64 bits counts even with junk behind it."""
        sign, digits, junk = re.fullmatch(rb"([+-]?)([0-9]*)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]
        number, limit = int(digits or b"0"), 2**63 - (sign != b"-")
        if digits and (number >= limit or not junk):
            return EARLIEST if sign == b"-" or number == 0 else min(number, limit)
        return None

    def _date(self, value: bytes) -> float | None:
        return dates.chromium(value)

    def _acceptable(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        """Loopback may set Secure cookies, but none with a prefix or Partitioned."""
        needs_https = cookie.partitioned or cookie.name.lower().startswith(self.prefixes)
        return (origin.https or not needs_https) and super()._acceptable(origin, line, cookie)

    def _keeps_host_prefix(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        own_domain = not line.last(b"domain") or origin.is_address
        return own_domain and super()._keeps_host_prefix(origin, line, cookie)

    def _keeps_creation_time(self, old: StoredCookie, new: StoredCookie) -> bool:
        return old.value == new.value


class Firefox(_Browser):
    """Firefox ESR 153."""

    flags_are_measured = False
    line_break = re.compile(rb"\r?\n")

    def _parse(self, text: bytes) -> Line | None:
        """No nameless cookies: a pair without `=` is a name, one that begins with `=` is refused."""
        line = super()._parse(text)
        return line if line and line.name else None

    def _without_equals(self, pair: bytes) -> tuple[bytes, bytes]:
        return pair, b""

    def _cookie(self, origin: Origin, line: Line) -> StoredCookie | None:
        """A value is text: what is not UTF-8 in it becomes U+FFFD. A name stays as it is."""
        cookie = super()._cookie(origin, line)
        return cookie and replace(cookie, value=cookie.value.decode(errors="replace").encode())

    def _max_age(self, value: bytes) -> float | None:
        """Whatever begins with `-` is in the past; else digits, and a number too large for 64 bits before any junk."""
        digits, junk = re.fullmatch(rb"([0-9]*)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]
        if value.startswith(b"-"):
            return EARLIEST
        if not digits or (junk and int(digits) < 2**63):
            return None
        return int(digits)

    def _date(self, value: bytes) -> float | None:
        return dates.firefox(value)

    def _acceptable(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        return b"\t" not in cookie.path and super()._acceptable(origin, line, cookie)

    def _keeps_host_prefix(self, origin: Origin, line: Line, cookie: StoredCookie) -> bool:
        """The path that results counts, not the attribute."""
        return cookie.host_only and cookie.path == b"/"


BROWSERS: tuple[type[Rfc6265bis], ...] = (Chromium, Firefox, Rfc6265bis)


def stored_names(url: str, set_cookie: bytes | Iterable[bytes], *, now: float = TODAY) -> set[bytes]:
    """Every name under which one of the browsers holds one of these cookies, or a server reads it when it comes back.

    A nameless cookie `_ga=1` comes back as `_ga=1`, and `_ga` as `_ga`: both have the name `_ga` to whoever reads them.
    """
    fields = [set_cookie] if isinstance(set_cookie, bytes) else list(set_cookie)
    names = set()
    for browser in BROWSERS:
        jar = browser(lambda: now)
        jar.receive(url, fields)
        names |= {cookie.name or jar.pair(cookie).partition(b"=")[0].strip(WSP) for cookie in jar.cookies}
    return names
