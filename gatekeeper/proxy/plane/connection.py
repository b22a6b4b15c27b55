"""What a visitor's connection is whatever is said on it: its states, its back-pressure, its ends, its tunnel."""

import asyncio
import struct
from collections.abc import MutableSet
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Any, cast

from gatekeeper.proxy.plane.gathering import Gathering
from gatekeeper.proxy.plane.plane import Plane

if TYPE_CHECKING:
    from gatekeeper.proxy.plane.upstream import UpstreamConnection

# What the visitor's next octets are: a head, a request's body, requests before their turn, another protocol's, nothing
# that is read any more.
HEAD, BODY, AHEAD, TUNNEL, LINGER, GONE = range(6)

MOST_AHEAD = 64 * 1024  # octets of further requests that are held while one is under way
_SILENCE = 1.0  # seconds without an octet after which a tunnel is taken to be between two messages, in a drain
_LINGER_TIME = 5.0  # seconds in which what a refused visitor still sends is read and thrown away
NEVER = float("inf")


class Connection:
    """One connection of a visitor's. ``connections`` is the server's own list of them, for its drain."""

    # Set before the connection is made, where a PROXY protocol header told who the visitor is.
    told_peer: tuple[str, int] | None = None

    def __init__(self, plane: Plane, connections: MutableSet[Any]) -> None:
        self.deadline = NEVER
        self._plane = plane
        self._connections = connections
        self._state = HEAD
        self._gathering: Gathering | None = None
        self._ahead = b""
        self._upstream: UpstreamConnection | None = None
        self._persists = True
        self._clogged = False  # the visitor reads slower than we write
        self._held = False  # we read slower than the visitor writes
        self._half_closed = False
        self._upstream_ended = False  # its side of the tunnel
        self._full = False  # as many requests wait for their turn as may
        self._unsent = 0  # octets that had not left when that was looked at last, at the end of the connection

    def _record(self, status: int | None) -> None:
        """The exchange under way, if any, is over, with this status or without an answer."""
        raise NotImplementedError

    def expired(self) -> None:
        """The deadline has passed."""
        raise NotImplementedError

    def reroute(self) -> None:
        """The routes are others: the next request is looked at anew."""
        raise NotImplementedError

    # --- by the loop -------------------------------------------------------------------------------------------------

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

    def eof_received(self) -> bool:
        """See asyncio. True keeps our side open: the visitor may have said all and wait for the answer."""
        self._half_closed = True
        if self._state == TUNNEL and self._upstream is not None:
            if self._upstream_ended:
                return False  # both sides have ended now
            self._upstream.end_sending()
            return self._scheme == b"http"
        return self._state == AHEAD and self._scheme == b"http"

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        tunnelled = self._state == TUNNEL
        self._state = GONE
        self.deadline = NEVER
        self._plane.leave(self)
        self._connections.discard(self)
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

    # --- by the server and the plane ---------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """The server drains: the exchange under way is the last."""
        self._plane.draining = True
        self._persists = False
        if self._state == HEAD and self._gathering is None:
            self._transport.close()
        elif self._state == TUNNEL:
            self._moved()

    def cut_off(self) -> None:
        """Whatever is under way ends now."""
        self._transport.abort()

    # --- back-pressure -----------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """The upstream takes no more for now: read no more."""
        if self._state in (BODY, TUNNEL) and not self._held:
            self._held = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """The upstream takes more again."""
        if self._held:
            self._held = False
            if not self._transport.is_closing():
                self._moved()
                if not self._full:
                    self._transport.resume_reading()

    def _moved(self) -> None:
        plane = self._plane
        if self._state != TUNNEL:
            idle = plane.limits.body_idle
        else:
            idle = _SILENCE if plane.draining else plane.limits.tunnel_timeout
        self.deadline = plane.now + idle

    def _mind_ahead(self) -> None:
        """Reads no more while too much is held of what came before its turn."""
        full = len(self._ahead) > MOST_AHEAD
        if full != self._full and not self._transport.is_closing():
            self._full = full
            if full:
                self._transport.pause_reading()
            elif not self._held:
                self._transport.resume_reading()

    # --- ends --------------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        """Everything has been said, and goes out first."""
        self._state = LINGER
        self._wait_until_sent()
        self._transport.close()

    def _linger(self) -> None:
        """The visitor may still be sending. To close on unread octets would reset the connection, and the answer with
        it (RFC 9112 section 9.6): our side is ended, and theirs read for a while.
        """
        self._state = LINGER
        self._gathering = None
        self._ahead = b""
        self._wait_until_sent()
        if self._transport.is_closing():
            return
        if self._half_closed or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._transport.write_eof()
        # It may have been paused for what it sent before its turn, or more than the upstream took.
        self._held = self._full = False
        self._transport.resume_reading()

    def _wait_until_sent(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self.deadline = self._plane.now + (self._plane.limits.body_idle if self._unsent else _LINGER_TIME)

    def _lingered(self) -> None:
        """As long as the visitor reads what is left, if slowly, there is time; then a little more to end its side."""
        before = self._unsent
        left = self._transport.get_write_buffer_size()
        if before and left < before:
            self._wait_until_sent()
        else:
            self._transport.abort()

    def _reset(self) -> None:
        """Ends the connection so that nobody takes what was sent for the whole: to an HTTP/1.0 visitor the usual end of
        a connection would look like the end of the body.
        """
        self._state = LINGER
        self.deadline = self._plane.now + _LINGER_TIME
        socket = self._transport.get_extra_info("socket")
        if socket is not None:
            socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # --- tunnels -----------------------------------------------------------------------------------------------------

    def _begin_tunnel(self, upstream: "UpstreamConnection", rest: bytes) -> None:
        """RFC 9110 section 7.8: from here on the octets are another protocol's."""
        self._state = TUNNEL
        upstream.tunnels = True
        self._moved()
        if rest:
            self.write(rest)
        ahead, self._ahead = self._ahead, b""
        if ahead:
            upstream.write(ahead)
            self._mind_ahead()
        if self._half_closed:
            upstream.end_sending()

    def from_tunnel(self, data: bytes) -> None:
        """Octets from the upstream's end."""
        self._moved()
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

    def _end_tunnel(self) -> None:
        """Ends both sides in good order; what is under way goes out first."""
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.end_tunnel()
        self._close()
