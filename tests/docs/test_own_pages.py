"""Gatekeeper's own pages as ``docs/go-live.md`` tells of them, asked of a real ``gatekeeper run``."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.docs.consoles import run
from tests.docs.pages import ROOT, rows

PAGE = ROOT / "docs" / "go-live.md"
GATEKEEPER = Path(sys.executable).with_name("gatekeeper")
PREFIX = "/.well-known/gatekeeper/"
PATIENCE = 20.0
RULES = """
presets = ["django"]

[[cookie]]
name = "_ga"
category = "analytics"
"""


@contextlib.contextmanager
def running(folder: Path, **variables: str) -> Iterator[int]:
    """With nothing behind it; the port that it listens on."""
    (folder / "gatekeeper.toml").write_text(RULES, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    command = [str(GATEKEEPER), "run", "--config", str(folder / "gatekeeper.toml"), "--listen", "127.0.0.1:0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEKEEPER_")}
    environment |= {"GATEKEEPER_UPSTREAM__URL": nobody, **variables}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment) as it:
        assert it.stderr is not None
        killer = threading.Timer(PATIENCE, it.kill)
        killer.start()
        try:
            found = re.search(r"listens on http://127\.0\.0\.1:(\d+) in front", it.stderr.readline())
            assert found
            yield int(found[1])
            it.terminate()
            assert it.wait(PATIENCE) == 0
        finally:
            killer.cancel()
            it.kill()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(tmp_path_factory.mktemp("gate")) as port:
        yield port


def ask(port: int, path: str, *, method: str = "GET", **fields: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        answer = connection.getresponse()
        return answer, answer.read()


def test_the_pages_are_those_that_are_told_of(port: int) -> None:
    told = [row.cells[0].strip("`") for row in rows(PAGE) if row.cells[0].startswith(f"`{PREFIX}")]
    assert told == [PREFIX + name for name in ("health", "cookies", "cookies.json")]
    for path in told:
        assert ask(port, path)[0].status == 200
    assert ask(port, PREFIX + "others")[0].status == 404


def test_health_is_ok_while_the_app_is_down(port: int) -> None:
    assert ask(port, "/")[0].status == 502
    answer, body = ask(port, PREFIX + "health")
    assert answer.status == 200
    assert json.loads(body) == {"status": "ok"}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["health", "cookies", "cookies.json"])
def test_a_page_is_the_same_for_everybody_and_sets_no_cookie(port: int, name: str) -> None:
    stranger, seen = ask(port, PREFIX + name)
    known = {"Cookie": "_ga=1; sessionid=2; cookies_preferences=all", "Sec_GPC": "1", "Accept_Language": "fr"}
    answer, body = ask(port, PREFIX + name, Host="other.example", **known)
    assert (answer.status, body) == (stranger.status, seen)
    assert answer.getheaders() == stranger.getheaders()
    assert answer.headers["Set-Cookie"] is None
    assert ask(port, PREFIX + name, method="HEAD")[1] == b""


@pytest.mark.parametrize(("name", "form"), [("cookies", "html"), ("cookies.json", "json")])
def test_the_policy_page_is_what_the_command_writes(port: int, tmp_path: Path, name: str, form: str) -> None:
    file = tmp_path / "gatekeeper.toml"
    file.write_text(RULES, "utf-8")
    code, written = run(("gatekeeper", "policy", str(file), "--format", form))
    assert code == 0
    shown = ask(port, PREFIX + name)[1].decode("utf-8")
    assert [line.rstrip() for line in shown.strip().splitlines()] == written.strip().splitlines()


def test_without_a_prefix_every_path_is_the_apps(tmp_path: Path) -> None:
    with running(tmp_path, GATEKEEPER_SERVER__PAGES="") as port:
        assert ask(port, PREFIX + "health")[0].status == 502


GPC = "/.well-known/gpc.json"


def test_a_site_that_hears_the_signal_says_so(port: int) -> None:
    answer, body = ask(port, GPC)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Set-Cookie"] is None
    assert json.loads(body) == {"gpc": True}
    assert ask(port, GPC + "x")[0].status == ask(port, GPC + "/")[0].status == 502
    assert ask(port, GPC + "?x=1", method="HEAD")[0].status == 200


def test_it_says_since_when(tmp_path: Path) -> None:
    with running(tmp_path, GATEKEEPER_PAGE__UPDATED="2026-11-23") as port:
        assert json.loads(ask(port, GPC)[1]) == {"gpc": True, "lastUpdate": "2026-11-23"}


@pytest.mark.parametrize(
    "variables",
    [
        {"GATEKEEPER_CONSENT__GPC": "false"},
        {"GATEKEEPER_CONSENT__GPC_JSON": "false"},
        {"GATEKEEPER_ENFORCEMENT__MODE": "report-only"},
        {"GATEKEEPER_SERVER__PAGES": ""},
    ],
)
def test_where_it_would_not_be_true_or_is_not_wanted_the_path_is_the_apps(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    with running(tmp_path, **variables) as port:
        assert ask(port, GPC)[0].status == 502
