"""Whether a Gatekeeper in this container answers: exit code 0 or 1. The image runs it every half minute.

The request has no Host field, so the gate answers it by itself with 400, and the app never sees it. It goes where
GATEKEEPER_SERVER__LISTEN says.
"""

import os
import socket
import sys

SECONDS = 3.0
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
            connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            return connection.makefile("rb").read(5) == b"HTTP/"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not answers(os.environ.get("GATEKEEPER_SERVER__LISTEN", "127.0.0.1:8080")))
