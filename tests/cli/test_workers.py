"""``workers = 2``: one supervisor, two that serve, and one set of rules whatever happens to either."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Start
from tests.cli.running import Gatekeeper, Origin, refuses, slow_visit, until


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


def test_visitors_who_come_while_no_worker_is_left_wait_for_the_next_ones(two: Gatekeeper) -> None:
    for _ in range(3):
        for pid in two.workers():
            os.kill(pid, signal.SIGKILL)
        assert two.cookies() == {"sessionid"}
        until(lambda: len(two.workers()) == 2)
    assert two.end() == 0


def test_only_exchanges_of_the_worker_that_is_killed_are_lost(two: Gatekeeper, origin: Origin) -> None:
    """Whichever took the slow visit in: the other one goes on with what comes then."""
    with slow_visit(two, origin) as response:
        victim, other = two.workers()
        taken_by = next(pid for pid in (victim, other) if _has_visitor(pid))
        os.kill(victim if taken_by == other else other, signal.SIGKILL)
        two.says("ended unasked")
        assert two.get("/").body == b"halfhalf"
        origin.go_on.set()
        assert response.read() == b"halfhalf"


def _has_visitor(pid: int) -> bool:
    """Whether the process holds a connection of its own, beside the sockets that all of them have."""
    links = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    inodes = {str(link)[8:-1] for link in links if str(link).startswith("socket:")}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return any(row[3] == "01" and row[9] in inodes for row in rows)


def test_a_worker_that_does_not_answer_is_replaced(two: Gatekeeper) -> None:
    stopped, other = two.workers()
    os.kill(stopped, signal.SIGSTOP)
    assert two.says("does not answer") == f"gatekeeper: worker process {stopped} does not answer"
    two.says(f"worker process {stopped} ended unasked")
    assert stopped not in two.workers()
    assert other in two.workers()
    assert two.end() == 0


FAILING = """
import os, sys
from gatekeeper.serve import workers

class Failing(workers.DrainingServer):
    async def startup(self, sockets=None):
        if os.path.exists({flag!r}):
            sys.exit(3)
        await super().startup(sockets)

workers.DrainingServer = Failing
from gatekeeper.cli import main
main()
"""


def test_workers_that_cannot_begin_are_told_of_and_it_ends(start: Start, site: Path, tmp_path: Path) -> None:
    command = (sys.executable, "-c", FAILING.format(flag=str(tmp_path)))
    gatekeeper = start("--config", str(site), "--workers", "2", command=command)
    assert gatekeeper.ended() == 1
    assert "gatekeeper: a worker process did not start" in gatekeeper.err
    assert not [line for line in gatekeeper.err if " listens on " in line]


def test_one_that_cannot_take_anothers_place_is_tried_again_and_the_others_serve(
    start: Start, site: Path, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    command = (sys.executable, "-c", FAILING.format(flag=str(flag)))
    gatekeeper = start("--config", str(site), "--workers", "2", command=command).ready()
    first, second = gatekeeper.workers()
    flag.touch()
    os.kill(first, signal.SIGKILL)
    gatekeeper.says("ended before it served", times=2)
    assert gatekeeper.cookies() == {"sessionid"}
    flag.unlink()
    until(lambda: len(gatekeeper.workers()) == 2)
    os.kill(second, signal.SIGKILL)
    assert [gatekeeper.cookies() for _ in range(5)] == [{"sessionid"}] * 5
    assert gatekeeper.end() == 0


WITHOUT_MEMORY = """
import errno, os
from gatekeeper.serve import workers

really = os.fork
def fork():
    if os.path.exists({flag!r}):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return really()

workers.os.fork = fork
from gatekeeper.cli import main
main()
"""


def test_a_machine_without_room_for_a_process_is_told_of_and_the_others_serve(
    start: Start, site: Path, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    command = (sys.executable, "-c", WITHOUT_MEMORY.format(flag=str(flag)))
    gatekeeper = start("--config", str(site), "--workers", "2", command=command).ready()
    flag.touch()
    os.kill(gatekeeper.workers()[0], signal.SIGKILL)
    line = gatekeeper.says("no worker process", times=2)
    assert line == "gatekeeper: no worker process can be made: resource temporarily unavailable"
    assert gatekeeper.cookies() == {"sessionid"}
    flag.unlink()
    until(lambda: len(gatekeeper.workers()) == 2)
    assert gatekeeper.end() == 0


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
