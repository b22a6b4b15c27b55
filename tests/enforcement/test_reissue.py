"""A platform's consent cookies, written again from the server: what a browser makes of it over the months."""

import tomllib
from dataclasses import replace

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import Found
from gatekeeper.consent.reissue import MARK, MarkReader
from gatekeeper.enforcement.exchange import MAX_SET_COOKIES, Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.reissue import Kept, reissuable
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.schema import PolicyError
from tests.conformance.case import DAY, NOW
from tests.conformance.cases_reissue import cookiebot
from tests.models import browsers

PAGE = "https://shop.example.org/"
RULES = '[[cookie]]\nname = "sid"\ncategory = "necessary"\n'


def gate(where: str = 'domain = "example.org"', formats: str = '"auto"') -> Gate:
    document = f"[consent]\nreissue = true\nformat = {formats}\n{where}\n{RULES}"
    return Gate(load_policy_tables(tomllib.loads(document), {}))


def page(one: Gate, cookies: bytes | None, *set_cookies: bytes, now: float = NOW) -> list[bytes]:
    """The Set-Cookie field values that leave with a page."""
    exchange = Exchange(one, "GET", b"shop.example.org", "/", int(now))
    exchange.request(((b"sec-fetch-mode", b"navigate"), *(((b"cookie", cookies),) if cookies else ())))
    fields = exchange.response(200, tuple((b"set-cookie", value) for value in set_cookies))
    assert exchange.fault is None
    return [value for name, value in fields if name == b"set-cookie"]


@pytest.mark.parametrize("browser", [browsers.Chromium, browsers.Firefox])
@pytest.mark.parametrize(
    ("where", "script"),
    [('domain = "example.org"', b"; Domain=.example.org; Path=/"), ('domain = ""', b"; Path=/")],
)
@pytest.mark.parametrize("every", [1, 3, 6])
def test_a_browser_that_cuts_what_scripts_write_keeps_the_choice_for_its_whole_life_and_no_longer(
    browser: type[browsers.Chromium], where: str, script: bytes, every: int
) -> None:
    clock = [float(NOW)]
    jar = browser(clock=lambda: clock[0])
    value = cookiebot(0)
    jar.receive(PAGE, value + script + b"; Max-Age=%d; SameSite=Lax; Secure" % (7 * DAY))
    one, reissues = gate(where), 0
    for day in range(0, 200, every):
        clock[0] = NOW + day * DAY + 60
        sent = jar.cookie_header(PAGE) or b""
        assert sent.count(b"CookieConsent=") == (1 if day < 180 else 0)
        assert (value in sent) is (day < 180)
        for visit in range(3):
            fields = page(one, jar.cookie_header(PAGE), now=clock[0] + visit)
            assert not visit or fields == []
            reissues += bool(fields)
            jar.receive(PAGE, fields)
    assert reissues == len(range(every, 180, every))


def test_all_cookies_of_a_format_are_written_again_each_octet_for_octet() -> None:
    closed = b"OptanonAlertBoxClosed=2025-10-24T12:00:00.000Z"
    consent = (
        b"OptanonConsent=isGpcEnabled=0&datestamp=Fri+Oct+24+2025+12%3A00%3A00+GMT%2B0000+(heure+normale)"
        b"&version=202312.1.0&groups=C0001%3A1%2CC0002%3A0%2CC0003%3A0%2CC0004%3A0"
    )
    fields = page(gate(), b"; ".join([closed, b"sid=1", consent]))
    assert [field.partition(b"; Domain=")[0] for field in fields[:-1]] == [consent, closed]
    assert fields[-1].startswith(MARK + b"=1; Path=/; Max-Age=86400")


def test_the_mark_is_required_and_hidden_with_the_consent_cookie() -> None:
    document = f'[consent]\nreissue = true\ndomain = ""\nforward = false\n{RULES}'
    for text, seen in ((document, b"sid=1"), (document.replace("forward = false", ""), MARK + b"=1; sid=1")):
        one = Gate(load_policy_tables(tomllib.loads(text), {}))
        exchange = Exchange(one, "GET", b"shop.example.org", "/", NOW)
        assert exchange.request(((b"cookie", MARK + b"=1; sid=1"),)) == ((b"cookie", seen),)


def test_a_mark_alone_is_no_consent_cookie() -> None:
    exchange = Exchange(gate(), "GET", b"shop.example.org", "/", NOW)
    exchange.request(((b"cookie", MARK + b"=1"),))
    assert exchange.choice.state is State.ABSENT
    assert MarkReader().read({MARK: b"1"}, Vocabulary(DEFAULT_CATEGORIES)) is None


def test_no_more_fields_leave_than_a_browser_takes() -> None:
    many = [b"sid=%d" % number for number in range(MAX_SET_COOKIES)]
    assert page(gate(), cookiebot(DAY), *many[:-2]) != many[:-2]
    assert page(gate(), cookiebot(DAY), *many[:-1]) == many[:-1]
    assert page(gate(), cookiebot(DAY), *many) == many


def test_an_exchange_that_fails_writes_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = gate()

    def boom(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(one, "reading_of", boom)
    exchange = Exchange(one, "GET", b"shop.example.org", "/", NOW)
    exchange.request(((b"sec-fetch-mode", b"navigate"), (b"cookie", cookiebot(DAY))))
    assert exchange.response(200, ()) == ()


def test_the_same_fields_on_one_connection_are_written_again_as_well() -> None:
    one, kept = gate(), list[object]()
    fields = ((b"sec-fetch-mode", b"navigate"), (b"cookie", cookiebot(DAY)))
    for _ in range(3):
        exchange = Exchange(one, "GET", b"shop.example.org", "/", NOW)
        assert exchange.request(fields, kept) is fields
        assert len(exchange.response(200, ())) == 3


def found(
    *names: bytes, given_at: int | None = NOW - DAY, state: State = State.DECIDED, reader: str = "klaro"
) -> Found:
    choice = Choice(state, given_at=given_at, format=reader)
    return Found(KNOWN[reader], is_guess=False, cookies=names, said=choice, choice=choice)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        (b"a", b"1", True),
        (b"a", b"", True),
        (b"a", b'{"x": "y z", "\xc3\xa9": [1,2]}', True),
        (b"a", b"\xff", True),
        (b"a", b"x" * 4095, True),
        (b"a", b"x" * 4096, False),
        (b"a", b"x\ty", False),
        (b"a", b"x\x01y", False),
        (b"a", b"x\x7fy", False),
        (b"a\t", b"1", False),
        (b"__Host-a", b"1", False),
        (b"__secure-a", b"1", False),
    ],
)
def test_what_could_not_be_stored_as_it_came_is_left_alone(name: bytes, value: bytes, kept: bool) -> None:
    assert reissuable([(name, value)], [found(name)]) == ((Kept(name, value, NOW - DAY),) if kept else ())
    # All of a format's cookies, or none: a half of them may mean something else.
    both = [(name, value), (b"b", b"1")]
    assert len(reissuable(both, [found(name, b"b")])) == (2 if kept else 0)


def test_what_was_found_in_doubt_is_left_alone() -> None:
    told = [(b"a", b"1"), (b"b", b"2")]
    assert len(reissuable(told, [found(b"a"), found(b"b")])) == 2
    assert reissuable(told, [found(b"a", given_at=None)]) == ()
    assert reissuable(told, [found(b"a", state=State.STALE)]) == ()
    assert reissuable(told, [found(b"a", state=State.NOT_REQUIRED)]) == ()
    assert reissuable([*told, (b"a", b"1")], [found(b"a")]) == ()
    assert reissuable([*told, (MARK, b"")], [found(b"a")]) == ()
    many = [(b"%d" % number, b"1") for number in range(21)]
    assert reissuable(many, [found(*(name for name, _ in many))]) == ()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("reissue = true", ["consent.domain: is missing"]),
        ('reissue = true\ndomain = "a b"', ['consent.domain: "a b" is no domain']),
        ('reissue = true\ndomain = ""\npath = "shop"', ['consent.path: "shop" is no path']),
        ('reissue = true\ndomain = ""\npath = "/a;b"', ['consent.path: "/a;b" is no path']),
        ('reissue = 1\ndomain = ""', ["consent.reissue: must be true or false"]),
    ],
)
def test_what_is_wrong_in_the_file_is_told(keys: str, told: list[str]) -> None:
    with pytest.raises(PolicyError) as problems:
        load_policy_tables(tomllib.loads(f"[consent]\n{keys}"), {})
    assert len(problems.value.problems) == len(told)
    for problem, beginning in zip(problems.value.problems, told, strict=True):
        assert str(problem).startswith(beginning)


def test_without_it_the_file_needs_no_domain() -> None:
    policy = load_policy_tables({}, {})
    assert (policy.consent.reissue, policy.consent.domain, policy.consent.path) == (False, "", "/")
    assert Gate(replace(policy, consent=replace(policy.consent))).consent_names.isdisjoint({MARK})
