"""Where the upstream is: every form of its address, every wrong one, TLS."""

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import GatekeeperError
from gatekeeper.proxy import ReverseProxy, Upstream, UpstreamError
from tests.proxy.conftest import Gate
from tests.proxy.origin import OK, Origin


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "begin with"),
        ("example.org", "begin with"),
        ("ftp://example.org", "begin with"),
        ("http://", "begin with"),
        ("http:///path", "begin with"),
        ("http://a:0", "port"),
        ("http://a:65536", "[Pp]ort"),
        ("http://a:x", "[Pp]ort"),
        ("http://user:secret@a", "no meaning"),
        ("http://a/?q", "no meaning"),
        ("http://a/#f", "no meaning"),
        ("http://a/b c", "percent-encoded"),
        ("http://a/caf\xe9", "percent-encoded"),
        ("http://caf\xe9", "ASCII"),
        ("http://[::1", "IPv6"),
        ("unix:relative.sock", "unix:/"),
        ("unix://host/x.sock", "unix:/"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_at_once(url: str, problem: str) -> None:
    with pytest.raises(GatekeeperError, match=f"^upstream.url: .*{problem}"):
        ReverseProxy(url)


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a\r\nX: y", "user@a", "caf\xe9"])
def test_a_host_that_cannot_be_sent_is_named_at_once(host: str) -> None:
    with pytest.raises(GatekeeperError, match=r"^upstream.host: "):
        Upstream("http://a", host=host)


@pytest.mark.parametrize(
    ("url", "authority", "prefix"),
    [
        ("http://a", b"a", b""),
        ("http://A.example:8000/", b"A.example:8000", b""),
        ("http://[::1]:8000/x", b"[::1]:8000", b"/x"),
        ("https://a/x/%2F//y/", b"a", b"/x/%2F//y"),
        ("unix:/run/app.sock", b"localhost", b""),
        ("unix:///run/app.sock", b"localhost", b""),
    ],
)
def test_an_address_is_read_as_it_is_written(url: str, authority: bytes, prefix: bytes) -> None:
    upstream = Upstream(url)
    assert (upstream.authority, upstream.prefix) == (authority, prefix)


def test_upstreams_are_values() -> None:
    assert Upstream("http://a") == Upstream("http://a")
    assert hash(Upstream("http://a")) == hash(Upstream("http://a"))
    assert Upstream("http://a") != Upstream("http://a", host="upstream")


def test_an_upstream_on_a_unix_socket_is_reached(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tmp_path: Path
) -> None:
    origin = origins(OK, unix=tmp_path / "app.sock")
    with gates(ReverseProxy(Upstream(origin.url, host="upstream"))).visit() as visitor:
        assert visitor.get(b"/a%2Fb").body == b"ok"
    assert origin.lines[:2] == [b"GET /a%2Fb HTTP/1.1", b"Host: localhost"]


def test_an_upstream_with_tls_is_verified_against_a_file(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tls: ssl.SSLContext, certificate: Path
) -> None:
    origin = origins(OK, tls=tls)
    with gates(ReverseProxy(Upstream(origin.url, ca_file=str(certificate)))).visit() as visitor:
        assert visitor.get().body == b"ok"
        assert visitor.get().body == b"ok"


def test_a_certificate_for_another_host_is_502(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tls: ssl.SSLContext, certificate: Path
) -> None:
    origin = origins(OK, tls=tls)
    url = origin.url.replace("127.0.0.1", "localhost")
    with gates(ReverseProxy(Upstream(url, ca_file=str(certificate)))).visit() as visitor:
        assert visitor.get().status == 502


def test_an_upstream_that_nobody_vouches_for_is_reached_only_without_verification(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tls: ssl.SSLContext
) -> None:
    origin = origins(OK, tls=tls)
    with gates(ReverseProxy(Upstream(origin.url))).visit() as visitor:
        assert visitor.get().status == 502
    url = origin.url.replace("127.0.0.1", "localhost")
    with gates(ReverseProxy(Upstream(url, verify=False))).visit() as visitor:
        assert visitor.get().body == b"ok"


def test_an_upstream_that_asks_for_a_certificate_gets_it(
    origins: Callable[..., Origin], gates: Callable[..., Gate], tls: ssl.SSLContext, certificate: Path
) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(certificate)
    origin = origins(OK, tls=tls)
    settings: dict[str, Any] = {"ca_file": str(certificate)}
    with gates(ReverseProxy(Upstream(origin.url, client_cert=str(certificate), **settings))).visit() as visitor:
        assert visitor.get().body == b"ok"
    with gates(ReverseProxy(Upstream(origin.url, **settings))).visit() as visitor:
        assert visitor.get().status == 502


@pytest.mark.parametrize("setting", ["ca_file", "client_cert"])
def test_a_certificate_that_is_not_there_is_named_at_once(setting: str) -> None:
    with pytest.raises(GatekeeperError, match=r"upstream.ca_file, upstream.client_cert: .*No such file"):
        ReverseProxy(Upstream("https://a", **{setting: "/nowhere.pem"}))


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(certificate: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", certificate, "-aes256", "-passout", "pass:secret", "-out", locked]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(GatekeeperError, match=r"^upstream.ca_file, upstream.client_cert: "):
        ReverseProxy(Upstream("https://a", client_cert=str(certificate), client_key=str(locked)))


def test_an_upstream_error_hints_at_a_status() -> None:
    assert isinstance(UpstreamError("x"), GatekeeperError)
    assert UpstreamError("x").status == 502
    assert UpstreamError("x", status=503, retry_after=1).retry_after == 1
