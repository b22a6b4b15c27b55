"""Visitors: connections that send the octets they are told to, a strict reader of responses, and steady load."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Self

from tests.cli.running import PATIENCE
from tests.plane.soak.origin import reset

PLAIN = b"GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: sid=1\r\n\r\n"


class Broken(Exception):  # noqa: N818 — what it is called everywhere in these tests
    """The connection ended before the response did: the transfer is visibly broken. ``octets`` came of it."""

    def __init__(self, octets: bytes = b"") -> None:
        super().__init__(f"the connection ended after {len(octets)} octets")
        self.octets = octets


class Response(NamedTuple):
    """A response as it stood on the wire. ``raw`` is every octet of it, interim responses among them."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes
    raw: bytes

    def values(self, name: bytes) -> list[bytes]:
        """Values of a field, in their order."""
        return [value for key, value in self.fields if key.lower() == name]

    @property
    def cookies(self) -> set[bytes]:
        """Names of the cookies that it sets."""
        return {value.partition(b"=")[0] for value in self.values(b"set-cookie")}

    @property
    def is_last(self) -> bool:
        """Whether it says that its connection ends with it."""
        return any(b"close" in value.lower() for value in self.values(b"connection"))


class Connection:
    """A visitor's connection. Every wait for an octet is bounded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.port: int = writer.get_extra_info("sockname")[1]

    @classmethod
    async def open(cls, port: int) -> Self:
        """Raises OSError when nobody is taken in."""
        async with asyncio.timeout(PATIENCE):
            return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """Leaves without a word (RST)."""
        reset(self._writer)

    async def send(self, octets: bytes) -> None:
        """Raises :class:`Broken` when the other side has ended the connection."""
        if self._writer.is_closing():
            raise Broken
        try:
            async with asyncio.timeout(PATIENCE):
                self._writer.write(octets)
                await self._writer.drain()
        except OSError:
            raise Broken from None

    async def read(self, count: int) -> bytes:
        """At most so many octets; none when the other side has ended the connection, in whatever manner."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._reader.read(count)
        except ConnectionError:
            return b""

    async def exactly(self, count: int) -> bytes:
        """Raises :class:`Broken`."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._reader.readexactly(count)
        except asyncio.IncompleteReadError as fault:
            raise Broken(fault.partial) from None
        except OSError:
            raise Broken from None

    async def line(self) -> bytes:
        return await self._until(b"\r\n")

    async def _until(self, mark: bytes) -> bytes:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._reader.readuntil(mark)
        except asyncio.IncompleteReadError as fault:
            raise Broken(fault.partial) from None
        except OSError:
            raise Broken from None

    async def ended(self) -> bytes:
        """What still comes until the other side has ended the connection."""
        rest = bytearray()
        while data := await self.read(65536):
            rest += data
        return bytes(rest)

    # --- responses ---------------------------------------------------------------------------------------------------

    async def response(self, method: bytes = b"GET") -> Response:
        """The next response, whole; raises :class:`Broken`."""
        raw: list[bytes] = []
        try:
            while True:
                raw.append(await self._until(b"\r\n\r\n"))
                status, fields = parse_head(raw[-1])
                if status >= 200 or status == 101:
                    break
            body = []
            if method != b"HEAD" and status not in (204, 304):
                async for part, whole in self._body({name.lower(): value for name, value in fields}):
                    body.append(part)
                    raw.append(whole)
        except Broken as broken:
            raise Broken(b"".join(raw) + broken.octets) from None
        return Response(status, fields, b"".join(body), b"".join(raw))

    async def _body(self, fields: dict[bytes, bytes]) -> AsyncIterator[tuple[bytes, bytes]]:
        """The parts of a body, and the octets on the wire that they came in."""
        if b"transfer-encoding" in fields:
            assert fields[b"transfer-encoding"].lower() == b"chunked"
            while size := int((line := await self.line()).split(b";")[0], 16):
                part = await self.exactly(size + 2)
                assert part.endswith(b"\r\n")
                yield part[:-2], line + part
            while line != b"\r\n":
                line = await self.line()
                yield b"", line
        elif b"content-length" in fields:
            part = await self.exactly(int(fields[b"content-length"]))
            yield part, part
        else:
            part = await self.ended()
            yield part, part

    async def ask(self, request: bytes = PLAIN) -> Response:
        """One request and its response."""
        await self.send(request)
        return await self.response(request.partition(b" ")[0])


def parse_head(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Status and fields of a response head; fails on what is none."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    version, _, rest = lines[0].partition(b" ")
    assert version == b"HTTP/1.1", head[:200]
    fields = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        assert colon, head[:2000]
        fields.append((name, value.strip(b" \t")))
    return int(rest[:3]), fields


@contextlib.asynccontextmanager
async def opened(port: int, count: int) -> AsyncIterator[list[Connection]]:
    """So many connections, closed at the end; others that are put to them too."""
    connections: list[Connection] = []
    try:
        for _ in range(count):
            connections.append(await Connection.open(port))  # noqa: PERF401 - what was opened has to be closed
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def visit(port: int, request: bytes = PLAIN) -> Response:
    """One request on a connection of its own; raises OSError and :class:`Broken`."""
    async with await Connection.open(port) as connection:
        return await connection.ask(request)


async def refuses(port: int) -> bool:
    """Whether nobody is taken in there any more."""
    try:
        (await Connection.open(port)).close()
    except OSError:
        return True
    return False


class Load:
    """Visits without a pause, each on a new connection, some at once; ``took`` is told each outcome.

    An outcome is a :class:`Response` or the exception that came in its place.
    """

    def __init__(
        self, port: int, took: Callable[[Response | Exception], None], *, count: int = 1 << 40, at_once: int = 8
    ) -> None:
        self.done = 0
        self._port = port
        self._took = took
        self._left = count
        self._at_once = at_once
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._visit()) for _ in range(self._at_once)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends it; requests under way are finished."""
        self._left = 0
        await asyncio.gather(*self._tasks)

    async def reached(self, count: int) -> None:
        """Waits until so many visits are done."""
        while self.done < count and not all(task.done() for task in self._tasks):
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._changed.wait()
        assert self.done >= count

    async def _visit(self) -> None:
        while self._left > 0:
            self._left -= 1
            outcome: Response | Exception
            try:
                outcome = await visit(self._port)
            except (OSError, Broken) as fault:
                outcome = fault
            self._took(outcome)
            self.done += 1
            self._changed.set()
