"""Compiles what is optional: every .pyx below gatekeeper/ beside the pure form of the same, which is the reference.

As hatchling's hook, for a wheel: with Cython and a C compiler the wheel holds the compiled parts and fits one
platform; without them, or with GATEKEEPER_PURE set, it is pure. As a command, for the checkout: compiles in place what
is not up to date. Exits with 3 where it cannot be done here, and says why.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "gatekeeper"
HEADER = Path(sysconfig.get_path("include"), "Python.h")
SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
LINK = shlex.split(str(sysconfig.get_config_var("LDSHARED") or "cc -shared"))
FLAGS = [*shlex.split(str(sysconfig.get_config_var("CCSHARED") or "-fPIC")), "-O3", "-g0", "-DNDEBUG", "-fwrapv"]
NOT_HERE = 3


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls before and after it puts a wheel together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the compiled parts; all or none."""
        if version == "editable":
            return  # "make speed" compiles in place
        self._scratch = tempfile.TemporaryDirectory()
        reason = obstacle()
        if reason is None:
            try:
                built = {compiled(source, Path(self._scratch.name)): source for source in sources()}
            except subprocess.CalledProcessError as error:
                reason = str(error)
        if reason is not None:
            self.app.display_warning(f"A pure wheel, without what makes it faster: {reason}.")
            return
        for path, source in built.items():
            build_data["force_include"][str(path)] = place_of(source).relative_to(ROOT).as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Takes away what was compiled."""
        if version != "editable":
            self._scratch.cleanup()


def sources() -> list[Path]:
    """What can be compiled."""
    return sorted(PACKAGE.rglob("*.pyx"))


def place_of(source: Path) -> Path:
    """Where Python looks for the compiled form."""
    return source.with_name(source.stem + SUFFIX)


def obstacle() -> str | None:
    """Why nothing can be compiled here; None where it can."""
    if os.environ.get("GATEKEEPER_PURE"):
        return "GATEKEEPER_PURE is set"
    if find_spec("Cython") is None:
        return "Cython is missing (requirements/build.txt)"
    if shutil.which(LINK[0]) is None:
        return f"the C compiler {LINK[0]} is missing (Debian: gcc libc6-dev)"
    return None if HEADER.exists() else f"{HEADER} is missing (Debian: python3-dev)"


def compiled(source: Path, folder: Path) -> Path:
    """The extension module made of a source, in the folder. Raises CalledProcessError; the compiler has said why."""
    parts = source.relative_to(ROOT).with_suffix("").parts
    code = folder / f"{'.'.join(parts)}.c"
    result = code.with_suffix(SUFFIX)
    translate = [sys.executable, "-m", "cython", "-3", "--output-file", str(code), str(source.relative_to(ROOT))]
    subprocess.run(translate, cwd=ROOT, check=True)  # noqa: S603 — our own words
    subprocess.run([*LINK, *FLAGS, f"-I{HEADER.parent}", str(code), "-o", str(result)], check=True)  # noqa: S603
    return result


def in_place() -> int:
    """Compiles what is older than its source or than what all sources share; takes away what has no source any more."""
    places = {place_of(source): source for source in sources()}
    for path in PACKAGE.rglob("*.so"):
        if path.name.endswith(SUFFIX) and path not in places:
            path.unlink()
    reason = obstacle()
    if reason is not None:
        print(f"Not compiled: {reason}.", file=sys.stderr)  # noqa: T201
        return NOT_HERE
    shared = max(path.stat().st_mtime for path in (Path(__file__), *PACKAGE.rglob("*.pxd")))
    for place, source in places.items():
        if place.exists() and place.stat().st_mtime > max(shared, source.stat().st_mtime):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                made = compiled(source, Path(folder))
            except subprocess.CalledProcessError as error:
                print(error, file=sys.stderr)  # noqa: T201
                return 1
            # Whoever runs the old one keeps it.
            shutil.copy(made, place.with_suffix(".new"))
            place.with_suffix(".new").replace(place)
    return 0


if __name__ == "__main__":
    sys.exit(in_place())
