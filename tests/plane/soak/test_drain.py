"""SIGTERM: what is under way is finished within the drain, nobody new is taken in, nobody idle is waited for."""

import signal
from pathlib import Path

import pytest

from tests.plane.soak.scene import Scene, play, scene
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import Connection, refuses

EVENTS = b"GET /events/ HTTP/1.1\r\nHost: shop.example\r\nAccept: text/event-stream\r\n\r\n"
HELD = b"GET /held/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"
HALF = b"u" * 500_000
UPLOAD = b"POST /sink/0 HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000\r\n\r\n"


async def next_event(on: Scene, visitor: Connection, event: bytes) -> None:
    """The app sends an event, and the visitor has it before anything else happens."""
    on.origin.events.put_nowait(event)
    size = int(await visitor.line(), 16)
    assert await visitor.exactly(size + 2) == event + b"\r\n"


async def head(visitor: Connection) -> bytes:
    """The head of a response whose body is still to come."""
    lines = b""
    while not lines.endswith(b"\r\n\r\n"):
        lines += await visitor.line()
    assert lines.startswith(b"HTTP/1.1 200 ")
    return lines


async def until_refused(on: Scene) -> None:
    while not await refuses(on.port):
        pass


@pytest.mark.parametrize("workers", sized(["2"], ["1", "2"]))
def test_a_stream_of_events_and_an_upload_under_way_are_finished_while_nobody_new_is_taken_in(
    tmp_path: Path, workers: str
) -> None:
    async def scenario() -> None:
        async with (
            scene(tmp_path, "--workers", workers) as on,
            await Connection.open(on.port) as reader,
            await Connection.open(on.port) as writer,
        ):
            await reader.send(EVENTS)
            await head(reader)
            await next_event(on, reader, b"data: before\n\n")
            await writer.send(UPLOAD + HALF)
            on.gatekeeper.send(signal.SIGTERM)
            await until_refused(on)
            await next_event(on, reader, b"data: during\n\n")
            await writer.send(HALF)
            assert (await writer.response()).body == b"1000000"
            assert await writer.ended() == b""
            await next_event(on, reader, b"data: after\n\n")
            on.origin.events.put_nowait(b"")
            assert await reader.ended() == b"0\r\n\r\n"
            assert await on.ended() == 0
            assert on.gatekeeper.err == [on.gatekeeper.start_line]

    play(scenario(), within=60)


@pytest.mark.parametrize("workers", sized(["1"], ["1", "2"]))
def test_an_idle_connection_is_closed_at_once_though_an_exchange_goes_on(tmp_path: Path, workers: str) -> None:
    async def scenario() -> None:
        async with (
            scene(tmp_path, "--workers", workers, tables='[server]\ndrain = "10m"') as on,
            await Connection.open(on.port) as idle,
            await Connection.open(on.port) as silent,
            await Connection.open(on.port) as busy,
        ):
            assert (await idle.ask()).status == 200
            await busy.send(HELD)
            await head(busy)
            on.gatekeeper.send(signal.SIGTERM)
            assert await idle.ended() == b""
            assert await silent.ended() == b""
            assert on.gatekeeper.process.poll() is None
            on.origin.go_on.set()
            assert await busy.ended() == b"halfhalf"
            assert await on.ended() == 0

    play(scenario(), within=60)


def test_what_outlives_the_drain_is_cut_visibly(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            scene(tmp_path, tables='[server]\ndrain = "1s"') as on,
            await Connection.open(on.port) as reader,
            await Connection.open(on.port) as waiting,
            await Connection.open(on.port) as writer,
        ):
            await reader.send(EVENTS)
            await head(reader)
            await next_event(on, reader, b"data: before\n\n")
            await waiting.send(HELD)
            await head(waiting)
            await writer.send(UPLOAD + HALF)
            on.gatekeeper.send(signal.SIGTERM)
            assert b"0\r\n\r\n" not in await reader.ended()
            assert await waiting.ended() == b"half"
            assert not (await writer.ended()).startswith(b"HTTP/1.1 200 ")
            assert await on.ended() == 0
            assert on.gatekeeper.err[1:] == ["gatekeeper: exchanges still under way after server.drain, and cut off: 3"]

    play(scenario(), within=60)
