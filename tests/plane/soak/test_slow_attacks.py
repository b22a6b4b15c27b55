"""Connections that drip, stall and do not read: each is cut by its deadline, and other visitors notice nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.plane.soak.scene import Scene, play, scene, until
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import Broken, Connection, opened, visit

HEAD_TIMEOUT = sized(1, 10)
BODY_TIMEOUT = sized(2, 10)
DRIP = sized(0.25, 1.0)  # seconds between two octets
SLACK = 5.0  # seconds after a deadline until which a connection must be gone
DRIPPING = sized(200, 800)
STALLING = sized(100, 400)
TABLES = f"""
[server]
head_timeout = "{HEAD_TIMEOUT}s"
body_timeout = "{BODY_TIMEOUT}s"
[upstream]
max_connections = 1000
"""
# A connection on which no request has begun is an idle one.
IDLE = TABLES.replace("[upstream]", f'idle_timeout = "{HEAD_TIMEOUT}s"\n[upstream]')
BEGUN = b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-Long: "
UPLOAD = b"POST /sink/0 HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100000\r\n\r\n"
DOWNLOAD = b"GET /stream/50000000 HTTP/1.1\r\nHost: shop.example\r\n\r\n"


@contextlib.asynccontextmanager
async def others_are_served(on: Scene) -> AsyncIterator[None]:
    """Other visitors come all the time; each has to be served, the first and the last while the attack lasts."""
    visits = 0

    async def come() -> None:
        nonlocal visits
        while True:
            async with asyncio.timeout(SLACK):
                answer = await visit(on.port)
            assert (answer.status, answer.body) == (200, b"page")
            visits += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(come())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert visits > 20


async def all_of(on: Scene, count: int, attack: Callable[[Scene], Coroutine[Any, Any, float]]) -> list[float]:
    """The attack from many connections at once; seconds that each of them lasted."""
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(count):
            tasks.append(group.create_task(attack(on)))
            if number % 50 == 49:
                await asyncio.sleep(0.01)  # all of them within a second, and not as one flood of handshakes
    return [task.result() for task in tasks]


async def drip(visitor: Connection) -> None:
    """One octet after the other, until the connection is gone."""
    with contextlib.suppress(Broken):
        while True:
            await visitor.send(b"x")
            await asyncio.sleep(DRIP)


async def lasts(visitor: Connection, *, until_then: Coroutine[Any, Any, None] | None = None) -> tuple[float, bytes]:
    """Seconds until the other side ends the connection, and what came before."""
    began = asyncio.get_running_loop().time()
    task = asyncio.create_task(until_then) if until_then else None
    try:
        got = await visitor.ended()
    finally:
        if task is not None:
            task.cancel()
    return asyncio.get_running_loop().time() - began, got


def is_a_refusal(got: bytes) -> bool:
    """408, or nothing."""
    return not got or got.startswith(b"HTTP/1.1 408 ")


def test_dripping_heads_are_all_cut_and_others_are_served_meanwhile(tmp_path: Path) -> None:
    async def attack(on: Scene) -> float:
        async with await Connection.open(on.port) as visitor:
            await visitor.send(BEGUN)
            seconds, got = await lasts(visitor, until_then=drip(visitor))
            assert is_a_refusal(got), got
            return seconds

    async def scenario() -> None:
        async with scene(tmp_path, tables=TABLES) as on, others_are_served(on):
            lasted = await all_of(on, DRIPPING, attack)
            # By the deadline, and not because there are many of them.
            assert min(lasted) > HEAD_TIMEOUT - 0.5
            assert max(lasted) < HEAD_TIMEOUT + SLACK
            assert on.origin.connections < 100

    play(scenario(), within=sized(60, 300))


def test_connections_that_never_send_an_octet_are_cut_and_others_are_served_meanwhile(tmp_path: Path) -> None:
    async def attack(on: Scene) -> float:
        async with await Connection.open(on.port) as visitor:
            seconds, got = await lasts(visitor)
            assert is_a_refusal(got), got
            return seconds

    async def scenario() -> None:
        async with scene(tmp_path, tables=IDLE) as on, others_are_served(on):
            assert max(await all_of(on, DRIPPING, attack)) < HEAD_TIMEOUT + SLACK

    play(scenario(), within=sized(60, 300))


def test_dripping_bodies_block_nobody_and_are_cut_once_nothing_moves(tmp_path: Path) -> None:
    async def attack(on: Scene) -> float:
        async with await Connection.open(on.port) as visitor:
            await visitor.send(UPLOAD)
            # Longer than body_timeout: what moves, however slowly, is not cut.
            for _ in range(int((BODY_TIMEOUT + 1) / DRIP)):
                await visitor.send(b"x")
                await asyncio.sleep(DRIP)
            seconds, got = await lasts(visitor)
            assert is_a_refusal(got), got
            return seconds

    async def scenario() -> None:
        async with scene(tmp_path, tables=TABLES) as on, others_are_served(on):
            lasted = await all_of(on, STALLING, attack)
            assert min(lasted) > 0.1
            assert max(lasted) < BODY_TIMEOUT + SLACK
            await until(lambda: on.origin.busy < 5, what="the uploads to be given up towards the app too")

    play(scenario(), within=sized(60, 300))


def test_visitors_who_stop_reading_block_nobody_and_are_cut(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path, tables=TABLES) as on, opened(on.port, sized(20, 50)) as visitors:
            async with others_are_served(on):
                for visitor in visitors:
                    await visitor.send(DOWNLOAD)
                    assert (await visitor.line()).startswith(b"HTTP/1.1 200 ")
                assert on.origin.busy >= len(visitors)
                within = BODY_TIMEOUT + SLACK
                await until(lambda: on.origin.busy < 5, what="the downloads to be given up", within=within)
            # With nobody else there: one that is read again before its time is over would go on.
            await until(lambda: not on.origin.busy, what="all downloads to be given up", within=within)
            for visitor in visitors:
                assert len(await visitor.ended()) < 40_000_000

    play(scenario(), within=sized(60, 300))
