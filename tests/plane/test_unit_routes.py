"""Which route a host has, and what becomes of one that is taken away."""

import asyncio
from typing import Any

import pytest

from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.plane import routes as module
from gatekeeper.proxy.plane.hooks import NoHooks
from gatekeeper.proxy.plane.plane import Plane
from gatekeeper.proxy.plane.routes import Route, Routes
from gatekeeper.proxy.upstream import Upstream


class Nobody:
    async def connect(self, factory: Any) -> Any:
        raise AssertionError("nobody asked")


def route(name: str = "127.0.0.1:9") -> Route:
    return Route(Upstream(f"http://{name}"), Nobody())


class Finder:
    """Knows one host, and counts how often it was asked."""

    def __init__(self, known: Route) -> None:
        self.known = known
        self.asked: list[bytes] = []

    def __call__(self, host: bytes) -> Route | None:
        self.asked.append(host)
        return self.known if host == b"shop.example" else None


@pytest.mark.parametrize("with_default", [True, False])
def test_a_host_has_its_own_route_and_all_others_the_default_or_none(with_default: bool) -> None:
    shop, default = route(), route() if with_default else None
    routes = Routes(default, Finder(shop), among=[shop])
    assert routes.of(b"shop.example") is shop
    assert routes.of(b"other.example") is default
    assert routes.of(None) is default
    assert set(routes.pools) == {one.pool for one in (shop, default) if one}


def test_a_request_without_a_host_goes_where_the_defaults_own_host_does() -> None:
    shop = route()
    assert Routes(route("shop.example"), Finder(shop)).of(None) is shop
    assert Routes(shop, Finder(route())).of(None) is shop
    assert Routes(None, Finder(shop)).of(None) is None


def test_one_upstream_for_all_hosts_looks_nothing_up() -> None:
    only = route()
    assert {Routes(only).of(host) for host in (b"a", b"b", None)} == {only}


def test_a_host_is_looked_for_once_be_it_known_or_not() -> None:
    find = Finder(route())
    routes = Routes(None, find)
    for _ in range(3):
        routes.of(b"shop.example")
        routes.of(b"other.example")
    assert find.asked == [b"shop.example", b"other.example"]


def test_hosts_that_are_made_up_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HOSTS", 8)
    find = Finder(route())
    routes = Routes(None, find)
    for number in range(50):
        routes.of(b"%d.example" % number)
        routes.of(b"x" * 300)
        assert len(routes._known) <= 8
    assert routes.of(b"shop.example") is find.known
    assert b"x" * 300 not in routes._known


class Rerouted:
    """A visitor with nothing but a memory of routes."""

    deadline = float("inf")
    times = 0

    def reroute(self) -> None:
        self.times += 1

    def cut_off(self) -> None: ...


def test_routes_that_are_taken_hold_for_the_connections_that_are_there_and_retire_only_what_is_gone() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        stays, goes, comes = route(), route(), route()
        plane = Plane(Routes(stays, among=[goes]), NoHooks(), trusted=TrustedProxies([]), limits=Limits())
        visitor = Rerouted()
        plane.enter(visitor, loop)  # type: ignore[arg-type]
        plane.take(Routes(None, among=[stays, comes]))
        assert visitor.times == 1
        assert plane.route_of(b"any") is None
        assert plane._retired == [goes.pool]
        # A request that waits for one of its connections has all of the time that it may.
        assert comes.pool.now == plane.now > 0
        plane._tick()
        assert plane._retired == []
        plane.close()

    asyncio.run(story())
