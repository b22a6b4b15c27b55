"""What a measurement is asked and what it says: JSON files, one for each measurement."""

import datetime
import json
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.proxy.awake import idle_cores
from bench.proxy.places import OTHER_RESULTS, RESULTS

Row = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How much is measured. ``seconds`` a run, ``rounds`` of it; ``quick``: only to see that it works."""

    seconds: float = 4
    rounds: int = 5
    quick: bool = False
    only: tuple[str, ...] = ()

    @property
    def published(self) -> bool:
        """Whether the results are for the page: all systems, at full length."""
        return not self.quick and not self.only


def machine() -> dict[str, str]:
    """Where it was measured."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": model[1].strip() if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        "idle_cores": idle_cores(),
    }


def folder(published: bool) -> Path:
    """Where results lie."""
    return RESULTS if published else OTHER_RESULTS


def save(name: str, rows: list[Row], options: Options) -> None:
    """Writes what a measurement found."""
    result = {
        "measurement": name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seconds": options.seconds,
        "rounds": options.rounds,
        "machine": machine(),
        "rows": rows,
    }
    place = folder(options.published)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def load(name: str, *, published: bool) -> dict[str, Any] | None:
    """What a measurement found when it was last taken."""
    file = folder(published) / f"{name}.json"
    found: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    return found
