"""Another pair of ends: aiohttp's server and client."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.cli.running import PATIENCE, Gatekeeper

CLOSES = web.AppKey("closes", asyncio.Queue[int | None])  # codes with which visitors closed, as the server got them


async def echo(request: web.Request) -> web.WebSocketResponse:
    line = web.WebSocketResponse(protocols=["chat.v1"], max_msg_size=0)
    line.set_cookie("sessionid", "1")
    line.set_cookie("_ga", "1")
    await line.prepare(request)
    async for message in line:
        if message.type is aiohttp.WSMsgType.TEXT:
            await line.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await line.send_bytes(message.data)
    request.app[CLOSES].put_nowait(line.close_code)
    return line


Visit = Callable[[aiohttp.ClientSession, str, asyncio.Queue[int | None]], Awaitable[None]]


async def behind_the_gate(folder: Path, visit: Visit) -> None:
    """Runs the server, a gate before it, and a visit."""
    (folder / "site.toml").write_text('[[cookie]]\nname = "sessionid"\ncategory = "necessary"\n')
    app = web.Application()
    app[CLOSES] = asyncio.Queue()
    app.router.add_get("/socket", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    gatekeeper = None
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        gatekeeper = Gatekeeper("--config", str(folder / "site.toml"), upstream=f"http://127.0.0.1:{port}")
        await asyncio.to_thread(gatekeeper.ready)
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
            asyncio.timeout(PATIENCE),
        ):
            await visit(session, f"{gatekeeper.address}/socket", app[CLOSES])
    finally:
        if gatekeeper is not None:
            gatekeeper.close()
        await runner.cleanup()


@pytest.mark.parametrize("compress", [0, 15], ids=["plain", "deflate"])
def test_aiohttp_s_ends_understand_each_other(tmp_path: Path, compress: int) -> None:
    async def visit(session: aiohttp.ClientSession, url: str, closes: asyncio.Queue[int | None]) -> None:
        async with session.ws_connect(
            url, compress=compress, protocols=["chat.v1"], max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=5)
        ) as line:
            assert (line.protocol, bool(line.compress)) == ("chat.v1", bool(compress))
            for size in (0, 125, 126, 65536, 2_000_000):
                await line.send_str("x" * size)
                assert await line.receive_str() == "x" * size
                await line.send_bytes(b"\xff" * size)
                assert await line.receive_bytes() == b"\xff" * size
            await line.ping(b"there?")
            assert await line.close(code=4321, message=b"bye")
        assert await closes.get() == 4321

    asyncio.run(behind_the_gate(tmp_path, visit))


def test_aiohttp_s_client_keeps_the_necessary_cookie_and_no_other(tmp_path: Path) -> None:
    async def visit(session: aiohttp.ClientSession, url: str, _: asyncio.Queue[int | None]) -> None:
        async with session.ws_connect(url):
            pass
        assert {cookie.key for cookie in session.cookie_jar} == {"sessionid"}

    asyncio.run(behind_the_gate(tmp_path, visit))
