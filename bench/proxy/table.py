"""The table: CPU time, rate, latency and memory of every system under as much load as goes."""

import statistics
import sys
from dataclasses import replace

from bench.proxy.peers import BY_KEY
from bench.proxy.results import Options, Row
from bench.proxy.stage import Stage, pick

_FEW = ("nginx-lua", "gatekeeper", "gatekeeper-helper", "nginx-njs", "haproxy-lua")


def measure(options: Options) -> list[Row]:
    """A row for each system, with medians over interleaved rounds; missing ones have an ``error``."""
    found: dict[str, list[Row]] = {}
    with Stage(pick(options.only)) as stage:
        stage.warm(1)
        for turn in range(options.rounds):
            keys = [key for key in BY_KEY if key in stage.servers]
            # Another one begins each round, so that no place in the order is one system's alone.
            first = turn * 5 % max(1, len(keys))
            for key in keys[first:] + keys[:first]:
                with stage.excusing(key):
                    loaded = stage.load(key, options.seconds)
                    found.setdefault(key, []).append(
                        {
                            "cpu_us": loaded.cpu_us,
                            "rps": loaded.run.rate,
                            "p50_us": loaded.run.p50,
                            "p99_us": loaded.run.p99,
                            "rss_mb": stage.servers[key].rss() / 1e6,
                        }
                    )
                    print(f"round {turn + 1}: {BY_KEY[key].title}: {loaded.cpu_us:.1f} µs", file=sys.stderr)
        return [_row(peer.key, found.get(peer.key, []), stage.missing.get(peer.key)) for peer in stage.peers]


def halting(options: Options) -> list[Row]:
    """The same for a few, where idle cores halt at once."""
    return measure(replace(options, only=options.only or _FEW))


def _row(key: str, rounds: list[Row], error: str | None) -> Row:
    peer = BY_KEY[key]
    row: Row = {"key": key, "title": peer.title, "filter": peer.filter, "python": peer.is_python}
    if error is not None:
        return row | {"error": error}
    row["version"] = peer.version()
    for figure in rounds[0]:
        values = [float(one[figure]) for one in rounds]
        row[figure] = round(statistics.median(values), 2)
        row[f"{figure}_rounds"] = [round(value, 2) for value in values]
    return row
