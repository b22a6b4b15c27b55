"""Latency: what a proxy adds for one visitor alone, and how long the slowest hundredth takes under a steady load."""

import statistics
import sys
from collections.abc import Iterable

from bench.proxy.load import Paced, pacer
from bench.proxy.peers import BY_KEY
from bench.proxy.places import ORIGIN_PORT
from bench.proxy.results import Options, Row
from bench.proxy.stage import Stage, pick

_DEFAULT = (
    "nginx-lua",
    "gatekeeper",
    "gatekeeper-helper",
    "gatekeeper-only",
    "gatekeeper-helper-only",
    "nginx-njs",
    "haproxy-lua",
    "envoy-lua",
)
# Of the rate that a system reaches under as much load as goes.
SHARE = 0.7


def alone(options: Options) -> list[Row]:
    """p50 at one connection, over that of the origin without a proxy."""
    found: dict[str, list[float]] = {"origin": []}
    with Stage(pick(options.only or _DEFAULT[: 3 if options.quick else None])) as stage:
        stage.warm(1)
        for _ in range(options.rounds):
            found["origin"].append(pacer(ORIGIN_PORT, options.seconds, rate=0, connections=1).p50)
            for key, server in tuple(stage.servers.items()):
                with stage.excusing(key):
                    p50 = pacer(server.port, options.seconds, rate=0, connections=1).p50
                    found.setdefault(key, []).append(p50)
        direct = statistics.median(found["origin"])
        rows: list[Row] = [{"key": "origin", "title": "the app without a proxy", "p50_us": round(direct, 1)}]
        for peer in stage.peers:
            row: Row = {"key": peer.key, "title": peer.title}
            if peer.key in stage.missing:
                rows.append(row | {"error": stage.missing[peer.key]})
                continue
            p50 = statistics.median(found[peer.key])
            rows.append(row | {"p50_us": round(p50, 1), "added_us": round(p50 - direct, 1)})
    return rows


def tail(options: Options) -> list[Row]:
    """p99 at 64 connections, requests falling due at random at 70 % of each system's own saturation."""
    found: dict[str, list[Paced]] = {}
    with Stage(pick(options.only or _DEFAULT[: 3 if options.quick else None])) as stage:
        stage.warm(1)
        rates: dict[str, list[float]] = {}
        for _ in range(min(3, options.rounds)):
            for key in tuple(stage.servers):
                with stage.excusing(key):
                    rates.setdefault(key, []).append(stage.load(key, options.seconds / 2).run.rate)
        saturation = {key: statistics.median(values) for key, values in rates.items()}
        for turn in range(options.rounds):
            for key, server in tuple(stage.servers.items()):
                with stage.excusing(key):
                    rate = SHARE * saturation[key]
                    paced = pacer(server.port, options.seconds, rate=rate, connections=64, seed=turn + 1)
                    found.setdefault(key, []).append(paced)
                    print(f"round {turn + 1}: {BY_KEY[key].title}: p99 {paced.p99:.0f} µs", file=sys.stderr)
        return [
            _tail_row(peer.key, saturation.get(peer.key, 0), found.get(peer.key, []), stage.missing.get(peer.key))
            for peer in stage.peers
        ]


def _tail_row(key: str, saturation: float, rounds: list[Paced], error: str | None) -> Row:
    row: Row = {"key": key, "title": BY_KEY[key].title}
    if error is not None or not rounds:
        return row | {"error": error or "not measured"}
    return row | {
        "saturation_rps": round(saturation),
        "asked_rps": round(SHARE * saturation),
        "rate_rps": round(statistics.median(one.requests / one.seconds for one in rounds)),
        "p50_us": _middle(one.p50 for one in rounds),
        "p99_us": _middle(one.p99 for one in rounds),
        "p999_us": _middle(one.p999 for one in rounds),
        "due_p99_us": _middle(one.due_p99 for one in rounds),
        "late_p50_us": _middle(one.late_p50 for one in rounds),
        "late_p99_us": _middle(one.late_p99 for one in rounds),
        "failed": sum(one.failed for one in rounds),
    }


def _middle(values: Iterable[float]) -> float:
    return round(statistics.median(values), 1)
