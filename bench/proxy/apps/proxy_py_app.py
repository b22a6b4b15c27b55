# mypy: ignore-errors
"""proxy.py as a reverse proxy, one worker.

It has no hook for a response's head, so the filter replaces a method. And it opens a connection to the app for every
request but watches the one before, so that a visitor's second request on a connection ends its only worker. Here it
keeps the connection, which is in its favour.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import proxy
from consent_filter import NOTHING, choice_of, filtered
from proxy.core.connection import TcpServerConnection
from proxy.http.server import ReverseProxyBasePlugin
from proxy.http.server.reverse import ReverseProxy
from proxy.http.url import Url

_ORIGIN = os.environ["BENCH_ORIGIN"].encode()


class Everything(ReverseProxyBasePlugin):
    """Every path goes to the origin."""

    def routes(self):
        """One pattern."""
        return [r"/.*"]

    def handle_route(self, request, pattern):
        """The origin's address for this request."""
        return Url.from_bytes(_ORIGIN + request.path)


class _Kept(TcpServerConnection):
    def connect(self, *arguments, **named):
        """Connects, if it is not connected."""
        if self._conn is None:
            super().connect(*arguments, **named)


def _initialize_upstream(self, address, port):
    if self.upstream is None or self.upstream.closed:
        self.upstream = _Kept(address, port)


_handle_request = ReverseProxy.handle_request


def _request(self, request):
    self.consent_choice = choice_of(request.header(b"cookie")) if request.has_header(b"cookie") else NOTHING
    self.answer_head = b""
    return _handle_request(self, request)


def _upstream_data(self, raw):
    if self.answer_head is None:
        self.client.queue(raw)
        return
    self.answer_head += bytes(raw)
    end = self.answer_head.find(b"\r\n\r\n")
    if end < 0:
        return
    status, *lines = self.answer_head[:end].split(b"\r\n")
    fields = filtered([tuple(line.split(b": ", 1)) for line in lines], self.consent_choice)
    head = status + b"\r\n" + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"
    body, self.answer_head = self.answer_head[end + 4 :], None
    self.client.queue(memoryview(head + body))


ReverseProxy.initialize_upstream = _initialize_upstream
ReverseProxy.handle_request = _request
ReverseProxy.handle_upstream_data = _upstream_data

if __name__ == "__main__":
    options = (
        f"--hostname 127.0.0.1 --port {sys.argv[1]} --num-workers 1 --num-acceptors 1 --enable-reverse-proxy "
        "--disable-http-proxy --threadless --local-executor 1 --backlog 4096 --timeout 300 --log-level e"
    )
    with proxy.Proxy(options.split(), plugins=[Everything]):
        while True:
            time.sleep(3600)
