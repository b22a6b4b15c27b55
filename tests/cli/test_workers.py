"""``workers = 2``: one supervisor, two that serve, and one set of rules whatever happens to either."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Start
from tests.cli.running import Gatekeeper, refuses, until


@pytest.fixture
def two(start: Start, site: Path) -> Gatekeeper:
    gatekeeper = start("--config", str(site), "--workers", "2").ready()
    assert len(gatekeeper.workers()) == 2
    return gatekeeper


def test_it_serves_and_ends_with_nought(two: Gatekeeper) -> None:
    assert [two.cookies() for _ in range(10)] == [{"sessionid"}] * 10
    assert two.end() == 0
    assert two.err == [two.start_line]
    assert refuses(two.address)


def test_a_worker_that_is_killed_is_replaced_and_no_visitor_is_turned_away(two: Gatekeeper) -> None:
    first, second = two.workers()
    os.kill(first, signal.SIGKILL)
    line = two.says("ended unasked")
    (replaced,) = set(until(lambda: len(two.workers()) == 2 and two.workers())) - {second}
    assert line == f"gatekeeper: worker process {first} ended unasked; {replaced} takes its place"
    assert [two.cookies() for _ in range(10)] == [{"sessionid"}] * 10
    assert two.end() == 0


def test_one_that_is_replaced_has_the_rules_that_are_in_force_whatever_became_of_the_file(
    two: Gatekeeper, site: Path
) -> None:
    site.write_text('[[cookie]]\nname = "tracker"\ncategory = "necessary"\n')
    two.send(signal.SIGHUP)
    two.says("reloaded")
    site.write_text("broken")
    for pid in two.workers():
        os.kill(pid, signal.SIGKILL)
    two.says("ended unasked", times=2)
    assert [two.cookies() for _ in range(10)] == [{"tracker"}] * 10
    assert two.end() == 0
    assert not [line for line in two.err if "Traceback" in line]


def test_workers_do_not_outlive_a_supervisor_that_is_killed(two: Gatekeeper) -> None:
    workers = two.workers()
    two.send(signal.SIGKILL)
    until(lambda: refuses(two.address), what="the workers to close the port")
    until(lambda: not any(Path(f"/proc/{pid}/fd").exists() and _is_running(pid) for pid in workers))


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_both_write_whole_lines_into_one_file(start: Start, site: Path, tmp_path: Path) -> None:
    log = tmp_path / "gatekeeper.log"
    site.write_text(site.read_text() + f'[log]\ndestination = "{log}"\nrepeat = "0s"\n')
    gatekeeper = start("--config", str(site), "--workers", "2").ready()
    long = "x" * 200
    for _ in range(100):
        gatekeeper.get(f"/{long}", Cookie=f"tracker=1; {long}=2")
    assert gatekeeper.end() == 0
    assert gatekeeper.out == []
    events = [_event(line) for line in log.read_text().splitlines(keepends=True)]
    assert [sum(one == kind for one in events) for kind in ("cookie.stripped", "cookie.blocked")] == [200, 100]


def _event(line: str) -> str:
    assert line.endswith("\n")
    return str(json.loads(line)["event"])
