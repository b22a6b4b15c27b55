"""A WebSocket server of another maker's (``websockets``), each path of which does one thing; and a gate before it."""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.cli.running import PATIENCE, Gatekeeper, until

MOST = 64 * 1024 * 1024  # octets of one message
SPOKEN = (Subprotocol("chat.v2"), Subprotocol("chat.v1"))
COOKIES = ("sessionid=s3cret; Path=/; HttpOnly", "_ga=GA1.2.3; Path=/; Max-Age=999", "stranger=1; Path=/")
RULES = """
[server]
drain = "5s"
[[cookie]]
name = "sessionid"
category = "necessary"
[[cookie]]
name = "_ga"
category = "analytics"
[log]
repeat = "0s"
"""


class Site:
    """Listens; ``closes`` are the close code and reason of each connection that has ended."""

    def __init__(self) -> None:
        self.closes: list[tuple[int | None, str | None]] = []
        self.under_way: set[ServerConnection] = set()
        self._server = serve(
            self._serve,
            "127.0.0.1",
            0,
            max_size=MOST,
            process_request=_refuse,
            process_response=self._agree,
            select_subprotocol=_select,
        )
        self.port = int(self._server.socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _agree(self, line: ServerConnection, request: Request, response: Response) -> None:
        if response.status_code == 101:
            # Before the visitor knows of it: a test that is over by then must not leave it to the next one's books.
            self.under_way.add(line)
        _set_cookies(line, request, response)

    def _serve(self, line: ServerConnection) -> None:
        assert line.request is not None
        doing = _PATHS.get(line.request.path, _echo)
        with contextlib.suppress(ConnectionClosed):
            doing(line)
            line.close()
        self.closes.append((line.close_code, line.close_reason))
        self.under_way.discard(line)

    def closed(self, count: int) -> tuple[int | None, str | None]:
        """How the last of so many connections ended, once it has."""
        until(lambda: len(self.closes) >= count, what=f"{count} connections to end: {self.closes}")
        assert len(self.closes) == count, self.closes
        return self.closes[-1]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(PATIENCE)


# --- what its paths do ------------------------------------------------------------------------------------------------


def _echo(line: ServerConnection) -> None:
    for message in line:
        line.send(message)


def _tell_head(line: ServerConnection) -> None:
    """The fields of the handshake as they came."""
    assert line.request is not None
    line.send(json.dumps(list(line.request.headers.raw_items())))


def _tell_fragments(line: ServerConnection) -> None:
    """The length of each fragment of a message, one after the other as they come."""
    for fragment in line.recv_streaming(decode=False):
        line.send(str(len(fragment)))


def _send_fragments(line: ServerConnection) -> None:
    """A message in four fragments, of which each is sent when the one before has come."""

    def fragments() -> Iterator[bytes]:
        for number in range(4):
            yield b"%d" % number * 1000

    line.send(fragments())


def _ping(line: ServerConnection) -> None:
    """Asks for a pong, and says when it has come."""
    answered = line.ping(b"are you there?")
    threading.Thread(target=_read_on, args=(line,), daemon=True).start()
    line.send("ponged" if answered.wait(PATIENCE) else "no pong")


def _read_on(line: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        line.recv()


_PATHS: dict[str, Callable[[ServerConnection], None]] = {
    "/head": _tell_head,
    "/tell-fragments": _tell_fragments,
    "/send-fragments": _send_fragments,
    "/ping": _ping,
    "/close-4001": lambda line: line.close(4001, "enough for today"),
}


def _refuse(line: ServerConnection, request: Request) -> Response | None:
    return line.respond(403, "not you\n") if request.path == "/refused" else None


def _set_cookies(_: ServerConnection, request: Request, response: Response) -> None:
    if request.path == "/cookies":
        for cookie in COOKIES:
            response.headers["Set-Cookie"] = cookie


def _select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((one for one in SPOKEN if one in offered), None)


# --- through the gate -------------------------------------------------------------------------------------------------


class Place:
    """The site and a gate before it, or, without a gate, the site alone."""

    def __init__(self, site: Site, gatekeeper: Gatekeeper | None) -> None:
        self.site = site
        self._gatekeeper = gatekeeper
        self.base = f"http://127.0.0.1:{site.port}" if gatekeeper is None else gatekeeper.address

    @property
    def gatekeeper(self) -> Gatekeeper:
        assert self._gatekeeper is not None
        return self._gatekeeper

    def url(self, path: str = "/echo") -> str:
        return self.base.replace("http://", "ws://") + path

    def connect(self, path: str = "/echo", **settings: Any) -> ClientConnection:
        """A client; keywords are those of :func:`websockets.sync.client.connect`."""
        settings = {"proxy": None, "max_size": MOST, "open_timeout": PATIENCE, "close_timeout": PATIENCE} | settings
        return connect(self.url(path), **settings)


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Place]:
    """The site behind ``gatekeeper run``; a SIGTERM has to end that well."""
    file = folder / "site.toml"
    file.write_text(RULES)
    site = Site()
    gatekeeper = Gatekeeper("--config", str(file), upstream=f"http://127.0.0.1:{site.port}")
    try:
        yield Place(site, gatekeeper.ready())
        assert gatekeeper.end() == 0
        assert not [line for line in gatekeeper.err if re.search("Traceback|Error|cut off", line)], gatekeeper.err
    finally:
        gatekeeper.close()
        site.close()
