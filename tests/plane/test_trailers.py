"""Trailers go on as trailers where they are harmless, and are never merged into the head (RFC 9110 section 6.5)."""

import pytest

from tests.plane.responses import of
from tests.plane.stage import OK, serving
from tests.plane.visits import Wire, get, request

CHUNKED = b"Transfer-Encoding: chunked"


def posted(*trailers: bytes, lines: tuple[bytes, ...] = ()) -> bytes:
    """A chunked request with these trailers."""
    end = b"\r\n".join([b"5", b"hello", b"0", *trailers, b"", b""])
    return request(b"/", CHUNKED, *lines, method=b"POST", body=end)


def answered(*trailers: bytes, lines: tuple[bytes, ...] = ()) -> bytes:
    return of([CHUNKED, *lines], b"\r\n".join([b"5", b"hello", b"0", *trailers, b"", b""]))


def test_a_requests_trailers_reach_the_upstream_as_trailers(wire: Wire) -> None:
    trailers = [b"X-Checksum: abc", b"x-second: 1", b"X-Checksum: def"]
    wire.passes(posted(*trailers, lines=(b"Trailer: X-Checksum, X-Second",)))
    arrived = wire.stage.request
    assert arrived.trailers == trailers
    assert b"x-checksum" not in arrived.names
    assert arrived.body == b"hello"


def test_a_responses_trailers_reach_a_visitor_who_takes_them(wire: Wire) -> None:
    trailers = [b"X-Checksum: abc", b"x-second: 1"]
    wire.play(answered(*trailers, lines=(b"Trailer: X-Checksum",)))
    reply = wire.ask(get(b"/", b"TE: trailers", b"Connection: TE"))
    assert reply.trailers == trailers
    assert b"x-checksum" not in reply.names
    assert reply.body == b"hello"


def test_a_responses_trailers_are_never_merged_into_its_head(wire: Wire) -> None:
    wire.play(answered(b"X-Checksum: abc", b"Server: trailed"))
    reply = wire.ask(get())
    assert not {b"x-checksum"} & set(reply.names)
    assert b"trailed" not in b"".join(reply.lines)


@pytest.mark.consent
@pytest.mark.parametrize("name", [b"Cookie", b"cookie", b"COOKIE"])
@pytest.mark.parametrize("value", [b"sessionid=1", b"_ga=1"])
def test_a_cookie_among_a_requests_trailers_is_dropped(wire: Wire, name: bytes, value: bytes) -> None:
    wire.passes(posted(b"X-Sum: 1", name + b": " + value, b"X-Last: 2"))
    arrived = wire.stage.request
    assert b"cookie" not in arrived.names
    assert arrived.trailers == [b"X-Sum: 1", b"X-Last: 2"]


@pytest.mark.consent
@pytest.mark.parametrize("name", [b"Set-Cookie", b"set-cookie", b"Set-Cookie2"])
@pytest.mark.parametrize("value", [b"sessionid=1", b"_ga=1"])
def test_a_set_cookie_among_a_responses_trailers_is_dropped(wire: Wire, name: bytes, value: bytes) -> None:
    wire.play(answered(b"X-Sum: 1", name + b": " + value, b"X-Last: 2"))
    visitor = wire.visit()
    reply = visitor.ask(get(b"/", b"TE: trailers", b"Connection: TE"))
    assert name.lower() not in reply.names
    assert reply.trailers == [b"X-Sum: 1", b"X-Last: 2"]
    assert visitor.ask(get()).body == b"hello"


@pytest.mark.parametrize(
    "trailer",
    [b"X-Forwarded-For: 6.6.6.6", b"Forwarded: for=6.6.6.6", b"Host: 6.6.6.6", b"X-Real-IP: 6.6.6.6"],
    ids=lambda trailer: trailer.split(b":")[0].decode(),
)
def test_a_claim_among_a_requests_trailers_is_dropped(wire: Wire, trailer: bytes) -> None:
    """An upstream that merges trailers, as uvicorn does, would believe it."""
    reply = wire.ask(posted(trailer))
    if reply.status == 400:
        assert wire.stage.requests == []
    else:
        assert not [line for line in [*wire.stage.request.lines, *wire.stage.request.trailers] if b"6.6.6.6" in line]


@pytest.mark.parametrize("trailer", [b"Content-Length: 99", b"Transfer-Encoding: gzip"], ids=["length", "coding"])
def test_framing_among_a_responses_trailers_is_dropped(wire: Wire, trailer: bytes) -> None:
    """RFC 9110 section 6.5.1: nothing that the framing rests on is a trailer."""
    wire.play(serving(answered(b"X-Sum: 1", trailer), OK), OK)
    reply = wire.ask(get(b"/", b"TE: trailers", b"Connection: TE"))
    assert reply.body == b"hello"
    assert trailer not in reply.trailers
    wire.still_serves()


def test_empty_trailers_are_just_the_end(wire: Wire) -> None:
    wire.play(answered())
    visitor = wire.visit()
    for _ in range(2):
        reply = visitor.ask(posted())
        assert (reply.body, reply.trailers) == (b"hello", [])
    assert [one.trailers for one in wire.stage.requests] == [[], []]
