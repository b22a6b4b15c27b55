"""One connection to the upstream: heads are read, bodies followed, and handed to the visitor whose turn it is.

A connection is used again only after an answer that is over beyond doubt, to a request that was sent whole. One more
octet than the answer's length says ends it: it would be taken for the answer to the next request.
"""

import asyncio
from typing import TYPE_CHECKING, Any, cast

from gatekeeper.proxy.plane.framing import Framing, Truncated
from gatekeeper.proxy.plane.gathering import Gathering, TooLarge
from gatekeeper.proxy.plane.lines import Untrusted
from gatekeeper.proxy.plane.request import head_end
from gatekeeper.proxy.upstream import UpstreamError

if TYPE_CHECKING:
    from gatekeeper.proxy.plane.pool import Pool
    from gatekeeper.proxy.plane.visitor import Visitor

_BEGINNING = b"HTTP/1."
_LAST_WORDS = 30.0  # seconds for the end of a tunnel to be read


class UpstreamConnection:
    """Made by the pool; lent to one visitor at a time."""

    __slots__ = (
        "_gathering",
        "_paused",
        "_pool",
        "_transport",
        "answered",
        "clogged",
        "framing",
        "is_closing",
        "keep_alive",
        "rests",
        "reused",
        "tunnels",
        "visitor",
        "write",
    )

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._gathering: Gathering | None = None
        self._paused = False
        self.visitor: Visitor | None = None
        self.framing: Framing | None = None  # of the answer's body, from its head on
        self.answered = False  # an octet of the answer was seen
        self.reused = False
        self.keep_alive = False
        self.rests = False
        self.clogged = False
        self.tunnels = False

    # --- by the visitor ----------------------------------------------------------------------------------------------

    def begin(self, visitor: "Visitor", octets: bytes) -> None:
        """A request is sent, its body as far as it is there."""
        self.visitor = visitor
        self.answered = False
        self.write(octets)

    def release(self, whole: bool) -> None:
        """The exchange is over. ``whole``: answer and request both came to their end."""
        self.visitor = None
        self.framing = None
        if whole and self.keep_alive and not self.tunnels and not self.is_closing():
            self.reused = True
            if self._paused:
                # What the last visitor has not read yet is in its own connection's buffer.
                self.resume()
            self._pool.give_back(self, self.rests)
        else:
            self.abort()

    def abort(self) -> None:
        """Ends the connection at once."""
        self.visitor = None
        self._transport.abort()

    def pause(self) -> None:
        """The visitor is slow: read no more."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """The visitor has caught up."""
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def end_tunnel(self) -> None:
        """The visitor is gone; what it said last goes out first."""
        self.visitor = None
        self._transport.close()
        # An upstream that does not read it must not keep its place for ever.
        asyncio.get_running_loop().call_later(_LAST_WORDS, self._transport.abort)

    def end_sending(self) -> None:
        """The visitor has ended its side of a tunnel."""
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    @property
    def fileno(self) -> int:
        """The socket's descriptor."""
        return cast("int", self._transport.get_extra_info("socket").fileno())

    # --- by the loop -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        self.write: Any = self._transport.write
        self.is_closing: Any = self._transport.is_closing  # it has ended, or will

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        visitor = self.visitor
        if visitor is None:
            # Nobody asked: whatever it is, it must not become the answer to the next request.
            self._transport.abort()
            return
        if self.tunnels:
            visitor.from_tunnel(data)
            return
        self.answered = True
        framing = self.framing
        try:
            if framing is None:
                self._head(visitor, data)
                return
            octets, surplus = framing.feed(data)
        except Untrusted as fault:
            visitor.failed(UpstreamError(str(fault)))
            return
        except TooLarge:
            visitor.failed(UpstreamError(f"the head of its answer is larger than {self._pool.most_head} octets"))
            return
        if octets:
            visitor.pass_on(octets)
        if framing.done:
            self.finish(surplus)

    def _head(self, visitor: "Visitor", data: bytes) -> None:
        most = self._pool.most_head
        if self._gathering is not None:
            whole = self._gathering.add(data, most)
            if whole is None:
                return
            self._gathering = None
            data = whole
        while True:
            end = head_end(data)
            if end > most:
                raise TooLarge
            if end < 0:
                if data[:7] != _BEGINNING[: len(data)]:
                    raise Untrusted("its first line is none of HTTP/1.1")
                self._gathering = Gathering(data, most)
                return
            rest = data[end + 4 :]
            # An interim answer is followed by another head.
            if visitor.answer(self, data[:end], rest) or not rest:
                return
            data = rest

    def finish(self, surplus: bytes) -> None:
        """The answer is over; ``surplus`` came behind it."""
        visitor = self.visitor
        if surplus:
            self.keep_alive = False
        if visitor is not None:
            visitor.finish()

    def eof_received(self) -> bool:
        """See asyncio. True keeps the other direction of a tunnel open."""
        visitor = self.visitor
        if visitor is not None and self.tunnels:
            return visitor.tunnel_half_ended()
        self._ended(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._ended(exc)
        self._pool.gone(self)

    def _ended(self, exc: Exception | None) -> None:
        visitor = self.visitor
        if visitor is None:
            return
        self.keep_alive = False
        if self.tunnels:
            self.visitor = None
            visitor.tunnel_ended(aborted=exc is not None)
            return
        framing = self.framing
        if framing is None:
            visitor.unanswered(self)
            return
        try:
            if exc is not None:
                raise Truncated
            octets = framing.end()
        except Truncated:
            visitor.failed(UpstreamError("it ended the connection in the middle of its answer"))
            return
        visitor.pass_on(octets)
        self.finish(b"")

    def pause_writing(self) -> None:
        """See asyncio: the upstream takes a request slower than it comes."""
        self.clogged = True
        if self.visitor is not None:
            self.visitor.hold()

    def resume_writing(self) -> None:
        """See asyncio."""
        self.clogged = False
        if self.visitor is not None:
            self.visitor.go_on()
