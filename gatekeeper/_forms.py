"""Which form of a module runs: compiled, where it was built, or its source, where GATEKEEPER_PURE is set or, in a
checkout, where a source is newer than what was compiled of it.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType


class Sources(MetaPathFinder):
    """Finds the source of this package's modules, also where a compiled form of the same stands beside it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See importlib. None for a module without a source."""
        if not fullname.startswith(f"{__package__}."):
            return None
        for folder in path or ():
            spec = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(fullname, target)
            if spec is not None:
                return spec
        return None


def is_compiled() -> bool:
    """Whether the data plane's modules run in their compiled form."""
    module = sys.modules.get(f"{__package__}.audit.log")
    return module is not None and not str(module.__file__).endswith(".py")


def _stale() -> Path | None:
    """In a checkout, a source that is newer than what was compiled of it; None elsewhere, and where there is none."""
    package = Path(__file__).parent
    if not (package.parent / "hatch_build.py").exists():
        return None
    for built in package.rglob("*.so"):
        for suffix in (".pyx", ".py"):
            source = built.with_name(built.name.partition(".")[0] + suffix)
            if source.exists() and source.stat().st_mtime > built.stat().st_mtime:
                return source
    return None


# Imported before all others, so that none of them has been found yet.
if not os.environ.get("GATEKEEPER_PURE") and (_newer := _stale()) is not None:
    os.environ["GATEKEEPER_PURE"] = "1"
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"gatekeeper: {_newer.name} has changed since it was compiled; the sources run\n")
if os.environ.get("GATEKEEPER_PURE"):
    sys.meta_path.insert(0, Sources())
