"""Where things lie, who listens where, which core belongs to whom."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CONF = HERE / "conf"
APPS = HERE / "apps"
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"

# Git ignores it: the peers, what they write, and results that are not for the page.
WORK = ROOT / ".bench"
VENVS = WORK / "venvs"
RUN = WORK / "run"
WWW = WORK / "www"
OTHER_RESULTS = WORK / "results"

PYTHON = sys.executable
HOST = "127.0.0.1"
ORIGIN_PORT = 19000
STREAM_PORT = 19001
FIRST_PORT = 19010

# The proxy has the first to itself; origin and load generators share the second.
PROXY_CORE, LOAD_CORE = 0, 1

# The optional compiled form of the surgery on heads, and the variable that forbids it.
HELPER = "gatekeeper.proxy.plane._heads"
PURE = "GATEKEEPER_PURE"
