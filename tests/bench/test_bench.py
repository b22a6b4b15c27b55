"""The benchmark reads its programs' output right and writes its tables right; no peer is started here."""

import contextlib
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.proxy import aims, awake, plot, profile, report, tables
from bench.proxy.install import ENVIRONMENTS
from bench.proxy.load import parse_wrk
from bench.proxy.peers import PEERS, RESPONSE_ONLY
from bench.proxy.places import CONF, PAGE, ROOT
from bench.proxy.processes import CannotRunError, parent_of, ticks_of
from bench.proxy.results import Row
from bench.proxy.stage import difference
from bench.proxy.workload import ALL_NAMES, BLOCKED_NAMES, COOKIE, SET_COOKIES, gatekeeper_toml, page, request
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables

_WRK = """Running 2s test @ http://127.0.0.1:19010/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.25ms  503.11us  17.29ms   90.19%
    Req/Sec    51.52k     2.31k   54.11k    75.00%
  Latency Distribution
     50%    1.18ms
     75%  950.00us
     90%    1.49ms
     99%    2.50s
  102512 requests in 2.01s, 180.52MB read
"""
_TROUBLE = """  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 17
"""


def _row(key: str, cpu: float, **more: object) -> Row:
    row: Row = {"key": key, "title": key, "filter": "same", "version": "1", "cpu_us": cpu, "rps": 1e6 / cpu}
    return row | {"p50_us": cpu * 64, "p99_us": cpu * 100, "rss_mb": 20.0} | more


_ROWS: Sequence[Row] = (
    _row("nginx-lua", 18.6),
    _row("gatekeeper", 27.9, title="Gatekeeper"),
    _row("starlette-httpx", 2730.0),
    {"key": "varnish", "title": "Varnish", "filter": "same", "error": "varnishd is not installed"},
)


def test_what_wrk_prints_is_read_in_microseconds_and_octets() -> None:
    run = parse_wrk(_WRK)
    assert run.requests == 102512
    assert run.seconds == pytest.approx(2.01)
    assert run.rate == pytest.approx(51000, rel=0.01)
    assert run.p50 == pytest.approx(1180)
    assert run.p99 == pytest.approx(2_500_000)
    assert run.octets == pytest.approx(180.52 * 1024 * 1024)
    assert run.failed == 0


def test_every_failure_that_wrk_counts_is_counted() -> None:
    assert parse_wrk(_WRK + _TROUBLE).failed == 1 + 2 + 3 + 4 + 17


@pytest.mark.parametrize(
    "text", ["", "unable to connect to 127.0.0.1:1 Connection refused", _WRK.replace("99%", "98%")]
)
def test_what_is_not_from_wrk_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not what wrk prints"):
        parse_wrk(text)


def test_a_process_whose_name_has_brackets_and_spaces_is_read_right() -> None:
    stat = "4242 (a) (b c) S 17 1 1 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 1 0 100 0 0"
    assert parent_of(stat) == 17
    assert ticks_of(stat) == 300


def test_what_perf_prints_is_read_by_name() -> None:
    text = (
        "# Samples: 5K\n#\n 61.10%\t[kernel.kallsyms]\n 12.00%\tpython3.11\t[.] _PyEval_EvalFrameDefault\n\nnot a row\n"
    )
    assert profile.parse_perf(text) == [
        ("[kernel.kallsyms]", 61.10),
        ("python3.11 [.] _PyEval_EvalFrameDefault", 12.00),
    ]


def test_collapsed_stacks_count_for_the_function_at_the_end_whatever_its_line() -> None:
    text = "main (a.py:1);read (b.py:10) 30\nmain (a.py:1);read (b.py:12) 10\nmain (a.py:1);write (b.py:20) 60\n\n"
    assert profile.parse_py_spy(text) == [("write (b.py)", 60.0), ("read (b.py)", 40.0)]


def test_shares_become_microseconds_and_the_smallest_are_left_out() -> None:
    assert profile.scaled([("b", 25.0), ("a", 50.0), ("c", 0.1)], 20.0) == [
        {"name": "a", "percent": 50.0, "us": 10.0},
        {"name": "b", "percent": 25.0, "us": 5.0},
    ]


def test_the_table_has_every_system_the_fastest_first_and_says_why_one_is_missing() -> None:
    cells = tables.SECTIONS["table"][2](_ROWS)
    assert [row[0] for row in cells[1:]] == ["nginx-lua", "Gatekeeper", "starlette-httpx", "Varnish"]
    assert "not measured: varnishd is not installed" in cells[-1]
    assert {len(row) for row in cells} == {len(cells[0])}


def test_a_ratio_is_to_nginx_with_lua_and_empty_without_it() -> None:
    assert tables.of_base(_ROWS, "gatekeeper", "cpu_us") == pytest.approx(1.5)
    assert tables.of_base(_ROWS[1:], "gatekeeper", "cpu_us") is None
    assert tables.of_base(_ROWS, "varnish", "cpu_us") is None


@pytest.mark.parametrize("name", tables.SECTIONS)
def test_every_section_takes_a_row_that_could_not_be_measured(name: str) -> None:
    cells = tables.SECTIONS[name][2](_ROWS[-1:])
    assert "varnishd is not installed" in " ".join(cells[1])
    assert {len(row) for row in cells} == {len(cells[0])}


def _aim(name: str, results: aims.Results) -> tuple[str, ...]:
    return next(row for row in aims.aims(results) if row[0] == name)


def test_an_aim_says_whether_it_is_reached_missed_or_neither() -> None:
    name = "CPU a request, of nginx + Lua"
    for cpu, shown in ((18.6 * 1.5, "1.50, aim reached"), (18.6 * 1.9, "1.90"), (18.6 * 2.1, "2.10, missed")):
        rows = [_row("nginx-lua", 18.6), _row("gatekeeper", cpu), _row("gatekeeper-helper", 18.6 * 1.2)]
        assert _aim(name, {"table": rows})[1:] == ("≤ 2; helper ≤ 1.3", "≤ 1.5; helper ≤ 1", shown, "1.20")


def test_an_aim_without_figures_is_not_measured() -> None:
    assert {row[3:] for row in aims.aims({})[1:]} == {("not measured", "not measured")}


def test_the_largest_growth_of_all_streams_counts_and_a_broken_stream_is_no_figure() -> None:
    rows: list[Row] = [{"key": "gatekeeper", "grown_mb": grown} for grown in (0.5, 11.0, 1.0)]
    assert _aim("1 GB streams: memory grows by", {"streams": rows})[3] == "11.00 MB, missed"
    rows.append({"key": "gatekeeper", "error": "a stream ended"})
    assert _aim("1 GB streams: memory grows by", {"streams": rows})[3] == "not measured"


def test_the_fastest_python_peer_is_the_one_with_the_most_requests() -> None:
    rows = [_row("gatekeeper", 25.0, python=False)]
    rows += [
        _row("slow", 2500.0, python=True),
        _row("quick", 250.0, python=True),
        _row("nginx-lua", 18.6, python=False),
    ]
    assert _aim("requests/s, of the fastest Python peer", {"table": rows})[3] == "10.00, aim reached"


def test_markdown_puts_figures_to_the_right_and_no_cell_breaks_the_table() -> None:
    text = report.markdown([("system", "µs"), ("a|b", "1.5"), ("c", "")])
    assert text.splitlines() == ["| system | µs |", "| --- | ---: |", "| a\\|b | 1.5 |", "| c |  |"]


def test_the_terminal_has_the_columns_under_each_other() -> None:
    lines = report.aligned(tables.SECTIONS["table"][2](_ROWS)).splitlines()
    column = lines[0].index("requests/s") + len("requests/s")
    assert lines[1][:column].endswith(" 53,763")
    assert lines[2][:column].endswith(" 35,842")


def test_only_what_is_between_the_marks_changes() -> None:
    page_text = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    written = report.between(page_text, "new \\1 text")
    assert written == f"before\n{report.BEGIN}\n\nnew \\1 text\n\n{report.END}\nafter\n"
    assert report.between(written, "new \\1 text") == written
    with pytest.raises(ValueError, match="the page has no"):
        report.between("no marks", "new")


def test_the_page_has_the_marks() -> None:
    assert report.between(PAGE.read_text(), "x").count("x") >= 1


def test_the_plot_is_xml_with_a_bar_and_a_name_for_each_measured_system() -> None:
    text = plot.svg([*_ROWS, _row("odd", 100.0, title="<&>")])
    root = ET.fromstring(text)
    shown = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"nginx-lua", "Gatekeeper", "starlette-httpx", "<&>"} <= set(shown)
    assert "Varnish" not in shown
    bars = [
        float(one.get("width", "0"))
        for one in root.iter("{http://www.w3.org/2000/svg}rect")
        if one.get("height") == "20"
    ]
    assert bars == sorted(bars)
    assert bars[0] > 0


def test_the_bars_on_the_terminal_grow_with_the_figures() -> None:
    lines = plot.text_bars(_ROWS).splitlines()[1:]
    assert [line.count("█") for line in lines] == sorted(line.count("█") for line in lines)
    assert len(lines) == 3
    assert plot.text_bars(_ROWS[-1:]) == ""
    ET.fromstring(plot.svg(_ROWS[-1:]))


def test_a_long_line_is_folded_between_words() -> None:
    assert report.folded("aa bb\n   cc dd", 5) == "aa bb\ncc dd"


def test_the_workload_is_what_the_page_says_it_is() -> None:
    assert len(page()) == 1500
    assert len(SET_COOKIES) == len(set(ALL_NAMES)) == 6
    assert len(COOKIE.split("; ")) == 5
    assert request().endswith(b"\r\n\r\n")


@pytest.mark.parametrize("more", [{}, {"enforcement": RESPONSE_ONLY}])
def test_gatekeepers_file_says_the_same_filter(more: dict[str, dict[str, object]]) -> None:
    document = tomllib.loads(gatekeeper_toml(8080, "log.jsonl", rules=100, **more))
    assert len(document["cookie"]) == 100
    policy = {key: document[key] for key in ("cookie", "enforcement")}
    exchange = Exchange(
        Gate(load_policy_tables(policy, {})), method="GET", host=b"www.example.test", path="/", now=1763900000
    )
    exchange.request(((b"cookie", COOKIE.encode()),))
    answer = exchange.response(200, tuple((b"set-cookie", one.encode()) for one in SET_COOKIES))
    values = [value.decode() for name, value in answer if name.lower() == b"set-cookie"]
    assert difference(values, "same") == ""


def test_a_system_that_filters_otherwise_is_found_out() -> None:
    kept = [one for one in SET_COOKIES if one.partition("=")[0] not in BLOCKED_NAMES]
    assert difference(kept, "same") == ""
    assert difference(list(SET_COOKIES), "none") == ""
    assert "lets" in difference(list(SET_COOKIES), "same")
    assert "lets" in difference(kept, "none")
    assert "lets" in difference(kept[:-1], "same and more")
    rewritten = [f"{name}=; Max-Age=0; Path=/" if name in BLOCKED_NAMES else f"{name}=1" for name in ALL_NAMES]
    assert difference(rewritten, "rewrites") == ""
    assert "deletes" in difference(list(SET_COOKIES), "rewrites")


def test_every_system_has_a_name_of_its_own_and_the_base_is_among_them() -> None:
    assert len({one.key for one in PEERS}) == len({one.title for one in PEERS}) == len(PEERS)
    assert tables.BASE in {one.key for one in PEERS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_locks_of_the_peers_pin_versions_with_hashes_and_name_no_address(name: str) -> None:
    text = (ROOT / "bench" / f"requirements-{name}.txt").read_text()
    assert "://" not in text
    packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert packages
    assert all("==" in line for line in packages)
    assert text.count("--hash=sha256:") >= len(packages)


def test_no_configuration_has_a_place_of_one_machine_in_it() -> None:
    for file in CONF.iterdir():
        assert "/home/" not in file.read_text(), file.name
        assert "9000" not in file.read_text(), file.name


@pytest.mark.parametrize(("wanted", "inside"), [(True, "poll before they halt"), (False, "halt at once")])
def test_idle_cores_are_left_as_they_were(
    wanted: bool, inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = tmp_path / "guest_halt_poll_ns"
    setting.write_text("7\n")
    monkeypatch.setattr(awake, "_SETTING", setting)
    with contextlib.suppress(CannotRunError), awake.awake(wanted):
        assert awake.idle_cores() == inside
        raise CannotRunError
    assert setting.read_text() == "7\n"


def test_a_kernel_that_cannot_be_told_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "_SETTING", tmp_path / "none" / "at_all")
    with awake.awake():
        assert awake.idle_cores() == "do as this kernel has it"
