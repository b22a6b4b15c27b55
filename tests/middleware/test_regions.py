"""Whose word on the visitor's region counts, in each middleware; and a reload that has the region in another field."""

import asyncio
from typing import Any

import pytest

from gatekeeper.assembly import Assembled
from gatekeeper.errors import GatekeeperError
from gatekeeper.middleware.asgi import ConsentMiddleware
from gatekeeper.middleware.wsgi import WSGIConsentMiddleware
from gatekeeper.proxy.plane.lines import PLAIN, WATCHED
from gatekeeper.settings import Settings, build_settings
from tests.middleware.calling import Server, answering, call, environ, policy, scope

TABLES = """
[regions]
field = "X-Country"
[[region]]
name = "california"
values = ["US-CA"]
profile = "us-ca"
"""
TRUSTED = ("10.0.0.0/8", "::1", "unix")


def by_asgi(client: tuple[str, int] | None, *lines: bytes, trusted: tuple[str, ...] = TRUSTED) -> bool:
    middleware = ConsentMiddleware(answering(b"set-cookie: _ga=1"), policy(TABLES), trusted_proxies=trusted)
    start, _ = asyncio.run(call(middleware, scope(*lines, client=client)))
    return (b"set-cookie", b"_ga=1") in start["headers"]


def by_wsgi(address: str | None, country: str | None, *, trusted: tuple[str, ...] = TRUSTED) -> bool:
    def app(given: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Set-Cookie", "_ga=1")])
        return [b"ok"]

    middleware = WSGIConsentMiddleware(app, policy(TABLES), trusted_proxies=trusted)
    more = {"REMOTE_ADDR": address} if address is not None else {}
    more |= {"HTTP_X_COUNTRY": country} if country is not None else {}
    server = Server().serve(middleware, environ(**more))
    assert server.head is not None
    return ("Set-Cookie", "_ga=1") in server.head[1]


@pytest.mark.parametrize(
    ("address", "counts"),
    [
        ("10.1.2.3", True),
        ("::1", True),
        ("::ffff:10.0.0.1", True),
        ("192.0.2.1", False),
        ("nobody", False),
        (None, True),
    ],
)
def test_the_word_of_a_trusted_proxy_counts_and_nobody_elses(address: str | None, counts: bool) -> None:
    client = None if address is None else (address, 1)
    assert by_asgi(client, b"X-Country: US-CA") is counts
    assert by_wsgi(address, "US-CA") is counts
    assert not by_asgi(client)
    assert not by_wsgi(address, None)
    assert not by_asgi(client, b"X-Country: US-CA", trusted=())
    assert not by_wsgi(address, "US-CA", trusted=())


def test_a_peer_without_an_address_is_one_on_a_unix_socket() -> None:
    assert not by_asgi(None, b"X-Country: US-CA", trusted=("10.0.0.0/8",))
    assert not by_wsgi("", "US-CA", trusted=("10.0.0.0/8",))
    assert by_wsgi("", "US-CA", trusted=("unix",))


def test_lines_that_a_wsgi_server_has_joined_tell_nothing() -> None:
    assert not by_wsgi("10.0.0.1", "US-CA,US-CA")


@pytest.mark.parametrize("middleware", [ConsentMiddleware, WSGIConsentMiddleware])
def test_what_is_no_address_is_told_at_once(middleware: Any) -> None:
    with pytest.raises(GatekeeperError, match="trusted_proxies"):
        middleware(None, policy(), trusted_proxies=["localhost"])


def settings(field: str | None) -> Settings:
    regions = {} if field is None else {"regions": {"field": field}, "region": [{"name": "x", "values": ["FR"]}]}
    return build_settings({"log": {"destination": "stderr"}} | regions, presets={})


def test_after_a_reload_the_region_is_looked_for_where_the_new_file_says() -> None:
    assembled = Assembled(settings(None))
    memory = assembled.plane.requests

    def watched(name: bytes) -> bool:
        kind = memory.look(name + b": FR")[0]
        assert kind in (PLAIN, WATCHED)
        return kind == WATCHED

    for field in (None, "X-Country", "X-Country", "CF-IPCountry", None):
        assembled.reload(settings(field))
        for _ in range(2):
            assert watched(b"X-Country") is (field == "X-Country")
            assert watched(b"cf-ipcountry") is (field == "CF-IPCountry")
            assert watched(b"Cookie")
            assert not watched(b"Accept-Language")
