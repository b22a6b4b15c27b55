"""What a caller may rely on: nothing that did not change is made anew, and which fields the gate has to be shown."""

import tomllib

import pytest

from gatekeeper.enforcement.caches import make_private
from gatekeeper.enforcement.exchange import Exchange, watches_request, watches_response
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.wire.fields import FieldList

NOW = 1763900000
RULES = """
[[cookie]]
name = "sessionid"
category = "necessary"
[[cookie]]
name = "_ga*"
category = "analytics"
[[cookie]]
name = "capped"
category = "necessary"
max_age = "1d"
"""
REFUSED, GRANTED = b"cookies_preferences=none", b"cookies_preferences=all"
OTHERS: FieldList = ((b"Accept", b"text/html"), (b"Sec-Fetch-Mode", b"cors"))


def gate(extra: str = "") -> Gate:
    return Gate(load_policy_tables(tomllib.loads(extra + RULES), {}))


def begin(the_gate: Gate, choice: bytes = REFUSED) -> Exchange:
    exchange = Exchange(the_gate, "GET", b"www.example.org", "/", NOW)
    exchange.request(((b"cookie", choice),))
    return exchange


def ask(the_gate: Gate, fields: FieldList) -> FieldList:
    return Exchange(the_gate, "GET", b"www.example.org", "/", NOW).request(fields)


# --- the request -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cookies",
    [
        [],
        [b"sessionid=1; " + REFUSED],
        [b"sessionid=1;" + REFUSED],
        [b'sessionid="1, 2"; ' + REFUSED],
        [b"sessionid=1", REFUSED],
    ],
)
def test_a_request_of_which_all_goes_on_is_the_very_same_object(cookies: list[bytes]) -> None:
    one = gate()
    fields = OTHERS + tuple((b"Cookie", value) for value in cookies)
    for _ in range(3):
        assert ask(one, fields) is fields


@pytest.mark.parametrize("cookies", [[b"sessionid=1; _ga=2; " + REFUSED], [b"_ga=1; sessionid=1", REFUSED, b"_ga=3"]])
def test_a_stripped_cookie_field_stays_in_its_place_and_the_others_are_the_very_same_objects(
    cookies: list[bytes],
) -> None:
    one = gate()
    asked = (OTHERS[0], *((b"Cookie", value) for value in cookies), OTHERS[1])
    for _ in range(3):
        left = ask(one, asked)
        assert left[0] is asked[0]
        assert left[-1] is asked[-1]
        assert (b"Cookie", REFUSED) in left or (b"Cookie", b"sessionid=1; " + REFUSED) in left
        assert [field for field in left if field in asked] == [
            field for field in asked if any(f is field for f in left)
        ]
        assert not any(b"_ga" in value for _, value in left)


def test_a_cookie_field_of_which_nothing_is_left_goes() -> None:
    one = gate()
    for _ in range(3):
        assert ask(one, (OTHERS[0], (b"cookie", b"_ga=1; _ga_X=2"), OTHERS[1])) == OTHERS


# --- the response ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ((b"cache-control", b"public"),),
        ((b"Set-Cookie", b"sessionid=1; Path=/"), (b"SET-COOKIE", b"capped=1; Max-Age=5"), (b"vary", b"*")),
        ((b"set-cookie", b"_ga=1"), (b"cache-control", b"max-age=0, private"), (b"x-accel-expires", b"0")),
    ],
)
def test_a_response_of_which_all_leaves_is_the_very_same_object(fields: FieldList) -> None:
    one = gate()
    for _ in range(3):
        assert begin(one, GRANTED).response(200, fields) is fields


def test_what_passes_is_the_very_same_object_what_is_rewritten_stands_in_its_place_and_what_is_new_at_the_end() -> None:
    one = gate()
    fields: FieldList = (
        (b"Set-Cookie", b"_ga=1; Path=/"),
        (b"Set-Cookie", b"capped=1; Max-Age=999999"),
        (b"Vary", b"Cookie"),
        (b"Set-Cookie", b"sessionid=1; Path=/"),
        (b"set-cookie2", b"sessionid=1"),
        (b"Cache-Control", b"public"),
    )
    for _ in range(3):
        exchange = Exchange(one, "GET", b"example.org", "/", NOW)
        exchange.request(((b"cookie", b"_ga_X=1; " + REFUSED), (b"sec-fetch-mode", b"navigate")))
        left = exchange.response(200, fields)
        capped = (b"Set-Cookie", b"capped=1; Max-Age=86400; Expires=Mon, 24 Nov 2025 12:13:20 GMT")
        assert left[0] == capped
        assert left[1] is fields[2]
        assert left[2] is fields[3]
        assert left[3] == (b"Cache-Control", b"public, private")
        assert [value.partition(b"=")[0] for _, value in left[4:]] == [b"_ga_X", b"_ga_X"]


def test_after_a_fault_what_stays_is_the_very_same_object() -> None:
    exchange = begin(gate())
    exchange.fault = ValueError()
    fields: FieldList = ((b"vary", b"*"), (b"set-cookie", b"_ga=1"), (b"set-cookie", b"sessionid=1"))
    left = exchange.response(200, fields)
    assert left == (fields[0], fields[2])
    assert left[0] is fields[0]
    assert left[1] is fields[2]


# --- which fields the gate has to be shown ---------------------------------------------------------------------------

SHOWN = (
    b"set-cookie", b"set-cookie2", b"cache-control", b"cdn-cache-control", b"cloudflare-cdn-cache-control",
    b"x-litespeed-cache-control", b"surrogate-control", b"edge-control", b"akamai-edge-control", b"x-accel-expires",
)  # fmt: skip
NOT_SHOWN = (b"expires", b"date", b"content-type", b"access-control", b"vary", b"cookie", b"x-set-cookie", b"")


@pytest.mark.parametrize("name", SHOWN)
def test_what_the_gate_may_change_in_a_response_it_watches(name: bytes) -> None:
    assert watches_response(name)


@pytest.mark.parametrize("name", NOT_SHOWN)
def test_a_field_that_is_not_watched_changes_nothing_and_is_not_changed(name: bytes) -> None:
    assert not watches_response(name)
    field = (name, b"public, max-age=60")
    assert make_private((field,)) == (field, (b"cache-control", b"private"))


@pytest.mark.parametrize("name", SHOWN[2:])
def test_every_field_that_caches_read_is_made_private(name: bytes) -> None:
    assert make_private(((name, b"public"),))[0] != (name, b"public")


def test_the_gate_sees_no_more_of_a_whole_request_than_of_its_watched_fields() -> None:
    one = gate("[consent]\ndnt = true\n")
    whole: FieldList = (
        (b"Host", b"x.example"),
        (b"COOKIE", b"_ga=1; sessionid=2"),
        (b"dnt", b"1"),
        (b"Sec-GPC", b"1"),
        (b"Accept", b"text/html"),
        (b"sec-fetch-mode", b"navigate"),
        (b"referer", b"/"),
    )
    watched = tuple(field for field in whole if watches_request(field[0].lower()))
    assert [name for name, _ in watched] == [b"COOKIE", b"dnt", b"Sec-GPC", b"Accept", b"sec-fetch-mode"]
    exchanges = [Exchange(one, "GET", b"x.example", "/", NOW) for _ in range(2)]
    left = [exchange.request(fields) for exchange, fields in zip(exchanges, (whole, watched), strict=True)]
    assert [field for field in left[0] if watches_request(field[0].lower())] == list(left[1])
    assert exchanges[0].choice is exchanges[1].choice
    answers = [exchange.response(200, ((b"set-cookie", b"_ga=1"),)) for exchange in exchanges]
    assert answers[0] == answers[1]
