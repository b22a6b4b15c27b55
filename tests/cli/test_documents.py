"""``gatekeeper policy`` and ``gatekeeper init``: documents on standard output or in a file, whole or not at all."""

import json
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gatekeeper.assembly import load_settings
from gatekeeper.pages import cookie_policy
from gatekeeper.policy.presets import library
from tests.cli.conftest import Start, Tell
from tests.cli.running import COMMAND, PATIENCE, ROOT, environment

OPENDATASOFT = ROOT / "config" / "opendatasoft.toml"

# --- policy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["markdown", "html", "json"])
def test_policy_writes_the_page_of_the_rules(tell: Tell, form: str) -> None:
    told = tell("policy", OPENDATASOFT, "--format", form)
    assert (told.code, told.err) == (0, "")
    render = getattr(cookie_policy, f"render_{form}")
    assert told.out.rstrip("\n") == render(load_settings(OPENDATASOFT).policy).rstrip("\n")
    assert told.out.endswith("\n")
    assert not told.out.endswith("\n\n")
    assert "_BEAMER" in told.out


def test_markdown_is_the_default_and_json_is_json(tell: Tell) -> None:
    assert tell("policy", OPENDATASOFT).out == tell("policy", OPENDATASOFT, "--format", "markdown").out
    assert json.loads(tell("policy", OPENDATASOFT, "--format", "json").out)["categories"]


def test_an_unknown_format_is_an_error_of_usage(tell: Tell) -> None:
    told = tell("policy", OPENDATASOFT, "--format", "pdf")
    assert told.code == 2
    assert "markdown" in told.err


# What fits into a pipe, and what does not; with Python's own buffer before it, and without.
@pytest.mark.parametrize(("size", "unbuffered"), [(1, ""), (500_000, ""), (500_000, "1")])
def test_a_reader_that_has_enough_gets_no_traceback(tmp_path: Path, size: int, unbuffered: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f'[page]\nintro = "{"x" * size}"\n')
    command = [*COMMAND, "policy", str(file)]
    variables = environment(PYTHONUNBUFFERED=unbuffered)
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if size > 1:
            process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 1


def test_a_full_disk_is_told_in_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "policy", str(OPENDATASOFT)], env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"gatekeeper: standard output cannot be written: no space left on device\n"


def test_a_closed_standard_output_is_told_in_one_line() -> None:
    command = f"exec {' '.join(COMMAND)} policy {OPENDATASOFT} >&-"
    done = subprocess.run(["sh", "-c", command], env=environment(), stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"gatekeeper: standard output cannot be written: it is closed\n"


def test_a_locale_without_the_letters_changes_no_document() -> None:
    done = subprocess.run(
        [*COMMAND, "policy", str(OPENDATASOFT), "--format", "html"],
        env=environment(PYTHONIOENCODING="ascii", LC_ALL="C"),
        capture_output=True,
        check=True,
    )
    assert (
        done.stdout.decode("utf-8").rstrip() == cookie_policy.render_html(load_settings(OPENDATASOFT).policy).rstrip()
    )
    assert done.stderr == b""


# --- init ------------------------------------------------------------------------------------------------------------


def test_the_starter_file_is_good_and_begins_with_report_only(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    told = tell("init", file, "--preset", "django", "-p", "matomo")
    assert (told.code, told.err) == (0, "")
    assert told.out == (
        f"{file} is written. Next: gatekeeper check {file}; gatekeeper run --config {file} --upstream http://…\n"
    )
    told = tell("check", file)
    assert told.code == 0
    assert "warning" not in told.out
    assert "mode report-only" in told.out
    assert "the presets django, matomo" in told.out


def test_the_starter_files_example_is_a_rule(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    text = tell("init", "-").out
    example = text[text.index("# [[cookie]]") :]
    file.write_text(text + "".join(line.removeprefix("# ") + "\n" for line in example.splitlines()))
    assert tell("check", file).code == 0
    assert next(rule.name for rule in load_settings(file).policy.rules) == "sessionid"


def test_the_starter_file_runs(start: Start, tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    tell("init", file)
    gatekeeper = start("--config", str(file)).ready()
    assert "mode report-only" in gatekeeper.start_line
    assert gatekeeper.cookies() == {"sessionid", "tracker"}
    assert gatekeeper.event(cookie="tracker")["action"] == "would-drop"


def test_standard_output_gets_the_file_itself(tell: Tell) -> None:
    assert tomllib.loads(tell("init", "-").out)["presets"] == ["essential"]
    assert tomllib.loads(tell("init", "-", "-p", "django", "-p", "php", "-p", "django").out)["presets"] == [
        "django",
        "php",
    ]


def test_an_existing_file_is_kept_unless_told_otherwise(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text("mine")
    told = tell("init", file)
    assert (told.code, told.out) == (2, "")
    assert told.err == f"gatekeeper: {file} is there already; --force overwrites it\n"
    assert file.read_text() == "mine"
    assert tell("init", file, "--force").code == 0
    assert file.read_text().startswith("# Gatekeeper")


def test_a_folder_is_not_overwritten(tell: Tell, tmp_path: Path) -> None:
    told = tell("init", tmp_path)
    assert (told.code, told.err) == (2, f"gatekeeper: {tmp_path} is there already\n")
    told = tell("init", tmp_path, "--force")
    assert (told.code, told.err) == (1, f"gatekeeper: {tmp_path} cannot be written: is a directory\n")


def test_a_missing_folder_is_told(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "none" / "site.toml"
    told = tell("init", file)
    assert (told.code, told.err) == (1, f"gatekeeper: {file} cannot be written: no such file or directory\n")


def test_the_file_has_the_rights_of_any_new_file(tell: Tell, tmp_path: Path) -> None:
    file, other = tmp_path / "site.toml", tmp_path / "other"
    tell("init", file)
    other.touch()
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


@pytest.mark.parametrize(
    ("name", "hint"), [("djngo", '; did you mean "django"?'), ("google", '; did you mean "'), ("zzz", " (gatekeeper")]
)
def test_an_unknown_preset_is_refused_with_the_one_that_was_meant(
    tell: Tell, tmp_path: Path, name: str, hint: str
) -> None:
    file = tmp_path / "site.toml"
    told = tell("init", file, "--preset", name)
    assert told.code == 2
    assert told.err.startswith(f'gatekeeper: "{name}" is no preset{hint}')
    assert told.err.endswith("(gatekeeper init --list shows them all)\n")
    assert not file.exists()


def test_a_preset_without_its_option_does_not_become_a_file(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = tell("init", "--preset", "django", "matomo")
    assert (told.code, told.err) == (2, 'gatekeeper: "matomo" is a preset and no file\'s name; write --preset matomo\n')
    assert list(tmp_path.iterdir()) == []


def test_list_names_every_preset_and_writes_nothing(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = tell("init", "--list")
    assert (told.code, told.err) == (0, "")
    head, *rows = [line.split("\t") for line in told.out.splitlines()]
    assert head == ["preset", "for", "what it names"]
    assert [row[0] for row in rows] == list(library())
    assert all(all(cell for cell in row) and len(row) == 3 for row in rows)
    assert list(tmp_path.iterdir()) == []


# --- the program itself ----------------------------------------------------------------------------------------------


def test_a_script_without_a_guard_can_start_it_with_several_workers(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "gatekeeper"
    script.write_text("import sys\nfrom gatekeeper.cli import main\nsys.exit(main())\n")
    gatekeeper = start("--workers", "2", command=(sys.executable, str(script))).ready()
    assert gatekeeper.cookies() == {"sessionid"}
    assert gatekeeper.end() == 0
    assert len(gatekeeper.err) == 1
