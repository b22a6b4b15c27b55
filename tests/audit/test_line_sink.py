"""Lines in a file: appended whole, each in one write, through full disks, rotations and several writers."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gatekeeper.audit.event import as_line
from gatekeeper.audit.sinks import LineSink

ONE: dict[str, object] = {"event": "cookie.blocked", "cookie": "one"}
TWO: dict[str, object] = {"event": "cookie.blocked", "cookie": "two"}
FULL = OSError(28, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gatekeeper.log"


def test_lines_are_appended_to_what_is_there(path: Path) -> None:
    path.write_bytes(b"before\n")
    sink = LineSink(str(path))
    sink.write(ONE)
    sink.write(TWO)
    assert path.read_bytes() == b"before\n" + as_line(ONE) + as_line(TWO)


def test_a_new_file_is_for_its_owner_and_group(path: Path) -> None:
    before = os.umask(0)
    try:
        LineSink(str(path))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_program_that_is_started_does_not_inherit_the_file(path: Path) -> None:
    sink = LineSink(str(path))
    assert not os.get_inheritable(sink._descriptor)
    sink.reopen()
    assert not os.get_inheritable(sink._descriptor)


def test_a_path_that_cannot_be_opened_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        LineSink(str(tmp_path / "nowhere" / "log"))


def test_each_line_is_one_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        writes.append(bytes(data))
        return real(descriptor, data)

    sink = LineSink(str(path))
    monkeypatch.setattr(os, "write", write)
    sink.write(ONE)
    sink.write(TWO)
    assert writes == [as_line(ONE), as_line(TWO)]


def limited(monkeypatch: pytest.MonkeyPatch, *steps: int | OSError) -> None:
    """``os.write`` takes so many octets, or fails; behind the steps it does what it does."""
    real = os.write
    todo = list(steps)

    def write(descriptor: int, data: bytes) -> int:
        step = todo.pop(0) if todo else len(data)
        if isinstance(step, OSError):
            raise step
        return real(descriptor, data[:step])

    monkeypatch.setattr(os, "write", write)


def test_a_write_that_takes_a_part_is_gone_on_with(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = LineSink(str(path))
    limited(monkeypatch, 7, 1)
    sink.write(ONE)
    sink.write(TWO)
    assert path.read_bytes() == as_line(ONE) + as_line(TWO)


@pytest.mark.parametrize("steps", [(FULL,), (7, FULL), (7, FULL, FULL), (7, FULL, 1, FULL), (FULL, 7, FULL)])
def test_half_a_line_spoils_no_other_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, steps: tuple[int | OSError, ...]
) -> None:
    sink = LineSink(str(path))
    limited(monkeypatch, *steps)
    for _ in range(steps.count(FULL)):
        with pytest.raises(OSError, match="No space left"):
            sink.write(ONE)
    sink.write(TWO)
    sink.write(TWO)
    assert path.read_bytes().endswith(b"\n" + as_line(TWO) * 2) or path.read_bytes() == as_line(TWO) * 2


def test_a_rotated_file_is_left_and_a_new_one_begun(path: Path) -> None:
    sink = LineSink(str(path))
    sink.write(ONE)
    path.rename(path.with_suffix(".1"))
    sink.write(ONE)
    sink.reopen()
    sink.write(TWO)
    assert path.with_suffix(".1").read_bytes() == as_line(ONE) * 2
    assert path.read_bytes() == as_line(TWO)


def test_a_new_file_does_not_begin_with_the_end_of_half_a_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = LineSink(str(path))
    limited(monkeypatch, 7, FULL)
    with pytest.raises(OSError, match="No space left"):
        sink.write(ONE)
    path.unlink()
    sink.reopen()
    sink.write(TWO)
    assert path.read_bytes() == as_line(TWO)


def test_a_file_that_cannot_be_opened_anew_stays_in_use(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    sink = LineSink(str(folder / "log"))
    folder.rename(tmp_path / "moved")
    with pytest.raises(OSError, match="No such file"):
        sink.reopen()
    sink.write(ONE)
    assert (tmp_path / "moved" / "log").read_bytes() == as_line(ONE)


def test_a_reopened_file_keeps_its_descriptor(path: Path) -> None:
    # With another one, a writer that has just looked it up would write to a number that may be a visitor's by then.
    sink = LineSink(str(path))
    descriptor = sink._descriptor
    path.unlink()
    sink.reopen()
    assert sink._descriptor == descriptor
    os.fstat(descriptor)


def test_reopening_leaks_no_descriptor(path: Path) -> None:
    sink = LineSink(str(path))
    sink.reopen()
    before = open_descriptors()
    for _ in range(20):
        sink.reopen()
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_writer_beside_one_who_reopens_loses_nothing(path: Path, tmp_path: Path) -> None:
    sink = LineSink(str(path))
    done = threading.Event()

    def write() -> None:
        for _ in range(2000):
            sink.write(ONE)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    rotated = 0
    while not done.is_set():
        rotated += 1
        path.rename(tmp_path / f"log.{rotated}")
        sink.reopen()
    thread.join()
    files = [path, *(tmp_path / f"log.{number}" for number in range(1, rotated + 1))]
    assert b"".join(file.read_bytes() for file in files) == as_line(ONE) * 2000


SEVERAL = """
import sys
from gatekeeper.audit.sinks import LineSink
sink = LineSink(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(300):
    sink.write({"writer": sys.argv[2], "number": number, "path": "x" * (number * 17 % 3000)})
"""


def test_several_processes_write_one_file_line_by_line(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SEVERAL, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.communicate("go\n", timeout=30) == ("", None)
    events = [json.loads(line) for line in path.read_bytes().splitlines()]
    for name in ("a", "b"):
        assert [event["number"] for event in events if event["writer"] == name] == list(range(300))


STREAM = """
import sys
from gatekeeper.audit.sinks import LineSink
sink = LineSink(sys.argv[1])
sink.write({"event": "one"})
sink.reopen()
sink.write({"event": "two"})
print("the stream is still open", file=getattr(sys, sys.argv[1]))
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_standard_stream_is_written_to_and_stays_open(stream: str) -> None:
    done = subprocess.run([sys.executable, "-c", STREAM, stream], capture_output=True, check=True)
    lines = getattr(done, stream).splitlines()
    assert lines == [b'{"event": "one"}', b'{"event": "two"}', b"the stream is still open"]


GONE = """
import sys
from gatekeeper.audit.sinks import LineSink
sink = LineSink("stdout")
sys.stdin.readline()
try:
    sink.write({"event": "one"})
except OSError as fault:
    print(type(fault).__name__, file=sys.stderr)
"""


def test_a_reader_that_is_gone_is_an_os_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", GONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert process.communicate("go\n", timeout=30)[1] == "BrokenPipeError\n"
