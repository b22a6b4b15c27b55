"""What a person at a terminal sees: run under a pseudo-terminal, with and without colours, wide and narrow."""

import contextlib
import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper import explain
from gatekeeper.cli import app
from gatekeeper.consent.choice import State
from gatekeeper.explain import choice as explained
from gatekeeper.policy.verdict import Reason
from tests.cli.running import COMMAND, PATIENCE, ROOT, Origin, environment, get, refuses, until

# The terminal becomes the program's own, so that closing it is told by SIGHUP.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *arguments: str, columns: int = 80, cwd: Path = ROOT, **variables: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *COMMAND, *arguments],
            env=environment(**{"TERM": "xterm-256color", **variables}),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=cwd,
        )
        os.close(slave)
        self.shown = ""
        self._hung_up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        octets = b""
        with contextlib.suppress(OSError):  # the other side is closed
            while not self._hung_up.is_set():
                # Without a read under way, so that closing it takes effect.
                if select.select([self._master], [], [], 0.05)[0]:
                    octets += os.read(self._master, 65536)
                    self.shown = octets.decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """What stands on it, without colours."""
        return STYLE.sub("", self.shown)

    @property
    def line(self) -> str:
        """The same in one line, for sentences that the terminal broke."""
        return " ".join(self.text.split())

    def shows(self, text: str) -> str:
        """Waits until that is on the terminal; returns everything."""
        until(lambda: text in self.line, what=f"{text!r} in {self.text!r}")
        return self.text

    @property
    def address(self) -> str:
        """Where a ``gatekeeper run`` on it listens."""
        found = re.search(r" listens on (\S+) in front of ", until(lambda: " in front of " in self.line and self.line))
        assert found
        return found[1]

    def presses(self, key: bytes) -> None:
        os.write(self._master, key)

    def ended(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def hang_up(self) -> None:
        """Closes it, as closing its window does."""
        self._hung_up.set()
        self._reader.join(PATIENCE)
        if self._master >= 0:
            os.close(self._master)
        self._master = -1

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.hang_up()


@pytest.fixture
def at_terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def run(*arguments: str, **options: object) -> Terminal:
        opened.append(Terminal(*arguments, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield run
    for terminal in opened:
        terminal.close()


@pytest.fixture
def run(at_terminal: Callable[..., Terminal], origin: Origin) -> Callable[..., Terminal]:
    def start(*arguments: str, **options: object) -> Terminal:
        listen = ("--listen", "127.0.0.1:0", "--upstream", origin.url)
        return at_terminal("run", *listen, *arguments, **options)

    return start


Run = Callable[..., Terminal]


# --- gatekeeper run --------------------------------------------------------------------------------------------------


def test_what_is_blocked_is_shown_in_readable_lines_with_the_rule_to_paste_once(run: Run) -> None:
    terminal = run()
    for _ in range(3):
        get(terminal.address, "/basket?secret=1", Cookie="tracker=v4lue", Accept="text/html")
    terminal.shows("expired")
    terminal.presses(b"\x03")
    assert terminal.ended() == 0
    text = terminal.text
    assert text.count("No rule names it.") == 1
    assert re.search(r'\[\[cookie\]\]\n +name = "tracker"\n +category = "\w+"\n', text)
    shown = [line.split(maxsplit=1)[1] for line in text.splitlines() if re.match(r"(\^C)?\d\d:\d\d:\d\d ", line)]
    assert shown[:3] == [
        "stripped   tracker  (unlisted)  GET 127.0.0.1/basket",
        "blocked    tracker  (unlisted)  GET 127.0.0.1/basket",
        "expired    tracker  (unlisted)  GET 127.0.0.1/basket",
    ]
    # What was counted meanwhile comes at the end.
    assert "blocked    tracker  (unlisted)  ×2  GET 127.0.0.1/basket" in shown[3:]
    assert "v4lue" not in text
    assert "secret" not in text
    assert "{" not in text


def test_the_rule_that_is_shown_can_be_pasted(run: Run, tmp_path: Path) -> None:
    terminal = run()
    get(terminal.address)
    pasted = re.search(r"\[\[cookie\]\][^\0]*?purpose = \"\"", terminal.shows('purpose = ""'))
    assert pasted
    site = tmp_path / "site.toml"
    site.write_text(pasted[0])
    again = run("--config", str(site))
    assert "mode enforce, 1 rule" in again.shows("1 rule")


def test_the_first_line_is_bold_and_broken_between_words(run: Run) -> None:
    terminal = run()
    first = terminal.shows("preset essential)")
    assert terminal.shown.startswith("\x1b[1m")
    lines = first.strip().splitlines()
    assert max(map(len, lines)) <= 80
    assert not re.search(r"\b\w+\n\w*ules\b", first)
    assert "mode enforce" in " ".join(lines)


def test_a_warning_that_nothing_is_enforced_stands_out(run: Run) -> None:
    terminal = run("--mode", "report-only")
    terminal.shows("and every cookie passes.")
    assert re.search(r"\x1b\[1;33mNothing is enforced", terminal.shown)
    get(terminal.address)
    terminal.shows("would block")


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_left_out(run: Run, variables: dict[str, str]) -> None:
    terminal = run(**variables)
    get(terminal.address)
    terminal.shows('purpose = ""')
    colours = re.findall(r"\x1b\[[0-9;]*m", terminal.shown)
    assert not [one for one in colours if re.search(r"[349]\d|38;", one)], colours


def test_closing_the_terminal_ends_it(run: Run) -> None:
    terminal = run()
    address = terminal.address
    terminal.hang_up()
    assert terminal.process.wait(PATIENCE) == 0
    assert refuses(address)


def test_sighup_on_an_open_terminal_reloads(run: Run) -> None:
    terminal = run()
    assert terminal.address
    terminal.process.send_signal(signal.SIGHUP)
    terminal.shows("gatekeeper: reloaded: mode enforce")


# --- the other commands, in this process -----------------------------------------------------------------------------


class Screen(io.TextIOWrapper):
    """Standard streams that say they are a terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode("utf-8")

    @property
    def text(self) -> str:
        return STYLE.sub("", self.shown)


Show = Callable[..., tuple[int, Screen]]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def run(*arguments: str, columns: int = 80) -> tuple[int, Screen]:
        screen = Screen()
        monkeypatch.setenv("COLUMNS", str(columns))
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen), pytest.raises(SystemExit) as end:
            app(arguments, prog_name="gatekeeper")
        return int(str(end.value.code or 0)), screen

    return run


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "site.toml"
    file.write_text(
        'presets = ["django"]\n[[cookie]]\nname = "lang"\ncategory = "functional"\nmax_age = "30d"\n'
        '[[cookie]]\nname = "_ga"\ncategory = "necessary"\n'
    )
    return file


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.usefixtures("site")
def test_explain_draws_tables_that_fit(show: Show, columns: int) -> None:
    sent = ("--cookie-header", "sessionid=1; x=2; cookies_preferences=functional")
    code, screen = show("explain", "site.toml", *sent, "--set-cookie", "lang=de; Max-Age=9999999", columns=columns)
    assert code == 0
    assert max(map(len, screen.text.splitlines())) <= columns
    in_one_line = " ".join(screen.text.split())
    for words in ("The request: what the app gets to see", "The response: what the browser gets to store"):
        assert words in in_one_line
    assert "SetCookielangdeMaxAgeExpires" in re.sub(r"[^a-zA-Z]", "", screen.text)
    if columns > 100:
        assert re.search(r"pass +sessionid +necessary +sessionid +required: the site needs it", screen.text)
        assert re.search(r"rewrite +lang +functional +lang +granted: the visitor agreed", screen.text)
        assert re.search(r"expire +x +- +- +unlisted: no rule names it", screen.text)
        assert "\x1b[32mpass" in screen.shown


def test_explain_says_what_would_be_where_nothing_is_enforced(show: Show, site: Path) -> None:
    site.write_text(
        '[[cookie]]\nname = "b"\ncategory = "necessary"\nsecure = true\n[enforcement]\nmode = "report-only"\n'
    )
    code, screen = show("explain", "site.toml", "--set-cookie", "a=1", "--set-cookie", "b=2")
    assert code == 0
    assert "Nothing is enforced: report-only says what would be blocked" in screen.text
    assert re.search(r"would drop +a +- ", screen.text)
    assert re.search(r"would rewrite +b +necessary", screen.text)
    assert "Set-Cookie:" not in screen.text


def test_explain_has_words_for_every_reason_and_state() -> None:
    assert set(explain._REASONS) == set(Reason)
    assert set(explained._STATES) == set(State)


@pytest.mark.parametrize("columns", [40, 80])
def test_the_list_of_presets_fits(show: Show, columns: int) -> None:
    code, screen = show("init", "--list", columns=columns)
    assert code == 0
    assert max(map(len, screen.text.splitlines())) <= columns
    assert re.search(r"^ *google-analytics", screen.text, re.MULTILINE)


def test_check_marks_what_is_wrong_in_colour(show: Show, site: Path) -> None:
    code, screen = show("check", "site.toml")
    assert code == 0
    assert re.search(r"site\.toml:8: \S*warning: ", screen.shown)
    assert "\x1b[32m" in screen.shown
    site.write_text("[server]\nlisten = 1\n")
    code, screen = show("check", "site.toml")
    assert code == 2
    assert screen.text == "site.toml:2: server.listen: must be text, not a whole number (1)\n1 problem\n"
    assert "\x1b[1;31mserver.listen" in screen.shown
