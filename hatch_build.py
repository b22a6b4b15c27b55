"""Compiles what is optional, in two ways: by Cython every .pyx below gatekeeper/, beside the pure form of the same,
which is the reference; and by mypyc the modules of the hot path as they are, which stand beside their source.

As hatchling's hook, for a wheel: with Cython, mypyc and a C compiler the wheel holds the compiled parts and fits one
platform; without them, or with GATEKEEPER_PURE set, it is pure. As a command, for the checkout: compiles in place what
is not up to date. With --fresh it only tells, by its exit code, whether what is there is. Exits with 3 where it cannot
be done here, and says why.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
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
STALE = 4

# What mypyc compiles: the data plane, and what an exchange calls on its way through it. All in one library, so that
# they call each other without a detour. Not plane/hooks.py: it knows a field again by its identity, and mypyc makes a
# new tuple of each that it looks into.
TYPED = (
    "audit/log.py",
    "enforcement/exchange.py",
    "middleware/gatehouse.py",
    "middleware/plane.py",
    "proxy/plane/connection.py",
    "proxy/plane/framing.py",
    "proxy/plane/gathering.py",
    "proxy/plane/lines.py",
    "proxy/plane/plane.py",
    "proxy/plane/pool.py",
    "proxy/plane/request.py",
    "proxy/plane/response.py",
    "proxy/plane/routes.py",
    "proxy/plane/upstream.py",
    "proxy/plane/visitor.py",
)
LIBRARY = "gatekeeper"  # of all that mypyc makes; it adds __mypyc
# The build has no other packages to look into; what those are is checked elsewhere.
TYPED_OPTIONS = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]


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
                built = dict(all_compiled(Path(self._scratch.name)))
            except CannotCompileError as error:
                reason = str(error)
        if reason is not None:
            self.app.display_warning(f"A pure wheel, without what makes it faster: {reason}.")
            return
        for place, path in built.items():
            build_data["force_include"][str(path)] = place.relative_to(ROOT).as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Takes away what was compiled."""
        if version != "editable":
            self._scratch.cleanup()


class CannotCompileError(Exception):
    """What was wrong; the compiler has said more."""


def sources() -> list[Path]:
    """What Cython compiles."""
    return sorted(PACKAGE.rglob("*.pyx"))


def typed() -> list[Path]:
    """What mypyc compiles."""
    return [PACKAGE / name for name in TYPED]


def library() -> Path:
    """Where Python looks for what is common to all that mypyc makes."""
    return ROOT / f"{LIBRARY}__mypyc{SUFFIX}"


def place_of(source: Path) -> Path:
    """Where Python looks for the compiled form."""
    return source.with_name(source.stem + SUFFIX)


def obstacle() -> str | None:
    """Why nothing can be compiled here; None where it can."""
    if os.environ.get("GATEKEEPER_PURE"):
        return "GATEKEEPER_PURE is set"
    if find_spec("Cython") is None:
        return "Cython is missing (requirements/build.txt)"
    if find_spec("mypyc") is None or find_spec("setuptools") is None:
        return "mypy or setuptools is missing (requirements/build.txt)"
    if shutil.which(LINK[0]) is None:
        return f"the C compiler {LINK[0]} is missing (Debian: gcc libc6-dev)"
    return None if HEADER.exists() else f"{HEADER} is missing (Debian: python3-dev)"


def all_compiled(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Everything, made in the folder: where Python looks for it, and what was made. Raises CannotCompileError."""
    for source in sources():
        yield place_of(source), by_cython(source, folder)
    yield from by_mypyc(folder)


def by_cython(source: Path, folder: Path) -> Path:
    """The extension module made of a source, in the folder. Raises CannotCompileError."""
    code = folder / f"{'.'.join(source.relative_to(ROOT).with_suffix('').parts)}.c"
    translate = [sys.executable, "-m", "cython", "-3", "--output-file", str(code), str(source.relative_to(ROOT))]
    run(translate)
    return linked([code], code.with_suffix(SUFFIX))


def by_mypyc(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The library of all typed modules, and for each a small one that leads there. Raises CannotCompileError."""
    from mypyc.build import mypycify

    names = [str(path.relative_to(ROOT)) for path in typed()]
    here = Path.cwd()
    try:
        os.chdir(ROOT)  # the names of modules follow from the paths
        extensions = mypycify([*TYPED_OPTIONS, *names], opt_level="3", target_dir=str(folder), group_name=LIBRARY)
    except SystemExit as error:
        raise CannotCompileError(f"mypyc found faults: {error}") from None
    finally:
        os.chdir(here)
    for extension in extensions:
        made = folder / f"{extension.name}{SUFFIX}"
        place = ROOT / f"{extension.name.replace('.', '/')}{SUFFIX}"
        yield place, linked(list(map(Path, extension.sources)), made, *extension.include_dirs)


def linked(code: list[Path], result: Path, *headers: str) -> Path:
    """The extension module of some C."""
    run([*LINK, *FLAGS, *(f"-I{folder}" for folder in (HEADER.parent, *headers)), *map(str, code), "-o", str(result)])
    return result


def run(command: list[str]) -> None:
    """Runs one of our own commands."""
    try:
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 — our own words
    except subprocess.CalledProcessError as error:
        raise CannotCompileError(f"{command[0]} ended with {error.returncode}") from None


def places() -> set[Path]:
    """Where all that can be compiled would stand."""
    return {*map(place_of, sources()), *map(place_of, typed()), library()}


def is_fresh() -> bool:
    """Whether nothing is compiled here, or all of it is and newer than all that it was made of."""
    there = [path for path in places() if path.exists()]
    if not there:
        return True
    made_of = [Path(__file__), *PACKAGE.rglob("*.pxd"), *sources(), *typed()]
    oldest = min(path.stat().st_mtime for path in there)
    return len(there) == len(places()) and oldest > max(path.stat().st_mtime for path in made_of)


def in_place() -> int:
    """Compiles all anew where anything is older than its source; takes away what has no source any more."""
    for path in [*PACKAGE.rglob("*.so"), *ROOT.glob("*.so")]:
        if path.name.endswith(SUFFIX) and path not in places():
            path.unlink()
    if is_fresh() and library().exists():
        return 0
    reason = obstacle()
    if reason is not None:
        # What is older than its source would run in its place.
        for path in places():
            path.unlink(missing_ok=True)
        print(f"Not compiled: {reason}.", file=sys.stderr)  # noqa: T201 — a command tells its user
        return NOT_HERE
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = dict(all_compiled(Path(folder)))
        except CannotCompileError as error:
            print(error, file=sys.stderr)  # noqa: T201 — a command tells its user
            return 1
        for place, path in made.items():
            # Whoever runs the old one keeps it.
            shutil.copy(path, place.with_suffix(".new"))
            place.with_suffix(".new").replace(place)
    return 0


if __name__ == "__main__":
    sys.exit((0 if is_fresh() else STALE) if "--fresh" in sys.argv else in_place())
