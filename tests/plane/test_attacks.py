"""What somebody tries who knows how the gate works: between two states, past a limit, or behind a flag."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plane.conftest import Begin
from tests.plane.proxies import Limits
from tests.plane.stage import OK, Heard, serving
from tests.plane.strict import request_head
from tests.plane.visits import Wire, check, get, request

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
HANDSHAKE = get(b"/socket", b"Connection: Upgrade", b"Upgrade: websocket")


@pytest.fixture(scope="module")
def one_second(begin: Begin) -> Wire:
    return begin(Limits(head=1, idle=1, body=1, answer=4))


@pytest.fixture
def hasty(one_second: Wire) -> Iterator[Wire]:
    """Heads, idle connections and bodies have one second."""
    with check(one_second) as checked:
        yield checked


@pytest.fixture
def fresh(begin: Begin) -> Iterator[Wire]:
    """A gate of its own, of which nothing is open yet."""
    with check(begin(Limits())) as checked:
        yield checked


def told(wire: Wire) -> str:
    """All that the gate has told the operator."""
    return "\n".join(wire.proxy._gatekeeper.err)  # type: ignore[attr-defined]


# --- what is remembered of the last request --------------------------------------------------------------------------


def test_a_target_with_another_host_is_sent_to_that_host_also_behind_the_same_fields(wire: Wire) -> None:
    visitor = wire.visit()
    assert visitor.ask(get(b"/1")).status == 200
    assert visitor.ask(get(b"/2")).status == 200
    assert visitor.ask(get(b"http://other.example/3")).status == 200
    assert visitor.ask(get(b"/4")).status == 200
    hosts = [one.values(b"host") + one.values(b"x-forwarded-host") for one in wire.stage.requests]
    assert hosts == [[b"shop.example"] * 2, [b"shop.example"] * 2, [b"other.example"] * 2, [b"shop.example"] * 2]


def test_a_head_beyond_the_limit_is_refused_also_behind_the_same_fields(wire: Wire) -> None:
    visitor = wire.visit()
    assert visitor.ask(get(b"/1")).status == 200
    visitor.send(get(b"/" + b"p" * 100_000))
    assert visitor.reply().status in wire.proxy.too_large


# --- what the operator is told ---------------------------------------------------------------------------------------


def test_of_a_head_that_is_too_large_no_value_is_told(wire: Wire) -> None:
    visitor = wire.visit()
    visitor.send(b"GET /large HTTP/1.1\r\nHost: shop.example\r\nCookie: a=" + b"y" * 65_000)
    time.sleep(0.2)
    visitor.send(b"x" * 100 + b"; sid=hunter2; b=hunter2 " + b"y" * 1000)
    assert visitor.reply().status == 431
    assert "hunter2" not in told(wire)


def test_of_a_body_longer_than_its_length_nothing_is_told(wire: Wire) -> None:
    visitor = wire.visit()
    visitor.send(
        request(b"/", b"Content-Length: 2", method=b"POST", body=b"hi" + b"user alice-hunter3 password\r\n\r\n")
    )
    assert [visitor.reply().status for _ in range(2)] == [200, 400]
    assert "hunter3" not in told(wire)


# --- pipelining ------------------------------------------------------------------------------------------------------


def test_requests_that_are_answered_do_not_pile_up_behind_each_other(wire: Wire) -> None:
    """Sent as fast as the gate takes them, while each is answered after a moment."""

    def script(line: Heard) -> None:
        while True:
            line.request()
            time.sleep(0.02)
            line.send(OK)

    wire.play(script)
    visitor = wire.visit()
    over = threading.Event()

    def read() -> None:
        while not over.is_set() and visitor.sock.recv(65536):
            pass

    reader = threading.Thread(target=read)
    reader.start()
    before = resident(wire.proxy.pid)
    visitor.sock.settimeout(None)
    sender = threading.Thread(target=visitor.send, args=(get() * (200_000_000 // len(get())),), daemon=True)
    sender.start()
    time.sleep(4)
    grown = resident(wire.proxy.pid) - before
    over.set()
    visitor.sock.shutdown(socket.SHUT_RDWR)
    reader.join(5)
    sender.join(5)
    asked = -1
    while asked != len(wire.stage.heads):  # the gate notices at its next answer that nobody is there
        asked = len(wire.stage.heads)
        time.sleep(0.5)
    assert grown < 10 << 20


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_what_follows_the_last_request_does_not_cost_its_answer(wire: Wire) -> None:
    """RFC 9112 section 9.6: to close on unread octets resets the connection."""
    body = b"b" * 2_000_000
    wire.play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    for _ in range(5):
        visitor = wire.visit()
        sender = threading.Thread(
            target=visitor.send, args=(get(b"/", b"Connection: close") + get(b"/never") * 20_000,), daemon=True
        )
        sender.start()
        wire.stage.wait_heads()
        time.sleep(0.3)
        assert len(visitor.reply().body) == len(body)
        visitor.leave()
        sender.join(5)
    assert b"/never" not in wire.stage.targets


# --- an answer before the upload is over -----------------------------------------------------------------------------


def test_an_early_answer_arrives_whole_also_at_a_visitor_who_takes_his_time(wire: Wire) -> None:
    body = b"b" * 3_000_000

    def script(line: Heard) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        line.to_end()

    wire.play(script, OK)
    visitor = wire.visit()
    visitor.send(request(b"/", b"Content-Length: 4000000", method=b"POST", body=b"first"))
    visitor.until(b"\r\n\r\n")
    for taken in range(60):
        assert len(visitor.exactly(50_000)) == 50_000, taken
        time.sleep(0.12)  # 7 seconds altogether, and never 8 without a move


def test_an_upload_that_moves_behind_an_answers_head_is_not_idle(hasty: Wire) -> None:
    def script(line: Heard) -> None:
        request_head(line.read_head())
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        assert line.exactly(6) == b"slowly"
        line.send(b"k")

    hasty.play(script)
    visitor = hasty.visit()
    visitor.send(request(b"/", b"Content-Length: 6", method=b"POST"))
    for octet in b"slowly":
        time.sleep(0.4)
        visitor.send(bytes([octet]))
    assert visitor.reply().body == b"ok"


# --- tunnels ---------------------------------------------------------------------------------------------------------


def test_an_end_that_came_before_the_101_is_passed_on_behind_it(wire: Wire) -> None:
    heard: list[bytes] = []

    def script(line: Heard) -> None:
        line.request()
        assert line.stage.go_on.wait(5)
        line.send(SWITCHING)
        line.sock.settimeout(3)
        heard.append(line.to_end())

    wire.play(script)
    visitor = wire.visit()
    visitor.send(HANDSHAKE + b"all of it")
    visitor.half_close()
    wire.stage.wait_requests()
    time.sleep(0.1)
    wire.stage.go_on.set()
    assert visitor.reply().status == 101
    wire.stage.wait_ended()
    assert heard == [b"all of it"]


def test_a_tunnel_that_both_sides_have_ended_is_over_whichever_was_first(fresh: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.send(SWITCHING + b"bye")
        line.sock.shutdown(socket.SHUT_WR)
        line.to_end()

    fresh.play(script)
    before = descriptors(fresh.proxy.pid)
    for _ in range(10):
        visitor = fresh.visit()
        visitor.send(HANDSHAKE)
        assert visitor.reply().status == 101
        assert visitor.to_end() == b"bye"
        visitor.leave()
    until = time.monotonic() + 3
    while (left := descriptors(fresh.proxy.pid) - before) > 4 and time.monotonic() < until:
        time.sleep(0.05)
    assert left <= 4


def test_what_was_said_early_to_an_upstream_that_does_not_read_does_not_open_the_gate(wire: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        assert line.stage.go_on.wait(5)
        line.send(SWITCHING)
        time.sleep(4)

    wire.play(script)
    visitor = wire.visit()
    visitor.send(HANDSHAKE + b"x" * 200_000)
    wire.stage.wait_requests()
    time.sleep(0.2)
    wire.stage.go_on.set()
    visitor.until(b"\r\n\r\n")
    before = resident(wire.proxy.pid)
    visitor.sock.settimeout(1)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 200 << 20:
            sent += visitor.sock.send(b"x" * (1 << 20))
    assert resident(wire.proxy.pid) - before < 10 << 20


# --- deadlines -------------------------------------------------------------------------------------------------------


def test_empty_lines_that_drip_in_pieces_are_cut(hasty: Wire) -> None:
    visitor = hasty.visit()
    until = time.monotonic() + 6
    ended = False
    while not ended and time.monotonic() < until:
        for piece in (b"\r", b"\n", b"\r\n"):
            visitor.send(piece)
            ended = ended or not visitor.has_nothing_yet(0.1)
    assert ended


# --- the pool --------------------------------------------------------------------------------------------------------


def test_who_waits_behind_an_answer_to_head_does_not_wait_for_nothing(narrow: Wire) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    narrow.play(serving(answer))
    visitors = [narrow.visit() for _ in range(6)]
    for visitor in visitors:
        visitor.send(request(b"/", method=b"HEAD"))
    for visitor in visitors:
        assert visitor.reply(to=b"HEAD").status == 200
