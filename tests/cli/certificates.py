"""Certificates for tests, made on the spot, and visits that look at them."""

import contextlib
import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.cli.running import PATIENCE, Answer

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
_RSA = ("-newkey", "rsa:2048")


def make_pair(folder: Path, name: str = "site", *, rsa: bool = False) -> tuple[Path, Path]:
    """A new certificate for localhost, 127.0.0.1 and ::1 that vouches for itself, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", *(_RSA if rsa else _EC), "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
    subprocess.run([*command, "-addext", names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def trusting(certificate: Path) -> ssl.SSLContext:
    """A visitor's context that trusts this certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate))


@contextlib.contextmanager
def visitor(address: str, context: ssl.SSLContext, *, first: bytes = b"") -> Iterator[ssl.SSLSocket]:
    """A connection to ``https://host:port``; ``first`` is sent before the handshake."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE) as plain:
        plain.sendall(first)
        with context.wrap_socket(plain, server_hostname=parts.hostname) as secure:
            yield secure


def ask(connection: socket.socket, path: str = "/") -> Answer:
    """One GET on a connection that is there already, and stays."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response)


def shown(address: str) -> bytes:
    """The certificate that a new visitor is shown, without trusting it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with visitor(address, context) as connection:
        return connection.getpeercert(binary_form=True) or b""


def der(certificate: Path) -> bytes:
    """A certificate in the form in which visitors are shown it."""
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())
