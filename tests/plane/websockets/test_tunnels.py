"""How long a tunnel lasts and how it ends, in raw octets: what they mean is nobody's business but that of its ends."""

import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.cli.running import PATIENCE, Gatekeeper
from tests.proxy.origin import Line, Origin

# Everything but the tunnel has little patience; tests of the tunnel's deadlines need no more than a few seconds.
SETTINGS = """
[server]
drain = "5s"
head_timeout = "1s"
idle_timeout = "1s"
body_timeout = "1s"
tunnel_timeout = "4s"
[upstream]
read_timeout = "1s"
idle_timeout = "1s"
"""
PAUSE = 1.5  # seconds: longer than any deadline but the tunnel's
ASK = b"GET /socket HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: any/1\r\n\r\n"
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: any/1\r\n\r\n"
HEAD_END = b"\r\n\r\n"
Open = Callable[[Callable[[Line], object]], tuple[Line, Origin]]


class Playing(Origin):
    """One upstream for all tests: every connection follows the script of the test that is under way."""

    def __init__(self) -> None:
        super().__init__(self._play)

    def play(self, script: Callable[[Line], object]) -> None:
        """A new script, and nothing in the books."""
        self._script = script
        self.heads.clear()
        self.faults.clear()
        self.ended = threading.Semaphore(0)

    def _play(self, line: Line) -> None:
        line.sock.settimeout(PATIENCE)
        self._script(line)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Playing, Gatekeeper]]:
    file = tmp_path_factory.mktemp("tunnels") / "gate.toml"
    file.write_text(SETTINGS)
    origin = Playing()
    gatekeeper = Gatekeeper("--config", str(file), upstream=origin.url)
    try:
        yield origin, gatekeeper.ready()
        # Every tunnel is over: nothing is left to be waited for.
        assert gatekeeper.end() == 0
        assert not [line for line in gatekeeper.err if "cut off" in line or "Traceback" in line], gatekeeper.err
    finally:
        gatekeeper.close()
        origin.close()


@pytest.fixture
def visit(gate: tuple[Playing, Gatekeeper]) -> Iterator[Open]:
    """Puts an upstream that follows a script behind the gate, and a visitor before it."""
    origin, gatekeeper = gate
    with ExitStack() as stack:

        def build(script: Callable[[Line], object]) -> tuple[Line, Origin]:
            origin.play(script)
            parts = urlsplit(gatekeeper.address)
            sock = stack.enter_context(socket.create_connection((parts.hostname, parts.port), PATIENCE))
            return Line(sock), origin

        yield build


def agree(line: Line, *, together_with: bytes = b"") -> None:
    """The upstream's side of the handshake."""
    line.read_head()
    line.send(AGREED + together_with)


def ask(line: Line) -> None:
    """The visitor's side."""
    line.send(ASK)
    assert line.read_head().startswith(b"HTTP/1.1 101 ")


def ends(line: Line) -> bool:
    """Whether the other side ends, in whatever manner, without another octet; waits for it."""
    return line.read_to_end() == b""


def test_a_tunnel_outlives_all_other_deadlines_while_octets_move_and_no_longer_than_its_own(visit: Open) -> None:
    def script(line: Line) -> None:
        agree(line)
        for _ in range(2):
            line.send(line.read_exactly(4)[::-1])
            time.sleep(PAUSE)
            line.send(b"tick")  # unasked
        assert ends(line)

    line, origin = visit(script)
    ask(line)
    for _ in range(2):
        time.sleep(PAUSE)
        line.send(b"ping")
        assert line.read_exactly(8) == b"gniptick"
    assert ends(line)
    origin.wait_ended()


def test_what_comes_with_the_101_arrives_and_what_comes_before_it_waits_for_it(visit: Open) -> None:
    def script(line: Line) -> None:
        line.read_head()
        line.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):  # nothing goes on before this end has agreed
            line.read_exactly(1)
        line.sock.settimeout(PATIENCE)
        line.send(AGREED + b"first words")
        assert line.read_exactly(5) == b"early"

    line, origin = visit(script)
    line.send(ASK + b"early")
    assert line.read_head().startswith(b"HTTP/1.1 101 ")
    assert line.read_exactly(11) == b"first words"
    origin.wait_ended()


def test_the_visitor_may_end_its_side_and_still_be_answered(visit: Open) -> None:
    def script(line: Line) -> None:
        agree(line)
        assert line.read_to_end() == b"that was all"
        line.send(b"and this is the answer")

    line, origin = visit(script)
    ask(line)
    line.send(b"that was all")
    line.sock.shutdown(socket.SHUT_WR)
    assert line.read_to_end() == b"and this is the answer"
    origin.wait_ended()


def test_the_upstream_may_end_its_side_and_still_be_told(visit: Open) -> None:
    def script(line: Line) -> None:
        agree(line)
        line.send(b"that was all")
        line.sock.shutdown(socket.SHUT_WR)
        assert line.read_to_end() == b"thank you"

    line, origin = visit(script)
    ask(line)
    assert line.read_to_end() == b"that was all"
    line.send(b"thank you")
    line.sock.shutdown(socket.SHUT_WR)
    origin.wait_ended()


def reset(sock: socket.socket) -> None:
    """End with RST in place of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_visitor_who_breaks_off_ends_the_upstream_s_side(visit: Open) -> None:
    def script(line: Line) -> None:
        agree(line)
        assert line.read_exactly(5) == b"hello"
        line.send(b"hello")
        assert ends(line)

    line, origin = visit(script)
    ask(line)
    line.send(b"hello")
    assert line.read_exactly(5) == b"hello"
    reset(line.sock)
    origin.wait_ended()


def test_an_upstream_that_breaks_off_ends_the_visitor_s_side(visit: Open) -> None:
    def script(line: Line) -> None:
        agree(line)
        assert line.read_exactly(5) == b"hello"
        line.reset()

    line, origin = visit(script)
    ask(line)
    line.send(b"hello")
    assert ends(line)
    origin.wait_ended()


MUCH = random.Random(2).randbytes(8_000_000)


def test_all_that_the_visitor_said_before_it_left_arrives(visit: Open) -> None:
    def script(line: Line) -> None:
        agree(line)
        time.sleep(0.3)  # what is sent has to wait in the gate
        assert line.read_to_end() == MUCH

    line, origin = visit(script)
    ask(line)
    line.send(MUCH)
    line.sock.close()
    origin.wait_ended()


def test_all_that_the_upstream_said_before_it_left_arrives(visit: Open) -> None:
    def script(line: Line) -> None:
        agree(line, together_with=MUCH[:100])
        line.send(MUCH[100:])

    line, origin = visit(script)
    ask(line)
    time.sleep(0.3)
    assert line.read_to_end() == MUCH
    origin.wait_ended()


def test_a_silent_upstream_is_not_waited_for_longer_than_for_any_head(visit: Open) -> None:
    def script(line: Line) -> None:
        line.read_head()
        assert ends(line)

    line, origin = visit(script)
    line.send(ASK)
    assert line.read_head().startswith(b"HTTP/1.1 504 ")
    origin.wait_ended()


def test_an_answer_in_place_of_the_101_is_an_answer_and_opens_no_tunnel(visit: Open) -> None:
    def script(line: Line) -> None:
        line.read_head()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
        assert ends(line)  # and not what the visitor sent ahead

    line, origin = visit(script)
    line.send(ASK + b"\x81\x85abcd secret")
    answer = line.read_to_end()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert b"\r\n\r\nnoHTTP/1.1 400 " in answer
    origin.wait_ended()
    assert len(origin.heads) == 1
