"""Both halves of the promise, tried with hostile octets: no cookie gets past a refusal, and the app never breaks.

The judges are models of browsers and servers that share no code with the gate.
"""

import json
import re
from itertools import permutations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatekeeper.audit.event import Context, as_line, as_object
from gatekeeper.consent.choice import State
from gatekeeper.cookies.request import parse_cookie
from gatekeeper.cookies.response import parse_set_cookie
from gatekeeper.policy.verdict import Action
from tests.models import browsers, servers, strategies
from tests.properties.policies import (
    HOST,
    NAMES,
    NOW,
    OPTIONAL,
    PATH,
    URL,
    allowed,
    begin,
    category_of,
    consent_cookie,
    gate,
    respond,
)

CHOICES = st.none() | st.frozensets(st.sampled_from(OPTIONAL))
BROWSERS = (browsers.Chromium, browsers.Firefox, browsers.Rfc6265bis)
# PHP reads an allowed "sessionid =1" as "sessionid_": no rule knows the name, and no app asks for it.
RENAMING = {"php", "php_decoding_names", "rack_decoding_names", "perl_cgi", "aspnet_core_decoding_names"}
# ASP.NET Core begins anew behind an octet that no value may hold; refusing required cookies of raw JSON for that would
# break apps.
RESUMING = {"aspnet_core", "aspnet_core_decoding_names"}
thorough = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
brisk = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


_TOKENS = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def what_is_wrong_with(cookie: browsers.StoredCookie, granted: frozenset[str] | None) -> str | None:
    """Why a cookie must not be in the jar of a visitor with this choice, or None."""
    if not cookie.name:
        return "nameless"
    category = category_of(cookie.name)
    if cookie.name == b"cookies_preferences" or category in allowed(granted):
        return None
    if cookie.name == b"ad_seen":
        return None if cookie.expires is None else "kept beyond the session"
    if cookie.name == b"ad_optout":
        return None if cookie.value == b"1" else "its value is not the constant"
    return f"{category or 'unlisted'}"


@thorough
@given(st.lists(strategies.set_cookie_fields(NAMES), max_size=4), CHOICES)
@example([b"_ga"], frozenset())
@example([b"=_ga=1"], frozenset())
@example([b"==_ga=1"], frozenset())
@example([b"_ga=1; Max-Age=0; Max-Age="], frozenset())
@example([b"_ga=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=x"], frozenset())
@example([b"_ga=1; Max-Age=+0"], frozenset())
@example([b"_ga=1; Expires=Thu, 01 Jan 1970 00:00 GMT"], frozenset())
@example([b"_g\ta=1"], frozenset())
@example([b"x=1\r\nSet-Cookie: _ga=1"], frozenset())
@example([b"sessionid=1\n_ga=1"], None)
def test_no_response_puts_a_refused_or_unlisted_cookie_into_a_jar(
    set_cookies: list[bytes], granted: frozenset[str] | None
) -> None:
    exchange, _ = begin(gate(), consent_cookie(granted))
    leaving = respond(exchange, set_cookies)
    for browser in BROWSERS:
        jar = browser(clock=lambda: float(NOW))
        jar.receive(URL, leaving)
        faults = {cookie.name: fault for cookie in jar.cookies if (fault := what_is_wrong_with(cookie, granted))}
        assert not faults, (browser.__name__, faults, leaving)


@thorough
@given(st.lists(strategies.cookie_fields(NAMES), min_size=1, max_size=3), CHOICES)
@example([b'sessionid="x; _ga=9"'], frozenset())
@example([b"sessionid=1 _ga=2"], frozenset())
@example([b"sessionid=1, _ga=2"], frozenset())
@example([b"sessionid=1,_ga=2"], frozenset())
@example([b"%5fga=1"], frozenset())
@example([b".ga=1"], frozenset())
@example([b"_ga[x]=1"], frozenset())
@example([b"\xa0_ga=1"], frozenset())
@example([b"\xc2\xa0_ga=1; sessionid=1"], frozenset())
@example([b"sessionid=a\x0b_ga=1"], frozenset())
@example([b'$Version="1"; sessionid=1; _ga=2'], frozenset())
@example([b"sessionid = _ga=2"], frozenset())
@example([b'sessionid=1"_ga=2'], frozenset())
def test_no_request_shows_a_refused_or_unlisted_name_to_any_server(
    cookies: list[bytes], granted: frozenset[str] | None
) -> None:
    _, fields = begin(gate(), *cookies, consent_cookie(granted))
    for value in [value for name, value in fields if name == b"cookie"]:
        for server, parse in servers.ALL_PARSERS.items():
            for name, content in parse(value):
                if name == b"cookies_preferences" or not content:
                    continue  # a bare word between two values carries nothing
                if is_nobodys(server, name, value):
                    continue
                assert is_readable(name, content, granted), (server, name, value)


def is_nobodys(server: str, name: bytes, field: bytes) -> bool:
    """Whether a server sees a name there that no rule knows, beside the pair that holds it as the gate means it.

    Inside a required cookie such a name is none: a flash message with ``href=`` in it must not end a session.
    """
    if category_of(name.strip()) is not None:
        return False
    own = {pair.name for pair in parse_cookie(field)}
    inside = name not in own and bool(own & {b"sessionid", b"__Host-id", b"cookies_preferences"})
    return inside or server in RESUMING or (server in RENAMING and name not in NAMES)


def is_readable(name: bytes, content: bytes, granted: frozenset[str] | None) -> bool:
    """Whether a server may see this pair. Some leave white space, and a separator behind a quoted value, to the app."""
    name = name.strip(b", \t\n\v\f\r")
    if category_of(name) is None:
        # No app asks for a name with white space or a comma in it; what counts is the name that such octets stand
        # round.
        name = next(reversed(_TOKENS.findall(name)), b"")
    if not name:
        return True  # what has no name cannot be asked for
    if name == b"ad_seen":
        return True
    if name == b"ad_optout" and category_of(name) not in allowed(granted):
        return content.strip(b'" \t') == b"1"
    return category_of(name) in allowed(granted)


@brisk
@given(st.lists(strategies.set_cookie_fields(NAMES), max_size=4), CHOICES)
def test_what_a_browser_keeps_is_sent_on_only_as_far_as_it_is_allowed(
    set_cookies: list[bytes], granted: frozenset[str] | None
) -> None:
    for browser in BROWSERS[:2]:
        jar = browser(clock=lambda: float(NOW))
        exchange, _ = begin(gate(), consent_cookie(granted))
        jar.receive(URL, respond(exchange, set_cookies))
        sent = jar.cookie_header(URL)
        _, fields = begin(gate(), sent or b"", consent_cookie(granted))
        for value in [value for name, value in fields if name == b"cookie"]:
            for server, parse in servers.ALL_PARSERS.items():
                for name, content in parse(value):
                    if name != b"cookies_preferences" and content and not is_nobodys(server, name, value):
                        assert is_readable(name, content, granted), (server, name, value)


@brisk
@given(st.lists(strategies.set_cookie_fields(NAMES), max_size=5), CHOICES)
def test_a_field_that_passes_leaves_octet_for_octet_and_in_order(
    set_cookies: list[bytes], granted: frozenset[str] | None
) -> None:
    exchange, _ = begin(gate(), consent_cookie(granted))
    leaving = respond(exchange, set_cookies)
    expected = []
    for (verdict, result), original in zip(exchange.outcomes, set_cookies, strict=True):
        if verdict.action is Action.PASS:
            assert result == original
        if result is not None:
            expected.append(result)
    assert leaving == expected


@brisk
@given(st.lists(strategies.cookie_fields(NAMES), min_size=1, max_size=3), CHOICES)
def test_pairs_that_stay_keep_their_order_and_spelling(cookies: list[bytes], granted: frozenset[str] | None) -> None:
    _, fields = begin(gate(), *cookies, consent_cookie(granted))
    after = [pair.raw.strip(b" \t") for name, value in fields if name == b"cookie" for pair in parse_cookie(value)]
    before = iter(
        pair.raw.strip(b" \t") for value in [*cookies, consent_cookie(granted)] for pair in parse_cookie(value)
    )
    assert all(pair in before for pair in after), "not a subsequence of what came"


@brisk
@given(
    st.sampled_from([b"sessionid", b"__Host-id"]),
    st.text("abcXYZ019-_.%!*", max_size=40).map(str.encode),
    st.sampled_from(
        [b"", b"; Path=/; Secure", b"; HttpOnly; Max-Age=99; Path=/; Secure", b";Max-Age=0", b"; foo=bar; x"]
    ),
    CHOICES,
)
def test_a_required_cookie_always_passes_whole(
    name: bytes, value: bytes, attributes: bytes, granted: frozenset[str] | None
) -> None:
    field = name + b"=" + value + attributes
    exchange, fields = begin(gate(), name + b"=" + value, consent_cookie(granted))
    assert (b"cookie", name + b"=" + value) in fields
    assert respond(exchange, [b"_fbp=1", field, b"_ga=1; Max-Age=9"]).count(field) == 1


@brisk
@given(
    st.lists(strategies.set_cookie_fields(NAMES), max_size=5),
    st.lists(strategies.cookie_fields(NAMES), max_size=2),
    CHOICES,
)
def test_enforcing_twice_is_enforcing_once(
    set_cookies: list[bytes], cookies: list[bytes], granted: frozenset[str] | None
) -> None:
    _, once = begin(gate(), *cookies, consent_cookie(granted))
    again, twice = begin(gate(), *[value for name, value in once if name == b"cookie"])
    assert twice == once
    exchange, _ = begin(gate(), *cookies, consent_cookie(granted))
    first = exchange.response(200, tuple((b"set-cookie", value) for value in set_cookies))
    again, _ = begin(gate(), *cookies, consent_cookie(granted))
    assert again.response(200, first) == first


@brisk
@given(
    st.lists(strategies.set_cookie_fields(NAMES), max_size=5),
    st.lists(strategies.cookie_fields(NAMES), max_size=2),
    st.frozensets(st.sampled_from(OPTIONAL)),
    st.sampled_from(OPTIONAL),
)
def test_granting_more_never_blocks_more(
    set_cookies: list[bytes], cookies: list[bytes], granted: frozenset[str], further: str
) -> None:
    blocked = []
    for choice in (granted, granted | {further}):
        exchange, fields = begin(gate(), *cookies, consent_cookie(choice))
        kept = [pair.raw.strip() for name, value in fields if name == b"cookie" for pair in parse_cookie(value)]
        respond(exchange, set_cookies)
        dropped = {index for index, (_, result) in enumerate(exchange.outcomes[-len(set_cookies) :]) if result is None}
        blocked.append((dropped if set_cookies else set(), set(kept)))
    # A re-issue under `renew = false` is no blocking: the visitor has the cookie.
    less, more = blocked
    assert more[1] >= {pair for pair in less[1] if not pair.startswith(b"cookies_preferences")}


@brisk
@given(strategies.set_cookie_fields(NAMES), st.frozensets(st.sampled_from(OPTIONAL)), st.sampled_from(OPTIONAL))
def test_granting_more_never_drops_more(field: bytes, granted: frozenset[str], further: str) -> None:
    left = []
    for choice in (granted, granted | {further}):
        exchange, _ = begin(gate(), consent_cookie(choice))
        left.append(bool(respond(exchange, [field])))
    assert left[0] <= left[1]


@brisk
@given(
    st.lists(strategies.set_cookie_fields(NAMES), max_size=4),
    st.lists(strategies.cookie_fields(NAMES), max_size=2),
    CHOICES,
)
def test_report_only_changes_not_one_octet(
    set_cookies: list[bytes], cookies: list[bytes], granted: frozenset[str] | None
) -> None:
    watching = gate('[enforcement]\nmode = "report-only"\n[consent]\nforward = false\n')
    sent = [value for value in (*cookies, consent_cookie(granted)) if value]
    exchange, fields = begin(watching, *sent)
    assert [value for name, value in fields if name == b"cookie"] == sent
    assert respond(exchange, set_cookies) == set_cookies


@brisk
@given(st.permutations(range(9)), strategies.set_cookie_fields(NAMES), CHOICES)
def test_the_order_of_rules_with_different_names_changes_nothing(
    order: list[int], field: bytes, granted: frozenset[str] | None
) -> None:
    import tomllib

    from gatekeeper.enforcement.gate import Gate
    from gatekeeper.policy.load import load_policy_tables
    from tests.properties.policies import POLICY

    document = tomllib.loads(POLICY)
    document["cookie"] = [document["cookie"][index] for index in order]
    shuffled = Gate(load_policy_tables(document, {}))
    outcomes = []
    for one in (gate(), shuffled):
        exchange, _ = begin(one, consent_cookie(granted))
        outcomes.append(respond(exchange, [field]))
    assert outcomes[0] == outcomes[1]


SECRET = st.text("0123456789abcdef", min_size=16, max_size=16).map(str.encode)


@brisk
@given(SECRET, st.sampled_from(NAMES), strategies.set_cookie_fields(NAMES), CHOICES)
def test_no_value_is_in_a_verdict_or_a_log_line(
    secret: bytes, name: bytes, other: bytes, granted: frozenset[str] | None
) -> None:
    exchange, _ = begin(gate(), name + b"=" + secret, consent_cookie(granted))
    respond(exchange, [name + b"=" + secret + b"; Max-Age=9", name + b"=" + secret + b"\x01", other])
    context = Context("default", "GET", HOST.decode(), PATH, 200, State.DECIDED, "gatekeeper", 1)
    for verdict in exchange.verdicts:
        line = as_line(as_object(verdict, context, time=float(NOW)))
        assert secret not in line
        assert secret.decode() not in repr(verdict)
        json.loads(line)


@given(st.binary(max_size=300))
def test_parsing_never_raises(octets: bytes) -> None:
    parse_set_cookie(octets)
    parse_cookie(octets)


COPIES = (consent_cookie(frozenset(OPTIONAL)), consent_cookie(frozenset()), b"cookies_preferences=x")


@pytest.mark.parametrize("order", list(permutations(COPIES)))
def test_copies_of_the_consent_cookie_that_differ_grant_nothing(order: tuple[bytes, ...]) -> None:
    exchange, _ = begin(gate(), b"; ".join(order))
    assert respond(exchange, [b"_ga=1", b"_fbp=1", b"_pk_id=1", b"sessionid=1"]) == [b"sessionid=1"]
