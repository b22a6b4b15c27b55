"""What is compiled: when it runs, when it does not, and the wheel it comes in."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import hatch_build
from gatekeeper.enforcement.response import COMPILED
from tests.docs.pages import ROOT

SOURCES = sorted(path.relative_to(ROOT) for path in (ROOT / "gatekeeper").rglob("*.pyx"))
FORMS = "from gatekeeper.cookies import request; from gatekeeper.enforcement import response; "
TELL = FORMS + "import gatekeeper; print(request.COMPILED, response.COMPILED, gatekeeper.IS_COMPILED)"
WHEEL = os.environ.get("GATEKEEPER_WHEEL", "")


def told(python: Path | str, **environment: str) -> str:
    plain = {name: value for name, value in os.environ.items() if name != "GATEKEEPER_PURE"} | environment
    command = [python, "-c", TELL]
    return subprocess.run(command, env=plain, cwd="/", check=True, capture_output=True, text=True).stdout.strip()


def test_every_compiled_part_has_types_and_is_declined_where_the_pure_form_is_wished_for() -> None:
    assert len(SOURCES) > 1
    for source in SOURCES:
        assert (ROOT / source).with_suffix(".pyi").exists()
        module = ".".join(source.with_suffix("").parts)
        code = f"try:\n import {module}\nexcept ImportError:\n print('declined')"
        environment = os.environ | {"GATEKEEPER_PURE": "1", "PYTHONPATH": str(ROOT)}
        came = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert came.stdout == "declined\n", module


@pytest.mark.skipif(not COMPILED, reason="not compiled (make speed), or GATEKEEPER_PURE is set")
def test_what_was_built_runs_unless_the_pure_form_is_wished_for() -> None:
    assert told(sys.executable, PYTHONPATH=str(ROOT)) == "True True True"
    assert told(sys.executable, PYTHONPATH=str(ROOT), GATEKEEPER_PURE="") == "True True True"
    assert told(sys.executable, PYTHONPATH=str(ROOT), GATEKEEPER_PURE="1") == "False False False"


@pytest.mark.skipif(not WHEEL, reason="make wheel")
def test_a_built_wheel_holds_what_is_compiled_and_runs_it_in_an_environment_of_its_own(tmp_path: Path) -> None:
    (wheel,) = (ROOT / WHEEL).glob("*.whl")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    made = {path.relative_to(ROOT).as_posix() for path in hatch_build.places()}
    assert {source.with_suffix("").as_posix() + suffix for source in SOURCES} < made
    assert made <= set(zipfile.ZipFile(wheel).namelist())
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    python = str(tmp_path / "bin" / "python")
    install = ["-m", "pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([python, *install, wheel], check=True, capture_output=True)
    # The dependencies of this environment, behind its own packages.
    (site,) = tmp_path.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    assert told(python) == "True True True"
    assert told(python, GATEKEEPER_PURE="1") == "False False False"
    where = [python, "-c", "import gatekeeper; print(gatekeeper.__file__)"]
    assert subprocess.run(where, cwd="/", check=True, capture_output=True, text=True).stdout.startswith(str(site))
    subprocess.run([tmp_path / "bin" / "gatekeeper", "--version"], cwd="/", check=True, capture_output=True)


@pytest.mark.skipif(not COMPILED, reason="not compiled (make speed), or GATEKEEPER_PURE is set")
def test_in_a_checkout_a_source_that_is_newer_than_what_was_compiled_of_it_runs(tmp_path: Path) -> None:
    checkout = shutil.copytree(ROOT / "gatekeeper", tmp_path / "gatekeeper")
    shutil.copy(hatch_build.library(), tmp_path)
    (tmp_path / "hatch_build.py").touch()
    assert told(sys.executable, PYTHONPATH=str(tmp_path)) == "True True True"
    os.utime(checkout / "proxy" / "plane" / "visitor.py")
    assert told(sys.executable, PYTHONPATH=str(tmp_path)) == "False False False"
