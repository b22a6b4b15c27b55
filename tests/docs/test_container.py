"""The container image as far as it goes without an engine: what it copies, what it checks, what the wheel holds."""

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

GATEKEEPER = Path(sys.executable).with_name("gatekeeper")
COMPOSE = ROOT / "examples" / "compose"
HEALTHCHECK = COMPOSE / "healthcheck.py"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.*)$", re.sub(r"\\\n\s*", "", DOCKERFILE), re.MULTILINE)
PATIENCE = 20.0


def of(kind: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == kind]


def copied() -> list[str]:
    """What is copied out of the project."""
    return [source for rest in of("COPY") if "--from" not in rest for source in shlex.split(rest)[:-1]]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    let_in = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    for source in copied():
        assert (ROOT / source).exists()
        assert source.rstrip("/") in let_in
    assert {source.rstrip("/") for source in copied()} == set(let_in)


def test_every_lock_is_installed_with_its_hashes_and_nothing_else_is_fetched() -> None:
    installs = [step for step in re.split(r" && ", " && ".join(of("RUN"))) if "/pip " in step]
    for step in installs:
        assert "--require-hashes -r requirements/" in step or "--no-deps" in step or step.endswith("pip check")
    for lock in re.findall(r"-r (\S+)", " ".join(of("RUN"))):
        text = (ROOT / lock).read_text("utf-8")
        pinned = re.findall(r"^([\w.\-]+)==", text, re.MULTILINE)
        assert len(pinned) <= text.count("--hash=sha256:")
        assert "://" not in text


def test_the_build_lock_has_what_the_project_builds_with() -> None:
    (requires,) = re.findall(r"^requires = (\[.+\])$", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    wanted = re.findall(r'"([\w-]+)', requires)
    assert "hatchling" in wanted
    for name in wanted:
        assert re.search(rf"^{name}==", (ROOT / "requirements/build.txt").read_text("utf-8"), re.MULTILINE)


def test_the_image_runs_the_proxy_without_rights() -> None:
    assert of("ENTRYPOINT") == ['["gatekeeper"]']
    assert of("CMD") == ['["run"]']
    assert of("USER") == ["10001:10001"]
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert of("EXPOSE") == ["8080"]
    assert "GATEKEEPER_SERVER__LISTEN=0.0.0.0:8080" in " ".join(of("ENV"))
    check = json.loads(of("HEALTHCHECK")[0].partition(" CMD ")[2])
    assert check == ["python", "/opt/gatekeeper/healthcheck.py"]
    assert "healthcheck.py /opt/gatekeeper/healthcheck.py" in " ".join(of("COPY"))


@pytest.mark.parametrize("path", re.findall(r"- (\.\.[\w./]+):", (COMPOSE / "compose.yaml").read_text("utf-8")))
def test_the_compose_example_mounts_what_exists(path: str) -> None:
    assert (COMPOSE / path).exists()


# --- the healthcheck -------------------------------------------------------------------------------------------------


def check(listen: str) -> int:
    environment = {**os.environ, "GATEKEEPER_SERVER__LISTEN": listen}
    return subprocess.run([sys.executable, HEALTHCHECK], env=environment, timeout=PATIENCE, check=False).returncode


@contextlib.contextmanager
def running(listen: str) -> Iterator[str]:
    """A real ``gatekeeper run`` with nothing behind it; where it listens."""
    command = [GATEKEEPER, "run", "--listen", listen, "--upstream", "http://127.0.0.1:9"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEKEEPER_")}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment) as it:
        assert it.stderr is not None
        killer = threading.Timer(PATIENCE, it.kill)
        killer.start()
        try:
            found = re.search(r"listens on (?:http://)?(\S+) in front", it.stderr.readline())
            assert found
            yield found[1]
            it.terminate()
            assert it.wait(PATIENCE) == 0
        finally:
            killer.cancel()
            it.kill()


def test_a_gatekeeper_that_runs_is_healthy_wherever_it_listens(tmp_path: Path) -> None:
    with running("127.0.0.1:0") as address:
        port = address.rpartition(":")[2]
        assert check(address) == 0
        assert check(f"0.0.0.0:{port}") == 0
        assert check(f":{port}") == 0
    assert check(address) == 1
    with running(f"unix:{tmp_path}/gate.sock") as address:
        assert check(address) == 0
    assert check(address) == 1


def test_what_accepts_and_says_nothing_of_http_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"SSH-2.0\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert check(f"127.0.0.1:{listener.getsockname()[1]}") == 1
        thread.join(PATIENCE)


# --- the wheel -------------------------------------------------------------------------------------------------------

DATA = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "gatekeeper").rglob("*")
    if path.is_file() and path.suffix not in (".py", ".pyc", ".so")
]


def test_nothing_that_the_package_needs_is_left_out_of_a_wheel() -> None:
    assert "gatekeeper/py.typed" in DATA
    assert "gatekeeper/policy/presets/django.toml" in DATA
    assert "gatekeeper/pages/cookie_policy.css" in DATA
    # hatchling takes the whole folder but for what is not under version control.
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'packages = ["gatekeeper"]' in pyproject
    assert "exclude" not in pyproject
    patterns = (ROOT / ".gitignore").read_text("utf-8").split()
    for path in DATA:
        assert not [
            pattern for pattern in patterns if any(fnmatch(part, pattern.strip("/")) for part in path.split("/"))
        ]


def test_a_built_wheel_holds_it(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="pip install --require-hashes -r requirements/build.txt")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert set(DATA) <= set(zipfile.ZipFile(wheel).namelist())
