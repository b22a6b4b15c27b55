"""A visitor's connection: one exchange after the other, each top-down in this class.

1. Octets become a head, and the head a request or a refusal (:mod:`request`);
2. the hook looks at it; the head leaves for the upstream on a connection of the pool, its body behind it;
3. the answer's head comes (:mod:`response`), the hook looks at it, and it goes to the visitor, its body behind it;
4. when both are over the connection waits for the next request, which may have come already.

What fails before the answer's head is told in a line of plain text with the status that says whose failure it is. What
fails behind it cannot be told any more: the transfer breaks off, so that nobody takes a part for the whole.
"""

import asyncio
import re
from collections.abc import MutableSet
from typing import Any

from gatekeeper.proxy.forwarded import forward
from gatekeeper.proxy.plane.answers import short_answer
from gatekeeper.proxy.plane.connection import AHEAD, BODY, HEAD, LINGER, NEVER, TUNNEL, Connection
from gatekeeper.proxy.plane.framing import Chunked, Framing, Sized, UntilClose
from gatekeeper.proxy.plane.gathering import Gathering, TooLarge, without_empty_lines
from gatekeeper.proxy.plane.hooks import Passing, merged, written
from gatekeeper.proxy.plane.lines import Untrusted, harmless
from gatekeeper.proxy.plane.pages import serve_page
from gatekeeper.proxy.plane.plane import Plane, tell
from gatekeeper.proxy.plane.pool import Pool
from gatekeeper.proxy.plane.request import CHUNKED, END, Fields, Heads, Refusal, Request, head_end, leave_out
from gatekeeper.proxy.plane.response import UNTIL_CLOSE, Response, parse_response
from gatekeeper.proxy.plane.routes import Route
from gatekeeper.proxy.plane.upstream import UpstreamConnection
from gatekeeper.proxy.upstream import UpstreamError
from gatekeeper.wire.fields import FieldList

# The beginning of a request line that surely is one.
_FIRST_WORDS = re.compile(
    rb"([A-Z]{2,20}) (/[\x21-\x7e]{0,512}|\*|[Hh][Tt][Tt][Pp][Ss]?://[\x21-\x7e]{0,512})[ ?]"
).match
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

# RFC 9110 section 9.2.2.
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})


class Visitor(Connection):
    """One connection, and the exchange that is under way on it. ``connections`` and ``tasks`` are the server's own, for
    its drain.
    """

    def __init__(self, plane: Plane, connections: MutableSet[Any], tasks: set[asyncio.Task[None]]) -> None:
        super().__init__(plane, connections)
        self._tasks = tasks
        self._heads = Heads(plane.requests, most_fields=plane.limits.request_fields, route_of=plane.route_of)
        self._request: Request | None = None
        self._route: Route | None = None  # of the request; the upstream was asked if it is there
        self._passing: Passing | None = None
        self._body: Framing | None = None  # of the request
        self._outgoing: list[bytes] = []  # of the request, while there is no connection to send it on
        self._answered = False  # the answer's head, or one of our own, has left
        self._retried = False
        self._recorded = False
        self._forwarding: tuple[bytes | None, bytes] = (None, b"")
        self._own: dict[Any, Any] = {}  # the hook's

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._route is not None:
            self._route.pool.forget(self)
        super().connection_lost(exc)

    def reroute(self) -> None:
        """See the base."""
        self._heads.forget()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        state = self._state
        if state == HEAD:
            again = None if self._gathering is not None else self._heads.again(data, self._plane.limits.request_head)
            if again is None:
                self._receive_head(data)
            else:
                request, rest = again
                self._begin(request, rest)
        elif state == BODY:
            self._receive_body(data)
        elif state == AHEAD:
            self._ahead += data
            self._mind_ahead()
        elif state == TUNNEL and self._upstream is not None:
            self._moved()
            self._upstream.write(data)

    def expired(self) -> None:
        """The deadline has passed."""
        self.deadline = NEVER
        state = self._state
        gathering = self._gathering
        if state == HEAD and gathering is None:
            self._close()
        elif gathering is not None:
            self._refuse(Refusal(408, "its head did not arrive in time"), gathering.octets)
        elif state == LINGER:
            self._lingered()
        elif state == TUNNEL and self._plane.draining:
            self._end_tunnel()
        elif state == TUNNEL:
            self._break_off("no octet moved in its tunnel")
        elif state == BODY and not self._answered and not self._held:
            self._fail(408, "the visitor's upload stalled")
        elif state == BODY and not self._answered:
            self.failed(UpstreamError("it stopped reading the request", status=504))
        elif not self._answered:
            self.failed(UpstreamError("it did not go on in time", status=504))
        elif self._clogged:
            self._break_off("the visitor stopped reading")
        else:
            self.failed(UpstreamError("it did not go on in time", status=504))

    # --- 1: the request's head ---------------------------------------------------------------------------------------

    def _receive_head(self, data: bytes) -> None:
        most = self._plane.limits.request_head
        try:
            if self._gathering is not None:
                whole = self._gathering.add(data, most)
                if whole is None:
                    return
                self._gathering = None
                data = whole
            if data[:2] == b"\r\n":
                data = without_empty_lines(data)
            end = head_end(data)
            if end < 0:
                self._wait_for_head(data)
                return
            if end > most:
                raise TooLarge
            request = self._heads.read(data[:end])
        except Refusal as refusal:
            self._refuse(refusal, self._so_far(data))
        except Untrusted as fault:
            self._refuse(Refusal(400, str(fault)), self._so_far(data))
        except TooLarge:
            self._refuse(Refusal(431, f"its head is larger than {most} octets"), self._so_far(data))
        else:
            self._begin(request, data[end + 4 :])

    def _so_far(self, data: bytes) -> bytes:
        return data if self._gathering is None else self._gathering.octets

    def _wait_for_head(self, data: bytes) -> None:
        if self._half_closed:
            self._close()
        elif data:
            if not (data[0] in _TOKEN or data == b"\r"):
                raise Refusal(400, "its first line is none of HTTP/1.1")
            self._gathering = Gathering(data, self._plane.limits.request_head)
            # What may be half of an empty line wins no time, or a drip of them would have no end.
            until = self._plane.now + self._plane.limits.head_timeout
            self.deadline = min(self.deadline, until) if data == b"\r" else until

    def _refuse(self, refusal: Refusal, head: bytes = b"") -> None:
        """A head that goes no further. Nobody knows where the next would begin, so the connection ends."""
        self._gathering = None
        self._persists = False
        # As far as it can be made out, for the operator's log; what is no request may be anything, a value too.
        match = _FIRST_WORDS(head)
        method, target = match.groups() if match else (b"-", b"-")
        tell(method, target, str(refusal.status), str(refusal))
        self.write(short_answer(refusal.status, head_only=method == b"HEAD", close=True))
        self._linger()

    # --- 2: to the upstream ------------------------------------------------------------------------------------------

    def _begin(self, request: Request, rest: bytes) -> None:
        plane = self._plane
        fields = request.fields
        self._request = request
        self._answered = self._retried = self._recorded = False
        if not fields.keep_alive or plane.draining:
            self._persists = False
        path = request.path
        if path.startswith(plane.pages_begin) and plane.is_page(path, fields.host):
            self._begin_page(request, rest)
            return
        self._route = route = fields.route
        if route is None:
            self._refuse(Refusal(421, "no site has its host"), request.line)
            return
        watched = fields.watched
        host = fields.host or route.default_host
        self._passing = passing = plane.hooks.begin(request.method, host, path, self._peer.trusted)
        seen = passing.request(watched, fields.kept, self._own)
        if seen is watched:
            onward = fields.onward
            if onward is None:
                onward = fields.onward = self._onward(route, fields, fields.lines)
        else:
            onward = self._onward(route, fields, merged(fields.lines, fields.watched_lines, watched, seen))
        head = request.line + onward
        if route.prefix:
            # "*" is about the server as a whole, which is not the app's part of it.
            head = head.replace(b" *" if request.target == b"*" else b" ", b" " + route.prefix, 1)
        length = fields.length
        if length == 0:
            self._state = AHEAD
            self._ahead = rest
            self.deadline = plane.now + route.read_timeout
        else:
            self._state = BODY
            self._body = Sized(length) if length != CHUNKED else Chunked(self._trailers)
            self.deadline = plane.now + plane.limits.body_idle
            try:
                head += self._follow_body(rest)
            except Untrusted as fault:
                self._fail(400, str(fault))
                return
        self._send(route.pool, request, head)

    def _onward(self, route: Route, fields: Fields, lines: list[bytes]) -> bytes:
        """The field lines as they leave, X-Forwarded-For and its like behind them, and the empty line."""
        host, forwarding = self._forwarding
        if fields.claims or host != fields.host or not forwarding:
            added = forward(fields.claims, peer=self._peer, scheme=self._scheme, host=fields.host)
            forwarding = b"\r\n".join([written(field) for field in added] + [b"", b""])
            if not fields.claims:
                # The same for all that this connection asks of one host.
                self._forwarding = (fields.host, forwarding)
        if fields.host is None and route.host_for is None:
            lines = [b"Host: " + route.default_host, *lines]
        return b"\r\n".join([b"", *lines, forwarding])

    def _send(self, pool: Pool, request: Request, octets: bytes) -> None:
        method = request.method
        length = request.fields.length
        # What cannot be sent a second time should not meet the end of a connection.
        upstream = pool.take(length != 0 or (method != b"GET" and method not in _IDEMPOTENT))
        if upstream is not None and not self._clogged:
            # Kept until an answer begins: a request without a body may have to be sent a second time.
            self._outgoing = [] if length else [octets]
            self._upstream = upstream
            upstream.begin(self, octets)
            return
        self._outgoing = [octets]
        if upstream is not None:
            self.connected(upstream)
            return
        if self._state == BODY:
            self.hold()
        pool.ask(self)

    def connected(self, upstream: UpstreamConnection) -> None:
        """The pool has a connection for the request that is under way."""
        self._upstream = upstream
        outgoing = self._outgoing
        octets = outgoing[0] if len(outgoing) == 1 else b"".join(outgoing)
        if not upstream.reused or self._request is None or self._request.fields.length:
            self._outgoing = []  # otherwise kept until an answer begins: it may have to be sent a second time
        if self._clogged:
            upstream.pause()
        upstream.begin(self, octets)
        if self._held and not upstream.clogged:
            self.go_on()

    def _receive_body(self, data: bytes) -> None:
        try:
            octets = self._follow_body(data)
        except Untrusted as fault:
            self._fail(400, str(fault))
            return
        if not octets:
            return
        if self._upstream is None:
            self._outgoing.append(octets)
        else:
            self._upstream.write(octets)

    def _follow_body(self, data: bytes) -> bytes:
        body, route = self._body, self._route
        assert body is not None and route is not None  # noqa: S101, PT018 - the state says so
        octets, rest = body.feed(data)
        plane = self._plane
        if body.done:
            self._state = AHEAD
            self._ahead = rest
            self._body = None
            if not self._answered:
                self.deadline = plane.now + route.read_timeout
        else:
            self.deadline = plane.now + plane.limits.body_idle
        return octets

    def _trailers(self, fields: FieldList) -> FieldList:
        """The trailer fields of a request that go on."""
        kept = harmless(fields, self._plane.requests)
        return kept if self._passing is None else self._passing.trailers(kept)

    # --- 3: to the visitor -------------------------------------------------------------------------------------------

    def answer(self, upstream: UpstreamConnection, head: bytes, rest: bytes) -> bool:
        """An answer's head has come, and what came with it; raises :class:`Untrusted`. False: an interim answer, so
        that what came with it is another head.
        """
        request, passing = self._request, self._passing
        assert request is not None and passing is not None  # noqa: S101, PT018 - the upstream was asked
        plane = self._plane
        response = parse_response(head, plane.responses, plane.statuses, request.method)
        status = response.status
        if status < 200:
            if status != 101:
                self._interim(response, request, passing)
                return False
            if not response.upgrade or request.fields.upgrade is None or self._state != AHEAD:
                raise Untrusted("it switched to another protocol unasked")
        lines = response.onward(passing.response(status, response.watched))
        if self._state == BODY:
            # An answer before the request is whole: what more comes of that is seldom wanted, and where it ends cannot
            # be relied on.
            self._persists = False
        upstream.keep_alive = response.keep_alive
        upstream.rests = response.announced
        if status == 101:
            self._answering(passing, status)
            self.write(b"\r\n".join(lines) + END)
            self._begin_tunnel(upstream, rest)
            return True
        length = response.length
        if length == len(rest) and self._persists and request.minor:
            # Most answers come whole.
            self._answering(passing, status)
            lines += (b"", rest)
            self.write(b"\r\n".join(lines))
            self.finish()
            return True
        framing = self._framing(response, request, lines)
        octets, surplus = framing.feed(rest)  # what begins wrong is still no answer
        upstream.framing = framing
        self._answering(passing, status)
        self.write(b"\r\n".join(lines) + END + octets)
        self.deadline = plane.now + plane.limits.body_idle
        if framing.done:
            upstream.finish(surplus)
        return True

    def _answering(self, passing: Passing, status: int) -> None:
        """The answer's head leaves: from here on nothing else can be said, or sent again."""
        self._answered = self._recorded = True
        self._outgoing = []
        self._plane.hooks.end(passing, status)

    def _interim(self, response: Response, request: Request, passing: Passing) -> None:
        """RFC 9110 section 15.2: interim answers go on, but to an HTTP/1.0 visitor."""
        fields = passing.response(response.status, response.watched)
        lines = response.onward(fields)
        if request.minor:
            self.write(b"\r\n".join(lines) + END)

    def _framing(self, response: Response, request: Request, lines: list[bytes]) -> Framing:
        """How the visitor sees where the body ends, and what has to be said of that."""
        length = response.length
        framing: Framing
        if length == CHUNKED:
            framing = Chunked(self._answer_trailers, padded=True, decoded=not request.minor)
            if not request.minor:
                self._persists = False
                leave_out(lines, frozenset({b"transfer-encoding", b"trailer"}))
        elif length == UNTIL_CLOSE:
            framing = UntilClose(rechunk=request.minor == 1)
            if request.minor:
                lines.append(b"Transfer-Encoding: chunked")
            else:
                self._persists = False
        else:
            framing = Sized(length)
        if not self._persists:
            lines.append(b"Connection: close")
        elif not request.minor:
            lines.append(b"Connection: keep-alive")
        return framing

    def _answer_trailers(self, fields: FieldList) -> FieldList:
        """The trailer fields of an answer that go on."""
        kept = harmless(fields, self._plane.responses)
        return kept if self._passing is None else self._passing.trailers(kept)

    def pass_on(self, octets: bytes) -> None:
        """A part of the answer's body."""
        plane = self._plane
        self.deadline = plane.now + plane.limits.body_idle
        self.write(octets)

    # --- 4: the end of an exchange -----------------------------------------------------------------------------------

    def finish(self) -> None:
        """The answer is over."""
        upstream, self._upstream = self._upstream, None
        whole = self._state == AHEAD
        self._request = self._passing = None
        if whole and self._persists and (self._ahead or not self._half_closed):
            self._state = HEAD
            self.deadline = self._plane.now + self._plane.limits.idle_timeout
            if upstream is not None:
                upstream.release(not upstream.clogged)
            if self._held:
                self.go_on()
            if self._ahead:
                self._next()
            return
        if upstream is not None:
            upstream.release(whole and not upstream.clogged)
        self._outgoing = []
        self._linger()

    def _next(self) -> None:
        """A request came before its turn, or a part of one."""
        ahead, self._ahead = self._ahead, b""
        self.data_received(ahead)
        self._mind_ahead()

    def _record(self, status: int | None) -> None:
        """The hook is told of the end once, as soon as the answer's head has left or cannot leave any more."""
        passing, request = self._passing, self._request
        if passing is not None and request is not None and not self._recorded:
            self._recorded = True
            self._plane.hooks.end(passing, status)

    # --- failures ----------------------------------------------------------------------------------------------------

    def unanswered(self, upstream: UpstreamConnection) -> None:
        """The connection to the upstream ended before an answer's head had come."""
        request, route = self._request, self._route
        assert request is not None and route is not None  # noqa: S101, PT018 - the upstream was asked
        stale = upstream.reused and not upstream.answered
        if stale and self._outgoing and not self._retried and request.method in _IDEMPOTENT:
            # It had been idle for too long in the upstream's eyes. Nothing was answered, so nothing was done that may
            # not be done again (RFC 9110 section 9.2.2); once, and on a connection of its own.
            self._retried = True
            self._upstream = upstream.visitor = None
            route.pool.ask(self)
            return
        self.failed(UpstreamError("it ended the connection without an answer"))

    def failed(self, error: UpstreamError) -> None:
        """The upstream failed."""
        self._fail(error.status, f"the upstream: {error}", error.retry_after, known=error.known)

    def _fail(self, status: int, reason: str, retry_after: int | None = None, *, known: bool = False) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
        self._outgoing = []
        if self._route is not None:
            self._route.pool.forget(self)
        if self._answered:
            self._break_off(reason)
            return
        request = self._request
        assert request is not None  # noqa: S101 - it is what failed
        if not known:
            tell(request.method, request.target, str(status), reason)
        self._record(status)
        self._answered = True
        whole = self._state == AHEAD
        persists = whole and self._persists and request.fields.upgrade is None and request.minor == 1
        self._persists = persists
        self.write(
            short_answer(status, head_only=request.method == b"HEAD", retry_after=retry_after, close=not persists)
        )
        self.finish()

    def _break_off(self, reason: str) -> None:
        """The visitor has a part of the answer, and must not take it for the whole."""
        request = self._request
        if request is not None:
            tell(request.method, request.target, "broken off", reason)
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
        self._reset()

    # --- Gatekeeper's own pages --------------------------------------------------------------------------------------

    def _begin_page(self, request: Request, rest: bytes) -> None:
        """Answered by an app in here; a request body is of no use to it."""
        app = self._plane.pages
        assert app is not None  # noqa: S101 - the prefix is set only with it
        self._state = AHEAD
        self._ahead = b"" if request.fields.length else rest
        self._passing = None
        self.deadline = self._plane.now + self._plane.limits.body_idle
        task = asyncio.get_running_loop().create_task(
            serve_page(app, request, scheme=self._scheme, reply=self._page_answered)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _page_answered(self, request: Request, octets: bytes, persists: bool) -> None:
        if self._request is not request or self._state != AHEAD or self._transport.is_closing():
            return
        self._answered = True
        self._persists = self._persists and persists
        self.write(octets)
        if request.fields.length:
            self._linger()
        else:
            self.finish()
