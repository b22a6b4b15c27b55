"""The load generators: wrk for as much as goes, pacer.c for a steady rate and for exact latencies."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.proxy.places import HERE, HOST, LOAD_CORE, RUN, WORK
from bench.proxy.processes import CannotRunError
from bench.proxy.workload import FIELDS, VARIED, request

_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}
_SIZES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


@dataclass(frozen=True)
class Run:
    """What wrk counted. Latencies in µs; ``failed`` are answers other than 2xx and 3xx, and errors of sockets."""

    requests: int
    seconds: float
    octets: float
    p50: float
    p99: float
    failed: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def parse_wrk(text: str) -> Run:
    """What ``wrk --latency`` prints; raises ValueError."""
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m), ([\d.]+)([KMGT]?B) read", text)
    shares = {int(share): float(value) * _UNITS[unit] for share, value, unit in _SHARES.findall(text)}
    if total is None or not {50, 99} <= shares.keys():
        raise ValueError(f"not what wrk prints: {text[:200]!r}")
    failed = sum(int(count) for count in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
    for line in re.findall(r"Socket errors: (.*)", text):
        failed += sum(int(count) for count in re.findall(r"\d+", line))
    return Run(
        requests=int(total[1]),
        seconds=float(total[2]) * _UNITS[total[3]] / 1e6,
        octets=float(total[4]) * _SIZES[total[5]],
        p50=shares[50],
        p99=shares[99],
        failed=failed,
    )


_SHARES = re.compile(r"^\s+(50|75|90|99)(?:\.0+)?%\s+([\d.]+)(us|ms|s|m)\s*$", re.MULTILINE)


def wrk(
    port: int,
    seconds: float,
    *,
    connections: int = 64,
    path: str = "/",
    cores: tuple[int, ...] = (LOAD_CORE,),
    varied: bool = False,
) -> Run:
    """As much load as goes, from one thread on these cores; ``varied``: each request is another one."""
    command = ["taskset", "-c", ",".join(map(str, cores)), "wrk", "--latency", "-t1", f"-c{connections}"]
    command += [f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    for name, value in FIELDS.items():
        command += ["-H", f"{name}: {value}"]
    if varied:
        RUN.mkdir(parents=True, exist_ok=True)
        script = RUN / "varied.lua"
        script.write_text(VARIED)
        command += ["-s", str(script)]
    done = subprocess.run([*command, f"http://{HOST}:{port}{path}"], capture_output=True, text=True, check=False)
    try:
        return parse_wrk(done.stdout)
    except ValueError:
        raise CannotRunError(f"wrk could not load it: {(done.stderr or done.stdout).strip()[-200:]}") from None


@dataclass(frozen=True)
class Paced:
    """What pacer counted, in µs.

    ``p50`` to ``most`` are from the moment that a request was sent, or was due where no connection was free.
    ``due_p99`` is from the moment that it was due, always; ``late_p99`` is the pacer's own lateness.
    """

    requests: int
    seconds: float
    failed: int
    p50: float
    p90: float
    p99: float
    p999: float
    most: float
    due_p99: float
    late_p50: float
    late_p99: float


def pacer(port: int, seconds: float, *, rate: float, connections: int, warm: float = 0.5, seed: int = 1) -> Paced:
    """So many requests a second, at random moments (Poisson); ``rate`` 0: each connection asks again at once."""
    RUN.mkdir(parents=True, exist_ok=True)
    octets = RUN / "request"
    octets.write_bytes(request())
    command = [
        "taskset",
        "-c",
        str(LOAD_CORE),
        str(_built()),
        HOST,
        port,
        octets,
        rate,
        connections,
        seconds,
        warm,
        seed,
    ]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotRunError(f"pacer could not load it: {done.stderr.strip()[-200:]}")
    return Paced(**json.loads(done.stdout))


def _built() -> Path:
    source, program = HERE / "pacer.c", WORK / "pacer"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise CannotRunError("needs a C compiler: apt-get install gcc libc6-dev")
        subprocess.run([compiler, "-O2", "-Wall", "-o", program, source, "-lm"], check=True)
    return program
