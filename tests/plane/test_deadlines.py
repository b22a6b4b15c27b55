"""Every wait has an end. All are waited for at the same time: each of the gate's deadlines is one second here."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.plane.conftest import Begin
from tests.plane.proxies import Limits
from tests.plane.stage import OK_CLOSE, Heard, Play
from tests.plane.strict import request_head
from tests.plane.visits import Broken, Client, Wire, get, request

ALL_ONE_SECOND = Limits(head=1, idle=1, body=1, tunnel=1, connect=1, answer=1, queue=1, upstream_idle=1)
STEP = 0.4  # seconds between what moves; less than a deadline, and several of them are more
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
HANDSHAKE_LINES = (b"Connection: Upgrade", b"Upgrade: websocket")
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Hasty:
    """A gate whose every deadline is one second, and an origin whose script depends on the target."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.scripts: dict[bytes, Play] = {}
        self.ended: dict[bytes, threading.Event] = {}
        wire.play(self._serve)

    def _serve(self, line: Heard) -> None:
        head = request_head(line.read_head())
        target = head.start.split(b" ")[1]
        try:
            line.sock.settimeout(8)
            self.scripts[target](line)
        finally:
            self.ended[target].set()

    def on(self, target: bytes, script: Play) -> None:
        """What the origin does once it has the head of a request for this target."""
        self.scripts[target] = script
        self.ended[target] = threading.Event()

    def is_over(self, target: bytes) -> bool:
        """Whether that script comes to its end, because the gate ends the connection."""
        return self.ended[target].wait(8)

    def visit(self) -> Client:
        visitor = self._wire.visit()
        visitor.sock.settimeout(8)
        return visitor


Scenario = Callable[[Hasty], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    """All of these run at the same time."""
    SCENARIOS[function.__name__] = function
    return function


# --- the upstream ----------------------------------------------------------------------------------------------------


@scenario
def an_upstream_that_says_nothing_is_504(gate: Hasty) -> None:
    gate.on(b"/silent", Heard.to_end)
    assert gate.visit().ask(get(b"/silent")).status == 504
    assert gate.is_over(b"/silent")


@scenario
def an_upstream_that_drips_its_head_is_504(gate: Hasty) -> None:
    def drip(line: Heard) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(80):
            line.send(b"y")
            time.sleep(0.05)
        raise AssertionError("was heard for four seconds")

    gate.on(b"/drips", drip)
    assert gate.visit().ask(get(b"/drips")).status == 504
    assert gate.is_over(b"/drips")


@scenario
def interim_responses_without_end_are_504(gate: Hasty) -> None:
    def endless(line: Heard) -> None:
        for _ in range(80):
            line.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            time.sleep(0.05)
        raise AssertionError("was heard for four seconds")

    gate.on(b"/interim", endless)
    assert gate.visit().ask(get(b"/interim")).status == 504
    assert gate.is_over(b"/interim")


def stalls(gate: Hasty, target: bytes, octets: bytes) -> None:
    def stall(line: Heard) -> None:
        line.send(octets)
        line.to_end()

    gate.on(target, stall)
    visitor = gate.visit()
    visitor.send(get(target))
    with pytest.raises(Broken):
        visitor.reply()
    assert gate.is_over(target)


@scenario
def a_sized_body_that_stalls_is_broken_off(gate: Hasty) -> None:
    stalls(gate, b"/sized", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")


@scenario
def a_chunked_body_that_stalls_is_broken_off(gate: Hasty) -> None:
    stalls(gate, b"/chunked", EVENTS + b"5\r\nhello\r\n")


@scenario
def a_chunked_body_that_stalls_before_its_last_octets_is_broken_off(gate: Hasty) -> None:
    stalls(gate, b"/last", EVENTS + b"5\r\nhello\r\n0\r\n")


@scenario
def a_body_up_to_the_end_that_stalls_is_broken_off(gate: Hasty) -> None:
    stalls(gate, b"/until-close", b"HTTP/1.1 200 OK\r\n\r\nhello")


@scenario
def a_body_that_moves_slowly_arrives_whole(gate: Hasty) -> None:
    def slow(line: Heard) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n")
        for octet in b"slowly":
            time.sleep(STEP)
            line.send(bytes([octet]))

    gate.on(b"/slowly", slow)
    assert gate.visit().ask(get(b"/slowly")).body == b"slowly"


@scenario
def events_with_pauses_arrive_each(gate: Hasty) -> None:
    def events(line: Heard) -> None:
        line.send(EVENTS)
        for number in range(6):
            time.sleep(STEP)
            line.send(b"9\r\ndata: %d\n\n\r\n" % number)
        line.send(b"0\r\n\r\n")

    gate.on(b"/events", events)
    reply = gate.visit().ask(get(b"/events"))
    assert reply.body == b"".join(b"data: %d\n\n" % number for number in range(6))


# --- the visitor -----------------------------------------------------------------------------------------------------


def is_cut(visitor: Client) -> None:
    """Whether the gate says 408, or nothing, and ends the connection."""
    rest = visitor.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 408 "), rest


@scenario
def a_visitor_who_says_nothing_is_cut(gate: Hasty) -> None:
    is_cut(gate.visit())


@scenario
def half_a_head_is_cut(gate: Hasty) -> None:
    visitor = gate.visit()
    visitor.send(get()[:-2])
    is_cut(visitor)


@scenario
def one_octet_of_a_head_is_cut(gate: Hasty) -> None:
    visitor = gate.visit()
    visitor.send(b"G")
    is_cut(visitor)


@scenario
def a_head_that_drips_is_cut(gate: Hasty) -> None:
    visitor = gate.visit()
    visitor.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\nX: ")
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.05):
            visitor.send(b"y")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        is_cut(visitor)
    finally:
        over.set()
        thread.join()


@scenario
def a_head_that_drips_on_a_used_connection_is_cut(gate: Hasty) -> None:
    gate.on(b"/used", lambda line: line.send(OK_CLOSE))
    visitor = gate.visit()
    assert visitor.ask(get(b"/used")).body == b"ok"
    visitor.send(b"GET /never HTTP/1.1\r\n")
    is_cut(visitor)


@scenario
def empty_lines_that_drip_are_cut(gate: Hasty) -> None:
    visitor = gate.visit()
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.05):
            visitor.send(b"\r\n")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        is_cut(visitor)
    finally:
        over.set()
        thread.join()


@scenario
def a_head_that_is_slow_and_in_time_is_served(gate: Hasty) -> None:
    gate.on(b"/slow-head", lambda line: line.send(OK_CLOSE))
    visitor = gate.visit()
    octets = get(b"/slow-head")
    visitor.send(octets[:20])
    time.sleep(STEP)
    assert visitor.ask(octets[20:], to=b"GET").body == b"ok"


@scenario
def an_idle_connection_is_closed_without_a_word(gate: Hasty) -> None:
    gate.on(b"/idle", lambda line: line.send(OK_CLOSE))
    visitor = gate.visit()
    assert visitor.ask(get(b"/idle")).body == b"ok"
    assert visitor.read_to_end() == b""


def upload_stalls(gate: Hasty, target: bytes, lines: tuple[bytes, ...], body: bytes, *, first: bytes = b"") -> None:
    heard: list[bytes] = []

    def listen(line: Heard) -> None:
        if first:
            line.send(first)
        heard.append(line.to_end())

    gate.on(target, listen)
    visitor = gate.visit()
    visitor.send(request(target, *lines, method=b"POST", body=body))
    rest = visitor.read_to_end()
    assert rest.removeprefix(first)[:12] in (b"", b"HTTP/1.1 408", b"HTTP/1.1 504"), rest
    assert gate.is_over(target)
    assert b"hello" not in heard[0]
    assert not heard[0].endswith(b"0\r\n\r\n")


@scenario
def a_sized_upload_that_stalls_is_cut(gate: Hasty) -> None:
    upload_stalls(gate, b"/up-sized", (b"Content-Length: 5",), b"he")


@scenario
def an_upload_that_never_begins_is_cut(gate: Hasty) -> None:
    upload_stalls(gate, b"/up-none", (b"Content-Length: 5",), b"")


@scenario
def a_chunked_upload_that_stalls_is_cut(gate: Hasty) -> None:
    upload_stalls(gate, b"/up-chunked", (b"Transfer-Encoding: chunked",), b"5\r\nhe")


@scenario
def an_upload_that_was_asked_for_and_never_comes_is_cut(gate: Hasty) -> None:
    lines = (b"Content-Length: 5", b"Expect: 100-continue")
    upload_stalls(gate, b"/up-expect", lines, b"", first=b"HTTP/1.1 100 Continue\r\n\r\n")


@scenario
def an_upload_that_moves_slowly_arrives_whole_and_its_answer_has_all_its_time(gate: Hasty) -> None:
    def listen(line: Heard) -> None:
        assert line.exactly(6) == b"slowly"
        time.sleep(STEP)
        line.send(OK_CLOSE)

    gate.on(b"/up-slowly", listen)
    visitor = gate.visit()
    visitor.send(request(b"/up-slowly", b"Content-Length: 6", method=b"POST"))
    for octet in b"slowly":
        time.sleep(STEP)
        visitor.send(bytes([octet]))
    assert visitor.reply().body == b"ok"


@scenario
def an_upstream_that_stops_reading_an_upload_is_504_or_the_end(gate: Hasty) -> None:
    over = threading.Event()
    gate.on(b"/up-unread", lambda line: over.wait(8))
    visitor = gate.visit()
    visitor.send(request(b"/up-unread", b"Content-Length: 1000000000", method=b"POST"))
    sender = threading.Thread(target=pour, args=(visitor, over), daemon=True)
    sender.start()
    try:
        assert visitor.read_to_end()[:12] in (b"", b"HTTP/1.1 504", b"HTTP/1.1 502")
    finally:
        over.set()
        visitor.sock.shutdown(socket.SHUT_RDWR)
        sender.join(5)


def pour(visitor: Client, over: threading.Event) -> None:
    """Sends as much as is taken."""
    try:
        while not over.is_set():
            visitor.sock.sendall(b"x" * 65536)
    except OSError:
        pass


@scenario
def a_visitor_who_stops_reading_is_cut_and_the_upstream_let_go(gate: Hasty) -> None:
    def pouring(line: Heard) -> None:
        line.send(EVENTS)
        line.send_until_refused(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    gate.on(b"/unread", pouring)
    visitor = gate.visit()
    visitor.send(get(b"/unread"))
    assert gate.is_over(b"/unread")
    with pytest.raises(Broken):
        visitor.reply()


# --- tunnels ---------------------------------------------------------------------------------------------------------


@scenario
def a_tunnel_in_which_nothing_moves_is_ended_on_both_sides(gate: Hasty) -> None:
    def quiet(line: Heard) -> None:
        line.send(SWITCHING)
        line.to_end()

    gate.on(b"/quiet", quiet)
    visitor = gate.visit()
    assert visitor.ask(get(b"/quiet", *HANDSHAKE_LINES)).status == 101
    assert visitor.read_to_end() == b""
    assert gate.is_over(b"/quiet")


@scenario
def a_tunnel_in_which_one_side_talks_goes_on(gate: Hasty) -> None:
    def talk(line: Heard) -> None:
        line.send(SWITCHING)
        for octet in b"talking":
            time.sleep(STEP)
            line.send(bytes([octet]))
        line.to_end()

    gate.on(b"/talk", talk)
    visitor = gate.visit()
    assert visitor.ask(get(b"/talk", *HANDSHAKE_LINES)).status == 101
    assert visitor.exactly(7) == b"talking"


# --- and meanwhile ---------------------------------------------------------------------------------------------------


@scenario
def all_others_are_served_meanwhile(gate: Hasty) -> None:
    gate.on(b"/others", lambda line: line.send(OK_CLOSE))
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert gate.visit().ask(get(b"/others")).body == b"ok"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def outcomes(begin: Begin) -> Iterator[dict[str, Future[None]]]:
    """All scenarios, begun at once."""
    wire = begin(ALL_ONE_SECOND)
    gate = Hasty(wire)
    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        yield {name: pool.submit(function, gate) for name, function in SCENARIOS.items()}
    wire.end()


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_wait_has_an_end(outcomes: dict[str, Future[None]], name: str) -> None:
    outcomes[name].result(30)


def test_an_upstream_that_does_not_accept_is_504(begin: Begin) -> None:
    """Its queue of connections is full: the kernel answers no more of them."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        wire = begin(ALL_ONE_SECOND, upstream=url)
        visitor = wire.visit()
        visitor.sock.settimeout(8)
        assert visitor.ask(get()).status == 504
        wire.end()
        for filler in fillers:
            filler.close()
