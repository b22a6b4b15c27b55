"""Behind a load balancer that speaks the PROXY protocol: who the visitor is, and who may say so."""

import os
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.certificates import ask, make_pair, trusting, visitor
from tests.cli.conftest import Start
from tests.cli.running import PATIENCE, Gatekeeper, Origin, refuses, until

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n"
V1_IPV6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n"
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_BLOCK = socket.inet_aton("192.0.2.8") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 50000, 443)
V2 = _SIGNATURE + struct.pack("!BBH", 0x21, 0x11, len(_BLOCK) + 6) + _BLOCK + b"\x04\x00\x03abc"
LOCAL = _SIGNATURE + struct.pack("!BBH", 0x20, 0, 0)
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

Behind = Callable[..., Gatekeeper]


@pytest.fixture
def behind(start: Start, site: Path) -> Behind:
    """Starts a gatekeeper behind a load balancer on this machine."""

    def run(*arguments: str, trusted: str = '["127.0.0.1"]', more: str = "", **options: str) -> Gatekeeper:
        site.write_text(
            site.read_text()
            + f'[server]\nproxy_protocol = true\ntrusted_proxies = {trusted}\nhead_timeout = "1s"\n{more}'
        )
        return start("--config", str(site), *arguments, **options).ready()

    return run


def connect(gatekeeper: Gatekeeper) -> socket.socket:
    if gatekeeper.address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(gatekeeper.address.removeprefix("unix:"))
        return connection
    parts = urlsplit(gatekeeper.address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE)


def is_closed(connection: socket.socket) -> bool:
    """Whether it ends without an octet of an answer."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("header", "told"),
    [(V1, "192.0.2.7"), (V1_IPV6, "2001:db8::7"), (V2, "192.0.2.8"), (LOCAL, "127.0.0.1")],
    ids=["v1", "v1 IPv6", "v2", "LOCAL"],
)
def test_the_app_is_told_the_visitor_that_the_header_names(
    behind: Behind, origin: Origin, header: bytes, told: str, workers: str
) -> None:
    gatekeeper = behind("--workers", workers)
    with connect(gatekeeper) as connection:
        connection.sendall(header)
        for _ in range(2):
            assert ask(connection).cookies == {"sessionid"}
    assert [one["x-forwarded-for"] for one in origin.fields] == [told] * 2
    assert gatekeeper.end() == 0
    assert gatekeeper.err == [gatekeeper.start_line]


def test_header_and_request_may_come_together_or_octet_by_octet(behind: Behind, origin: Origin) -> None:
    gatekeeper = behind()
    with connect(gatekeeper) as connection:
        connection.sendall(V2 + REQUEST)
        answer = b""
        while not answer.endswith(b"halfhalf"):
            answer += connection.recv(4096)
    with connect(gatekeeper) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in V1:
            connection.send(bytes([octet]))
        assert ask(connection).status == 200
    assert [one["x-forwarded-for"] for one in origin.fields] == ["192.0.2.8", "192.0.2.7"]


def test_a_visitors_own_claims_are_believed_only_if_the_visitor_is_trusted(behind: Behind, origin: Origin) -> None:
    gatekeeper = behind(trusted='["127.0.0.1", "192.0.2.8"]')
    for header in (V1, V2):
        with connect(gatekeeper) as connection:
            connection.sendall(header + REQUEST[:-2] + b"X-Forwarded-For: 203.0.113.1\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"
    assert [one["x-forwarded-for"] for one in origin.fields] == ["192.0.2.7", "203.0.113.1, 192.0.2.8"]


@pytest.mark.parametrize("first", [REQUEST, b"\x16\x03\x01", b"PROXY TCP4 a b 1 2\r\n" + REQUEST, b"x" * 10000])
def test_a_connection_that_begins_otherwise_is_closed_without_an_answer(
    behind: Behind, origin: Origin, first: bytes
) -> None:
    gatekeeper = behind()
    for _ in range(3):
        with connect(gatekeeper) as connection:
            connection.sendall(first)
            assert is_closed(connection)
    assert gatekeeper.says("turned away") == ("gatekeeper: turned away, no header of the PROXY protocol: 127.0.0.1")
    with connect(gatekeeper) as connection:
        connection.sendall(V1)
        assert ask(connection).status == 200
    assert len(origin.fields) == 1
    gatekeeper.end()
    assert len(gatekeeper.err) == 2  # told once, however often they come


def test_a_header_that_does_not_come_whole_is_not_waited_for_for_ever(behind: Behind) -> None:
    gatekeeper = behind()
    with connect(gatekeeper) as silent, connect(gatekeeper) as half:
        half.sendall(V1[:-1])
        assert is_closed(silent)
        assert is_closed(half)
    assert gatekeeper.says("turned away").endswith("no header of the PROXY protocol in time: 127.0.0.1")


def test_many_that_send_nothing_keep_nobody_out(behind: Behind) -> None:
    gatekeeper = behind()
    silent = [connect(gatekeeper) for _ in range(200)]
    with connect(gatekeeper) as connection:
        connection.sendall(V1)
        assert ask(connection).status == 200
    for one in silent:
        one.close()


def test_who_connects_and_leaves_is_no_news(behind: Behind) -> None:
    gatekeeper = behind()
    for _ in range(5):
        connect(gatekeeper).close()
    with connect(gatekeeper) as connection:
        connection.sendall(LOCAL)
    with connect(gatekeeper) as connection:
        connection.sendall(V1)
        assert ask(connection).status == 200
    assert gatekeeper.end() == 0
    assert gatekeeper.err == [gatekeeper.start_line]


def test_who_is_not_among_the_trusted_is_closed_whatever_the_header_says(behind: Behind, origin: Origin) -> None:
    gatekeeper = behind(trusted='["192.0.2.0/24"]')
    with connect(gatekeeper) as connection:
        connection.sendall(V1 + REQUEST)
        assert is_closed(connection)
    assert gatekeeper.says("turned away") == "gatekeeper: turned away, not among trusted_proxies: 127.0.0.1"
    assert origin.fields == []


def test_on_a_unix_socket_the_header_names_the_visitor_too(behind: Behind, origin: Origin, tmp_path: Path) -> None:
    gatekeeper = behind(trusted='["unix"]', listen=f"unix:{tmp_path}/g.sock")
    with connect(gatekeeper) as connection:
        connection.sendall(V2)
        assert ask(connection).status == 200
    assert origin.fields[0]["x-forwarded-for"] == "192.0.2.8"
    assert gatekeeper.end() == 0
    assert not (tmp_path / "g.sock").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_before_a_tls_handshake_the_header_is_read_as_well(
    behind: Behind, origin: Origin, tmp_path: Path, workers: str
) -> None:
    certificate, key = make_pair(tmp_path)
    gatekeeper = behind("--workers", workers, more=f'certificate = "{certificate}"\nkey = "{key}"\n')
    with visitor(gatekeeper.address, trusting(certificate), first=V2) as connection:
        for _ in range(2):
            assert ask(connection).cookies == {"sessionid"}
    assert [(one["x-forwarded-for"], one["x-forwarded-proto"]) for one in origin.fields] == [("192.0.2.8", "https")] * 2
    with connect(gatekeeper) as connection:
        connection.sendall(V2)  # and no handshake
        assert is_closed(connection)
    assert gatekeeper.end() == 0
    assert gatekeeper.err == [gatekeeper.start_line]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_response_under_way_is_finished_while_nobody_new_is_taken_in(
    behind: Behind, origin: Origin, workers: str
) -> None:
    gatekeeper = behind("--workers", workers)
    with connect(gatekeeper) as connection, connect(gatekeeper) as waiting:
        connection.sendall(V1 + REQUEST.replace(b"/ ", b"/slow ", 1))
        assert origin.under_way.wait(PATIENCE)
        gatekeeper.send(signal.SIGTERM)
        assert is_closed(waiting)
        until(lambda: refuses(gatekeeper.address), what="new connections to be refused")
        assert gatekeeper.process.poll() is None
        origin.go_on.set()
        answer = b""
        while not answer.endswith(b"halfhalf"):
            data = connection.recv(4096)
            assert data, answer
            answer += data
    assert gatekeeper.ended() == 0


def test_a_worker_that_is_killed_is_replaced_by_one_that_reads_the_header(behind: Behind, origin: Origin) -> None:
    gatekeeper = behind("--workers", "2")
    for pid in gatekeeper.workers():
        os.kill(pid, signal.SIGKILL)
    with connect(gatekeeper) as connection:
        connection.sendall(V1)
        assert ask(connection).status == 200
    assert origin.fields[0]["x-forwarded-for"] == "192.0.2.7"


def test_without_anybody_to_trust_it_does_not_start(start: Start, site: Path) -> None:
    site.write_text(site.read_text() + "[server]\nproxy_protocol = true\n")
    gatekeeper = start("--config", str(site))
    assert gatekeeper.ended() == 2
    assert "server.proxy_protocol: needs trusted_proxies" in gatekeeper.err[0]
