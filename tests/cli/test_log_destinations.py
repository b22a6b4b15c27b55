"""Where the log goes, and what becomes of answers when it cannot go there."""

import json
import logging
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from gatekeeper.assembly import _WithoutValues
from tests.cli.conftest import Start
from tests.cli.running import until


def log_to(site: Path, destination: object, *, repeat: str = "0s") -> Path:
    site.write_text(site.read_text() + f'[log]\ndestination = "{destination}"\nrepeat = "{repeat}"\n')
    return site


def events(log: Path) -> list[str]:
    return [str(json.loads(line)["cookie"]) for line in log.read_text().splitlines()] if log.exists() else []


def test_standard_output_gets_json_where_it_is_no_terminal(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(site)).ready()
    gatekeeper.get("/a?b=c")
    event = gatekeeper.event(cookie="tracker")
    assert list(event) == [
        *("time", "event", "mode", "cookie", "category", "rule", "reason", "action", "direction", "site", "method"),
        *("host", "path", "status", "choice", "format", "revision"),
    ]
    assert (event["event"], event["path"], event["status"]) == ("cookie.blocked", "/a", 200)


def test_standard_error_can_have_the_log_too(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(log_to(site, "stderr"))).ready()
    gatekeeper.get()
    assert json.loads(gatekeeper.says('"cookie": "tracker"'))["event"] == "cookie.blocked"
    gatekeeper.end()
    assert gatekeeper.out == []


def test_a_file_is_opened_anew_on_sighup_so_that_it_can_be_rotated(start: Start, site: Path, tmp_path: Path) -> None:
    log, rotated = tmp_path / "g.log", tmp_path / "g.log.1"
    log.write_text('{"cookie": "older"}\n')
    gatekeeper = start("--config", str(log_to(site, log))).ready()
    gatekeeper.get()
    until(lambda: len(events(log)) == 2)
    log.rename(rotated)
    gatekeeper.get()
    until(lambda: len(events(rotated)) == 3)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded")
    gatekeeper.get()
    gatekeeper.get()
    assert gatekeeper.end() == 0
    assert events(rotated) == ["older", "tracker", "tracker"]
    assert events(log) == ["tracker", "tracker"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_disturbs_no_answer_and_is_told(start: Start, site: Path, workers: str) -> None:
    gatekeeper = start("--config", str(log_to(site, "/dev/full")), "--workers", workers).ready()
    for _ in range(20):
        assert gatekeeper.cookies() == {"sessionid"}
    line = gatekeeper.says("no space left")
    assert line == 'gatekeeper: the log "/dev/full" cannot be written: no space left on device; what is lost is counted'
    assert gatekeeper.end() == 0
    lost = [int(found[1]) for line in gatekeeper.err if (found := re.search(r"the log lost (\d+) events", line))]
    assert sum(lost) == 20
    assert len(gatekeeper.err) == 1 + 2 * len(lost)


def test_a_log_that_can_be_written_again_says_what_it_lost(start: Start, site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "g.log"
    gatekeeper = start("--config", str(log_to(site, log))).ready()
    gatekeeper.get()
    until(lambda: events(log))
    folder.rename(tmp_path / "moved")
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded")
    gatekeeper.get()
    gatekeeper.says("cannot be written: no such file or directory; what is lost is counted")
    folder.mkdir()
    gatekeeper.get()
    until(lambda: events(log))
    gatekeeper.says("the log is written again; it lost 1 so far")
    assert gatekeeper.end() == 0


def test_a_reader_of_the_log_that_is_gone_disturbs_no_answer(start: Start, site: Path) -> None:
    read, write = os.pipe()
    gatekeeper = start("--config", str(log_to(site, "stdout")), stdout=write).ready()
    os.close(write)
    os.close(read)
    for _ in range(5):
        assert gatekeeper.cookies() == {"sessionid"}
    gatekeeper.says('the log "stdout" cannot be written: broken pipe')
    assert gatekeeper.end() == 0


def test_passes_are_logged_where_that_is_asked_for_and_from_the_reload_on(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(site)).ready()
    gatekeeper.get()
    gatekeeper.event(cookie="tracker")
    site.write_text(site.read_text() + "[log]\npasses = true\n")
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded")
    gatekeeper.get()
    assert gatekeeper.event(cookie="sessionid")["event"] == "cookie.passed"


def test_a_fault_is_told_by_its_kind_and_place_and_not_by_its_text() -> None:
    try:
        raise ValueError("tracker=v4lue")
    except ValueError:
        logger = logging.LogRecord("gatekeeper", logging.ERROR, "", 0, "it broke", None, sys.exc_info())
    told = _WithoutValues("gatekeeper: %(message)s").format(logger)
    assert told.startswith("gatekeeper: it broke\n  File ")
    assert told.endswith("\nValueError")
    assert "v4lue" not in told.replace('raise ValueError("tracker=v4lue")', "")
