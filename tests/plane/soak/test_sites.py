"""Sites come, go and move to another app under load, on connections that ask for one host after the other: not one
request fails, and none is answered by another site's app or judged by another site's rules.
"""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.plane.soak.origin import Origin
from tests.plane.soak.scene import RULES, play, scene, until
from tests.plane.soak.size import sized
from tests.plane.soak.test_reload import replace
from tests.plane.soak.visitor import Connection

ROUNDS = sized(60, 3_000)
VISITORS = 8
HOSTS = (b"b.example", b"other.example", b"c.example", b"www.b.example")
# What each host's visitors may be given, before and after c.example has become a site.
GIVEN = {
    b"b.example": [{b"sid", b"only"}],
    b"www.b.example": [{b"sid", b"only"}],
    b"other.example": [{b"sid"}],
    b"c.example": [{b"sid"}, {b"sid", b"odd"}],
}


def tables(b: Origin, c: Origin | None) -> str:
    """``b`` is the app of one site; ``c`` that of another, if it is one."""
    text = f'[[site]]\nhosts = ["b.example", "*.b.example"]\nupstream.url = "{b.url}"\n'
    text += '[[site.cookie]]\nname = "only"\ncategory = "necessary"\n'
    if c is not None:
        text += f'[[site]]\nhosts = ["c.example"]\nupstream.url = "{c.url}"\n'
        text += '[[site.cookie]]\nname = "odd"\ncategory = "necessary"\n'
    return text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sites_that_change_under_load_lose_no_request_and_never_mix(tmp_path: Path, workers: str) -> None:
    given: dict[bytes, set[frozenset[bytes]]] = {host: set() for host in HOSTS}
    failed: list[object] = []
    asked = 0

    async def visitor(port: int, number: int, rounds: asyncio.Event) -> None:
        nonlocal asked
        while not rounds.is_set():
            async with await Connection.open(port) as connection:
                for turn in range(10):
                    host = HOSTS[(number + turn) % len(HOSTS)]
                    response = await connection.ask(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
                    asked += 1
                    if (response.status, response.body) != (200, b"page"):
                        failed.append((host, response))
                    given[host].add(frozenset(response.cookies))

    async def more() -> None:
        enough = asked + ROUNDS
        await until(lambda: asked >= enough, what="visitors")

    async def scenario() -> None:
        first, second = Origin(), Origin()
        for origin in (first, second):
            origin.cookies = [b"sid=1", b"only=1"]
        async with first, second, scene(tmp_path, "--workers", workers, tables=tables(first, None)) as on:
            over = asyncio.Event()
            visits = [asyncio.create_task(visitor(on.port, number, over)) for number in range(VISITORS)]
            turns = [(second, on.origin), (first, None), (second, None), (first, on.origin)]
            for turn, (b, c) in enumerate(turns):
                await more()
                replace(on.site, f"{tables(b, c)}\n{RULES}")
                on.gatekeeper.send(signal.SIGHUP)
                await on.says("reloaded: ", times=turn + 1)
            await more()
            over.set()
            await asyncio.gather(*visits)
            assert first.calls
            assert second.calls

    play(scenario(), within=sized(60, 300))
    assert failed == []
    for host, sets in given.items():
        assert sets <= set(map(frozenset, GIVEN[host])), host
    assert frozenset({b"sid", b"odd"}) in given[b"c.example"]
