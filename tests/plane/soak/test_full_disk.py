"""A log on a full disk, under load: exchanges do not notice, and what is lost is counted and told."""

import re
import signal
from pathlib import Path

import pytest

from tests.plane.soak.scene import play, scene
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import Load, Response

REQUESTS = sized(500, 5_000)
TABLES = '[log]\ndestination = "/dev/full"\nrepeat = "0s"\n'
EVENTS = 2  # of each exchange: two cookies that nobody gets


@pytest.mark.parametrize("workers", sized(["1"], ["1", "2"]))
def test_a_full_disk_loses_the_log_and_no_exchange(tmp_path: Path, workers: str) -> None:
    outcomes: list[Response | Exception] = []

    async def scenario() -> None:
        async with scene(tmp_path, "--workers", workers, tables=TABLES) as on:
            async with Load(on.port, outcomes.append, count=REQUESTS) as load:
                await on.says('"/dev/full" cannot be written: no space left on device; what is lost is counted')
                await load.reached(REQUESTS)
            on.gatekeeper.send(signal.SIGTERM)
            assert await on.ended() == 0
            assert 1 <= len(on.lines("cannot be written")) <= int(workers)
            lost = [re.fullmatch(r"gatekeeper: the log lost (\d+) events", line) for line in on.lines("the log lost")]
            assert sum(int(one[1]) for one in lost if one) == EVENTS * REQUESTS
            assert on.gatekeeper.out == []

    play(scenario(), within=sized(60, 300))
    assert [
        one for one in outcomes if not isinstance(one, Response) or (one.status, one.cookies) != (200, {b"sid"})
    ] == []
