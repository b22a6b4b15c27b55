"""What grows with what: memory with connections, CPU time with rules and requests in flight, rate with workers."""

import contextlib
import os
import resource
import socket
import statistics
import time
from dataclasses import dataclass

from bench.proxy.load import wrk
from bench.proxy.peers import BY_KEY, Command, gatekeeper, has_helper
from bench.proxy.pipes import read_head
from bench.proxy.places import FIRST_PORT, HOST, LOAD_CORE, PROXY_CORE
from bench.proxy.processes import CannotRunError, Server, cpu_seconds, start, tree
from bench.proxy.results import Options, Row
from bench.proxy.stage import Stage, check, pick
from bench.proxy.workload import PAGE_OCTETS, request

_DEFAULT = ("nginx-lua", "gatekeeper", "gatekeeper-helper")
CONNECTIONS = 1000


def idle(options: Options) -> list[Row]:
    """Octets that each of 1,000 connections holds which have had one answer and keep quiet."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    rows: list[Row] = []
    with Stage(pick(options.only or _DEFAULT)) as stage:
        # Caches are filled before the connections are counted, by few: what many leave behind would be used again.
        stage.warm(1, connections=2)
        for peer in stage.peers:
            row: Row = {"key": peer.key, "title": peer.title}
            if peer.key in stage.missing:
                rows.append(row | {"error": stage.missing[peer.key]})
                continue
            try:
                grown = _grown(stage.servers[peer.key])
            except (CannotRunError, OSError) as error:
                rows.append(row | {"error": str(error)})
                continue
            rows.append(row | {"octets_each": round(grown / CONNECTIONS), "connections": CONNECTIONS})
    return rows


def _grown(server: Server) -> int:
    time.sleep(1)
    before = server.rss()
    with contextlib.ExitStack() as held:
        for _ in range(CONNECTIONS):
            held.enter_context(_quiet(server.port))
        time.sleep(1)
        return server.rss() - before


def _quiet(port: int) -> socket.socket:
    visitor = socket.create_connection((HOST, port), timeout=30)
    visitor.sendall(request())
    head = read_head(visitor)
    if head is None:
        raise CannotRunError("closes a connection instead of answering")
    left = PAGE_OCTETS - len(head[1])
    while left > 0 and (more := visitor.recv(left)):
        left -= len(more)
    return visitor


def rules(options: Options) -> list[Row]:
    """CPU time a request with 10 and with 10,000 rules."""
    rows = []
    for key, pure in _gatekeepers(options):
        commands = {count: gatekeeper(f"{key}-{count}-rules", pure=pure, rules=count) for count in (10, 10_000)}
        rows.append(_compared(options, key, [(count, command, 64) for count, command in commands.items()]))
    return rows


def in_flight(options: Options) -> list[Row]:
    """CPU time a request with 5 and with 500 requests in flight; the app may be asked as often at once."""
    commands = {
        key: gatekeeper(f"{key}-in-flight", pure=pure, upstream={"max_connections": 600})
        for key, pure in _gatekeepers(options)
    }
    commands = {"nginx-lua": BY_KEY["nginx-lua"].command} | commands
    return [_compared(options, key, [(count, one, count) for count in (5, 500)]) for key, one in commands.items()]


def _gatekeepers(options: Options) -> list[tuple[str, bool]]:
    both = [("gatekeeper", True)] + ([("gatekeeper-helper", False)] if has_helper() else [])
    return [one for one in both if not options.only or one[0] in options.only]


def _compared(options: Options, key: str, variants: list[tuple[int, Command, int]]) -> Row:
    """Variants of one system, each a label, a command and connections: started together, loaded in turn."""
    row: Row = {"key": key, "title": BY_KEY[key].title}
    found: dict[int, list[float]] = {}
    with Stage([]) as stage, contextlib.ExitStack() as ends:
        try:
            for place, (label, command, _) in enumerate(variants):
                words, environ = command(FIRST_PORT + place)
                name = f"variant-{label}"
                stage.servers[name] = start(name, words, FIRST_PORT + place, cores=(PROXY_CORE,), environ=environ)
                ends.callback(stage.servers[name].stop)
            stage.warm(1)
            for _ in range(options.rounds):
                for label, _, connections in variants:
                    loaded = stage.load(f"variant-{label}", options.seconds, connections=connections)
                    found.setdefault(label, []).append(loaded.cpu_us)
        except (CannotRunError, KeyError) as error:
            return row | {"error": str(error)}
    few, many = (statistics.median(found[label]) for label, _, _ in variants)
    labels = [label for label, _, _ in variants]
    return row | {
        "few": labels[0],
        "many": labels[1],
        "few_cpu_us": round(few, 2),
        "many_cpu_us": round(many, 2),
        "ratio": round(many / few, 3),
    }


def workers(options: Options) -> list[Row]:
    """Two workers over one, everything on both cores.

    Origin and load generator take what the proxy leaves, so requests a second say little. What two cores of their own
    would give is worked out: the CPU time a request with one worker over that with two, by how the load was shared.
    """
    rows = []
    both = (PROXY_CORE, LOAD_CORE)
    for key, pure in _gatekeepers(options):
        row: Row = {"key": key, "title": BY_KEY[key].title}
        found: dict[int, list[_Shared]] = {1: [], 2: []}
        try:
            with Stage([]) as stage, contextlib.ExitStack() as ends:
                for pid in stage.origin.pids():
                    os.sched_setaffinity(pid, both)
                for count in found:
                    command = gatekeeper(f"{key}-{count}-workers", pure=pure, server={"workers": count})
                    words, environ = command(FIRST_PORT + count)
                    server = start(f"workers-{count}", words, FIRST_PORT + count, cores=both, environ=environ)
                    ends.callback(server.stop)
                    stage.servers[str(count)] = server
                    check(server.port, "same and more")
                for _ in range(options.rounds):
                    for count, values in found.items():
                        values.append(_shared(stage.servers[str(count)], options.seconds, both))
        except CannotRunError as error:
            rows.append(row | {"error": str(error)})
            continue
        rows.append(row | _scaled(found[1], found[2]))
    return rows


@dataclass(frozen=True)
class _Shared:
    cpu_us: float
    rate: float
    largest: float


def _shared(server: Server, seconds: float, cores: tuple[int, ...]) -> _Shared:
    before = {pid: cpu_seconds(pid) for pid in server.pids()}
    run = wrk(server.port, seconds, connections=128, cores=cores)
    spent = {pid: cpu_seconds(pid) - before.get(pid, 0) for pid in tree(server.process.pid)}
    total = sum(spent.values())
    return _Shared(total / max(1, run.requests) * 1e6, run.rate, max(spent.values()) / total)


def _scaled(one: list[_Shared], two: list[_Shared]) -> Row:
    cost = {1: statistics.median(run.cpu_us for run in one), 2: statistics.median(run.cpu_us for run in two)}
    largest = statistics.median(run.largest for run in two)
    return {
        "one_cpu_us": round(cost[1], 2),
        "two_cpu_us": round(cost[2], 2),
        "one_rps": round(statistics.median(run.rate for run in one)),
        "two_rps": round(statistics.median(run.rate for run in two)),
        "largest_share": round(largest, 3),
        "times": round(cost[1] / cost[2] / largest, 2),
    }
