"""Several workers with one listener: who holds few takes the next, and nobody waits for a worker that is stuck."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest
import uvloop

from gatekeeper.serve import entrance, shares
from gatekeeper.serve.entrance import Reception
from gatekeeper.serve.shares import Counted, Share, Shares

SLACK = shares._SLACK
NEVER = 600.0  # seconds


class Held(asyncio.Protocol):
    """A connection that stays until its visitor ends it, as the plane's do."""

    def __init__(self, connections: Counted) -> None:
        self._connections = connections
        self.told_peer: object = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)


class Worker:
    """What a worker does with those who come; it begins when it is asked to."""

    def __init__(self, listener: socket.socket, share: Share) -> None:
        self.share = share
        self.connections = Counted(share)
        self._listener = listener
        self._reception: Reception | None = None

    def begin(self) -> None:
        self._reception = Reception(
            self._listener.dup(),
            lambda: Held(self.connections),
            patience=5.0,
            share=self.share,
            connections=self.connections,
        )

    def end(self) -> None:
        if self._reception is not None:
            self._reception.close()


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not is_so():  # noqa: ASYNC110 - nobody is told when a connection has come in
            await asyncio.sleep(0.001)


class Hall:
    """Two workers, and a crowd before them."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        board = Shares(2)
        self.first, self.second = (Worker(self.listener, board.take()) for _ in range(2))
        self.visitors: list[socket.socket] = []

    def come(self, count: int) -> None:
        self.visitors += [socket.create_connection(self.listener.getsockname()) for _ in range(count)]

    @property
    def held(self) -> list[int]:
        return [len(self.first.connections), len(self.second.connections)]

    async def until(self, first: int, second: int) -> None:
        """Until they hold so many, and then nothing changes."""
        await _until(lambda: self.held == [first, second])
        await asyncio.sleep(0.02)
        assert self.held == [first, second]

    async def all_are_in(self) -> None:
        await _until(lambda: sum(self.held) == len(self.visitors))

    def close(self) -> None:
        self.first.end()
        self.second.end()
        self.listener.close()
        for visitor in self.visitors:
            visitor.close()


@pytest.fixture
def hall() -> Iterator[Hall]:
    with contextlib.closing(Hall()) as opened:
        yield opened


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who leaves visitors to others does so for good."""
    monkeypatch.setattr(entrance, "_YIELD", NEVER)


def played(hall: Hall, script: Callable[[], Awaitable[None]]) -> None:
    async def play() -> None:
        try:
            await script()
        finally:
            # Before the loop ends: uvloop does not bear what is still open then, where warnings are errors.
            hall.close()
            await _until(lambda: hall.held == [0, 0])

    uvloop.run(play())


@pytest.mark.usefixtures("patient")
def test_who_holds_more_leaves_the_next_to_the_other(hall: Hall) -> None:
    async def script() -> None:
        hall.first.begin()
        hall.second.share.begin()  # it is there, but has not looked yet
        hall.come(100)
        await hall.until(SLACK, 0)
        hall.second.begin()
        await hall.until(SLACK, 2 * SLACK)

    played(hall, script)


@pytest.mark.usefixtures("patient")
def test_who_has_let_one_go_looks_again_at_once(hall: Hall) -> None:
    async def script() -> None:
        hall.first.begin()
        hall.second.share.begin()
        hall.come(100)
        await hall.until(SLACK, 0)
        for visitor in hall.visitors[:2]:  # the two that came first are in
            visitor.close()
            await hall.until(SLACK, 0)

    played(hall, script)


def test_nobody_waits_for_a_worker_that_is_stuck(hall: Hall) -> None:
    async def script() -> None:
        hall.first.begin()
        hall.second.share.begin()
        hall.come(100)
        await hall.until(100, 0)

    played(hall, script)


@pytest.mark.usefixtures("patient")
def test_nothing_is_left_to_a_worker_that_is_gone_or_has_not_begun(hall: Hall) -> None:
    async def script() -> None:
        hall.first.begin()
        hall.come(50)
        await hall.until(50, 0)
        hall.second.begin()
        hall.second.end()
        hall.come(50)
        await hall.until(100, 0)

    played(hall, script)


def test_a_burst_is_shared(hall: Hall) -> None:
    async def script() -> None:
        hall.first.begin()
        hall.second.begin()
        hall.come(200)
        await hall.all_are_in()
        assert abs(hall.held[0] - hall.held[1]) <= 2 * SLACK

    played(hall, script)


@pytest.mark.usefixtures("patient")
def test_who_ends_while_it_leaves_visitors_to_the_other_takes_nobody_any_more(hall: Hall) -> None:
    async def script() -> None:
        hall.first.begin()
        hall.second.share.begin()
        hall.come(20)
        await hall.until(SLACK, 0)
        hall.first.end()
        hall.visitors[0].close()
        await hall.until(SLACK - 1, 0)

    played(hall, script)


def test_a_time_for_others_that_ends_after_the_end_takes_nobody_any_more(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "_YIELD", 0.05)

    async def script() -> None:
        hall.first.begin()
        hall.second.share.begin()
        hall.come(20)
        await hall.until(SLACK, 0)
        hall.first.end()
        await asyncio.sleep(0.1)
        assert hall.held == [SLACK, 0]

    played(hall, script)


def test_there_are_as_many_shares_as_workers_and_one_that_is_given_back_serves_the_next() -> None:
    board = Shares(2)
    first, second = board.take(), board.take()
    with pytest.raises(IndexError):
        board.take()
    first.begin()
    second.begin()
    second.tell(3)
    assert first.room(10) == 3 + SLACK - 10
    assert first.room(100) == 0
    board.give_back(second)
    assert first.room(100) == SLACK
    third = board.take()
    assert first.room(100) == SLACK  # it has not begun
    third.begin()
    assert first.room(100) == 0


def test_what_is_told_after_the_end_is_not_taken_for_a_number() -> None:
    board = Shares(2)
    first, second = board.take(), board.take()
    first.begin()
    second.begin()
    second.end()
    second.tell(0)
    assert first.room(50) == SLACK


def test_short_connections_are_replaced_whatever_the_other_holds() -> None:
    board = Shares(2)
    first, second = board.take(), board.take()
    first.begin()
    second.begin()
    for count in (49, 48, 47):
        first.tell_end(count)
    assert first.room(47) == 3
    assert first.room(47) == 0  # once
