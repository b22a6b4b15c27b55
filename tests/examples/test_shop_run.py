"""``python -m examples.shop``, with a stand-in where Gatekeeper will be."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 20.0

# Says how it was started and what the upstream answers, waits for a signal, leaves with a code of its own.
STAND_IN = f"""#!{sys.executable}
import signal, sys, urllib.request
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
signals = []
signal.signal(signal.SIGINT, lambda number, _: signals.append(number))
signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
status = urllib.request.urlopen(arguments["--upstream"] + "/about").status
print("started", sys.argv[1], arguments, status, flush=True)
if "leave" in arguments["--config"]:
    sys.exit(7)
if "die" in arguments["--config"]:
    signal.raise_signal(signal.SIGKILL)
while not signals:
    signal.pause()
status = urllib.request.urlopen(arguments["--upstream"] + "/about").status
print("drained", signals, status, flush=True)
sys.exit(5)
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> str:
    script = tmp_path / "gatekeeper"
    script.write_text(STAND_IN)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


class Run:
    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "examples.shop", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


@pytest.fixture
def run() -> Iterator[type[Run]]:
    runs: list[Run] = []

    class Kept(Run):
        def __init__(self, *arguments: str) -> None:
            super().__init__(*arguments)
            runs.append(self)

    yield Kept
    for one in runs:
        one.process.terminate()  # not kill: it must still be able to end its stand-in
        one.process.communicate(timeout=SECONDS)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_shop_alone_opens_and_closes_quietly(run: type[Run], number: signal.Signals) -> None:
    port = free_port()
    shop = run("--port", port)
    assert f"http://127.0.0.1:{port}." in shop.line()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:  # an idle connection must not hold it up
        assert client.get("/").status_code == 200
        shop.process.send_signal(number)
        assert shop.ended() == (0, "", "")


def test_a_taken_port_is_replaced_by_a_free_one(run: type[Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shop = run("--port", str(port))
        address = re.search(r"http://127\.0\.0\.1:\d+", shop.line())
        assert address is not None
        assert not address[0].endswith(f":{port}")
        assert httpx.get(address[0]).status_code == 200
    shop.process.send_signal(signal.SIGINT)
    code, _, err = shop.ended()
    assert code == 0
    assert err == f"port {port} is taken, so the shop takes a free one\n"


def test_a_port_out_of_range_is_said_in_one_line(run: type[Run]) -> None:
    assert run("--port", "70000").ended() == (2, "", "70000 is no port\n")


def test_gatekeeper_gets_the_shop_as_its_upstream_and_the_shops_policy(run: type[Run], stand_in: str) -> None:
    port = free_port()
    shop = run("--port", port, "--gatekeeper", stand_in, "--listen", "127.0.0.1:9")
    line = shop.line()
    assert line.startswith("started run ")
    assert f"'--upstream': 'http://127.0.0.1:{port}'" in line
    assert "'--listen': '127.0.0.1:9'" in line
    assert line.endswith(" 200\n"), "the shop must be open before Gatekeeper starts"
    policy = re.search(r"'--config': '([^']+)'", line)
    assert policy is not None
    assert Path(policy[1]).samefile(ROOT / "examples" / "shop" / "gatekeeper.toml")


@pytest.mark.parametrize(
    ("number", "seen"), [(signal.SIGINT, 2), (signal.SIGTERM, 15), (signal.SIGHUP, 15)], ids=["INT", "TERM", "HUP"]
)
def test_a_signal_goes_to_gatekeeper_once_and_the_shop_outlives_its_drain(
    run: type[Run], stand_in: str, number: signal.Signals, seen: int
) -> None:
    shop = run("--port", free_port(), "--gatekeeper", stand_in)
    shop.line()
    os.killpg(shop.process.pid, number)  # as a terminal does: to the whole group
    code, out, err = shop.ended()
    assert (code, err) == (5, "")
    assert re.fullmatch(rf"drained \[(<Signals\.\w+: )?{seen}>?\] 200\n", out)


@pytest.mark.parametrize(("config", "code"), [("leave.toml", 7), ("die.toml", 128 + signal.SIGKILL)])
def test_the_exit_code_is_gatekeepers(run: type[Run], stand_in: str, config: str, code: int) -> None:
    ended = run("--port", free_port(), "--gatekeeper", stand_in, "--config", config).ended()
    assert ended[0] == code
    assert ended[2] == ""


def test_a_gatekeeper_that_is_not_there_is_said_in_one_line(run: type[Run], tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    ended = run("--port", free_port(), "--gatekeeper", missing).ended()
    assert ended == (127, "", f"cannot start {missing}: No such file or directory\n")
    ended = run("--port", free_port(), "--gatekeeper", str(tmp_path)).ended()
    assert ended == (126, "", f"cannot start {tmp_path}: Permission denied\n")
