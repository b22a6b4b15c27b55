"""Several sites over real sockets: each request goes to the app of its own host and is judged by that site's rules,
whatever came before it on the same connection.
"""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.running import Gatekeeper
from tests.plane.stage import Heard, Play, Stage
from tests.plane.visits import Client

# Each origin says whose it is, sets the cookies of both sites, and answers a POST with its body.
SITES = {
    "a": ("a.example", "choice_a", "only_a"),
    "b": ("b.example", "choice_b", "only_b"),
}


@dataclass
class Both:
    """A gate before two origins; a third is there for all other hosts where ``default`` says so."""

    stages: dict[str, Stage]
    gatekeeper: Gatekeeper

    @property
    def port(self) -> int:
        return int(urlsplit(self.gatekeeper.address).port or 0)

    def visit(self) -> Client:
        return Client(self.port)

    def hosts(self, name: str) -> list[bytes]:
        return [value for message in self.stages[name].requests for value in message.values(b"host")]


def saying(name: str) -> Play:
    def script(line: Heard) -> None:
        while True:
            request = line.request()
            body = name.encode() + b" " + request.body
            line.send(
                b"HTTP/1.1 200 OK\r\nSet-Cookie: only_a=1\r\nSet-Cookie: only_b=1\r\nSet-Cookie: stats=1\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )

    return script


@contextlib.contextmanager
def both(folder: Path, *, default: bool) -> Iterator[Both]:
    stages = {name: Stage() for name in ("a", "b", "top")}
    text = f'[upstream]\nurl = "{stages["top"].url}"\n' if default else ""
    for name, (host, choice, own) in SITES.items():
        text += (
            f'[[site]]\nhosts = ["{host}", "*.{host}"]\nupstream.url = "{stages[name].url}"\n'
            f'consent.cookie = "{choice}"\nenforcement.expire_leftovers = false\n'
            f'[[site.cookie]]\nname = "{own}"\ncategory = "necessary"\n'
            '[[site.cookie]]\nname = "stats"\ncategory = "analytics"\n'
        )
    file = folder / "sites.toml"
    file.write_text(text)
    gatekeeper = Gatekeeper("--config", str(file)).ready()
    try:
        for name, stage in stages.items():
            stage.play(saying(name))
        yield Both(stages, gatekeeper)
        assert not [line for line in gatekeeper.err if "Traceback" in line]
    finally:
        gatekeeper.close()
        for stage in stages.values():
            stage.close()


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Both]:
    with both(tmp_path, default=False) as made:
        yield made


@pytest.fixture
def with_default(tmp_path: Path) -> Iterator[Both]:
    with both(tmp_path, default=True) as made:
        yield made


def get(host: str, *lines: bytes, target: bytes = b"/") -> bytes:
    return b"\r\n".join([b"GET %b HTTP/1.1" % target, b"Host: " + host.encode(), *lines, b"", b""])


def cookies(message: object) -> list[bytes]:
    return [value.partition(b"=")[0] for value in message.values(b"set-cookie")]  # type: ignore[attr-defined]


def test_requests_of_two_sites_on_one_connection_never_meet(sites: Both) -> None:
    """Interleaved in any order, with each site's own consent: app, rules and choice are those of the request's host."""
    draw = random.Random(7)
    with sites.visit() as visitor:
        for number in range(200):
            name = draw.choice("ab")
            host = draw.choice([SITES[name][0], SITES[name][0].upper() + ":80", f"www.{SITES[name][0]}."])
            grants = draw.choice("ab")  # the choice may have been made at the other site only
            form = draw.choice(["get", "absolute", "post"])
            lines = [b"Cookie: %b=all; n=%d" % (SITES[grants][1].encode(), number)]
            if form == "absolute":
                octets = get("other.example", *lines, target=b"http://%b/x" % host.encode())
            elif form == "post":
                octets = get(host, *lines, b"Content-Length: 3").replace(b"GET", b"POST", 1) + b"abc"
            else:
                octets = get(host, *lines)
            reply = visitor.ask(octets)
            assert reply.body == name.encode() + (b" abc" if form == "post" else b" ")
            expected = [SITES[name][2].encode()] + ([b"stats"] if grants == name else [])
            assert cookies(reply) == expected, (number, name, grants, form)
    assert len(sites.hosts("a")) + len(sites.hosts("b")) == 200
    assert all(b"a.example" in host.lower() for host in sites.hosts("a"))
    assert all(b"b.example" in host.lower() for host in sites.hosts("b"))
    # Each choice was forwarded to the app whose it is, and was an unlisted cookie to the other.
    for name, (_, choice, _) in SITES.items():
        for message in sites.stages[name].requests:
            names = [value.partition(b"=")[0] for value in b"; ".join(message.values(b"cookie")).split(b"; ")]
            assert set(names) <= {choice.encode(), b""}
    assert [stage.connections for stage in sites.stages.values()] == [1, 1, 0]


def test_requests_that_come_at_once_each_go_to_their_own(sites: Both) -> None:
    hosts = [SITES[name][0] for name in "abbabaab"]
    with sites.visit() as visitor:
        visitor.send(b"".join(map(get, hosts)))
        assert [visitor.reply().body for _ in hosts] == [host[:1].encode() + b" " for host in hosts]


def test_the_same_fields_but_for_the_host_in_the_target_are_not_taken_for_the_last_ones(sites: Both) -> None:
    with sites.visit() as visitor:
        for target, expected in [(b"/", b"a "), (b"http://b.example/", b"b "), (b"/", b"a "), (b"/x", b"a ")]:
            assert visitor.ask(get("a.example", target=target)).body == expected


@pytest.mark.parametrize(
    "octets",
    [
        get("other.example"),
        get("example"),
        get("a.example.evil"),
        get("xa.example"),
        get("[::1]:80"),
        get("a.example", target=b"http://other.example/"),
        b"GET / HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: other.example\r\n\r\n",
    ],
)
def test_a_host_that_is_no_sites_is_421_and_the_connection_ends(sites: Both, octets: bytes) -> None:
    with sites.visit() as visitor:
        visitor.send(octets + get("a.example"))
        reply = visitor.reply(to=octets.split(b" ")[0])
        assert (reply.status, reply.reason) == (421, b"Misdirected Request")
        assert reply.body == b"421 Misdirected Request: no site is served here under this name.\n"
        assert reply.values(b"connection") == [b"close"]
        assert reply.values(b"cache-control") == [b"no-store"]
        # What came behind it was not answered.
        assert visitor.is_ended
    assert not any(stage.requests for stage in sites.stages.values())


def test_an_upload_to_a_host_that_is_no_sites_is_refused_before_it_is_whole(sites: Both) -> None:
    with sites.visit() as visitor:
        visitor.send(get("other.example", b"Content-Length: 100000").replace(b"GET", b"POST", 1) + b"x" * 10)
        assert visitor.reply(to=b"POST").status == 421
    with sites.visit() as visitor:
        assert visitor.ask(get("a.example")).body == b"a "


def test_a_head_request_for_a_host_that_is_no_sites_has_no_body(sites: Both) -> None:
    with sites.visit() as visitor:
        assert visitor.ask(get("other.example").replace(b"GET", b"HEAD", 1)).status == 421


def test_other_hosts_go_to_the_app_at_the_top_level(with_default: Both) -> None:
    with with_default.visit() as visitor:
        for host, expected in [("other.example", b"top "), ("a.example", b"a "), ("a.example.evil", b"top ")]:
            reply = visitor.ask(get(host))
            assert reply.body == expected
            assert cookies(reply) == ([b"only_a"] if expected == b"a " else [])
        assert visitor.ask(b"GET / HTTP/1.0\r\n\r\n").body == b"top "


@pytest.mark.parametrize(
    "lines", [(b"X-Forwarded-Host: b.example",), (b"Forwarded: host=b.example",), (b"X-Host: b.example",)]
)
def test_no_other_field_chooses_the_site(sites: Both, lines: tuple[bytes, ...]) -> None:
    with sites.visit() as visitor:
        assert visitor.ask(get("a.example", *lines)).body == b"a "


def test_two_hosts_in_one_request_are_refused(sites: Both) -> None:
    for octets in (get("a.example", b"Host: b.example"), get("a.example, b.example"), get("a.example@b.example")):
        with sites.visit() as visitor:
            assert visitor.ask(octets).status == 400


def test_one_app_that_is_down_is_nobody_elses_trouble(sites: Both) -> None:
    with sites.stages["a"].refusing(), sites.visit() as visitor:
        assert visitor.ask(get("a.example")).status == 502
        assert visitor.ask(get("b.example")).body == b"b "
