"""Who leaves in the middle: the other side is told, and nobody else notices."""

import threading
import time

import pytest

from tests.plane.stage import OK, Heard, Play
from tests.plane.visits import Wire, get, request

GONE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BLOCK = b"10000\r\n" + b"x" * 65536 + b"\r\n"


def until_gone(*, before: bytes = b"", whole: bool = True) -> Play:
    """Reads a request (its head only, if not ``whole``), sends ``before``, and stays until the gate ends it."""

    def script(line: Heard) -> None:
        line.request() if whole else line.read_head()
        line.send(before)
        line.to_end()
        line.stage.go_on.set()

    return script


HOW = pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])


def test_a_visitor_who_resets_before_the_answer_ends_the_upstreams_exchange(wire: Wire) -> None:
    wire.play(until_gone(), OK)
    visitor = wire.visit()
    visitor.send(get())
    wire.stage.wait_requests()
    visitor.leave(reset=True)
    assert wire.stage.go_on.wait(5)
    wire.still_serves()


def test_a_visitor_who_closes_before_the_answer_harms_nobody(wire: Wire) -> None:
    """To the gate it looks like half-closing, until the answer is sent and refused (RFC 9112 section 9.6)."""

    def script(line: Heard) -> None:
        line.request()
        assert line.stage.go_on.wait(5)
        line.send(GONE)
        line.send_until_refused(BLOCK)

    wire.play(script, OK)
    visitor = wire.visit()
    visitor.send(get())
    wire.stage.wait_requests()
    visitor.leave()
    wire.stage.go_on.set()
    wire.stage.wait_ended()
    wire.still_serves()


@HOW
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"], ids=["sized", "chunked"]
)
def test_a_visitor_who_leaves_in_the_middle_of_an_upload_ends_it(wire: Wire, framing: bytes, reset: bool) -> None:
    wire.play(until_gone(whole=False), OK)
    visitor = wire.visit()
    visitor.send(request(b"/", framing, method=b"POST", body=b"5\r\nfirst\r\n"))
    wire.stage.wait_heads()
    visitor.leave(reset=reset)
    assert wire.stage.go_on.wait(5)
    assert wire.stage.requests == []  # to the upstream it is no whole request
    wire.still_serves()


@HOW
def test_a_visitor_who_leaves_in_the_middle_of_a_download_ends_it(wire: Wire, reset: bool) -> None:
    def pouring(line: Heard) -> None:
        line.request()
        line.send(GONE)
        line.send_until_refused(BLOCK)
        line.stage.go_on.set()

    wire.play(pouring, OK)
    visitor = wire.visit()
    visitor.send(get())
    visitor.until(b"\r\n\r\n")
    visitor.exactly(100_000)
    visitor.leave(reset=reset)
    assert wire.stage.go_on.wait(5)
    wire.still_serves()


def test_a_visitor_who_resets_a_quiet_stream_ends_it(wire: Wire) -> None:
    """No octet moves, so that only the end of the connection itself tells."""
    wire.play(until_gone(before=GONE + b"5\r\nhello\r\n"), OK)
    visitor = wire.visit()
    visitor.send(get())
    visitor.until(b"hello\r\n")
    visitor.leave(reset=True)
    assert wire.stage.go_on.wait(5)
    wire.still_serves()


def test_a_visitor_who_closes_a_quiet_stream_ends_it_with_the_next_events(wire: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(GONE + b"5\r\nhello\r\n")
        assert line.stage.go_on.wait(5)
        for _ in range(100):
            line.send(b"5\r\nevent\r\n")
            time.sleep(0.02)
        raise AssertionError("nobody has ended it")

    wire.play(script, OK)
    visitor = wire.visit()
    visitor.send(get())
    visitor.until(b"hello\r\n")
    visitor.leave()
    wire.stage.go_on.set()
    wire.stage.wait_ended()
    wire.still_serves()


def test_a_visitor_who_leaves_with_pipelined_requests_leaves_none_behind(wire: Wire) -> None:
    wire.play(until_gone(), OK)
    visitor = wire.visit()
    visitor.send(get(b"/1") + get(b"/2") + get(b"/3"))
    wire.stage.wait_requests()
    visitor.leave(reset=True)
    assert wire.stage.go_on.wait(5)
    wire.still_serves()
    assert [target for target in wire.stage.targets if target in (b"/2", b"/3")] == []


def test_two_hundred_departures_leave_the_gate_as_it_was(wire: Wire) -> None:
    """Opened and left at every stage, more often than there are connections to the upstream."""
    for number in range(200):
        visitor = wire.visit()
        octets = request(b"/%d" % number, b"Content-Length: 5", method=b"POST", body=b"hello")
        visitor.send(octets[: number % len(octets)])
        visitor.leave(reset=bool(number % 2))
    for _ in range(10):
        wire.still_serves()


def test_others_are_served_while_one_leaves(wire: Wire) -> None:
    served: list[int] = []

    def visits() -> None:
        visitor = wire.visit()
        served.extend(visitor.ask(get(b"/steady")).status for _ in range(100))

    thread = threading.Thread(target=visits)
    thread.start()
    for _ in range(50):
        visitor = wire.visit()
        visitor.send(get(b"/left"))
        visitor.leave(reset=True)
    thread.join(20)
    assert served == [200] * 100
    wire.stage.wait_quiet()  # what was asked for those who left may still be on its way
