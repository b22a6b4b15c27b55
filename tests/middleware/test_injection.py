"""What an app lets an attacker write into its fields carries no cookie past the gate, and breaks no page."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.middleware.asgi import Receive, Scope, Send
from tests.conformance.apps import BODY
from tests.conformance.case import Case, rule, written
from tests.conformance.servers import AsgiServer, WsgiServer
from tests.middleware.calling import INJECTIONS, Server, asgi, call, environ, scope, stored_names, wsgi

HONEST = [(b"Content-Type", b"text/html"), (b"Set-Cookie", b"sessionid=1; Path=/")]
REPORT = '[enforcement]\nmode = "report-only"\n'

Fields = list[tuple[bytes, bytes]]


def through_asgi(fields: Fields, extra: str = "") -> tuple[Fields, list[str]]:
    """The fields that leave, and the verdicts."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"ok"})

    middleware, log = asgi(app, extra)
    start, body = asyncio.run(call(middleware, scope()))
    assert body["body"] == b"ok"
    return list(start["headers"]), [*map(written, log.one()[1])]


def through_wsgi(fields: Fields, extra: str = "") -> tuple[Fields, list[str]]:
    def app(environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields])
        return [b"ok"]

    middleware, log = wsgi(app, extra)
    server = Server().serve(middleware, environ())
    assert server.head is not None
    assert server.body == b"ok"
    left = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in server.head[1]]
    return left, [*map(written, log.one()[1])]


both = pytest.mark.parametrize("through", [through_asgi, through_wsgi])
Through = Callable[..., tuple[Fields, list[str]]]


def test_the_injections_are_some_to_somebody() -> None:
    assert [field for field in INJECTIONS if b"_ga" not in stored_names([field])] == [(b"", b"Set-Cookie: _ga=1")]


@both
@pytest.mark.parametrize("injection", INJECTIONS, ids=repr)
def test_an_injected_cookie_does_not_leave_and_the_page_does(through: Through, injection: tuple[bytes, bytes]) -> None:
    left, _ = through([HONEST[0], injection, HONEST[1]])
    assert left == HONEST


@both
@pytest.mark.parametrize("injection", INJECTIONS, ids=repr)
def test_an_injected_cookie_does_not_leave_beside_a_rule_that_only_reports(
    through: Through, injection: tuple[bytes, bytes]
) -> None:
    left, verdicts = through([*HONEST, injection], rule("sessionid", "marketing", mode='"report-only"', paths='["/"]'))
    assert left == HONEST
    assert verdicts[0] == "response sessionid drop undecided (report-only)"


@both
@pytest.mark.parametrize("injection", INJECTIONS, ids=repr)
@pytest.mark.parametrize("mode", ["report-only", "off"])
def test_not_one_octet_changes_where_nothing_is_enforced(
    through: Through, injection: tuple[bytes, bytes], mode: str
) -> None:
    left, _ = through([*HONEST, injection], f'[enforcement]\nmode = "{mode}"\n')
    assert left == [*HONEST, injection]


@both
@pytest.mark.parametrize("octet", [b"\r", b"\n", b"\x00", b"\r\n", b"\x01", b"\x7f"], ids=repr)
def test_a_set_cookie_with_a_control_octet_is_told_as_malformed(through: Through, octet: bytes) -> None:
    left, verdicts = through([*HONEST, (b"Set-Cookie", b"_ga=1" + octet + b"Set-Cookie: _fbp=1")])
    assert left == HONEST
    assert verdicts == ["response sessionid pass required", "response _ga drop malformed"]


@pytest.mark.parametrize("injection", INJECTIONS, ids=repr)
def test_an_injected_cookie_does_not_leave_in_trailers(injection: tuple[bytes, bytes]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.trailers", "headers": [(b"x-a", b"1"), injection]})

    (trailers,) = asyncio.run(call(asgi(app)[0], scope()))
    assert list(trailers["headers"]) == [(b"x-a", b"1")]


@both
def test_a_cache_control_that_nobody_can_trust_does_not_stand_in_for_private(through: Through) -> None:
    fields = [(b"Cache-Control", b"private\r\nX-A: 1"), (b"Set-Cookie", b"theme=dark")]
    left, _ = through(fields)
    assert left == [(b"Set-Cookie", b"theme=dark"), (b"cache-control", b"private")]


PIECES = st.sampled_from(
    [
        *(b"Set-Cookie", b"set-cookie2", b"X-A", b"_ga=1", b"sessionid=1", b"_fbp=; Max-Age=0", b"; Path=/", b"a"),
        *(b":", b": ", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\x00", b"\x0b", b"\x85", b"\xa0", b"\xef\xbb\xbf"),
        *(b";", b"=", b","),
    ]
)
OCTETS = st.lists(PIECES, max_size=6).map(b"".join)
FIELDS = st.lists(st.tuples(OCTETS, OCTETS), max_size=5)


@settings(max_examples=150, deadline=None)
@given(FIELDS)
def test_no_mixture_of_octets_carries_a_refused_cookie_past_the_gate(fields: Fields) -> None:
    for through in (through_asgi, through_wsgi):
        left, _ = through(fields)
        for line in left:
            names = stored_names([line])
            # A deletion in the gate's own words is the one thing that may name it.
            assert not names - {b"sessionid"} or b"=; Max-Age=0; Expires=Thu, 01 Jan 1970" in line[1], line


@pytest.mark.parametrize("server", [AsgiServer, WsgiServer])
def test_under_a_real_server_the_page_arrives_without_the_injection(server: type) -> None:
    case = Case(
        "injections",
        sets=[b"X-A: 1\r\nSet-Cookie: _ga=1", b"Set-Cookie : _ga=1", b"X-B: 2\x00", b"Set-Cookie: sessionid=1\nX: y"],
    )
    adapter = server()
    try:
        came = adapter.exchange(case, case.load())
    finally:
        adapter.close()
    assert (came.status, came.body, came.leaves) == (200, BODY, ())
