"""What the proxy has to reach, what it should reach, and what it does, drawn from all measurements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.proxy.results import Row
from bench.proxy.tables import BASE, Cells, of_base

Results = Mapping[str, Sequence[Row]]
PURE, HELPER = "gatekeeper", "gatekeeper-helper"


@dataclass(frozen=True)
class Aim:
    """A figure for each form of Gatekeeper. ``must`` and ``aim`` are bounds for the pure form, then for the helper."""

    title: str
    must: tuple[float, float]
    aim: tuple[float, float] | None
    figure: Callable[[Results, str], float | None]
    at_least: bool = False
    unit: str = ""

    def cell(self, results: Results, key: str) -> str:
        """The figure of one form, and how it does."""
        value = self.figure(results, key)
        if value is None:
            return "not measured"
        which = 0 if key == PURE else 1
        shown = f"{value:.2f}{self.unit}"
        if not self._reaches(value, self.must[which]):
            return f"{shown}, missed"
        return f"{shown}, aim reached" if self.aim and self._reaches(value, self.aim[which]) else shown

    def bounds(self, pair: tuple[float, float] | None) -> str:
        """Bounds as a cell: one, or one for each form."""
        if pair is None:
            return ""
        sign = "≥" if self.at_least else "≤"
        values = [f"{sign} {value:g}{self.unit}" for value in dict.fromkeys(pair)]
        return "; helper ".join(values)

    def _reaches(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound


def _found(results: Results, name: str, key: str, figure: str) -> float | None:
    values = [row[figure] for row in results.get(name, ()) if row["key"] == key and row.get(figure) is not None]
    return float(max(values)) if values else None


def _over(name: str, figure: str, base: str = BASE, suffix: str = "") -> Callable[[Results, str], float | None]:
    def value(results: Results, key: str) -> float | None:
        if base == BASE:
            return of_base(results.get(name, ()), key + suffix, figure)
        own, other = _found(results, name, key + suffix, figure), _found(results, name, base, figure)
        return own / other if own is not None and other else None

    return value


def _plainly(name: str, figure: str, divisor: float = 1) -> Callable[[Results, str], float | None]:
    """Of several rows (the streams) the largest; none where one of them could not be measured."""

    def value(results: Results, key: str) -> float | None:
        if any("error" in row for row in results.get(name, ()) if row["key"] == key):
            return None
        found = _found(results, name, key, figure)
        return None if found is None else found / divisor

    return value


def _fastest_python(results: Results, key: str) -> float | None:
    own = _found(results, "table", key, "rps")
    peers = [float(row["rps"]) for row in results.get("table", ()) if row.get("python") and "rps" in row]
    return own / max(peers) if own is not None and peers else None


_BOTH = (1.0, 1.0)
AIMS = (
    Aim("CPU a request, of nginx + Lua", (2.0, 1.3), (1.5, 1.0), _over("table", "cpu_us")),
    Aim("the same, response only", (2.0, 1.3), (1.5, 1.0), _over("table", "cpu_us", suffix="-only")),
    Aim("CPU a request, of Envoy + Lua", _BOTH, None, _over("table", "cpu_us", "envoy-lua")),
    Aim("CPU a request, of HAProxy + Lua", _BOTH, None, _over("table", "cpu_us", "haproxy-lua")),
    Aim("CPU a request, of nginx + njs", _BOTH, None, _over("table", "cpu_us", "nginx-njs")),
    Aim("requests/s, of the fastest Python peer", (5, 5), (10, 10), _fastest_python, at_least=True),
    Aim("added latency alone, of nginx + Lua", (1.5, 1.5), _BOTH, _over("latency", "added_us")),
    Aim("p99 at 70 % of saturation, of nginx + Lua", (3, 3), (1.5, 1.5), _over("tail", "p99_us")),
    Aim("10 MB bodies, of nginx without a filter", (0.8, 0.8), _BOTH, _over("bodies", "mb_per_s", "nginx-plain"), True),
    Aim("1 GB streams: memory grows by", (10, 10), (2, 2), _plainly("streams", "grown_mb"), unit=" MB"),
    Aim("an idle connection", (12, 12), None, _plainly("idle", "octets_each", 1000), unit=" KB"),
    Aim("10,000 rules, CPU a request, of 10", (1.05, 1.05), None, _plainly("rules", "ratio")),
    Aim("500 in flight, CPU a request, of 5", (1.05, 1.05), None, _plainly("inflight", "ratio")),
    Aim("two workers, of one", (1.8, 1.8), None, _plainly("workers", "times"), at_least=True),
)


def aims(results: Results) -> list[Cells]:
    """The table of all of them."""
    found: list[Cells] = [("figure", "must", "aim", "pure Python", "compiled helper")]
    for one in AIMS:
        cells = (one.cell(results, PURE), one.cell(results, HELPER))
        found.append((one.title, one.bounds(one.must), one.bounds(one.aim), *cells))
    return found
