"""What a field line is, remembered or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.plane import lines as module
from gatekeeper.proxy.plane.lines import CONNECTION, HOP, HOST, LENGTH, PLAIN, WATCHED, Lines, Untrusted, breaks_line
from gatekeeper.proxy.plane.request import Heads
from gatekeeper.wire.fields import is_trustworthy
from tests.plane.pieces import request_lines, response_lines


@given(st.binary(max_size=40))
def test_an_end_of_line_is_found_wherever_it_stands(octets: bytes) -> None:
    assert breaks_line(octets) is not is_trustworthy(b"X", octets)


@given(
    st.lists(
        st.one_of(st.binary(max_size=20), st.sampled_from([b"X: y", b"Cookie: a", b"TE: x", b"Date:"])), max_size=5
    )
)
def test_a_line_is_trusted_if_every_recipient_reads_the_same_field(lines: list[bytes]) -> None:
    sound = all(b":" in line and is_trustworthy(line.partition(b":")[0], line.partition(b":")[2]) for line in lines)
    memory = request_lines()
    for _ in range(2):
        try:
            found = memory.scan(lines.copy())
        except Untrusted:
            assert not sound
        else:
            assert sound
            for line, (_, (name, value), _) in found:
                assert (name, value) == (line.partition(b":")[0], line.partition(b":")[2].strip(b" \t"))


def kind_of(line: bytes, memory: Lines) -> int:
    return memory.look(line)[0]


KINDS = [
    (b"Cookie: a", WATCHED, PLAIN),
    (b"SET-COOKIE: a", PLAIN, WATCHED),
    (b"Host: a", HOST, PLAIN),
    (b"TE: a", HOP, HOP),
    (b"Keep-Alive: a", HOP, HOP),
    (b"connection: a", CONNECTION, CONNECTION),
    (b"Content-Length: 5", LENGTH, LENGTH),
    (b"X-Forwarded-For: a", module.CLAIM, PLAIN),
    (b"x_forwarded_for: a", module.CLAIM, PLAIN),
    (b"Expect: a", module.EXPECT, PLAIN),
]


@pytest.mark.parametrize(("line", "request_kind", "response_kind"), KINDS)
def test_a_kind_depends_on_the_name_and_the_direction(line: bytes, request_kind: int, response_kind: int) -> None:
    for _ in range(2):
        assert kind_of(line, request_lines()) == request_kind
        assert kind_of(line, response_lines()) == response_kind


@pytest.mark.parametrize(
    ("value", "number"), [(b"5", 5), (b"005", 5), (b"", -1), (b"+5", -1), (b"5 ", -1), (b"\xb2", -1)]
)
def test_a_length_is_digits_and_nothing_else(value: bytes, number: int) -> None:
    assert module.number(value) == number


def test_the_options_of_connection_are_compared_without_regard_to_case() -> None:
    assert request_lines().look(b"Connection: Close,, \tX-A ,close")[2] == {b"close", b"x-a"}


def test_what_is_for_this_hop_does_not_go_on_and_all_else_stays_in_order() -> None:
    lines = [b"A: 1", b"TE: x", b"Cookie: a", b"Connection: close", b"B: 2", b"TE: x"]
    request_lines().scan(lines)
    assert lines == [b"A: 1", b"Cookie: a", b"B: 2"]


# --- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [b"Cookie: sid=secret", b"Authorization: secret", b"X-Token: secret", b"If-None-Match: x"]
)
def test_no_value_that_may_be_a_visitors_own_is_kept(line: bytes) -> None:
    memory = request_lines()
    memory.scan([line])
    memory.scan([line])
    assert not memory.plain
    assert not memory.known
    assert line.partition(b":")[0] in memory.names


def test_a_line_that_repeats_is_kept_and_a_long_one_is_not() -> None:
    memory = request_lines()
    long = b"User-Agent: " + b"x" * module._SHORT
    memory.scan([b"User-Agent: x", b"Accept: */*", long])
    assert memory.plain == {b"User-Agent: x"}
    assert set(memory.known) == {b"Accept: */*"}


def test_what_a_stranger_invents_does_not_grow_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 4)
    memory = request_lines()
    for number in range(50):
        memory.scan([b"X-%d: y" % number, b"User-Agent: %d" % number, b"Accept: %d" % number, b"TE: %d" % number])
        assert len(memory.names) <= 4
        assert len(memory.plain) <= 4
        assert len(memory.known) <= 4


def test_a_name_beyond_all_measure_is_not_kept() -> None:
    memory = request_lines()
    memory.scan([b"x" * 1000 + b": y"])
    assert not memory.names


def test_what_a_hook_watches_may_change() -> None:
    watched = {b"cookie"}
    memory = Lines(watched.__contains__, of_requests=True)
    lines = [b"Cookie: a=1", b"X-Country: FR", b"Accept: text/html", b"TE: x"]
    heads = Heads(memory, most_fields=10)
    head = b"\r\n".join([b"GET / HTTP/1.1", b"Host: x", *lines])

    def seen() -> list[bytes]:
        again = heads.again(head + b"\r\n\r\n", 1000)
        request = heads.read(head) if again is None else again[0]
        return [name for name, _ in request.fields.watched]

    assert seen() == seen() == [b"Cookie"]
    watched |= {b"x-country", b"accept"}
    assert seen() == [b"Cookie"]
    memory.forget()
    heads.forget()
    assert seen() == seen() == [b"Cookie", b"X-Country", b"Accept"]
