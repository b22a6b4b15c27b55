"""A cap on the lifetime of all that is not required: what holds for it, and what it costs."""

import pytest

from gatekeeper.enforcement import response
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.response import _length
from tests.enforcement.test_hard_cases import GRANTED, RULES, begin, gate, leaving
from tests.models import browsers

DAY = 86400
CAPPED = '[enforcement]\nmax_age = "30d"\n' + RULES


@pytest.fixture
def closer_looks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The field values that were parsed whole."""
    looked: list[bytes] = []
    parse = response.parse_set_cookie

    def counted(value: bytes) -> object:
        looked.append(value)
        return parse(value)

    monkeypatch.setattr(response, "parse_set_cookie", counted)
    return looked


def granted() -> Exchange:
    return begin(gate(CAPPED), GRANTED)[0]


def test_a_field_within_the_cap_is_not_parsed_again(closer_looks: list[bytes]) -> None:
    exchange = granted()
    fields = [b"_ga=1; Max-Age=2592000; Path=/", b"_ga=2; Max-Age=2592000; Path=/", b"theme=1; Path=/"]
    for _ in range(2):
        assert leaving(exchange, *fields) == fields
    closer_looks.clear()
    assert leaving(exchange, *fields) == fields
    assert closer_looks == []
    (longer,) = leaving(exchange, b"_ga=1; Max-Age=2592001; Path=/")
    assert longer.startswith(b"_ga=1; Max-Age=2592000; Expires=")
    assert len(closer_looks) == 1


def test_what_is_required_is_not_looked_at_for_the_cap(closer_looks: list[bytes]) -> None:
    exchange = granted()
    field = b"sessionid=1; Max-Age=99999999"
    leaving(exchange, field, field)
    closer_looks.clear()
    assert leaving(exchange, field) == [field]
    assert closer_looks == []


@pytest.mark.parametrize(
    ("attributes", "days"),
    [
        (b"", 0),
        (b" Path=/; Secure", 0),
        (b" Max-Age=864000; Path=/", 10),
        (b"max-age = 864000 ", 10),
        (b" Max-Age=864000; Expires=Wed, 09 Dec 2037 10:00:00 GMT", 10),
    ],
)
def test_a_life_that_attributes_tell_at_a_glance(attributes: bytes, days: int) -> None:
    assert _length(attributes) == days * DAY


@pytest.mark.parametrize(
    "attributes", [b" Expires=Wed, 09 Dec 2037 10:00:00 GMT", b" Max-Age=+1", b" Max-Age=0", b" Max-Age=12345678901"]
)
def test_a_life_that_takes_a_closer_look_is_longer_than_any_cap(attributes: bytes) -> None:
    assert _length(attributes) > 10**12


@pytest.mark.parametrize("browser", [browsers.Chromium, browsers.Firefox])
@pytest.mark.parametrize(
    "attributes",
    [
        b"Max-Age=99999999",
        b"Expires=Wed, 09 Dec 2037 10:00:00 GMT",
        b"Max-Age=99999999; Max-Age=x",
        b"Max-Age=1; Max-Age=99999999",
        b"Max-Age=99999999; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        b"expires=Wed, 09-Dec-37 10:00:00 GMT; MAX-AGE = 99999999 ; Path=/",
        b"Max-Age=" + b"9" * 30,
    ],
)
def test_no_browser_keeps_it_longer(browser: type[browsers.Chromium], attributes: bytes) -> None:
    now = float(browsers.TODAY)
    jar = browser(clock=lambda: now)
    jar.receive("https://wiki.corp.example/", leaving(granted(), b"_ga=1; " + attributes))
    (stored,) = jar.cookies
    assert stored.expires is None or stored.expires <= now + 30 * DAY
