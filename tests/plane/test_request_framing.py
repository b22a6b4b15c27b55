"""No desync: every length that could be read in two ways is refused or passed on with one meaning."""

import pytest

from tests.plane.framings import CHUNKS, HEADS, Framing
from tests.plane.stage import OK, Heard
from tests.plane.strict import Message, request_head
from tests.plane.visits import Broken, Wire, get

LAST = get(b"/last")


def until_end(wire: Wire, framing: Framing) -> list[Message]:
    """Sends the request and, in the same packet, one more; all answers that come until the gate ends the connection, or
    has given both.
    """
    head = b"\r\n".join([b"POST /first " + framing.version, b"Host: shop.example", *framing.lines, b"", b""])
    visitor = wire.visit()
    visitor.send(head + framing.body + LAST)
    if framing.endless:
        visitor.half_close()
    replies: list[Message] = []
    while True:
        try:
            replies.append(visitor.reply())
        except Broken as broken:
            if broken.args != (b"",):
                raise
            return replies
        if len(replies) == 2:
            visitor.half_close()


def refused(replies: list[Message]) -> bool:
    """Whether the gate said 400 (RFC 9112 section 6.1 also knows 501; 413 for a length beyond all) and closed."""
    return [reply.status for reply in replies] in ([400], [413], [431], [501])


@pytest.mark.parametrize("framing", HEADS.values(), ids=HEADS.keys())
def test_a_head_has_one_length_or_is_refused(wire: Wire, framing: Framing) -> None:
    replies = until_end(wire, framing)
    if framing.means is None or (framing.or_refused and refused(replies)):
        assert refused(replies), replies
        assert wire.stage.heads == []
    else:
        assert [reply.status for reply in replies] == [200, 200]
        first, last = wire.stage.requests
        assert (first.target, first.body, last.target, last.body) == (b"/first", framing.means, b"/last", b"")


@pytest.mark.parametrize("framing", CHUNKS.values(), ids=CHUNKS.keys())
def test_a_chunked_body_has_one_end_or_is_refused(wire: Wire, framing: Framing) -> None:
    """The head may be on its way when the fault shows: then the upstream sees a request that never ends."""
    replies = until_end(wire, framing)
    if framing.means is None or (framing.or_refused and wire.stage.targets != [b"/first", b"/last"]):
        assert refused(replies) or replies == [], replies
        assert wire.stage.requests == []
        assert wire.stage.targets in ([], [b"/first"])
        if wire.stage.connections:
            wire.stage.wait_ended(wire.stage.connections)
    else:
        assert [reply.status for reply in replies] == [200, 200]
        first, last = wire.stage.requests
        assert (first.target, first.body, last.target, last.body) == (b"/first", framing.means, b"/last", b"")


@pytest.mark.parametrize(
    "framing", [*HEADS.values(), *CHUNKS.values()], ids=[*HEADS, *[f"chunk_{name}" for name in CHUNKS]]
)
def test_an_upstream_that_answers_at_once_is_not_led_astray(wire: Wire, framing: Framing) -> None:
    """It answers when it has the head, as many do; what comes behind is never a request of its own to it."""

    def hasty(line: Heard) -> None:
        for _ in range(3):
            head = request_head(line.read_head())
            line.send(OK)
            line.rest(head)

    wire.play(hasty)
    replies = until_end(wire, framing)
    assert len(replies) <= 2
    assert b"/smuggled" not in wire.stage.targets
    assert set(wire.stage.targets) <= {b"/first", b"/last"}


def test_the_next_visitor_is_not_the_victim_of_the_last(wire: Wire) -> None:
    """All framings one after the other on connections that are used again: every answer is for its own request."""
    for framing in [*HEADS.values(), *CHUNKS.values()]:
        until_end(wire, framing)
        wire.still_serves()
    assert b"/smuggled" not in wire.stage.targets
