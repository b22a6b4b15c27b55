"""Fifty visitors at once before a hostile app: each gets what is his, by his own choice, and nothing of another's.

Connections are kept and requests pipelined, in pieces; some visitors leave in the middle. What comes is compared whole:
a response is a function of its request alone.
"""

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plane.soak.hostile import POISON, Hostile, filler
from tests.plane.soak.origin import Origin
from tests.plane.soak.scene import GRANT, REFUSE, play, scene
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import Broken, Connection, Response

VISITORS = 50
REQUESTS = sized(2_500, 100_000)
WHOLE = ("length", "chunked", "till-the-end", "old", "surplus", "pieces", "hints", "gone-after")
EMPTY = {"unchanged": 304, "nothing": 204}
BREAKS = ("truncated", "reset")
REFUSED = ("silent", "garbage", "ambiguous")
KINDS = (*WHOLE * 3, *EMPTY, *BREAKS, *REFUSED, "eager")
TOKEN = re.compile(rb"t[0-9]{2}-[0-9]{6}-[0-9a-f]{8}")


@dataclass(frozen=True)
class Request:
    """What a visitor asks, and what he must get."""

    kind: str
    method: bytes
    token: bytes
    choice: bytes
    chunked: bool

    @property
    def body(self) -> bytes:
        return self.token * (1 + int(self.token[-4:-2], 16)) if self.method == b"POST" else b""

    @property
    def target(self) -> bytes:
        return f"/{self.kind}/".encode() + self.token

    @property
    def octets(self) -> bytes:
        cookie = b"; ".join([b"%b=%b" % (name, self.token) for name in (b"sid", b"_ga", b"odd")] + self._choices)
        lines = [b"%b %b HTTP/1.1" % (self.method, self.target), b"Host: shop.example", b"Cookie: " + cookie]
        body = self.body
        if self.method == b"POST" and self.chunked:
            lines.append(b"Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        elif self.method == b"POST":
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join([*lines, b"", body])

    @property
    def _choices(self) -> list[bytes]:
        return [self.choice] if self.choice else []

    @property
    def seen_by_the_app(self) -> bytes:
        """The Cookie field that is left of his."""
        names = (b"sid", b"_ga") if self.choice == GRANT else (b"sid",)
        return b"; ".join([b"%b=%b" % (name, self.token) for name in names] + self._choices)

    @property
    def answer(self) -> bytes:
        """The body that he must get."""
        if self.method == b"HEAD" or self.kind in EMPTY:
            return b""
        if self.kind == "eager":
            return self.token
        return b"\n".join([self.target, self.seen_by_the_app, self.body, filler(self.token)])

    @property
    def given(self) -> list[bytes]:
        """The Set-Cookie fields that he must get."""
        fields = [b"sid=%b; Path=/; HttpOnly" % self.token]
        return fields + [b"_ga=%b; Path=/; Max-Age=999" % self.token] * (self.choice == GRANT)


class Visitor:
    """One of them. What he asks, and how, is drawn from his number."""

    def __init__(self, number: int, port: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._number = number
        self._port = port
        self._random = random.Random(number)
        self._asked = 0

    async def come(self, count: int) -> None:
        """Asks so often, on one connection after another."""
        while self.outcomes.total() < count:
            async with await Connection.open(self._port) as connection:
                try:
                    while self.outcomes.total() < count and await self._batch(connection):
                        pass
                except Broken:
                    self.outcomes["ended between responses"] += 1

    def _request(self) -> Request:
        draw = self._random
        kind = draw.choice(KINDS)
        method = b"POST" if kind == "eager" else draw.choices([b"GET", b"POST", b"HEAD"], [6, 3, kind == "length"])[0]
        self._asked += 1
        mine = f"t{self._number:02}-{self._asked:06}-{draw.getrandbits(32):08x}".encode()
        # Refuses, grants, has not chosen, or changes his mind with every request.
        choice = (REFUSE, GRANT, b"", draw.choice([REFUSE, GRANT, b""]))[self._number % 4]
        return Request(kind, method, mine, choice, draw.random() < 0.5)

    async def _batch(self, connection: Connection) -> bool:
        """Several requests before the first response; False when the connection is of no use any more."""
        requests = [self._request() for _ in range(self._random.choice([1, 1, 1, 2, 4, 8]))]
        await self._send_all(connection, b"".join(request.octets for request in requests))
        if self._random.random() < 0.03:
            await connection.read(self._random.randrange(1, 3000))
            self.outcomes["left in the middle"] += 1
            if self._random.random() < 0.5:
                connection.reset()
            return False
        for request in requests:
            if not await self._judge(connection, request):
                return False
        return True

    async def _send_all(self, connection: Connection, octets: bytes) -> None:
        cut = self._random.randrange(len(octets)) if self._random.random() < 0.3 else 0
        await connection.send(octets[:cut])
        if cut:
            await asyncio.sleep(0)
        await connection.send(octets[cut:])

    async def _judge(self, connection: Connection, request: Request) -> bool:
        """Compares one response; False when the connection ends with it."""
        try:
            got = await connection.response(request.method)
        except Broken as broken:
            self.outcomes[judge_break(broken.octets, request)] += 1
            return False
        judge_octets(got.raw, request)
        self.outcomes[judge_response(got, request)] += 1
        return not got.is_last


def judge_octets(raw: bytes, request: Request) -> None:
    """Nothing in it is another's, or what nobody may get."""
    assert not TOKEN.search(raw.replace(request.token, b"|")), (request, raw[:3000])
    assert POISON not in raw, (request, raw[:3000])


def judge_break(part: bytes, request: Request) -> str:
    """Fails on a part of a response that the app sent whole."""
    judge_octets(part, request)
    if request.kind in BREAKS:
        return "broken"
    assert part == b"", (request, part[:3000])
    return "ended between responses"


def judge_response(got: Response, request: Request) -> str:
    """Fails on what is not the answer to this request; says in a word what it was."""
    may_fail = request.kind in (*REFUSED, *BREAKS) or request.method == b"POST"
    if got.status == 502 and may_fail:
        assert got.values(b"set-cookie") == []
        return "502 as it must be" if request.kind in REFUSED else "502 that may be"
    assert request.kind not in (*REFUSED, *BREAKS), (request, got)
    assert got.status == EMPTY.get(request.kind, 200), (request, got)
    assert got.body == request.answer, (request, got)
    assert got.values(b"set-cookie") == request.given, (request, got)
    assert got.values(b"x-token") == [request.token], (request, got)
    return "whole"


@pytest.mark.parametrize("workers", sized(["1"], ["1", "2"]))
def test_no_octet_and_no_choice_of_one_visitor_is_ever_anothers(tmp_path: Path, workers: str) -> None:
    hostile = Hostile()
    visitors: list[Visitor] = []

    async def scenario() -> None:
        async with scene(tmp_path, "--workers", workers, origin=Origin(hostile.scripts)) as on:
            visitors.extend(Visitor(number, on.port) for number in range(VISITORS))
            async with asyncio.TaskGroup() as group:
                for visitor in visitors:
                    group.create_task(visitor.come(REQUESTS // VISITORS))

    try:
        play(scenario(), within=sized(60, 600))
    finally:
        outcomes = sum((visitor.outcomes for visitor in visitors), Counter[str]())
        # In vain for one alone is something else than too slow for all.
        print(f"{workers} workers:", dict(outcomes), "each:", sorted(one.outcomes.total() for one in visitors))
    assert outcomes.total() >= REQUESTS
    assert outcomes["whole"] > REQUESTS // 2
    # A POST on a connection that ends at that moment is not sent again; a GET is.
    assert outcomes["502 that may be"] < REQUESTS // 20
    assert outcomes["ended between responses"] < REQUESTS // 50
    assert set(hostile.posts.values()) == {1}
