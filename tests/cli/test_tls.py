"""TLS for visitors, and the files of both sides: shown, renewed, refused."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.certificates import ask, der, make_pair, shown, trusting, visitor
from tests.cli.conftest import Start, Tell
from tests.cli.running import COMMAND, PATIENCE, Gatekeeper, Origin, environment, until

Secure = Callable[..., Gatekeeper]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return make_pair(tmp_path)


@pytest.fixture
def secure(start: Start, site: Path, pair: tuple[Path, Path]) -> Secure:
    """Starts a gatekeeper that shows the pair."""
    certificate, key = pair
    site.write_text(site.read_text() + f'[server]\ncertificate = "{certificate}"\nkey = "{key}"\nhead_timeout = "1s"\n')
    return lambda *arguments, **options: start("--config", str(site), *arguments, **options).ready()


def renew(pair: tuple[Path, Path], folder: Path, *, rsa: bool = False) -> bytes:
    """Puts another certificate and key in place of the pair; returns what visitors have to be shown of it."""
    fresh = make_pair(folder, "fresh", rsa=rsa)
    for new, old in zip(fresh, pair, strict=True):
        new.replace(old)
    return der(pair[0])


# --- speaking it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["1", "2"])
def test_visitors_are_served_with_tls_and_the_app_is_told_so(
    secure: Secure, origin: Origin, pair: tuple[Path, Path], workers: str
) -> None:
    gatekeeper = secure("--workers", workers)
    assert gatekeeper.address.startswith("https://127.0.0.1:")
    with visitor(gatekeeper.address, trusting(pair[0])) as connection:
        assert ask(connection).cookies == {"sessionid"}
        assert ask(connection).body == b"halfhalf"
    assert [one["x-forwarded-proto"] for one in origin.fields] == ["https", "https"]
    assert gatekeeper.end() == 0
    assert gatekeeper.err == [gatekeeper.start_line]


def test_http_1_1_is_agreed_on_and_nothing_else(secure: Secure, pair: tuple[Path, Path]) -> None:
    gatekeeper = secure()
    context = trusting(pair[0])
    context.set_alpn_protocols(["h2", "http/1.1"])
    with visitor(gatekeeper.address, context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    ("version", "is_spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
def test_versions_before_1_2_are_not_spoken(
    secure: Secure, pair: tuple[Path, Path], version: ssl.TLSVersion, is_spoken: bool
) -> None:
    gatekeeper = secure()
    context = trusting(pair[0])
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1") if not is_spoken else contextlib.nullcontext():
        context.minimum_version = context.maximum_version = version
    try:
        with visitor(gatekeeper.address, context) as connection:
            assert ask(connection).status == 200
    except (ssl.SSLError, ConnectionError):
        assert not is_spoken
    else:
        assert is_spoken


def test_a_visitor_without_a_server_name_is_served(secure: Secure, pair: tuple[Path, Path]) -> None:
    gatekeeper = secure()
    context = trusting(pair[0])
    context.check_hostname = False
    parts = urlsplit(gatekeeper.address)
    with (
        socket.create_connection((parts.hostname, parts.port), PATIENCE) as plain,
        context.wrap_socket(plain) as connection,
    ):
        assert ask(connection).status == 200


def test_who_speaks_no_tls_is_sent_away_and_others_are_served(secure: Secure, pair: tuple[Path, Path]) -> None:
    gatekeeper = secure()
    parts = urlsplit(gatekeeper.address)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        try:
            while data := plain.recv(4096):
                answer += data
        except ConnectionResetError:
            pass
        assert b"HTTP/1.1" not in answer
    with visitor(gatekeeper.address, trusting(pair[0])) as connection:
        assert ask(connection).status == 200


def test_a_handshake_that_does_not_go_on_is_cut_after_the_time_for_a_head(secure: Secure) -> None:
    parts = urlsplit(secure().address)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE) as silent:
        assert silent.recv(1) == b""


def test_a_connection_that_is_open_is_drained(secure: Secure, origin: Origin, pair: tuple[Path, Path]) -> None:
    gatekeeper = secure()
    with visitor(gatekeeper.address, trusting(pair[0])) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert origin.under_way.wait(PATIENCE)
        gatekeeper.send(signal.SIGTERM)
        origin.go_on.set()
        answer = b""
        while not answer.endswith(b"halfhalf"):
            data = connection.recv(4096)
            assert data, answer
            answer += data
    assert gatekeeper.ended() == 0


# --- renewing the pair -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("rsa", [False, True], ids=["EC", "RSA"])
def test_a_renewed_pair_is_shown_after_sighup_and_open_connections_go_on(
    secure: Secure, pair: tuple[Path, Path], tmp_path: Path, workers: str, rsa: bool
) -> None:
    gatekeeper = secure("--workers", workers)
    with visitor(gatekeeper.address, trusting(pair[0])) as connection:
        assert ask(connection).status == 200
        fresh = renew(pair, tmp_path, rsa=rsa)
        gatekeeper.send(signal.SIGHUP)
        gatekeeper.says("reloaded")
        until(lambda: {shown(gatekeeper.address) for _ in range(10)} == {fresh}, what="the new certificate everywhere")
        assert ask(connection).status == 200
    with visitor(gatekeeper.address, trusting(pair[0])) as connection:
        assert ask(connection).status == 200
    assert not [line for line in gatekeeper.err if "restart" in line]
    assert gatekeeper.end() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_renewed_pair_is_noticed_with_reload(
    secure: Secure, pair: tuple[Path, Path], tmp_path: Path, workers: str
) -> None:
    gatekeeper = secure("--reload", "--workers", workers)
    fresh = renew(pair, tmp_path)
    until(lambda: {shown(gatekeeper.address) for _ in range(10)} == {fresh}, what="the new certificate everywhere")
    gatekeeper.says("reloaded")


def test_a_pair_in_other_files_is_shown_without_a_restart(
    secure: Secure, pair: tuple[Path, Path], site: Path, tmp_path: Path
) -> None:
    gatekeeper = secure()
    certificate, key = make_pair(tmp_path, "other")
    text = site.read_text().replace(str(pair[0]), str(certificate)).replace(str(pair[1]), str(key))
    site.write_text(text)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded")
    assert shown(gatekeeper.address) == der(certificate)
    assert not [line for line in gatekeeper.err if "restart" in line]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_broken_pair_is_refused_with_its_problem_and_the_old_one_stays(
    secure: Secure, pair: tuple[Path, Path], site: Path, tmp_path: Path, workers: str
) -> None:
    gatekeeper = secure("--workers", workers)
    old = der(pair[0])
    other, _ = make_pair(tmp_path, "other")
    other.replace(pair[0])  # and the key stays: half of a renewal
    gatekeeper.send(signal.SIGHUP)
    assert gatekeeper.says("is refused, the old") == f"gatekeeper: {site} is refused, the old rules stay:"
    assert gatekeeper.says("is not the key") == f'    line 6: server.key: "{pair[1]}" is not the key of "{pair[0]}"'
    assert {shown(gatekeeper.address) for _ in range(10)} == {old}


def test_a_worker_that_is_replaced_has_the_pair_that_is_in_force_whatever_became_of_the_files(
    secure: Secure, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    gatekeeper = secure("--workers", "2")
    fresh = renew(pair, tmp_path)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("reloaded")
    pair[0].unlink()
    pair[1].write_text("broken")
    for pid in gatekeeper.workers():
        os.kill(pid, signal.SIGKILL)
    gatekeeper.says("ended unasked", times=2)
    assert {shown(gatekeeper.address) for _ in range(10)} == {fresh}
    assert gatekeeper.end() == 0


def test_tls_itself_begins_with_a_restart(start: Start, site: Path, pair: tuple[Path, Path]) -> None:
    gatekeeper = start("--config", str(site)).ready()
    site.write_text(site.read_text() + f'[server]\ncertificate = "{pair[0]}"\nkey = "{pair[1]}"\n')
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says(r"\[server\] has changed: that takes effect with a restart")
    assert gatekeeper.cookies() == {"sessionid"}


# --- the operator's files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["server", "upstream"])
def test_files_that_cannot_be_used_are_named_by_check_and_run(
    tell: Tell, tmp_path: Path, pair: tuple[Path, Path], table: str
) -> None:
    certificate, key = pair
    _, other_key = make_pair(tmp_path, "other")
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked],
        check=True,
        capture_output=True,
    )
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    nowhere = tmp_path / "nowhere.pem"
    url = '[upstream]\nurl = "https://a"\n'
    for first, second, problem in (
        (nowhere, key, f':{{first}}: {table}.certificate: "{nowhere}" cannot be read: no such file or directory'),
        (certificate, nowhere, f':{{second}}: {table}.key: "{nowhere}" cannot be read: no such file or directory'),
        (certificate, tmp_path, f':{{second}}: {table}.key: "{tmp_path}" cannot be read: is a directory'),
        (certificate, other_key, f':{{second}}: {table}.key: "{other_key}" is not the key of "{certificate}"'),
        (
            certificate,
            locked,
            f':{{second}}: {table}.key: "{locked}" has a passphrase, which nobody could be asked for',
        ),
        (key, key, f':{{first}}: {table}.certificate: "{key}" holds no certificate in PEM'),
        (certificate, certificate, f':{{second}}: {table}.key: "{certificate}" holds no private key in PEM'),
        (broken, key, f':{{first}}: {table}.certificate: "{broken}" cannot be used: '),
    ):
        file = tmp_path / "site.toml"
        keys = f'certificate = "{first}"\nkey = "{second}"\n'
        text = f"[server]\n{keys}" if table == "server" else f"{url}{keys}"
        file.write_text(text)
        lines = {"first": str(text[: text.index("certificate =")].count("\n") + 1)}
        lines["second"] = str(int(lines["first"]) + 1)
        told = tell("check", file)
        assert told.code == 2
        (said,) = told.problems
        assert said.startswith(f"{file}{problem.format(**lines)}"), said
    done = subprocess.run(
        [*COMMAND, "run", "--config", file], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{table}.certificate: " in done.stderr


def test_what_is_wrong_on_both_sides_is_told_together(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(
        '[server]\ncertificate = "/nowhere/a"\nkey = "/nowhere/b"\n[upstream]\nurl = "https://a"\nca = "/nowhere/c"\n'
    )
    assert [line.partition('"')[0] for line in tell("check", file).problems] == [
        f"{file}:2: server.certificate: ",
        f"{file}:3: server.key: ",
        f"{file}:6: upstream.ca: ",
    ]


def test_a_file_of_authorities_without_any_is_named(tell: Tell, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f'[upstream]\nurl = "https://a"\nca = "{pair[1]}"\n')
    assert tell("check", file).problems == [f'{file}:3: upstream.ca: "{pair[1]}" holds no certificate in PEM']
    file.write_text(f'[upstream]\nurl = "https://a"\nca = "{pair[0]}"\n')
    assert tell("check", file).code == 0


def test_one_file_may_hold_both(tell: Tell, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(pair[1].read_bytes() + pair[0].read_bytes())
    file = tmp_path / "site.toml"
    file.write_text(f'[server]\ncertificate = "{both}"\nkey = "{both}"\n')
    assert tell("check", file).code == 0


def test_trust_in_anybody_is_legal_and_warned_of(tell: Tell, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f'presets = ["essential"]\n[upstream]\nurl = "https://a"\nverify = false\nca = "{pair[0]}"\n')
    told = tell("check", file)
    assert told.code == 0
    assert told.out.splitlines()[0] == (
        f"{file}:4: warning: upstream.verify: false takes any certificate: whoever stands in between can read and "
        "change everything, and upstream.ca is not asked"
    )


def test_keys_for_tls_without_tls_are_warned_of(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('presets = ["essential"]\n[upstream]\nurl = "http://a"\nca = "/nowhere"\n')
    told = tell("check", file)
    assert told.code == 0
    assert "upstream.ca: is of no use: TLS is spoken with an upstream.url of https:// alone" in told.out


def test_an_app_behind_https_is_reached_with_its_own_authority(
    start: Start, site: Path, pair: tuple[Path, Path]
) -> None:
    """The pair serves a second gatekeeper, in the app's place."""
    certificate, key = pair
    behind = start(env=environment(GATEKEEPER_SERVER__CERTIFICATE=str(certificate), GATEKEEPER_SERVER__KEY=str(key)))
    url = behind.ready().address
    site.write_text(site.read_text() + f'[upstream]\nca = "{certificate}"\n')
    assert start("--config", str(site), upstream=url).ready().cookies() == {"sessionid"}
    distrustful = start(upstream=url).ready()
    assert distrustful.get().status == 502
    assert distrustful.says(" is down: ").endswith("TLS with it failed: self-signed certificate")
