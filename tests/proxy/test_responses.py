"""What the visitor gets: status, fields and body as the upstream sent them."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.proxy import Limits
from tests.proxy.origin import OK, answer
from tests.proxy.visitor import request

Exchange = Callable[..., Any]


def test_set_cookie_lines_stay_lines_and_keep_their_octets(exchange: Exchange) -> None:
    cookies = [
        b"sessionid=abc; Path=/; HttpOnly; SameSite=Lax",
        b"name=caf\xe9\xff; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        b"a=1, b=2",
        b'q="x; y"',
        b"sessionid=abc; Path=/; HttpOnly; SameSite=Lax",
        b"",
        b"=nameless;;;  spaces",
    ]
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"Set-Cookie: %s\r\n" % cookie for cookie in cookies)
    _, _, visitor = exchange(head + b"Content-Length: 0\r\n\r\n")
    assert visitor.get().values(b"set-cookie") == cookies


def test_field_order_and_duplicates_stay(exchange: Exchange) -> None:
    fields = [
        (b"server", b"origin/1"),
        (b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        (b"vary", b"Cookie"),
        (b"link", b"</a>; rel=preload"),
        (b"vary", b"Accept"),
        (b"content-length", b"2"),
        (b"link", b"</b>; rel=preload"),
    ]
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"%s: %s\r\n" % field for field in fields)
    _, _, visitor = exchange(head + b"\r\nok")
    assert visitor.get().fields == fields


def test_hop_by_hop_and_nominated_fields_stay_here(exchange: Exchange) -> None:
    _, _, visitor = exchange(
        b"HTTP/1.1 200 OK\r\nConnection: close, X-Internal, Set-Cookie\r\nKeep-Alive: timeout=5\r\nX-Internal: 1\r\n"
        b"Upgrade: h2c\r\nProxy-Authenticate: Basic\r\nTrailer: X-Sum\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok"
    )
    assert visitor.get().fields == [(b"set-cookie", b"a=1"), (b"content-length", b"2")]
    # The upstream's connection ended, the visitor's did not.
    assert visitor.get().status == 200


@pytest.mark.parametrize("status", [200, 201, 206, 226, 299, 301, 307, 400, 401, 404, 418, 451, 500, 503, 511, 599])
def test_a_status_passes_as_it_is(exchange: Exchange, status: int) -> None:
    _, _, visitor = exchange(b"HTTP/1.1 %d Whatever\r\nContent-Length: 2\r\n\r\nno" % status)
    response = visitor.get()
    assert (response.status, response.body) == (status, b"no")


def test_a_compressed_body_passes_undecoded(exchange: Exchange) -> None:
    body = gzip.compress(b"hello" * 100)
    _, _, visitor = exchange(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    response = visitor.get()
    assert response.body == body
    assert response.values(b"content-encoding") == [b"gzip"]


def test_a_body_that_ends_with_the_connection_arrives_whole(exchange: Exchange) -> None:
    _, _, visitor = exchange(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end")
    assert visitor.get().body == b"until the end"


def test_trailers_of_the_upstream_do_not_reach_the_visitor(exchange: Exchange) -> None:
    _, _, visitor = exchange(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n"
        b"2\r\nok\r\n0\r\nSet-Cookie: a=1\r\n\r\n"
    )
    response = visitor.get()
    assert response.body == b"ok"
    assert response.values(b"set-cookie") == []
    assert visitor.get().status == 200


def test_interim_responses_do_not_pass_for_the_response(exchange: Exchange) -> None:
    _, _, visitor = exchange(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nSet-Cookie: early=1\r\n\r\n" + OK
    )
    response = visitor.get()
    assert (response.status, response.body) == (200, b"ok")
    assert response.values(b"set-cookie") == []


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", [b"1234"]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", []),
        (b"HTTP/1.1 200 OK\r\n\r\n", []),
    ],
)
def test_a_response_to_head_has_no_body_and_keeps_its_length(
    exchange: Exchange, head: bytes, length: list[bytes]
) -> None:
    _, _, visitor = exchange(head)
    for _ in range(2):
        visitor.send(request(method=b"HEAD"))
        response = visitor.response(to=b"HEAD")
        assert response.status == 200
        assert response.values(b"content-length") == length


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 1234\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nETag: x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nETag: x\r\nContent-Length: 9\r\n\r\n",
    ],
)
def test_204_and_304_have_no_body_and_leave_the_connection_in_order(exchange: Exchange, head: bytes) -> None:
    _, _, visitor = exchange(head, head, OK)
    for _ in range(2):
        response = visitor.get()
        assert response.status in (204, 304)
        assert response.fields == [(b"etag", b"x")]
    assert visitor.get().body == b"ok"


def test_an_empty_chunked_body_is_a_whole_body(exchange: Exchange) -> None:
    _, _, visitor = exchange(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert visitor.get().body == b""
    assert visitor.get().body == b""


UNTRUSTED = [
    b"Set-Cookie : a=1\r\n",
    b"Set Cookie: a=1\r\n",
    b"Set-Cook\xc3\xafe: a=1\r\n",
    b": nameless\r\n",
    b"no colon\r\n",
    b"X: a\x00b\r\n",
    b"X: a\rSet-Cookie: b=1\r\n",
    b"X: a\x01b\r\n",
    b"X: a\x0bb\r\n",
    b"X: a\x7fb\r\n",
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 2\r\nContent-Length: 3\r\n",
    b"Content-Length: 2, 3\r\n",
    b"Content-Length: -2\r\n",
    b"Content-Length: +2\r\n",
    b"Content-Length: 0x2\r\n",
    b"Content-Length: \r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked, chunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"X: " + b"y" * (129 * 1024) + b"\r\n",
]


@pytest.mark.parametrize("line", UNTRUSTED, ids=lambda line: repr(line[:50]))
def test_a_head_that_is_not_beyond_doubt_is_502(exchange: Exchange, line: bytes, log: Callable[[], list[str]]) -> None:
    _, _, visitor = exchange(b"HTTP/1.1 200 OK\r\nSet-Cookie: secret=1\r\n" + line + b"\r\nok", OK)
    response = visitor.get(b"/path?query=secret")
    assert response.status == 502
    assert response.values(b"set-cookie") == []
    assert b"secret" not in response.body
    assert visitor.get().status == 200
    (entry,) = log()
    assert entry.startswith("502 for GET /path: the upstream: ")
    assert "secret" not in entry


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 600 What\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 099 What\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"<html>not http</html>\r\n\r\n",
        b"\r\n",
        b"",
    ],
)
def test_what_is_no_response_is_502(exchange: Exchange, octets: bytes) -> None:
    _, _, visitor = exchange(octets, OK)
    response = visitor.get()
    assert response.status == 502
    assert response.body == b"502 Bad Gateway: the site behind this gate did not answer.\n"
    assert visitor.get().status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n",
        b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_a_bare_line_feed_and_a_folded_value_are_repaired_as_rfc_9112_allows(exchange: Exchange, head: bytes) -> None:
    _, _, visitor = exchange(head + b"ok")
    response = visitor.get()
    assert response.body == b"ok"
    assert response.values(b"x-folded") in ([], [b"a b"])


def test_a_head_above_the_limit_is_502(exchange: Exchange) -> None:
    _, _, visitor = exchange(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: %s\r\n\r\nok" % (b"y" * 1000),
        proxy={"limits": Limits(response_head=1000)},
    )
    assert visitor.get().status == 502


def test_the_gates_own_answers_to_head_have_no_body(exchange: Exchange) -> None:
    _, _, visitor = exchange(b"", OK)
    visitor.send(request(method=b"HEAD"))
    assert visitor.response(to=b"HEAD").status == 502
    assert visitor.get().status == 200


def test_a_chunk_from_an_honest_origin_is_not_altered_by_chunk_extensions(exchange: Exchange) -> None:
    _, _, visitor = exchange(answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0;c\r\n\r\n"))
    assert visitor.get().body == b"ok"
