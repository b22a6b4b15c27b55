"""ReverseProxy as an ASGI app: lifespan, mounting, WebSockets, the scopes of other servers, other transports."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import h11
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from gatekeeper.proxy import Limits, ReverseProxy, Upstream
from tests.proxy.conftest import Gate
from tests.proxy.origin import OK, Origin
from tests.proxy.visitor import Broken, request

Messages = list[dict[str, Any]]


def scope(**changes: Any) -> dict[str, Any]:
    """An HTTP scope as a server might give it."""
    plain = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"shop.example")],
        "client": ("192.0.2.7", 1),
        "server": ("192.0.2.1", 80),
    }
    return plain | changes


async def spoken(app: Callable[..., Awaitable[None]], asked: dict[str, Any], *incoming: dict[str, Any]) -> Messages:
    """Everything that the app says to these messages; a visitor who has nothing more to say stays."""
    said: Messages = []
    waiting = list(incoming)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Any) -> None:
        said.append(dict(message))

    await app(asked, receive, send)
    return said


NO_BODY = {"type": "http.request", "body": b"", "more_body": False}


class Recorder(httpx.AsyncBaseTransport):
    """A transport without a network: keeps what it was asked, answers what it was told."""

    def __init__(self, response: httpx.Response | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self.closed = 0
        self._response = response or httpx.Response(200, content=b"ok")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self.bodies.append(b"".join([part async for part in request.stream]))
        return self._response

    async def aclose(self) -> None:
        self.closed += 1

    @property
    def target(self) -> bytes:
        target = self.requests[-1].extensions["target"]
        assert isinstance(target, bytes)
        return target


def test_it_is_built_without_an_event_loop_and_works_in_one_after_another(origins: Callable[..., Origin]) -> None:
    origin = origins(OK)
    app = ReverseProxy(origin.url)
    for _ in range(2):
        said = asyncio.run(spoken(app, scope(), NO_BODY))
        assert said[0]["status"] == 200
        assert b"".join(message.get("body", b"") for message in said) == b"ok"
        assert said[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_lifespan_starts_and_closes_the_transport() -> None:
    transport = Recorder()
    app = ReverseProxy("http://a", transport=transport)
    said = asyncio.run(spoken(app, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
    assert said == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert transport.closed == 1


def test_it_serves_under_a_server_with_lifespan(origins: Callable[..., Origin], gates: Callable[..., Gate]) -> None:
    with gates(ReverseProxy(origins(OK).url), lifespan="on").visit() as visitor:
        assert visitor.get().status == 200


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_it_serves_under_both_protocols_of_uvicorn(
    origins: Callable[..., Origin], gates: Callable[..., Gate], http: str
) -> None:
    origin = origins(
        OK,
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    )
    with gates(ReverseProxy(origin.url), http=http).visit() as visitor:
        assert visitor.get().body == b"ok"
        assert visitor.get().status == 304
        visitor.send(request(method=b"HEAD"))
        assert visitor.response(to=b"HEAD").values(b"content-length") == [b"9"]
        assert visitor.get().body == b"ok"
        visitor.send(request())
        with pytest.raises(Broken):
            visitor.response()


def test_an_unknown_scope_is_an_error() -> None:
    with pytest.raises(TypeError, match="datagram"):
        asyncio.run(spoken(ReverseProxy("http://a"), {"type": "datagram"}))


def test_a_websocket_is_refused_with_501_where_the_server_can_say_so() -> None:
    asked = scope(type="websocket", extensions={"websocket.http.response": {}})
    said = asyncio.run(spoken(ReverseProxy("http://a"), asked, {"type": "websocket.connect"}))
    assert [message["type"] for message in said] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert said[0]["status"] == 501
    assert said[1]["body"] == b"501 Not Implemented: WebSockets do not pass this gate yet.\n"


@pytest.mark.parametrize("extensions", [{}, None])
def test_a_websocket_is_refused_with_a_close_otherwise(extensions: Any) -> None:
    asked = scope(type="websocket", extensions=extensions)
    said = asyncio.run(spoken(ReverseProxy("http://a"), asked, {"type": "websocket.connect"}))
    assert [message["type"] for message in said] == ["websocket.close"]


def test_mounted_in_a_starlette_app_it_gets_the_path_below(
    origins: Callable[..., Origin], gates: Callable[..., Gate]
) -> None:
    async def new(_: Any) -> PlainTextResponse:
        return PlainTextResponse("new")

    origin = origins(OK)
    app = Starlette(routes=[Route("/new", new), Mount("/le gacy", ReverseProxy(origin.url + "/old"))])
    with gates(app).visit() as visitor:
        assert visitor.get(b"/new").body == b"new"
        assert visitor.get(b"/le%20gacy/a%2Fb/../c//?d=%2F").body == b"ok"
        assert visitor.get(b"/le%20gacy/").body == b"ok"
    assert [head.split(b"\r\n")[0] for head in origin.heads] == [
        b"GET /old/a%2Fb/../c//?d=%2F HTTP/1.1",
        b"GET /old/ HTTP/1.1",
    ]


def test_mounted_in_a_starlette_app_a_truncated_body_is_still_a_broken_transfer(
    origins: Callable[..., Origin], gates: Callable[..., Gate]
) -> None:
    origin = origins(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    with gates(Starlette(routes=[Mount("/", ReverseProxy(origin.url))])).visit() as visitor:
        visitor.send(request())
        with pytest.raises(Broken):
            visitor.response()


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"raw_path": None, "path": "/caf\xe9/a b?c#d%"}, b"/caf%C3%A9/a%20b%3Fc%23d%25"),
        ({"raw_path": b"/x?in=raw", "query_string": b"in=raw"}, b"/x?in=raw"),
        ({"raw_path": b"", "path": ""}, b"/"),
        ({"raw_path": b"/m/x", "root_path": "/m"}, b"/x"),
        ({"raw_path": b"/m", "root_path": "/m"}, b"/"),
        ({"raw_path": b"/mx/y", "root_path": "/m"}, b"/mx/y"),
        ({"raw_path": b"/%6D/%2e./y", "root_path": "/m"}, b"/%2e./y"),
        ({"raw_path": b"/caf%C3%A9/y", "root_path": "/caf\xe9"}, b"/y"),
        ({"raw_path": b"/a%20b/y", "root_path": "/a%20b"}, b"/y"),
        ({"raw_path": b"/y", "root_path": "/elsewhere"}, b"/y"),
        ({"raw_path": b"/m%", "root_path": "/m%"}, b"/"),
    ],
)
def test_the_target_for_scopes_of_other_servers(changes: dict[str, Any], target: bytes) -> None:
    transport = Recorder()
    app = ReverseProxy("http://a", transport=transport)
    said = asyncio.run(spoken(app, scope(**changes), NO_BODY))
    assert said[0]["status"] == 200
    assert transport.target == target


@pytest.mark.parametrize("raw_path", [b"relative", b"*", b"http://a/", b"/a b", b"/a\nb", b"/\x7f", b"/\xff"])
def test_a_target_that_cannot_be_sent_is_400(raw_path: bytes) -> None:
    transport = Recorder()
    app = ReverseProxy("http://a", transport=transport)
    said = asyncio.run(spoken(app, scope(raw_path=raw_path), NO_BODY))
    assert said[0]["status"] == 400
    assert transport.requests == []


@pytest.mark.parametrize("method", ["get", "M-SEARCH", "Purge"])
def test_the_case_of_a_method_is_kept(method: str) -> None:
    transport = Recorder()
    asyncio.run(spoken(ReverseProxy("http://a", transport=transport), scope(method=method), NO_BODY))
    assert transport.requests[0].method == method


@pytest.mark.parametrize("method", ["G T", "GET\r\n", ""])
def test_a_method_that_is_no_token_is_400(method: str) -> None:
    said = asyncio.run(spoken(ReverseProxy("http://a", transport=Recorder()), scope(method=method), NO_BODY))
    assert said[0]["status"] == 400


@pytest.mark.parametrize(
    "field", [(b"x y", b"1"), (b"", b"1"), (b"x", b"a\r\nb"), (b"x", b"a\x00"), (b"cookie ", b"a=1"), (b"x:", b"1")]
)
def test_a_field_that_no_server_should_have_let_in_is_400(field: tuple[bytes, bytes]) -> None:
    transport = Recorder()
    asked = scope(headers=[(b"host", b"a"), field])
    said = asyncio.run(spoken(ReverseProxy("http://a", transport=transport), asked, NO_BODY))
    assert said[0]["status"] == 400
    assert transport.requests == []


@pytest.mark.parametrize(
    "fields",
    [
        [(b"content-length", b"2"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"2"), (b"content-length", b"3")],
        [(b"content-length", b"2, 3")],
        [(b"content-length", b"-2")],
        [(b"content-length", b"")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"gzip, chunked")],
        [(b"transfer-encoding", b"identity")],
        [(b"host", b"another.example")],
        [(b"host", b"shop.example")],
    ],
)
def test_a_head_with_two_meanings_that_no_server_should_have_let_in_is_400(fields: list[tuple[bytes, bytes]]) -> None:
    transport = Recorder()
    asked = scope(method="POST", headers=[(b"host", b"shop.example"), *fields])
    said = asyncio.run(spoken(ReverseProxy("http://a", transport=transport), asked, NO_BODY))
    assert said[0]["status"] == 400
    assert transport.requests == []


def test_a_head_without_host_that_no_server_should_have_let_in_is_400() -> None:
    said = asyncio.run(spoken(ReverseProxy("http://a", transport=Recorder()), scope(headers=[]), NO_BODY))
    assert said[0]["status"] == 400


def test_a_list_of_fields_that_grows_afterwards_changes_nothing() -> None:
    """What uvicorn does with trailers."""
    fields = [[b"host", b"a"], [b"transfer-encoding", b"chunked"]]
    transport = Recorder()
    waiting = [{"type": "http.request", "body": b"x", "more_body": True}, NO_BODY]

    async def receive() -> dict[str, Any]:
        fields.append([b"cookie", b"trailed=1"])
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Any) -> None: ...

    asyncio.run(ReverseProxy("http://a", transport=transport)(scope(method="POST", headers=fields), receive, send))
    assert b"cookie" not in dict(transport.requests[0].headers.raw)
    assert transport.bodies == [b"x"]


@pytest.mark.parametrize(
    ("parts", "body", "chunked"),
    [
        ([(b"", False)], b"", False),
        ([(b"one", False)], b"one", True),
        ([(b"", True), (b"two", False)], b"two", True),
        ([(b"one", True), (b"two", True), (b"", False)], b"onetwo", True),
    ],
)
def test_http_2_tells_by_its_first_message_whether_there_is_a_body(
    parts: list[tuple[bytes, bool]], body: bytes, chunked: bool
) -> None:
    transport = Recorder()
    incoming = [{"type": "http.request", "body": part, "more_body": more} for part, more in parts]
    app = ReverseProxy("http://a", transport=transport)
    said = asyncio.run(spoken(app, scope(http_version="2", method="POST"), *incoming))
    assert said[0]["status"] == 200
    assert transport.bodies == [body]
    assert ((b"Transfer-Encoding", b"chunked") in transport.requests[0].headers.raw) is chunked


@pytest.mark.parametrize("body", [b"x", b"three"])
def test_a_body_whose_content_length_a_middleware_forgot_is_a_bug_of_that_middleware(
    origins: Callable[..., Origin], body: bytes
) -> None:
    origin = origins(lambda line: (line.read_head(), line.read_to_end()))
    asked = scope(method="POST", headers=[(b"host", b"a"), (b"content-length", b"2")])
    part = {"type": "http.request", "body": body, "more_body": False}
    with pytest.raises(h11.LocalProtocolError, match="declared Content-Length"):
        asyncio.run(spoken(ReverseProxy(origin.url), asked, part))
    # The upstream is left with less than was announced, not with something that looks whole.
    origin.wait_ended()


def test_any_transport_of_httpx_will_do() -> None:
    async def legacy(asked: Any, receive: Any, send: Any) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 201,
                "headers": [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")],
            }
        )
        await send({"type": "http.response.body", "body": asked["raw_path"]})

    app = ReverseProxy("http://a", transport=httpx.ASGITransport(legacy))
    said = asyncio.run(spoken(app, scope(raw_path=b"/x"), NO_BODY))
    assert said[0]["status"] == 201
    assert said[0]["headers"] == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]


def test_a_bug_in_a_transport_stays_a_bug() -> None:
    class Broke(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(spoken(ReverseProxy("http://a", transport=Broke()), scope(), NO_BODY))


def test_a_visitor_who_leaves_an_exchange_on_another_transport_cancels_it() -> None:
    class Slow(httpx.AsyncBaseTransport):
        cancelled = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                return await asyncio.Event().wait()  # type: ignore[return-value]
            finally:
                self.cancelled = True

    slow = Slow()
    app = ReverseProxy(Upstream("http://a", max_connections=1), transport=slow, limits=Limits(queue_wait=0.01))
    assert asyncio.run(spoken(app, scope(), NO_BODY, {"type": "http.disconnect"})) == []
    assert slow.cancelled


def test_an_exchange_that_is_cancelled_from_outside_ends_the_upstream_connection(
    origins: Callable[..., Origin],
) -> None:
    origin = origins(lambda line: (line.read_head(), line.read_to_end()))

    async def scenario() -> None:
        app = ReverseProxy(origin.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await spoken(app, scope(), NO_BODY)
        await app.aclose()

    asyncio.run(scenario())
    origin.wait_ended()
