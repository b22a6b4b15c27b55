"""The log's counting: the first of its kind at once, repeats as one line, and nothing lost in silence."""

import gc
import json
import logging
import threading

import pytest

from gatekeeper.audit import log as log_module
from gatekeeper.audit.log import VerdictLog
from gatekeeper.audit.sinks import LoggerSink
from gatekeeper.enforcement import exchange as core
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.patience import Asked
from gatekeeper.middleware.gatehouse import Gatehouse
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.verdict import Verdict
from tests.audit.recording import PATIENCE, Clock, Lines, exchange_of, make_log, same_again
from tests.conformance.case import NOW, Case, rule

GA = b"Set-Cookie: _ga=1"
OTHER = b"Set-Cookie: other=1"


def told(events: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(event["cookie"], event.get("count", 1)) for event in events]


# --- the first at once, repeats counted ------------------------------------------------------------------------------


def test_the_first_of_its_kind_is_logged_at_once() -> None:
    log, sink, _ = make_log()
    log.record(exchange_of(sets=[GA]), 200)
    event = sink.next()
    assert event["cookie"] == "_ga"
    assert "count" not in event


def test_repeats_within_the_time_wait_and_come_as_one_line_with_a_count() -> None:
    log, sink, clock = make_log(repeat=60.0)
    again = same_again()
    for _ in range(5):
        log.record(again(sets=[GA]), 200)
        clock.now += 10
    log.record(again(sets=[OTHER]), 200)
    # The other one is written behind all that were put before it.
    assert told([sink.next(), sink.next()]) == [("_ga", 1), ("other", 1)]
    assert sink.rest() == []
    log.flush()
    assert told(sink.rest()) == [("_ga", 4)]


def test_equal_verdicts_of_different_gates_are_one_kind() -> None:
    log, sink, _ = make_log()
    for _ in range(5):
        log.record(exchange_of(sets=[GA]), 200)
        gc.collect()
    log.flush()
    assert told(sink.rest()) == [("_ga", 1), ("_ga", 4)]


def test_a_repeat_after_the_time_is_logged_at_once_with_those_counted_before_it() -> None:
    log, sink, clock = make_log(repeat=60.0)
    again = same_again()
    for seconds in (0, 30, 29, 1):
        clock.now += seconds
        log.record(again(sets=[GA]), 200)
    assert told([sink.next(), sink.next()]) == [("_ga", 1), ("_ga", 3)]
    log.flush()
    assert sink.rest() == []


def test_what_was_counted_is_written_when_its_time_is_over_without_another_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_module, "_TICK", 0.005)
    log, sink, clock = make_log(repeat=60.0)
    again = same_again()
    for _ in range(3):
        log.record(again(sets=[GA]), 200)
    assert told([sink.next()]) == [("_ga", 1)]
    clock.now += 60
    assert told([sink.next()]) == [("_ga", 2)]


def test_a_kind_without_repeats_writes_no_second_line() -> None:
    log, sink, clock = make_log(repeat=60.0)
    log.record(exchange_of(sets=[GA]), 200)
    clock.now += 600
    log.flush()
    assert told(sink.rest()) == [("_ga", 1)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"sets": [GA]}, {"sets": [OTHER]}),
        ({"sets": [GA]}, {"asks": [b"Cookie: _ga=1"]}),
        ({"sets": [GA]}, {"sets": [GA + b"; Max-Age=0"]}),
        ({"sets": [GA]}, {"sets": [b"Set-Cookie: _ga=\x01"]}),
        ({"sets": [GA]}, {"sets": [GA], "policy": '[enforcement]\nmode = "report-only"\n'}),
        ({"sets": [b"Set-Cookie: _ga_1=1"]}, {"sets": [b"Set-Cookie: _ga_2=1"]}),
        ({"sets": [b"Set-Cookie: x=1"]}, {"sets": [b"Set-Cookie: x=1"], "policy": rule("x")}),
    ],
)
def test_verdicts_of_another_kind_are_logged_at_once(first: dict[str, object], second: dict[str, object]) -> None:
    log, sink, _ = make_log()
    log.record(exchange_of(**first), 200)
    log.record(exchange_of(**second), 200)
    assert [("count" in event) for event in (sink.next(), sink.next())] == [False, False]


def test_the_same_verdict_on_another_site_is_another_kind() -> None:
    log, sink, _ = make_log()
    again = same_again()
    log.record(again(sets=[GA]), 200, site="one")
    log.record(again(sets=[GA]), 200, site="two")
    assert [sink.next()["site"], sink.next()["site"]] == ["one", "two"]


def test_other_paths_and_statuses_are_the_same_kind() -> None:
    log, sink, _ = make_log()
    again = same_again()
    for number in range(5):
        log.record(again(sets=[GA], path=f"/{number}"), 200 + number)
    log.flush()
    first, rest = sink.rest()
    assert (first["path"], first["status"]) == ("/0", 200)
    assert rest["count"] == 4


def test_the_same_cookie_twice_on_one_response_counts_twice() -> None:
    log, sink, _ = make_log()
    log.record(exchange_of(sets=[GA, GA, GA]), 200)
    log.flush()
    assert told(sink.rest()) == [("_ga", 1), ("_ga", 2)]


def test_repeat_zero_logs_every_verdict() -> None:
    log, sink, _ = make_log(repeat=0)
    again = same_again()
    for _ in range(5):
        log.record(again(sets=[GA, GA]), 200)
    log.flush()
    assert told(sink.rest()) == [("_ga", 1)] * 10


def test_a_new_time_for_repeats_takes_effect_at_once() -> None:
    log, sink, _ = make_log(repeat=60.0)
    again = same_again()
    for repeat in (60.0, 60.0, 0, 0):
        log.repeat = repeat
        log.record(again(sets=[GA]), 200)
    log.flush()
    assert sum(count for _, count in told(sink.rest())) == 4


def test_a_clock_that_is_set_back_silences_nothing_for_good() -> None:
    log, sink, clock = make_log(repeat=60.0)
    again = same_again()
    log.record(again(sets=[GA]), 200)
    clock.now -= 7200
    log.record(again(sets=[GA]), 200)
    log.record(again(sets=[OTHER]), 200)
    log.flush()
    assert sum(count for name, count in told(sink.rest()) if name == "_ga") == 2


def test_totals_count_every_verdict() -> None:
    log, _, _ = make_log(repeat=60.0)
    again = same_again()
    for _ in range(7):
        log.record(again(asks=[b"Cookie: _fbp=1"], sets=[GA, GA + b"; Max-Age=0"]), 200)
    log.flush()
    assert log.totals == {"cookie.stripped": 7, "cookie.blocked": 7, "cookie.rewritten": 7}


def test_names_without_end_do_not_fill_the_memory_and_none_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_KINDS", 100)
    log, sink, _ = make_log()
    again = same_again()
    for number in range(1000):
        log.record(again(asks=[b"Cookie: n%d=1; n%d=2" % (number, number)]), 200)
    assert len(log._kinds) <= 100
    log.flush()
    counts: dict[object, int] = {}
    for name, count in told(sink.rest()):
        counts[name] = counts.get(name, 0) + count
    assert counts == {f"n{number}": 2 for number in range(1000)}


def test_names_whose_rule_depends_on_the_path_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_VERDICTS", 50)
    log, sink, _ = make_log()
    again = same_again(rule("_fbp", "necessary", paths='["/ads"]'))
    for _ in range(500):
        log.record(again(sets=[b"Set-Cookie: _fbp=1"]), 200)
    gc.collect()
    kept = [one for one in gc.get_objects() if type(one) is Verdict and one.cookie == b"_fbp"]
    assert len(kept) < 200
    log.flush()
    assert told(sink.rest()) == [("_fbp", 1), ("_fbp", 499)]


# --- passes ----------------------------------------------------------------------------------------------------------


def test_passes_are_counted_like_all_else_where_they_are_logged() -> None:
    log, sink, _ = make_log(passes=True)
    again = same_again()
    for _ in range(3):
        log.record(again(sets=[b"Set-Cookie: sessionid=1"]), 200)
    log.flush()
    assert told(sink.rest()) == [("sessionid", 1), ("sessionid", 2)]


def test_passes_cost_no_line_where_they_are_not_logged() -> None:
    log, sink, _ = make_log()
    log.record(exchange_of(sets=[b"Set-Cookie: sessionid=1"]), 200)
    log.flush()
    assert sink.rest() == []
    assert log.totals == {}


# --- a queue or a disk that is full ----------------------------------------------------------------------------------


def test_what_a_full_queue_loses_is_counted_and_nobody_waits() -> None:
    log, sink, _ = make_log(repeat=0, most_waiting=3)
    again = same_again()
    sink.gate.clear()
    log.record(again(sets=[GA]), 200)
    assert sink.entered.acquire(timeout=PATIENCE)  # the writer holds one, and the queue is empty
    for _ in range(9):
        log.record(again(sets=[GA]), 200)
    assert log.lost == 6
    sink.gate.set()
    log.flush()
    events = sink.rest()
    assert told([event for event in events if event["event"] == "cookie.blocked"]) == [("_ga", 1)] * 4
    assert sum(event["count"] for event in events if event["event"] == "log.lost") == 6
    assert log.totals["log.lost"] == 6
    assert log.lost == 0


def test_the_count_of_what_was_lost_is_not_lost_in_a_full_queue_itself() -> None:
    log, sink, _ = make_log(repeat=0, most_waiting=1)
    again = same_again()
    sink.gate.clear()
    log.record(again(sets=[GA]), 200)
    assert sink.entered.acquire(timeout=PATIENCE)
    for _ in range(5):
        log.record(again(sets=[GA]), 200)
    for _ in range(3):
        log._write_due(everything=False)
    sink.gate.set()
    log.flush()
    log.flush()
    assert sum(event["count"] for event in sink.rest() if event["event"] == "log.lost") == 4
    assert log.totals["log.lost"] == 4


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), BrokenPipeError(32, "Broken pipe")])
def test_a_sink_that_fails_loses_lines_counts_them_and_recovers(fault: OSError) -> None:
    log, sink, _ = make_log(repeat=0)
    again = same_again()
    sink.fault = fault
    for _ in range(3):
        log.record(again(sets=[GA]), 200)
    for _ in range(3):
        assert sink.entered.acquire(timeout=PATIENCE)
    log.flush()  # its own line about the loss is lost too
    sink.fault = None
    log.record(again(sets=[OTHER]), 200)
    log.flush()
    events = sink.rest()
    assert [event["cookie"] for event in events if event["event"] == "cookie.blocked"] == ["other"]
    assert sum(event["count"] for event in events if event["event"] == "log.lost") == 3
    assert log.totals["log.lost"] == 3


@pytest.mark.parametrize("fault", [ValueError("closed"), UnicodeEncodeError("ascii", "é", 0, 1, "no"), RuntimeError()])
def test_a_sink_with_a_bug_does_not_silence_the_log_for_good(fault: Exception) -> None:
    log, sink, _ = make_log(repeat=0)
    sink.fault = fault
    log.record(exchange_of(sets=[GA]), 200)
    assert sink.entered.acquire(timeout=PATIENCE)
    sink.fault = None
    log.record(exchange_of(sets=[OTHER]), 200)
    assert sink.next()["cookie"] == "other"


def test_a_thread_that_cannot_be_started_breaks_no_exchange_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    log, sink, _ = make_log(repeat=0)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        log.record(exchange_of(sets=[GA]), 200)
    log.record(exchange_of(sets=[OTHER]), 200)
    assert told([sink.next(), sink.next()]) == [("_ga", 1), ("other", 1)]


def test_an_exchange_without_verdicts_starts_no_thread() -> None:
    log, _, _ = make_log()
    before = threading.active_count()
    log.record(exchange_of(sets=[b"X-A: 1"]), 200)
    assert threading.active_count() == before


def test_flush_returns_though_the_sink_hangs() -> None:
    log, sink, _ = make_log(repeat=0)
    sink.gate.clear()
    log.record(exchange_of(sets=[GA]), 200)
    log.flush(timeout=0.01)
    sink.gate.set()
    log.flush()
    assert told(sink.rest()) == [("_ga", 1)]


# --- threads ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hurried_threads")
@pytest.mark.parametrize("repeat", [60.0, 0.05, 0.0])
def test_threads_that_hammer_the_log_lose_no_count(repeat: float) -> None:
    workers, rounds = 8, 300
    ticking = Ticking()
    sink = Lines()
    log = VerdictLog(sink, repeat=repeat, clock=ticking, most_waiting=10**6)
    # Two gates, so that equal verdicts are sometimes one object and sometimes two.
    gates = [Gate(Case("").load()), Gate(Case("").load())]
    exchanges = [exchange_of(gate=gate, asks=[b"Cookie: _fbp=1"], sets=[GA, GA]) for gate in gates]
    begin = threading.Barrier(workers)

    def hammer() -> None:
        begin.wait(PATIENCE)
        for number in range(rounds):
            log.record(exchanges[number % 2], 200)

    threads = [threading.Thread(target=hammer) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    log.flush(PATIENCE)
    counts = {"cookie.blocked": 0, "cookie.stripped": 0}
    for event in sink.rest():
        counts[event["event"]] += event.get("count", 1)
    assert counts == {"cookie.blocked": 2 * workers * rounds, "cookie.stripped": workers * rounds}
    assert log.totals == counts
    assert log.lost == 0


class Ticking(Clock):
    """A clock on which each look takes a millisecond, so that repeats come due in the middle of it all."""

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.mark.usefixtures("hurried_threads")
def test_threads_that_begin_at_once_start_one_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = threading.Thread

    class Counted(real):
        def __init__(self, *args: object, **keys: object) -> None:
            made.append(self)
            super().__init__(*args, **keys)

    log, _, _ = make_log()
    exchange = exchange_of(sets=[GA])
    begin = threading.Barrier(16)

    def one() -> None:
        begin.wait(PATIENCE)
        log.record(exchange, 200)

    threads = [real(target=one) for _ in range(16)]
    monkeypatch.setattr(log_module.threading, "Thread", Counted)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    log.flush()
    assert len(made) == 1


# --- faults of the gate ----------------------------------------------------------------------------------------------


def test_a_fault_of_the_gate_is_told_by_its_kind_and_place_and_never_by_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def judge(*args: object) -> None:
        raise LookupError("sessionid=s3cret; the text of an error may quote a cookie")

    gate = Gate(Case("").load())
    monkeypatch.setattr(core, "judge", judge)
    exchange = exchange_of(gate=gate, sets=[b"Set-Cookie: sessionid=s3cret"])
    log, sink, _ = make_log()
    log.record(exchange, 200)
    log.flush()
    (line,) = sink.raw()
    assert b"s3cret" not in line
    assert b"quote" not in line
    log.record(exchange, 200)
    event = sink.next()
    assert {key: event[key] for key in ("time", "event", "site", "fault")} == {
        "time": "2025-11-23T12:13:20.000Z",
        "event": "gate.fault",
        "site": "default",
        "fault": "LookupError",
    }
    assert set(event) == {"time", "event", "site", "fault", "where"}
    assert [place.rpartition(" ")[2].removesuffix("_pure") for place in event["where"]] == [
        "judge_all",
        "_ask",
        "judge",
    ]
    assert log.totals["gate.fault"] == 2


def test_a_fault_is_told_though_the_exchange_has_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(Case("").load())

    def boom(*args: object, **keys: object) -> None:
        raise KeyError

    monkeypatch.setattr(core, "sift", boom)
    log, sink, _ = make_log()
    log.record(exchange_of(gate=gate, asks=[b"Cookie: sessionid=1"]), 200)
    assert sink.next()["fault"] == "KeyError"


# --- through logging -------------------------------------------------------------------------------------------------


def test_events_go_through_the_programs_own_logging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="gatekeeper.audit")
    log = VerdictLog(LoggerSink(), repeat=0, clock=Clock())
    log.record(exchange_of(asks=[b"Cookie: 100%s%d\xe2\x80\xa8=1"]), 200)
    log.flush()
    (record,) = [record for record in caplog.records if record.name == "gatekeeper.audit"]
    assert record.levelno == logging.INFO
    assert len(record.getMessage().splitlines()) == 1
    assert '"cookie": "100%s%d\\\\u2028"' in record.getMessage()


def test_a_handler_that_fails_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bad(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(28, "No space left on device")

    logger = logging.getLogger("gatekeeper.audit")
    handler = Bad()
    logger.addHandler(handler)
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()
    try:
        log = VerdictLog(LoggerSink(), repeat=0, clock=Clock())
        log.record(exchange_of(sets=[GA]), 200)
        log.flush()
        assert log.totals["log.lost"] == 1
    finally:
        logger.removeHandler(handler)
        logger.manager._clear_cache()


# --- cookies that do not go ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "cookie", "category", "rule", "hint"),
    [
        ("", "nobodys", None, None, "its domain and path are not known: write a rule for it with domain and path"),
        ("", "_ga", "statistics", "_ga", "its domain and path are not known: say domain and path in its rule"),
        (
            '[[cookie]]\nname = "x"\ncategory = "marketing"\npath = "/shop"\n',
            "x",
            "marketing",
            "x",
            "it is not where the rule's domain and path say, or a script writes it back",
        ),
    ],
)
def test_a_cookie_that_does_not_go_is_told_once_with_what_to_do(
    policy: str, cookie: str, category: str | None, rule: str | None, hint: str
) -> None:
    log, sink, _ = make_log()
    gate = Gate(Case("", policy=policy).load())
    for number in range(20):
        asked: Asked = {}
        for _ in range(2):
            exchange = Exchange(gate, "GET", b"shop.example.org:8080", "/", NOW)
            fields = ((b"accept", b"text/html"), (b"cookie", b"%b=secret%d" % (cookie.encode(), number)))
            exchange.request(fields, [], asked)
            exchange.response(200, ())
            log.record(exchange, 200, site="shop")
    log.flush()
    lines = sink.raw()
    assert not any(b"secret" in line for line in lines)
    (event,) = [one for one in map(json.loads, lines) if one["event"] == "cookie.stubborn"]
    assert event.pop("time").endswith("Z")
    assert event == {
        "event": "cookie.stubborn",
        "cookie": cookie,
        "category": category,
        "rule": rule,
        "site": "shop",
        "host": "shop.example.org",
        "hint": hint,
    }
    assert log.totals["cookie.stubborn"] == 1


# --- consent platforms -----------------------------------------------------------------------------------------------


def test_a_platform_is_told_once_for_each_site_without_a_value() -> None:
    log, sink, _ = make_log()
    for site in ("default", "shop", "default"):
        for _ in range(3):
            log.recognised(site, "klaro", b"kl\x1baro")
    log.recognised("default", "onetrust", b"OptanonConsent")
    log.flush()
    events = sink.rest()
    assert [(event["site"], event["format"]) for event in events] == [
        ("default", "klaro"),
        ("shop", "klaro"),
        ("default", "onetrust"),
    ]
    assert all(list(event) == ["time", "event", "site", "format", "cookie"] for event in events)
    assert events[0]["event"] == "consent.recognised"
    assert events[0]["cookie"] == "kl\\x1baro"


def test_a_gate_and_a_log_tell_of_a_platform_together() -> None:
    log, sink, _ = make_log()
    house = Gatehouse(load_policy_tables({}, {}), log)
    for value in (b"klaro={}", b"klaro=%7B%22secret%22%3Atrue%7D", b"klaro=%7B%22other%22%3Atrue%7D"):
        exchange = house.begin(method="GET", host=b"shop.test", path="/")
        exchange.request(((b"cookie", value),))
        house.end(exchange, 200)
        house.policy = load_policy_tables({}, {})
    log.flush()
    told_of = [event for event in sink.rest() if event["event"] == "consent.recognised"]
    assert [(event["format"], event["cookie"]) for event in told_of] == [("klaro", "klaro")]
    assert "secret" not in str(told_of)
