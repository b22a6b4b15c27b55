"""One request and its response passing the gate: what every adapter calls.

A :class:`Gate` is shared; an :class:`Exchange` is the only state, one for each request::

    exchange = Exchange(gate, method="GET", host=b"example.org", path="/", now=1763900000)
    request_fields = exchange.request(request_fields)           # what the upstream gets to see
    response_fields = exchange.response(200, response_fields)   # what the visitor gets to see
    exchange.verdicts                                           # why
"""

from gatekeeper.consent.choice import ABSENT
from gatekeeper.cookies.grammar import CONTROL, WSP
from gatekeeper.cookies.request import parse_cookie
from gatekeeper.cookies.scope import canonical_host
from gatekeeper.enforcement.caches import make_private
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.leftovers import MAX_DELETIONS, deletions
from gatekeeper.enforcement.request import is_plain, sift
from gatekeeper.enforcement.response import Outcome, judge
from gatekeeper.policy.document import Mode
from gatekeeper.policy.verdict import Action, Direction, Reason, Ruling, Verdict
from gatekeeper.wire.fields import FieldList, values

# 200 Set-Cookie fields on one response make Chromium and Firefox evict older cookies, the choice among them.
MAX_SET_COOKIES = 50

# Octets and pairs in the Cookie fields of one request. Browsers keep 180 cookies of a site, of 4 KiB each at most, and
# servers refuse heads of more than this; without a limit one request of 20 MB would keep a worker busy for a minute.
MAX_COOKIE_OCTETS = 64 * 1024
MAX_PAIRS = 600

# RFC 6265 section 9.4 made Set-Cookie2 historic; no browser reads it, and a cookie in it was judged by nobody.
_SET_COOKIE, _SET_COOKIE2 = b"set-cookie", b"set-cookie2"
_SETTING = (_SET_COOKIE, _SET_COOKIE2)
_LENGTHS = (10, 11)
_LAST_TO_GO = (Reason.REQUIRED, Reason.CONSENT_COOKIE)
_NOT_IN_TRAILERS = frozenset({b"cookie", _SET_COOKIE, _SET_COOKIE2})


class Exchange:
    """The state of one request and its response; not for two tasks at once.

    ``host`` as in the Host field, ``path`` without the query, ``now`` in seconds since the epoch.
    """

    __slots__ = (
        "_blocked",
        "_decisions",
        "_navigates",
        "_sent",
        "choice",
        "fault",
        "gate",
        "host",
        "method",
        "now",
        "outcomes",
        "path",
    )

    def __init__(self, gate: Gate, *, method: str, host: bytes, path: str, now: int) -> None:
        self.gate = gate
        self.method = method
        self.host = canonical_host(host)
        self.path = path
        self.now = now
        self.choice = ABSENT
        self.outcomes: list[Outcome] = []
        self.fault: Exception | None = None
        self._decisions: Decisions | None = None
        self._blocked: dict[bytes, Ruling] = {}
        self._navigates = False
        self._sent: frozenset[bytes] = frozenset()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Every verdict so far, in order; cookie-names, never values."""
        return tuple(verdict for verdict, _ in self.outcomes)

    def request(self, fields: FieldList) -> FieldList:
        """The request's fields as the upstream may see them."""
        if self.gate.policy.enforcement.mode is Mode.OFF:
            return fields
        try:
            return self._request(fields)
        except Exception as fault:  # noqa: BLE001 — principle 1: whatever breaks in here, nothing gets past
            self.fault = fault
            return self._closed_request(fields)

    def response(self, status: int, fields: FieldList) -> FieldList:
        """The response's fields as the visitor may see them; called again for each interim (1xx) response."""
        if self.gate.policy.enforcement.mode is Mode.OFF:
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
        return tuple(field for field in fields if field[0].lower() not in _NOT_IN_TRAILERS)

    # --- the request -------------------------------------------------------------------------------------------------

    def _request(self, fields: FieldList) -> FieldList:
        gate = self.gate
        consent = gate.policy.consent
        cookies = values(fields, b"cookie")
        if cookies and _is_oversized(cookies):
            if not (gate.enforces and gate.policy.enforcement.strip_requests):
                return fields
            self.outcomes.append((_faulted(Direction.REQUEST, b"", Reason.MALFORMED), None))
            return self._without_doubt(fields)
        signal = (bool(consent.gpc) and _is_on(fields, b"sec-gpc")) or (consent.dnt and _is_on(fields, b"dnt"))
        reading = gate.reading(cookies, signal=signal, now=self.now)
        self.choice, self._decisions = reading.choice, reading.decisions
        if not cookies:
            return fields
        if gate.needs_sent_names:
            self._sent = frozenset(pair.name for value in cookies for pair in parse_cookie(value))
        sifted = sift(
            cookies,
            reading.decisions,
            self.host,
            self.path,
            hidden=gate.hidden,
            strips=gate.policy.enforcement.strip_requests,
            passes=gate.record_passes,
        )
        self.outcomes += sifted.outcomes
        self._blocked = sifted.blocked
        self._navigates = bool(sifted.blocked) and _is_navigation(fields)
        return fields if sifted.fields == cookies else _with_cookies(fields, sifted.fields)

    def _closed_request(self, fields: FieldList) -> FieldList:
        """Only what is required without any doubt."""
        enforcement = self.gate.policy.enforcement
        if not self.gate.enforces or not enforcement.strip_requests:
            return fields
        for value in values(fields, b"cookie"):
            for raw in value.split(b";", MAX_PAIRS):
                name = _name(raw)
                if raw.strip(WSP) and name not in self.gate.hidden and name not in self.gate.always:
                    self.outcomes.append((_faulted(Direction.REQUEST, name), None))
        return self._without_doubt(fields)

    def _without_doubt(self, fields: FieldList) -> FieldList:
        known = self.gate.always - self.gate.hidden
        cookies: list[bytes | None] = []
        for value in values(fields, b"cookie"):
            segments = value.split(b";") if is_plain(value) else []
            kept = [raw for raw in segments if _name(raw) in known]
            cookies.append(b";".join(kept).lstrip(WSP) or None)
        return _with_cookies(fields, cookies)

    # --- the response ------------------------------------------------------------------------------------------------

    def _response(self, status: int, fields: FieldList) -> FieldList:
        sets = _sets_cookies(fields)
        expires = self._navigates and status >= 200 and self.gate.policy.enforcement.expire_leftovers
        if not sets and not expires:
            return fields
        decisions = self._decisions or self._undecided()
        start = len(self.outcomes)
        if sets:
            fields = self._judge_all(fields, decisions)
        if expires:
            fields += self._expire(decisions, self.outcomes[start:])
        if self.gate.policy.enforcement.protect_caches and status >= 200:
            for verdict, result in self.outcomes[start:]:
                if verdict.is_personal and result is not None:
                    return make_private(fields)
        return fields

    def _undecided(self) -> Decisions:
        # A response without a request before it: an adapter's mistake must not open the gate.
        return self.gate.reading([], signal=False, now=self.now).decisions

    def _judge_all(self, fields: FieldList, decisions: Decisions) -> FieldList:
        """Each Set-Cookie field whole, rewritten or gone, in place."""
        kept: list[tuple[bytes, bytes]] = []
        leaving: list[tuple[int, int]] = []  # places in `kept` and in `outcomes`
        reported = 0
        outcomes = self.outcomes
        attributes = self.gate.attributes
        for field in fields:
            name, value = field
            if len(name) not in _LENGTHS or (key := name.lower()) not in _SETTING:
                kept.append(field)
                continue
            outcome = judge(value, decisions, attributes, self.host, self.path, self.now, self._sent)
            if key == _SET_COOKIE2:
                outcome = (_with(outcome[0], Action.DROP, Reason.MALFORMED), None)
            verdict, result = outcome
            if verdict.mode is not Mode.ENFORCE:
                reported += 1
                outcomes.append((verdict, value))
                kept.append(field)
                continue
            if result is not None:
                leaving.append((len(kept), len(outcomes)))
                kept.append(field if result is value else (name, result))
            outcomes.append(outcome)
        room = max(0, MAX_SET_COOKIES - reported)
        return tuple(kept) if len(leaving) <= room else self._thinned(kept, leaving, room)

    def _thinned(self, kept: list[tuple[bytes, bytes]], leaving: list[tuple[int, int]], room: int) -> FieldList:
        """At most fifty Set-Cookie fields; required ones are the last to go, and the later before the earlier."""
        first_to_stay = sorted(leaving, key=lambda place: self.outcomes[place[1]][0].reason not in _LAST_TO_GO)
        gone = set()
        for place, index in first_to_stay[room:]:
            self.outcomes[index] = (_with(self.outcomes[index][0], Action.DROP, Reason.OVERFLOW), None)
            gone.add(place)
        return tuple(field for place, field in enumerate(kept) if place not in gone)

    def _expire(self, decisions: Decisions, outcomes: list[Outcome]) -> FieldList:
        """Deletions for blocked cookies that came with the request."""
        leaving = [verdict.cookie for verdict, result in outcomes if result is not None]
        deleted = sum(verdict.action in (Action.REWRITE, Action.EXPIRE) for verdict, _ in outcomes)
        expired = deletions(
            self._blocked,
            decisions,
            self.host,
            already=frozenset(leaving),
            now=self.now,
            room=min(MAX_DELETIONS - deleted, MAX_SET_COOKIES - len(leaving)),
        )
        self.outcomes += expired
        return tuple((_SET_COOKIE, field) for _, field in expired)

    def _closed_response(self, fields: FieldList) -> FieldList:
        """The page, without any cookie that is not required without doubt."""
        gate = self.gate
        if not gate.enforces:
            return fields
        known = gate.always if gate.policy.consent.upstream_may_set else gate.always - gate.consent_names
        kept: list[tuple[bytes, bytes]] = []
        leaving = 0
        chosen = False
        for name, value in fields:
            key = name.lower()
            if key in _SETTING:
                sure = key == _SET_COOKIE and _name(value) in known and not CONTROL.search(value)
                leaving += sure
                if not sure or leaving > MAX_SET_COOKIES:
                    self.outcomes.append((_faulted(Direction.RESPONSE, _name(value)), None))
                    continue
                chosen = chosen or _name(value) in gate.consent_names
            kept.append((name, value))
        if chosen and gate.policy.enforcement.protect_caches:
            # The visitor's choice leaves: no cache may hand it to another. Said without a look at what else is said.
            kept.append((b"cache-control", b"private"))
        return tuple(kept)


def _name(pair: bytes) -> bytes:
    """The cookie-name of a pair or Set-Cookie field value; empty where no "=" makes it one."""
    name, equals, _ = pair.partition(b"=")
    return name.strip(WSP) if equals else b""


def _is_on(fields: FieldList, name: bytes) -> bool:
    return any(value.strip(WSP) == b"1" for value in values(fields, name))


def _is_navigation(fields: FieldList) -> bool:
    """Whether the visitor goes to a page with this request (Fetch Metadata; older browsers are known by what they
    accept).
    """
    modes = values(fields, b"sec-fetch-mode")
    if modes:
        return modes[0].strip(WSP) == b"navigate"
    return any(b"text/html" in value.lower() for value in values(fields, b"accept"))


def _sets_cookies(fields: FieldList) -> bool:
    for name, _ in fields:  # noqa: SIM110 — any() with a generator costs twice as much, and every response pays it
        if len(name) in _LENGTHS and name.lower() in _SETTING:
            return True
    return False


def _is_oversized(cookies: list[bytes]) -> bool:
    return sum(map(len, cookies)) > MAX_COOKIE_OCTETS or sum(value.count(b";") for value in cookies) > MAX_PAIRS


def _faulted(direction: Direction, name: bytes, reason: Reason = Reason.FAULT) -> Verdict:
    return Verdict(direction, name, None, None, Action.DROP, reason)


def _with(verdict: Verdict, action: Action, reason: Reason) -> Verdict:
    return Verdict(Direction.RESPONSE, verdict.cookie, verdict.category, verdict.rule, action, reason, verdict.mode)


def _with_cookies(fields: FieldList, cookies: list[bytes | None]) -> FieldList:
    """The fields with the values of the Cookie fields replaced in order; None takes a field out."""
    replaced = iter(cookies)
    changed = ((name, next(replaced) if name.lower() == b"cookie" else value) for name, value in fields)
    return tuple((name, value) for name, value in changed if value is not None)
