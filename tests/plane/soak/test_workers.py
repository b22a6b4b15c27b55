"""One of two workers is killed: its own exchanges break, the other's go on, and another takes its place."""

import asyncio
import os
import signal
from pathlib import Path

from tests.plane.soak.process import connections_of
from tests.plane.soak.scene import Scene, play, scene, until
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import Broken, Connection, Load, Response, opened, visit

HELD = b"GET /held/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"
KILLS = sized(1, 5)
EACH = 5  # exchanges under way in each worker
AT_ONCE = 4


async def hold_both(on: Scene, held: list[Connection]) -> None:
    """Opens exchanges until each worker has some under way; which worker takes one is the kernel's choice."""

    def counts() -> list[int]:
        ports = {one.port for one in held}
        return [len(connections_of(pid, on.port) & ports) for pid in on.gatekeeper.workers()]

    while min(counts(), default=0) < EACH:
        assert len(held) < 500, f"one worker takes them all: {counts()}"
        batch = [await Connection.open(on.port) for _ in range(10)]
        held += batch
        for one in batch:
            await one.send(HELD)
            assert (await one.line()).startswith(b"HTTP/1.1 200 ")


async def whole(one: Connection) -> bool:
    """Whether the response came to its end."""
    try:
        while await one.line() != b"\r\n":
            pass
        return await one.exactly(8) == b"halfhalf"
    except Broken:
        return False


async def serves(on: Scene, pid: int) -> None:
    """Waits until this worker has answered somebody."""
    while True:
        async with await Connection.open(on.port) as visitor:
            assert (await visitor.ask()).status == 200
            if visitor.port in connections_of(pid, on.port):
                return


async def kill_one(on: Scene, held: list[Connection], outcomes: list[Response | Exception]) -> float:
    """Kills a worker with exchanges under way in both; seconds until the one in its place has served."""
    await hold_both(on, held)
    victim, other = on.gatekeeper.workers()
    lost, kept = ({one for one in held if one.port in connections_of(pid, on.port)} for pid in (victim, other))
    assert len(lost) + len(kept) == len(held)
    failed = sum(not isinstance(one, Response) for one in outcomes)
    os.kill(victim, signal.SIGKILL)
    began = asyncio.get_running_loop().time()
    await until(lambda: len(set(on.gatekeeper.workers()) - {victim, other}) == 1, what="another worker")
    (fresh,) = set(on.gatekeeper.workers()) - {other}
    await serves(on, fresh)
    took = asyncio.get_running_loop().time() - began
    on.origin.go_on.set()
    for one in held:
        assert await whole(one) is (one in kept)
    on.origin.go_on.clear()
    # Of the visits without a pause, only those that were under way in the killed one.
    assert sum(not isinstance(one, Response) for one in outcomes) - failed <= AT_ONCE
    return took


def test_a_killed_worker_takes_only_its_own_exchanges_with_it_and_is_replaced(tmp_path: Path) -> None:
    outcomes: list[Response | Exception] = []
    took: list[float] = []

    async def scenario() -> None:
        async with scene(tmp_path, "--workers", "2") as on:
            for turn in range(KILLS):
                async with opened(on.port, 0) as held, Load(on.port, outcomes.append, at_once=AT_ONCE):
                    took.append(await kill_one(on, held, outcomes))
                await on.says("takes its place", times=turn + 1)
            assert (await visit(on.port)).status == 200
            assert len(on.gatekeeper.err) == 1 + KILLS

    play(scenario(), within=sized(60, 300))
    assert {one.status for one in outcomes if isinstance(one, Response)} == {200}
    print("seconds until the worker in the place of a killed one served:", [f"{one:.2f}" for one in took])
