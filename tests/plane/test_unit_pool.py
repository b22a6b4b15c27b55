"""The pool with connections that are none: who gets which, how many there are, and that nobody is forgotten."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.plane.pool import Pool
from gatekeeper.proxy.plane.upstream import UpstreamConnection
from gatekeeper.proxy.upstream import UpstreamError

MOST = 3


class Wire:
    """A transport without a socket; like a real one, it tells of its end a little later."""

    def __init__(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        self.ended = False

    def is_closing(self) -> bool:
        return self.ended

    def abort(self) -> None:
        if not self.ended:
            self.ended = True
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)

    close = abort

    def write(self, octets: bytes) -> None: ...

    def resume_reading(self) -> None: ...


class Connector:
    """Connects at once, or fails at once, or when it is told to."""

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.go_on: asyncio.Event | None = None
        self.made: list[UpstreamConnection] = []

    async def connect(self, factory: Callable[[], UpstreamConnection]) -> UpstreamConnection:
        if self.go_on is not None:
            await self.go_on.wait()
        if self.fails is not None:
            raise self.fails
        connection = factory()
        connection.connection_made(Wire(connection))  # type: ignore[arg-type]
        self.made.append(connection)
        return connection

    @property
    def open(self) -> int:
        return sum(not connection.is_closing() for connection in self.made)


class Asker:
    """A visitor as the pool knows him."""

    def __init__(self) -> None:
        self.connection: UpstreamConnection | None = None
        self.error: UpstreamError | None = None
        self.told = 0

    def connected(self, connection: UpstreamConnection) -> None:
        self.told += 1
        self.connection = connection

    def failed(self, error: UpstreamError) -> None:
        self.told += 1
        self.error = error


def pool_of(connector: Connector, *, most: int = MOST) -> Pool:
    return Pool(connector, most=most, queue_wait=5.0, idle=60.0, most_head=1000)


async def settled() -> None:
    """Whatever was to happen soon has happened."""
    for _ in range(8):
        await asyncio.sleep(0)


def run(story: Callable[[Connector], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story(Connector()))


async def asked(pool: Pool) -> Asker:
    asker = Asker()
    pool.ask(asker)  # type: ignore[arg-type]
    await settled()
    return asker


def give_back(pool: Pool, asker: Asker, *, rests: bool = False) -> UpstreamConnection:
    connection = asker.connection
    assert connection is not None
    asker.connection = None
    pool.give_back(connection, rests=rests)
    return connection


def test_the_last_that_was_given_back_is_the_first_that_is_lent() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector)
        first, second = await asked(pool), await asked(pool)
        given = [give_back(pool, first), give_back(pool, second)]
        assert [pool.take(careful=False), pool.take(careful=False), pool.take(careful=False)] == [*given[::-1], None]

    run(story)


def test_a_connection_that_has_ended_is_not_lent() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector)
        asker = await asked(pool)
        give_back(pool, asker)
        connector.made[0].abort()
        assert pool.take(careful=False) is None

    run(story)


def test_who_waits_is_served_in_turn_and_by_what_is_given_back() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector, most=1)
        first = await asked(pool)
        second, third = await asked(pool), await asked(pool)
        connection = give_back(pool, first)
        assert (second.connection, third.told) == (connection, 0)
        connection.abort()
        await settled()
        assert third.connection is connector.made[1]

    run(story)


def test_who_waits_too_long_is_told_to_come_again() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector, most=1)
        await asked(pool)
        late = await asked(pool)
        pool.tick(4.9)
        assert late.told == 0
        pool.tick(5.0)
        assert late.error is not None
        assert (late.error.status, late.error.retry_after) == (503, 1)

    run(story)


@pytest.mark.parametrize("fault", [UpstreamError("no", status=504), RuntimeError("a bug")])
def test_a_connection_that_cannot_be_made_is_told_to_who_asked_and_gives_its_place_back(fault: Exception) -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector, most=1)
        connector.fails = fault
        for _ in range(3):
            asker = await asked(pool)
            assert asker.error is not None
            assert asker.error.status == (504 if isinstance(fault, UpstreamError) else 502)
            assert "bug" not in str(asker.error)

    run(story)


def test_what_was_made_for_somebody_who_is_gone_is_the_next_ones() -> None:
    async def story(connector: Connector) -> None:
        connector.go_on = asyncio.Event()
        pool = pool_of(connector, most=1)
        gone, next_one = await asked(pool), await asked(pool)
        pool.forget(gone)  # type: ignore[arg-type]
        connector.go_on.set()
        await settled()
        assert (gone.told, next_one.connection) == (0, connector.made[0])

    run(story)


def test_a_connection_rests_a_whole_tick() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector)
        pool.tick(1.0)
        connection = give_back(pool, await asked(pool), rests=True)
        assert pool.take(careful=False) is None
        pool.tick(1.25)
        assert pool.take(careful=False) is None
        pool.tick(1.5)
        assert pool.take(careful=False) is connection

    run(story)


def test_a_connection_that_nobody_uses_ends() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector)
        connection = give_back(pool, await asked(pool))
        pool.tick(60.0)
        assert not connection.is_closing()
        pool.tick(60.1)
        assert connection.is_closing()

    run(story)


def test_a_pool_that_is_closed_keeps_nothing() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector)
        first, second, third = await asked(pool), await asked(pool), await asked(pool)
        give_back(pool, first)
        give_back(pool, second, rests=True)
        pool.close()
        give_back(pool, third)
        await settled()
        assert connector.open == 0

    run(story)


def test_a_pool_that_is_retired_serves_who_has_asked_and_is_over_with_the_last() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector, most=1)
        first = await asked(pool)
        second = await asked(pool)
        pool.retire()
        assert not pool.ends(1.0)
        give_back(pool, first)
        assert second.connection is connector.made[0]
        assert not pool.ends(2.0)
        give_back(pool, second)
        pool.ends(3.0)
        await settled()
        assert pool.ends(3.25)
        assert connector.open == 0

    run(story)


class Play:
    """Visitors who come, leave and give back, in any order; and what must hold at every moment."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self.pool = pool_of(connector)
        self.now = 0.0
        self.askers: list[Asker] = []
        self.gone: list[Asker] = []

    @property
    def holding(self) -> list[Asker]:
        return [asker for asker in self.askers if asker.connection is not None]

    def ask(self, index: int) -> None:
        asker = Asker()
        self.askers.append(asker)
        connection = self.pool.take(careful=False)
        if connection is not None:
            asker.connected(connection)
        else:
            self.pool.ask(asker)  # type: ignore[arg-type]

    def back(self, index: int) -> None:
        if self.holding:
            give_back(self.pool, self.holding[index % len(self.holding)], rests=index % 3 == 0)

    def lost(self, index: int) -> None:
        if self.holding:
            asker = self.holding[index % len(self.holding)]
            assert asker.connection is not None
            asker.connection.abort()
            asker.connection = None

    def forget(self, index: int) -> None:
        waiting = [asker for asker in self.askers if not asker.told and asker not in self.gone]
        if waiting:
            self.gone.append(waiting[index % len(waiting)])
            self.pool.forget(self.gone[-1])  # type: ignore[arg-type]

    def tick(self, index: int) -> None:
        self.now += index / 10
        self.pool.tick(self.now)

    def fail(self, index: int) -> None:
        self._connector.fails = UpstreamError("no") if index % 2 else None

    def hold(self, index: int) -> None:
        if self._connector.go_on is not None:
            self._connector.go_on.set()
        self._connector.go_on = asyncio.Event() if index % 2 else None

    def check(self) -> None:
        lent = [asker.connection for asker in self.holding]
        assert len(set(lent)) == len(lent)
        assert all(asker.told <= 1 for asker in self.askers)
        assert not any(asker.told for asker in self.gone)

    async def end(self) -> None:
        """All give back; then nobody may still wait."""
        self.fail(0)
        self.hold(0)
        await settled()
        while self.holding:
            self.back(1)
            await settled()
        for _ in range(3):
            self.tick(30)
            await settled()
        assert all(asker.told == 1 for asker in self.askers if asker not in self.gone)


STEPS = ["ask", "ask", "ask", "back", "back", "lost", "forget", "tick", "fail", "hold"]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 20), st.booleans()), max_size=40))
def test_nobody_is_forgotten_or_told_twice_and_no_connection_is_lent_twice(steps: list[tuple[str, int, bool]]) -> None:
    """The loop runs between two steps, or not: then both fall into one turn of it."""

    async def story(connector: Connector) -> None:
        play = Play(connector)
        for step, index, settle in steps:
            getattr(play, step)(index)
            if settle:
                await settled()
            play.check()
        await play.end()
        play.check()

    run(story)


def test_there_are_never_more_connections_than_may_be() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector, most=1)
        give_back(pool, await asked(pool), rests=True)
        askers = [Asker() for _ in range(3)]
        for asker in askers:
            pool.ask(asker)  # type: ignore[arg-type]
        await settled()
        assert connector.open == 1

    run(story)


def test_who_waits_does_not_wait_for_a_connection_to_rest() -> None:
    async def story(connector: Connector) -> None:
        pool = pool_of(connector, most=1)
        first = await asked(pool)
        second = await asked(pool)
        give_back(pool, first, rests=True)
        await settled()
        assert second.connection is not None

    run(story)
