"""Gates of several sites: the host decides, and what sites share is compiled once."""

import tomllib

import pytest

from gatekeeper.enforcement import gates as module
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.gates import Gates
from gatekeeper.policy.load import load_policy_tables

FILE = """
[[cookie]]
name = "sid"
category = "necessary"
[[site]]
hosts = ["shop.example", "*.shop.example"]
[[site]]
name = "blog"
hosts = ["blog.example"]
consent.cookie = "blog_consent"
[[site.cookie]]
name = "draft"
category = "necessary"
"""


def gates_of(text: str = FILE) -> Gates:
    return Gates(Gate(load_policy_tables(tomllib.loads(text), {})))


@pytest.mark.parametrize(
    ("host", "site"),
    [
        (b"shop.example", "shop.example"),
        (b"SHOP.example.:8443", "shop.example"),
        (b"a.shop.example:80", "shop.example"),
        (b"blog.example", "blog"),
        (b"a.blog.example", "default"),
        (b"", "default"),
        (b"shop.example@blog.example", "blog"),
        (b"\xff\x00", "default"),
        (b"[::1]:80", "default"),
        (b"x" * 5000, "default"),
    ],
)
def test_each_host_has_the_gate_of_its_site(host: bytes, site: str) -> None:
    gates = gates_of()
    assert gates.of(host).site == site
    assert gates.of(host) is gates.of(host)
    assert (gates.of(host) is gates.top) == (site == "default")


def test_a_gate_is_compiled_when_it_is_asked_for_and_once() -> None:
    gates = gates_of()
    assert gates._compiled == {}
    assert gates.of(b"shop.example") is gates.of(b"a.shop.example:81")
    assert list(gates._compiled) == ["shop.example"]


def test_what_sites_share_with_the_top_level_is_compiled_once() -> None:
    gates = gates_of()
    assert gates.of(b"shop.example").matcher is gates.top.matcher
    blog = gates.of(b"blog.example")
    assert blog.matcher is not gates.top.matcher
    assert blog.matcher._below is gates.top.matcher
    assert blog.registry.certain == {b"blog_consent"}


def test_hosts_that_are_made_up_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HOSTS", 8)
    gates = gates_of()
    for number in range(50):
        gates.of(b"%d.shop.example" % number)
        gates.of(b"x" * 300)
        assert len(gates._known) <= 8
    assert len(gates._compiled) == 1
    assert b"x" * 300 not in gates._known


def test_what_a_gate_records_is_the_same_for_its_sites() -> None:
    policy = load_policy_tables(tomllib.loads(FILE), {})
    assert Gates(Gate(policy, record_passes=True)).of(b"blog.example").record_passes


def test_of_a_thousand_sites_only_those_that_are_visited_cost_anything() -> None:
    text = "".join(f'[[site]]\nhosts = ["s{number}.example"]\n' for number in range(1000))
    gates = gates_of('[[cookie]]\nname = "sid"\ncategory = "necessary"\n' + text)
    assert gates._compiled == {}
    assert gates.of(b"s7.example").site == "s7.example"
    assert len(gates._compiled) == 1
    assert gates.of(b"s7.example").matcher is gates.top.matcher
