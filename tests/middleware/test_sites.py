"""Several sites in a program: the middlewares judge each request by the policy of its host."""

import asyncio

from tests.conformance.cases_sites import SETS, TABLES
from tests.middleware.calling import Server, answering, asgi, call, environ, policy, scope, wsgi

SET = [value.partition(b": ")[2].decode() for value in SETS]


def asgi_at(middleware: object, host: bytes) -> list[str]:
    given = scope()
    given["headers"] = [(b"host", host)]
    start = asyncio.run(call(middleware, given))[0]  # type: ignore[arg-type]
    return [value.decode() for name, value in start["headers"] if name.lower() == b"set-cookie"]


def test_each_request_is_judged_by_its_host_and_new_sites_with_the_next_policy() -> None:
    middleware, _ = asgi(answering(*SETS), TABLES)
    assert asgi_at(middleware, b"shop.example.org") == SET[:2]
    assert asgi_at(middleware, b"other.example") == []
    assert asgi_at(middleware, b"quiet.shop.example.org") == SET
    middleware.gatehouse.policy = policy()
    assert asgi_at(middleware, b"shop.example.org") == []
    middleware.gatehouse.policy = policy(TABLES)
    assert asgi_at(middleware, b"shop.example.org") == SET[:2]


def test_a_request_without_a_host_is_judged_by_the_top_level() -> None:
    middleware, _ = asgi(answering(*SETS), TABLES)
    given = scope()
    given["headers"] = []
    assert not asyncio.run(call(middleware, given))[0]["headers"]


def test_a_wsgi_app_has_its_sites_by_the_host_or_the_name_of_the_server() -> None:
    def app(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Set-Cookie", value) for value in SET])  # type: ignore[operator]
        return [b""]

    middleware, _ = wsgi(app, TABLES)  # type: ignore[arg-type]
    assert Server().serve(middleware, environ(HTTP_HOST="a.shop.example.org:80")).set_cookies == SET[:2]
    assert Server().serve(middleware, environ(HTTP_HOST="other.example")).set_cookies == []
    assert Server().serve(middleware, environ(HTTP_HOST="", SERVER_NAME="shop.example.org")).set_cookies == SET[:2]
