"""Cookies are judged wherever they can travel, and what is not refused passes octet for octet."""

import pytest

from tests.plane.stage import OK, once, serving
from tests.plane.visits import Wire, get

pytestmark = pytest.mark.consent

ALLOWED = [
    b"sessionid=abc; Path=/; HttpOnly; SameSite=Lax",
    b"lang=caf\xe9\xff; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
    b"lang=a=1, b=2;Secure;;  Odd = one",
    b'sessionid="x"; path=/',
    b"lang=",
]
REFUSED = [b"_ga=1; Path=/", b"tracker=v4lue; Max-Age=999", b"nameless", b"=x", b"SESSIONID=1", b"_ga=1, lang=2"]


def answered(status: int, *lines: bytes) -> bytes:
    """A response with this status and these lines, of a length that holds for every status."""
    framing = [] if status in (204, 304) else [b"Content-Length: 0"]
    return b"\r\n".join([b"HTTP/1.1 %d Whatever" % status, *lines, *framing, b"", b""])


@pytest.mark.parametrize(
    "status",
    [200, 201, 204, 205, 206, 226, 299, 300, 301, 302, 304, 307, 308, 400, 401, 404, 429, 451, 500, 502, 503, 599],
)
def test_a_set_cookie_is_judged_whatever_the_status(wire: Wire, status: int) -> None:
    wire.play(answered(status, b"Set-Cookie: _ga=1", b"Set-Cookie: sessionid=1", b"set-cookie: tracker=2"), OK)
    visitor = wire.visit()
    reply = visitor.ask(get())
    assert reply.status == status
    assert reply.values(b"set-cookie") == [b"sessionid=1"]


@pytest.mark.parametrize("value", ALLOWED, ids=lambda value: repr(value[:24])[2:-1])
@pytest.mark.parametrize("name", [b"Set-Cookie", b"set-cookie", b"SET-COOKIE"], ids=lambda name: name.decode())
def test_an_allowed_set_cookie_leaves_octet_for_octet(wire: Wire, value: bytes, name: bytes) -> None:
    line = name + b": " + value
    wire.play(answered(200, b"X-First: 1", line, b"X-Last: 2"))
    assert wire.ask(get()).other_than(b"content-length", b"cache-control") == [b"X-First: 1", line, b"X-Last: 2"]


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: repr(value)[2:-1])
@pytest.mark.parametrize("name", [b"Set-Cookie", b"set-cookie", b"sEt-cOOKIE"], ids=lambda name: name.decode())
@pytest.mark.parametrize("colon", [b":", b": ", b":\t"], ids=["bare", "space", "tab"])
def test_a_refused_set_cookie_does_not_leave_however_it_is_written(
    wire: Wire, value: bytes, name: bytes, colon: bytes
) -> None:
    wire.play(answered(200, b"X-First: 1", name + colon + value, b"X-Last: 2"))
    assert wire.ask(get()).other_than(b"content-length") == [b"X-First: 1", b"X-Last: 2"]


def test_many_set_cookies_stay_lines_of_their_own_in_order(wire: Wire) -> None:
    lines = [b"Set-Cookie: %s=%d" % (name, number) for number in range(10) for name in (b"sessionid", b"_ga", b"lang")]
    wire.play(answered(200, *lines))
    reply = wire.ask(get())
    assert reply.values(b"set-cookie") == [line[12:] for line in lines if b"_ga" not in line]


def test_set_cookie2_never_leaves(wire: Wire) -> None:
    wire.play(answered(200, b"Set-Cookie2: sessionid=1", b"set-cookie2: lang=1", b"X: y"))
    assert wire.ask(get()).other_than(b"content-length") == [b"X: y"]


@pytest.mark.parametrize("line", [b"Set-Cookie : sessionid=1", b"Set-Cookie\t: _ga=1", b" Set-Cookie: _ga=1"])
def test_a_set_cookie_that_only_some_browsers_read_is_502(wire: Wire, line: bytes) -> None:
    wire.play(answered(200, b"X: y", line), OK)
    reply = wire.ask(get())
    assert reply.status == 502
    assert b"set-cookie" not in b"".join(reply.lines).lower()


def test_a_set_cookie_is_judged_in_a_response_to_head(wire: Wire) -> None:
    wire.play(b"HTTP/1.1 200 OK\r\nSet-Cookie: _ga=1\r\nSet-Cookie: lang=1\r\nContent-Length: 9\r\n\r\n")
    reply = wire.ask(b"HEAD / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    assert reply.values(b"set-cookie") == [b"lang=1"]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nSet-Cookie: _ga=1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: _ga=1\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nSet-Cookie: _ga=1\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["chunked", "close_delimited", "1.0"],
)
def test_a_set_cookie_is_judged_whatever_the_framing(wire: Wire, head: bytes) -> None:
    wire.play(once(head))
    reply = wire.ask(get())
    assert (reply.body, reply.values(b"set-cookie")) == (b"ok", [])


REQUESTS = {
    "allowed": (b"Cookie: sessionid=1; lang=x", [b"sessionid=1; lang=x"]),
    "mixed": (b"Cookie: sessionid=1; _ga=2; lang=x", [b"sessionid=1; lang=x"]),
    "refused": (b"Cookie: _ga=2; tracker=1", []),
    "odd_octets": (b'Cookie: sessionid=caf\xe9; _ga=\xff; lang="a"', [b'sessionid=caf\xe9; lang="a"']),
    "lower_case_name": (b"cookie: _ga=2; lang=x", [b"lang=x"]),
    "upper_case_name": (b"COOKIE:lang=x;_ga=2", [b"lang=x"]),
    "no_space": (b"Cookie: sessionid=1;lang=x", [b"sessionid=1;lang=x"]),
    "same_name_twice": (b"Cookie: lang=1; lang=2", [b"lang=1; lang=2"]),
}


@pytest.mark.parametrize(("line", "arrives"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_requests_cookies_arrive_as_they_may_and_octet_for_octet(
    wire: Wire, line: bytes, arrives: list[bytes]
) -> None:
    wire.passes(get(b"/", b"X-First: 1", line, b"X-Last: 2"))
    assert wire.stage.request.values(b"cookie") == arrives
    assert [name for name in wire.stage.request.names if name.startswith(b"x-") and b"forw" not in name] == [
        b"x-first",
        b"x-last",
    ]


def test_several_cookie_lines_are_sifted_each(wire: Wire) -> None:
    wire.passes(get(b"/", b"Cookie: lang=1; _ga=1", b"X: y", b"cookie: _ga=2", b"COOKIE: sessionid=3"))
    assert wire.stage.request.values(b"cookie") == [b"lang=1", b"sessionid=3"]


@pytest.mark.parametrize("line", [b"Cookie : _ga=1", b"Cookie\t: _ga=1", b" Cookie: _ga=1", b"X: y\nCookie: _ga=1"])
def test_a_cookie_line_that_only_some_servers_read_is_refused(wire: Wire, line: bytes) -> None:
    assert wire.ask(get(b"/", b"X: y", line)).status == 400
    assert wire.stage.heads == []


def test_what_one_visitor_was_given_is_not_sent_by_another(wire: Wire) -> None:
    """The gate keeps no jar."""
    wire.play(answered(200, b"Set-Cookie: sessionid=mine; Path=/"))
    assert wire.ask(get()).values(b"set-cookie") == [b"sessionid=mine; Path=/"]
    wire.ask(get())
    assert b"cookie" not in wire.stage.requests[1].names


def test_a_browser_that_keeps_a_cookie_is_asked_once_on_a_connection(wire: Wire) -> None:
    wire.play(serving(OK, OK, OK, OK))
    with wire.visit() as visitor:
        first, again, other, last = (
            visitor.ask(get(b"/", b"Sec-Fetch-Mode: navigate", b"Cookie: _ga=" + value))
            for value in (b"1", b"1", b"2", b"2")
        )
    assert [bool(reply.values(b"set-cookie")) for reply in (first, again, other, last)] == [True, False, True, False]


def test_a_cookie_is_deleted_where_the_app_was_seen_to_set_it(wire: Wire) -> None:
    wire.play(serving(answered(200, b"Set-Cookie: visited=1; Path=/shop; Domain=.shop.example"), OK))
    with wire.visit() as visitor:
        assert not visitor.ask(get()).values(b"set-cookie")
        reply = visitor.ask(get(b"/", b"Accept: text/html", b"Cookie: visited=1"))
    where = [value.partition(b"GMT; ")[2] for value in reply.values(b"set-cookie")]
    assert where == [b"Domain=shop.example; Path=/shop", b"Path=/", b"Domain=shop.example; Path=/"]
