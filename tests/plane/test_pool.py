"""One connection to the upstream for many visitors: who waits is served in time, or told to come again."""

import threading
import time

import pytest

from tests.plane.stage import OK, Heard, Play, once, serving
from tests.plane.visits import Wire, get


def holding(line: Heard) -> None:
    """Answers the first request when the check says so, and all that follow at once."""
    line.request()
    assert line.stage.go_on.wait(5)
    line.send(OK)
    serving(OK)(line)


def test_who_waits_gets_the_connection_when_it_is_free(narrow: Wire) -> None:
    narrow.play(holding)
    first, second = narrow.visit(), narrow.visit()
    first.send(get(b"/first"))
    narrow.stage.wait_heads()
    second.send(get(b"/second"))
    assert second.has_nothing_yet()
    assert narrow.stage.connections == 1
    narrow.stage.go_on.set()
    assert first.reply().body == second.reply().body == b"ok"
    assert narrow.stage.targets == [b"/first", b"/second"]
    assert narrow.stage.connections == 1


def test_who_waits_too_long_is_told_when_to_come_again(narrow: Wire) -> None:
    narrow.play(holding)
    first, second = narrow.visit(), narrow.visit()
    first.send(get(b"/first"))
    narrow.stage.wait_heads()
    reply = second.ask(get(b"/second"))
    assert reply.status == 503
    assert int(reply.values(b"retry-after")[0]) > 0
    narrow.stage.go_on.set()
    assert first.reply().body == b"ok"
    assert second.ask(get(b"/third")).body == b"ok"
    assert narrow.stage.targets == [b"/first", b"/third"]


def test_those_who_wait_are_served_in_the_order_in_which_they_came(narrow: Wire) -> None:
    narrow.play(holding)
    visitors = [narrow.visit() for _ in range(6)]
    for number, visitor in enumerate(visitors):
        visitor.send(get(b"/%d" % number))
        time.sleep(0.02)
    narrow.stage.wait_heads()
    narrow.stage.go_on.set()
    assert [visitor.reply().body for visitor in visitors] == [b"ok"] * 6
    assert narrow.stage.targets == [b"/%d" % number for number in range(6)]


def test_who_leaves_while_waiting_takes_no_place(narrow: Wire) -> None:
    narrow.play(holding)
    first, second, third = narrow.visit(), narrow.visit(), narrow.visit()
    first.send(get(b"/first"))
    narrow.stage.wait_heads()
    second.send(get(b"/second"))
    assert second.has_nothing_yet(0.05)
    second.leave(reset=True)
    third.send(get(b"/third"))
    assert third.has_nothing_yet(0.05)
    narrow.stage.go_on.set()
    assert first.reply().body == third.reply().body == b"ok"
    assert narrow.stage.targets == [b"/first", b"/third"]


ENDS: dict[str, Play] = {
    "reset": once(b"", then=Heard.reset),
    "close": once(b""),
    "half_a_head": once(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "garbage": once(b"garbage\r\n\r\n"),
    "untrusted": once(b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n"),
    "truncated": once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"),
    "surplus": once(OK + OK, then=Heard.read_to_end),
    "close_delimited": once(b"HTTP/1.1 200 OK\r\n\r\nhello"),
}


@pytest.mark.parametrize("script", ENDS.values(), ids=ENDS.keys())
def test_every_kind_of_end_gives_the_connections_place_back(narrow: Wire, script: Play) -> None:
    narrow.play(*[script] * 3, OK)
    for _ in range(3):
        visitor = narrow.visit()
        visitor.send(get(b"/fails"))
        visitor.read_head()
    narrow.still_serves()


def test_a_visitor_who_leaves_gives_the_connections_place_back(narrow: Wire) -> None:
    narrow.play(*[once(b"", then=Heard.read_to_end)] * 3, OK)
    for number in range(3):
        visitor = narrow.visit()
        visitor.send(get(b"/left"))
        narrow.stage.wait_requests(number + 1)
        visitor.leave(reset=True)
    narrow.still_serves()


def test_twenty_visitors_share_one_connection(narrow: Wire) -> None:
    statuses: list[int] = []

    def visit() -> None:
        visitor = narrow.visit()
        statuses.extend(visitor.ask(get()).status for _ in range(10))

    visits = [threading.Thread(target=visit) for _ in range(20)]
    for thread in visits:
        thread.start()
    for thread in visits:
        thread.join(20)
    assert statuses == [200] * 200
    assert narrow.stage.connections == 1


def test_a_connection_that_nobody_uses_is_closed_after_a_while(narrow: Wire) -> None:
    narrow.play(once(OK, then=Heard.to_end))
    narrow.passes()
    narrow.stage.wait_ended()
    narrow.still_serves()
