"""Connections to an upstream over real sockets, on both event loops: TCP, unix, TLS, several addresses, health."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from gatekeeper.errors import GatekeeperError
from gatekeeper.proxy import Upstream, UpstreamError
from gatekeeper.proxy.plane.connector import Connector
from tests.proxy.origin import Line, Origin

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
Told = Callable[[], list[str]]
PATIENCE = 10.0


class Talk(asyncio.Protocol):
    """Says "hi" when asked to, and keeps what it hears."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.heard = b""
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


def echo(line: Line) -> None:
    line.send(line.read_until(b"\n"))


def loops() -> list[Any]:
    return [pytest.param(asyncio.SelectorEventLoop, id="asyncio"), pytest.param(uvloop.new_event_loop, id="uvloop")]


@pytest.fixture(params=loops())
def run(request: pytest.FixtureRequest) -> Iterator[Run[Any]]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


@pytest.fixture
def run_plainly() -> Iterator[Run[Any]]:
    """On the loop that asks Python's ``getaddrinfo``, which a test can replace."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        yield runner.run


@pytest.fixture
def origins() -> Iterator[Callable[..., Origin]]:
    with contextlib.ExitStack() as stack:

        def build(*scripts: Any, **settings: Any) -> Origin:
            origin = Origin(*(scripts or (echo,)), **settings)
            stack.callback(origin.close)
            return origin

        yield build


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    caplog.set_level(logging.INFO, logger="gatekeeper.proxy")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "gatekeeper.proxy"]


async def exchange(connector: Connector) -> tuple[bytes, Talk]:
    """What an upstream says to "hi", and the protocol that heard it."""
    async with asyncio.timeout(PATIENCE):
        talk = await connector.connect(Talk)
        talk.transport.write(b"hi\n")
        await talk.lost
    talk.transport.close()
    return talk.heard, talk


async def refusal(connector: Connector) -> tuple[int, str]:
    """Status and text of the failure to connect."""
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(UpstreamError) as refused:
            await connector.connect(Talk)
    return refused.value.status, str(refused.value)


def open_files() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


UNREACHED = (502, "it could not be reached")
LATE = (504, "it did not accept the connection in time")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# --- where it is -----------------------------------------------------------------------------------------------------


def test_an_address_is_reached_without_nagles_delay(run: Run[Any], origins: Callable[..., Origin]) -> None:
    connector = Connector(Upstream(origins().url))

    async def look() -> int:
        talk = await connector.connect(Talk)
        delay = talk.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        talk.transport.abort()
        await talk.lost
        return int(delay)

    assert run(look()) == 1
    assert run(exchange(connector))[0] == b"hi\n"


def test_a_name_is_looked_up(run: Run[Any], origins: Callable[..., Origin]) -> None:
    assert run(exchange(Connector(Upstream(f"http://localhost:{origins().port}"))))[0] == b"hi\n"


def test_an_ipv6_address_is_reached(run: Run[Any]) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")

    async def visit() -> tuple[Any, ...]:
        talk = await Connector(Upstream(f"http://[::1]:{listener.getsockname()[1]}")).connect(Talk)
        peer: tuple[Any, ...] = talk.transport.get_extra_info("peername")
        talk.transport.abort()
        await talk.lost
        return peer

    with listener:
        assert run(visit())[0] == "::1"


def test_a_unix_socket_is_reached(run: Run[Any], origins: Callable[..., Origin], tmp_path: Path) -> None:
    origin = origins(unix=tmp_path / "app.sock")
    assert run(exchange(Connector(Upstream(origin.url))))[0] == b"hi\n"


def test_a_unix_socket_that_is_not_there_is_502(run: Run[Any], tmp_path: Path, told: Told) -> None:
    assert run(refusal(Connector(Upstream(f"unix:{tmp_path}/none.sock")))) == UNREACHED
    assert told() == [f"upstream unix:{tmp_path}/none.sock is down: it could not be reached: no such file or directory"]


def test_a_unix_socket_whose_queue_is_full_is_waited_for_and_then_504(run: Run[Any], tmp_path: Path) -> None:
    path = str(tmp_path / "full.sock")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(path)
        assert run(refusal(Connector(Upstream(f"unix:{path}", connect_timeout=0.2)))) == LATE

        async def accepted_late() -> None:
            connecting = asyncio.create_task(Connector(Upstream(f"unix:{path}")).connect(Talk))
            await asyncio.sleep(0.05)
            listener.accept()[0].close()
            (await connecting).transport.abort()

        run(accepted_late())


def test_a_port_without_a_listener_is_502(run: Run[Any], told: Told) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    assert run(refusal(Connector(Upstream(url)))) == UNREACHED
    assert told() == [f"upstream {url} is down: it could not be reached: connection refused"]


def test_a_listener_that_takes_nobody_in_is_504(run: Run[Any], told: Told) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert run(refusal(Connector(Upstream(url, connect_timeout=0.2)))) == LATE
        assert told() == [f"upstream {url} is down: it did not accept the connection in time"]


def test_a_name_that_nobody_knows_is_502(run: Run[Any], told: Told) -> None:
    assert run(refusal(Connector(Upstream("http://no.such.host.invalid")))) == UNREACHED
    (line,) = told()
    assert line.startswith("upstream http://no.such.host.invalid is down: it could not be reached: ")


@pytest.mark.parametrize("name", ["a" * 64, "a..b"])
def test_a_name_that_nobody_can_have_is_502(run: Run[Any], name: str) -> None:
    assert run(refusal(Connector(Upstream(f"http://{name}")))) == UNREACHED


def test_a_machine_without_files_left_is_503_and_says_nothing_about_the_upstream(
    run_plainly: Run[Any], origins: Callable[..., Origin], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = Connector(Upstream(origins().url))

    def none_left(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", none_left)
        told_to_visitor = run_plainly(refusal(connector))
    assert told_to_visitor == (503, "no connection to it can be opened: too many open files")
    assert told() == []
    assert run_plainly(exchange(connector))[0] == b"hi\n"


def test_a_port_that_answers_itself_is_no_upstream(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()

    class FromThatPort(socket.socket):
        def connect(self, address: Any) -> None:
            self.bind(address)
            super().connect(address)

    connector = Connector(Upstream(f"http://127.0.0.1:{port}"))
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", FromThatPort)
        assert run(refusal(connector)) == UNREACHED


def test_one_who_no_longer_waits_leaves_no_connection_behind(run: Run[Any]) -> None:
    """In TCP's own handshake; what is in the middle of TLS's is below."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
        connector = Connector(Upstream(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        before = open_files()

        async def leave() -> set[str]:
            connecting = asyncio.create_task(connector.connect(Talk))
            await asyncio.sleep(0)
            during = open_files()
            connecting.cancel()
            await asyncio.wait({connecting})
            assert connecting.cancelled()
            return during

        during = run(leave())
        assert during > before
        assert open_files() <= before


# --- several addresses -----------------------------------------------------------------------------------------------


class Resolver:
    """Answers for ``app.test``; counts how often it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: list[str] = []
        self.asked = 0
        self._really = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._getaddrinfo)

    def _getaddrinfo(self, host: Any, port: Any, *rest: Any, **more: Any) -> list[Any]:
        if host not in ("app.test", "app.test.") or more.get("flags", 0) & socket.AI_NUMERICHOST:
            return self._really(host, port, *rest, **more)
        self.asked += 1
        if not self.answer:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.answer]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the loop's clock forward."""
    ahead = 0.0
    really = asyncio.SelectorEventLoop.time

    def forward(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    monkeypatch.setattr(asyncio.SelectorEventLoop, "time", lambda loop: really(loop) + ahead)
    return forward


def test_the_second_address_is_tried_for_the_same_request_when_the_first_refuses(
    run_plainly: Run[Any], origins: Callable[..., Origin], resolver: Resolver, told: Told
) -> None:
    url = f"http://app.test:{origins().port}"
    resolver.answer = ["127.0.0.2", "127.0.0.1"]  # the origin listens on the second alone
    connector = Connector(Upstream(url))
    for _ in range(5):
        assert run_plainly(exchange(connector))[0] == b"hi\n"
    assert told() == [
        f"upstream {url}: 127.0.0.2:{origins_port(url)} is passed over: it could not be reached: connection refused"
    ]


def origins_port(url: str) -> str:
    return url.rpartition(":")[2]


def test_the_addresses_have_their_turns(run_plainly: Run[Any], resolver: Resolver) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = first.getsockname()[1]
        stack.enter_context(socket.create_server(("127.0.0.2", port)))
        resolver.answer = ["127.0.0.1", "127.0.0.2"]
        connector = Connector(Upstream(f"http://app.test:{port}"))

        async def peers() -> list[str]:
            found = []
            for _ in range(4):
                talk = await connector.connect(Talk)
                found.append(talk.transport.get_extra_info("peername")[0])
                talk.transport.abort()
            return found

        assert run_plainly(peers()) == ["127.0.0.1", "127.0.0.2"] * 2


def test_an_address_that_swallows_packets_does_not_take_the_others_time(
    run_plainly: Run[Any], origins: Callable[..., Origin], resolver: Resolver
) -> None:
    with contextlib.ExitStack() as stack:
        port = origins().port
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.2", port))
        full.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", port))
        resolver.answer = ["127.0.0.2", "127.0.0.1"]
        connector = Connector(Upstream(f"http://app.test:{port}", connect_timeout=0.6))
        assert run_plainly(exchange(connector))[0] == b"hi\n"


def test_a_look_up_is_used_for_a_while_and_then_done_again(
    run_plainly: Run[Any], origins: Callable[..., Origin], resolver: Resolver, clock: Callable[[float], None]
) -> None:
    resolver.answer = ["127.0.0.1"]
    connector = Connector(Upstream(f"http://app.test:{origins().port}"))
    for expected in (1, 1, 2, 2):
        run_plainly(exchange(connector))
        assert resolver.asked == expected
        clock(6)


def test_many_at_once_share_a_look_up(
    run_plainly: Run[Any], origins: Callable[..., Origin], resolver: Resolver
) -> None:
    resolver.answer = ["127.0.0.1"]
    connector = Connector(Upstream(f"http://app.test:{origins().port}"))

    async def visit() -> list[Any]:
        return list(await asyncio.gather(*(exchange(connector) for _ in range(20))))

    assert [heard for heard, _ in run_plainly(visit())] == [b"hi\n"] * 20
    assert resolver.asked == 1


def test_old_addresses_stay_when_a_later_look_up_fails(
    run_plainly: Run[Any],
    origins: Callable[..., Origin],
    resolver: Resolver,
    clock: Callable[[float], None],
    told: Told,
) -> None:
    resolver.answer = ["127.0.0.1"]
    url = f"http://app.test:{origins().port}"
    connector = Connector(Upstream(url))
    run_plainly(exchange(connector))
    resolver.answer = []
    clock(11)
    assert run_plainly(exchange(connector))[0] == b"hi\n"
    assert told() == [
        f"upstream {url}: it could not be reached: temporary failure in name resolution; its old addresses stay"
    ]


# --- health ----------------------------------------------------------------------------------------------------------


def test_going_down_and_coming_back_is_one_line_each(
    run_plainly: Run[Any], resolver: Resolver, clock: Callable[[float], None], told: Told
) -> None:
    port = closed_port()
    url = f"http://127.0.0.1:{port}"
    connector = Connector(Upstream(url))
    for _ in range(5):
        assert run_plainly(refusal(connector)) == UNREACHED
        clock(1)
    with socket.create_server(("127.0.0.1", port)):

        async def visits() -> None:
            for _ in range(5):
                (await connector.connect(Talk)).transport.abort()

        run_plainly(visits())
    assert told() == [
        f"upstream {url} is down: it could not be reached: connection refused",
        f"upstream {url} is back",
    ]
    clock(60)
    assert run_plainly(refusal(connector)) == UNREACHED
    assert len(told()) == 3


def test_an_upstream_of_two_addresses_is_down_when_both_are(
    run_plainly: Run[Any], resolver: Resolver, told: Told, clock: Callable[[float], None]
) -> None:
    port = closed_port()
    url = f"http://app.test:{port}"
    resolver.answer = ["127.0.0.1", "127.0.0.2"]
    connector = Connector(Upstream(url))
    for _ in range(3):
        assert run_plainly(refusal(connector)) == UNREACHED
    refused = "it could not be reached: connection refused"
    assert told() == [
        f"upstream {url}: 127.0.0.1:{port} is passed over: {refused}",
        f"upstream {url}: 127.0.0.2:{port} is passed over: {refused}",
        f"upstream {url} is down: {refused}",
    ]
    with socket.create_server(("127.0.0.2", port)):

        async def visits() -> None:
            for _ in range(3):
                (await connector.connect(Talk)).transport.abort()

        run_plainly(visits())
    assert told()[3:] == [f"upstream {url}: 127.0.0.2:{port} is back", f"upstream {url} is back"]


# --- TLS -------------------------------------------------------------------------------------------------------------


class Authority:
    """Makes certificates; its own is ``file``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file = folder / "ca.pem"
        self._key = folder / "ca.key"
        _openssl(f"req -x509 {_NEW_KEY} -days 2 -subj /CN=authority -keyout {self._key} -out {self.file}")

    def certificate(self, name: str, *names: str, days: int = 2) -> Path:
        """One file with a certificate for these names and its key."""
        request, key, file = (self._folder / f"{name}.{kind}" for kind in ("csr", "key", "pem"))
        alternatives = ",".join(names)
        _openssl(f"req {_NEW_KEY} -subj /CN={name} -addext subjectAltName={alternatives} -keyout {key} -out {request}")
        _openssl(
            f"x509 -req -in {request} -CA {self.file} -CAkey {self._key} -days {days} -copy_extensions copy -out {file}"
        )
        file.write_bytes(file.read_bytes() + key.read_bytes())
        return file


_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"


def _openssl(arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def speaking_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def secure(authority: Authority, origins: Callable[..., Origin]) -> Origin:
    """An origin with a certificate for localhost and 127.0.0.1."""
    return origins(tls=speaking_tls(authority.certificate("good", "DNS:localhost", "IP:127.0.0.1")))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_that_is_vouched_for_and_names_the_host_is_taken(
    run: Run[Any], authority: Authority, secure: Origin, host: str
) -> None:
    connector = Connector(Upstream(f"https://{host}:{secure.port}", ca_file=str(authority.file)))
    assert run(exchange(connector))[0] == b"hi\n"


def test_the_upstream_hears_the_name_it_is_asked_for_and_that_http_1_1_is_spoken(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin]
) -> None:
    context = speaking_tls(authority.certificate("sni", "DNS:localhost"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    names: list[object] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    origin = origins(tls=context)
    connector = Connector(Upstream(f"https://localhost:{origin.port}", ca_file=str(authority.file)))

    async def agreed() -> str:
        talk = await connector.connect(Talk)
        protocol: str = talk.transport.get_extra_info("ssl_object").selected_alpn_protocol()
        talk.transport.abort()
        await talk.lost
        return protocol

    assert run(agreed()) == "http/1.1"
    assert names == ["localhost"]


def test_an_authority_that_nobody_named_is_not_trusted(run: Run[Any], secure: Origin, told: Told) -> None:
    status, text = run(refusal(Connector(Upstream(f"https://localhost:{secure.port}"))))
    assert (status, text) == (502, "TLS with it failed: CERTIFICATE_VERIFY_FAILED")
    assert told() == [
        f"upstream https://localhost:{secure.port} is down: TLS with it failed: unable to get local issuer certificate"
    ]


def test_without_verification_anybody_is(run: Run[Any], authority: Authority, origins: Callable[..., Origin]) -> None:
    origin = origins(tls=speaking_tls(authority.certificate("anybody", "DNS:other.example", days=-1)))
    connector = Connector(Upstream(f"https://localhost:{origin.port}", verify=False))
    assert run(exchange(connector))[0] == b"hi\n"


def test_a_dot_at_the_end_of_a_name_is_no_part_of_it_in_tls(
    run_plainly: Run[Any], authority: Authority, origins: Callable[..., Origin], resolver: Resolver
) -> None:
    resolver.answer = ["127.0.0.1"]
    origin = origins(tls=speaking_tls(authority.certificate("dot", "DNS:app.test")))
    connector = Connector(Upstream(f"https://app.test.:{origin.port}", ca_file=str(authority.file)))
    assert run_plainly(exchange(connector))[0] == b"hi\n"


def test_a_certificate_for_another_host_is_refused(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin], told: Told
) -> None:
    origin = origins(tls=speaking_tls(authority.certificate("other", "DNS:other.example")))
    url = f"https://localhost:{origin.port}"
    assert run(refusal(Connector(Upstream(url, ca_file=str(authority.file)))))[0] == 502
    assert told() == [
        f"upstream {url} is down: TLS with it failed: Hostname mismatch, certificate is not valid for 'localhost'"
    ]


def test_a_certificate_whose_time_is_over_is_refused(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin], told: Told
) -> None:
    origin = origins(tls=speaking_tls(authority.certificate("old", "DNS:localhost", days=-1)))
    url = f"https://localhost:{origin.port}"
    assert run(refusal(Connector(Upstream(url, ca_file=str(authority.file)))))[0] == 502
    assert told() == [f"upstream {url} is down: TLS with it failed: certificate has expired"]


def test_an_upstream_that_speaks_no_tls_is_502(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin]
) -> None:
    def plainly(line: Line) -> None:
        line.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        line.read_to_end()

    url = origins(plainly).url.replace("http:", "https:")
    status, text = run(refusal(Connector(Upstream(url, ca_file=str(authority.file)))))
    assert status == 502
    assert text.startswith("TLS with it failed: ")


def test_an_upstream_that_ends_the_handshake_is_502(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin]
) -> None:
    url = origins(lambda line: None).url.replace("http:", "https:")
    assert run(refusal(Connector(Upstream(url, ca_file=str(authority.file)))))[0] == 502


def test_a_handshake_that_does_not_go_on_is_504(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin]
) -> None:
    origin = origins(lambda line: line.read_to_end() and None)
    url = origin.url.replace("http:", "https:")
    assert run(refusal(Connector(Upstream(url, ca_file=str(authority.file), connect_timeout=0.2)))) == LATE
    origin.wait_ended()  # its connection is closed, too


def test_one_who_no_longer_waits_for_a_handshake_leaves_no_connection_behind(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin]
) -> None:
    origin = origins(lambda line: line.read_to_end() and None)
    connector = Connector(Upstream(origin.url.replace("http:", "https:"), ca_file=str(authority.file)))

    async def leave() -> None:
        connecting = asyncio.create_task(connector.connect(Talk))
        await asyncio.to_thread(origin.wait_connections)
        connecting.cancel()
        await asyncio.wait({connecting})
        await asyncio.to_thread(origin.wait_ended)

    run(leave())


def test_an_upstream_that_asks_for_a_certificate_is_shown_one(
    run: Run[Any], authority: Authority, origins: Callable[..., Origin]
) -> None:
    context = speaking_tls(authority.certificate("strict", "DNS:localhost"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that the handshake itself fails, and not the first read
    url = f"https://localhost:{origins(tls=context).port}"
    mine = str(authority.certificate("gatekeeper", "DNS:gatekeeper"))
    shown = Connector(Upstream(url, ca_file=str(authority.file), client_cert=mine, client_key=mine))
    assert run(exchange(shown))[0] == b"hi\n"
    assert run(refusal(Connector(Upstream(url, ca_file=str(authority.file)))))[0] == 502


@pytest.mark.parametrize("setting", ["ca_file", "client_cert"])
def test_a_file_that_is_not_there_is_named_before_anybody_is_connected_to(setting: str) -> None:
    with pytest.raises(GatekeeperError, match="No such file"):
        Connector(Upstream("https://a", **{setting: "/nowhere.pem"}))
