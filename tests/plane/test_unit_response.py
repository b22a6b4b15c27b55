"""A head of a response: all ways of reading it come to the same, and what leaves has one meaning (RFC 9112 6.3)."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.plane import lines as memory_module
from gatekeeper.proxy.plane import response as module
from gatekeeper.proxy.plane.lines import Lines, Untrusted
from gatekeeper.proxy.plane.request import CHUNKED
from gatekeeper.proxy.plane.response import UNTIL_CLOSE, Statuses, parse_response
from gatekeeper.wire.fields import FieldList
from tests.plane.pieces import WATCHED_IN_RESPONSES, response_lines, spoiled
from tests.plane.strict import length_of, response_head

# fmt: off
FIRST_LINES = [
    *[b"HTTP/1.1 200 OK"] * 6, b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 404 \xe9", b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 101 Switching", b"HTTP/1.1 500", b"HTTP/1.1 426 Up",
    b"HTTP/1.7 200 OK", b"HTTP/1.1 600 No", b"HTTP/2 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 200 O\x00", b"garbage",
]
RUN = [
    b"Set-Cookie: a=1", b"Set-Cookie: b=2; Path=/", b"Set-Cookie: a=2", b"Set-Cookie: _ga=3; Max-Age=5",
    b"Set-Cookie: c=%s" % (b"x" * 300),
]
UNTIDY = [
    b"set-cookie: e=5", b"SET-COOKIE: f", b"Set-Cookie : g=1", b"Set-Cookie: h\ri",
    b"Set-Cookie: \n", b"Set-Cookie: a=1\nSet-Cookie: b=1", b"Set-Cookie: \x00", b"Vary: Cookie", b"Vary: *",
    b"Cache-Control: no-store", b"cache-control: private",
]
OTHERS = [
    b"Date: now", b"Server: x", b"X-A: 1", b"X-Nom: n", b"Content-Type: text/html", b"x-b:", b"X-Nom: m",
    b"Connection: keep-alive", b"Connection: close", b"connection: X-Nom, Set-Cookie", b"Connection: Date, close",
    b"Keep-Alive: timeout=5", b"Proxy-Connection: x", b"TE: x", b"Upgrade: websocket", b"Connection: upgrade",
    b"Trailer: X", b"Content-Length: 5", b"Content-Length: 5", b"content-length: 5, 5", b"Content-Length: 7",
    b"Content-Length: x", b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Transfer-Encoding: CHUNKED",
    b"Transfer-Encoding: gzip", b"X: a\rb", b"X: a\nSet-Cookie: z=1", b"X : y", b": y", b"no colon", b" folded",
]
SPOILERS = [b"\r", b"\n", b"\x00", b":", b"Set-Cookie: ", b",", b"\x0b"]
# fmt: on
METHODS = st.sampled_from([b"GET", b"GET", b"POST", b"HEAD"])


@st.composite
def composed(draw: st.DrawFn) -> bytes:
    """A head with a run of one watched field in it, others before and behind, and at times within."""
    lines = draw(st.lists(st.sampled_from(OTHERS), max_size=3))
    lines += draw(st.lists(st.sampled_from(RUN), max_size=4, unique=True))
    lines += draw(st.lists(st.sampled_from(OTHERS), max_size=3))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(UNTIDY)))
    return b"\r\n".join([draw(st.sampled_from(FIRST_LINES)), *lines])


heads = st.one_of(composed(), composed(), spoiled(composed(), SPOILERS))
Hook = Callable[[FieldList], FieldList]


def same(fields: FieldList) -> FieldList:
    return fields


def odd_ones_dropped(fields: FieldList) -> FieldList:
    return fields[::2]


def all_gone(fields: FieldList) -> FieldList:
    return ()


def guessing_lines() -> Lines:
    memory = response_lines()
    memory.run = b"\r\nSet-Cookie: "
    return memory


HOOKS: list[Hook] = [same, odd_ones_dropped, all_gone]
CUTS = {"pure": module.cut_pure, "compiled": module.cut} if module.cut is not module.cut_pure else {"pure": module.cut}


def line_by_line(head: bytes, memory: Lines) -> None:
    """The cut that is none."""


@pytest.fixture(params=CUTS.values(), ids=CUTS.keys(), scope="module")
def way(request: pytest.FixtureRequest) -> Iterator[Callable[..., object]]:
    """The compiled helper, where there is one, and the pure form."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "cut", request.param)
        yield request.param


def outcome(head: bytes, memory: Lines, method: bytes, hook: Hook = same) -> object:
    """All that a head comes to, to be compared."""
    try:
        response = parse_response(head, memory, Statuses(), method)
    except Untrusted:
        return "untrusted"
    said = (response.status, response.minor, response.length, response.keep_alive, response.announced, response.upgrade)
    return (*said, response.watched, b"\r\n".join(response.onward(hook(response.watched))))


def reference(head: bytes, method: bytes, hook: Hook = same) -> object:
    """The same, line by line and without memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "cut", line_by_line)
        return outcome(head, response_lines(), method, hook)


@given(
    heads,
    METHODS,
    st.sampled_from(HOOKS),
    st.sampled_from([*[b"\r\nSet-Cookie: "] * 3, b"\r\nset-cookie: ", None]),
)
def test_a_head_with_a_run_means_what_it_means_line_by_line(
    way: object, head: bytes, method: bytes, hook: Hook, run: bytes | None
) -> None:
    guessing = response_lines()
    guessing.run = run
    assert outcome(head, guessing, method, hook) == reference(head, method, hook)


@pytest.mark.parametrize("line", [*UNTIDY, *OTHERS], ids=repr)
def test_any_line_before_within_and_behind_a_run_is_what_it_is_line_by_line(way: object, line: bytes) -> None:
    run = [b"Set-Cookie: a=1", b"Set-Cookie: b=2; Path=/", b"Set-Cookie: a=2"]
    for place in range(4):
        for length in (b"Content-Length: 5", b"X: y"):
            for end in ([], [length]):
                lines = [length, *run[:place], line, *run[place:], *end]
                head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines])
                memory = guessing_lines()
                # Seen for the first time, with all lines known, and with what is around the run known as one.
                for hook in (same, all_gone) * 2:
                    assert outcome(head, memory, b"GET", hook) == reference(head, b"GET", hook)


@given(st.lists(heads, min_size=2, max_size=4), METHODS, st.sampled_from(HOOKS))
def test_what_was_read_before_changes_nothing_of_what_a_head_means(
    way: object, sequence: list[bytes], method: bytes, hook: Hook
) -> None:
    memory = response_lines()
    for head in sequence * 4:
        assert outcome(head, memory, method, hook) == reference(head, method, hook)


@given(st.lists(heads, min_size=2, max_size=4), METHODS, st.integers(1, 3))
def test_a_memory_that_is_full_or_emptied_changes_nothing(
    way: object, sequence: list[bytes], method: bytes, size: int
) -> None:
    memory = response_lines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_module, "_REMEMBERED", size)
        patch.setattr(memory_module, "_SURROUNDINGS", size)
        for head in sequence * 4:
            assert outcome(head, memory, method) == reference(head, method)
            assert max(len(memory.names), len(memory.plain), len(memory.known), len(memory.around)) <= size


@given(heads, METHODS, st.booleans())
def test_what_leaves_is_read_as_it_was_meant_by_a_strict_reader(
    way: object, head: bytes, method: bytes, guessing: bool
) -> None:
    memory = response_lines()
    memory.run = b"\r\nSet-Cookie: " if guessing else None
    try:
        response = parse_response(head, memory, Statuses(), method)
    except Untrusted:
        return
    watched = response.watched
    after = response_head(b"\r\n".join(response.onward(watched)) + b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert after.start.rstrip(b" ") == (b"HTTP/1.1" + first[8:]).rstrip(b" ")
    assert [line for line in after.lines if is_watched(line)] == [line for line in lines if is_watched(line)]
    pairs = [line.partition(b":") for line in lines if is_watched(line)]
    assert watched == tuple((name, value.strip(b" \t")) for name, _, value in pairs)
    length = length_of(after)
    if response.status < 200 or response.status == 204:
        assert (response.length, length) == (0, None)
    elif method == b"HEAD" or response.status == 304:
        assert response.length == 0
    else:
        assert {CHUNKED: -1, UNTIL_CLOSE: None}.get(response.length, response.length) == length
    options = {b"close", b"keep-alive", b"x-nom", b"date"}
    assert not options & {one.lower() for value in after.values(b"connection") for one in value.split(b", ")}
    assert not {b"keep-alive", b"proxy-connection", b"te"} & set(after.names)
    if any(line.lower().startswith(b"connection: x-nom") for line in lines):
        assert b"x-nom" not in after.names


def is_watched(line: bytes) -> bool:
    return line.partition(b":")[0].lower() in WATCHED_IN_RESPONSES


@given(heads)
def test_lines_that_nobody_watches_leave_as_they_came_and_in_order(way: object, head: bytes) -> None:
    memory = response_lines()
    memory.run = b"\r\nSet-Cookie: "
    try:
        response = parse_response(head, memory, Statuses(), b"GET")
    except Untrusted:
        return
    leaving = b"\r\n".join(response.onward(response.watched)).split(b"\r\n")[1:]
    added = (b"connection: upgrade", b"upgrade:", b"content-length:")
    kept = [line for line in leaving if not line.lower().startswith(added)]
    rest = iter(head.split(b"\r\n")[1:])
    assert all(line in rest for line in kept)  # a part of them, in their order


@given(
    st.binary(max_size=150), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\n"])
)
def test_no_octets_are_an_exception_of_another_kind(way: object, octets: bytes, before: bytes) -> None:
    memory = response_lines()
    memory.run = b"\r\nSet-Cookie: "
    assert outcome(before + octets, memory, b"GET") == reference(before + octets, b"GET")


@pytest.mark.parametrize("where", [b"Set-Cookie:  a=1", b"Set-Cookie: a=1 ", b"Set-Cookie: \ta=1"])
def test_white_space_around_a_value_of_a_run_is_no_part_of_it(way: object, where: bytes) -> None:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Set-Cookie: b=1", where, b"Content-Length: 0"])
    assert outcome(head, guessing_lines(), b"GET") == reference(head, b"GET")


def test_a_field_that_a_hook_adds_stands_at_the_end_behind_a_run_too(way: object) -> None:
    def added(fields: FieldList) -> FieldList:
        return (*fields, (b"Set-Cookie", b"c=; Max-Age=0"))

    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Set-Cookie: a=1", b"Set-Cookie: b=1", b"Content-Length: 0"])
    assert outcome(head, guessing_lines(), b"GET", added) == reference(head, b"GET", added)


def test_a_name_that_came_several_times_is_expected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cut", module.cut_pure)
    memory = response_lines()
    outcome(b"HTTP/1.1 200 OK\r\nset-cookie: a=1", memory, b"GET")
    assert memory.run is None
    outcome(b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=1", memory, b"GET")
    assert memory.run == b"\r\nset-cookie: "


BEFORE, AFTER = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5", b"Content-Language: de\r\nConnection: keep-alive"


def cut_thrice(before: bytes, after: bytes) -> Lines:
    memory = guessing_lines()
    for number in range(3):
        head = b"%b\r\nSet-Cookie: a=%d\r\nSet-Cookie: b=2\r\n%b" % (before, number, after)
        assert outcome(head.removesuffix(b"\r\n"), memory, b"GET") != "untrusted"
    return memory


def test_what_is_around_a_run_is_known_again_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cut", module.cut_pure)
    for before, after in ((BEFORE, AFTER), (BEFORE, b""), (b"HTTP/1.1 200 OK", AFTER)):
        memory = cut_thrice(before, after)
        assert [*memory.around] == [(before, after)]
        # Nothing of it is looked at again, and what one answer's lines become does not stay with the next.
        memory.plain.clear()
        memory.known.clear()
        head = b"\r\n".join([before, b"Set-Cookie: c=3", b"Set-Cookie: d=4", *([after] if after else [])])
        for method, hook in ((b"GET", all_gone), (b"HEAD", same), (b"GET", same)):
            assert outcome(head, memory, method, hook) == reference(head, method, hook)
        assert not memory.plain
        assert not memory.known
        memory.forget()
        assert not memory.around


@pytest.mark.parametrize(
    "line", [b"X-Request-Id: 7", b"Location: /reset?token=7", b"Link: <%b>" % (b"x" * 3000)], ids=repr
)
def test_what_may_be_one_visitors_own_around_a_run_is_not_kept(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(module, "cut", module.cut_pure)
    assert not cut_thrice(BEFORE + b"\r\n" + line, AFTER).around
    assert not cut_thrice(BEFORE, line).around


def test_what_is_around_a_run_is_kept_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cut", module.cut_pure)
    monkeypatch.setattr(memory_module, "_LONGEST_SURROUNDING", len(BEFORE + AFTER))
    assert cut_thrice(BEFORE, AFTER).around
    assert not cut_thrice(BEFORE, AFTER + b"\r\nETag: 1").around


def test_few_status_lines_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STATUSES", 2)
    statuses = Statuses()
    for reason in (b"a", b"b", b"c", b"a", b""):
        assert statuses.read(b"HTTP/1.0 200 " + reason) == (200, 0, b"HTTP/1.1 200 " + reason)
        assert len(statuses.known) <= 2
