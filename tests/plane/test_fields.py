"""Field lines pass as they stand: case, order, duplicates, octets; those for one hop only do not (RFC 9110 7.6.1)."""

import pytest

from tests.plane.stage import OK
from tests.plane.visits import Wire, get, request

# What a gate may add of its own to a request or a response.
ADDED = (b"host", b"connection", b"keep-alive", b"forwarded", b"via", b"x-real-ip")
FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host")

LINES = [
    b"b-second: 2",
    b"ACCEPT-Language: de",
    b"a-FIRST: 1",
    b"x-latin: caf\xe9 \xff\x80",
    b"b-second: again, and  two spaces",
    b"x-empty:",
    b'X-Quoted: "a, b"; c="d',
    b"b-second: 2",
    b"x-tab: a\tb",
    b"Accept-Encoding: br;q=1.0, gzip;q=0.8, *;q=0.1",
    b"x_underscore.and-dot: yes",
    b"!#$%&'*+-.^_`|~: a name of every octet that a token may have",
    b"X-Long: " + b"y" * 8000,
]


def normal(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Names and values without the white space around values, which is nobody's (RFC 9112 section 5)."""
    return [(name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]


def test_a_requests_fields_keep_their_case_order_duplicates_and_octets(wire: Wire) -> None:
    wire.passes(get(b"/", *LINES))
    assert normal(wire.stage.request.other_than(*ADDED, *FORWARDED)) == normal(LINES)


def test_a_responses_fields_keep_their_case_order_duplicates_and_octets(wire: Wire) -> None:
    lines = [*LINES, b"Vary: Cookie", b"vary: Accept", b"WWW-authenticate: Basic", b'ETag: W/"x"']
    wire.play(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"content-LENGTH: 2", b"", b"ok"]))
    reply = wire.ask(get())
    added = (b"connection", b"keep-alive", b"server", b"date", b"via")
    assert normal(reply.other_than(*added)) == normal([*lines, b"content-LENGTH: 2"])


def test_white_space_around_values_is_not_added_to(wire: Wire) -> None:
    wire.passes(get(b"/", b"X-None:a", b"X-Much:   a\t "))
    assert wire.stage.request.values(b"x-none") == wire.stage.request.values(b"x-much") == [b"a"]


def test_date_and_server_are_the_upstreams_own(wire: Wire) -> None:
    mine = b"Server: origin/1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    wire.play(b"HTTP/1.1 200 OK\r\n" + mine + b"Content-Length: 2\r\n\r\nok")
    reply = wire.ask(get())
    assert reply.values(b"server") == [b"origin/1"]
    assert reply.values(b"date") == [b"Thu, 01 Jan 1970 00:00:00 GMT"]


def test_nothing_is_added_to_a_request_but_who_asked_for_what(wire: Wire) -> None:
    wire.passes()
    assert set(wire.stage.request.names) <= {*FORWARDED, b"host", b"connection"}


def test_nothing_is_added_to_a_response_but_what_becomes_of_the_connection(wire: Wire) -> None:
    assert set(wire.passes().names) <= {b"content-length", b"connection", b"keep-alive"}


def test_the_host_field_is_the_visitors_and_comes_once(wire: Wire) -> None:
    wire.passes(b"GET / HTTP/1.1\r\nhOST:   Shop.Example:8080 \r\n\r\n")
    assert wire.stage.request.values(b"host") == [b"Shop.Example:8080"]


@pytest.mark.parametrize(
    "line",
    [
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: Basic abc",
        b"Upgrade: h2c",
    ],
    ids=lambda line: line.split(b":")[0].decode(),
)
def test_a_hop_by_hop_field_of_the_visitor_stays_here(wire: Wire, line: bytes) -> None:
    wire.passes(get(b"/", line, b"X-Kept: yes"))
    assert line.split(b":")[0].lower() not in wire.stage.request.names
    assert wire.stage.request.values(b"x-kept") == [b"yes"]


@pytest.mark.parametrize(
    "line",
    [
        b"Keep-Alive: timeout=77",
        b"Proxy-Authenticate: Basic",
        b"Proxy-Connection: close",
        b"Upgrade: h2c",
    ],
    ids=lambda line: line.split(b":")[0].decode(),
)
def test_a_hop_by_hop_field_of_the_upstream_stays_here(wire: Wire, line: bytes) -> None:
    wire.play(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok")
    reply = wire.ask(get())
    assert line not in reply.lines
    assert line.split(b":")[0].lower() not in set(reply.names) - {b"keep-alive"}
    assert reply.values(b"x-kept") == [b"yes"]


@pytest.mark.parametrize("connection", [b"X-Secret", b"close, x-secret", b"keep-alive,\tX-SECRET ,", b",,X-Secret"])
def test_what_connection_nominates_in_a_request_stays_here(wire: Wire, connection: bytes) -> None:
    wire.passes(get(b"/", b"x-secret: one", b"Connection: " + connection, b"X-Secret: two", b"X-Kept: yes"))
    assert b"x-secret" not in wire.stage.request.names
    assert wire.stage.request.values(b"x-kept") == [b"yes"]
    assert not wire.stage.request.has_token(b"connection", b"x-secret")


def test_what_a_second_connection_line_nominates_stays_here_too(wire: Wire) -> None:
    wire.passes(get(b"/", b"Connection: keep-alive", b"X-Secret: one", b"Connection: X-Secret"))
    assert b"x-secret" not in wire.stage.request.names


def test_what_connection_nominates_in_a_response_stays_here(wire: Wire) -> None:
    fields = b"X-Internal: 1\r\nConnection: keep-alive, X-Internal\r\nX-Kept: yes\r\n"
    wire.play(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok")
    reply = wire.ask(get())
    assert b"x-internal" not in reply.names
    assert reply.values(b"x-kept") == [b"yes"]
    assert not reply.has_token(b"connection", b"x-internal")


@pytest.mark.parametrize(
    "name",
    [b"Host", b"Cookie", b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"Content-Length"],
    ids=lambda name: name.decode(),
)
def test_nobody_can_nominate_what_security_rests_on(wire: Wire, name: bytes) -> None:
    fields = [b"Connection: close, " + name.lower(), b"Cookie: sessionid=1", b"Content-Length: 2"]
    wire.passes(request(b"/", *fields, method=b"POST", body=b"hi"))
    assert name.lower() in wire.stage.request.names
    assert wire.stage.request.body == b"hi"


@pytest.mark.parametrize("name", [b"Set-Cookie", b"Content-Length"], ids=lambda name: name.decode())
def test_an_upstream_cannot_nominate_what_security_rests_on(wire: Wire, name: bytes) -> None:
    fields = b"Connection: " + name + b"\r\nSet-Cookie: sessionid=1\r\n"
    wire.play(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok")
    reply = wire.ask(get())
    assert name.lower() in reply.names
    assert reply.body == b"ok"


def test_connection_close_of_the_visitor_is_for_this_hop(wire: Wire) -> None:
    visitor = wire.visit()
    assert visitor.ask(get(b"/", b"Connection: close")).has_token(b"connection", b"close")
    assert visitor.is_ended


@pytest.mark.parametrize(
    "claim",
    [
        b"X-Forwarded-For: 6.6.6.6",
        b"x-forwarded-for: 6.6.6.6",
        b"X_Forwarded_For: 6.6.6.6",
        b"X-Forwarded-Proto: 6.6.6.6",
        b"X-Forwarded-Host: 6.6.6.6",
        b"Forwarded: for=6.6.6.6",
    ],
    ids=lambda claim: claim.split(b":")[0].decode(),
)
def test_a_strangers_word_about_where_he_comes_from_does_not_reach_the_upstream(wire: Wire, claim: bytes) -> None:
    wire.passes(get(b"/", claim))
    assert not [line for line in wire.stage.request.lines if b"6.6.6.6" in line]
    assert wire.stage.request.values(b"x-forwarded-for") == [b"127.0.0.1"]
    assert wire.stage.request.values(b"x-forwarded-proto") == [b"http"]
    assert wire.stage.request.values(b"x-forwarded-host") == [b"shop.example"]


def test_a_head_of_two_hundred_fields_passes_whole(wire: Wire) -> None:
    wire.passes(get(b"/", *[b"X-%d: y" % number for number in range(199)]))
    kept = [name for name in wire.stage.request.names if name.startswith(b"x-") and b"forwarded" not in name]
    assert kept == [b"x-%d" % number for number in range(199)]


@pytest.mark.parametrize(
    "method", [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"PROPFIND", b"PURGE", b"QUERY", b"FrobNicate"]
)
def test_a_method_reaches_the_upstream_as_it_is(wire: Wire, method: bytes) -> None:
    reply = wire.ask(request(method=method))
    if reply.status != 200 and method in (b"QUERY", b"FrobNicate"):
        # RFC 9110 section 9.1: who does not know a method says 501, or refuses; the one thing not to do is alter it.
        assert reply.status in (400, 405, 501)
        assert wire.stage.heads == []
        return
    assert reply.body == b"ok"
    assert wire.stage.request.method == method


def test_ok_is_what_all_these_checks_were_answered_with(wire: Wire) -> None:
    reply = wire.passes()
    assert reply.start == b"HTTP/1.1 200 OK"
    assert reply.body == OK[-2:]
