"""Where connections come in: plainly, with TLS, or behind a load balancer that speaks the PROXY protocol.

The header of the PROXY protocol comes before everything else, also before a TLS handshake, so such connections are
accepted here and not by the loop's own server: it is read octet for octet from the bare socket, and what follows is
left there for whoever comes next.

Of several workers each takes what comes as long as it does not hold more than others: of a burst of connections, which
stay for long, the one that happens to run would have nearly all, and be alone at work afterwards.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import time
from collections.abc import Callable, Collection
from typing import Any

from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.proxy_protocol import Header, NoHeader, read_header
from gatekeeper.serve.shares import Share

_logger = logging.getLogger("gatekeeper.serve")

# Connections taken in at a time; the loop looks at the others in between.
_AT_ONCE = 32
# Seconds in which others who hold fewer may take what waits; whoever is still there then is not left to them.
_YIELD = 0.005
# Seconds to wait when this machine has no more files or memory; the loops' own servers do the same.
_OUT_OF_FILES_PAUSE = 1.0
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# Seconds in which the same reason is told once: who is turned away may come again at once.
_TOLD_ONCE_IN = 60.0

ProtocolFactory = Callable[[], Any]


class Reception:
    """Takes connections in, and looks like an ``asyncio.Server`` to uvicorn.

    ``factory`` makes the protocol of a connection. With ``announced_by`` they begin with a header of the PROXY protocol
    and come from these proxies, or are turned away; ``told_peer`` of the protocol is set before ``connection_made``:
    the address and port of the visitor, or None where the header tells none. ``patience`` is in seconds, for the header
    and for the TLS handshake each. ``share`` is this process's where others take connections from the same listener,
    ``connections`` are those that it holds.
    """

    def __init__(
        self,
        listener: socket.socket,
        factory: ProtocolFactory,
        *,
        patience: float,
        announced_by: TrustedProxies | None = None,
        tls: ssl.SSLContext | None = None,
        share: Share | None = None,
        connections: Collection[object] = (),
    ) -> None:
        self._listener = listener
        self._factory = factory
        self._announced_by = announced_by
        self._patience = patience
        self._tls = tls
        self._share = share
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[None]] = set()
        self._told: dict[str, float] = {}
        self._waiting: asyncio.TimerHandle | None = None
        self._is_open = True
        listener.setblocking(False)
        if share is not None:
            share.begin()
        self._listen()

    def close(self) -> None:
        """Takes nobody in any more; who has something to say before his first request is sent away. May be called
        again.
        """
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listener)
            self._listener.close()
            if self._share is not None:
                self._share.end()
            if self._announced_by is not None or self._tls is not None:
                for task in self._arriving:
                    task.cancel()

    async def wait_closed(self) -> None:
        """Until all those who were arriving are away or in."""
        if self._arriving:
            await asyncio.wait(self._arriving)

    def _listen(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._listener, self._offered)

    def _pause(self, seconds: float, then: Callable[[], None]) -> asyncio.TimerHandle:
        self._loop.remove_reader(self._listener)
        return self._loop.call_later(seconds, then)

    def _offered(self) -> None:
        """Somebody waits."""
        share = self._share
        room = _AT_ONCE if share is None else share.room(len(self._connections) + len(self._arriving))
        if room > 0:
            self._accept(min(room, _AT_ONCE))
        elif share is not None:
            self._waiting = self._pause(_YIELD, self._after_all)
            share.once_one_ends(self._again)

    def _again(self) -> None:
        """There is room."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._listen()

    def _after_all(self) -> None:
        """Others have had their time."""
        if self._share is not None:
            self._share.once_one_ends(None)
        if self._is_open:
            self._listen()
            self._accept(_AT_ONCE)

    def _accept(self, most: int) -> None:
        for _ in range(most):
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                if fault.errno not in _OUT_OF_FILES:
                    raise
                self._tell("cannot take in connections", (fault.strerror or "").lower(), logging.ERROR)
                self._pause(_OUT_OF_FILES_PAUSE, self._listen)
                return
            task = self._loop.create_task(self._take_in(sock, peer))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _take_in(self, sock: socket.socket, peer: Any) -> None:
        try:
            sock.setblocking(False)
            told = None
            if self._announced_by is not None:
                header = await self._header_of(sock, peer, self._announced_by)
                if header is None:
                    sock.close()
                    return
                told = header.source
            protocol = self._factory()
            protocol.told_peer = told
            # Who ends a handshake, or comes with something else, is nobody's news.
            with contextlib.suppress(OSError):
                await self._loop.connect_accepted_socket(
                    lambda: protocol,
                    sock,
                    ssl=self._tls,
                    ssl_handshake_timeout=None if self._tls is None else self._patience,
                )
        except BaseException:
            sock.close()
            raise

    async def _header_of(self, sock: socket.socket, peer: Any, announced_by: TrustedProxies) -> Header | None:
        """None: the connection is nobody's."""
        client = peer if isinstance(peer, tuple) else None  # on a unix socket a peer has no address
        shown = "a unix socket" if client is None else str(client[0])
        if not announced_by.peer(client).trusted:
            self._tell("turned away, not among trusted_proxies", shown)
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._read(sock)
        except TimeoutError:
            self._tell("turned away, no header of the PROXY protocol in time", shown)
        except ValueError:
            self._tell("turned away, no header of the PROXY protocol", shown)
        except OSError:
            pass  # it has gone by itself, as health checks do
        return None

    async def _read(self, sock: socket.socket) -> Header:
        """Exactly the header's octets; raises ValueError for others, OSError for a connection that ends."""
        octets = b""
        while True:
            try:
                # Looked at first: what follows the header is for somebody else.
                ahead = sock.recv(4096, socket.MSG_PEEK)
            except BlockingIOError:
                await self._readable(sock)
                continue
            if not ahead:
                raise ConnectionResetError
            found = read_header(octets + ahead)
            if found is NoHeader.MALFORMED:
                raise ValueError
            if isinstance(found, Header):
                sock.recv(found.length - len(octets))
                return found
            octets += sock.recv(len(ahead))

    async def _readable(self, sock: socket.socket) -> None:
        waiter = self._loop.create_future()
        self._loop.add_reader(sock, _resolve, waiter)
        try:
            await waiter
        finally:
            self._loop.remove_reader(sock)

    def _tell(self, what: str, whom: str, level: int = logging.WARNING) -> None:
        now = time.monotonic()
        if self._told.get(what, 0.0) <= now:
            self._told[what] = now + _TOLD_ONCE_IN
            _logger.log(level, "%s: %s", what, whom)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
