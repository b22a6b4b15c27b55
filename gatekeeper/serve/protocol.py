"""uvicorn's protocol class without two of its habits: it merges trailers into a request's fields, and reads a head of
any length.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Octets in the fields of a request. The proxy answers 431 to far less; this is what must not fill the memory.
MOST_OCTETS = 1024 * 1024


class HttpProtocol(HttpToolsProtocol):
    """For ``uvicorn.Config(http=…)``."""

    _head = 0

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field line, or a line of the trailers."""
        self._head += len(name) + len(value)
        if self._head > MOST_OCTETS:
            raise ValueError("the head has no end")  # the parser makes 400 of it, and the connection ends
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete: what comes from now on is no field of the request."""
        super().on_headers_complete()
        # A Cookie among the trailers would be one that nobody judged (RFC 9110 section 6.5.1).
        self.headers = []
