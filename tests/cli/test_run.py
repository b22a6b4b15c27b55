"""``gatekeeper run``: what it says when it starts, where it listens, what stops it from starting, how it ends."""

import re
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from gatekeeper import __version__
from gatekeeper.assembly import load_settings
from gatekeeper.errors import GatekeeperError
from gatekeeper.serve import describe
from gatekeeper.serve.listen import listening_socket
from gatekeeper.settings import Server
from tests.cli.conftest import Start
from tests.cli.running import (
    COMMAND,
    PATIENCE,
    Origin,
    closed_port,
    environment,
    get,
    refuses,
    slow_visit,
    until,
)

IN_USE = "address already in use; is another server there? Choose another address with --listen"


def told(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """What a gatekeeper that cannot start says."""
    done = subprocess.run(
        [*COMMAND, "run", *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


# --- the line at the start -------------------------------------------------------------------------------------------


def test_the_first_line_says_where_in_front_of_what_in_which_mode_by_which_rules(
    start: Start, origin: Origin, site: Path
) -> None:
    site.write_text(
        'presets = ["django"]\n' + site.read_text() + '[[cookie]]\nname = "lang"\ncategory = "functional"\n'
    )
    gatekeeper = start("--config", str(site)).ready()
    assert re.fullmatch(
        rf"Gatekeeper {re.escape(__version__)} listens on http://127\.0\.0\.1:\d+ in front of {origin.url}, "
        rf"mode enforce, \d+ rules \(2 of {site}, \d+ of the preset django\)",
        gatekeeper.start_line,
    )
    assert gatekeeper.end() == 0
    assert (gatekeeper.err, gatekeeper.out) == ([gatekeeper.start_line], [])


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (None, r"mode enforce, \d+ rules \(shipped defaults: the preset essential\)"),
        ('[[cookie]]\nname = "a"\ncategory = "necessary"', r"mode enforce, 1 rule \(\S+\.toml\)"),
        ("", r"mode enforce, no rules \(\S+\.toml\)"),
        ('presets = ["django", "php"]', r"mode enforce, \d+ rules \(\S+\.toml: the presets django, php\)"),
        ('[enforcement]\nmode = "off"', r"mode off, no rules \(\S+\.toml\)"),
    ],
)
def test_the_source_of_the_rules_is_named(site: Path, file: str | None, expected: str) -> None:
    site.write_text(file or "")
    assert re.fullmatch(expected, describe(load_settings(None if file is None else site)))


@pytest.mark.parametrize(
    ("mode", "cookies", "warning"),
    [
        ("report-only", {"sessionid", "tracker"}, "Nothing is enforced: report-only says what would be blocked"),
        ("off", {"sessionid", "tracker"}, "Nothing is enforced: in mode off no cookie is looked at"),
    ],
)
def test_a_second_line_warns_where_nothing_is_enforced(
    start: Start, site: Path, mode: str, cookies: set[str], warning: str
) -> None:
    gatekeeper = start("--config", str(site), "--mode", mode).ready()
    assert f", mode {mode}, " in gatekeeper.start_line
    assert gatekeeper.says("Nothing is enforced").startswith(warning)
    assert gatekeeper.cookies(Cookie="tracker=1") == cookies
    assert gatekeeper.end() == 0
    assert len(gatekeeper.err) == 2
    assert {one["action"] for one in gatekeeper.events} == ({"would-drop"} if mode == "report-only" else set())


# --- listening -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0", ":0"])
def test_port_nought_becomes_a_real_one_that_is_shown(start: Start, site: Path, listen: str) -> None:
    if "::1" in listen and not _has_ipv6():
        pytest.skip("no IPv6 here")
    gatekeeper = start("--config", str(site), listen=listen).ready()
    found = re.fullmatch(r"http://(\S+):(\d+)", gatekeeper.address)
    assert found
    assert found[2] != "0"
    assert found[1] in {"127.0.0.1:0": ("127.0.0.1",), "[::1]:0": ("[::1]",), ":0": ("[::]", "0.0.0.0")}.get(
        listen, ("127.0.0.1", "[::1]")
    )
    assert get(f"http://{'127.0.0.1' if listen == ':0' else found[1]}:{found[2]}").cookies == {"sessionid"}


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_unix_socket_serves_and_is_removed_at_the_end(start: Start, site: Path, tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    gatekeeper = start("--config", str(site), listen=f"unix:{path}").ready()
    assert gatekeeper.address == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666  # the server in front is another user; the folder says who may
    assert gatekeeper.cookies() == {"sessionid"}
    assert gatekeeper.end() == 0
    assert not path.exists()


def test_a_socket_that_was_left_behind_is_replaced(start: Start, site: Path, tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    killed = start("--config", str(site), listen=f"unix:{path}").ready()
    killed.end(signal.SIGKILL)
    assert path.is_socket()
    assert start("--config", str(site), listen=f"unix:{path}").ready().cookies() == {"sessionid"}


def test_a_socket_that_is_in_use_is_not(start: Start, site: Path, tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    first = start("--config", str(site), listen=f"unix:{path}").ready()
    assert told("--listen", f"unix:{path}") == (
        1,
        "",
        f"gatekeeper: cannot listen on unix:{path}: {IN_USE}\n",
    )
    assert first.cookies() == {"sessionid"}


def test_the_socket_of_a_successor_is_not_removed(start: Start, origin: Origin, site: Path, tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    first = start("--config", str(site), listen=f"unix:{path}").ready()
    with slow_visit(first, origin) as response:
        first.send(signal.SIGTERM)
        until(lambda: not path.exists(), what="the socket to go at the start of the drain")
        second = start("--config", str(site), listen=f"unix:{path}").ready()
        origin.go_on.set()
        assert response.read() == b"halfhalf"
    assert first.ended() == 0
    assert second.cookies() == {"sessionid"}


def test_a_regular_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("mine")
    with pytest.raises(GatekeeperError, match=f"^cannot listen on unix:{path}: another file is there, and stays$"):
        listening_socket(Server(listen=f"unix:{path}"))
    assert path.read_text() == "mine"


def test_a_port_in_use_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert told("--listen", address) == (
            1,
            "",
            f"gatekeeper: cannot listen on {address}: {IN_USE}\n",
        )


@pytest.mark.parametrize(
    ("listen", "reason"),
    [
        ("192.0.2.7:0", "cannot assign requested address; this machine has no such address"),
        ("no.such.host.invalid:0", None),  # a resolver's own words
        ("unix:/nonexistent/g.sock", "no such file or directory"),
        ("unix:/" + "x" * 200, "af_unix path too long"),
    ],
)
def test_an_address_that_cannot_be_had_is_told(listen: str, reason: str | None) -> None:
    with pytest.raises(GatekeeperError) as refused:
        listening_socket(Server(listen=listen))
    assert str(refused.value).startswith(f"cannot listen on {listen}: {reason or ''}")
    assert "\n" not in str(refused.value)


def test_a_port_that_needs_more_rights_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied (while attempting to bind on address ('127.0.0.1', 80))")

    monkeypatch.setattr(socket, "create_server", forbidden)  # root may take any
    with pytest.raises(GatekeeperError) as refused:
        listening_socket(Server(listen="127.0.0.1:80"))
    assert str(refused.value) == (
        "cannot listen on 127.0.0.1:80: permission denied; ports below 1024 and other users' folders need more rights"
    )


# --- the log cannot be written ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("destination", "reason", "workers"),
    [("/nonexistent/g.log", "no such file or directory", "1"), ("/", "is a directory", "2")],
)
def test_a_log_that_cannot_be_opened_is_told_before_anybody_is_taken_in(
    tmp_path: Path, destination: str, reason: str, workers: str
) -> None:
    path = tmp_path / "g.sock"
    code, out, err = told("--listen", f"unix:{path}", "--workers", workers, GATEKEEPER_LOG__DESTINATION=destination)
    assert (code, out) == (1, "")
    assert err == f'gatekeeper: log.destination: "{destination}" cannot be opened: {reason}\n'
    assert not path.exists()


def test_a_closed_standard_output_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {' '.join(COMMAND)} run --listen 127.0.0.1:0 >&-"],
        env=environment(),
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == b'gatekeeper: log.destination: "stdout" cannot be opened: it is closed\n'


# --- the app is not there --------------------------------------------------------------------------------------------


def test_an_app_that_is_down_is_said_to_be_so_once_and_is_a_502_each_time(start: Start, site: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    gatekeeper = start("--config", str(site), upstream=url).ready()
    answer = gatekeeper.get("/basket?secret=1")
    assert answer.status == 502
    assert b"secret" not in answer.body
    assert gatekeeper.get("/basket").status == 502
    answered = "gatekeeper: 502 for GET /basket: the upstream: it could not be reached"
    gatekeeper.says("502")
    assert gatekeeper.end() == 0
    down = f"gatekeeper: upstream {url} is down: it could not be reached: connection refused"
    assert gatekeeper.err[1:] == [down, answered]


# --- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_response_under_way_is_finished_while_nobody_new_is_taken_in(
    start: Start, origin: Origin, site: Path, number: int, workers: str
) -> None:
    gatekeeper = start("--config", str(site), "--workers", workers).ready()
    with slow_visit(gatekeeper, origin) as response:
        gatekeeper.send(number)
        until(lambda: refuses(gatekeeper.address), what="new connections to be refused")
        assert gatekeeper.process.poll() is None
        origin.go_on.set()
        assert response.read() == b"halfhalf"
    assert gatekeeper.ended() == 0
    assert gatekeeper.err == [gatekeeper.start_line]


def test_what_outlasts_the_drain_is_cut_off(start: Start, origin: Origin, site: Path) -> None:
    site.write_text(site.read_text() + '[server]\ndrain = "1s"\n')
    gatekeeper = start("--config", str(site)).ready()
    with slow_visit(gatekeeper, origin):
        assert gatekeeper.end() == 0
    assert gatekeeper.err[1:] == ["gatekeeper: exchanges still under way after server.drain, and cut off: 1"]


def test_an_idle_connection_does_not_hold_up_the_end(start: Start, site: Path) -> None:
    site.write_text(site.read_text() + '[server]\ndrain = "10m"\n')
    gatekeeper = start("--config", str(site)).ready()
    port = int(gatekeeper.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        read = b""
        while not read.endswith(b"halfhalf"):
            read += idle.recv(65536)
        assert gatekeeper.end() == 0
        assert idle.recv(1) == b""


def test_what_was_counted_is_written_at_the_end_and_no_value_of_a_cookie(start: Start, site: Path) -> None:
    gatekeeper = start("--config", str(site)).ready()
    for _ in range(5):
        gatekeeper.get(Cookie="sessionid=s3cret; other=v4lue; cookies_preferences=th1ng")
    assert gatekeeper.end() == 0
    assert [(one["cookie"], one["direction"], one.get("count", 1)) for one in gatekeeper.events] == [
        ("other", "request", 1),
        ("tracker", "response", 1),
        ("other", "request", 4),
        ("tracker", "response", 4),
    ]
    assert not re.search("s3cret|v4lue|th1ng", "\n".join(gatekeeper.out + gatekeeper.err))


# --- precedence, for real --------------------------------------------------------------------------------------------


def test_the_command_line_outweighs_the_environment_and_that_the_file(start: Start, origin: Origin, site: Path) -> None:
    site.write_text(site.read_text() + '[enforcement]\nmode = "off"\n[upstream]\nurl = "http://127.0.0.1:1"\n')
    variables = environment(
        GATEKEEPER_ENFORCEMENT__MODE="report-only",
        GATEKEEPER_UPSTREAM__URL=origin.url,
        GATEKEEPER_SERVICE_HOST="10.0.0.1",  # an orchestrator's, which keep nobody from starting
        GATEKEEPER_PORT="tcp://10.0.0.1:80",
    )
    gatekeeper = start("--config", str(site), "--mode", "enforce", upstream="", env=variables).ready()
    assert f"in front of {origin.url}, mode enforce" in gatekeeper.start_line
    assert gatekeeper.cookies() == {"sessionid"}


def test_file_and_environment_are_judged_before_anything_is_listened_on(site: Path) -> None:
    site.write_text("[server]\nlisten = 1\n")
    code, out, err = told("--config", str(site), GATEKEEPER_UPSTREM__URL="http://a")
    assert (code, out) == (2, "")
    assert err == (
        f'{site}: GATEKEEPER_UPSTREM__URL: sets no key: "upstrem" is no table; did you mean "upstream"?\n'
        f"{site}:2: server.listen: must be text, not a whole number (1)\n"
        "2 problems\n"
    )
