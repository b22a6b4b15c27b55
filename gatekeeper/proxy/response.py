"""From the upstream's response to what the visitor gets (RFC 9110 section 7.6), and the gate's own short answers.

A response head that is not beyond doubt becomes 502: what one recipient reads as a field value another reads as the
end of the head. h11, inside httpcore, refuses most of it; what it lets pass and what uvicorn cannot write is refused
here. Two things it repairs in silence, as RFC 9112 sections 2.2 and 5.2 allow, because the head is written anew
anyway: a bare LF at the end of a line, and a value that is folded over several lines.

``Date`` and ``Server`` are the upstream's. A server in front of this app that adds its own has to be told not to
(uvicorn: ``date_header=False, server_header=False``).
"""

import http
import re

from gatekeeper.proxy.asgi import Message
from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.link import Answer
from gatekeeper.proxy.upstream import UpstreamError
from gatekeeper.wire.fields import FieldList, is_trustworthy, values
from gatekeeper.wire.hop_by_hop import end_to_end

# RFC 9110 section 5.5: invalid in a value. uvicorn, which has to write it, fails after it has begun to answer, so
# that the visitor would get nothing at all.
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

# RFC 9110 sections 8.6 and 15.3.5: Content-Length must not be in a 204, and in a 304 it tells the length of another
# response. uvicorn waits for that many octets and resets the connection; it can be left out of both.
_BODILESS = (204, 304)


def inbound(answer: Answer, *, limits: Limits) -> FieldList:
    """The fields for the visitor; raises :class:`UpstreamError` for a head that is not to be trusted."""
    fault = _fault(answer.status, answer.fields, answer.http_version, limits)
    if fault is not None:
        raise UpstreamError(fault)
    fields = end_to_end(answer.fields)
    if answer.status in _BODILESS:
        fields = tuple(field for field in fields if field[0].lower() != b"content-length")
    return fields


def _fault(status: int, fields: FieldList, http_version: bytes, limits: Limits) -> str | None:
    if not http_version.startswith(b"HTTP/1."):
        return "it answered in a version that it was not asked in"
    if not 200 <= status <= 599:
        # RFC 9110 section 15: above 599 there is no status; 101 answers an Upgrade that was not sent.
        return f"it answered with the status {status}"
    codings = values(fields, b"transfer-encoding")
    if codings and (values(fields, b"content-length") or http_version == b"HTTP/1.0"):
        return "the length of its answer can be read in two ways"
    if sum(len(name) + len(value) + 4 for name, value in fields) > limits.response_head:
        return f"the head of its answer is larger than {limits.response_head} octets"
    for name, value in fields:
        if not is_trustworthy(name, value) or _CONTROL.search(value):
            return "a field line of its answer can be read in more than one way"
    return None


_TEXTS = {
    400: "this request cannot be passed on to the site.",
    408: "the request did not arrive in time.",
    421: "no site is served here under this name.",
    431: "the head of this request is too large.",
    500: "this page failed.",
    501: "WebSockets do not pass this gate yet.",
    502: "the site behind this gate did not answer.",
    503: "the site behind this gate is busy. Please try again in a moment.",
    504: "the site behind this gate did not answer in time.",
    505: "only HTTP/1.1 is spoken here.",
}


def short_text(status: int) -> bytes:
    """The line of plain text that a status is answered with."""
    return f"{status} {http.HTTPStatus(status).phrase}: {_TEXTS[status]}\n".encode("ascii")


def short_answer(
    status: int, *, head_only: bool = False, retry_after: int | None = None, close: bool = False, kind: str = "http"
) -> tuple[Message, Message]:
    """Both messages of an answer of the gate's own: a line of plain text that gives nothing away.

    ``kind`` is "http", or "websocket.http" for the refusal of a handshake.
    """
    text = short_text(status)
    fields = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(text)),
        # A fault must not outlive its cause in a cache (RFC 9111 section 5.2.2.5).
        (b"cache-control", b"no-store"),
    ]
    if retry_after is not None:
        fields.append((b"retry-after", b"%d" % retry_after))
    if close:
        fields.append((b"connection", b"close"))
    return (
        {"type": f"{kind}.response.start", "status": status, "headers": fields},
        {"type": f"{kind}.response.body", "body": b"" if head_only else text, "more_body": False},
    )
