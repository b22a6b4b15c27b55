"""A visitor's connection: one exchange after the other, each top-down in this class.

1. Octets become a head, and the head a request or a refusal (:mod:`request`);
2. the hook looks at it; the head leaves for the upstream on a connection of the pool, its body behind it;
3. the answer's head comes (:mod:`response`), the hook looks at it, and it goes to the visitor, its body behind it;
4. when both are over the connection waits for the next request, which may have come already.

What fails before the answer's head is told in a line of plain text with the status that says whose failure it is. What
fails behind it cannot be told any more: the transfer breaks off, so that nobody takes a part for the whole.
"""

import asyncio
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, cast

from gatekeeper.proxy.forwarded import forward
from gatekeeper.proxy.plane.answers import short_answer
from gatekeeper.proxy.plane.framing import Chunked, Framing, Sized, UntilClose
from gatekeeper.proxy.plane.gathering import Gathering, TooLarge
from gatekeeper.proxy.plane.hooks import Passing, merged
from gatekeeper.proxy.plane.lines import Untrusted, harmless
from gatekeeper.proxy.plane.pages import serve_page
from gatekeeper.proxy.plane.plane import Plane, tell
from gatekeeper.proxy.plane.request import CHUNKED, END, Fields, Heads, Refusal, Request, leave_out
from gatekeeper.proxy.plane.response import UNTIL_CLOSE, Response, parse_response
from gatekeeper.proxy.plane.upstream import UpstreamConnection
from gatekeeper.proxy.upstream import UpstreamError
from gatekeeper.wire.fields import FieldList

# What the visitor's next octets are.
_HEAD, _BODY, _AHEAD, _TUNNEL, _LINGER, _GONE = range(6)

_MOST_AHEAD = 64 * 1024  # octets of further requests that are held while one is under way
_LINGER_TIME = 5.0  # seconds in which what a refused visitor still sends is read and thrown away
_MOST_EMPTY = 8  # octets of empty lines before a request
_NEVER = float("inf")
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

# RFC 9110 section 9.2.2.
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})


def _without_empty_lines(data: bytes) -> bytes:
    """RFC 9112 section 2.2: an empty line before a request is passed over; raises :class:`Refusal` for many."""
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2
        if start > _MOST_EMPTY:
            raise Refusal(400, "it begins with empty lines")
    return data[start:]


class Visitor(asyncio.Protocol):
    """One connection. ``connections`` is the server's own list of them, for its drain."""

    # Set before the connection is made, where a PROXY protocol header told who the visitor is.
    told_peer: tuple[str, int] | None = None

    def __init__(self, plane: Plane, connections: set[Any], tasks: set[asyncio.Task[None]]) -> None:
        self.deadline = _NEVER
        self._plane = plane
        self._connections = connections
        self._tasks = tasks
        self._state = _HEAD
        self._heads = Heads(plane.requests, most_fields=plane.limits.request_fields, host_for=plane.host_for)
        self._gathering: Gathering | None = None
        self._ahead = b""
        self._request: Request | None = None
        self._passing: Passing | None = None
        self._body: Framing | None = None  # of the request
        self._outgoing: list[bytes] = []  # of the request, while there is no connection to send it on
        self._upstream: UpstreamConnection | None = None
        self._answered = False  # the answer's head, or one of our own, has left
        self._retried = False
        self._persists = True
        self._clogged = False
        self._held = False
        self._half_closed = False
        self._upstream_ended = False  # its side of the tunnel
        self._recorded = False

    # --- the connection ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        self.write = self._transport.write
        self._scheme = b"http" if transport.get_extra_info("sslcontext") is None else b"https"
        client = self.told_peer or transport.get_extra_info("peername")
        self._peer = self._plane.trusted.peer(client if isinstance(client, tuple) else None)
        self._plane.enter(self, asyncio.get_running_loop())
        self._connections.add(self)
        self.deadline = self._plane.now + self._plane.limits.idle_timeout

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        state = self._state
        if state == _HEAD:
            self._receive_head(data)
        elif state == _BODY:
            self._receive_body(data)
        elif state == _AHEAD:
            self._ahead += data
            if len(self._ahead) > _MOST_AHEAD:
                self._transport.pause_reading()
        elif state == _TUNNEL and self._upstream is not None:
            self.deadline = self._plane.now + self._plane.limits.tunnel_timeout
            self._upstream.write(data)

    def eof_received(self) -> bool:
        """See asyncio. True keeps our side open: the visitor may have said all and wait for the answer."""
        self._half_closed = True
        if self._state == _TUNNEL and self._upstream is not None:
            if self._upstream_ended:
                return False  # both sides have ended now
            self._upstream.end_sending()
            return self._scheme == b"http"
        return self._state == _AHEAD and self._scheme == b"http"

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        tunnelled = self._state == _TUNNEL
        self._state = _GONE
        self.deadline = _NEVER
        self._plane.leave(self)
        self._connections.discard(self)
        self._plane.pool.forget(self)
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            if tunnelled and exc is None:
                upstream.end_tunnel()
            else:
                upstream.abort()
        self._record(None)

    def pause_writing(self) -> None:
        """See asyncio: the visitor reads slower than the answer comes."""
        self._clogged = True
        if self._upstream is not None:
            self._upstream.pause()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._clogged = False
        if self._upstream is not None:
            self._moved()
            self._upstream.resume()

    def shutdown(self) -> None:
        """The server drains: the exchange under way is the last."""
        self._plane.draining = True
        self._persists = False
        if self._state == _HEAD and self._gathering is None:
            self._transport.close()

    def expired(self) -> None:
        """The deadline has passed."""
        self.deadline = _NEVER
        state = self._state
        gathering = self._gathering
        if state == _HEAD and gathering is None:
            self._close()
        elif gathering is not None:
            self._refuse(Refusal(408, "its head did not arrive in time"), gathering.octets)
        elif state == _LINGER:
            self._transport.abort()
        elif state == _TUNNEL:
            self._break_off("no octet moved in its tunnel")
        elif state == _BODY and not self._answered and not self._held:
            self._fail(408, "the visitor's upload stalled")
        elif state == _BODY and not self._answered:
            self.failed(UpstreamError("it stopped reading the request", status=504))
        elif not self._answered:
            self.failed(UpstreamError("it did not go on in time", status=504))
        elif self._clogged:
            self._break_off("the visitor stopped reading")
        else:
            self.failed(UpstreamError("it did not go on in time", status=504))

    def cut_off(self) -> None:
        """Whatever is under way ends now."""
        self._transport.abort()

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
                data = _without_empty_lines(data)
            again = self._heads.again(data, most)
            if again is not None:
                request, rest = again
            else:
                end = data.find(END)
                if end < 0:
                    self._wait_for_head(data)
                    return
                if end > most:
                    raise TooLarge
                request = self._heads.read(data[:end])
                rest = data[end + 4 :]
        except Refusal as refusal:
            self._refuse(refusal, data)
        except Untrusted as fault:
            self._refuse(Refusal(400, str(fault)), data)
        except TooLarge:
            self._refuse(Refusal(431, f"its head is larger than {most} octets"), data)
        else:
            self._begin(request, rest)

    def _wait_for_head(self, data: bytes) -> None:
        if self._half_closed:
            self._close()
        elif data:
            if not (data[0] in _TOKEN or data == b"\r"):
                raise Refusal(400, "its first line is none of HTTP/1.1")
            self._gathering = Gathering(data, self._plane.limits.request_head)
            self.deadline = self._plane.now + self._plane.limits.head_timeout

    def _refuse(self, refusal: Refusal, head: bytes = b"") -> None:
        """A head that goes no further. Nobody knows where the next would begin, so the connection ends."""
        self._gathering = None
        self._persists = False
        # As far as it can be made out, for the operator's log.
        method, _, rest = head[:512].partition(b"\r\n")[0].partition(b" ")
        tell(method, rest.partition(b" ")[0], str(refusal.status), str(refusal))
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
        if plane.pages_prefix and request.path.startswith(plane.pages_prefix):
            self._begin_page(request, rest)
            return
        watched = fields.watched
        self._passing = passing = plane.hooks.begin(request.method, fields.host or plane.default_host, request.path)
        seen = passing.request(watched)
        if seen is watched:
            onward = fields.onward
            if onward is None:
                onward = fields.onward = self._onward(fields, fields.lines)
        else:
            onward = self._onward(fields, merged(fields.lines.copy(), fields.watched_lines, watched, seen))
        head = request.line + onward
        if plane.prefix:
            # "*" is about the server as a whole, which is not the app's part of it.
            head = head.replace(b" *" if request.target == b"*" else b" ", b" " + plane.prefix, 1)
        length = fields.length
        if length == 0:
            self._state = _AHEAD
            self._ahead = rest
            self.deadline = plane.now + plane.read_timeout
        else:
            self._state = _BODY
            self._body = Sized(length) if length != CHUNKED else Chunked(self._trailers)
            self.deadline = plane.now + plane.limits.body_idle
            try:
                head += self._follow_body(rest)
            except Untrusted as fault:
                self._fail(400, str(fault))
                return
        self._send(request, head)

    def _onward(self, fields: Fields, lines: list[bytes]) -> bytes:
        """The field lines as they leave, X-Forwarded-For and its like behind them, and the empty line."""
        forwarding = forward(fields.claims, peer=self._peer, scheme=self._scheme, host=fields.host)
        if fields.host is None and self._plane.host_for is None:
            lines = [b"Host: " + self._plane.default_host, *lines]
        return b"\r\n".join([b"", *lines, *(b"%b: %b" % field for field in forwarding), b"", b""])

    def _send(self, request: Request, octets: bytes) -> None:
        pool = self._plane.pool
        method = request.method
        upstream = pool.take(careful=method != b"GET" and method not in _IDEMPOTENT)
        if upstream is not None and not self._clogged:
            # Kept until an answer begins: a request without a body may have to be sent a second time.
            self._outgoing = [] if request.fields.length else [octets]
            self._upstream = upstream
            upstream.begin(self, octets)
            return
        self._outgoing = [octets]
        if upstream is not None:
            self.connected(upstream)
            return
        if self._state == _BODY:
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
        body = self._body
        assert body is not None  # noqa: S101 - the state says so
        octets, rest = body.feed(data)
        plane = self._plane
        if body.done:
            self._state = _AHEAD
            self._ahead = rest
            self._body = None
            if not self._answered:
                self.deadline = plane.now + plane.read_timeout
        elif not self._answered:
            self.deadline = plane.now + plane.limits.body_idle
        return octets

    def _trailers(self, fields: FieldList) -> FieldList:
        """The trailer fields of a request that go on."""
        kept = harmless(fields, self._plane.requests)
        return kept if self._passing is None else self._passing.trailers(kept)

    def hold(self) -> None:
        """The upstream takes no more for now: read no more."""
        if self._state in (_BODY, _TUNNEL) and not self._held:
            self._held = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """The upstream takes more again."""
        if self._held:
            self._held = False
            if not self._transport.is_closing():
                self._moved()
                self._transport.resume_reading()

    # --- 3: to the visitor -------------------------------------------------------------------------------------------

    def answer(self, upstream: UpstreamConnection, head: bytes, rest: bytes) -> bool:
        """An answer's head has come, and what came with it; raises :class:`Untrusted`. False: an interim answer, so
        that what came with it is another head.
        """
        request, passing = self._request, self._passing
        assert request is not None and passing is not None  # noqa: S101, PT018 - the upstream was asked
        plane = self._plane
        response = parse_response(head, plane.responses, plane.statuses, method=request.method)
        status = response.status
        if status < 200:
            if status != 101:
                self._interim(response, request, passing)
                return False
            if not response.upgrade or request.fields.upgrade is None or self._state != _AHEAD:
                raise Untrusted("it switched to another protocol unasked")
        fields = passing.response(status, response.watched)
        lines = response.onward(fields)
        self._answered = True
        self._outgoing = []
        self._record(status)
        upstream.keep_alive = response.keep_alive
        upstream.rests = response.announced
        if status == 101:
            self.write(b"\r\n".join(lines) + END)
            self._begin_tunnel(upstream, rest)
            return True
        length = response.length
        if self._persists and request.minor and length >= 0 and length == len(rest):
            # Most answers come whole.
            lines.append(b"")
            lines.append(rest)
            self.write(b"\r\n".join(lines))
            self.finish()
            return True
        upstream.framing = framing = self._framing(response, request, lines)
        octets, surplus = framing.feed(rest)
        self.write(b"\r\n".join(lines) + END + octets)
        self.deadline = plane.now + plane.limits.body_idle
        if framing.done:
            upstream.finish(surplus)
        return True

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

    def _moved(self) -> None:
        plane = self._plane
        idle = plane.limits.tunnel_timeout if self._state == _TUNNEL else plane.limits.body_idle
        self.deadline = plane.now + idle

    # --- 4: the end of an exchange -----------------------------------------------------------------------------------

    def finish(self) -> None:
        """The answer is over."""
        upstream, self._upstream = self._upstream, None
        whole = self._state == _AHEAD
        self._request = self._passing = None
        if whole and self._persists and (self._ahead or not self._half_closed):
            self._state = _HEAD
            self.deadline = self._plane.now + self._plane.limits.idle_timeout
            if upstream is not None:
                upstream.release(whole=True)
            if self._ahead:
                self._next()
            return
        if upstream is not None:
            upstream.release(whole=whole)
        self._outgoing = []
        if whole:
            self._close()
        else:
            self._linger()

    def _next(self) -> None:
        """A request came before its turn, or a part of one."""
        ahead, self._ahead = self._ahead, b""
        if len(ahead) > _MOST_AHEAD:
            self._transport.resume_reading()
        self._receive_head(ahead)

    def _record(self, status: int | None) -> None:
        """The hook is told of the end once, as soon as the answer's head has left or cannot leave any more."""
        passing, request = self._passing, self._request
        if passing is not None and request is not None and not self._recorded:
            self._recorded = True
            self._plane.hooks.end(passing, status)

    def _close(self) -> None:
        """Everything has been said, and goes out first."""
        self._state = _LINGER
        self.deadline = self._plane.now + self._plane.limits.body_idle
        self._transport.close()

    def _linger(self) -> None:
        """The visitor may still be sending. To close on unread octets would reset the connection, and the answer with
        it (RFC 9112 section 9.6): our side is ended, and theirs read for a while.
        """
        self._state = _LINGER
        self._gathering = None
        self.deadline = self._plane.now + _LINGER_TIME
        if self._transport.is_closing():
            return
        if self._half_closed or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._transport.write_eof()
        if self._held:
            self._held = False
            self._transport.resume_reading()

    # --- failures ----------------------------------------------------------------------------------------------------

    def unanswered(self, upstream: UpstreamConnection) -> None:
        """The connection to the upstream ended before an answer's head had come."""
        request = self._request
        stale = upstream.reused and not upstream.answered
        if stale and self._outgoing and not self._retried and request is not None and request.method in _IDEMPOTENT:
            # It had been idle for too long in the upstream's eyes. Nothing was answered, so nothing was done that may
            # not be done again (RFC 9110 section 9.2.2); once, and on a connection of its own.
            self._retried = True
            self._upstream = upstream.visitor = None
            self._plane.pool.ask(self)
            return
        self.failed(UpstreamError("it ended the connection without an answer"))

    def failed(self, error: UpstreamError) -> None:
        """The upstream failed."""
        self._fail(error.status, f"the upstream: {error}", error.retry_after)

    def _fail(self, status: int, reason: str, retry_after: int | None = None) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
        self._outgoing = []
        self._plane.pool.forget(self)
        if self._answered:
            self._break_off(reason)
            return
        request = self._request
        assert request is not None  # noqa: S101 - it is what failed
        tell(request.method, request.target, str(status), reason)
        self._record(status)
        self._answered = True
        whole = self._state == _AHEAD
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
        self._state = _LINGER
        self.deadline = self._plane.now + _LINGER_TIME
        socket = self._transport.get_extra_info("socket")
        if socket is not None:
            # A reset: to an HTTP/1.0 visitor the usual end of a connection would look like the end of the body.
            socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # --- tunnels -----------------------------------------------------------------------------------------------------

    def _begin_tunnel(self, upstream: UpstreamConnection, rest: bytes) -> None:
        """RFC 9110 section 7.8: from here on the octets are another protocol's."""
        self._state = _TUNNEL
        upstream.tunnels = True
        self._moved()
        if rest:
            self.write(rest)
        ahead, self._ahead = self._ahead, b""
        if ahead:
            upstream.write(ahead)
            if len(ahead) > _MOST_AHEAD:
                self._transport.resume_reading()

    def from_tunnel(self, data: bytes) -> None:
        """Octets from the upstream's end."""
        self.deadline = self._plane.now + self._plane.limits.tunnel_timeout
        self.write(data)

    def tunnel_half_ended(self) -> bool:
        """The upstream sends no more; whether its other direction stays open."""
        if self._half_closed or not self._transport.can_write_eof():
            return False
        self._upstream_ended = True
        self._transport.write_eof()
        return True

    def tunnel_ended(self, *, aborted: bool) -> None:
        """The upstream's end is gone."""
        self._upstream = None
        if aborted:
            self._transport.abort()
        else:
            self._close()

    # --- Gatekeeper's own pages --------------------------------------------------------------------------------------

    def _begin_page(self, request: Request, rest: bytes) -> None:
        """Answered by an app in here; a request body is of no use to it."""
        app = self._plane.pages
        assert app is not None  # noqa: S101 - the prefix is set only with it
        self._state = _AHEAD
        self._ahead = b"" if request.fields.length else rest
        self._passing = None
        self.deadline = self._plane.now + self._plane.read_timeout
        task = asyncio.get_running_loop().create_task(
            serve_page(app, request, scheme=self._scheme, reply=self._page_answered)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _page_answered(self, octets: bytes, persists: bool) -> None:
        if self._state != _AHEAD or self._transport.is_closing():
            return
        self._answered = True
        self._persists = self._persists and persists
        self.write(octets)
        if self._request is not None and self._request.fields.length:
            self._linger()
        else:
            self.finish()
