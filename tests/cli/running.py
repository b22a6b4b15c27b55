"""``gatekeeper run`` as a process, an app behind it, and visitors: every wait is on a condition, and bounded."""

import contextlib
import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds until a wait is a failure; nothing takes nearly as long
T = TypeVar("T")
COMMAND = (sys.executable, "-m", "gatekeeper")


def until(look: Callable[[], T], *, what: str = "") -> T:
    """The first true result of ``look``."""
    deadline = time.monotonic() + PATIENCE
    while not (result := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what or look}"
        time.sleep(0.02)
    return result


def environment(**variables: str) -> dict[str, str]:
    """The environment of a gatekeeper: ours, without what would change its settings or its output."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GATEKEEPER_") and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONWARNINGS")
    }
    pure = {"GATEKEEPER_PURE": "1"} if os.environ.get("PURE_PROCESSES") else {}
    return {**kept, "PYTHONPATH": str(ROOT), **pure, **variables}


class Gatekeeper:
    """A running ``gatekeeper run``."""

    def __init__(self, *arguments: str, upstream: str = "", listen: str = "127.0.0.1:0", **popen: Any) -> None:
        words = [*popen.pop("command", COMMAND), "run"]
        words += ["--listen", listen] if listen else []
        words += ["--upstream", upstream] if upstream else []
        popen.setdefault("env", environment())
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        self.process = subprocess.Popen([*words, *arguments], start_new_session=True, **popen)
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err))
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, lines: list[str]) -> None:
        with contextlib.suppress(ValueError), stream:
            for line in stream:
                lines += [line.decode("utf-8", "backslashreplace").rstrip("\n")]

    # --- what it says ------------------------------------------------------------------------------------------------

    def says(self, pattern: str, *, times: int = 1) -> str:
        """The line of standard error that matches, once it is there (``times`` of them: the last)."""

        def look() -> list[str]:
            found = [line for line in list(self.err) if re.search(pattern, line)]
            assert (
                len(found) >= times or self.process.poll() is None or any(map(threading.Thread.is_alive, self._readers))
            ), f"ended with {self.process.returncode} and never said {pattern!r}: {self.err}"
            return found if len(found) >= times else []

        return until(look, what=f"{pattern!r} in {self.err}")[-1]

    def ready(self) -> "Gatekeeper":
        """Waits until it listens."""
        self.start_line = self.says(" listens on ")
        return self

    @property
    def address(self) -> str:
        """Where it listens, as it says itself."""
        found = re.search(r" listens on (\S+) in front of ", self.start_line)
        assert found
        return found[1]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log so far, where it goes to standard output."""
        return [json.loads(line) for line in list(self.out)]

    def event(self, **expected: Any) -> dict[str, Any]:
        """The first event of the log with these values, once it is there."""
        return until(
            lambda: next((one for one in self.events if expected.items() <= one.items()), None),
            what=f"{expected} in {self.out}",
        )

    # --- visits ------------------------------------------------------------------------------------------------------

    def get(self, path: str = "/", **headers: str) -> "Answer":
        """One GET on a connection of its own."""
        return get(self.address, path, **headers)

    def cookies(self, **headers: str) -> set[str]:
        """Names of the cookies that a visit to ``/`` is given."""
        return self.get(**headers).cookies

    # --- signals -----------------------------------------------------------------------------------------------------

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits for the exit code."""
        self.send(number)
        return self.ended()

    def ended(self) -> int:
        """The exit code; afterwards everything that it said is there."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def workers(self) -> list[int]:
        """Process ids of its server processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        # One that has ended and is not waited for yet has no command line any more.
        return [int(pid) for pid in children if Path(f"/proc/{pid}/cmdline").read_bytes()]

    def close(self) -> None:
        """Whatever is left of it goes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)


class Answer:
    """A response that was read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.fields = response.headers
        self.body = response.read()
        self.set_cookies = response.headers.get_all("Set-Cookie") or []
        self.cookies = {one.partition("=")[0] for one in self.set_cookies}


def connect(address: str) -> http.client.HTTPConnection:
    """A connection to ``http://host:port`` or ``unix:/path``."""
    if address.startswith("unix:"):
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE)
        connection.sock.connect(address.removeprefix("unix:"))
        return connection
    parts = urlsplit(address)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)


def get(address: str, path: str = "/", **headers: str) -> Answer:
    """One GET on a connection of its own."""
    connection = connect(address)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def refuses(address: str) -> bool:
    """Whether nobody is taken in there any more."""
    connection = None
    try:
        connection = connect(address)
        connection.connect() if connection.sock is None else None
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    finally:
        if connection is not None:
            connection.close()
    return False


# --- the app behind --------------------------------------------------------------------------------------------------


class Origin:
    """An app that sets ``cookies`` on every answer; ``/slow`` sends half of it and waits for ``go_on``."""

    def __init__(self) -> None:
        self.cookies = ["sessionid=s3cret; Path=/; HttpOnly", "tracker=v4lue; Path=/; Max-Age=999"]
        self.seen: list[str] = []  # the Cookie field of each request
        self.fields: list[dict[str, str]] = []  # all fields of each request, by their names in lower case
        self.under_way = threading.Event()
        self.go_on = threading.Event()
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                origin.fields.append({name.lower(): value for name, value in self.headers.items()})
                origin.seen.append("; ".join(self.headers.get_all("Cookie") or []))
                self.send_response(200)
                for cookie in origin.cookies:
                    self.send_header("Set-Cookie", cookie)
                self.send_header("Content-Length", "8")
                self.end_headers()
                self.wfile.write(b"half")
                if self.path == "/slow":
                    self.wfile.flush()
                    origin.under_way.set()
                    origin.go_on.wait(PATIENCE)
                self.wfile.write(b"half")

            def log_message(self, *_: object) -> None: ...

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle()

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def slow_visit(gatekeeper: Gatekeeper, origin: Origin) -> Iterator[http.client.HTTPResponse]:
    """A response of which half has come."""
    connection = connect(gatekeeper.address)
    connection.request("GET", "/slow")
    response = connection.getresponse()
    assert origin.under_way.wait(PATIENCE)
    try:
        yield response
    finally:
        connection.close()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
