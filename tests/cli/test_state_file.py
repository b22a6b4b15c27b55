"""``server.state``: what was learned outlives a restart, is shared by the workers, and never stands in the way."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.enforcement.scopes import Entry, Learned, Pool, Scope
from gatekeeper.middleware.gatehouse import Gatehouse
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.serve import state as state_module
from gatekeeper.serve.state import ForeignFileError, State, decoded, encoded, state_path
from gatekeeper.settings import Server
from tests.cli.conftest import Start
from tests.cli.running import Gatekeeper, Origin, environment, until

SHOP = Scope(None, b"/shop", False, False)
DOMAIN = Scope(b"example.org", None, True, True)


def entries(learned: Learned, site: str = "default") -> set[Entry]:
    return set(learned.of(site).entries())


def taught(*taught_names: bytes, scope: Scope = SHOP) -> Learned:
    learned = Learned()
    for name in taught_names:
        learned.of("default").learn(name, scope, Pool.EXACT)
    return learned


def state_of(path: Path, learned: Learned, *sites: str) -> State:
    return State(path, learned, lambda: sites or ("default",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(state_module, "own_logger", lambda: logging.getLogger("state-test"))
    return caplog


# --- where it is -----------------------------------------------------------------------------------------------------


def test_it_is_where_the_settings_or_systemd_say_and_nowhere_without_either() -> None:
    assert state_path(Server(), {}) is None
    assert state_path(Server(state="x/y.json"), {"STATE_DIRECTORY": "/var/lib/a"}) == Path("x/y.json")
    assert state_path(Server(), {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}) == Path("/var/lib/a/state.json")


# --- sharing ---------------------------------------------------------------------------------------------------------


def test_what_one_learned_is_known_to_all_and_after_a_restart(path: Path) -> None:
    one, other = taught(b"a"), taught(b"b", scope=DOMAIN)
    states = [state_of(path, one), state_of(path, other)]
    states[0].meet()  # as of when they began, both have nothing to tell
    one.of("default").learn(b"c", SHOP, Pool.PATTERN)
    other.of("default").learn(b"d", SHOP, Pool.UNLISTED)
    for _ in range(2):
        for state in states:
            state.meet()
    assert {name for _, name, _ in entries(one)} == {b"a", b"b", b"c", b"d"}
    assert entries(one) == entries(other)
    again = Learned()
    state_of(path, again).meet()
    assert entries(again) == entries(one)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in path.parent.iterdir()) == ["state.json", "state.json.lock"]


def test_nothing_is_written_where_nothing_is_new(path: Path) -> None:
    learned = Learned()
    state = state_of(path, learned)
    state.meet()
    assert not path.exists()
    learned.of("default").learn(b"a", SHOP, Pool.EXACT)
    state.meet()
    before = path.stat().st_mtime_ns, path.stat().st_ino
    learned.of("default").learn(b"a", SHOP, Pool.EXACT)
    state.meet()
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_sites_keep_apart_and_one_that_is_gone_is_dropped(path: Path) -> None:
    learned = Learned()
    for site in ("one", "two", "gone"):
        learned.of(site).learn(site.encode(), SHOP, Pool.EXACT)
    path.write_bytes(encoded(learned))
    again = Learned()
    state = state_of(path, again, "one", "two")
    state.meet()
    assert {name for _, name, _ in entries(again, "two")} == {b"two"}
    again.of("one").learn(b"more", SHOP, Pool.EXACT)
    state.meet()
    assert set(json.loads(path.read_bytes())["sites"]) == {"one", "two"}


def test_the_sites_are_those_of_the_policy_in_force() -> None:
    tables = {"cookie": [{"name": "a", "category": "necessary"}]}
    sites = [{"hosts": ["one.example"]}, {"hosts": ["two.example"], "name": "second"}]
    gatehouse = Gatehouse(load_policy_tables({**tables, "site": sites}, {}))
    assert gatehouse.sites() == ["default", "one.example", "second"]
    gatehouse.policy = load_policy_tables(tables, {})
    assert gatehouse.sites() == ["default"]


def test_who_finds_it_locked_comes_again(path: Path) -> None:
    learned = Learned()
    state = state_of(path, learned)
    learned.of("default").learn(b"a", SHOP, Pool.EXACT)
    # Another process: a lock does not keep out its own.
    program = (
        "import fcntl, sys; lock = open(sys.argv[1], 'w'); fcntl.lockf(lock, fcntl.LOCK_EX); print(flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(path) + ".lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n"
        state.meet()
        assert not path.exists()
        holder.communicate(b"\n")
    state.leave()
    assert path.exists()


# --- what is wrong with it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [
        b"listen = 1",
        b"{",
        b"[]",
        b"1" * 5000,
        b"[" * 100_000,
        b'{"gatekeeper": 2, "sites": {}}',
        b'{"sites": {}}',
        b"\xff\xfe",
        b'{"gatekeeper": 1, "sites": {}} more',
    ],
)
def test_a_file_that_is_something_else_is_told_once_and_left_as_it_is(
    path: Path, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(octets)
    learned = Learned()
    state = state_of(path, learned)
    learned.of("default").learn(b"a", SHOP, Pool.EXACT)
    for _ in range(3):
        state.meet()
    state.leave()
    (line,) = told(caplog)
    assert line.startswith(f'server.state: "{path}" cannot be used: it is no ')
    assert path.read_bytes() == octets


def test_one_that_is_too_large_or_no_file_is_not_read(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with path.open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    state_of(path, Learned()).meet()
    path.unlink()
    os.mkfifo(path)
    state_of(path, Learned()).meet()
    assert [line.partition("used: ")[2] for line in told(caplog)] == [
        "it is larger than 8 MiB; remove it, or name another file",
        "it is no file; remove it, or name another file",
    ]


@pytest.mark.parametrize("octets", [b"", b" \n"])
def test_an_empty_one_is_filled(path: Path, octets: bytes) -> None:
    path.write_bytes(octets)
    learned = Learned()
    state = state_of(path, learned)
    learned.of("default").learn(b"a", SHOP, Pool.EXACT)
    state.meet()
    assert decoded(path.read_bytes(), ["default"]) == {"default": [(Pool.EXACT, b"a", SHOP)]}


def test_a_place_that_is_not_there_is_told_once_and_used_once_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "missing" / "state.json"
    learned = Learned()
    state = state_of(path, learned)
    learned.of("default").learn(b"a", SHOP, Pool.EXACT)
    for _ in range(3):
        state.meet()
    assert told(caplog) == [f'server.state: "{path}" cannot be used: no such file or directory']
    path.parent.mkdir()
    state.meet()
    assert path.exists()


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(encoded(taught(b"a")))
    before = path.read_bytes()
    learned = Learned()
    state = state_of(path, learned)
    learned.of("default").learn(b"b", SHOP, Pool.EXACT)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        state.meet()
    assert told(caplog) == [f'server.state: "{path}" cannot be used: no space left on device']
    assert path.read_bytes() == before
    assert not path.with_name("state.json.new").exists()
    state.meet()
    assert {name for _, name, _ in entries(learned)} == {b"a", b"b"}
    assert path.read_bytes() != before


def test_parts_that_cannot_be_are_passed_over() -> None:
    good = [None, "/shop", False, False]
    document: dict[str, Any] = {
        "gatekeeper": 1,
        "sites": {
            "default": {
                "exact": {
                    "a": [good, [], None, 1, [1, "/", False, False], [None, "/", 0, 1], [*good, 1]],
                    "a2": [["\xe4", None, True, True], [None, "/\xe4", True, True]],
                    "\xe4": [good],
                    "b": {"x": good},
                    "c; Domain=evil.example": [good],
                    "d": [["evil.example; Path=/", "/", False, False], [None, "/;x", False, False]],
                    "e": [[None, "x", True, True]],
                },
                "pattern": [good],
                "more": {"x": [good]},
            },
            "other": 1,
        },
    }  # fmt: skip
    octets = json.dumps(document).encode()
    learned = Learned()
    for found in decoded(octets, ["default", "other", "third"]).values():
        learned.of("default").add(found)
    assert entries(learned) == {(Pool.EXACT, b"a", SHOP)}
    assert decoded(b'{"gatekeeper": 1, "sites": []}', ["default"]) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(st.sampled_from(["default", "exact", "pattern", "unlisted", "a", "_ga"]), below, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(JSON | st.binary(max_size=40), st.booleans())
def test_whatever_a_file_holds_it_is_read_or_refused(value: object, ours: bool) -> None:
    whole = {"gatekeeper": 1, "sites": value} if ours and not isinstance(value, bytes) else value
    octets = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    learned = Learned()
    try:
        found = decoded(octets, ["default"])
    except ForeignFileError:
        return
    learned.of("default").add(found.get("default", ()))
    assert decoded(encoded(learned), ["default"]).get("default", []) == list(learned.of("default").entries())


def test_sites_that_do_not_fit_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = Learned()
    monkeypatch.setattr(state_module, "_MOST", 64 * 1024)
    for site in range(6):
        for number in range(100):
            learned.of(f"site{site}").learn(b"n" * 100 + b"%d" % number, DOMAIN, Pool.EXACT)
    octets = encoded(learned)
    assert len(octets) <= 64 * 1024
    assert list(json.loads(octets)["sites"]) == [f"site{number}" for number in range(4)]


# --- the program -----------------------------------------------------------------------------------------------------


def deletions(gatekeeper: Gatekeeper) -> str:
    answer = gatekeeper.get("/", Cookie="tracker=1", Accept="text/html")
    return "\n".join(answer.set_cookies)


def test_it_outlives_a_restart_and_is_shared_by_workers(start: Start, site: Path, origin: Origin, path: Path) -> None:
    site.write_text(f'[server]\nstate = "{path}"\nworkers = 2\n' + site.read_text())
    origin.cookies = ["tracker=1; Path=/only/here"]
    first = start("--config", str(site)).ready()
    first.get("/")
    until(path.exists)
    assert first.end() == 0
    origin.cookies = []
    again = start("--config", str(site)).ready()
    for _ in range(10):
        assert "Path=/only/here" in deletions(again)
    assert again.end() == 0


def test_what_was_learned_last_is_written_at_the_end(start: Start, site: Path, origin: Origin, path: Path) -> None:
    gatekeeper = start("--config", str(site), env=environment(GATEKEEPER_SERVER__STATE=str(path))).ready()
    origin.cookies = ["tracker=1; Path=/only/here"]
    gatekeeper.get("/")
    assert gatekeeper.end() == 0
    assert b"/only/here" in path.read_bytes()


def test_systemd_says_where(start: Start, site: Path, origin: Origin, tmp_path: Path) -> None:
    gatekeeper = start("--config", str(site), env=environment(STATE_DIRECTORY=str(tmp_path))).ready()
    gatekeeper.get("/")
    assert gatekeeper.end() == 0
    assert (tmp_path / "state.json").exists()


def test_a_broken_one_breaks_no_page(start: Start, site: Path, path: Path) -> None:
    path.write_text("broken")
    gatekeeper = start("--config", str(site), env=environment(GATEKEEPER_SERVER__STATE=str(path))).ready()
    gatekeeper.says("server.state: .* cannot be used: it is no JSON")
    assert gatekeeper.cookies() == {"sessionid"}
    assert gatekeeper.end() == 0
    assert path.read_text() == "broken"
