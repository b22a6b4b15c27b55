"""Bodies stream: nothing is held back, nothing piles up, and whoever is slow makes the other side wait."""

import contextlib
import hashlib
import threading
from pathlib import Path

import pytest

from tests.plane.stage import OK, Heard, Play
from tests.plane.strict import chunk_of, request_head
from tests.plane.visits import Client, Wire, get, request

MEBIBYTE = 1 << 20
BLOCK = bytes(range(256)) * 4096
BLOCKS = 64
SIZE = BLOCKS * len(BLOCK)
# What the kernel holds on its own, in four socket buffers, and some more.
BUFFERED_AT_MOST = 48 * MEBIBYTE
GROWS_AT_MOST = 10 * MEBIBYTE  # resident octets of the gate's process
HELD_FOR = 0.4  # seconds in which whoever is not held back would have sent everything


def resident(pid: int) -> int:
    """Octets of memory that a process has."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def warm(wire: Wire) -> int:
    """Resident octets of the gate once it has its buffers."""
    body = BLOCK[: MEBIBYTE // 2]
    wire.play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    for _ in range(3):
        wire.passes(request(b"/", b"Content-Length: %d" % len(body), method=b"POST", body=body))
    return resident(wire.proxy.pid)


def pouring(sent: list[int], *, chunked: bool) -> Play:
    """Sends the large body as fast as it is taken; ``sent`` counts the blocks."""

    def script(line: Heard) -> None:
        line.request()
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
        line.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        for number in range(BLOCKS):
            line.send(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK)
            sent[0] = number + 1
        if chunked:
            line.send(b"0\r\n\r\n")

    return script


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
def test_a_slow_reader_makes_the_upstream_wait_and_gets_everything(wire: Wire, chunked: bool) -> None:
    before = warm(wire)
    sent = [0]
    wire.play(pouring(sent, chunked=chunked))
    visitor = wire.visit()
    visitor.send(get())
    visitor.until(b"\r\n\r\n")
    wire.stage.go_on.wait(HELD_FOR)
    assert sent[0] * len(BLOCK) < BUFFERED_AT_MOST
    assert resident(wire.proxy.pid) - before < GROWS_AT_MOST
    assert digest(visitor, chunked=chunked) == hashlib.sha256(BLOCK * BLOCKS).digest()
    assert resident(wire.proxy.pid) - before < GROWS_AT_MOST
    wire.stage.wait_ended()


def digest(visitor: Client, *, chunked: bool) -> bytes:
    """SHA-256 of the large body."""
    summed = hashlib.sha256()
    if chunked:
        while chunk := chunk_of(visitor):
            summed.update(chunk)
        return summed.digest()
    for _ in range(BLOCKS):
        summed.update(visitor.exactly(len(BLOCK)))
    return summed.digest()


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
def test_an_upstream_that_does_not_read_makes_the_visitor_wait(wire: Wire, chunked: bool) -> None:
    before = warm(wire)
    summed = hashlib.sha256()

    def script(line: Heard) -> None:
        request_head(line.read_head())
        assert line.stage.go_on.wait(10)
        if chunked:
            while chunk := chunk_of(line):
                summed.update(chunk)
            assert line.exactly(2) == b"\r\n"
        else:
            for _ in range(BLOCKS):
                summed.update(line.exactly(len(BLOCK)))
        line.send(OK)

    wire.play(script)
    visitor = wire.visit()
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
    visitor.send(request(b"/", framing, method=b"PUT"))
    octets = (b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)) * BLOCKS + b"0\r\n\r\n" if chunked else BLOCK * BLOCKS
    sent = send_until_held(visitor, octets)
    assert sent < BUFFERED_AT_MOST
    assert resident(wire.proxy.pid) - before < GROWS_AT_MOST
    wire.stage.go_on.set()
    visitor.sock.sendall(memoryview(octets)[sent:])
    assert visitor.reply().body == b"ok"
    assert summed.digest() == hashlib.sha256(BLOCK * BLOCKS).digest()
    assert resident(wire.proxy.pid) - before < GROWS_AT_MOST


def send_until_held(visitor: Client, octets: bytes) -> int:
    """How much is taken before nothing more is for a while."""
    sent = 0
    view = memoryview(octets)
    visitor.sock.settimeout(HELD_FOR)
    with contextlib.suppress(TimeoutError):
        while sent < len(octets):
            sent += visitor.sock.send(view[sent : sent + MEBIBYTE])
    visitor.sock.settimeout(10)
    return sent


def test_a_tunnels_slow_reader_makes_the_other_side_wait(wire: Wire) -> None:
    before = warm(wire)
    sent = [0]

    def script(line: Heard) -> None:
        line.request()
        line.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        for number in range(BLOCKS):
            line.send(BLOCK)
            sent[0] = number + 1

    wire.play(script)
    visitor = wire.visit()
    visitor.send(get(b"/", b"Connection: Upgrade", b"Upgrade: websocket"))
    assert visitor.reply().status == 101
    wire.stage.go_on.wait(HELD_FOR)
    assert sent[0] * len(BLOCK) < BUFFERED_AT_MOST
    assert resident(wire.proxy.pid) - before < GROWS_AT_MOST
    assert digest(visitor, chunked=False) == hashlib.sha256(BLOCK * BLOCKS).digest()


def test_pipelined_requests_beyond_measure_make_the_visitor_wait(wire: Wire) -> None:
    """The first is not answered yet, and the gate must not hold what comes behind it."""
    before = warm(wire)

    go_on = threading.Event()

    def script(line: Heard) -> None:
        while True:
            line.request()
            assert go_on.wait(10)
            line.send(OK)  # the gate goes through those that it holds

    wire.play(script)
    visitor = wire.visit()
    sent = send_until_held(visitor, get() * (SIZE // len(get())))
    assert sent < BUFFERED_AT_MOST
    assert resident(wire.proxy.pid) - before < GROWS_AT_MOST
    go_on.set()


def test_an_upload_streams_part_by_part(wire: Wire) -> None:
    arrived = threading.Semaphore(0)

    def script(line: Heard) -> None:
        line.read_head()
        while chunk_of(line):
            arrived.release()
        line.send(OK)

    wire.play(script)
    visitor = wire.visit()
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", method=b"PUT"))
    for _ in range(5):
        visitor.send(b"4\r\npart\r\n")
        assert arrived.acquire(timeout=5)  # before the next is sent
    visitor.send(b"0\r\n\r\n")
    assert visitor.reply().body == b"ok"


@pytest.mark.parametrize("framing", ["chunked", "until_close", "sized"])
def test_an_event_arrives_when_it_is_sent(wire: Wire, framing: str) -> None:
    """The upstream sends the next event only when the visitor has the last."""
    has_it = threading.Semaphore(0)
    said = {"chunked": b"Transfer-Encoding: chunked\r\n", "until_close": b"", "sized": b"Content-Length: 45\r\n"}

    def script(line: Heard) -> None:
        line.request()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + said[framing] + b"\r\n")
        for number in range(5):
            assert has_it.acquire(timeout=5)
            event = b"data: %d\n\n" % number
            line.send(b"%x\r\n%s\r\n" % (len(event), event) if framing == "chunked" else event)
        if framing == "chunked":
            line.send(b"0\r\n\r\n")

    wire.play(script)
    visitor = wire.visit()
    visitor.send(get(b"/events", b"Accept: text/event-stream"))
    head = visitor.until(b"\r\n\r\n")
    for number in range(5):
        has_it.release()
        visitor.until(b"data: %d\n\n" % number)
    wire.stage.wait_ended()
    assert head.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_000_003])
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
def test_a_body_comes_back_as_it_went(wire: Wire, size: int, chunked: bool) -> None:
    body = (BLOCK * (size // len(BLOCK) + 1))[:size]
    frame = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if size else b"0\r\n\r\n"
    lines = [b"Transfer-Encoding: chunked"] if chunked else [b"Content-Length: %d" % size]
    wire.play(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", frame if chunked else body]))
    visitor = wire.visit()
    for _ in range(2):
        reply = visitor.ask(request(b"/", *lines, method=b"POST", body=frame if chunked else body))
        assert reply.body == body
    assert [one.body == body for one in wire.stage.requests] == [True, True]


def test_a_content_coding_passes_undecoded(wire: Wire) -> None:
    body = b"\x1f\x8b\x08 not even gzip"
    wire.play(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    reply = wire.ask(get(b"/", b"Accept-Encoding: gzip"))
    assert (reply.body, reply.values(b"content-encoding")) == (body, [b"gzip"])
    assert wire.stage.request.values(b"accept-encoding") == [b"gzip"]
