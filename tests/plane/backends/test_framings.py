"""Twenty-four framings and more, before real servers: no server ever sees a request that the visitor did not send."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.cli.running import PATIENCE, Gatekeeper, until
from tests.plane.backends.framings import CASES, Fate, Framing
from tests.plane.backends.servers import BACKENDS, Backend, Entry, start

SETTINGS = """
[server]
head_timeout = "5s"
body_timeout = "5s"
[upstream]
read_timeout = "5s"
[enforcement]
unlisted = "allow"
"""
HEAD_END = b"\r\n\r\n"
Answer = tuple[int, bytes]


@dataclass
class Stand:
    """A server, the gate before it, and all that the server may have seen by now."""

    backend: Backend
    gatekeeper: Gatekeeper
    visits: int = 0

    def connect(self) -> socket.socket:
        parts = urlsplit(self.gatekeeper.address)
        return socket.create_connection((parts.hostname, parts.port), PATIENCE)

    def innocent(self, kind: str) -> tuple[bytes, Entry]:
        """A request that nothing is wrong with, for a path of its own; the last on its connection."""
        self.visits += 1
        path = f"/{kind}-{self.visits}"
        octets = f"GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n".encode()
        return octets, Entry("GET", path, 0)

    def another_visitor(self) -> Entry:
        """The next visitor gets the answer to what that visitor has asked for, whatever connection it comes over."""
        octets, expected = self.innocent("other")
        with self.connect() as line:
            line.sendall(octets)
            assert [seen(one) for one in answers(to_end(line))] == [expected]
        return expected

    def visited(self, since: int, last: Entry) -> list[Entry]:
        """What the server has seen since then, up to and without ``last``, which is awaited."""
        until(lambda: last in self.backend.seen()[since:], what=f"{last} at {self.backend.name}")
        return [entry for entry in self.backend.seen()[since:] if entry != last]


def to_end(line: socket.socket) -> bytes:
    """What comes until the gate closes; fails when it does neither."""
    octets = b""
    with contextlib.suppress(ConnectionError):
        while data := line.recv(65536):
            octets += data
    return octets


def first_answer(line: socket.socket) -> bytes:
    """What comes until one answer is whole, or the gate closes."""
    octets = b""
    with contextlib.suppress(ConnectionError):
        while not _are_whole(octets) and (data := line.recv(65536)):
            octets += data
    return octets


def _are_whole(octets: bytes) -> bool:
    try:
        return bool(answers(octets))
    except (ValueError, IndexError):
        return False


def answers(octets: bytes) -> list[Answer]:
    """Status and body of each final answer; raises ValueError or IndexError when they are not all whole."""
    found: list[Answer] = []
    while octets:
        head, end, octets = octets.partition(HEAD_END)
        first = re.match(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ", head)
        if not end or first is None:
            raise ValueError(f"no head of an answer: {head[:100]!r}")
        status = int(first[1])
        if status < 200:
            continue
        body, octets = _body(head.lower(), octets)
        found.append((status, body))
    return found


def _body(head: bytes, octets: bytes) -> tuple[bytes, bytes]:
    """The body behind a head in lower case, and what comes after it."""
    length = re.search(rb"\r\ncontent-length: ([0-9]+)", head)
    if length is not None:
        end = int(length[1])
        if len(octets) < end:
            raise ValueError("the body is not whole")
        return octets[:end], octets[end:]
    if b"\r\ntransfer-encoding: chunked" not in head:
        return octets, b""
    body = b""
    while True:
        line, _, octets = octets.partition(b"\r\n")
        size = int(line, 16)
        body += octets[:size]
        if octets[size : size + 2] != b"\r\n":
            raise ValueError("the chunk is not whole")
        octets = octets[size + 2 :]
        if not size:
            return body, octets


def seen(answer: Answer) -> Entry:
    """What the server says in its answer that it has seen."""
    status, body = answer
    assert status == 200, answer
    return Entry(**json.loads(body))


@pytest.fixture(scope="module", params=BACKENDS)
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("backend")
    (folder / "site.toml").write_text(SETTINGS)
    backend = start(request.param, folder)
    gatekeeper = Gatekeeper("--config", str(folder / "site.toml"), upstream=backend.url)
    try:
        yield Stand(backend, gatekeeper.ready())
        # Nothing turned up later, when nobody looked any more.
        assert not [one for one in backend.seen() if one.method == "" or one.path == "/inside"]
        assert not [line for line in gatekeeper.err if "Traceback" in line or "Error" in line], gatekeeper.err
    finally:
        gatekeeper.close()
        backend.stop()


@pytest.mark.parametrize("is_pipelined", [True, False], ids=["pipelined", "one-by-one"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_server_sees_the_requests_that_were_sent_and_no_other(
    stand: Stand, case: Framing, is_pipelined: bool
) -> None:
    since = len(stand.backend.seen())
    follower, second = stand.innocent("second")
    with stand.connect() as line:
        got = b""
        with contextlib.suppress(ConnectionError):  # it need not read what follows a request that it refuses
            line.sendall(case.octets + (follower if is_pipelined else b""))
        if not is_pipelined:
            got = first_answer(line)
            with contextlib.suppress(ConnectionError):
                line.sendall(follower)
        got += to_end(line)
    first = Entry(case.method, case.path, case.length)
    arrived = stand.visited(since, stand.another_visitor())

    given = answers(got)
    if given and given[0][0] == 200:
        assert case.fate is not Fate.REFUSED, (given, arrived)
        assert [seen(one) for one in given] == [first, second]
        assert arrived == [first, second]
    else:
        assert case.fate is not Fate.SERVED, (got, arrived)
        # One answer at most: what came behind the refused request was not read as another.
        assert [status for status, _ in given] == [400], got
        # A fault in the middle of a body is found when the server has the head already; it never has all of it.
        assert arrived in ([], [Entry(case.method, case.path, None)])


def test_there_are_as_many_framings_as_were_asked_for_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 24
