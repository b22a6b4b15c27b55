"""One request and its response passing the gate: what every adapter calls.

A :class:`Gate` is shared; an :class:`Exchange` is the only state, one for each request::

    exchange = Exchange(gate, "GET", b"example.org", "/", 1763900000)
    request_fields = exchange.request(request_fields)           # what the upstream gets to see
    response_fields = exchange.response(200, response_fields)   # what the visitor gets to see
    exchange.verdicts                                           # why
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gatekeeper.consent.choice import ABSENT
from gatekeeper.cookies.grammar import CONTROL, WSP
from gatekeeper.cookies.request import parse_cookie, plain_pairs
from gatekeeper.enforcement.caches import is_about_caches, make_private
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.enforcement.gate import Gate, Reading
from gatekeeper.enforcement.leftovers import MAX_DELETIONS, deletions
from gatekeeper.enforcement.patience import Asked, Watch
from gatekeeper.enforcement.regional import Place, Regional
from gatekeeper.enforcement.reissue import Kept, reissued
from gatekeeper.enforcement.request import is_plain, sift, sift_known
from gatekeeper.enforcement.response import SET_COOKIE, SETTING, has_set_cookie, is_personal, judge, judge_all, thinned
from gatekeeper.policy.document import Mode
from gatekeeper.policy.verdict import Action, Direction, Outcome, Reason, Ruling, Verdict
from gatekeeper.wire.fields import FieldList, Fields, values

# 200 Set-Cookie fields on one response make Chromium and Firefox evict older cookies, the choice among them.
MAX_SET_COOKIES = 50

# Octets and pairs in the Cookie fields of one request. Browsers keep 180 cookies of a site, of 4 KiB each at most, and
# servers refuse heads of more than this; without a limit one request of 20 MB would keep a worker busy for a minute.
MAX_COOKIE_OCTETS = 64 * 1024
MAX_PAIRS = 600

_SIGNAL_SIZES = (3, 7)  # of "DNT" and "Sec-GPC"
_NOT_IN_TRAILERS = frozenset({b"cookie", *SETTING})
_WATCHED = frozenset({b"cookie", b"sec-gpc", b"dnt", b"sec-fetch-mode", b"accept"})
_NOBODY = frozenset[bytes]()


def watches_request(name: bytes) -> bool:
    """Whether the gate may look at a request field of this name (lower case), or change it."""
    return name in _WATCHED


def watches_response(name: bytes) -> bool:
    """Whether the gate may look at a response field of this name (lower case), or change it."""
    return name in SETTING or is_about_caches(name)


class Exchange:
    """The state of one request and its response; not for two tasks at once.

    ``host`` as in the Host field, ``path`` without the query, ``now`` in seconds since the epoch. ``trusted``: the
    request came from a peer that may say in which region the visitor is.
    """

    __slots__ = (
        "_arrived",
        "_decisions",
        "_kept",
        "_sent",
        "choice",
        "fault",
        "gate",
        "host",
        "method",
        "now",
        "outcomes",
        "path",
        "stubborn",
        "trusted",
    )

    def __init__(self, gate: Gate, method: str, host: bytes, path: str, now: int, trusted: bool = False) -> None:
        self.gate = gate
        self.method = method
        self.host = gate.hosts.get(host) or gate.host(host)
        self.path = path
        self.now = now
        self.trusted = trusted
        self.choice = ABSENT
        self.outcomes: list[Outcome] = []
        self.fault: Exception | None = None
        self.stubborn: Sequence[Ruling] = ()  # on refused cookies that have just been found not to go
        self._decisions: Decisions | None = None
        # On a navigation: what is refused and came all the same, in these Cookie field values, on such a connection.
        self._arrived: tuple[Mapping[bytes, Ruling], list[bytes], Asked | None] | None = None
        # On a navigation: what is to be written again, and whether as Secure.
        self._kept: tuple[tuple[Kept, ...], bool] | None = None
        self._sent: frozenset[bytes] = _NOBODY

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Every verdict so far, in order; cookie-names, never values."""
        return tuple(verdict for verdict, _ in self.outcomes)

    def request(self, fields: FieldList, kept: list[Any] | None = None, asked: Asked | None = None) -> FieldList:
        """The request's fields as the upstream may see them.

        ``kept`` is empty at first, and belongs to these very fields: where they all pass, it comes to hold under which
        gate and by what choice, so that the next exchange with the same fields need not look at them again. ``asked``
        is empty at first, and belongs to the connection of one visitor: it comes to hold what was to be deleted there.
        """
        if self.gate.is_off:
            return fields
        if kept and kept[0] is self.gate:
            reading = kept[1]
            if self.now < reading.until:
                if reading.kept:
                    self._weigh(reading, fields)
                else:
                    # As _weigh() does, without the step: a visitor's next request mostly comes this way.
                    self.choice = reading.choice
                    self._decisions = reading.decisions
                return fields
        try:
            return self._request(fields, kept, asked)
        except Exception as fault:  # noqa: BLE001 — principle 1: whatever breaks in here, nothing gets past
            self.fault = fault
            return self._closed_request(fields)

    def response(self, status: int, fields: FieldList) -> FieldList:
        """The response's fields as the visitor may see them; called again for each interim (1xx) response."""
        if self.gate.is_off:
            return fields
        before = len(self.outcomes)
        if self.fault is not None:
            # Without a choice that could be read, not even what undecided visitors get is sure: they may have objected.
            return self._closed_response(fields)
        try:
            return self._response(status, fields)
        except Exception as fault:  # noqa: BLE001 — as above
            self.fault = fault
            del self.outcomes[before:]
            return self._closed_response(fields)

    def trailers(self, fields: FieldList) -> FieldList:
        """Trailer fields without Cookie and Set-Cookie: they are no trailers (RFC 9110 section 6.5.1), and browsers
        ignore them there.
        """
        if self.gate.policy.enforcement.mode is not Mode.ENFORCE:
            return fields
        same: Fields = fields
        kept = tuple([field for field in same if field[0].lower() not in _NOT_IN_TRAILERS])
        return fields if len(kept) == len(fields) else kept

    # --- the request -------------------------------------------------------------------------------------------------

    def _request(self, fields: FieldList, kept: list[Any] | None, asked: Asked | None) -> FieldList:
        gate = self.gate
        cookies, signal = self._told(fields)
        place = None if gate.regional is None else gate.regional.of(fields, trusted=self.trusted)
        if not cookies:
            if signal or place is not None:
                self._weigh(gate.reading_of((), signal, self.now, place), fields)
            return fields
        few = len(cookies) == 1 and len(cookies[0]) <= MAX_COOKIE_OCTETS
        plain = plain_pairs(cookies[0], gate.consent_names) if few else None
        if plain is None or len(plain[1]) > MAX_PAIRS + 1:
            return self._look_at_each(fields, cookies, signal, place, asked)
        names, pairs, told = plain
        reading = gate.reading_of(tuple(told), signal, self.now, place)
        decisions = self._weigh(reading, fields)
        if gate.needs_sent_names:
            self._sent = frozenset(names)
        if gate.may_skip:
            if decisions.sent_as_is.issuperset(names):
                if kept is not None and not gate.needs_sent_names:
                    kept[:] = gate, reading
                return fields
            known = sift_known(names, pairs, decisions) if gate.strips else None
            if known is not None:
                left, outcomes, blocked = known
                self.outcomes += outcomes
                self._note(blocked, fields, cookies, asked)
                return _with_cookies(fields, [b"; ".join(left) if left else None])
        if gate.has_unread(names):
            decisions = self._weigh(gate.reading(cookies, signal=signal, now=self.now, place=place), fields)
        return self._sift(fields, cookies, decisions, asked)

    def _told(self, fields: FieldList) -> tuple[list[bytes], bool]:
        """The values of the Cookie fields, and whether a signal was given that counts."""
        signals = self.gate.signals
        cookies = []
        signal = False
        for name, value in fields:
            size = len(name)
            if size == 6:
                if name.lower() == b"cookie":
                    cookies.append(value)
            elif size in _SIGNAL_SIZES and name.lower() in signals and value.strip(WSP) == b"1":
                signal = True
        return cookies, signal

    def _weigh(self, reading: Reading, fields: FieldList) -> Decisions:
        self.choice = reading.choice
        self._decisions = decisions = reading.decisions
        if reading.kept and _is_navigation(fields):
            # Fetch Metadata is sent to secure origins alone, so it tells the scheme, whoever ends TLS.
            self._kept = (reading.kept, bool(values(fields, b"sec-fetch-mode")))
        return decisions

    def _note(
        self, blocked: Mapping[bytes, Ruling], fields: FieldList, cookies: list[bytes], asked: Asked | None
    ) -> None:
        if asked:
            found = Watch(self.gate.patience, asked, cookies, blocked).look()
            self.stubborn = [blocked[name] for name in found]
        if blocked and _is_navigation(fields):
            self._arrived = (blocked, cookies, asked)

    def _look_at_each(
        self, fields: FieldList, cookies: list[bytes], signal: bool, place: Place | None, asked: Asked | None
    ) -> FieldList:
        """The long way, for fields of which some parser might make something else than browsers mean."""
        gate = self.gate
        if _is_oversized(cookies):
            self._weigh(gate.doubted(place), fields)
            if not (gate.enforces and gate.policy.enforcement.strip_requests):
                return fields
            self.outcomes.append((_faulted(Direction.REQUEST, b"", Reason.MALFORMED), None))
            return self._without_doubt(fields)
        decisions = self._weigh(gate.reading(cookies, signal=signal, now=self.now, place=place), fields)
        if gate.needs_sent_names:
            self._sent = frozenset(pair.name for value in cookies for pair in parse_cookie(value))
        return self._sift(fields, cookies, decisions, asked)

    def _sift(self, fields: FieldList, cookies: list[bytes], decisions: Decisions, asked: Asked | None) -> FieldList:
        gate = self.gate
        sifted = sift(
            cookies,
            decisions,
            self.host,
            self.path,
            hides=gate.hides,
            strips=gate.policy.enforcement.strip_requests,
            passes=gate.record_passes,
        )
        self.outcomes += sifted.outcomes
        self._note(sifted.blocked, fields, cookies, asked)
        return fields if sifted.fields == cookies else _with_cookies(fields, sifted.fields)

    def _closed_request(self, fields: FieldList) -> FieldList:
        """Only what is required without any doubt."""
        enforcement = self.gate.policy.enforcement
        if not self.gate.enforces or not enforcement.strip_requests:
            return fields
        for value in values(fields, b"cookie"):
            for raw in value.split(b";", MAX_PAIRS):
                name = _name(raw)
                if raw.strip(WSP) and name not in self.gate.always:
                    self.outcomes.append((_faulted(Direction.REQUEST, name), None))
        return self._without_doubt(fields)

    def _without_doubt(self, fields: FieldList) -> FieldList:
        known = self.gate.always - self.gate.certain if self.gate.hides else self.gate.always
        cookies: list[bytes | None] = []
        for value in values(fields, b"cookie"):
            segments = value.split(b";") if is_plain(value) else []
            kept = [raw for raw in segments if _name(raw) in known]
            cookies.append(b";".join(kept).lstrip(WSP) or None)
        return _with_cookies(fields, cookies)

    # --- the response ------------------------------------------------------------------------------------------------

    def _response(self, status: int, fields: FieldList) -> FieldList:
        decisions = self._decisions
        if decisions is None:
            if not has_set_cookie(fields):
                return fields
            # Nothing was said; or an adapter's mistake, a response without a request, which must not open the gate.
            decisions = self._weigh(self.gate.reading_of((), False, self.now), ())
        fields, outcomes, personal = judge_all(fields, decisions.remembered, self.now, self._ask)
        if len(outcomes) > MAX_SET_COOKIES:
            fields, outcomes = thinned(fields, outcomes, MAX_SET_COOKIES)
            personal = any(map(is_personal, outcomes))
        enforcement = self.gate.policy.enforcement
        if self._arrived is not None and status >= 200 and enforcement.expire_leftovers:
            expired = self._expire(decisions, outcomes)
            fields += tuple((SET_COOKIE, field) for _, field in expired)
            outcomes += expired
            personal = personal or any(map(is_personal, expired))
        if self._kept is not None and status >= 200:
            again = reissued(*self._kept, decisions, self.host, self.path, outcomes, now=self.now, most=MAX_SET_COOKIES)
            if again:
                # One visitor's choice must not become another's, even where nobody asked to protect caches.
                fields = make_private((*fields, *((SET_COOKIE, field) for _, field in again)))
                outcomes += again
                personal = personal or any(map(is_personal, again))
        if not outcomes:
            return fields
        self.outcomes += outcomes
        if enforcement.protect_caches and status >= 200:
            regional = self.gate.regional
            if regional is not None and any(_depends(verdict, regional) for verdict, _ in outcomes):
                fields = (*fields, (b"vary", regional.vary))
            if personal:
                return make_private(fields)
        return fields

    def _ask(self, value: bytes) -> Outcome:
        decisions = self._decisions
        assert decisions is not None  # noqa: S101 — the caller looked
        return judge(value, decisions, self.gate.scopes, self.host, self.path, self.now, self._sent)

    def _expire(self, decisions: Decisions, outcomes: list[Outcome]) -> list[tuple[Verdict, bytes]]:
        """Deletions for blocked cookies that came with the request."""
        assert self._arrived is not None  # noqa: S101 — the caller looked
        blocked, cookies, asked = self._arrived
        leaving = [verdict.cookie for verdict, result in outcomes if result is not None]
        deleted = sum(verdict.action in (Action.REWRITE, Action.EXPIRE) for verdict, _ in outcomes)
        return deletions(
            blocked,
            decisions,
            self.gate.scopes,
            Watch(self.gate.patience, asked, cookies, blocked),
            self.host,
            self.path,
            already=frozenset(leaving),
            now=self.now,
            room=min(MAX_DELETIONS - deleted, MAX_SET_COOKIES - len(leaving)),
        )

    def _closed_response(self, fields: FieldList) -> FieldList:
        """The page, without any cookie that is not required without doubt."""
        gate = self.gate
        if not gate.enforces:
            return fields
        known = gate.always if gate.policy.consent.upstream_may_set else gate.always - gate.certain
        kept: list[Any] = []
        same: Fields = fields
        leaving = 0
        chosen = False
        for field in same:
            name, value = field
            key = name.lower()
            if key in SETTING:
                sure = key == SET_COOKIE and _name(value) in known and not CONTROL.search(value)
                leaving += sure
                if not sure or leaving > MAX_SET_COOKIES:
                    self.outcomes.append((_faulted(Direction.RESPONSE, _name(value)), None))
                    continue
                chosen = chosen or _name(value) in gate.certain
            kept.append(field)
        if chosen and gate.policy.enforcement.protect_caches:
            # The visitor's choice leaves: no cache may hand it to another. Said without a look at what else is said.
            kept.append((b"cache-control", b"private"))
        return tuple(kept)


def _name(pair: bytes) -> bytes:
    """The cookie-name of a pair or Set-Cookie field value; empty where no "=" makes it one."""
    name, equals, _ = pair.partition(b"=")
    return name.strip(WSP) if equals else b""


def _is_navigation(fields: FieldList) -> bool:
    """Whether the visitor goes to a page with this request (Fetch Metadata; older browsers are known by what they
    accept).
    """
    accepts = False
    for name, value in fields:
        size = len(name)
        if size == 14 and name.lower() == b"sec-fetch-mode":
            return value.strip(WSP) == b"navigate"
        if size == 6 and not accepts and name.lower() == b"accept":
            accepts = b"text/html" in value.lower()
    return accepts


def _depends(verdict: Verdict, regional: Regional) -> bool:
    """Whether it might be another in another region."""
    return verdict.mode is Mode.ENFORCE and verdict.category in regional.dependent


def _is_oversized(cookies: list[bytes]) -> bool:
    return sum(map(len, cookies)) > MAX_COOKIE_OCTETS or sum(value.count(b";") for value in cookies) > MAX_PAIRS


def _faulted(direction: Direction, name: bytes, reason: Reason = Reason.FAULT) -> Verdict:
    return Verdict(direction, name, None, None, Action.DROP, reason)


def _with_cookies(fields: FieldList, cookies: list[bytes | None]) -> FieldList:
    """The fields with the values of the Cookie fields replaced in order; None takes a field out."""
    replaced = iter(cookies)
    changed = []
    same: Fields = fields
    for field in same:
        name, value = field
        if len(name) == 6 and name.lower() == b"cookie":
            left = next(replaced)
            if left is None:
                continue
            if left != value:
                field = (name, left)
        changed.append(field)
    return tuple(changed)
