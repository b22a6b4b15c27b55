"""SIGHUP and ``--reload``: new rules without a lost request, and the old ones for as long as the new are broken."""

import contextlib
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.serve import Launch
from tests.cli.conftest import Start
from tests.cli.running import Gatekeeper, Origin, until

TRACKER = '[[cookie]]\nname = "tracker"\ncategory = "necessary"\n'
BROKEN = '[[cookie]]\nname = "tracker"\ncategory = "necesary"\n[server]\ndrain = 1\n'


@contextlib.contextmanager
def visits_all_the_time(gatekeeper: Gatekeeper) -> Iterator[list[set[str]]]:
    """Visitors on two threads, each on a connection of its own; a visit that fails is a failure."""
    seen: list[set[str]] = []
    failed: list[BaseException] = []
    over = threading.Event()

    def visit() -> None:
        try:
            while not over.is_set():
                answer = gatekeeper.get()
                assert (answer.status, answer.body) == (200, b"halfhalf")
                seen.append(answer.cookies)
        except BaseException as fault:  # noqa: BLE001 — raised again by the test's own thread
            failed.append(fault)

    threads = [threading.Thread(target=visit) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(seen) > 5 or failed)
        yield seen
        count = len(seen)
        until(lambda: len(seen) > count + 20 or failed)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_takes_new_rules_into_force_without_losing_a_request(start: Start, site: Path, workers: str) -> None:
    gatekeeper = start("--config", str(site), "--workers", workers).ready()
    before = gatekeeper.workers()
    with visits_all_the_time(gatekeeper) as seen:
        for turn in range(1, 4):
            with site.open("a") as file:
                file.write(TRACKER.replace("tracker", f"other{turn}"))
            gatekeeper.send(signal.SIGHUP)
            gatekeeper.says(f"reloaded: mode enforce, {turn + 1} rules ", times=1)
        site.write_text(site.read_text() + TRACKER)
        gatekeeper.send(signal.SIGHUP)
        assert gatekeeper.says("reloaded: .* 5 rules") == f"gatekeeper: reloaded: mode enforce, 5 rules ({site})"
        # Every worker has them: none answers by the old rules any more.
        until(lambda: all("tracker" in cookies for cookies in seen[-20:]))
    assert {"sessionid"} in seen
    assert gatekeeper.workers() == before  # the processes and their connections stayed
    assert gatekeeper.end() == 0
    assert sum("reloaded" in line for line in gatekeeper.err) == 4


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_broken_file_is_refused_with_its_problems_and_the_old_rules_stay(
    start: Start, site: Path, workers: str
) -> None:
    gatekeeper = start("--config", str(site), "--workers", workers).ready()
    site.write_text(BROKEN)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("server.drain")
    assert gatekeeper.err[1:] == [
        f"gatekeeper: {site} is refused, the old rules stay:",
        '    line 3: cookie[0].category: "necesary" is no category; did you mean "necessary"?',
        '    line 5: server.drain: must be a duration such as "180d", not a whole number (1)',
    ]
    assert gatekeeper.cookies() == {"sessionid"}
    site.write_text("\x1b[31m = \x1b]0;x\x07")
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("not valid TOML")
    assert "\x1b" not in "".join(gatekeeper.err)
    site.unlink()
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("cannot be read: no such file or directory")
    assert gatekeeper.cookies() == {"sessionid"}
    site.write_text(TRACKER)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded")
    until(lambda: gatekeeper.cookies() == {"tracker"})


def test_what_a_reload_does_not_change_is_said(start: Start, site: Path, tmp_path: Path) -> None:
    gatekeeper = start("--config", str(site)).ready()
    site.write_text(
        f'[enforcement]\nmode = "off"\n[server]\nworkers = 2\n[upstream]\nhost = "upstream"\n'
        f'[log]\ndestination = "{tmp_path / "log"}"\n'
    )
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("log.destination")
    assert gatekeeper.err[1:] == [
        f"gatekeeper: reloaded: mode off, no rules ({site})",
        "gatekeeper: Nothing is enforced: in mode off no cookie is looked at, and every cookie passes.",
        "gatekeeper: [server] has changed: that takes effect with a restart",
        "gatekeeper: log.destination has changed: that takes effect with a restart",
    ]
    assert gatekeeper.cookies() == {"sessionid", "tracker"}
    site.write_text(TRACKER)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("mode enforce, 1 rule")
    gatekeeper.end()
    assert len(gatekeeper.err) == 6  # what runs is what the file says again


def test_the_command_line_still_outweighs_the_file_after_a_reload(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(site), "--mode", "report-only").ready()
    site.write_text(TRACKER + '[enforcement]\nmode = "enforce"\n')
    gatekeeper.send(signal.SIGHUP)
    assert "mode report-only, 1 rule" in gatekeeper.says("reloaded")


def test_an_exchange_under_way_ends_by_the_rules_it_began_with(start: Start, origin: Origin, site: Path) -> None:
    origin.cookies = []
    gatekeeper = start("--config", str(site)).ready()
    assert gatekeeper.cookies() == set()
    origin.cookies = ["tracker=1"]
    site.write_text(TRACKER)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded")
    assert gatekeeper.cookies() == {"tracker"}


def test_without_a_file_sighup_does_no_harm(start: Start) -> None:
    gatekeeper = start().ready()
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says(r"reloaded: mode enforce, \d+ rules \(shipped defaults")
    assert gatekeeper.cookies() == {"sessionid"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_sighup_before_it_listens_is_heard_when_it_does(start: Start, site: Path, workers: str) -> None:
    gatekeeper = start("--config", str(site), "--workers", workers)
    status = Path(f"/proc/{gatekeeper.process.pid}/status")
    until(lambda: int(re.findall(r"(?m)^SigCgt:\s*(\w+)", status.read_text())[0], 16) & 1, what="a handler of SIGHUP")
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.ready()
    gatekeeper.says("reloaded: mode enforce, 1 rule")
    assert gatekeeper.cookies() == {"sessionid"}


# --- --reload --------------------------------------------------------------------------------------------------------


def site_with(rules: int) -> str:
    return TRACKER + "".join(TRACKER.replace("tracker", f"other{number}") for number in range(1, rules))


def replace(site: Path, text: str) -> None:
    """As most editors save: a new file in the old one's place."""
    fresh = site.with_name("fresh")
    fresh.write_text(text)
    fresh.rename(site)


def rewrite(site: Path, text: str) -> None:
    """In place."""
    site.write_text(text)


def take_away_and_put_back(site: Path, text: str) -> None:
    """As editors save that keep the old file under another name."""
    site.rename(site.with_name("site.toml~"))
    time.sleep(0.6)  # longer than it takes to look; not what is waited for
    site.write_text(text)


def test_a_changed_file_is_taken_into_force_by_itself(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(site), "--reload").ready()
    for rules, save in enumerate((replace, rewrite, take_away_and_put_back), start=1):
        save(site, site_with(rules))
        gatekeeper.says(f"reloaded: mode enforce, {rules} rule")
    assert gatekeeper.cookies() == {"tracker"}
    site.write_text(BROKEN)
    gatekeeper.says("is refused, the old rules stay")
    assert gatekeeper.cookies() == {"tracker"}
    site.write_text(site_with(5))
    gatekeeper.says("reloaded: mode enforce, 5 rules")
    assert gatekeeper.end() == 0
    # The file's absence for a moment is nothing to be told.
    assert sum("refused" in line for line in gatekeeper.err) == 1
    assert sum("reloaded" in line for line in gatekeeper.err) == 4


def test_a_changed_file_is_taken_into_force_by_every_worker(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(site), "--reload", "--workers", "2").ready()
    replace(site, TRACKER)
    gatekeeper.says("reloaded")
    until(lambda: all(gatekeeper.cookies() == {"tracker"} for _ in range(10)))
    assert gatekeeper.end() == 0
    assert sum("reloaded" in line for line in gatekeeper.err) == 1


def test_a_file_that_is_being_written_is_left_alone_until_it_is_whole(site: Path) -> None:
    launch = Launch(site, {}, watch=True)
    launch.load()
    looks = []
    for text in ("", "[[cookie]]\n", TRACKER):  # emptied, it would be a valid file without a rule
        site.write_text(text)
        looks.append(launch.has_changed())
    assert looks == [False, False, False]
    assert launch.has_changed()  # the same as at the last look
    assert len(launch.load().policy.rules) == 1
    assert not launch.has_changed()


def test_a_file_that_is_away_is_no_change_and_neither_is_its_return(site: Path) -> None:
    launch = Launch(site, {}, watch=True)
    launch.load()
    away = site.rename(site.with_name("away"))
    assert not launch.has_changed()
    assert not launch.has_changed()
    away.rename(site)
    assert not launch.has_changed()
    assert not launch.has_changed()
    replace(site, TRACKER)
    assert [launch.has_changed(), launch.has_changed()] == [False, True]


def test_without_reload_a_changed_file_is_left_alone(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(site)).ready()
    site.write_text(TRACKER)
    time.sleep(1.2)  # longer than it would take to look twice
    assert gatekeeper.cookies() == {"sessionid"}
    assert len(gatekeeper.err) == 1
