"""The log at a program's end and across forks, each in a program of its own."""

import json
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

BEGIN = """
import os, sys, threading, time
from gatekeeper.audit.log import VerdictLog
from gatekeeper.audit.sinks import LineSink
from tests.audit.recording import Lines, exchange_of, same_again

again = same_again()
log = VerdictLog(LineSink(sys.argv[1]))
GA, FBP, OTHER = b"Set-Cookie: _ga=1", b"Set-Cookie: _fbp=1", b"Set-Cookie: other=1"

def record(*fields, times=1):
    for _ in range(times):
        log.record(again(sets=fields), 200)

def in_child(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child

def succeeded(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def run(script: str, path: Path) -> list[tuple[str, int]]:
    """Names and counts of the lines that a program leaves behind. A program that hangs is ended, and fails the test."""
    program = BEGIN + textwrap.dedent(script)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [(event["cookie"], event.get("count", 1)) for event in events]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gatekeeper.log"


def test_what_was_counted_is_written_when_the_program_ends(path: Path) -> None:
    assert run("record(GA, times=5)", path) == [("_ga", 1), ("_ga", 4)]


def test_what_was_counted_is_written_when_the_program_ends_by_an_exit_code(path: Path) -> None:
    assert run("record(GA, times=3)\nsys.exit(0)", path) == [("_ga", 1), ("_ga", 2)]


def test_a_program_without_verdicts_ends_at_once(path: Path) -> None:
    assert run("record(b'X-A: 1')", path) == []


def test_a_child_writes_its_own_verdicts_and_not_its_parents(path: Path) -> None:
    lines = run(
        """
        record(GA, times=5)                    # a line, and four that are counted
        child = in_child(lambda: (record(FBP, GA, times=3), log.flush()))
        assert succeeded(child)
        record(GA)
        """,
        path,
    )
    # The parent has told of _ga already, so the child only counts: three there and five here.
    assert sorted(lines) == [("_fbp", 1), ("_fbp", 2), ("_ga", 1), ("_ga", 3), ("_ga", 5)]


def test_lines_that_wait_at_a_fork_are_written_once(path: Path) -> None:
    lines = run(
        """
        held = threading.Event()
        real = log.sink.write
        log.sink.write = lambda event: (held.wait(), real(event))
        record(GA)
        record(FBP)
        record(OTHER)
        def work():
            held.set()
            record(b"Set-Cookie: childs=1")
            log.flush()
        assert succeeded(in_child(work))
        held.set()
        """,
        path,
    )
    assert sorted(Counter(name for name, _ in lines).items()) == [("_fbp", 1), ("_ga", 1), ("childs", 1), ("other", 1)]


def test_a_fork_while_another_thread_counts_does_not_stop_the_child(path: Path) -> None:
    lines = run(
        """
        record(GA)
        log.flush()
        locked, go_on = threading.Event(), threading.Event()
        def hold():
            with log._lock, log._queue.mutex:
                locked.set()
                go_on.wait()
        holder = threading.Thread(target=hold)
        holder.start()
        locked.wait()
        child = in_child(lambda: (record(FBP, GA), log.flush()))
        # A child that hangs is ended by this program's own end of patience.
        deadline = time.monotonic() + 10
        while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
            time.sleep(0.005)
        if ended[0] == 0:
            os.kill(child, 9)
            os.waitpid(child, 0)
        go_on.set()
        holder.join()
        assert ended[0] == child and os.waitstatus_to_exitcode(ended[1]) == 0, "the child hung"
        """,
        path,
    )
    assert sorted(lines) == [("_fbp", 1), ("_ga", 1), ("_ga", 1)]


def test_a_child_of_a_log_that_was_never_used_writes(path: Path) -> None:
    lines = run("assert succeeded(in_child(lambda: (record(GA, times=3), log.flush())))", path)
    assert lines == [("_ga", 1), ("_ga", 2)]


def test_children_of_children_write(path: Path) -> None:
    lines = run(
        """
        record(GA)
        def work():
            record(FBP)
            assert succeeded(in_child(lambda: (record(OTHER), log.flush())))
            log.flush()
        assert succeeded(in_child(work))
        """,
        path,
    )
    assert sorted(lines) == [("_fbp", 1), ("_ga", 1), ("other", 1)]


def test_a_child_counts_its_own_totals(path: Path) -> None:
    run(
        """
        record(GA, times=3)
        log.flush()
        def work():
            record(FBP)
            log.flush()
            assert log.totals == {"cookie.blocked": 1}, log.totals
        assert succeeded(in_child(work))
        assert log.totals == {"cookie.blocked": 3}, log.totals
        """,
        path,
    )
