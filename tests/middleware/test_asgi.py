"""ConsentMiddleware as a citizen of ASGI: what it touches, what it leaves alone, and when."""

import asyncio
import contextvars
import random
from typing import Any

import pytest

from gatekeeper.audit.sinks import LoggerSink
from gatekeeper.middleware.asgi import ConsentMiddleware, Message, Receive, Scope, Send
from tests.conformance.case import ACCEPTED, DAY, DELETED, NOW, REFUSED, choice, fields_of, written
from tests.middleware.calling import PATIENCE, answering, asgi, call, nothing_more, policy, scope

# --- streaming -------------------------------------------------------------------------------------------------------


def test_each_part_of_a_body_leaves_before_the_next_is_made() -> None:
    left = asyncio.Event()
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one", b"two", b"three"):
            order.append(f"made {part.decode()}")
            left.clear()
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await left.wait()
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Message) -> None:
        if message.get("body"):
            order.append(f"left {message['body'].decode()}")
        left.set()

    async def exchange() -> None:
        async with asyncio.timeout(PATIENCE):
            await asgi(app)[0](scope(), nothing_more, send)

    asyncio.run(exchange())
    assert order == ["made one", "left one", "made two", "left two", "made three", "left three"]


def test_the_head_leaves_before_the_body_is_made() -> None:
    left = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await left.wait()
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message: Message) -> None:
        left.set()

    async def exchange() -> None:
        async with asyncio.timeout(PATIENCE):
            await asgi(app)[0](scope(), nothing_more, send)

    asyncio.run(exchange())


def test_body_messages_are_the_apps_own_objects() -> None:
    body: Message = {"type": "http.response.body", "body": b"ok", "more_body": False, "other": object()}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send(body)

    sent = asyncio.run(call(asgi(app)[0], scope()))
    assert sent[1] is body


@pytest.mark.parametrize(
    "kind", ["http.response.pathsend", "http.response.zerocopysend", "http.response.early_hint", "http.response.debug"]
)
def test_messages_of_extensions_pass_untouched(kind: str) -> None:
    message: Message = {"type": kind, "path": "/a", "links": [b"</a>; rel=preload"], "info": {}}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(message)

    (sent,) = asyncio.run(call(asgi(app)[0], scope()))
    assert sent is message


def test_the_app_reads_the_body_from_the_servers_own_receive() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(receive)

    asyncio.run(call(asgi(app)[0], scope(b"Cookie: _ga=1")))
    assert seen == [nothing_more]


def test_a_start_message_keeps_what_else_it_says() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [], "trailers": True, "reason": b"Fine"}
        await send(start)

    (start,) = asyncio.run(call(asgi(app)[0], scope()))
    assert start == {"type": "http.response.start", "status": 200, "headers": [], "trailers": True, "reason": b"Fine"}


def test_the_message_that_the_app_sent_is_not_changed() -> None:
    message: Message = {"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"_ga=1")]}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(message)

    asyncio.run(call(asgi(app)[0], scope()))
    assert message == {"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"_ga=1")]}


# --- scopes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lifespan", "a.type.of.tomorrow"])
def test_other_scopes_pass_untouched(kind: str) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([scope, receive, send])

    async def send(message: Message) -> None: ...

    middleware, log = asgi(app)
    given = {"type": kind, "state": {}}
    asyncio.run(middleware(given, nothing_more, send))
    assert [id(one) for one in seen] == [id(given), id(nothing_more), id(send)]
    assert log.finished.empty()


def test_the_callers_scope_stays_as_it_was() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = "/changed"
        seen.append(scope)

    given = scope(b"Cookie: _ga=1; sessionid=s", state={"a": 1})
    headers = given["headers"]
    before = [*headers]
    asyncio.run(call(asgi(app)[0], given))
    assert given["headers"] is headers
    assert headers == before
    assert given["path"] == "/"
    assert [value for name, value in seen[0]["headers"] if name == b"cookie"] == [b"sessionid=s"]
    # What a server and its apps share by reference stays shared.
    assert seen[0]["state"] is given["state"]


def test_a_request_that_needs_no_change_reaches_the_app_as_the_callers_scope() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    given = scope(b"Cookie: sessionid=s")
    asyncio.run(call(asgi(app)[0], given))
    assert seen[0] is given


# --- fields in whatever form -----------------------------------------------------------------------------------------

LINES = [b"Set-Cookie: sessionid=1", b"Set-Cookie: _ga=1", b"X-A: 1"]
KEPT = [(b"Set-Cookie", b"sessionid=1"), (b"X-A", b"1")]

FORMS = {
    "a list of tuples": lambda fields: list(fields),
    "a tuple of tuples": lambda fields: tuple(fields),
    "a list of lists": lambda fields: [list(field) for field in fields],
    "bytearrays": lambda fields: [(bytearray(name), bytearray(value)) for name, value in fields],
    "memoryviews": lambda fields: [(memoryview(name), memoryview(value)) for name, value in fields],
    "a generator": lambda fields: (field for field in fields),
    "an iterator of iterators": lambda fields: iter([iter(field) for field in fields]),
    "a view of a dictionary": lambda fields: dict(enumerate(fields)).values(),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_app_may_give_its_fields_as(form: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": FORMS[form](fields_of(LINES))})

    (start,) = asyncio.run(call(asgi(app)[0], scope()))
    assert start["headers"] == KEPT


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cookies", [b"sessionid=s", b"sessionid=s; _ga=1"])
def test_a_server_may_give_its_fields_as(form: str, cookies: bytes) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((bytes(name), bytes(value)) for name, value in scope["headers"])

    fields = fields_of([b"host: shop.example.org", b"cookie: " + cookies, b"x-a: 1"])
    asyncio.run(call(asgi(app)[0], scope(headers=FORMS[form](fields))))
    assert seen == [(b"host", b"shop.example.org"), (b"cookie", b"sessionid=s"), (b"x-a", b"1")]


@pytest.mark.parametrize("value", [5, "1", None, 1.5])
def test_a_field_that_is_no_octets_is_the_apps_mistake_as_it_would_be_with_a_server(value: object) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", value)]})

    with pytest.raises(TypeError):
        asyncio.run(call(asgi(app)[0], scope()))


@pytest.mark.parametrize("status", ["200", None, 200.0])
def test_a_status_that_is_no_number_is_the_servers_to_judge(status: object) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": fields_of(LINES)})

    middleware, log = asgi(app)
    (start,) = asyncio.run(call(middleware, scope()))
    assert (start["status"], start["headers"]) == (status, KEPT)
    assert log.one()[0::2] == (200, ())


def test_a_response_without_fields_stays_without() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})

    (start,) = asyncio.run(call(asgi(app)[0], scope()))
    assert start["status"] == 204
    assert list(start.get("headers", ())) == []


# --- trailers --------------------------------------------------------------------------------------------------------


def with_trailers(*lines: bytes) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.body", "body": b"ok"})
        await send({"type": "http.response.trailers", "headers": fields_of(lines), "more_trailers": False})

    return app


def test_no_cookie_leaves_in_trailers_and_all_else_does() -> None:
    app = with_trailers(b"set-cookie: _ga=1", b"Set-Cookie: sessionid=1", b"SET-COOKIE2: a=1", b"server-timing: a")
    *_, trailers = asyncio.run(call(asgi(app)[0], scope()))
    assert trailers == {
        "type": "http.response.trailers",
        "headers": [(b"server-timing", b"a")],
        "more_trailers": False,
    }


def test_trailers_stay_as_they_are_where_the_gate_only_reports() -> None:
    app = with_trailers(b"set-cookie: _ga=1", b"server-timing: a")
    *_, trailers = asyncio.run(call(asgi(app, '[enforcement]\nmode = "report-only"\n')[0], scope()))
    assert list(trailers["headers"]) == [(b"set-cookie", b"_ga=1"), (b"server-timing", b"a")]


# --- faults of the app -----------------------------------------------------------------------------------------------


class AppError(Exception):
    pass


def test_an_app_that_raises_before_its_head_is_recorded_without_a_status() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AppError

    middleware, log = asgi(app)
    with pytest.raises(AppError):
        asyncio.run(call(middleware, scope(b"Cookie: _ga=1")))
    status, verdicts, _ = log.one()
    assert (status, [*map(written, verdicts)]) == (None, ["request _ga drop undecided"])


def test_an_app_that_raises_behind_its_head_is_recorded_with_its_status() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(b"Set-Cookie: _ga=1", status=202)(scope, receive, send)
        raise AppError

    middleware, log = asgi(app)
    with pytest.raises(AppError):
        asyncio.run(call(middleware, scope()))
    status, verdicts, _ = log.one()
    assert (status, [*map(written, verdicts)]) == (202, ["response _ga drop undecided"])


def test_an_exchange_that_is_cancelled_is_recorded() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    middleware, log = asgi(app)

    async def leave() -> None:
        task = asyncio.create_task(call(middleware, scope(b"Cookie: _ga=1")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(leave())
    assert log.one()[0] is None


def test_a_server_that_raises_in_send_is_heard_by_the_app() -> None:
    heard = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except OSError as error:
            heard.append(error)

    async def send(message: Message) -> None:
        raise OSError("gone")

    asyncio.run(asgi(app)[0](scope(), nothing_more, send))
    assert len(heard) == 1


# --- context and concurrency -----------------------------------------------------------------------------------------

_word = contextvars.ContextVar("word", default="unset")


def test_context_variables_go_in_and_come_out() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert _word.get() == "from the caller"
        await answering()(scope, receive, send)
        _word.set("from the app")

    async def exchange() -> str:
        _word.set("from the caller")
        await call(asgi(app)[0], scope())
        return _word.get()

    assert asyncio.run(exchange()) == "from the app"


def test_fifty_exchanges_at_once_do_not_mix_up_their_choices() -> None:
    count = 50
    dice = random.Random(5)
    choices = [dice.sample(["statistics", "marketing"], dice.randint(0, 2)) for _ in range(count)]
    arrived = 0
    all_there = asyncio.Event()
    seen: dict[str, bytes] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == count:
            all_there.set()
        await all_there.wait()
        number = int(scope["path"].removeprefix("/"))
        for _ in range(number * 7 % 11):
            await asyncio.sleep(0)
        seen[scope["path"]] = dict(scope["headers"])[b"cookie"]
        await answering(b"Set-Cookie: _ga_%d=g" % number, b"Set-Cookie: _fbp=f%d" % number)(scope, receive, send)

    middleware, log = asgi(app)

    async def one(number: int) -> list[Message]:
        cookies = b"_ga_%d=g; _fbp=f%d; " % (number, number) + choice(*choices[number])
        return await call(middleware, scope(b"Cookie: " + cookies, path=f"/{number}"))

    async def everyone() -> list[list[Message]]:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(*map(one, range(count)))

    answers = asyncio.run(everyone())
    for number, sent in enumerate(answers):
        ga, fbp = b"_ga_%d=g" % number, b"_fbp=f%d" % number
        wanted = [ga] * ("statistics" in choices[number]) + [fbp] * ("marketing" in choices[number])
        assert [value for name, value in sent[0]["headers"] if name == b"Set-Cookie"] == wanted
        assert seen[f"/{number}"].split(b"; ")[:-1] == wanted
    assert log.finished.qsize() == count


# --- reload ----------------------------------------------------------------------------------------------------------


def test_an_exchange_under_way_keeps_the_gate_that_it_began_with() -> None:
    async def exchange() -> tuple[list[Message], list[Message]]:
        reached, swapped = asyncio.Event(), asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            reached.set()
            await swapped.wait()
            await answering(b"Set-Cookie: new=1", b"Set-Cookie: _ga=1")(scope, receive, send)

        middleware, _ = asgi(app, '[enforcement]\nunlisted = "allow"\n')
        under_way = asyncio.create_task(call(middleware, scope()))
        await reached.wait()
        middleware.gatehouse.policy = policy()
        swapped.set()
        return await under_way, await call(middleware, scope())

    before, after = asyncio.run(exchange())
    assert before[0]["headers"] == [(b"Set-Cookie", b"new=1")]
    assert after[0]["headers"] == []


def test_a_switch_of_mode_takes_effect_with_the_next_exchange() -> None:
    middleware, _ = asgi(answering(b"Set-Cookie: _ga=1"))
    assert asyncio.run(call(middleware, scope()))[0]["headers"] == []
    middleware.gatehouse.policy = policy('[enforcement]\nmode = "off"\n')
    assert asyncio.run(call(middleware, scope()))[0]["headers"] == [(b"Set-Cookie", b"_ga=1")]


def test_the_policy_in_force_can_be_read() -> None:
    middleware, _ = asgi(answering())
    other = policy('[enforcement]\nmode = "off"\n')
    middleware.gatehouse.policy = other
    assert middleware.gatehouse.policy is other


def test_a_clock_is_read_for_each_exchange() -> None:
    middleware, _ = asgi(answering(b"Set-Cookie: _ga=1"))
    asked = scope(b"Cookie: " + ACCEPTED)
    assert asyncio.run(call(middleware, asked))[0]["headers"] != []
    middleware.gatehouse.clock = lambda: NOW + 181 * DAY
    assert asyncio.run(call(middleware, asked))[0]["headers"] == []


def test_without_a_log_of_its_own_it_writes_to_the_programs_logger() -> None:
    assert isinstance(ConsentMiddleware(answering(), policy()).gatehouse.log.sink, LoggerSink)


# --- WebSocket -------------------------------------------------------------------------------------------------------


def handshake(*messages: Message) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def test_the_answer_to_a_handshake_is_judged_with_101() -> None:
    accept = {
        "type": "websocket.accept",
        "subprotocol": "chat",
        "headers": fields_of([b"set-cookie: _ga=1", b"set-cookie: sessionid=1", b"set-cookie: _fbp=; Max-Age=0"]),
    }
    middleware, log = asgi(handshake(accept))
    (sent,) = asyncio.run(call(middleware, scope(b"Cookie: _ga=1", kind="websocket")))
    assert sent["subprotocol"] == "chat"
    assert sent["headers"][:2] == [(b"set-cookie", b"sessionid=1"), (b"set-cookie", b"_fbp" + DELETED)]
    status, verdicts, _ = log.one()
    assert status == 101
    assert [*map(written, verdicts)] == [
        "request _ga drop undecided",
        "response _ga drop undecided",
        "response sessionid pass required",
        "response _fbp rewrite deletion",
    ]


def test_a_handshake_without_fields_is_accepted() -> None:
    middleware, log = asgi(handshake({"type": "websocket.accept"}))
    (sent,) = asyncio.run(call(middleware, scope(kind="websocket")))
    assert sent["type"] == "websocket.accept"
    assert list(sent.get("headers", ())) == []
    assert log.one()[0] == 101


def test_the_cookies_of_a_handshake_are_stripped() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    asyncio.run(call(asgi(app)[0], scope(b"Cookie: _ga=1; sessionid=s; " + REFUSED, kind="websocket")))
    assert [value for name, value in seen[0]["headers"] if name == b"cookie"] == [b"sessionid=s; " + REFUSED]


def test_the_fields_of_a_handshake_that_is_denied_are_judged() -> None:
    start = {
        "type": "websocket.http.response.start",
        "status": 401,
        "headers": fields_of([b"set-cookie: _ga=1", b"www-authenticate: Basic"]),
    }
    body = {"type": "websocket.http.response.body", "body": b"no"}
    middleware, log = asgi(handshake(start, body))
    sent = asyncio.run(call(middleware, scope(kind="websocket", extensions={"websocket.http.response": {}})))
    assert sent == [start | {"headers": [(b"www-authenticate", b"Basic")]}, body]
    assert log.one()[0] == 401


def test_frames_and_the_end_of_a_websocket_pass_untouched() -> None:
    messages: list[Message] = [
        {"type": "websocket.send", "text": "Set-Cookie: _ga=1"},
        {"type": "websocket.send", "bytes": b"\x00"},
        {"type": "websocket.close", "code": 1000, "reason": ""},
    ]
    sent = asyncio.run(call(asgi(handshake({"type": "websocket.accept"}, *messages))[0], scope(kind="websocket")))
    assert [id(message) for message in sent[1:]] == [id(message) for message in messages]


def test_a_handshake_that_is_closed_without_an_answer_is_recorded_without_a_status() -> None:
    middleware, log = asgi(handshake({"type": "websocket.close", "code": 1008}))
    asyncio.run(call(middleware, scope(b"Cookie: _ga=1", kind="websocket")))
    assert log.one()[0] is None
