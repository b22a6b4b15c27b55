"""What each measurement found, as the cells of a table."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.proxy.results import Row

BASE = "nginx-lua"
_FILTERS = {
    "none": "none",
    "same": "the same",
    "same and more": "the same, requests too",
    "rewrites": "makes deletions instead",
    "joins": "joins the fields into one",
}
Cells = tuple[str, ...]
# A title, the key of a row, and how its value is shown.
Column = tuple[str, str, Callable[[Any], str]]


def of_base(rows: Sequence[Row], key: str, figure: str) -> float | None:
    """A figure over that of nginx with Lua; None where one of them was not measured."""
    by_key = {row["key"]: row for row in rows}
    base, own = by_key.get(BASE, {}).get(figure), by_key.get(key, {}).get(figure)
    return own / base if base and own is not None else None


def times(value: float | None) -> str:
    """A ratio in a cell."""
    return "" if value is None else f"{value:.2f}"


def number(value: float | None) -> str:
    """A figure in a cell, with no more digits than it is good for."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}"


def milliseconds(value: float | None) -> str:
    """µs as ms."""
    return "" if value is None else f"{value / 1000:.2f}" if value < 100_000 else f"{value / 1000:,.0f}"


def _table(rows: Sequence[Row]) -> list[Cells]:
    found: list[Cells] = [
        (
            "system",
            "version",
            "filter",
            "CPU µs a request",
            "of nginx + Lua",
            "requests/s",
            "p50 ms",
            "p99 ms",
            "RSS MB",
        )
    ]
    for row in sorted(rows, key=lambda one: one.get("cpu_us", float("inf"))):
        if "error" in row:
            found.append((row["title"], "", _FILTERS[row["filter"]], f"not measured: {row['error']}", *[""] * 5))
            continue
        found.append(
            (
                row["title"],
                row["version"],
                _FILTERS[row["filter"]],
                number(row["cpu_us"]),
                times(of_base(rows, row["key"], "cpu_us")),
                number(row["rps"]),
                milliseconds(row["p50_us"]),
                milliseconds(row["p99_us"]),
                number(row["rss_mb"]),
            )
        )
    return found


def _plain(rows: Sequence[Row], columns: Sequence[Column], ratio: str = "") -> list[Cells]:
    """Titles and some figures; ``ratio``: one of them also over that of nginx with Lua."""
    head = ["system", *(title for title, _, _ in columns)] + (["of nginx + Lua"] if ratio else [])
    found: list[Cells] = [tuple(head)]
    for row in rows:
        if "error" in row:
            found.append((row["title"], f"not measured: {row['error']}", *[""] * (len(head) - 2)))
            continue
        cells = [row["title"], *(show(row.get(key)) for _, key, show in columns)]
        found.append((*cells, times(of_base(rows, row["key"], ratio))) if ratio else tuple(cells))
    return found


def _latency(rows: Sequence[Row]) -> list[Cells]:
    return _plain(rows, [("p50 µs", "p50_us", number), ("added µs", "added_us", number)], "added_us")


def _tail(rows: Sequence[Row]) -> list[Cells]:
    columns: list[Column] = [
        ("saturation, requests/s", "saturation_rps", number),
        ("asked for", "asked_rps", number),
        ("answered", "rate_rps", number),
    ]
    columns += [("p50 µs", "p50_us", number), ("p99 µs", "p99_us", number), ("p99.9 µs", "p999_us", number)]
    return _plain(rows, [*columns, ("pacer late, p99 µs", "late_p99_us", number)], "p99_us")


def _bodies(rows: Sequence[Row]) -> list[Cells]:
    return _plain(rows, [("MB/s", "mb_per_s", number), ("CPU µs a MB", "cpu_us_per_mb", number)], "mb_per_s")


def _streams(rows: Sequence[Row]) -> list[Cells]:
    columns: list[Column] = [
        ("stream", "case", str),
        ("seconds", "seconds", number),
        ("CPU µs a MB", "cpu_us_per_mb", number),
    ]
    return _plain(rows, [*columns, ("memory grew by, MB", "grown_mb", times)])


def _idle(rows: Sequence[Row]) -> list[Cells]:
    return _plain(rows, [("octets a connection", "octets_each", number)])


def _two(few: str, many: str) -> Callable[[Sequence[Row]], list[Cells]]:
    def cells(rows: Sequence[Row]) -> list[Cells]:
        columns: list[Column] = [
            (f"{few}, CPU µs a request", "few_cpu_us", number),
            (f"{many}, CPU µs a request", "many_cpu_us", number),
        ]
        return _plain(rows, [*columns, ("times", "ratio", times)])

    return cells


def _workers(rows: Sequence[Row]) -> list[Cells]:
    columns: list[Column] = [
        ("one, CPU µs a request", "one_cpu_us", number),
        ("two, CPU µs a request", "two_cpu_us", number),
    ]
    columns += [("one, requests/s", "one_rps", number), ("two, requests/s", "two_rps", number)]
    return _plain(rows, [*columns, ("busier worker's share", "largest_share", times), ("times one", "times", times)])


SECTIONS: dict[str, tuple[str, str, Callable[[Sequence[Row]], list[Cells]]]] = {
    "table": (
        "Side by side",
        """As much load as goes on 64 connections, from one `wrk`. CPU time is that of the proxy's whole process tree
        over the requests that `wrk` counted.""",
        _table,
    ),
    "halting": (
        "The same where idle cores halt at once",
        """In a virtual machine it is dear to wake a core that has halted, and whoever is too slow to keep the load
        generator's core busy has to.""",
        _table,
    ),
    "latency": (
        "One visitor alone",
        """Requests one after the other on one connection. *added* is p50 less that of the app without a proxy.""",
        _latency,
    ),
    "tail": (
        "Under a steady load",
        """64 connections; requests fall due at random moments, at 70 % of the rate that each system reaches itself.
        Latency counts from the moment that a request was sent, or was due if no connection was free. *pacer late* is
        how late the load generator itself was.""",
        _tail,
    ),
    "bodies": (
        "10 MB bodies",
        """8 connections. Origin and load generator share a core and are the limit where the rates are equal; CPU time
        tells more.""",
        _bodies,
    ),
    "streams": (
        "1 GB streams",
        """A slow end waits five seconds at first and then keeps to 50 MB a second. Memory is the most that was seen,
        over what was held after one MB.""",
        _streams,
    ),
    "idle": ("Idle connections", "1,000 connections, each after one answer.", _idle),
    "rules": ("Many rules", "Half of them wildcards.", _two("10 rules", "10,000 rules")),
    "inflight": ("Many requests at once", "", _two("5 in flight", "500 in flight")),
    "workers": (
        "Two workers",
        """Everything on both cores. *times one* is what two cores of their own would give: CPU time with one worker
        over that with two, by the share of the busier worker.""",
        _workers,
    ),
}


def profile_tables(rows: Sequence[Row]) -> Iterable[tuple[str, list[Cells]]]:
    """The profile: for each form a few tables."""
    kinds = (("libraries", "library"), ("symbols", "library and symbol"), ("functions", "Python function"))
    for row in rows:
        if "error" in row:
            yield f"{row['title']}: not measured: {row['error']}", []
            continue
        for key, title in kinds:
            cells: list[Cells] = [(title, "µs a request", "%")]
            cells += [(f"`{one['name']}`", times(one["us"]), number(one["percent"])) for one in row.get(key, [])]
            if len(cells) > 1:
                yield f"{row['title']}, {number(row['cpu_us'])} µs of CPU time a request, by {title}:", cells
