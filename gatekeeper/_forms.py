"""Which form of a module runs: compiled, where it was built, or its source, where GATEKEEPER_PURE is set."""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
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


# Imported before all others, so that none of them has been found yet.
if os.environ.get("GATEKEEPER_PURE"):
    sys.meta_path.insert(0, Sources())
