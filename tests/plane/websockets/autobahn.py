"""The Autobahn test suite, straight and through the gate: ``python -m tests.plane.websockets.autobahn``.

Its fuzzing client visits an echo server; then an echo client visits its fuzzing server. Each is done once without and
once with ``gatekeeper run`` in between, and a case that ends worse with it fails. The suite needs a Python 2.7 and a C
compiler; the former is looked for in ``AUTOBAHN_PYTHON``, on the path and among pyenv's. It is installed into
``.autobahn``, once.

Exit code 0: no case is worse; 1: some are; 2: the suite cannot be had here.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.cli.running import PATIENCE, ROOT, Gatekeeper, closed_port, environment, until

FOLDER = ROOT / ".autobahn"
PINS = Path(__file__).with_name("autobahn.txt")
# All groups of cases. Of those about compression a few of each kind: they send a thousand messages each, and all of
# them take hours.
CASES = [
    *(f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 9, 10)),
    *(f"12.{kind}.{size}" for kind in range(1, 6) for size in (1, 5, 11)),
    *(f"13.{kind}.{size}" for kind in range(1, 8) for size in (1, 5)),
]
# From good to bad. What is only told for information, or depends on who is faster, is never worse than something else.
RANK = {"OK": 0, "NON-STRICT": 0, "INFORMATIONAL": 0, "UNIMPLEMENTED": 1, "UNCLEAN": 2, "WRONG CODE": 2,
        "FAILED BY CLIENT": 2, "FAILED": 3}  # fmt: skip
STRAIGHT, THROUGH = "straight", "through-the-gate"


@dataclass(frozen=True)
class Outcome:
    """How a case ended: what the suite says of the case, and of the way in which its connection was closed."""

    behaviour: str
    close: str

    @property
    def ranks(self) -> tuple[int, int]:
        return RANK[self.behaviour], RANK[self.close]


Outcomes = dict[str, Outcome]


def worse(straight: Outcomes, through: Outcomes) -> list[str]:
    """The cases that end worse through the gate, or did not come to their end there, with what was seen."""
    found = []
    for case, before in straight.items():
        after = through.get(case, Outcome("FAILED", "FAILED"))
        if any(mine > theirs for mine, theirs in zip(after.ranks, before.ranks, strict=True)):
            found.append(f"{case}: {before.behaviour}/{before.close} became {after.behaviour}/{after.close}")
    return found


def outcomes(reports: Path, agent: str) -> Outcomes:
    """What the suite wrote about one agent."""
    index = json.loads((reports / "index.json").read_text())
    return {case: Outcome(one["behavior"], one["behaviorClose"]) for case, one in index.get(agent, {}).items()}


# --- the suite --------------------------------------------------------------------------------------------------------


class Missing(Exception):  # noqa: N818 - it says what is the matter
    """The suite cannot be had here; the text says why."""


def python27() -> Path:
    """A Python 2.7; raises :class:`Missing`."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = [os.environ.get("AUTOBAHN_PYTHON"), shutil.which("python2.7"), shutil.which("pypy")]
    found = [str(path) for path in sorted(pyenv.glob("versions/2.7*/bin/python2.7"))]
    for candidate in [*(one for one in named if one), *found]:
        asked = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and "2.7" in asked.stdout + asked.stderr:
            return Path(candidate)
    raise Missing("the Autobahn test suite needs a Python 2.7: name one in AUTOBAHN_PYTHON")


def install() -> Path:
    """The suite's program, installed if it is not there yet."""
    program = FOLDER / "suite" / "bin" / "wstest"
    mark = FOLDER / "installed"
    if mark.exists() and mark.read_text() == PINS.read_text():
        return program
    python = python27()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    print("installing the Autobahn test suite; this takes a few minutes, once", flush=True)
    tools = FOLDER / "tools"
    _run(sys.executable, "-m", "venv", tools)
    # The last line of versions that knows how to make an environment for Python 2.7.
    _run(tools / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "virtualenv<20.22")
    _run(tools / "bin" / "virtualenv", "--quiet", "--python", python, FOLDER / "suite")
    _run(FOLDER / "suite" / "bin" / "pip", "install", "--quiet", "--requirement", PINS)
    mark.write_text(PINS.read_text())
    return program


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{command[0]} failed:\n{done.stderr[-2000:]}")


@contextlib.contextmanager
def wstest(program: Path, mode: str, spec: dict[str, Any], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The suite's program at work in its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.json").write_text(json.dumps({"outdir": "reports", "exclude-agent-cases": {}} | spec))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--mode", mode, "--spec", "spec.json", "--webport", "0"],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# --- the other ends ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def gate(upstream: str) -> Iterator[str]:
    """``gatekeeper run`` in front of it; its address."""
    # The suite's server insists on its own port in Host.
    gatekeeper = Gatekeeper(upstream=upstream, env=environment(GATEKEEPER_UPSTREAM__HOST="upstream"))
    try:
        yield gatekeeper.ready().address
    finally:
        gatekeeper.close()


@contextlib.contextmanager
def echo_server() -> Iterator[str]:
    """An echo server as a process of its own; its address."""
    port = closed_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.plane.websockets.autobahn", "--serve", str(port)], cwd=ROOT
    )
    try:
        until(lambda: _is_open(port), what="the echo server to listen")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _is_open(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


async def _serve(port: int) -> None:
    async def echo(line: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in line:
                await line.send(message)

    async with serve(echo, "127.0.0.1", port, max_size=None, ping_interval=None) as server:
        await server.serve_forever()


async def visit_all(base: str, agent: str) -> None:
    """Goes through all cases of the fuzzing server as an echo client, and has the report written."""
    settings: dict[str, Any] = {"proxy": None, "max_size": None, "ping_interval": None, "open_timeout": PATIENCE}
    async with connect(f"{base}/getCaseCount", **settings) as line:
        count = int(await line.recv())
    for case in range(1, count + 1):
        with contextlib.suppress(ConnectionClosed):
            async with connect(f"{base}/runCase?case={case}&agent={agent}", **settings) as line:
                async for message in line:
                    await line.send(message)
    async with connect(f"{base}/updateReports?agent={agent}", **settings) as line:
        with contextlib.suppress(ConnectionClosed):
            await line.recv()


# --- both ways --------------------------------------------------------------------------------------------------------


def fuzz_server(program: Path, cases: Sequence[str], folder: Path) -> tuple[Outcomes, Outcomes]:
    """The fuzzing client visits an echo server, straight and through the gate."""
    with echo_server() as base, gate(base) as gated:
        servers = [
            {"agent": agent, "url": url.replace("http://", "ws://")}
            for agent, url in ((STRAIGHT, base), (THROUGH, gated))
        ]
        spec = {"servers": servers, "cases": list(cases), "exclude-cases": []}
        with wstest(program, "fuzzingclient", spec, folder) as process:
            process.wait()
    return outcomes(folder / "reports", STRAIGHT), outcomes(folder / "reports", THROUGH)


def fuzz_client(program: Path, cases: Sequence[str], folder: Path) -> tuple[Outcomes, Outcomes]:
    """An echo client visits the fuzzing server, straight and through the gate."""
    port = closed_port()
    spec = {"url": f"ws://127.0.0.1:{port}", "cases": list(cases), "exclude-cases": []}
    with wstest(program, "fuzzingserver", spec, folder):
        until(lambda: _is_open(port), what="the fuzzing server to listen")
        with gate(f"http://127.0.0.1:{port}") as gated:
            for agent, base in ((STRAIGHT, f"http://127.0.0.1:{port}"), (THROUGH, gated)):
                asyncio.run(visit_all(base.replace("http://", "ws://"), agent))
    return outcomes(folder / "reports", STRAIGHT), outcomes(folder / "reports", THROUGH)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="The Autobahn test suite, straight and through the gate.")
    parser.add_argument("cases", nargs="*", default=CASES, help='cases by number, such as "12.*"')
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(_serve(given.serve))
        return 0
    try:
        program = install()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    failed = 0
    for name, fuzz in (("fuzzing-client", fuzz_server), ("fuzzing-server", fuzz_client)):
        folder = FOLDER / name
        shutil.rmtree(folder, ignore_errors=True)
        straight, through = fuzz(program, given.cases, folder)
        found = worse(straight, through)
        failed += len(found) + (not straight)
        print(f"{name}: {len(straight)} cases straight, {len(through)} through the gate, {len(found)} of them worse")
        print(*found, sep="\n", end="\n" if found else "")
    print(f"reports: {FOLDER}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
