"""Where a cookie goes: hosts, domains, paths, and what name prefixes demand."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.cookies import scope
from tests.models import browsers


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        (b"example.org", "example.org"),
        (b"EXAMPLE.Org", "example.org"),
        (b"example.org:8080", "example.org"),
        (b"example.org:", "example.org"),
        (b"example.org.", "example.org"),
        (b"example.org.:443", "example.org"),
        (b" example.org ", "example.org"),
        (b"user:secret@example.org:80", "example.org"),
        (b"evil.example@example.org", "example.org"),
        (b"a@b@example.org", "example.org"),
        (b"127.0.0.1:8000", "127.0.0.1"),
        (b"[::1]:8000", "::1"),
        (b"[2001:DB8::1]", "2001:db8::1"),
        (b"[::1", "::1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"", ""),
        (b":80", ""),
    ],
)
def test_the_host_of_an_authority_is_bare_and_in_lower_case(authority: bytes, host: str) -> None:
    assert scope.canonical_host(authority) == host


@settings(deadline=None)
@given(st.binary(max_size=40))
@example(b"[")
@example(b"\xff\xa0@\xdf:\x00")
def test_no_authority_raises_nor_yields_upper_case(authority: bytes) -> None:
    host = scope.canonical_host(authority)
    assert host == host.lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "1.2.3.4", "1", "::1", "fe80::1%eth0", "[::1]"])
def test_addresses_have_no_parents(host: str) -> None:
    assert scope.is_address(host)
    assert scope.parent_domains(host) == ()


def test_what_is_longer_than_any_host_name_has_no_parents() -> None:
    assert scope.parent_domains("a." * 126 + "b")[0] == "a." * 126 + "b"
    assert scope.parent_domains("a." * 127 + "b") == ()


@pytest.mark.parametrize("host", ["example.org", "1.example", "localhost", "", "1.2.3.4.example", "a1.2"])
def test_names_are_no_addresses(host: str) -> None:
    assert not scope.is_address(host)


@pytest.mark.parametrize(
    ("host", "parents"),
    [
        ("www.shop.example.org", ("www.shop.example.org", "shop.example.org", "example.org")),
        ("example.org", ("example.org",)),
        ("localhost", ()),
        ("", ()),
    ],
)
def test_parents_stand_nearest_first_and_no_single_label_among_them(host: str, parents: tuple[str, ...]) -> None:
    assert scope.parent_domains(host) == parents


@pytest.mark.parametrize(
    ("host", "domain", "matches"),
    [
        ("example.org", "example.org", True),
        ("www.example.org", "example.org", True),
        ("a.b.example.org", "example.org", True),
        ("example.org", "www.example.org", False),
        ("badexample.org", "example.org", False),
        ("example.org.evil.net", "example.org", False),
        ("example.com", "example.org", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.1", False),
        ("10.127.0.0.1", "127.0.0.1", False),
        ("::1", "::1", True),
    ],
)
def test_a_host_matches_its_own_domain_and_those_above(host: str, domain: str, matches: bool) -> None:
    assert scope.domain_matches(host, domain) == matches


def test_every_parent_domain_matches_its_host() -> None:
    host = "a.b.c.example.org"
    parents = scope.parent_domains(host)
    assert len(parents) == 4
    assert all(scope.domain_matches(host, parent) for parent in parents)


PATHS = [
    ("/shop", "/shop", True),
    ("/shop/cart", "/shop", True),
    ("/shop/cart", "/shop/", True),
    ("/shop", "/shop/", False),
    ("/shopping", "/shop", False),
    ("/shop%2Fcart", "/shop", False),
    ("/", "/", True),
    ("/anything", "/", True),
    ("/shop", "/shop/cart", False),
    ("/SHOP", "/shop", False),
    ("/x/shop", "/shop", False),
    ("", "", True),
    ("", "/", False),
]


@pytest.mark.parametrize(("request_path", "cookie_path", "matches"), PATHS)
def test_a_path_matches_at_a_slash_only(request_path: str, cookie_path: str, matches: bool) -> None:
    assert scope.path_matches(request_path, cookie_path) == matches


PATH = st.lists(st.sampled_from(["/", "a", "b", "/a", "//"]), max_size=5).map("".join)


@settings(deadline=None)
@given(PATH, PATH)
def test_paths_match_as_in_an_independent_reading(request_path: str, cookie_path: str) -> None:
    expected = browsers.path_match(request_path.encode(), cookie_path.encode())
    assert scope.path_matches(request_path, cookie_path) == expected


@pytest.mark.parametrize(
    ("name", "secure", "host_only", "http_only"),
    [
        (b"__Secure-a", True, False, False),
        (b"__sEcUrE-", True, False, False),
        (b"__Host-a", True, True, False),
        (b"__HOST-", True, True, False),
        (b"__Http-a", True, False, True),
        (b"__Host-Http-a", True, True, True),
        (b"__host-http-a", True, True, True),
        (b"__Host-http", True, True, False),
        (b"__Host", False, False, False),
        (b"_Host-a", False, False, False),
        (b"x__Host-a", False, False, False),
        (b" __Host-a", False, False, False),
        (b"__Secure_a", False, False, False),
        (b"", False, False, False),
    ],
)
def test_prefixes_demand_what_browsers_enforce_in_any_case(
    name: bytes, secure: bool, host_only: bool, http_only: bool
) -> None:
    demanded = (scope.requires_secure(name), scope.requires_host_only(name), scope.requires_http_only(name))
    assert demanded == (secure, host_only, http_only)
