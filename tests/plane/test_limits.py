"""Heads beyond the limits: 431 for the visitor's (RFC 6585 section 5), 502 for the upstream's."""

import pytest

from tests.plane.visits import Wire, get

KIBIBYTE = 1024

TOO_LARGE = {
    "one_field_of_65_kibibytes": get(b"/", b"X: " + b"y" * 65 * KIBIBYTE),
    "fields_of_65_kibibytes": get(b"/", *[b"X-%d: %s" % (n, b"y" * KIBIBYTE) for n in range(65)]),
    "target_of_65_kibibytes": get(b"/" + b"p" * 65 * KIBIBYTE),
    "query_of_65_kibibytes": get(b"/?" + b"q" * 65 * KIBIBYTE),
    "cookies_of_65_kibibytes": get(b"/", b"Cookie: " + b"sessionid=1; " * 5120),
    "201_fields": get(b"/", *[b"X-%d: y" % n for n in range(200)]),
    "2000_fields": get(b"/", *[b"X-%d: y" % n for n in range(2000)]),
    "3_mebibytes": get(b"/", b"X: " + b"y" * 3 * KIBIBYTE * KIBIBYTE),
}

ENDLESS = {
    "field": b"GET / HTTP/1.1\r\nHost: shop.example\r\nX: " + b"y" * 200 * KIBIBYTE,
    "target": b"GET /" + b"p" * 200 * KIBIBYTE,
    "method": b"G" * 200 * KIBIBYTE,
    "fields": b"GET / HTTP/1.1\r\nHost: shop.example\r\n" + b"X: y\r\n" * 40 * KIBIBYTE,
    "name": b"GET / HTTP/1.1\r\nHost: shop.example\r\n" + b"x" * 200 * KIBIBYTE,
}


@pytest.mark.parametrize("octets", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_head_beyond_the_limits_is_refused(wire: Wire, octets: bytes) -> None:
    visitor = wire.visit()
    visitor.send(octets)
    assert visitor.reply().status in wire.proxy.too_large
    visitor.half_close()
    visitor.read_to_end()
    assert wire.stage.heads == []
    wire.still_serves()


@pytest.mark.parametrize("octets", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_head_that_never_ends_is_refused_when_it_is_too_large(wire: Wire, octets: bytes) -> None:
    """The visitor sends no end and does not leave: the gate must not wait for either."""
    visitor = wire.visit()
    visitor.send(octets)
    assert visitor.reply().status in {400, *wire.proxy.too_large}
    assert wire.stage.heads == []
    wire.still_serves()


def test_a_head_just_below_the_limit_passes(wire: Wire) -> None:
    wire.passes(get(b"/", *[b"X-%d: %s" % (n, b"y" * 1000) for n in range(60)]))
    assert sum(map(len, wire.stage.request.values(b"x-59"))) == 1000


def test_a_head_beyond_the_limit_on_a_used_connection_is_refused_too(wire: Wire) -> None:
    visitor = wire.visit()
    assert visitor.ask(get()).status == 200
    visitor.send(TOO_LARGE["fields_of_65_kibibytes"])
    assert visitor.reply().status in wire.proxy.too_large
    assert len(wire.stage.heads) == 1


def test_a_large_body_is_no_large_head(wire: Wire) -> None:
    body = b"y" * 300 * KIBIBYTE
    wire.passes(b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert wire.stage.request.body == body
