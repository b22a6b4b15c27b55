"""A request's head, understood as an independent reader understands it, or refused (RFC 9112 sections 2, 3 and 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.plane import lines as module
from gatekeeper.proxy.plane.request import (
    END,
    Fields,
    Heads,
    Refusal,
    Request,
    head_end,
    head_end_pure,
    known_head,
    known_head_pure,
    request_line,
    request_line_pure,
)
from gatekeeper.proxy.plane.routes import Route
from gatekeeper.proxy.upstream import Upstream
from tests.plane.pieces import WATCHED_IN_REQUESTS, places, request_lines, spoiled
from tests.plane.reference import BAD_HOSTS, GOOD_HOSTS, MOST_FIELDS, Meaning, meaning
from tests.plane.strict import Ambiguous, Head, length_of, request_head

# --- what is drawn ---------------------------------------------------------------------------------------------------

MOST = 65536  # octets of a head
HOSTS = [b"a", b"b", b"none"]
# fmt: off
METHODS = [b"GET", b"POST", b"OPTIONS", b"HEAD", b"get", b"M-SEARCH", b"CONNECT", b"G(T", b""]
TARGETS = [
    b"/", b"/", b"/", b"/a?b=c", b"/%2F/../\xff", b"*", b"http://shop.example", b"HTTP://a/b?c", b"https://a?b",
    b"http://u@a/", b"http:///", b"http://a#b", b"ftp://a/", b"a:80", b"", b"/\x7f", b"/a b", b"/a#b",
]
VERSIONS = [
    *[b"HTTP/1.1"] * 6, b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.7", b"HTTP/2.0", b"http/1.1", b"HTTP/1.10",
]
OTHERS = [
    b"Accept: */*", b"accept:text/html", b"Cookie: a=1", b"cookie: b=2; c=3", b"DNT: 1", b"User-Agent: x", b"X-A: 1",
    b"X-A: 2", b"x-b:", b"X-Nom: n", b"Accept-Language:\tde \t", b"Referer: /", b"Sec-GPC: 1", b"Keep-Alive: 5",
    b"Expect: 100-continue", b"Connection: close", b"Connection: keep-alive", b"Connection: X-Nom, Cookie, x-a",
    b"connection: Close,,", b"Connection: upgrade", b"Connection: Expect, Accept", b"TE: trailers",
    b"Connection: Host, Content-Length, Transfer-Encoding, X-Forwarded-For", b"Proxy-Authorization: x",
    b"Upgrade: websocket", b"Upgrade: h2c", b"Content-Length: 5", b"Content-Length: 0", b"content-length:007",
    b"Content-Length: 5, 5", b"Content-Length: +5", b"Content-Length: 1234567890123456789",
    b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED", b"Transfer-Encoding: gzip, chunked",
    b"Transfer_Encoding: chunked", b"X-Forwarded-For: 6.6.6.6", b"x_real_ip: 1", b"Forwarded: for=1", b"X: a\rb",
    b"X: a\nHost: b", b"X: \x00", b"X : y", b": y", b"no colon", b" folded", b"X\xe9: y", b"Host : a", b"Host: b",
]
SOUND = [
    b"Accept: */*", b"Cookie: a=1", b"User-Agent: x", b"Connection: X-Nom, close", b"X-Nom: n", b"Content-Length: 5",
    b"Upgrade: websocket", b"Connection: upgrade", b"X-Forwarded-For: 6.6.6.6", b"Expect: 100-continue",
]
FIRST_LINES = [
    b"GET / HTTP/1.1", b"GET /a HTTP/1.1", b"GET http://b/c HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /d HTTP/1.0",
    b"GET http://e?f HTTP/1.0",
]
SPOILERS = [b"\r", b"\n", b"\x00", b" ", b":", b"\t", b",", b"\x0b", b"\xc5\xbf"]
# fmt: on


class Nobody:
    async def connect(self, factory: object) -> object:
        raise AssertionError("nobody asked")


@st.composite
def composed(draw: st.DrawFn) -> bytes:
    """A head of a first line, usually one Host, and others, in any order."""
    first = b" ".join(draw(st.sampled_from(words)) for words in (METHODS, TARGETS, VERSIONS))
    lines = draw(st.lists(st.sampled_from(OTHERS), max_size=6))
    for _ in range(draw(st.sampled_from([1, 1, 1, 1, 1, 0, 2]))):
        host = b"Host: " + draw(st.sampled_from(GOOD_HOSTS * 4 + BAD_HOSTS))
        lines.insert(draw(st.integers(0, len(lines))), host)
    return b"\r\n".join([first, *lines])


heads = st.one_of(composed(), spoiled(composed(), SPOILERS))
sound_heads = st.builds(
    lambda first, host, lines: b"\r\n".join([first, b"Host: " + host, *lines]),
    st.sampled_from(FIRST_LINES),
    st.sampled_from([b"a", b"shop.example"]),
    st.lists(st.sampled_from(SOUND), max_size=3, unique=True),
)


def read(head: bytes, by: Heads | None = None) -> Request | Refusal:
    """What a reader makes of a head, refusals too. Any other exception fails the test."""
    try:
        return (by or Heads(request_lines(), most_fields=MOST_FIELDS)).read(head)
    except Refusal as refusal:
        return refusal


def sent(request: Request) -> bytes:
    """The head that leaves, but for the forwarding fields."""
    return b"\r\n".join([request.line, *request.fields.lines])


def told(request: Request | Refusal) -> object:
    """All that a request says, to be compared."""
    if isinstance(request, Refusal):
        return request.status, request.reason
    slots = {name: getattr(request.fields, name) for name in dir(Fields) if not name.startswith("_")}
    return request.line, request.method, request.target, request.path, request.minor, slots


# --- properties ------------------------------------------------------------------------------------------------------


@given(heads)
def test_a_head_is_read_as_the_reference_reads_it_or_refused_with_it(head: bytes) -> None:
    request = read(head)
    expected = meaning(head)
    if isinstance(request, Refusal):
        assert expected is None, request.reason
        return
    assert expected is not None
    fields = request.fields
    upgrade = [b"Connection: Upgrade", b"Upgrade: " + (fields.upgrade or b"")]
    lines = [line for line in fields.lines if line[:5].lower() != b"host:"]
    if fields.upgrade is not None:
        assert lines[-2:] == upgrade
        lines = lines[:-2]
    assert expected == Meaning(
        request.method, request.target, fields.host, fields.length, fields.keep_alive, tuple(lines)
    )


@given(heads)
def test_what_leaves_is_read_the_same_by_a_strict_reader(head: bytes) -> None:
    request = read(head)
    if isinstance(request, Refusal):
        return
    before = request_head(head.replace(b"HTTP/1.7", b"HTTP/1.1"))
    after = request_head(sent(request))
    assert after.start == b"%b %b HTTP/1.1" % (request.method, request.target)
    assert length_of(before) == length_of(after)
    assert (length_of(after) or 0) == request.fields.length
    if request.fields.host is not None:
        assert after.values(b"host") == [request.fields.host]
    for name in {*WATCHED_IN_REQUESTS, b"user-agent", b"referer", b"sec-gpc"}:
        assert after.values(name) == before.values(name)
    if request.fields.upgrade is None:
        assert not {b"connection", b"upgrade"} & set(after.names)


@given(heads)
def test_the_watched_fields_are_those_lines_in_order(head: bytes) -> None:
    request = read(head)
    if not isinstance(request, Refusal):
        watched = [line for line in request.fields.lines if line.partition(b":")[0].lower() in WATCHED_IN_REQUESTS]
        assert request.fields.watched_lines == watched
        pairs = [line.partition(b":") for line in watched]
        assert request.fields.watched == tuple((name, value.strip(b" \t")) for name, _, value in pairs)


def read_next(head: bytes, by: Heads, rest: bytes = b"") -> Request | Refusal:
    """The next head of a connection, as the visitor has it read."""
    try:
        again = by.again(head + END + rest, MOST)
    except Refusal as refusal:
        return refusal
    if again is None:
        return read(head, by)
    assert again[1] == rest
    return again[0]


@given(st.lists(st.one_of(sound_heads, sound_heads, composed()), min_size=2, max_size=6), st.integers(0, 2))
def test_what_was_read_before_changes_nothing_of_what_a_head_means(sequence: list[bytes], repeats: int) -> None:
    """The fields of the last head, and the lines of all, are remembered by one reader and by none of the others."""
    reader = Heads(request_lines(), most_fields=MOST_FIELDS)
    for head in [one for one in sequence for _ in range(repeats + 1)]:
        assert told(read_next(head, reader, b"GET / HTTP/1.1\r\n")) == told(read(head))


@given(sound_heads, places)
def test_a_part_of_a_head_that_came_before_is_no_head(head: bytes, cuts: list[int]) -> None:
    reader = Heads(request_lines(), most_fields=MOST_FIELDS)
    read(head, reader)
    for end in {place % (len(head) + len(END)) for place in cuts}:
        assert reader.again((head + END)[:end], MOST) is None


@given(st.lists(st.one_of(sound_heads, composed()), min_size=2, max_size=6), st.integers(1, 3))
def test_a_memory_that_is_full_or_emptied_changes_nothing(sequence: list[bytes], size: int) -> None:
    memory = request_lines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_REMEMBERED", size)
        for head in sequence * 2:
            assert told(read(head, Heads(memory, most_fields=MOST_FIELDS))) == told(read(head))
            assert max(len(memory.names), len(memory.plain), len(memory.known)) <= size


@given(sound_heads, st.integers(0, 300))
def test_a_head_beyond_the_limit_is_never_taken_for_the_last_one(head: bytes, most: int) -> None:
    reader = Heads(request_lines(), most_fields=MOST_FIELDS)
    read(head, reader)
    if len(head) > most:
        assert reader.again(head + END, most) is None


def test_what_leaves_for_one_host_is_not_kept_for_another() -> None:
    reader = Heads(request_lines(), most_fields=MOST_FIELDS)
    first = read_next(b"GET / HTTP/1.1\r\nHost: a", reader)
    assert isinstance(first, Request)
    first.fields.onward = b"\r\nHost: a\r\n\r\n"
    second = read_next(b"GET http://b/ HTTP/1.1\r\nHost: a", reader)
    assert isinstance(second, Request)
    assert (second.fields.host, second.fields.onward) == (b"b", None)


def test_a_target_with_another_host_does_not_lend_it_to_the_requests_behind_it() -> None:
    reader = Heads(request_lines(), most_fields=MOST_FIELDS)
    for target in (b"/", b"http://b/", b"/", b"http://c/", b"http://d/", b"/"):
        head = b"GET %b HTTP/1.1\r\nHost: a" % target
        assert told(read_next(head, reader)) == told(read(head))


@given(sound_heads)
def test_a_host_of_ones_own_takes_the_place_of_the_visitors(head: bytes) -> None:
    asked: list[bytes | None] = []
    route = Route(Upstream("http://127.0.0.1:9", host="inside.example"), Nobody())

    def route_of(host: bytes | None) -> Route:
        asked.append(host)
        return route

    request = read(head, Heads(request_lines(), most_fields=MOST_FIELDS, route_of=route_of))
    assert isinstance(request, Request)
    after = request_head(sent(request))
    assert after.values(b"host") == [b"inside.example"]
    # What the visitor called the site is kept for the gate and for X-Forwarded-Host.
    assert request.fields.host == asked[-1] != b"inside.example"
    assert request.fields.route is route


def test_each_request_has_the_route_of_its_own_host_whatever_came_before_it() -> None:
    routes = {host: Route(Upstream("http://127.0.0.1:9", host=f"inside.{host.decode()}"), Nobody()) for host in HOSTS}
    reader = Heads(request_lines(), most_fields=MOST_FIELDS, route_of=lambda host: routes[host or b"none"])
    for target, host, expected in [
        *[(b"/", b"a", b"a"), (b"/", b"b", b"b"), (b"/", b"a", b"a"), (b"http://b/", b"a", b"b"), (b"/", b"a", b"a")],
        *[(b"http://b", b"a", b"b"), (b"https://a/", b"b", b"a"), (b"/", b"b", b"b"), (b"*", b"b", b"b")],
    ]:
        method = b"OPTIONS" if target == b"*" else b"GET"
        request = read_next(b"%b %b HTTP/1.1\r\nHost: %b" % (method, target, host), reader)
        assert isinstance(request, Request)
        assert request.fields.route is routes[expected]
        assert request_head(sent(request)).values(b"host") == [b"inside." + expected]
    request = read_next(b"GET / HTTP/1.0", reader)
    assert isinstance(request, Request)
    assert request.fields.route is routes[b"none"]


def test_what_was_remembered_of_a_route_is_forgotten_when_routes_are_others() -> None:
    routes = [Route(Upstream("http://127.0.0.1:9"), Nobody()) for _ in range(2)]
    now = iter(routes)
    reader = Heads(request_lines(), most_fields=MOST_FIELDS, route_of=lambda host: next(now))
    found = []
    for reroute in (False, False, True):
        if reroute:
            reader.forget()
        request = read_next(b"GET / HTTP/1.1\r\nHost: a", reader)
        assert isinstance(request, Request)
        found.append(request.fields.route)
    assert found == [routes[0], routes[0], routes[1]]


@given(st.binary(max_size=120), st.booleans())
def test_no_octets_are_an_exception_of_another_kind(octets: bytes, behind: bool) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + octets if behind else octets
    request = read(head)
    try:
        strict: Head | None = request_head(head)
    except Ambiguous:
        strict = None
    if strict is None and b"HTTP/1." in head.split(b"\r\n")[0] and head.split(b"\r\n")[0][-1:] in b"01":
        assert isinstance(request, Refusal)


# --- what is said to the visitor -------------------------------------------------------------------------------------

REFUSED = {
    b"GET / HTTP/1.1": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: a": 400,
    b"CONNECT a:80 HTTP/1.1\r\nHost: a": 400,
    b"GET / HTTP/2.0\r\nHost: a": 505,
    b"GET / HTTP/3\r\nHost: a": 505,
    b"GET /": 400,
    b"GET / HTTP/1.1\r\nHost: a" + b"\r\nX: y" * MOST_FIELDS: 431,
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked": 400,
}


@pytest.mark.parametrize("head", REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_a_refusal_says_whose_fault_it_is_and_quotes_nothing(head: bytes) -> None:
    refusal = read(head)
    assert isinstance(refusal, Refusal)
    assert refusal.status == REFUSED[head]
    assert "a:80" not in refusal.reason


UPGRADES = {
    b"Upgrade: websocket": b"websocket",
    b"Upgrade: h2c": None,
    b"Upgrade: H2C, websocket": b"websocket",
    b"Upgrade: a/1, b": b"a/1, b",
    b"Upgrade: a b": None,
    b"Upgrade:": None,
}


@pytest.mark.parametrize("line", UPGRADES, ids=bytes.decode)
def test_only_protocols_that_can_be_followed_are_asked_for(line: bytes) -> None:
    request = read(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n" + line)
    assert isinstance(request, Request)
    assert request.fields.upgrade == UPGRADES[line]
    assert (b"Upgrade: " + (UPGRADES[line] or b"") in request.fields.lines) is (UPGRADES[line] is not None)


_WORDS = st.sampled_from(
    [b"GET", b"CONNECT", b"get", b"P0ST!", b"", b"/", b"/a?b", b"*", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"]
)


@given(
    st.one_of(
        st.binary(max_size=40),
        st.lists(_WORDS, max_size=4).map(b" ".join),
        st.binary(max_size=6).map(lambda octets: b"GET /" + octets + b" HTTP/1.1"),
    )
)
def test_both_forms_read_a_request_line_alike(line: bytes) -> None:
    assert request_line(line) == request_line_pure(line)


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"a", b"\x00", b"X: y\r\n"]), max_size=12).map(
        b"".join
    )
)
def test_both_forms_find_the_end_of_a_head_alike(octets: bytes) -> None:
    assert head_end(octets) == head_end_pure(octets)


BLOCKS = [b"", b"Host: a\r\n\r\n", b"Host: a\r\nCookie: b=1\r\n\r\n", b"\r\n"]


@given(
    spoiled(
        st.builds(
            lambda method, target, version, block, rest: (
                b"%b %b HTTP/%b\r\n%b%b" % (method, target, version, block, rest)
            ),
            st.sampled_from([b"GET", b"POST", b"CONNECT", b"CONNECTS", b"", b"M-SEARCH"]),
            st.sampled_from([b"/", b"/a?b", b"*", b"http://a/", b"/\xff", b"/\x7f", b"/a b", b""]),
            st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0", b"1.2", b"2"]),
            st.sampled_from(BLOCKS),
            st.sampled_from([b"", b"rest", b"GET / HTTP/1.1\r\n"]),
        ),
        [b"\r", b"\n", b" ", b"/", b"\x00", b"x"],
    ),
    st.sampled_from(BLOCKS),
    st.integers(0, 60),
)
def test_both_forms_know_a_head_again_alike(data: bytes, block: bytes, most: int) -> None:
    assert known_head(data, block, most) == known_head_pure(data, block, most)
