"""The visitor's side of one exchange: the only reader of ``receive``, and a ``send`` that does not wait for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable

import anyio
import httpcore
import httpx

from gatekeeper.proxy.asgi import Message, Receive, Send


class VisitorStalled(Exception):  # noqa: N818 - it says what happened; it is caught by name within this package only
    """No octet of a body moved on the visitor's side for as long as the limits allow."""


class Visitor:
    """One reader for two questions, "what comes next in the body" and "is the visitor still there".

    ASGI answers both through ``receive``, and servers do not expect two tasks in it. :meth:`watch` reads; at most one
    part of the body waits, so an upstream that is slow makes the visitor slow and nothing is piled up. While a part
    waits nobody reads; a visitor who leaves then is missed when the upstream's time for taking it is over.
    """

    def __init__(self, receive: Receive, send: Send, *, idle: float) -> None:
        self._receive = receive
        self._send = send
        self._idle = idle
        self._parts: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue(maxsize=1)
        self._wanted = asyncio.Event()
        self._unread = False
        self.answered = False

    async def watch(self) -> None:
        """Read until the visitor is gone.

        It starts when the body is wanted and not before: ``receive`` makes a server send 100 (Continue), and a visitor
        who waits for that need not upload anything to an upstream that cannot be reached (RFC 9110 section 10.1.1).
        """
        await self._wanted.wait()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            part = (message.get("body", b""), message.get("more_body", False))
            if not self._unread:
                await self._parts.put(part)

    @property
    def body_wanted(self) -> bool:
        """Whether the server was told that somebody reads the body."""
        return self._wanted.is_set()

    def no_body(self) -> None:
        """The rest of the body is nobody's: watch only. Otherwise a full queue would hide that the visitor left."""
        self._unread = True
        self._wanted.set()
        while not self._parts.empty():
            self._parts.get_nowait()

    async def body(self) -> AsyncIterator[bytes]:
        """The body in the parts in which it comes; raises :class:`VisitorStalled`."""
        more = True
        while more:
            part, more = await self._next()
            if part:
                yield part

    async def first(self) -> tuple[bytes, bool]:
        """The first part, and whether more follow, for a request that does not announce whether it has a body."""
        return await self._next()

    async def _next(self) -> tuple[bytes, bool]:
        self._wanted.set()
        try:
            with anyio.fail_after(self._idle):
                return await self._parts.get()
        except TimeoutError:
            raise VisitorStalled("the visitor's upload stalled") from None

    async def send(self, message: Message) -> None:
        """Hand a message to the server, which waits while the visitor is slow; raises :class:`VisitorStalled`."""
        self.answered = True
        try:
            with anyio.fail_after(self._idle):
                await self._send(message)
        except TimeoutError:
            raise VisitorStalled("the visitor stopped reading") from None


class Upload(httpx.AsyncByteStream):
    """A request body as httpx wants it; ``first`` is what was read of it already.

    ``unheard`` tells whether the upstream has ended its side. httpcore sends a body to its end before it reads, so an
    upstream that refuses an upload in the middle (413) and closes would be met with octets that reset the connection,
    and its answer would be lost. A ``WriteError`` is httpcore's own sign for that: it sends no more, and reads.
    """

    def __init__(self, visitor: Visitor | None, first: bytes = b"") -> None:
        self._visitor = visitor
        self._first = first
        self.unheard: Callable[[], bool] = _heard

    @property
    def is_empty(self) -> bool:
        """Whether there is no body, so that the request can be sent a second time."""
        return self._visitor is None and not self._first

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._first:
            yield self._first
        if self._visitor is not None:
            async for part in self._visitor.body():
                if self.unheard():
                    raise httpcore.WriteError
                yield part


def _heard() -> bool:
    return False
