"""The clock that all connections share, and the line that an operator gets."""

import asyncio
import logging
from typing import Any

import pytest

from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.plane.hooks import NoHooks
from gatekeeper.proxy.plane.plane import Plane, tell
from gatekeeper.proxy.plane.routes import Route, Routes
from gatekeeper.proxy.upstream import Upstream


class Nobody:
    async def connect(self, factory: Any) -> Any:
        raise AssertionError("nobody asked")


class Clocked:
    """A visitor with nothing but a deadline."""

    def __init__(self, plane: Plane, deadline: float) -> None:
        self.deadline = deadline
        self.expirations = 0
        self.has_expired = asyncio.Event()
        self.cut = False
        self.rerouted = 0
        self._plane = plane

    def expired(self) -> None:
        self.expirations += 1
        self.has_expired.set()
        self.deadline = float("inf")
        self._plane.leave(self)  # type: ignore[arg-type]

    def reroute(self) -> None:
        self.rerouted += 1

    def cut_off(self) -> None:
        self.cut = True
        self._plane.leave(self)  # type: ignore[arg-type]


def plane_of(**limits: float) -> Plane:
    upstream = Upstream("http://127.0.0.1:9")
    return Plane(Routes(Route(upstream, Nobody())), NoHooks(), trusted=TrustedProxies([]), limits=Limits(**limits))  # type: ignore[arg-type]


def test_a_deadline_passes_once_and_not_before_its_time() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        plane = plane_of(head_timeout=0.04)
        soon, later = Clocked(plane, loop.time() + 0.05), Clocked(plane, loop.time() + 3600)
        for visitor in (soon, later):
            plane.enter(visitor, loop)  # type: ignore[arg-type]
        begun = loop.time()
        await asyncio.wait_for(soon.has_expired.wait(), 5)
        assert loop.time() >= begun + 0.04
        await asyncio.sleep(0.05)
        assert (soon.expirations, later.expirations) == (1, 0)
        plane.close()

    asyncio.run(story())


def test_what_connections_remember_of_a_head_is_forgotten_when_the_hooks_watch_others() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        plane = plane_of()
        visitor = Clocked(plane, float("inf"))
        plane.enter(visitor, loop)  # type: ignore[arg-type]
        plane.requests.look(b"Accept: a")
        plane.responses.look(b"Accept: a")
        plane.watch_anew()
        assert not plane.requests.names
        assert not plane.responses.names
        assert visitor.rerouted == 1
        plane.close()

    asyncio.run(story())


def test_a_plane_tells_the_time_from_its_first_connection_on() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        plane = plane_of()
        plane.enter(Clocked(plane, float("inf")), loop)  # type: ignore[arg-type]
        assert plane.now == plane.routes.pools[0].now > 0
        plane.close()

    asyncio.run(story())


def test_a_plane_that_is_closed_cuts_off_who_is_left_and_looks_at_no_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        plane = plane_of(head_timeout=0.04)
        visitors = [Clocked(plane, loop.time() + 0.05) for _ in range(3)]
        for visitor in visitors:
            plane.enter(visitor, loop)  # type: ignore[arg-type]
        plane.close()
        await asyncio.sleep(0.1)
        assert all(visitor.cut and not visitor.expirations for visitor in visitors)

    with caplog.at_level(logging.ERROR, "gatekeeper.proxy"):
        asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == [
        "exchanges still under way after server.drain, and cut off: 3"
    ]


@pytest.mark.parametrize(
    ("outcome", "level"), [("400", logging.INFO), ("502", logging.WARNING), ("broken off", logging.WARNING)]
)
def test_a_line_for_the_operator_has_no_query_and_nothing_that_a_terminal_obeys(
    caplog: pytest.LogCaptureFixture, outcome: str, level: int
) -> None:
    with caplog.at_level(logging.INFO, "gatekeeper.proxy"):
        tell(b"G\x1bT", b"/a\x1b[2J\r\n?secret", outcome, "because")
    (record,) = caplog.records
    assert record.levelno == level
    assert record.getMessage() == f"{outcome} for G?T /a?[2J??: because"
