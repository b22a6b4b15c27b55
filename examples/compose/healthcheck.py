"""Whether a Gatekeeper in this container answers: exit code 0 or 1. The image runs it every half minute.

It asks the gate's own health page, so that the app is not asked, where GATEKEEPER_SERVER__LISTEN says, below what
GATEKEEPER_SERVER__PAGES says. Any HTTP answer will do. With TLS for visitors (GATEKEEPER_SERVER__CERTIFICATE) or the
PROXY protocol (GATEKEEPER_SERVER__PROXY_PROTOCOL) it only looks whether somebody listens.
"""

import os
import socket
import sys

SECONDS = 3.0
PAGES = os.environ.get("GATEKEEPER_SERVER__PAGES", "/.well-known/gatekeeper/")
REQUEST = f"GET {PAGES or '/'}health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
OTHERWISE = ("GATEKEEPER_SERVER__CERTIFICATE", "GATEKEEPER_SERVER__PROXY_PROTOCOL")
HERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def connect(listen: str) -> socket.socket:
    """A connection to an address as the setting writes it; raises OSError."""
    if listen.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        connection.connect(listen.removeprefix("unix:"))
        return connection
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    return socket.create_connection((HERE.get(host, host), int(port)), SECONDS)


def answers(listen: str) -> bool:
    """Whether whoever listens there speaks HTTP."""
    try:
        with connect(listen) as connection:
            if any(os.environ.get(name, "false") not in ("", "false") for name in OTHERWISE):
                return True
            connection.sendall(REQUEST)
            return connection.makefile("rb").read(5) == b"HTTP/"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not answers(os.environ.get("GATEKEEPER_SERVER__LISTEN", "127.0.0.1:8080")))
