"""Requests whose end two readers may see in two places, each with a second request inside its body or behind it.

Where a reader goes wrong, ``/inside`` turns up as a request of its own, or the octets of a body as something that is no
request at all.
"""

from dataclasses import dataclass
from enum import Enum, auto

INSIDE = b"GET /inside HTTP/1.1\r\nHost: shop.example\r\n\r\n"


class Fate(Enum):
    """What the gate has to do with a request."""

    SERVED = auto()  # nothing can be said against it
    REFUSED = auto()  # it can be read in more than one way
    EITHER = auto()  # RFC 9112 leaves it to the recipient


@dataclass(frozen=True)
class Framing:
    """``length`` is that of the body as the letter of RFC 9112 has it, in octets."""

    name: str
    octets: bytes
    fate: Fate
    length: int = 0
    method: str = "POST"

    @property
    def path(self) -> str:
        return f"/{self.name}"


CASES: list[Framing] = []


def _case(name: str, fate: Fate, lines: bytes, body: bytes = b"", length: int = 0, *, method: str = "POST",
          version: bytes = b"1.1", before: bytes = b"") -> None:  # fmt: skip
    head = b"%s /%s HTTP/%s\r\nHost: shop.example\r\n" % (method.encode(), name.encode(), version)
    CASES.append(Framing(name, before + head + lines + b"\r\n" + body, fate, length, method))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


N = len(INSIDE)
LENGTH = b"Content-Length: %d\r\n" % N
CODING = b"Transfer-Encoding: chunked\r\n"
LAST = b"0\r\n\r\n"
CHUNKED = _chunk(INSIDE) + LAST
SERVED, REFUSED, EITHER = Fate.SERVED, Fate.REFUSED, Fate.EITHER

# --- nothing is wrong with these --------------------------------------------------------------------------------------

_case("length", SERVED, LENGTH, INSIDE, N)
_case("length-zero", SERVED, b"Content-Length: 0\r\n")
_case("get-with-length", SERVED, LENGTH, INSIDE, N, method="GET")
_case("chunked", SERVED, CODING, CHUNKED, N)
_case("chunked-get", SERVED, CODING, CHUNKED, N, method="GET")
_case("chunked-empty", SERVED, CODING, LAST)
_case("chunked-two-chunks", SERVED, CODING, _chunk(b"0\r\n\r\n") + _chunk(INSIDE) + LAST, N + 5)
_case("coding-in-capitals", SERVED, b"TRANSFER-ENCODING: CHUNKED\r\n", CHUNKED, N)
_case("coding-with-tabs", SERVED, b"Transfer-Encoding:\t chunked \t\r\n", CHUNKED, N)
_case("length-with-tabs", SERVED, b"Content-Length:\t %d \t\r\n" % N, INSIDE, N)
_case("chunk-size-capital", SERVED, CODING, b"%X\r\n%s\r\n" % (N, INSIDE) + LAST, N)
_case("chunk-size-leading-zeros", SERVED, CODING, b"0000%x\r\n%s\r\n" % (N, INSIDE) + LAST, N)
_case("chunk-extension", SERVED, CODING, b'%x;a=b;c="d"\r\n%s\r\n' % (N, INSIDE) + LAST, N)
_case("trailer-length", SERVED, CODING, _chunk(INSIDE) + b"0\r\n%s\r\n" % LENGTH, N)
_case("trailer-coding", SERVED, CODING, _chunk(INSIDE) + b"0\r\n%s\r\n" % CODING, N)
_case("expect-continue", SERVED, LENGTH + b"Expect: 100-continue\r\n", INSIDE, N)
# Who drops what Connection names must not drop what says where the body ends.
_case("length-nominated", SERVED, LENGTH + b"Connection: content-length\r\n", INSIDE, N)
_case("coding-nominated", SERVED, CODING + b"Connection: keep-alive, transfer-encoding\r\n", CHUNKED, N)
# Another field, which some servers take for the one without the underscore.
_case("length-underscore", EITHER, LENGTH.replace(b"-", b"_"))
_case("coding-underscore", EITHER, LENGTH + CODING.replace(b"-", b"_"), INSIDE, N)

# --- Content-Length ---------------------------------------------------------------------------------------------------

_case("length-twice", EITHER, LENGTH * 2, INSIDE, N)
_case("length-as-list", EITHER, b"Content-Length: %d, %d\r\n" % (N, N), INSIDE, N)
_case("lengths-that-differ", REFUSED, b"Content-Length: 0\r\n" + LENGTH, INSIDE)
_case("lengths-that-differ-in-one", REFUSED, b"Content-Length: %d, 0\r\n" % N, INSIDE)
_case("length-plus", REFUSED, b"Content-Length: +%d\r\n" % N, INSIDE)
_case("length-minus", REFUSED, b"Content-Length: -%d\r\n" % N, INSIDE)
_case("length-hexadecimal", REFUSED, b"Content-Length: 0x%x\r\n" % N, INSIDE)
_case("length-underscored", REFUSED, b"Content-Length: %d_%d\r\n" % divmod(N, 10), INSIDE)
_case("length-two-words", REFUSED, b"Content-Length: %d 0\r\n" % N, INSIDE)
_case("length-empty", REFUSED, b"Content-Length: \r\n", INSIDE)
_case("length-beyond-64-bit", REFUSED, b"Content-Length: %d\r\n" % (2**64 + N), INSIDE)
_case("length-space-before-colon", REFUSED, LENGTH.replace(b":", b" :"), INSIDE)
_case("length-folded", REFUSED, b"Content-Length:\r\n %d\r\n" % N, INSIDE)
_case("length-behind-bare-lf", REFUSED, b"X: y\n" + LENGTH, INSIDE)
_case("length-behind-bare-cr", REFUSED, b"X: y\r" + LENGTH, INSIDE)
_case("length-with-nul", REFUSED, b"Content-Length: %d\x00\r\n" % N, INSIDE)

# --- Transfer-Encoding ------------------------------------------------------------------------------------------------

_case("length-and-coding", REFUSED, LENGTH + CODING, LAST + INSIDE)
_case("coding-and-length", REFUSED, CODING + b"Content-Length: 4\r\n", CHUNKED)
_case("coding-in-http-1.0", REFUSED, CODING, CHUNKED, version=b"1.0")
_case("coding-unknown", REFUSED, b"Transfer-Encoding: xchunked\r\n", CHUNKED)
_case("coding-identity", REFUSED, b"Transfer-Encoding: identity\r\n" + LENGTH, INSIDE)
_case("coding-before-chunked", REFUSED, b"Transfer-Encoding: gzip, chunked\r\n", CHUNKED)
_case("coding-after-chunked", REFUSED, b"Transfer-Encoding: chunked, identity\r\n", CHUNKED)
_case("coding-twice", REFUSED, CODING * 2, CHUNKED)
_case("coding-two-lines", REFUSED, CODING + b"Transfer-Encoding: identity\r\n", CHUNKED)
_case("coding-quoted", REFUSED, b'Transfer-Encoding: "chunked"\r\n', CHUNKED)
_case("coding-with-parameter", REFUSED, b"Transfer-Encoding: chunked;q=1\r\n", CHUNKED)
_case("coding-empty", REFUSED, b"Transfer-Encoding:\r\n" + LENGTH, INSIDE)
_case("coding-vertical-tab", REFUSED, b"Transfer-Encoding: \x0bchunked\r\n", CHUNKED)
_case("coding-space-before-colon", REFUSED, CODING.replace(b":", b" :") + LENGTH, LAST + INSIDE)
_case("coding-tab-before-colon", REFUSED, CODING.replace(b":", b"\t:") + LENGTH, LAST + INSIDE)
_case("coding-folded", REFUSED, b"Transfer-Encoding:\r\n chunked\r\n", CHUNKED)
_case("coding-folded-away", REFUSED, b"X: y\r\n " + CODING + LENGTH, LAST + INSIDE)
_case("coding-behind-bare-lf", REFUSED, b"X: y\n" + CODING, CHUNKED)
_case("coding-behind-bare-cr", REFUSED, b"X: y\r" + CODING, CHUNKED)

# --- edges of chunks --------------------------------------------------------------------------------------------------

_case("chunk-size-space", EITHER, CODING, b"%x \r\n%s\r\n" % (N, INSIDE) + LAST, N)
_case("chunk-size-lf", REFUSED, CODING, b"%x\n%s\r\n" % (N, INSIDE) + LAST)
_case("chunk-size-cr", REFUSED, CODING, b"%x\r%s\r\n" % (N, INSIDE) + LAST)
_case("chunk-size-0x", REFUSED, CODING, b"0x%x\r\n%s\r\n" % (N, INSIDE) + LAST)
_case("chunk-size-plus", REFUSED, CODING, b"+%x\r\n%s\r\n" % (N, INSIDE) + LAST)
_case("chunk-size-minus", REFUSED, CODING, b"-%x\r\n%s\r\n" % (N, INSIDE) + LAST)
_case("chunk-size-underscored", REFUSED, CODING, b"0_%x\r\n%s\r\n" % (N, INSIDE) + LAST)
_case("chunk-size-beyond-64-bit", REFUSED, CODING, b"1%016x\r\n%s\r\n" % (N, INSIDE) + LAST)
_case("chunk-size-none", REFUSED, CODING, b"\r\n" + CHUNKED)
_case("chunk-extension-lf", REFUSED, CODING, b"2;\nxx\r\n%x\r\n0\r\n\r\n" % N + INSIDE + b"\r\n" + LAST)
_case("chunk-extension-cr", REFUSED, CODING, b"2;a\rb\r\nxx\r\n" + CHUNKED)
_case("chunk-without-end", REFUSED, CODING, b"%x\r\n%s" % (N, INSIDE) + LAST)
_case("chunk-longer-than-said", REFUSED, CODING, b"2\r\nxxx\r\n" + CHUNKED)
_case("chunk-ended-by-lf", REFUSED, CODING, b"%x\r\n%s\n" % (N, INSIDE) + LAST)
_case("last-chunk-lf", REFUSED, CODING, _chunk(b"x") + b"0\n\n")
_case("trailer-folded", REFUSED, CODING, _chunk(INSIDE) + b"0\r\nX: y\r\n z\r\n\r\n")
_case("trailer-bare-lf", REFUSED, CODING, _chunk(INSIDE) + b"0\r\nX: y\n\r\n")

# --- before and behind ------------------------------------------------------------------------------------------------

_case("empty-line-before", EITHER, LENGTH, INSIDE, N, before=b"\r\n")
_case("bare-lf-before", EITHER, LENGTH, INSIDE, N, before=b"\n")
_case("upgrade-refused", SERVED, LENGTH + b"Connection: upgrade\r\nUpgrade: h2c\r\n", INSIDE, N)
_case("upgrade-refused-get", SERVED, b"Connection: upgrade\r\nUpgrade: tls/1.0\r\n", method="GET")
# The whole first line of another request, where a field ought to be.
_case("request-in-place-of-a-field", REFUSED, INSIDE.partition(b"\r\n")[0] + b"\r\n")
_case("host-twice", REFUSED, b"Host: other.example\r\n" + LENGTH, INSIDE)
