"""The strategies reach the corners for which they were written."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, find, given, settings

from tests.models.browsers import BROWSERS, TODAY, Chromium, Firefox, Rfc6265bis, stored_names
from tests.models.servers import ALL_PARSERS, names_seen
from tests.models.strategies import cookie_fields, cookie_lists, deletions, set_cookie_fields, set_cookie_lists

NAMES = [b"_ga", b"sid"]
URL = "https://home.example.org/shop/cart"
FOUND = settings(max_examples=20_000, derandomize=True, database=None, deadline=None, phases=[Phase.generate])


def _held(browser: type[Rfc6265bis], field: bytes) -> set[bytes]:
    jar = browser(lambda: TODAY)
    jar.receive(URL, field)
    return {cookie.name for cookie in jar.cookies}


@pytest.mark.parametrize(
    "corner",
    [
        lambda field: b"_ga" in _held(Chromium, field) - _held(Firefox, field),
        lambda field: b"_ga" in _held(Firefox, field) - _held(Chromium, field),
        lambda field: b"_ga" in _held(Rfc6265bis, field) and not _held(Chromium, field) | _held(Firefox, field),
        lambda field: b"" in _held(Chromium, field),
        lambda field: len(_held(Chromium, field)) == 2,
        lambda field: not stored_names(URL, field) and b"_ga=" in field,
        lambda field: any(name.startswith(b"__Host-") for name in _held(Chromium, field)),
    ],
)
def test_set_cookie_fields_reach(corner: Callable[[bytes], bool]) -> None:
    find(set_cookie_fields(NAMES), corner, settings=FOUND)


@pytest.mark.parametrize(
    "server",
    [
        "aspnet_core",
        "django_wsgi",
        "jetty_12",
        "netty",
        "php",
        "perl_cgi",
        "simple_cookie",
        "starlette",
        "tomcat",
        "undertow",
    ],
)
def test_cookie_fields_reach_what_only_a_server_sees(server: str) -> None:
    def hidden(field: bytes) -> bool:
        plainly = {pair.partition(b"=")[0].strip(b" \t") for pair in field.split(b";")}
        return b"_ga" in {name for name, _ in ALL_PARSERS[server](field)} - plainly

    find(cookie_fields(NAMES), hidden, settings=FOUND)


def test_deletions_reach_what_only_one_browser_deletes() -> None:
    find(deletions(NAMES), lambda field: not _held(Chromium, field) and bool(_held(Firefox, field)), settings=FOUND)
    find(deletions(NAMES), lambda field: not _held(Firefox, field) and bool(_held(Chromium, field)), settings=FOUND)


@given(fields=set_cookie_lists(NAMES), request=cookie_lists(NAMES))
def test_the_models_take_whatever_comes(fields: list[bytes], request: list[bytes]) -> None:
    sent = set()
    for browser in BROWSERS:
        jar = browser(lambda: TODAY)
        jar.receive(URL, fields)
        assert all(cookie.expires is None or cookie.expires > TODAY for cookie in jar.cookies)
        sent |= {cookie.name for cookie in jar.cookies if cookie.name}
        assert (jar.cookie_header(URL) is None) == (
            not [c for c in jar.cookies if URL.endswith(c.path.decode("latin-1"))]
        ) or jar.cookies
    assert sent <= stored_names(URL, fields)
    for field in request:
        names_seen(field)


@given(field=set_cookie_fields(NAMES, control=False), request=cookie_fields(NAMES, control=False))
def test_without_control_octets_only_those_of_a_real_wire_come(field: bytes, request: bytes) -> None:
    assert not {*range(0x20), 0x7F}.difference({9}) & {*field, *request}
