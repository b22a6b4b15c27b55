"""``gatekeeper check``: everything that is wrong at once, where it stands, and nothing that could steer a terminal."""

import os
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Tell

CONFIG = Path(__file__).parents[2] / "config"

# What steers a terminal: C0 and C1 controls, and the marks that change the direction of a line.
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def test_a_good_file_is_said_to_be_good(tell: Tell, file: Path) -> None:
    file.write_text('presets = ["django"]\n[[cookie]]\nname = "basket"\ncategory = "necessary"\n')
    told = tell("check", file)
    assert (told.code, told.err) == (0, "")
    assert re.fullmatch(
        rf"{file} can be used: mode enforce, \d+ rules \(1 of {file}, \d+ of the preset django\)\n", told.out
    )


@pytest.mark.parametrize("name", ["gatekeeper.toml", "opendatasoft.toml"])
def test_the_files_that_ship_are_good(tell: Tell, name: str) -> None:
    told = tell("check", CONFIG / name)
    assert (told.code, told.err) == (0, "")
    assert "warning" not in told.out


def test_all_problems_come_at_once_in_the_order_of_the_file_with_line_and_key_path(tell: Tell, file: Path) -> None:
    file.write_text(
        'presets = ["djngo"]\n'
        "colour = 1\n"
        "[server]\n"
        "listen = 8080\n"
        "[upstream]\n"
        'url = "127.0.0.1:8000"\n'
        "ulr = 2\n"
        "\n"
        "[[cookie]] # one\n"
        'name = "a"\n'
        'category = "statistics"\n'
        "[[cookie]]\n"
        'name = "b"\n'
        'category = "analitics"\n'
        'max_age = "3 days"\n'
        "[cookie.on_refusal]\n"
        'value = "a b"\n'
        "[[cookie]]\n"
        'name = "c"\n'
        "[log]\n"
        'repeat = "often"\n'
    )
    told = tell("check", file)
    assert told.code == 2
    assert told.out == ""
    assert told.problems == [
        f'{file}:1: presets[0]: "djngo" is no preset; did you mean "django"?',
        f"{file}:2: colour: unknown key",
        f"{file}:4: server.listen: must be text, not a whole number (8080)",
        (
            f'{file}:6: upstream.url: "127.0.0.1:8000" cannot be used: it has to begin with http://, https:// or '
            'unix:/; did you mean "http://127.0.0.1:8000"?'
        ),
        f'{file}:7: upstream.ulr: unknown key; did you mean "url"?',
        f'{file}:11: cookie[0].category: "statistics" is no category; did you mean "analytics"?',
        f'{file}:14: cookie[1].category: "analitics" is no category; did you mean "analytics"?',
        (
            f'{file}:15: cookie[1].max_age: "3 days" is no duration; write "90s", "15m", "12h", "180d" or "13mo", '
            'or "session"'
        ),
        (
            f"{file}:17: cookie[1].on_refusal.value: may hold no space, quote, comma, semicolon, backslash or control "
            "character"
        ),
        f"{file}:18: cookie[2].category: is missing",
        f'{file}:21: log.repeat: "often" is no duration; write "90s", "15m", "12h", "180d" or "13mo"',
    ]
    assert told.err.splitlines()[-1] == "11 problems"


def test_what_looks_wrong_is_a_warning_and_no_reason_to_refuse_the_file(tell: Tell, file: Path) -> None:
    file.write_text('[[cookie]]\nname = "_ga"\n\ncategory = "necessary"\n')
    told = tell("check", file)
    assert (told.code, told.err) == (0, "")
    first, last = told.out.splitlines()
    assert first.startswith(f'{file}:4: warning: cookie[0].category: "_ga" is known as a cookie of Google Analytics')
    assert last == f"{file} can be used, with 1 warning: mode enforce, 1 rule ({file})"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[[cookie]]\nname = "a"\ncategory = "necessary"\n' * 2,
            '5: cookie[1].name: "a" is already named by cookie[0]',
        ),
        ('[consent]\nmax_age = "0d"', "2: consent.max_age: must be longer than nothing"),
        ('[consent]\nmax_age = "101000d"', '2: consent.max_age: "101000d" is no duration'),
        ('[consent]\nmax_age = "-1d"', '2: consent.max_age: "-1d" is no duration'),
        ('[consent]\nmax_age = "1.5h"', '2: consent.max_age: "1.5h" is no duration'),
        ('[consent]\nmax_age = "session"', '2: consent.max_age: "session" is no duration'),
        ("[consent]\nmax_age = 180", '2: consent.max_age: must be a duration such as "180d", not a whole number (180)'),
        ('[upstream]\nread_timeout = "0s"', "2: upstream.read_timeout: must be longer than nothing"),
        ('[upstream]\nurl = "ftp://a"', '2: upstream.url: "ftp://a" cannot be used: it has to begin with http://'),
        ('[upstream]\nurl = "http://a:99999"', '2: upstream.url: "http://a:99999" cannot be used: '),
        ('[upstream]\nurl = "http://127.0.0.1:8080"', '2: upstream.url: "http://127.0.0.1:8080" is where Gatekeeper '),
        ('[upstream]\nhost = "a b"', "2: upstream.host: neither"),
        ('[server]\nlisten = "8080"', '2: server.listen: "8080" is no address; did you mean "127.0.0.1:8080"?'),
        ('[server]\nlisten = "http://0.0.0.0:80/"', '2: server.listen: "http://0.0.0.0:80/" is no address; did you '),
        ('[server]\nlisten = "127.0.0.1:65536"', '2: server.listen: "127.0.0.1:65536" is no address; write'),
        ('[server]\nlisten = "unix:"', "2: server.listen: names no path"),
        ('[server]\nlisten = "unix:/a\\u0000b"', '2: server.listen: "unix:/a\\x00b" cannot be a path'),
        ("[server]\nworkers = 0", "2: server.workers: must be between 1 and 256, not 0"),
        (
            '[server]\ntrusted_proxies = ["::1", "10.0.0.1/8"]',
            '2: server.trusted_proxies[1]: "10.0.0.1/8" is an address within a network; write "10.0.0.0/8"',
        ),
        ('[server]\ntrusted_proxies = ["lb"]', '2: server.trusted_proxies[0]: "lb" is neither an address'),
        ('[log]\ndestination = "/a\\u0000b"', '2: log.destination: "/a\\x00b" cannot be a path'),
        ('[[site]]\nhosts = ["a"]\nhost = 1', '3: site[0].host: unknown key; did you mean "hosts"?'),
        ('[[site]]\nhosts = ["a"]\n[[site]]\nhosts = ["A"]', '4: site[1].hosts[0]: "A" is already a host of site[0]'),
        ('[[site]]\nhosts = ["a"]\n[site.upstream]\nurl = "a:80"', '4: site[0].upstream.url: "a:80" cannot be used'),
        ('[[site]]\nhosts = ["a"]\n[site.consent]\nformat = "x"', '4: site[0].consent.format: "x" is no'),
        ('[server]\nunknown_host = "refuse"', '2: server.unknown_host: "refuse" is for a file with [[site]] tables'),
        ("server = 1", "1: server: must be a table, not a whole number (1)"),
        ("cookie = 1", "1: cookie: must be written [[cookie]], a list of tables, not a whole number (1)"),
        ("[server]\n[server]", "not valid TOML: Cannot declare ('server',) twice (at line 2, column 8)"),
        ("[server]\nlisten = \n", "not valid TOML: Invalid value (at line 2, column 10)"),
        ("a = \x00", "not valid TOML: "),
        ("a = " + "[" * 5000, "not valid TOML: "),
        ("a = " + "9" * 5000, "not valid TOML: "),
        ("[server]\nworkers = 0x" + "f" * 5000, "2: server.workers: is no number of 64 bits"),
    ],
)
def test_a_slip_is_named(tell: Tell, file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    told = tell("check", file)
    assert told.code == 2
    assert told.problems[0].startswith(f"{file}:{problem}" if problem[0].isdigit() else f"{file}: {problem}"), told.err
    assert len(told.problems) == 1
    assert told.err.endswith("\n1 problem\n")


def test_trusted_proxies_may_be_addresses_networks_and_unix(tell: Tell, file: Path) -> None:
    file.write_text('[server]\ntrusted_proxies = ["unix", "10.0.0.0/8", "::1", "192.0.2.7", "fd00::/8"]\n')
    assert tell("check", file).code == 0


def test_an_upstream_on_the_port_of_another_address_is_not_taken_for_gatekeeper_itself(tell: Tell, file: Path) -> None:
    file.write_text('[server]\nlisten = "192.0.2.7:80"\n[upstream]\nurl = "http://127.0.0.1:80"\n')
    assert tell("check", file).code == 0


# --- what is no file, or no text -------------------------------------------------------------------------------------


def test_a_missing_file_is_named_with_the_command_that_writes_one(tell: Tell, file: Path) -> None:
    told = tell("check", file)
    assert told.code == 2
    assert told.problems == [f"{file}: cannot be read: no such file or directory; gatekeeper init writes a new file"]


def test_a_directory_is_no_file(tell: Tell, tmp_path: Path) -> None:
    told = tell("check", tmp_path)
    assert (told.code, told.problems) == (2, [f"{tmp_path}: cannot be read: is a directory"])


def test_a_file_that_may_not_be_read_is_named(tell: Tell, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", forbidden)  # root may read everything
    told = tell("check", file)
    assert (told.code, told.problems) == (2, [f"{file}: cannot be read: permission denied"])


def test_a_byte_order_mark_is_no_fault(tell: Tell, file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf[[cookie]]\r\nname = "a"\r\ncategory = "necessary"\r\n')
    assert tell("check", file).code == 0


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b'a = "x"\nb = "\xe9"\n', "is not UTF-8: octet 13 in line 2"),
        ('a = "x"\n'.encode("utf-16"), "is not UTF-8: octet 0 in line 1; it looks like UTF-16: save it as UTF-8"),
        (bytes(range(256)) * 16, "is not UTF-8: octet 128 in line 2"),
        (b"\x7fELF\x02\x01\x01\x00", "not valid TOML: "),
    ],
)
def test_octets_that_are_no_text_are_said_to_be_none(tell: Tell, file: Path, octets: bytes, problem: str) -> None:
    file.write_bytes(octets)
    told = tell("check", file)
    assert told.code == 2
    assert told.problems[0].startswith(f"{file}: {problem}")


def test_a_file_beyond_all_measure_is_not_read(tell: Tell, file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(65 * 1024 * 1024)
    told = tell("check", file)
    assert (told.code, told.problems) == (2, [f"{file}: is larger than 64 MiB, which is no policy"])


# --- nothing that steers a terminal ----------------------------------------------------------------------------------

HOSTILE = r"\u001b]0;owned\u0007\u009b31m\u202e\u2028\r\n"


@pytest.mark.parametrize(
    "text",
    [
        f'"{HOSTILE}" = 1',
        f'[server]\n"{HOSTILE}" = 1',
        f'[server]\nlisten = "{HOSTILE}"\ntrusted_proxies = ["{HOSTILE}"]',
        f'[upstream]\nurl = "http://{HOSTILE}"\nhost = "{HOSTILE}"',
        f'[upstream]\nurl = "unix:/{HOSTILE}"',
        f'[log]\ndestination = "{HOSTILE}"\nrepeat = "{HOSTILE}"',
        f'presets = ["{HOSTILE}"]',
        f'[consent]\ncookie = "{HOSTILE}"\nformat = "{HOSTILE}"\n[consent.map]\n"{HOSTILE}" = "{HOSTILE}"',
        f'[consent.custom]\nshape = "json"\n[consent.custom.paths]\n"{HOSTILE}" = "{HOSTILE}"',
        f'[enforcement]\nmode = "{HOSTILE}"',
        f'[[category]]\nid = "{HOSTILE}"\nbasis = "{HOSTILE}"',
        f'[[cookie]]\nname = "{HOSTILE}"\ncategory = "{HOSTILE}"\ndomain = "{HOSTILE}"\n"{HOSTILE}" = 1',
        "a = \x1b]0;owned\x07",
        "\x1b[31m",
        f'"{HOSTILE}" = 1\n"{HOSTILE}" = 1',
        f'["{HOSTILE}"]\n["{HOSTILE}"]',
    ],
)
def test_control_characters_of_the_file_do_not_reach_the_terminal(tell: Tell, file: Path, text: str) -> None:
    file.write_text(text)
    told = tell("check", file)
    assert told.code == 2
    assert told.problems
    assert not STEERING.search(told.err), told.err


def test_neither_do_those_of_its_name(tell: Tell, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[31m\xff.toml")
    told = tell("check", name)
    assert told.code == 2
    assert not STEERING.search(told.err)
    Path(name).write_text("")
    told = tell("check", name)
    assert told.code == 0
    assert "\\x1b[31m\\udcff.toml can be used" in told.out
    assert not STEERING.search(told.out)


def test_markup_in_a_file_is_no_markup(tell: Tell, file: Path) -> None:
    file.write_text('"[red]a[/red]" = 1\n[server]\nlisten = "[bold]b[/]"\n')
    told = tell("check", file)
    assert "[red]a[/red]: unknown key" in told.err
    assert 'server.listen: "[bold]b[/]" is no address' in told.err


def test_text_in_several_lines_moves_no_other_line_number(tell: Tell, file: Path) -> None:
    file.write_text('[page]\nintro = """\n[server]\nlisten = 1\n"""\n[log]\nrepeat = "x"\n')
    assert tell("check", file).problems[0].startswith(f"{file}:7: log.repeat:")
