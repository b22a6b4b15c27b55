"""A visitor's connection: pipelining, pieces, half-closing, line ends before a request, and its own exchanges only."""

import random
import threading
import time

import pytest

from tests.plane.stage import OK, Heard, Play
from tests.plane.visits import Wire, get, request

PAUSE = 0.002  # seconds; long enough for two sends to be two reads


def echoing(*, slow: bool = False) -> Play:
    """Answers every request with its target, its body and its field X-Id."""

    def script(line: Heard) -> None:
        while True:
            message = line.request()
            if slow:
                time.sleep(random.random() / 200)
            body = b"|".join([message.target, message.body, *message.values(b"x-id")])
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return script


def test_requests_in_one_packet_are_answered_in_order(wire: Wire) -> None:
    wire.play(echoing())
    visitor = wire.visit()
    visitor.send(b"".join(get(b"/%d" % number) for number in range(5)))
    assert [visitor.reply().body for _ in range(5)] == [b"/%d|" % number for number in range(5)]
    assert sorted(wire.stage.targets) == [b"/%d" % number for number in range(5)]


def test_requests_with_bodies_in_one_packet_are_answered_in_order(wire: Wire) -> None:
    wire.play(echoing())
    visitor = wire.visit()
    sized = request(b"/sized", b"Content-Length: 5", method=b"POST", body=b"hello")
    chunked = request(b"/chunked", b"Transfer-Encoding: chunked", method=b"PUT", body=b"2\r\nhi\r\n0\r\nX: y\r\n\r\n")
    visitor.send(sized + chunked + get(b"/plain") + sized + chunked)
    expected = [b"/sized|hello", b"/chunked|hi", b"/plain|", b"/sized|hello", b"/chunked|hi"]
    assert [visitor.reply().body for _ in range(5)] == expected


def test_a_slow_first_answer_does_not_let_the_second_overtake(wire: Wire) -> None:
    def script(line: Heard) -> None:
        while True:
            message = line.request()
            if message.target == b"/slow":
                assert line.stage.go_on.wait(5)
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + message.target)

    wire.play(script)
    visitor = wire.visit()
    visitor.send(get(b"/slow") + get(b"/fast"))
    wire.stage.wait_heads()
    assert visitor.has_nothing_yet()
    wire.stage.go_on.set()
    assert [visitor.reply().body for _ in range(2)] == [b"/slow", b"/fast"]


def test_a_hundred_requests_in_one_packet_are_answered_in_order(wire: Wire) -> None:
    wire.play(echoing())
    visitor = wire.visit()
    visitor.send(b"".join(get(b"/%d" % number) for number in range(100)))
    assert [visitor.reply().body for _ in range(100)] == [b"/%d|" % number for number in range(100)]


def test_a_pipelined_request_that_is_none_is_refused_behind_the_good_ones(wire: Wire) -> None:
    wire.play(echoing())
    visitor = wire.visit()
    visitor.send(get(b"/1") + get(b"/2") + b"GET /3 HTTP/1.1\r\n\r\n" + get(b"/4"))
    assert [visitor.reply().status for _ in range(3)] == [200, 200, 400]
    assert visitor.is_ended
    assert sorted(wire.stage.targets) == [b"/1", b"/2"]


@pytest.mark.parametrize("ends", [b"\r\n", b"\r\n\r\n"], ids=["one", "two"])
def test_empty_lines_before_a_request_are_not_a_request(wire: Wire, ends: bytes) -> None:
    """RFC 9112 section 2.2: at least one is to be ignored. Some old browsers send it behind a POST."""
    visitor = wire.visit()
    visitor.send(ends + get(b"/1"))
    assert visitor.reply().body == b"ok"
    visitor.send(ends + get(b"/2"))
    assert visitor.reply().body == b"ok"
    assert wire.stage.targets == [b"/1", b"/2"]


def test_an_empty_line_between_pipelined_requests_is_not_a_request(wire: Wire) -> None:
    visitor = wire.visit()
    sized = request(b"/sized", b"Content-Length: 5", method=b"POST", body=b"hello")
    visitor.send(sized + b"\r\n" + sized + b"\r\n" + get())
    assert [visitor.reply().status for _ in range(3)] == [200, 200, 200]


def test_empty_lines_without_end_are_not_put_up_with_and_hold_nobody_up(wire: Wire) -> None:
    visitor = wire.visit()
    sender = threading.Thread(target=visitor.send, args=(b"\r\n" * (2 << 20),))
    sender.start()
    for _ in range(5):
        wire.still_serves()
    sender.join(10)
    visitor.half_close()
    assert visitor.read_to_end()[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 408")
    assert set(wire.stage.targets) == {b"/next"}


def test_a_visitor_who_half_closes_still_gets_the_answer(wire: Wire) -> None:
    def script(line: Heard) -> None:
        line.request()
        line.stage.go_on.wait(0.3)  # the gate has seen the end meanwhile
        line.send(OK)

    wire.play(script)
    visitor = wire.visit()
    visitor.send(get())
    visitor.half_close()
    assert visitor.reply().body == b"ok"
    assert visitor.is_ended


def test_a_visitor_who_half_closes_gets_the_answers_to_all_that_he_sent(wire: Wire) -> None:
    wire.play(echoing(slow=True))
    visitor = wire.visit()
    visitor.send(get(b"/1") + get(b"/2") + request(b"/3", b"Content-Length: 5", method=b"POST", body=b"hello"))
    visitor.half_close()
    assert [visitor.reply().body for _ in range(3)] == [b"/1|", b"/2|", b"/3|hello"]
    assert visitor.is_ended


def test_a_visitor_who_half_closes_gets_a_long_answer_whole(wire: Wire) -> None:
    body = bytes(range(256)) * 20_000
    wire.play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    visitor = wire.visit()
    visitor.send(get())
    visitor.half_close()
    assert visitor.reply().body == body


def test_a_head_in_one_octet_pieces_is_a_head(wire: Wire) -> None:
    visitor = wire.visit()
    octets = request(b"/pieces", b"X-Some: value", b"Content-Length: 5", method=b"POST", body=b"hello")
    for index in range(len(octets)):
        visitor.send(octets[index : index + 1])
        time.sleep(PAUSE / 4)
    assert visitor.reply().body == b"ok"
    assert (wire.stage.request.target, wire.stage.request.body) == (b"/pieces", b"hello")
    assert wire.stage.request.values(b"x-some") == [b"value"]


def test_a_chunked_request_in_one_octet_pieces_arrives_whole(wire: Wire) -> None:
    visitor = wire.visit()
    body = b"5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 1\r\n\r\n"
    octets = request(b"/pieces", b"Transfer-Encoding: chunked", method=b"POST", body=body) + get(b"/next")
    for index in range(len(octets)):
        visitor.send(octets[index : index + 1])
        time.sleep(PAUSE / 4)
    assert [visitor.reply().body for _ in range(2)] == [b"ok", b"ok"]
    assert wire.stage.requests[0].body == b"hello0123456789abcdef"


def test_a_request_split_at_every_place_is_the_same_request(wire: Wire) -> None:
    body = b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
    octets = request(b"/split?q", b"X-Some: value", b"Transfer-Encoding: chunked", method=b"POST", body=body)
    visitor = wire.visit()
    for place in range(1, len(octets)):
        visitor.send(octets[:place])
        time.sleep(PAUSE)
        visitor.send(octets[place:])
        assert visitor.reply().body == b"ok", place
    assert {(one.start, one.body, *one.trailers) for one in wire.stage.requests} == {
        (b"POST /split?q HTTP/1.1", b"abc", b"X-Sum: 1")
    }
    assert len({tuple(one.lines) for one in wire.stage.requests}) == 1


ANSWERS = {
    "sized": b"HTTP/1.1 200 Fine\r\nX-Some: value\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\nhello",
    "304": b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 5\r\n\r\n",
}


def in_pieces(line: Heard, *pieces: bytes) -> None:
    for piece in pieces:
        line.send(piece)
        time.sleep(PAUSE / 4)


@pytest.mark.parametrize("octets", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_response_in_one_octet_pieces_is_the_same_response(wire: Wire, octets: bytes) -> None:
    def script(line: Heard) -> None:
        while True:
            line.request()
            in_pieces(line, *[octets[index : index + 1] for index in range(len(octets))])

    wire.play(octets)
    expected = wire.ask(get(b"/", b"TE: trailers", b"Connection: TE"))
    wire.play(script)
    visitor = wire.visit()
    for _ in range(2):
        assert visitor.ask(get(b"/", b"TE: trailers", b"Connection: TE")) == expected


@pytest.mark.parametrize("octets", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_response_split_at_every_place_is_the_same_response(wire: Wire, octets: bytes) -> None:
    def script(line: Heard) -> None:
        while True:
            place = int(line.request().target[1:])
            line.send(octets[:place])
            time.sleep(PAUSE)
            line.send(octets[place:])

    wire.play(octets)
    expected = wire.ask(get(b"/", b"TE: trailers", b"Connection: TE"))
    wire.play(script)
    visitor = wire.visit()
    for place in range(1, len(octets)):
        reply = visitor.ask(get(b"/%d" % place, b"TE: trailers", b"Connection: TE"))
        assert (place, reply) == (place, expected)


def test_two_visitors_never_share_an_exchange(wire: Wire) -> None:
    """Twenty at once, thirty requests each, some with bodies, some pipelined; each gets what is his."""
    wire.play(echoing(slow=True))
    faults: list[BaseException] = []

    def visit(who: int) -> None:
        try:
            visitor = wire.visit()
            for number in range(0, 30, 3):
                line = b"X-Id: %d-%d" % (who, number)
                body = b"%d" % (who * 1000 + number)
                post = request(b"/p", line, b"Content-Length: %d" % len(body), method=b"POST", body=body)
                visitor.send(get(b"/a", line) + post + get(b"/b", line))
                mark = b"%d-%d" % (who, number)
                expected = [b"/a||" + mark, b"/p|" + body + b"|" + mark, b"/b||" + mark]
                assert [visitor.reply().body for _ in range(3)] == expected
        except BaseException as fault:  # noqa: BLE001 - told by the check
            faults.append(fault)

    visitors = [threading.Thread(target=visit, args=(who,)) for who in range(20)]
    for thread in visitors:
        thread.start()
    for thread in visitors:
        thread.join(30)
    assert faults == []
    assert len(wire.stage.requests) == 600
