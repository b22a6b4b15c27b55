"""The battery with another maker's proxy in the gate's place: ``python -m tests.plane.peers [nginx haproxy]``.

Left out are the checks about cookies (``consent``), which no other proxy is expected to pass, the unit tests, and the
attacks on the gate's own states. Prints how many of how many pass, by file, and with ``--failures`` which do not. Ends
by itself within ten minutes; what there was no time for is counted as not run, and not as passed.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.plane import proxies

_FOLDER = Path(__file__).parent
_OF_OUR_OWN = ("test_unit_", "test_attacks")
_TIME = 570.0  # seconds for everything
# Files at a time. Most of the time goes by in waiting for what a proxy does not do.
_AT_ONCE = 6

Outcomes = dict[str, str]  # of each check: "passed", "failed" or "not run"


class Notes:
    """Writes down what comes of each check at once, so that nothing is lost when time runs out."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _write(self, name: str, outcome: str) -> None:
        with self._file.open("a") as notes:
            notes.write(f"{outcome}\t{name.removeprefix('tests/plane/')}\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self._write(item.nodeid, "not run")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # What fails behind a check, when all ends are looked at, is a failure too.
        if report.when == "call" or not report.passed:
            self._write(report.nodeid, "passed" if report.passed else "failed")


def read(notes: Path) -> Outcomes:
    """The last word on each check, but that no failure is taken back."""
    outcomes: Outcomes = {}
    for line in notes.read_text().splitlines() if notes.exists() else []:
        outcome, name = line.split("\t", 1)
        if outcomes.get(name) != "failed":
            outcomes[name] = outcome
    return outcomes


def check(proxy: str, file: Path, notes: Path, deadline: float) -> Outcomes:
    """One file of the battery against one proxy, in a process of its own that ends at the deadline."""
    command = [sys.executable, "-m", "tests.plane.peers", "--inner", str(file), str(notes), proxy]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=_FOLDER.parents[1], start_new_session=True
    )
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the proxies that it has started
        process.wait()
    return read(notes)


def inner(proxy: str, file: str, notes: str) -> int:
    """The process of :func:`check`."""
    proxies.chosen = proxy
    arguments = ["-q", "--tb=no", "-m", "not consent", "-p", "no:cacheprovider", file]
    return int(pytest.main(arguments, plugins=[Notes(Path(notes))]))


def show(proxy: str, by_file: dict[str, Outcomes], *, failures: bool) -> None:
    """A table by file, the sum, and the names of what failed."""
    print(f"{proxy:<32} {'passed':>7} {'of':>5} {'not run':>8}")
    rows = {name: list(outcomes.values()) for name, outcomes in by_file.items()}
    rows["all"] = [outcome for outcomes in rows.values() for outcome in outcomes]
    for name, values in rows.items():
        print(f"  {name:<30} {values.count('passed'):>7} {len(values):>5} {values.count('not run') or '':>8}")
    if failures:
        for outcomes in by_file.values():
            print(
                "".join(f"  {outcome}: {name}\n" for name, outcome in outcomes.items() if outcome != "passed"), end=""
            )
    print(flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.plane.peers", description=__doc__.partition("\n\n")[0])
    parser.add_argument(
        "proxies", nargs="*", metavar="PROXY", help="nginx, haproxy or gatekeeper; the first two, if none"
    )
    parser.add_argument("--failures", action="store_true", help="name the checks that do not pass")
    parser.add_argument("--inner", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if wrong := set(chosen.proxies) - set(proxies.KINDS):
        parser.error(f"not known: {', '.join(sorted(wrong))}")
    if chosen.inner:
        return inner(chosen.proxies[0], *chosen.inner)
    deadline = time.monotonic() + _TIME
    files = [path for path in sorted(_FOLDER.glob("test_*.py")) if not path.name.startswith(_OF_OUR_OWN)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        begun = {
            proxy: {
                path.stem: pool.submit(check, proxy, path, Path(folder, f"{proxy}-{path.stem}"), deadline)
                for path in files
            }
            for proxy in chosen.proxies or ["nginx", "haproxy"]
        }
        for proxy, by_file in begun.items():
            show(proxy, {name: future.result() for name, future in by_file.items()}, failures=chosen.failures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
