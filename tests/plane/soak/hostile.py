"""An app that tells each visitor back what it got from him, and is wrong on the wire in every way while it does.

The second part of the path is the visitor's token. A response holds it in a field, in three cookies and in the body,
beside the Cookie field and the body of the request as they came, so that what one visitor gets of another's shows.
"""

import asyncio
from collections import Counter

from tests.plane.soak.origin import Call, Over, Script, response

POISON = b"p01s0n"  # stands where nobody may ever get it from
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </%b.css>; rel=preload\r\nSet-Cookie: sid=%b\r\n\r\n"


class Hostile:
    """The scripts, and how often each token of a POST arrived."""

    def __init__(self) -> None:
        self.posts: Counter[bytes] = Counter()

    @property
    def scripts(self) -> dict[str, Script]:
        """By the name of what each does."""
        faults: dict[str, Script] = {
            "length": _length,
            "chunked": _chunked,
            "till-the-end": _till_the_end,
            "old": _old,
            "surplus": _surplus,
            "pieces": _pieces,
            "hints": _hints,
            "gone-after": _gone_after,
            "unchanged": _unchanged,
            "nothing": _nothing,
            "truncated": _truncated,
            "reset": _reset,
            "silent": _silent,
            "garbage": _garbage,
            "ambiguous": _ambiguous,
            "eager": _eager,
        }
        return {name: self._counting(script) for name, script in faults.items()}

    def _counting(self, script: Script) -> Script:
        async def counted(call: Call) -> None:
            if call.method == b"POST":
                self.posts[token(call)] += 1
            await script(call)

        return counted


def token(call: Call) -> bytes:
    return call.target.split(b"/")[2]


def fields(call: Call) -> list[bytes]:
    """The fields of a response that hold the token."""
    mine = token(call)
    return [
        b"X-Token: " + mine,
        b"Set-Cookie: sid=%b; Path=/; HttpOnly" % mine,
        b"Set-Cookie: _ga=%b; Path=/; Max-Age=999" % mine,
        b"Set-Cookie: odd=%b" % mine,
    ]


async def told(call: Call) -> bytes:
    """The body of a response: what came, and the token over and over."""
    body = await call.body()
    return b"\n".join([call.target, b"; ".join(call.values(b"cookie")), body, filler(token(call))])


def filler(mine: bytes) -> bytes:
    """Octets that are this token's own; how many is too: most often few, sometimes 70 KiB."""
    return mine * (1 + (int(mine[-2:], 16) ** 16 >> 116))


def head_of(call: Call, *framing: bytes, version: bytes = b"HTTP/1.1", status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([version + b" " + status, *framing, *fields(call), b"", b""])


async def _length(call: Call) -> None:
    body = await told(call)
    if call.method == b"HEAD":
        await call.send(head_of(call, b"Content-Length: %d" % len(body)))
    else:
        await call.send(response(body, *fields(call)))


async def _chunked(call: Call) -> None:
    body = await told(call)
    await call.send(head_of(call, b"Transfer-Encoding: chunked"))
    for start in range(0, len(body), 3000):
        part = body[start : start + 3000]
        await call.send(b"%x;%b=1\r\n%b\r\n" % (len(part), b"extension", part))
    await call.send(b"0\r\nX-Trailer: %b\r\nSet-Cookie: sid=%b\r\n\r\n" % (token(call), POISON))


async def _till_the_end(call: Call) -> None:
    await call.send(head_of(call, b"Connection: close") + await told(call))
    raise Over


async def _old(call: Call) -> None:
    await call.send(head_of(call, version=b"HTTP/1.0") + await told(call))
    raise Over


async def _surplus(call: Call) -> None:
    """A whole second response behind the first, in one write."""
    extra = response(POISON + token(call), b"X-Token: " + POISON)
    await call.send(response(await told(call), *fields(call)) + extra)


async def _pieces(call: Call) -> None:
    whole = response(await told(call), *fields(call))
    for start, end in ((0, 5), (5, 40), (40, 41), (41, 700), (700, len(whole))):
        await call.send(whole[start:end])
        await asyncio.sleep(0.002)


async def _hints(call: Call) -> None:
    await call.send(HINTS % (token(call), token(call)))
    await call.send(response(await told(call), *fields(call)))


async def _gone_after(call: Call) -> None:
    """Ends the connection behind a response that said nothing of it."""
    await call.send(response(await told(call), *fields(call)))
    raise Over


async def _unchanged(call: Call) -> None:
    """304 with the Content-Length that a 200 would have (RFC 9110 section 15.4.5)."""
    await call.body()
    await call.send(head_of(call, b"Content-Length: 5000", status=b"304 Not Modified"))


async def _nothing(call: Call) -> None:
    await call.body()
    await call.send(head_of(call, status=b"204 No Content"))


async def _truncated(call: Call) -> None:
    body = await told(call)
    await call.send(response(body + b"more", *fields(call)).removesuffix(b"more"))
    raise Over


async def _reset(call: Call) -> None:
    await told(call)
    await call.send(head_of(call, b"Transfer-Encoding: chunked") + b"ff\r\n" + token(call))
    call.reset()


async def _silent(call: Call) -> None:
    await call.body()
    raise Over


async def _garbage(call: Call) -> None:
    await call.body()
    await call.send(b"\x16\x03\x01 %b\r\n\r\n" % token(call))
    raise Over


async def _ambiguous(call: Call) -> None:
    """Two framings: the body of the one holds a response of the other (RFC 9112 section 6.3)."""
    body = await told(call)
    await call.send(
        head_of(call, b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + POISON + body
    )
    raise Over


async def _eager(call: Call) -> None:
    """Answers before it has read the request's body."""
    mine = token(call)
    await call.send(response(mine, *fields(call)))
    await call.body()
