"""An app that does what the path of a request says, on raw sockets: ``/NAME/…`` is answered by the script NAME.

A script writes the octets that it means, so that it can also be wrong in every way. It returns to keep the connection
for a next request, and raises :class:`Over` to end it.
"""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

T = TypeVar("T")

BLOCK = bytes(range(256)) * 1024  # 256 KiB
_LIMIT = 1 << 20
PATIENCE = 10.0  # seconds that scripts may take to notice that the origin is stopped


class Over(Exception):  # noqa: N818 — it is no error
    """The script is done with this connection."""


class Call:
    """A request and the connection it came on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head
        self.method, self.target, _ = head.partition(b"\r\n")[0].split(b" ")

    def values(self, name: bytes) -> list[bytes]:
        """Values of a field, in their order."""
        return re.findall(rb"(?im)^" + re.escape(name) + rb":[ \t]*(.*?)[ \t]*\r$", self._head)

    async def body(self) -> bytes:
        """The whole body of the request."""
        return b"".join([part async for part in self.parts()])

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        if self.values(b"transfer-encoding"):
            while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
                yield await self._reader.readexactly(size)
                assert await self._reader.readexactly(2) == b"\r\n"
            while await self._reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return
        left = sum(map(int, self.values(b"content-length")))
        while left:
            data = await self._reader.read(min(left, len(BLOCK)))
            if not data:
                raise Over
            left -= len(data)
            yield data

    async def send(self, octets: bytes) -> None:
        """As they are; waits while the other side does not read. Raises :class:`Over` when that is gone."""
        if self._writer.is_closing():
            raise Over
        self._writer.write(octets)
        await self._writer.drain()

    async def unless_ended(self, what: Coroutine[Any, Any, T]) -> T:
        """Its result; raises :class:`Over` when the other side ends the connection before."""
        wanted = asyncio.ensure_future(what)
        end = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait([wanted, end], return_when=asyncio.FIRST_COMPLETED)
            if wanted.done():
                return wanted.result()
            raise Over
        finally:
            wanted.cancel()
            end.cancel()
            await asyncio.wait([wanted, end])

    def reset(self) -> None:
        """Ends the connection with RST in place of FIN."""
        reset(self._writer)
        raise Over


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with RST in place of FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


Script = Callable[[Call], Coroutine[Any, Any, None]]


def response(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with Content-Length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join([*lines, b"", body])


class Origin:
    """Listens on a free port, which stays its own when it is stopped and started."""

    def __init__(self, scripts: Mapping[str, Script] | None = None) -> None:
        self.cookies = [b"sid=1; Path=/", b"_ga=2; Path=/; Max-Age=999", b"odd=3"]
        self.go_on = asyncio.Event()  # what the script ``held`` waits for
        self.events: asyncio.Queue[bytes] = asyncio.Queue()  # what the script ``events`` sends, until an empty one
        self.calls = 0
        self.busy = 0  # requests that a script is at
        self._scripts = {"": self._page, "held": self._held, "events": self._events, "sink": _sink, "stream": _stream}
        self._scripts |= scripts or {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._writers)

    async def start(self) -> None:
        """Listens."""
        self._server = await asyncio.start_server(
            self._take, "127.0.0.1", self._port, backlog=2048, limit=_LIMIT, reuse_address=True
        )
        self._port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Nobody listens from now on, and every connection is gone."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)
        # A script that fails is a fault of the test, and no hostility of the app's.
        if kind is None and self._faults:
            raise self._faults[0]

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            self._faults.append(fault)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, Over):
                while True:
                    call = Call(reader, writer, await reader.readuntil(b"\r\n\r\n"))
                    self.calls += 1
                    self.busy += 1
                    try:
                        await self._scripts[call.target.decode().split("/")[1]](call)
                    finally:
                        self.busy -= 1
        finally:
            self._writers.discard(writer)
            writer.close()

    # --- scripts that most tests can use -----------------------------------------------------------------------------

    async def _page(self, call: Call) -> None:
        await call.body()
        await call.send(response(b"page", *(b"Set-Cookie: " + cookie for cookie in self.cookies)))

    async def _held(self, call: Call) -> None:
        """Half a response, and the other half when ``go_on`` is set."""
        await call.send(response(b"halfhalf")[:-4])
        await call.unless_ended(self.go_on.wait())
        await call.send(b"half")

    async def _events(self, call: Call) -> None:
        await call.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        while event := await call.unless_ended(self.events.get()):
            await call.send(b"%x\r\n%b\r\n" % (len(event), event))
        await call.send(b"0\r\n\r\n")


async def _stream(call: Call) -> None:
    """``/stream/N``: N octets, as fast as they are taken."""
    left = int(call.target.split(b"/")[2])
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
    while left:
        part = BLOCK[: min(left, len(BLOCK))]
        await call.send(part)
        left -= len(part)


async def _sink(call: Call) -> None:
    """``/sink/SECONDS``: reads the body, rests after each MiB, and says how many octets there were."""
    rest = float(call.target.split(b"/")[2])
    got = rested = 0
    async for part in call.parts():
        got += len(part)
        if got - rested >= 1 << 20:
            rested = got
            await asyncio.sleep(rest)
    await call.send(response(b"%d" % got))
