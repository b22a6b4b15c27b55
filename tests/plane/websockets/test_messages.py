"""Messages, fragments, pings and closes through the gate, with another maker's client and server at its ends."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from tests.cli.running import PATIENCE
from tests.plane.websockets.site import Place

SOCKETS = 50


@pytest.mark.parametrize(
    "message",
    ["", "text", "snowman \N{SNOWMAN} and \N{BICYCLE}", b"", b"\x00\xff\r\n\r\n", "x" * 125, "x" * 126, b"x" * 65536],
    ids=["empty", "text", "text-beyond-ascii", "empty-binary", "binary", "125", "126", "65536"],
)
def test_a_message_comes_back_as_it_was(gate: Place, message: str | bytes) -> None:
    with gate.connect() as line:
        for _ in range(3):
            line.send(message)
            assert line.recv(PATIENCE) == message


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_message_of_ten_megabytes_comes_back_as_it_was(gate: Place, compression: str | None) -> None:
    message = random.Random(1).randbytes(10_000_000)
    with gate.connect(compression=compression) as line:
        line.send(message)
        assert line.recv(PATIENCE) == message


def test_many_messages_keep_their_order(gate: Place) -> None:
    with gate.connect() as line:
        for number in range(500):
            line.send(str(number))
        assert [line.recv(PATIENCE) for _ in range(500)] == [str(number) for number in range(500)]


def test_each_fragment_of_the_visitor_goes_on_when_it_comes(gate: Place) -> None:
    with gate.connect("/tell-fragments", compression=None) as line:
        told = []

        def fragments() -> Iterator[bytes]:
            for length in (1, 1000, 70_000):
                yield b"x" * length
                told.append(line.recv(PATIENCE))  # the next fragment leaves when the server has told of this one

        line.send(fragments())
        assert told == ["1", "1000", "70000"]


def test_fragments_of_the_upstream_arrive_as_fragments(gate: Place) -> None:
    with gate.connect("/send-fragments", compression=None) as line:
        fragments = [fragment for fragment in line.recv_streaming(decode=False) if fragment]
        assert fragments == [b"%d" % number * 1000 for number in range(4)]


def test_a_ping_of_the_visitor_is_answered_by_the_upstream(gate: Place) -> None:
    with gate.connect() as line:
        assert line.ping(b"\x00payload\xff").wait(PATIENCE)


def test_a_ping_of_the_upstream_is_answered_by_the_visitor(gate: Place) -> None:
    with gate.connect("/ping") as line:
        assert line.recv(PATIENCE) == "ponged"


@pytest.mark.parametrize(
    "code", [CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.MESSAGE_TOO_BIG, 3000, 4999]
)
def test_the_upstream_learns_with_which_code_the_visitor_closed(gate: Place, code: int) -> None:
    with gate.connect() as line:
        line.close(code, "so long")
    assert gate.site.closed(1) == (code, "so long")


def test_the_visitor_learns_with_which_code_the_upstream_closed(gate: Place) -> None:
    with gate.connect("/close-4001") as line, pytest.raises(ConnectionClosed) as closed:
        line.recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "enough for today")


def test_a_visitor_who_breaks_the_protocol_is_closed_by_the_upstream(gate: Place) -> None:
    with gate.connect() as line:
        line.socket.sendall(b"\xf1\x80\x00\x00\x00\x00")  # reserved bits
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.PROTOCOL_ERROR


def test_compression_is_agreed_on_by_the_ends(gate: Place) -> None:
    with gate.connect() as line:
        assert [extension.name for extension in line.protocol.extensions] == ["permessage-deflate"]
        for message in ("y" * 1_000_000, "y" * 1_000_000, b""):  # the second refers to the first
            line.send(message)
            assert line.recv(PATIENCE) == message
    with gate.connect(compression=None) as line:
        assert line.protocol.extensions == []


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [(["chat.v1", "chat.v2"], "chat.v2"), (["chat.v1"], "chat.v1"), (["other"], None), ([], None)],
)
def test_the_upstream_chooses_the_subprotocol(gate: Place, offered: list[str], agreed: str | None) -> None:
    with gate.connect(subprotocols=[Subprotocol(one) for one in offered] or None) as line:
        assert line.subprotocol == agreed


def test_a_refused_handshake_is_answered_with_the_upstream_s_refusal(gate: Place) -> None:
    with pytest.raises(InvalidStatus) as refused:
        gate.connect("/refused")
    assert refused.value.response.status_code == 403
    assert refused.value.response.body == b"not you\n"


def test_fifty_sockets_at_once_each_hear_their_own(gate: Place) -> None:
    async def talk(number: int, all_open: asyncio.Barrier) -> None:
        async with connect(gate.url(), proxy=None, open_timeout=PATIENCE) as line:
            await all_open.wait()
            for turn in range(20):
                await line.send(f"{number}:{turn}")
                assert await line.recv() == f"{number}:{turn}"

    async def talk_all() -> None:
        all_open = asyncio.Barrier(SOCKETS)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(talk(number, all_open) for number in range(SOCKETS)))

    asyncio.run(talk_all())
    gate.site.closed(SOCKETS)
