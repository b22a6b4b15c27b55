"""Programs under test: each in a session of its own, on a port that it finds itself, with what it prints in files."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).with_name("apps")
RULES = Path(__file__).with_name("rules")
GATEKEEPER = Path(sys.executable).with_name("gatekeeper")
PATIENCE = 30.0
# Every one of them names its address when it listens; Gatekeeper's comes before that of the app behind it.
_ADDRESS = re.compile(r"https?://127\.0\.0\.1:([1-9][0-9]*)")

RUNNING: list["Server"] = []


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Returns as soon as the condition holds; fails the test when it does not come to hold."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"in {PATIENCE:.0f} seconds not seen: {what}")
        time.sleep(0.02)


def wait_for_event(server: "Server", event: str, cookie: str, reason: str = "") -> None:
    """Returns as soon as the server's log has such a line about a cookie."""
    parts = (f'"event": "{event}"', f'"cookie": "{cookie}"', f'"reason": "{reason}')
    wait_until(
        lambda: any(all(part in line for part in parts) for line in server.log.splitlines()),
        f"{event} of {cookie} {reason} in the log of {server.name}",
    )


def needed(program: str) -> str:
    """The path of a program of the system, without which these tests prove nothing."""
    path = shutil.which(program)
    if path is None:
        pytest.fail(f"{program} is not installed: `make system` installs what these tests need", pytrace=False)
    return path


class Server:
    """A running program. ``port`` is where it listens."""

    def __init__(
        self, name: str, command: Sequence[str | Path], folder: Path, *, cwd: Path = ROOT, **environment: str
    ) -> None:
        self.name = name
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=cwd,
                env=_environment(environment),
                start_new_session=True,
            )
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has printed so far, on standard output and then on standard error."""
        return self._out.read_text("utf-8", "replace") + self._err.read_text("utf-8", "replace")

    def wait_until_open(self) -> None:
        wait_until(lambda: _ADDRESS.search(self.log) or self._process.poll() is not None, f"{self.name} listening")
        found = _ADDRESS.search(self.log)
        if found is None:
            pytest.fail(f"{self.name} ended with {self._process.returncode}:\n{self.log}", pytrace=False)
        self.port = int(found[1])

    def stop(self) -> int:
        """Ends it and whatever it has started; its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE)


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str | Path], folder: Path, *, cwd: Path = ROOT, **environment: str
) -> Iterator[Server]:
    """A server until the end of the block, its log at hand for the report of a test that fails."""
    server = Server(name, command, folder, cwd=cwd, **environment)
    RUNNING.append(server)
    try:
        server.wait_until_open()
        yield server
    finally:
        try:
            server.stop()
        finally:
            RUNNING.remove(server)


@contextlib.contextmanager
def gatekeeper(upstream: Server, folder: Path, *arguments: str | Path) -> Iterator[Server]:
    """``gatekeeper run`` in front of a server; a SIGTERM has to end it well."""
    command = [GATEKEEPER, "run", "--upstream", upstream.url, "--listen", "127.0.0.1:0", *arguments]
    with running(f"gatekeeper-{upstream.name}", command, folder) as server:
        yield server
        code = server.stop()
        assert code == 0, f"after SIGTERM, gatekeeper left with {code}:\n{server.log}"


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Of the caller's own only what cannot change what is tested."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GATEKEEPER_", "DJANGO_"))}
    return {**own, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **extra}
