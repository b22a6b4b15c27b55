"""Visitors who vanish in every way: what was opened for them is closed, and memory comes to a plateau."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.plane.soak.process import descriptors, memory
from tests.plane.soak.scene import Scene, play, scene, until
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import PLAIN, Broken, Connection, visit

ROUNDS = sized(3, 6)
RESETS = sized(300, 5_000)  # in each round
VANISHING = sized(80, 500)
PLATEAU = 4_000_000  # octets between the second round and the last
AT_ONCE = 16
# A visitor who ends his side alone may still wait for the answer: where nothing moves, only this deadline tells.
TABLES = '[server]\nbody_timeout = "1s"'
DOWNLOAD = b"GET /stream/50000000 HTTP/1.1\r\nHost: shop.example\r\n\r\n"
UPLOAD = b"POST /sink/0 HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000\r\n\r\n"
HELD = b"GET /held/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"


async def reset_at_once(on: Scene, number: int) -> None:
    """Opens a connection and resets it, with nothing, a part of a head, or whole requests sent."""
    what = (b"", b"GET / HT", PLAIN, UPLOAD, PLAIN * 5, HELD, b"\x00\xff not HTTP\r\n\r\n")[number % 7]
    visitor = await Connection.open(on.port)
    try:
        if what:
            await visitor.send(what)
        if number % 3 == 0:
            await asyncio.sleep(0)
    except Broken:
        pass
    finally:
        visitor.reset()


async def vanish(on: Scene, number: int) -> None:
    """Leaves in the middle of a response or an upload, with FIN or RST."""
    what = (DOWNLOAD, HELD, UPLOAD, DOWNLOAD)[number % 4]
    visitor = await Connection.open(on.port)
    try:
        await visitor.send(what)
        if what != UPLOAD:
            assert (await visitor.line()).startswith(b"HTTP/1.1 200 ")
        if what == DOWNLOAD:
            await visitor.exactly(random.Random(number).randrange(1, 400_000))
    finally:
        visitor.reset() if number % 8 < 4 else visitor.close()


async def crowd(on: Scene, count: int, act: Callable[[Scene, int], Coroutine[Any, Any, None]]) -> None:
    """All of them, some at once."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await act(on, number)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def settled(on: Scene, before: int) -> None:
    """Waits until nothing is under way, and no file or socket is left but those to the app that wait for a next use."""
    await until(lambda: on.origin.busy == 0, what="the app's exchanges to be given up")
    await until(
        lambda: descriptors(on.pid) - on.origin.connections <= before,
        what=f"{descriptors(on.pid)} descriptors and {on.origin.connections} connections to the app to become {before}",
    )
    assert (await visit(on.port)).status == 200


def rounds_of(folder: Path, count: int, act: Callable[[Scene, int], Coroutine[Any, Any, None]]) -> list[int]:
    """Memory in octets after each round of a crowd."""

    async def scenario() -> list[int]:
        async with scene(folder, tables=TABLES) as on:
            assert (await visit(on.port)).status == 200
            before = descriptors(on.pid) - on.origin.connections
            after = []
            for _ in range(ROUNDS):
                await crowd(on, count, act)
                await settled(on, before)
                after.append(memory(on.pid))
            return after

    after = play(scenario(), within=sized(60, 300))
    print(f"{act.__name__}: MB in memory after each round of {count}:", [f"{one / 1e6:.1f}" for one in after])
    return after


def test_connections_that_are_reset_at_once_leave_nothing_behind(tmp_path: Path) -> None:
    after = rounds_of(tmp_path, RESETS, reset_at_once)
    assert after[-1] - after[1] < PLATEAU


def test_visitors_who_vanish_in_mid_exchange_leave_nothing_behind(tmp_path: Path) -> None:
    after = rounds_of(tmp_path, VANISHING, vanish)
    assert after[-1] - after[1] < PLATEAU
