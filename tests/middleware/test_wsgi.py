"""WSGIConsentMiddleware as a citizen of PEP 3333: when it judges, what it hands on, and when it records."""

import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from tests.conformance.case import Case, choice, rule, written
from tests.conformance.servers import WsgiServer, ask
from tests.middleware.calling import PATIENCE, Server, environ, policy, wsgi

TEXT = ("Content-Type", "text/plain")
GA = ("Set-Cookie", "_ga=1")
SESSION = ("Set-Cookie", "sessionid=1")
StartResponse = Callable[..., Any]


class AppError(Exception):
    pass


class Body:
    """An iterable that says what is done to it."""

    def __init__(self, *parts: bytes, fault: Exception | None = None) -> None:
        self.parts = parts
        self.fault = fault
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        if self.fault is not None:
            raise self.fault

    def close(self) -> None:
        self.closed += 1


def answering(result: Iterable[bytes], *fields: tuple[str, str], status: str = "200 OK") -> Any:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [TEXT, *fields])
        return result

    return app


# --- when the head is judged -----------------------------------------------------------------------------------------


def test_an_app_that_starts_its_response_on_the_first_iteration_is_judged() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response("201 Created", [TEXT, GA, SESSION])
        yield b"one"
        yield b"two"

    middleware, log = wsgi(app)
    server = Server().serve(middleware, environ())
    assert server.head == ("201 Created", [TEXT, SESSION])
    assert server.body == b"onetwo"
    status, verdicts, _ = log.one()
    assert status == 201
    assert [*map(written, verdicts)] == ["response _ga drop undecided", "response sessionid pass required"]


def test_nothing_is_asked_of_a_lazy_app_before_the_server_iterates() -> None:
    begun = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        begun.append(True)
        start_response("200 OK", [TEXT])
        yield b""

    result = wsgi(app)[0](environ(), Server().start_response)
    assert begun == []
    result.close()


def test_each_part_leaves_before_the_next_is_made() -> None:
    order = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [TEXT])
        for part in (b"one", b"two"):
            order.append(f"made {part.decode()}")
            yield part

    result = wsgi(app)[0](environ(), Server().start_response)
    order.extend(f"left {part.decode()}" for part in result)
    result.close()
    assert order == ["made one", "left one", "made two", "left two"]


def test_a_second_start_with_exc_info_takes_the_place_of_the_first() -> None:
    exc_infos = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [TEXT, GA, ("Set-Cookie", "theme=dark")])
        try:
            raise AppError
        except AppError:
            exc_infos.append(sys.exc_info())
            start_response("500 Oh", [TEXT, SESSION, ("Set-Cookie", "_fbp=1")], sys.exc_info())
        return [b"sorry"]

    middleware, log = wsgi(app)
    server = Server().serve(middleware, environ("_ga=1"))
    assert server.head == ("500 Oh", [TEXT, SESSION])
    assert server.exc_infos == exc_infos
    status, verdicts, _ = log.one()
    assert status == 500
    # What the visitor never saw is no verdict; what was stripped from the request stays one.
    assert [*map(written, verdicts)] == [
        "request _ga drop undecided",
        "response sessionid pass required",
        "response _fbp drop undecided",
    ]


def test_leftovers_are_expired_once_when_a_response_starts_twice() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [TEXT])
        try:
            raise AppError
        except AppError:
            start_response("500 Oh", [TEXT], sys.exc_info())
        return []

    middleware, log = wsgi(app)
    server = Server().serve(middleware, environ("_ga=1", HTTP_SEC_FETCH_MODE="navigate"))
    assert len(server.set_cookies) == 3
    assert [*map(written, log.one()[1])] == ["request _ga drop undecided", *["response _ga expire undecided"] * 3]


def test_a_second_start_behind_the_head_raises_as_the_server_does_and_the_first_head_counts() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [TEXT, GA])
        yield b"begun"
        try:
            raise AppError
        except AppError:
            start_response("500 Oh", [TEXT, ("Set-Cookie", "_fbp=1")], sys.exc_info())

    middleware, log = wsgi(app)
    server = Server()
    with pytest.raises(AppError):
        server.serve(middleware, environ())
    assert server.head == ("200 OK", [TEXT])
    status, verdicts, _ = log.one()
    assert (status, [*map(written, verdicts)]) == (200, ["response _ga drop undecided"])


def test_a_second_start_without_exc_info_is_the_apps_mistake_as_it_would_be_with_the_server() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [TEXT])
        start_response("200 OK", [TEXT])
        return []

    with pytest.raises(AssertionError, match="again without exc_info"):
        Server().serve(wsgi(app)[0], environ())


def test_start_response_may_be_called_with_exc_info_by_name_or_not_at_all() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [TEXT], exc_info=None)
        return [b"ok"]

    def strict(status: str, headers: list[tuple[str, str]]) -> Callable[[bytes], None]:
        return lambda data: None

    # A server that knows no third argument is asked for none.
    assert b"".join(wsgi(app)[0](environ(), strict)) == b"ok"


def test_a_field_that_no_server_could_send_is_the_apps_mistake() -> None:
    with pytest.raises(UnicodeEncodeError):
        Server().serve(wsgi(answering([], ("X-Name", "žluť")))[0], environ())


def test_fields_of_any_list_and_tuples_of_any_kind_are_taken() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", (field for field in ([*TEXT], [*GA], [*SESSION])))
        return []

    server = Server().serve(wsgi(app)[0], environ())
    assert server.head == ("200 OK", [TEXT, SESSION])


def test_the_server_is_given_a_list_of_tuples_of_its_own() -> None:
    fields = [TEXT, GA]

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", fields)
        return []

    server = Server().serve(wsgi(app)[0], environ())
    assert server.head is not None
    assert type(server.head[1]) is list
    assert {type(field) for field in server.head[1]} == {tuple}
    assert fields == [TEXT, GA]


# --- write -----------------------------------------------------------------------------------------------------------


def test_the_write_callable_is_the_servers_own() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [TEXT, GA])
        write(b"written, ")
        return [b"returned"]

    middleware, log = wsgi(app)
    server = Server().serve(middleware, environ())
    assert (server.head, server.body) == (("200 OK", [TEXT]), b"written, returned")
    assert [*map(written, log.one()[1])] == ["response _ga drop undecided"]


# --- the body and its end --------------------------------------------------------------------------------------------


def test_the_apps_iterable_is_closed_exactly_once_and_the_exchange_recorded_once() -> None:
    body = Body(b"one", b"two")
    middleware, log = wsgi(answering(body))
    assert Server().serve(middleware, environ()).body == b"onetwo"
    assert body.closed == 1
    log.one()


def test_nothing_is_recorded_before_the_server_closes() -> None:
    middleware, log = wsgi(answering(Body(b"one")))
    result = middleware(environ(), Server().start_response)
    assert list(result) == [b"one"]
    assert log.finished.empty()
    result.close()
    log.one()


def test_an_iterable_without_close_is_recorded_too() -> None:
    middleware, log = wsgi(answering([b"one"]))
    Server().serve(middleware, environ())
    assert log.one()[0] == 200


def test_an_iterable_whose_close_raises_is_recorded_and_the_fault_heard() -> None:
    class Bad(Body):
        def close(self) -> None:
            raise AppError

    middleware, log = wsgi(answering(Bad(b"one")))
    with pytest.raises(AppError):
        Server().serve(middleware, environ())
    log.one()


def test_a_server_that_closes_twice_leaves_one_record() -> None:
    middleware, log = wsgi(answering(Body()))
    result = middleware(environ(), Server().start_response)
    result.close()
    result.close()
    log.one()


def test_an_iterable_that_raises_is_closed_and_recorded() -> None:
    body = Body(b"one", fault=AppError())
    middleware, log = wsgi(answering(body, GA))
    server = Server()
    with pytest.raises(AppError):
        server.serve(middleware, environ())
    assert (server.body, body.closed) == (b"one", 1)
    status, verdicts, _ = log.one()
    assert (status, [*map(written, verdicts)]) == (200, ["response _ga drop undecided"])


def test_a_generator_that_raises_before_its_head_is_recorded_without_a_status() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        raise AppError
        yield b""

    middleware, log = wsgi(app)
    with pytest.raises(AppError):
        Server().serve(middleware, environ("_ga=1"))
    status, verdicts, _ = log.one()
    assert (status, [*map(written, verdicts)]) == (None, ["request _ga drop undecided"])


@pytest.mark.parametrize("starts", [False, True])
def test_an_app_that_raises_when_called_is_recorded_once(starts: bool) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        if starts:
            start_response("202 Accepted", [TEXT, GA])
        raise AppError

    middleware, log = wsgi(app)
    with pytest.raises(AppError):
        Server().serve(middleware, environ())
    assert log.one()[0] == (202 if starts else None)


def test_a_server_that_stops_half_way_closes_the_app() -> None:
    body = Body(b"one", b"two")
    middleware, log = wsgi(answering(body))
    result = middleware(environ(), Server().start_response)
    assert next(iter(result)) == b"one"
    result.close()
    assert body.closed == 1
    log.one()


@pytest.mark.parametrize("result", [[], [b"one"], (b"one", b"two"), {b"one": 1}])
def test_an_iterable_with_a_length_has_it_still(result: Any) -> None:
    # Servers make a Content-Length of the only part of a body.
    assert len(wsgi(answering(result))[0](environ(), Server().start_response)) == len(result)


@pytest.mark.parametrize("result", [Body(b"one"), iter([b"one"]), (part for part in [b"one"])])
def test_an_iterable_without_a_length_has_none(result: Any) -> None:
    given = wsgi(answering(result))[0](environ(), Server().start_response)
    # waitress asks hasattr() and then len(), so a __len__ that raises would be an error page for each stream.
    assert not hasattr(given, "__len__")
    assert bool(given)
    assert list(given) == [b"one"]


@pytest.mark.parametrize("result", [["text"], None, 5])
def test_a_result_that_is_none_is_the_servers_to_complain_of(result: Any) -> None:
    middleware, log = wsgi(answering(result))
    given = middleware(environ(), Server().start_response)
    if result == ["text"]:
        assert list(given) == ["text"]
    else:
        with pytest.raises(TypeError):
            iter(given)
    given.close()
    assert log.one()[0] == 200


# --- the environ -----------------------------------------------------------------------------------------------------


def seen_by(middleware_policy: str, given: dict[str, Any]) -> tuple[dict[str, Any], list[str], list[str]]:
    """The environ that an app sees, what the visitor is told to store, and the verdicts."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [TEXT, SESSION, ("Set-Cookie", "_fbp=1")])
        return []

    middleware, log = wsgi(app, middleware_policy)
    server = Server().serve(middleware, given)
    return seen, server.set_cookies, [*map(written, log.one()[1])]


def test_the_callers_environ_stays_as_it_was() -> None:
    given = environ("_ga=1; sessionid=s")
    before = dict(given)

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        assert type(environ) is dict
        environ["PATH_INFO"] = "/changed"
        start_response("200 OK", [TEXT])
        return []

    Server().serve(wsgi(app)[0], given)
    assert given == before


def test_cookies_are_stripped_and_all_else_is_as_it_was() -> None:
    given = environ("_ga=1; sessionid=s", HTTP_X_A="1", **{"some.thing": object()})
    seen, _, _ = seen_by("", given)
    assert seen == given | {"HTTP_COOKIE": "sessionid=s"}


def test_an_environ_whose_cookies_all_go_has_no_cookie() -> None:
    assert "HTTP_COOKIE" not in seen_by("", environ("_ga=1"))[0]


def test_an_empty_cookie_stays_empty() -> None:
    assert seen_by("", environ(""))[0]["HTTP_COOKIE"] == ""


def test_octets_above_127_go_through_in_their_disguise() -> None:
    disguised = b"theme=\xc3\xa9\xff; _ga=1".decode("latin-1")
    assert seen_by("", environ(disguised))[0]["HTTP_COOKIE"] == b"theme=\xc3\xa9\xff".decode("latin-1")


@pytest.mark.parametrize(
    ("cookies", "stays"),
    [
        ("sessionid=s; _ga=ž; new=€", "sessionid=s"),
        ("sessionid=ž€😀; _ga=1", "sessionid=ž€😀"),
        ("sessionid=s\udcff; _ga=1", "sessionid=s\udcff"),
        ("sessionid=ž; theme=t", "sessionid=ž; theme=t"),
    ],
)
def test_a_cookie_that_is_no_latin_1_is_judged_and_breaks_no_page(cookies: str, stays: str) -> None:
    seen, stored, _ = seen_by("", environ(cookies))
    assert seen["HTTP_COOKIE"] == stays
    assert stored == ["sessionid=1"]


@pytest.mark.parametrize("key", ["HTTP_HOST", "PATH_INFO", "SCRIPT_NAME", "HTTP_ACCEPT", "HTTP_SEC_GPC", "SERVER_NAME"])
def test_an_environ_that_is_no_latin_1_elsewhere_breaks_no_page(key: str) -> None:
    given = environ("_ga=1", **{key: "/ž\udc80"})
    if key == "SERVER_NAME":
        del given["HTTP_HOST"]
    _, stored, _ = seen_by("", given)
    assert "sessionid=1" in stored
    assert not any(field.startswith("_fbp=1") for field in stored)


def test_an_environ_with_the_least_that_a_server_must_give_is_enough() -> None:
    seen, stored, _ = seen_by("", {"REQUEST_METHOD": "GET", "SERVER_NAME": "shop", "SERVER_PORT": "80"})
    assert (seen["SERVER_NAME"], stored) == ("shop", ["sessionid=1"])


PATHS = rule("_fbp", "necessary", paths='["/shop/ä"]')


@pytest.mark.parametrize(
    ("script", "path", "allowed"),
    [
        ("/shop", "/ä", True),
        ("", "/shop/ä", True),
        ("/shop/ä", "", True),
        ("/shop/ä", "/deeper", True),
        ("", "/ä", False),
        ("/shop", "", False),
        ("", "", False),
    ],
)
def test_a_rules_path_is_that_of_the_site_with_the_mount_before_it(script: str, path: str, allowed: bool) -> None:
    def disguised(text: str) -> str:
        return text.encode().decode("latin-1")

    given = environ(SCRIPT_NAME=disguised(script), PATH_INFO=disguised(path))
    assert ("_fbp=1" in seen_by(PATHS, given)[1]) is allowed


def test_an_empty_path_is_that_of_the_whole_site() -> None:
    assert "_fbp=1" in seen_by(rule("_fbp", "necessary", paths='["/"]'), environ(PATH_INFO=""))[1]


def test_a_path_that_is_no_utf_8_breaks_no_page() -> None:
    assert seen_by(PATHS, environ(PATH_INFO="/shop/\xff\xfe"))[1] == ["sessionid=1"]


def test_a_rules_host_is_the_one_that_the_visitor_asked_for() -> None:
    extra = rule("_fbp", "necessary", hosts='["shop.example.org"]')
    assert "_fbp=1" in seen_by(extra, environ(HTTP_HOST="Shop.Example.Org:8443", SERVER_NAME="127.0.0.1"))[1]
    assert "_fbp=1" not in seen_by(extra, environ(HTTP_HOST="other.example.org", SERVER_NAME="shop.example.org"))[1]


def test_signals_and_navigations_are_heard() -> None:
    _, stored, verdicts = seen_by("", environ("_pk_id=1", HTTP_SEC_GPC="1", HTTP_SEC_FETCH_MODE="navigate"))
    assert verdicts[0] == "request _pk_id drop signal"
    assert sum(field.startswith("_pk_id=; Max-Age=0") for field in stored) == 3


# --- servers ---------------------------------------------------------------------------------------------------------


def lazily(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [TEXT, GA, SESSION])
    yield b"lazy"


def writing(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [TEXT, GA, SESSION])(b"lazy")
    return []


def failing_first(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    start_response("500 Oh", [TEXT])
    try:
        raise AppError
    except AppError:
        start_response("200 OK", [TEXT, GA, SESSION], sys.exc_info())
    return [b"la", b"zy"]


@pytest.mark.parametrize("app", [lazily, writing, failing_first, answering([b"lazy"], GA, SESSION)])
def test_the_validator_of_the_standard_library_has_nothing_to_complain_of_on_either_side(app: Any) -> None:
    middleware, log = wsgi(validator(app))
    server = Server()
    result = validator(middleware)(environ("_ga=1; sessionid=s"), server.start_response)
    returned = b"".join(result)
    result.close()
    assert server.body + returned == b"lazy"
    assert server.set_cookies == ["sessionid=1"]
    log.one()


@pytest.fixture
def wsgiref_port() -> Iterator[Callable[[Any], int]]:
    """Puts a WSGI app behind wsgiref's own server."""
    servers = []

    class Silent(WSGIRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def get_stderr(self) -> io.StringIO:
            return io.StringIO()

    def serve(app: Any) -> int:
        server = make_server("127.0.0.1", 0, app, handler_class=Silent)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return server.server_port

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


def test_a_wrapped_file_arrives_and_is_closed(wsgiref_port: Callable[[Any], int]) -> None:
    file = io.BytesIO(b"content of a file")

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        assert environ["wsgi.file_wrapper"] is FileWrapper
        start_response("200 OK", [TEXT, GA])
        return environ["wsgi.file_wrapper"](file, 4)

    middleware, log = wsgi(app)
    status, fields, body = ask(wsgiref_port(middleware), Case("a file"))
    assert (status, body) == (200, b"content of a file")
    assert b"Set-Cookie" not in dict(fields)
    log.one()
    assert file.closed


def test_the_only_part_of_a_body_gets_its_content_length_from_the_server(wsgiref_port: Callable[[Any], int]) -> None:
    middleware, _ = wsgi(answering([b"four"]))
    _, fields, body = ask(wsgiref_port(middleware), Case("one part"))
    assert (dict(fields)[b"Content-Length"], body) == (b"4", b"four")


@pytest.mark.parametrize("result", [["text"], None, [5]])
def test_a_server_answers_an_app_that_returns_no_octets_as_it_would_without_the_gate(
    result: Any, wsgiref_port: Callable[[Any], int]
) -> None:
    app = answering(result)
    middleware, log = wsgi(app)
    assert ask(wsgiref_port(middleware), Case("no octets"))[0] == ask(wsgiref_port(app), Case("no octets"))[0] == 500
    assert log.one()[0] == 200


def test_threads_do_not_mix_up_their_visitors_choices() -> None:
    count = 24
    together = threading.Barrier(count)

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        number = environ["PATH_INFO"][1:]
        seen = environ.get("HTTP_COOKIE", "")
        together.wait(PATIENCE)
        start_response("200 OK", [TEXT, ("Set-Cookie", f"_ga_{number}=1"), ("Set-Cookie", f"_fbp={number}")])
        yield seen.encode("latin-1")

    middleware, log = wsgi(app)
    servers: dict[int, Server] = {}
    choices = {number: ["statistics", "marketing"][: number % 3] for number in range(count)}

    def visit(number: int) -> None:
        cookies = choice(*choices[number]).decode() + f"; _ga_{number}=1; _fbp={number}"
        servers[number] = Server().serve(middleware, environ(cookies, PATH_INFO=f"/{number}"))

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 2)
    for number in range(count):
        wanted = [f"_ga_{number}=1"] * ("statistics" in choices[number])
        wanted += [f"_fbp={number}"] * ("marketing" in choices[number])
        assert servers[number].set_cookies == wanted
        assert servers[number].body.decode().split("; ")[1:] == wanted
    assert log.finished.qsize() == count


def test_an_exchange_under_way_keeps_the_gate_that_it_began_with() -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        middleware.gatehouse.policy = policy()
        start_response("200 OK", [TEXT, ("Set-Cookie", "new=1")])
        yield b""

    middleware, _ = wsgi(app, '[enforcement]\nunlisted = "allow"\n')
    assert Server().serve(middleware, environ()).set_cookies == ["new=1"]
    assert Server().serve(middleware, environ()).set_cookies == []


def test_cookies_joined_with_a_comma_by_the_server_are_still_judged() -> None:
    case = Case("two lines", asks=[b"Cookie: sessionid=s", b"Cookie: _ga=1"])
    adapter = WsgiServer()
    try:
        came = adapter.exchange(case, case.load())
    finally:
        adapter.close()
    assert not any(b"_ga" in value for value in came.sees)
