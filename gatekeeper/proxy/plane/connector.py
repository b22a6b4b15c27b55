"""Making connections to the upstream: name, address, socket, TLS; and telling when it goes down and when it is back.

One :class:`Connector` belongs to one event loop. What it makes is the caller's: it keeps no connection and counts none.

*Addresses.* A name is looked up off the loop, and what that gave is used for ten seconds. Its addresses are tried in
rotation; one that fails is passed over for a while (:mod:`addresses`), and the next is tried for the same request. When
a later look-up fails, what is known stays in use.

*Time.* ``connect_timeout`` is for TCP and for TLS each, over all addresses: of two addresses the first may take half of
it, so that one that swallows packets does not take the second's time away.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gatekeeper.proxy.plane.addresses import Addresses, Health
from gatekeeper.proxy.upstream import Upstream, UpstreamError, tls_of

_logger = logging.getLogger("gatekeeper.proxy")

P = TypeVar("P", bound=asyncio.BaseProtocol)
R = TypeVar("R")

# A family, and an address of it as the socket module has it.
_Address = tuple[int, tuple[str | int, ...] | str]

# Nothing that the upstream could help: this machine has no more files, ports or memory.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
# Seconds until a unix socket whose queue was full is asked again.
_FULL_QUEUE_PAUSE = 0.01


class Connector:
    """Connects to one upstream; raises :class:`~gatekeeper.errors.GatekeeperError` for certificates that do not serve.

    Needs no event loop before the first connection. ``tls`` makes the context, or knows one that serves.
    """

    def __init__(self, upstream: Upstream, tls: Callable[[Upstream], ssl.SSLContext | None] = tls_of) -> None:
        self._upstream = upstream
        self._context = tls(upstream)
        if self._context is not None:
            self._context.set_alpn_protocols(["http/1.1"])
        self._host = upstream.origin.raw_host.decode("ascii")
        self._port = upstream.origin.port or (80 if self._context is None else 443)
        self._addresses: Addresses[_Address] = Addresses()
        self._health = Health()
        self._look_up: asyncio.Task[OSError | None] | None = None
        if upstream.socket is not None:
            self._addresses.learn([(socket.AF_UNIX, upstream.socket)], 0, valid=float("inf"))
        else:
            # An address as it stands is never looked up; a name is not here.
            with contextlib.suppress(OSError, UnicodeError):
                found = socket.getaddrinfo(self._host, self._port, flags=socket.AI_NUMERICHOST, **_TCP)
                self._addresses.learn(_addresses(found), 0, valid=float("inf"))

    async def connect(self, factory: Callable[[], P]) -> P:
        """One new connection, handed to a protocol that ``factory`` makes, which is returned.

        Raises :class:`UpstreamError` with 504 when that takes too long, 503 when this machine is at its limits, and
        502 for all else. Cancelling it leaves no connection behind.
        """
        loop = asyncio.get_running_loop()
        try:
            await self._know_addresses(loop)
        except OSError as fault:
            raise self._down(fault, loop) from None
        tcp, tls = _Budget(self._upstream.connect_timeout), _Budget(self._upstream.connect_timeout)
        last: OSError = OSError("it has no address")
        order = self._addresses.in_turn(loop.time())
        for place, address in enumerate(order):
            try:
                sock = await tcp.spend(_open(address, loop), len(order) - place)
                protocol = await tls.spend(self._protocol_on(sock, factory, loop), len(order) - place)
            except OSError as fault:
                if fault.errno in _OURS:
                    reason = os.strerror(fault.errno or 0).lower()
                    text = f"no connection to it can be opened: {reason}"
                    raise UpstreamError(text, status=503, retry_after=1) from None
                last = fault
                if self._addresses.failed(address, loop.time()) and len(order) > 1:
                    _logger.info("upstream %s: %s is passed over: %s", self._name, _shown(address), _reason(fault))
            else:
                if self._addresses.succeeded(address) and len(order) > 1:
                    _logger.info("upstream %s: %s is back", self._name, _shown(address))
                if self._health.succeeded(loop.time()):
                    _logger.info("upstream %s is back", self._name)
                return protocol
        raise self._down(last, loop)

    @property
    def _name(self) -> str:
        return self._upstream.url

    def _down(self, fault: OSError, loop: asyncio.AbstractEventLoop) -> UpstreamError:
        error = _error(fault)
        if self._health.failed(loop.time()):
            _logger.warning("upstream %s is down: %s", self._name, _reason(fault))
        else:
            error.known = True
        return error

    # --- names -------------------------------------------------------------------------------------------------------

    async def _know_addresses(self, loop: asyncio.AbstractEventLoop) -> None:
        """Raises OSError when nothing is known of the name and nothing can be found out."""
        if self._addresses.are_fresh(loop.time()):
            return
        if self._look_up is None or self._look_up.done():
            self._look_up = loop.create_task(self._ask_resolver(loop))
        fault: OSError | None
        try:
            async with asyncio.timeout(self._upstream.connect_timeout):
                # Shielded: others wait for the same answer, and a look-up cannot be called off anyway.
                fault = await asyncio.shield(self._look_up)
        except TimeoutError as late:
            fault = late
        if fault is not None and not self._addresses.known:
            raise fault

    async def _ask_resolver(self, loop: asyncio.AbstractEventLoop) -> OSError | None:
        try:
            found = _addresses(await loop.getaddrinfo(self._host, self._port, **_TCP))
        except UnicodeError:
            return OSError(errno.EINVAL, "no host can have its name")
        except OSError as fault:
            if self._addresses.known:
                _logger.warning("upstream %s: %s; its old addresses stay", self._name, _reason(fault))
                self._addresses.learn(self._addresses.known, loop.time())
            return fault
        self._addresses.learn(found, loop.time())
        return None

    async def _protocol_on(self, sock: socket.socket, factory: Callable[[], P], loop: asyncio.AbstractEventLoop) -> P:
        if self._context is None:
            return (await loop.create_connection(factory, sock=sock))[1]
        _, protocol = await loop.create_connection(
            factory,
            sock=sock,
            ssl=self._context,
            # A name with a dot at its end is the same name without it, in SNI (RFC 6066 section 3) and certificates.
            server_hostname=self._host.removesuffix("."),
            # The deadline round this is what ends it; the loop's own would look like a connection that was cut.
            ssl_handshake_timeout=self._upstream.connect_timeout + 60,
        )
        return protocol


# --- sockets ---------------------------------------------------------------------------------------------------------

_TCP = {"type": socket.SOCK_STREAM, "proto": socket.IPPROTO_TCP}


def _addresses(found: Sequence[tuple[Any, ...]]) -> list[_Address]:
    return [(family, where) for family, _, _, _, where in found]


async def _open(address: _Address, loop: asyncio.AbstractEventLoop) -> socket.socket:
    """A connected socket; raises OSError, of which TimeoutError and ssl.SSLError are kinds.

    The loops' own way takes a unix socket that refused for one that is connected, and one of them forgets the scope of
    an IPv6 address.
    """
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_UNIX:
            await _connect_unix(sock, where)
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await _connect_tcp(sock, where, loop)
    except BaseException:
        sock.close()
        raise
    return sock


async def _connect_unix(sock: socket.socket, where: Any) -> None:
    while True:
        with contextlib.suppress(BlockingIOError):
            return sock.connect(where)
        # Its queue is full. The system does not say when it no longer is (connect(2), EAGAIN).
        await asyncio.sleep(_FULL_QUEUE_PAUSE)


async def _connect_tcp(sock: socket.socket, where: Any, loop: asyncio.AbstractEventLoop) -> None:
    try:
        sock.connect(where)
    except BlockingIOError:
        await _writable(sock, loop)
        if number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(number, os.strerror(number)) from None
    # A port among those that this machine hands out, with nobody listening, may be connected to itself.
    if sock.getsockname() == sock.getpeername():
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))


async def _writable(sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    waiter = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    loop.add_writer(sock, wake)
    try:
        await waiter
    finally:
        loop.remove_writer(sock)


class _Budget:
    """Seconds that several attempts may take together."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    async def spend(self, work: Awaitable[R], shares: int) -> R:
        """Awaits one attempt of ``shares`` that may still come; raises TimeoutError when its share is over."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with asyncio.timeout(self._left / shares):
                return await work
        finally:
            self._left = max(0.0, self._left - (loop.time() - begun))


# --- words -----------------------------------------------------------------------------------------------------------


def _error(fault: OSError) -> UpstreamError:
    """What the visitor's answer is made of; in the words of :func:`gatekeeper.proxy.upstream.upstream_error`."""
    if isinstance(fault, TimeoutError):
        return UpstreamError("it did not accept the connection in time", status=504)
    if isinstance(fault, ssl.SSLError):
        return UpstreamError(f"TLS with it failed: {fault.reason or 'no reason given'}")
    return UpstreamError("it could not be reached")


def _reason(fault: OSError) -> str:
    """What an operator can do something with; nothing of it came over the wire."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"TLS with it failed: {fault.verify_message.rstrip('.')}"
    text = str(_error(fault))
    if isinstance(fault, TimeoutError | ssl.SSLError) or not fault.strerror:
        return text
    return f"{text}: {fault.strerror.lower()}"


def _shown(address: _Address) -> str:
    family, where = address
    if isinstance(where, str):
        return where
    host, port = where[:2]
    return f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"
