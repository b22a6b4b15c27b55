"""SIGTERM while a tunnel is open: it ends between two messages, and not in one."""

import signal
import socket
import time
from urllib.parse import urlsplit

from tests.cli.running import PATIENCE, Gatekeeper
from tests.proxy.origin import Line, Origin

ASK = b"GET /socket HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: any/1\r\n\r\n"
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: any/1\r\n\r\n"
PIECES = 6


def test_a_tunnel_ends_in_a_drain_as_soon_as_nothing_moves_in_it() -> None:
    def script(line: Line) -> None:
        line.read_head()
        line.send(AGREED)
        for _ in range(PIECES):  # longer than the silence that ends it
            line.send(b"piece")
            time.sleep(0.4)
        line.read_to_end()

    origin = Origin(script)
    gatekeeper = Gatekeeper(upstream=origin.url).ready()
    address = urlsplit(gatekeeper.address)
    try:
        with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as visitor:
            visitor.sendall(ASK)
            got = b""
            while b"piece" not in got:
                got += visitor.recv(65536)
            gatekeeper.process.send_signal(signal.SIGTERM)
            while part := visitor.recv(65536):
                got += part
        assert got.count(b"piece") == PIECES
        # Long before server.drain, which is half a minute, and without a word of what was cut off.
        assert gatekeeper.process.wait(20) == 0
        assert not [line for line in gatekeeper.err if "cut off" in line]
    finally:
        gatekeeper.process.kill()
        gatekeeper.process.wait(PATIENCE)
        origin.close()
