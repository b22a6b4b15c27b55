"""Where the microseconds go: Gatekeeper under load, watched by perf (by library) and py-spy (by Python function)."""

import collections
import re
import shutil
import subprocess
import sys
import time

from bench.proxy.peers import BY_KEY, has_helper
from bench.proxy.places import RUN, VENVS
from bench.proxy.processes import CannotRunError, cpu_seconds
from bench.proxy.results import Options, Row
from bench.proxy.stage import Stage, pick

_MOST = 25
_FEWEST = 0.4  # per cent


def measure(options: Options) -> list[Row]:
    """µs of CPU time a request, by library, by symbol and by Python function."""
    default = ["gatekeeper", "gatekeeper-helper"] if has_helper() else ["gatekeeper"]
    rows: list[Row] = []
    for key in options.only or default:
        row: Row = {"key": key, "title": BY_KEY[key].title}
        with Stage(pick([key])) as stage:
            stage.warm(1)
            if key in stage.missing:
                rows.append(row | {"error": stage.missing[key]})
                continue
            cost = stage.load(key, options.seconds).cpu_us
            row["cpu_us"] = round(cost, 2)
            row |= _by_perf(stage, key, options.seconds, cost)
            row |= _by_py_spy(stage, key, options.seconds, cost)
        rows.append(row)
    return rows


def _watched(stage: Stage, key: str, seconds: float, command: list[str]) -> None:
    """Runs the watcher while the system is under load; raises CannotRunError."""
    watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=RUN)
    time.sleep(0.3)
    stage.load(key, seconds + 1)
    _, said = watcher.communicate(timeout=120)
    if watcher.returncode != 0:
        raise CannotRunError(f"{command[0]}: {said.decode(errors='replace').strip()[-200:]}")


def _by_perf(stage: Stage, key: str, seconds: float, cost: float) -> Row:
    perf = shutil.which("perf")
    if perf is None:
        return {"perf_error": "perf is not installed"}
    data = RUN / "perf.data"
    family = ",".join(map(str, stage.servers[key].pids()))
    # The clock of the kernel: a virtual machine often has no counters of cycles.
    command = [perf, "record", "-q", "-e", "cpu-clock", "-F", "1999", "-p", family, "-o", str(data)]
    try:
        _watched(stage, key, seconds, [*command, "--", "sleep", str(seconds)])
    except CannotRunError as error:
        return {"perf_error": str(error)}
    found: Row = {}
    for name, by in (("libraries", "dso"), ("symbols", "dso,symbol")):
        report = [perf, "report", "-i", str(data), "--stdio", "--no-children", "--sort", by, "-t", "\t"]
        done = subprocess.run(report, capture_output=True, text=True, check=False)
        found[name] = scaled(parse_perf(done.stdout), cost)
    return found


def parse_perf(text: str) -> list[tuple[str, float]]:
    """Names and per cents in what ``perf report -t TAB`` prints."""
    found = []
    for line in text.splitlines():
        share, *names = line.split("\t")
        if names and (number := re.fullmatch(r"\s*([\d.]+)%?\s*", share)):
            found.append((" ".join(" ".join(names).split()).removesuffix(" - -"), float(number[1])))
    return found


def _by_py_spy(stage: Stage, key: str, seconds: float, cost: float) -> Row:
    spy = VENVS / "tools" / "bin" / "py-spy"
    if not spy.exists():
        return {"py_spy_error": "py-spy is not installed"}
    out = RUN / "py-spy.txt"
    pid = max(stage.servers[key].pids(), key=cpu_seconds)
    command = [str(spy), "record", "-p", str(pid), "-r", "500", "-d", str(max(1, round(seconds))), "-f", "raw"]
    try:
        _watched(stage, key, seconds, [*command, "--nonblocking", "-o", str(out)])
    except CannotRunError as error:
        print(error, file=sys.stderr)
        return {"py_spy_error": str(error)}
    return {"functions": scaled(parse_py_spy(out.read_text()), cost)}


def parse_py_spy(text: str) -> list[tuple[str, float]]:
    """Functions and the per cent of the samples that end in them, from collapsed stacks: ``a;b;c 12``."""
    samples: collections.Counter[str] = collections.Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        if stack and count.isdigit():
            samples[re.sub(r":\d+\)$", ")", stack.rpartition(";")[2])] += int(count)
    total = sum(samples.values())
    return [(name, count / total * 100) for name, count in samples.most_common()]


def scaled(shares: list[tuple[str, float]], cost: float) -> list[Row]:
    """The largest shares as µs a request."""
    return [
        {"name": name, "percent": round(share, 1), "us": round(share / 100 * cost, 2)}
        for name, share in sorted(shares, key=lambda one: -one[1])[:_MOST]
        if share >= _FEWEST
    ]
