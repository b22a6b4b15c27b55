"""Where connections come in: plainly, with TLS, or behind a load balancer that speaks the PROXY protocol.

The header of the PROXY protocol comes before everything else, also before a TLS handshake, so such connections are
accepted here and not by the loop's own server: it is read octet for octet from the bare socket, and what follows is
left there for whoever comes next.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.proxy_protocol import Header, NoHeader, read_header

_logger = logging.getLogger("gatekeeper.serve")

# Connections taken in at a time; the loop looks at the others in between, and so do the other workers.
_AT_ONCE = 32
# Seconds to wait when this machine has no more files or memory; the loops' own servers do the same.
_OUT_OF_FILES_PAUSE = 1.0
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# Seconds in which the same reason is told once: who is turned away may come again at once.
_TOLD_ONCE_IN = 60.0

ProtocolFactory = Callable[[], Any]


class AnnouncedServer:
    """Takes in connections that begin with a header of the PROXY protocol, from trusted proxies, and no others.

    ``factory`` makes the protocol of a connection; its ``told_peer`` is set before ``connection_made``: the address and
    port of the visitor, or None where the header tells none. ``patience`` is in seconds, for the header and for the TLS
    handshake each. Looks like an ``asyncio.Server`` to uvicorn.
    """

    def __init__(
        self,
        listener: socket.socket,
        factory: ProtocolFactory,
        *,
        trusted: TrustedProxies,
        patience: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self._factory = factory
        self._trusted = trusted
        self._patience = patience
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[None]] = set()
        self._told: dict[str, float] = {}
        self._is_open = True
        listener.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Takes nobody in any more; who has not come in whole is sent away. May be called again."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._listener)
            self._listener.close()
            for task in self._arriving:
                task.cancel()

    async def wait_closed(self) -> None:
        """Until all those are away."""
        if self._arriving:
            await asyncio.wait(self._arriving)

    def _listen(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                if fault.errno not in _OUT_OF_FILES:
                    raise
                self._tell("cannot take in connections", (fault.strerror or "").lower(), logging.ERROR)
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_OUT_OF_FILES_PAUSE, self._listen)
                return
            task = self._loop.create_task(self._take_in(sock, peer))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _take_in(self, sock: socket.socket, peer: Any) -> None:
        try:
            sock.setblocking(False)
            header = await self._header_of(sock, peer)
            if header is None:
                sock.close()
                return
            protocol = self._factory()
            protocol.told_peer = header.source
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

    async def _header_of(self, sock: socket.socket, peer: Any) -> Header | None:
        """None: the connection is nobody's."""
        client = peer if isinstance(peer, tuple) else None  # on a unix socket a peer has no address
        shown = "a unix socket" if client is None else str(client[0])
        if not self._trusted.peer(client).trusted:
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
