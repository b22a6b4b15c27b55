"""A site whose page hears from its server while it is open: over a WebSocket, and over an event stream.

The next event of the stream is sent only when the page has told of the one before: what keeps events back anywhere
on the way keeps back all of them.
"""

import asyncio

from aiohttp import WSMsgType, web

EVENTS = 5
PAGE = """<!doctype html>
<title>Live</title>
<pre id="socket"></pre>
<pre id="events"></pre>
<script>
const say = (where, what) => { document.getElementById(where).textContent += what + "\\n"; };
const socket = new WebSocket(`ws://${location.host}/socket`, "chat.v1");
socket.binaryType = "arraybuffer";
socket.onopen = () => { say("socket", `open ${socket.protocol}`); socket.send("hello"); };
socket.onmessage = ({ data }) => {
  if (typeof data === "string") {
    say("socket", data);
    socket.send(new Uint8Array(100000));
  } else {
    say("socket", `${data.byteLength} octets`);
    socket.send("enough");
  }
};
socket.onclose = ({ code, reason, wasClean }) => say("socket", `closed ${code} ${reason} ${wasClean}`);
socket.onerror = () => say("socket", "error");
const events = new EventSource("/events");
events.onmessage = async ({ data, lastEventId }) => {
  say("events", `${lastEventId} ${data}`);
  await fetch(`/heard/${lastEventId}`, { method: "POST" });
};
events.addEventListener("end", () => { say("events", "end"); events.close(); });
events.onerror = () => say("events", "error");
</script>
"""
HEARD = web.AppKey("heard", asyncio.Queue[str])


async def page(_: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


async def socket(request: web.Request) -> web.WebSocketResponse:
    """Echoes and says which cookies it got, after it has set two of which one is welcome; ends when it is told to."""
    line = web.WebSocketResponse(protocols=["chat.v1"])
    line.set_cookie("sessionid", "1")
    line.set_cookie("_ga", "1")
    await line.prepare(request)
    async for message in line:
        if message.data == "enough":
            await line.close(code=4001, message=b"bye")
        elif message.type is WSMsgType.TEXT:
            await line.send_str(f"{message.data} with {sorted(request.cookies)}")
        elif message.type is WSMsgType.BINARY:
            await line.send_bytes(message.data)
    return line


async def events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    for number in range(EVENTS):
        await response.write(f"id: {number}\ndata: event {number}\n\n".encode())
        assert await request.app[HEARD].get() == str(number)
    await response.write(b"event: end\ndata:\n\n")
    return response


async def heard(request: web.Request) -> web.Response:
    request.app[HEARD].put_nowait(request.match_info["number"])
    return web.Response(status=204)


async def main() -> None:
    app = web.Application()
    app[HEARD] = asyncio.Queue()
    app.router.add_get("/", page)
    app.router.add_get("/socket", socket)
    app.router.add_get("/events", events)
    app.router.add_post("/heard/{number}", heard)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
