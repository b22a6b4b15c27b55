"""The request-target octet for octet, and where the host comes from (RFC 9112 section 3.2)."""

import pytest

from tests.plane.visits import Wire, get, request

KEPT = [
    b"/",
    b"/a/b?c=d",
    b"/a%2Fb%2fc",
    b"/a/../b/./c/..",
    b"/../../etc/passwd",
    b"/%2e%2e/%2E%2E/etc/passwd",
    b"//double//slashes//",
    b"//host.example/path",
    b"/a//../b?x=//../y",
    b"/;params;a=1/b,c",
    b"/sp%20ace/%C3%A9/%ff/%00/%zz/%",
    b"/~!$&'()*+,;=:@-._",
    b"/q?a=%20&b=+&c=%2B&d=%26&&&=",
    b"/q?",
    b"/?",
    b"/q??&?",
    b"/q?/../%2e",
    b"/UPPER/lower?Mixed=CASE",
    b"/" + b"long/" * 3000,
    b"/?" + b"q" * 8000,
]

# RFC 3986 has no such octets in a target. Apps see them all the same; what must not happen is that they are changed.
KEPT_OR_REFUSED = [
    b"/caf\xc3\xa9",
    b"/q?caf\xc3\xa9=\xff",
    b'/odd|{}"<>^`\\',
    b"/q?q=a'b|{}\"<>^`\\[]",
    b"/a#fragment",
    b"/a?#fragment",
]

REFUSED = [
    b"GET /a b HTTP/1.1",
    b"GET /a\tb HTTP/1.1",
    b"GET /a\x00b HTTP/1.1",
    b"GET /a\rb HTTP/1.1",
    b"GET /a\x0bb HTTP/1.1",
    b"GET /a\x7fb HTTP/1.1",
    b"GET  / HTTP/1.1",
    b"GET /  HTTP/1.1",
    b"GET / HTTP/1.1 ",
    b" GET / HTTP/1.1",
    b"GET\t/ HTTP/1.1",
    b"GET / http/1.1",
    b"GET / HTTP/1.1x",
    b"GET / HTTP/11",
    b"GET / HTTP/1",
    b"GET / XTTP/1.1",
    b"GET relative HTTP/1.1",
    b"GET * HTTP/1.1",
    b"GET shop.example:80 HTTP/1.1",
    b"GET http:// HTTP/1.1",
    b"GET http:///path HTTP/1.1",
    b"GET http://user:secret@shop.example/ HTTP/1.1",
    b"GET ftp://shop.example/ HTTP/1.1",
    b"G(T / HTTP/1.1",
    b"G\xc3\x89T / HTTP/1.1",
    b"/ HTTP/1.1",
    b"GET HTTP/1.1",
    b"GET",
]


def shown(octets: bytes) -> str:
    return repr(octets[:32])[2:-1]


@pytest.mark.parametrize("target", KEPT, ids=shown)
def test_a_target_arrives_octet_for_octet(wire: Wire, target: bytes) -> None:
    wire.passes(get(target))
    assert wire.stage.request.start == b"GET " + target + b" HTTP/1.1"


@pytest.mark.parametrize("target", KEPT_OR_REFUSED, ids=shown)
def test_a_target_with_octets_that_none_may_have_is_never_altered(wire: Wire, target: bytes) -> None:
    reply = wire.ask(get(target))
    if reply.status == 400:
        assert wire.stage.heads == []
    else:
        assert wire.stage.request.start == b"GET " + target + b" HTTP/1.1"


@pytest.mark.parametrize("line", REFUSED, ids=shown)
def test_a_request_line_that_is_none_is_refused(wire: Wire, line: bytes) -> None:
    visitor = wire.visit()
    visitor.send(line + b"\r\nHost: shop.example\r\n\r\n" + get(b"/smuggled"))
    assert visitor.reply().status in (400, 505)
    assert visitor.is_ended
    assert wire.stage.heads == []


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.0"])
def test_another_major_version_is_refused(wire: Wire, version: bytes) -> None:
    visitor = wire.visit()
    visitor.send(b"GET / " + version + b"\r\nHost: shop.example\r\n\r\n")
    assert visitor.reply().status in (400, 426, 505)
    assert wire.stage.heads == []


@pytest.mark.parametrize(
    ("target", "leaves", "host"),
    [
        (b"http://other.example/a%2Fb?c", b"/a%2Fb?c", b"other.example"),
        (b"http://other.example:8080/", b"/", b"other.example:8080"),
        (b"http://other.example", b"/", b"other.example"),
        (b"http://other.example?q=1", b"/?q=1", b"other.example"),
        (b"HTTP://other.example//x/../y?", b"//x/../y?", b"other.example"),
        (b"http://[::1]:81/", b"/", b"[::1]:81"),
    ],
    ids=shown,
)
def test_absolute_form_takes_the_host_from_the_target(wire: Wire, target: bytes, leaves: bytes, host: bytes) -> None:
    """RFC 9112 section 3.2.2: what the Host field says is ignored, and replaced."""
    wire.passes(get(target))
    arrived = wire.stage.request
    # Either form is right towards an origin, as long as all of the request says the same.
    assert arrived.target in (leaves, target)
    assert arrived.values(b"host") == [host]
    assert arrived.values(b"x-forwarded-host") == [host]


def test_absolute_form_with_two_host_fields_is_refused(wire: Wire) -> None:
    assert wire.ask(get(b"http://other.example/", b"Host: third.example")).status == 400
    assert wire.stage.heads == []


@pytest.mark.parametrize(
    "octets",
    [
        b"CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n",
        b"CONNECT / HTTP/1.1\r\nHost: shop.example\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.0\r\n\r\n",
    ],
    ids=["authority", "path", "1.0"],
)
def test_connect_is_refused(wire: Wire, octets: bytes) -> None:
    visitor = wire.visit()
    visitor.send(octets + get(b"/smuggled"))
    assert visitor.reply().status in (400, 403, 405, 501)
    assert not [head for head in wire.stage.heads if head.startswith(b"CONNECT")]


def test_options_asterisk_stays_an_asterisk(wire: Wire) -> None:
    wire.passes(request(b"*", method=b"OPTIONS"))
    assert wire.stage.request.start == b"OPTIONS * HTTP/1.1"


HOSTS = {
    "none": [],
    "two": [b"Host: shop.example", b"Host: other.example"],
    "two_equal": [b"Host: shop.example", b"Host: shop.example"],
    "two_of_other_case": [b"Host: shop.example", b"hOST: other.example"],
    "empty": [b"Host:"],
    "blank": [b"Host: \t"],
    "with_space": [b"Host: a b"],
    "with_path": [b"Host: a/b"],
    "with_user": [b"Host: user@a"],
    "list": [b"Host: a, b"],
    "port_of_letters": [b"Host: a:b"],
    "two_ports": [b"Host: a:80:81"],
    "open_bracket": [b"Host: [::1"],
    "query": [b"Host: a?b"],
    "fragment": [b"Host: a#b"],
    "backslash": [b"Host: a\\b"],
    "angle": [b"Host: <a>"],
    "quote": [b'Host: "a"'],
    "high_octet": [b"Host: caf\xe9.example"],
    "space_before_colon": [b"Host : shop.example"],
    "folded": [b"Host:", b" shop.example"],
    "underscored_second": [b"Host: a", b"Host\x00: b"],
}


@pytest.mark.parametrize("lines", HOSTS.values(), ids=HOSTS.keys())
def test_no_host_a_second_or_a_bad_one_is_refused(wire: Wire, lines: list[bytes]) -> None:
    visitor = wire.visit()
    visitor.send(b"\r\n".join([b"GET / HTTP/1.1", *lines, b"", b""]) + get(b"/smuggled"))
    assert visitor.reply().status == 400
    assert visitor.is_ended
    assert wire.stage.heads == []


@pytest.mark.parametrize(
    "host", [b"shop.example", b"shop.example:8080", b"192.0.2.1", b"[2001:db8::1]:80", b"a_b.example"]
)
def test_an_ordinary_host_arrives_as_it_is(wire: Wire, host: bytes) -> None:
    wire.passes(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert wire.stage.request.values(b"host") == [host]
