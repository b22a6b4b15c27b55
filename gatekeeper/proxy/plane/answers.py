"""The plane's own short answers, in octets; their words are :mod:`gatekeeper.proxy.response`'s."""

import http

from gatekeeper.proxy.response import short_text


def short_answer(status: int, *, head_only: bool = False, retry_after: int | None = None, close: bool = False) -> bytes:
    """A line of plain text that gives nothing away. ``retry_after`` in seconds."""
    text = short_text(status)
    head = (
        b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
        # A fault must not outlive its cause in a cache (RFC 9111 section 5.2.2.5).
        b"Cache-Control: no-store\r\n%b%b\r\n"
    )
    phrase = http.HTTPStatus(status).phrase.encode("ascii")
    waits = b"" if retry_after is None else b"Retry-After: %d\r\n" % retry_after
    ends = b"Connection: close\r\n" if close else b""
    return head % (status, phrase, len(text), waits, ends) + (b"" if head_only else text)
