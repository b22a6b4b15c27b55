"""What long transfers and idle visitors cost in memory: it does not depend on how much goes through."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.plane.soak.origin import BLOCK
from tests.plane.soak.process import Peak, memory
from tests.plane.soak.scene import Scene, play, scene
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import PLAIN, Connection, opened, parse_head

MIB = 1 << 20
STREAM = sized(64 * MIB, 1024 * MIB)
IDLE = 1000
# Seconds of rest after each MiB: an origin or a visitor that takes 50 to 200 MiB each second.
REST = sized(0.005, 0.01)


async def download(on: Scene, octets: int, peak: Peak, rest: float) -> None:
    """Reads a stream and compares it with what was sent."""
    async with await Connection.open(on.port) as visitor:
        await visitor.send(b"GET /stream/%d HTTP/1.1\r\nHost: shop.example\r\n\r\n" % octets)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await visitor.line()
        assert parse_head(head)[0] == 200
        # A visitor who does not read at first: what the app sends meanwhile has to wait at the app.
        await asyncio.sleep(100 * rest)
        got = rested = check = 0
        while got < octets:
            data = await visitor.read(len(BLOCK))
            assert data, f"broken off after {got}"
            got += len(data)
            check = zlib.crc32(data, check)
            if got - rested >= MIB:
                rested = got
                peak.look()
                await asyncio.sleep(rest)
    assert check == checksum(octets)


async def upload(on: Scene, octets: int, peak: Peak, rest: float) -> None:
    """Sends a stream as fast as it is taken; the app counts what it gets."""
    async with await Connection.open(on.port) as visitor:
        head = b"POST /sink/%.3f HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n" % (rest, octets)
        await visitor.send(head)
        for _ in range(octets // len(BLOCK)):
            await visitor.send(BLOCK)
            peak.look()
        answer = await visitor.response()
    assert (answer.status, answer.body) == (200, b"%d" % octets)


def checksum(octets: int) -> int:
    """Of what ``/stream/N`` sends."""
    check = 0
    for _ in range(octets // len(BLOCK)):
        check = zlib.crc32(BLOCK, check)
    return check


@pytest.mark.parametrize("rest", sized([REST], [0.0, REST]), ids=sized(["slow"], ["fast", "slow"]))
@pytest.mark.parametrize("transfer", [download, upload])
def test_a_long_stream_does_not_fill_the_memory(
    tmp_path: Path, transfer: Callable[[Scene, int, Peak, float], Awaitable[None]], rest: float
) -> None:
    async def scenario() -> int:
        async with scene(tmp_path) as on:
            # What a first transfer needs once and for all is no growth.
            await transfer(on, 4 * MIB, Peak(on.pid), 0.0)
            peak = Peak(on.pid)
            await transfer(on, STREAM, peak, rest)
            return peak.growth

    growth = play(scenario(), within=sized(60, 300))
    print(f"{transfer.__name__} of {STREAM // MIB} MiB, rest {rest}: RSS grew by {growth / MIB:.2f} MiB")
    assert growth < 10_000_000


async def served(visitors: list[Connection]) -> None:
    """Each of them gets an answer, and keeps his connection."""
    for start in range(0, len(visitors), 50):
        answers = await asyncio.gather(*(one.ask(PLAIN) for one in visitors[start : start + 50]))
        assert {answer.status for answer in answers} == {200}


def test_an_idle_connection_takes_less_than_12_kilobytes(tmp_path: Path) -> None:
    async def scenario() -> float:
        async with scene(tmp_path) as on, opened(on.port, 100) as warm:
            await served(warm)
            before = memory(on.pid)
            async with opened(on.port, IDLE) as visitors:
                await served(visitors)
                each = (memory(on.pid) - before) / IDLE
                assert (await visitors[0].ask()).status == 200  # they were kept
            return each

    each = play(scenario(), within=60)
    print(f"an idle connection takes {each / 1000:.2f} kB")
    assert each < 12_000
