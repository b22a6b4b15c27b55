"""What leaves for the upstream, seen on a raw socket: target, fields, Host, framing."""

from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.proxy import Limits, ReverseProxy
from tests.proxy.conftest import Gate
from tests.proxy.origin import OK, Line, Origin, answer
from tests.proxy.visitor import request

Exchange = Callable[..., Any]

ODD_TARGETS = [
    b"/",
    b"/a/b?c=d",
    b"/a%2Fb%2fc",
    b"/a/../b/./c/..",
    b"/%2e%2e/%2E%2E/etc/passwd",
    b"//double//slashes//",
    b"/a//../b?x=//../y",
    b"/;params;a=1/b,c",
    b"/sp%20ace/%C3%A9/%ff/%00/%zz/%",
    b'/odd|{}"<>^`\\~!$&()*+:@=[]',
    b"/q?a=%20&b=+&c=%2B&d=%26&&&=",
    b"/q??&?",
    b"/q?q=a'b|{}\"<>^`\\[]",
    b"/UPPER/lower?Mixed=CASE",
    b"/" + b"long/" * 3000,
]


@pytest.mark.parametrize("target", ODD_TARGETS, ids=lambda target: target[:30].decode())
def test_the_target_leaves_octet_for_octet(exchange: Exchange, target: bytes) -> None:
    origin, _, visitor = exchange(OK)
    assert visitor.get(target).status == 200
    assert origin.lines[0] == b"GET " + target + b" HTTP/1.1"


def test_a_fragment_and_an_empty_query_are_what_the_server_does_not_tell_us(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.get(b"/a?#fragment")
    assert origin.lines[0] == b"GET /a HTTP/1.1"


def test_a_target_with_octets_that_no_target_may_have_is_refused(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    assert visitor.get(b"/?q=\xc3\xa9").status == 400
    assert origin.connections == 0


def test_options_asterisk_stays_an_asterisk(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.send(request(b"*", method=b"OPTIONS"))
    assert visitor.response().status == 200
    assert origin.lines[0] == b"OPTIONS * HTTP/1.1"


def test_absolute_form_becomes_origin_form(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.get(b"http://shop.example/a%2Fb?c")
    assert origin.lines[0] == b"GET /a%2Fb?c HTTP/1.1"


@pytest.mark.parametrize(
    ("path", "target", "leaves"),
    [
        ("/base", b"/a%2Fb", b"/base/a%2Fb"),
        ("/base/", b"/a", b"/base/a"),
        ("/base", b"/", b"/base/"),
        ("/b%20c", b"/../x", b"/b%20c/../x"),
        ("/", b"//x", b"//x"),
    ],
)
def test_the_path_of_the_upstream_url_goes_before_the_path(
    exchange: Exchange, path: str, target: bytes, leaves: bytes
) -> None:
    origin, _, visitor = exchange(OK, path=path)
    visitor.get(target)
    assert origin.lines[0] == b"GET " + leaves + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("target", "leaves"),
    [
        (b"/", b"/"),
        (b"/a%2Fb//c", b"/a%2Fb//c"),
        (b"/legacy/app/x", b"/legacy/app/x"),
    ],
)
def test_a_servers_root_path_is_not_sent_on(
    origins: Callable[..., Origin], gates: Callable[..., Gate], target: bytes, leaves: bytes
) -> None:
    origin = origins(OK)
    gate = gates(ReverseProxy(origin.url), root_path="/legacy/app")
    with gate.visit() as visitor:
        visitor.get(target)
    assert origin.lines[0] == b"GET " + leaves + b" HTTP/1.1"


def test_field_order_and_duplicates_and_octets_stay(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    lines = [
        b"b-second: 2",
        b"cookie: a=1; b=2",
        b"a-first: 1",
        b"cookie: c=3",
        b"x-latin: caf\xe9 \xff\x80",
        b"b-second: again, and  two spaces",
        b"x-empty: ",
        b'x-quoted: "a, b"; c="d',
    ]
    visitor.get(b"/", *lines)
    sent = [
        line for line in origin.lines[1:] if not line.lower().startswith((b"host:", b"x-forwarded-", b"connection:"))
    ]
    assert sent == lines


def test_no_field_is_added_but_the_forwarding_ones_and_connection(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.get()
    assert origin.lines == [
        b"GET / HTTP/1.1",
        b"Host: shop.example",
        b"X-Forwarded-For: 127.0.0.1",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: shop.example",
        b"Connection: close",
    ]


def test_hop_by_hop_and_nominated_fields_stay_here(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.get(
        b"/",
        b"Connection: keep-alive, X-Secret, Cookie, X-Forwarded-For, Host",
        b"Keep-Alive: timeout=5",
        b"X-Secret: for this hop",
        b"TE: trailers",
        b"Trailer: X-Sum",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: Basic abc",
        b"Cookie: a=1",
        b"X-Kept: yes",
    )
    names = [line.partition(b":")[0].lower() for line in origin.lines[1:]]
    assert names == [
        b"host",
        b"cookie",
        b"x-kept",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"connection",
    ]
    assert origin.lines[-1] == b"Connection: close"


def test_an_upgrade_is_not_asked_for(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    assert visitor.get(b"/", b"Connection: upgrade", b"Upgrade: h2c").status == 200
    assert b"upgrade" not in origin.head.lower()


@pytest.mark.parametrize(
    ("setting", "leaves"),
    [("preserve", b"shop.example"), ("upstream", None), ("literal.internal:81", b"literal.internal:81")],
)
def test_host_is_preserved_or_the_upstreams_or_a_literal(
    exchange: Exchange, setting: str, leaves: bytes | None
) -> None:
    origin, _, visitor = exchange(OK, host=setting)
    visitor.get()
    expected = b"127.0.0.1:%d" % origin.port if leaves is None else leaves
    assert [line for line in origin.lines if line.lower().startswith(b"host:")] == [b"Host: " + expected]
    assert b"X-Forwarded-Host: shop.example" in origin.lines


def test_http_1_0_without_host_is_asked_with_the_upstreams(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    visitor.send(b"GET / HTTP/1.0\r\n\r\n")
    assert visitor.response().status == 200
    assert origin.lines[:2] == [b"GET / HTTP/1.1", b"Host: 127.0.0.1:%d" % origin.port]
    assert b"x-forwarded-host" not in origin.head.lower()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_400(exchange: Exchange, head: bytes) -> None:
    origin, _, visitor = exchange(OK)
    visitor.send(head)
    status, _ = visitor.head()
    assert status == 400
    assert origin.connections == 0


def test_too_many_fields_are_refused_with_431(exchange: Exchange, log: Callable[[], list[str]]) -> None:
    origin, _, visitor = exchange(OK)
    assert visitor.get(b"/", *[b"X-%d: y" % number for number in range(199)]).status == 200
    assert visitor.get(b"/", *[b"X-%d: y" % number for number in range(200)]).status == 431
    assert origin.connections == 1
    assert log() == ["431 for GET /: it has more than 200 fields"]


def test_a_head_that_is_too_large_is_refused_with_431(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK, proxy={"limits": Limits(request_head=1000)})
    assert visitor.get(b"/" + b"p" * 400, b"X: " + b"y" * 400).status == 200
    assert visitor.get(b"/" + b"p" * 500, b"X: " + b"y" * 500).status == 431
    assert visitor.get(b"/?" + b"q" * 1000).status == 431
    assert origin.connections == 1


def test_trailers_do_not_become_fields(exchange: Exchange) -> None:
    def script(line: Line) -> None:
        line.read_head()
        assert line.read_chunked() == b"abc"
        line.send(OK)

    origin, _, visitor = exchange(script)
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", b"Trailer: Cookie", method=b"POST"))
    # The gate has read the head when the origin has it.
    origin.wait_heads()
    visitor.send(b"3\r\nabc\r\n0\r\nCookie: trailed=1\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
    assert visitor.response().status == 200
    origin.wait_ended()
    assert b"trailed" not in origin.head
    assert b"6.6.6.6" not in origin.head


@pytest.mark.xfail(
    reason="uvicorn (httptools) has appended them before the app is called: only its own protocol can tell"
)
def test_trailers_that_come_in_one_read_with_the_head_do_not_become_fields(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    trailed = b"0\r\nCookie: trailed=1\r\n\r\n"
    visitor.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST", body=trailed))
    assert visitor.response().status == 200
    assert b"trailed" not in origin.head


def test_a_get_without_a_body_sends_no_framing(exchange: Exchange) -> None:
    origin, _, visitor = exchange(answer(OK, then=lambda line: line.read_to_end()))
    visitor.get()
    assert b"transfer-encoding" not in origin.head.lower()
    assert b"content-length" not in origin.head.lower()


def test_every_method_of_the_server_arrives_as_it_is(exchange: Exchange) -> None:
    origin, _, visitor = exchange(OK)
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"PROPFIND", b"PURGE"):
        visitor.send(request(b"/", method=method))
        visitor.response(to=method)
        assert origin.heads[-1].startswith(method + b" / HTTP/1.1\r\n")
