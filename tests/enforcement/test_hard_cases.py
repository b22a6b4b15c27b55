"""Cases in which the gate once let a cookie past, or broke an app, or could have."""

import tomllib

import pytest

from gatekeeper.enforcement import exchange as exchange_module
from gatekeeper.enforcement.exchange import MAX_COOKIE_OCTETS, MAX_PAIRS, Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.schema import PolicyError
from gatekeeper.policy.verdict import Reason
from gatekeeper.wire.fields import FieldList
from tests.models import browsers, servers

NOW = int(browsers.TODAY)
HOST = b"wiki.corp.example"
REFUSED = b"cookies_preferences=none"
GRANTED = b"cookies_preferences=all"
RULES = """
[[cookie]]
name = "sessionid"
category = "necessary"
[[cookie]]
name = "_ga"
category = "analytics"
[[cookie]]
name = "theme"
category = "functional"
"""


def gate(toml: str = RULES) -> Gate:
    return Gate(load_policy_tables(tomllib.loads(toml), {}))


def begin(the_gate: Gate, *cookies: bytes, host: bytes = HOST, path: str = "/") -> tuple[Exchange, list[bytes]]:
    exchange = Exchange(the_gate, method="GET", host=host, path=path, now=NOW)
    fields: FieldList = ((b"host", host), (b"sec-fetch-mode", b"navigate"))
    fields = exchange.request(fields + tuple((b"cookie", value) for value in cookies))
    return exchange, [value for name, value in fields if name == b"cookie"]


def leaving(exchange: Exchange, *set_cookies: bytes, extra: FieldList = ()) -> list[bytes]:
    fields = exchange.response(200, extra + tuple((b"set-cookie", value) for value in set_cookies))
    return [value for name, value in fields if name == b"set-cookie"]


def cache_control(exchange: Exchange, extra: FieldList, *set_cookies: bytes) -> dict[bytes, bytes]:
    return dict(exchange.response(200, extra + tuple((b"set-cookie", value) for value in set_cookies)))


# --- the app never breaks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", [REFUSED, b""])
def test_an_unlisted_cookie_is_expired_on_the_host_alone_where_it_may_be_a_siblings_sign_on(choice: bytes) -> None:
    jar = browsers.Chromium(clock=lambda: float(NOW))
    jar.receive("https://login.corp.example/", b"CORP_SSO=1; Domain=corp.example; Path=/")
    exchange, seen = begin(gate(), b"CORP_SSO=1; " + choice)
    assert all(b"CORP_SSO" not in value for value in seen)
    jar.receive("https://wiki.corp.example/", leaving(exchange))
    assert jar.cookie_header("https://login.corp.example/") == b"CORP_SSO=1"


def test_a_refused_cookie_is_expired_on_parent_domains_too() -> None:
    jar = browsers.Chromium(clock=lambda: float(NOW))
    jar.receive("https://wiki.corp.example/", b"_ga=1; Domain=corp.example; Path=/")
    exchange, _ = begin(gate(), b"_ga=1; " + REFUSED)
    jar.receive("https://wiki.corp.example/", leaving(exchange))
    assert jar.cookies == []


@pytest.mark.parametrize(
    "host", [b"a;max-age=99;domain=;b.test", b"x,y.test", b"a b.test", b"\xe4.test", b"a..test", b".test"]
)
def test_a_host_that_is_none_writes_no_attributes(host: bytes) -> None:
    exchange, _ = begin(gate(), b"_ga=1; " + REFUSED, host=host)
    assert leaving(exchange) == [b"_ga=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"]


def test_a_deletion_of_an_unlisted_cookie_is_not_left_to_caches() -> None:
    exchange, _ = begin(gate(), b"CORP_SSO=1")
    assert cache_control(exchange, ((b"cache-control", b"public, max-age=60"),))[b"cache-control"].endswith(b"private")


@pytest.mark.parametrize(
    "value",
    [
        rb'"[[\"__json_message\"\0540\05425\054\"The page <a href=\"/x/\">X</a> was changed.\"]]:1abc"',
        b"AAEC c2VjcmV0==",
        b"abc,ZGVm==",
        b"aHR0cDovL2EuYg== aHR0cDovL2IuYw==",
        b'{"q":"a=b","url":"/x?y=1, z=2"}',
        b'"a b=="',
        b"theme=dark, lang=en",
    ],
)
def test_a_required_cookie_stays_whatever_looks_like_a_name_inside_it(value: bytes) -> None:
    pair = b"sessionid=" + value
    assert begin(gate(), pair + b"; " + REFUSED)[1] == [pair + b"; " + REFUSED] or b"theme=" in value


@pytest.mark.parametrize("value", [b"1 _ga=2", b"1, _ga=2", b'"x"_ga=2', b'1"_ga=2'])
def test_a_required_cookie_goes_where_a_refused_one_hides_in_it(value: bytes) -> None:
    exchange, seen = begin(gate(), b"sessionid=" + value + b"; " + REFUSED)
    assert seen == [REFUSED]
    assert [(verdict.cookie, verdict.reason) for verdict in exchange.verdicts] == [(b"sessionid", Reason.AMBIGUOUS)]


@pytest.mark.parametrize(
    "deletion",
    [
        b"sess=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 -0000",
        b"sess=x; Path=/; Expires=Thu Jan 01 1970 00:00:00 GMT+0000 (UTC)",
        b"sess=x; Path=/; Expires=Thu,01 Jan 1970 00:00:00 GMT",
        b"sess=x; Path=/; Expires=1 January 1970 1:00:00",
        b"sess=x; Path=/; Max-Age=+0",
        b"sess=x; Path=/; Max-Age=0",
    ],
)
@pytest.mark.parametrize("setting", ["renew = false", 'max_age = "1d"'])
def test_a_sign_out_works_under_a_cap_and_without_renewal(deletion: bytes, setting: str) -> None:
    policy = f'[[cookie]]\nname = "sess"\ncategory = "necessary"\n{setting}\n'
    for browser in (browsers.Chromium, browsers.Firefox):
        jar = browser(clock=lambda: float(NOW))
        jar.receive("https://wiki.corp.example/", b"sess=1; Path=/")
        exchange, _ = begin(gate(policy), b"sess=1")
        jar.receive("https://wiki.corp.example/", leaving(exchange, deletion))
        assert jar.cookies == []


def test_an_emptied_cookie_is_no_renewal() -> None:
    policy = '[[cookie]]\nname = "sess"\ncategory = "necessary"\nrenew = false\n'
    exchange, _ = begin(gate(policy), b"sess=1")
    assert leaving(exchange, b"sess=; Path=/") == [b"sess=; Path=/"]


# --- no cookie past a refusal ----------------------------------------------------------------------------------------


def test_what_one_visitor_sends_does_not_change_what_another_gets() -> None:
    rules = '[[cookie]]\nname = "*_session"\ncategory = "necessary"\n[[cookie]]\nname = "_ga"\ncategory = "analytics"\n'
    shared = gate(rules)
    begin(shared, b"UID12345%3B_session=1; _ga%3B_session=1; a%3D_session=1; =")
    exchange, _ = begin(shared)
    assert leaving(exchange, b"UID12345;_session=1", b"_ga;_session=1") == []


def test_a_nameless_pair_is_never_known_by_heart() -> None:
    shared = gate('[enforcement]\nunlisted = "allow"\n' + RULES)
    begin(shared, b"=")
    begin(shared, b"=x")
    assert begin(shared, b"=_ga=1; " + REFUSED)[1] == [REFUSED]


def test_a_cap_holds_whatever_date_the_app_gives_the_response() -> None:
    policy = '[[cookie]]\nname = "sess"\ncategory = "necessary"\nmax_age = "30d"\n'
    exchange, _ = begin(gate(policy))
    (left,) = leaving(exchange, b"sess=1; Expires=Sat, 21 Nov 2026 00:00:00 GMT; Path=/")
    # Chromium counts Expires from the Date field; Max-Age outweighs it.
    assert left.startswith(b"sess=1; Max-Age=86400; Expires=")


@pytest.mark.parametrize(
    ("pair", "server"), [(b"cart[1]=_ga=1", "aspnet_core"), (b"cart = _ga=1", "aspnet_core"), (b"cart%00=1", "php")]
)
def test_a_name_with_an_odd_octet_opens_no_way_for_a_refused_one(pair: bytes, server: str) -> None:
    rules = RULES + '[[cookie]]\nname = "cart*"\ncategory = "necessary"\n'
    seen = begin(gate(rules), pair + b"; " + REFUSED)[1]
    assert b"_ga" not in {name for value in seen for name, _ in servers.ALL_PARSERS[server](value)}


@pytest.mark.parametrize("name", [b"_ga%00_session", b"%u005fga_session"])
def test_names_that_decode_to_a_refused_one_are_that_one(name: bytes) -> None:
    rules = (
        '[[cookie]]\nname = "*_session"\ncategory = "necessary"\n[[cookie]]\nname = "_ga*"\ncategory = "marketing"\n'
    )
    assert begin(gate(rules), name + b"=1; " + REFUSED)[1] == [REFUSED]


@pytest.mark.parametrize(
    "field",
    [
        (b"cache-control", b'public, max-age=600, ext="x, private, y"'),
        (b"cache-control", b'public, private="a,private,b"'),
        (b"surrogate-control", b"max-age=60"),
        (b"cloudflare-cdn-cache-control", b"max-age=60"),
        (b"x-litespeed-cache-control", b"public,max-age=60"),
        (b"edge-control", b"max-age=60"),
    ],
)
def test_a_response_that_depends_on_a_choice_is_private_to_every_cache(field: tuple[bytes, bytes]) -> None:
    exchange, _ = begin(gate(), GRANTED)
    assert cache_control(exchange, (field,), b"_ga=1")[field[0]] == field[1] + b", private"


def test_the_cache_of_an_nginx_in_front_is_told_too() -> None:
    exchange, _ = begin(gate(), GRANTED)
    assert cache_control(exchange, ((b"x-accel-expires", b"600"),), b"_ga=1")[b"x-accel-expires"] == b"0"


def test_fields_that_only_look_like_cache_fields_stay() -> None:
    exchange, _ = begin(gate(), GRANTED)
    left = cache_control(exchange, ((b"x-dns-prefetch-control", b"off"), (b"expires", b"0")), b"_ga=1")
    assert (left[b"x-dns-prefetch-control"], left[b"expires"]) == (b"off", b"0")


# --- faults ----------------------------------------------------------------------------------------------------------


def boom(*_: object, **__: object) -> None:
    raise RuntimeError("a fault in the gate")


def test_a_fault_lets_no_cookie_by_that_another_rule_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = (
        '[[cookie]]\nname = "x"\ncategory = "necessary"\n'
        '[[cookie]]\nname = "x"\ncategory = "marketing"\nhosts = ["wiki.corp.example"]\n'
    )
    monkeypatch.setattr(exchange_module, "judge", boom)
    exchange, _ = begin(gate(rules + RULES), REFUSED)
    assert leaving(exchange, b"x=1", b"sessionid=1") == [b"sessionid=1"]


def test_after_a_fault_in_reading_the_choice_no_objection_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = (
        '[[category]]\nid = "necessary"\nbasis = "required"\n[[category]]\nid = "audience"\nbasis = "opt-out"\n'
        '[[cookie]]\nname = "_pk"\ncategory = "audience"\n[[cookie]]\nname = "sessionid"\ncategory = "necessary"\n'
    )
    one = gate(rules)
    monkeypatch.setattr(one, "reading_of", boom)
    exchange, seen = begin(one, b"_pk=1; sessionid=2; " + REFUSED)
    assert seen == [b"sessionid=2; " + REFUSED]
    assert leaving(exchange, b"_pk=1", b"sessionid=1") == [b"sessionid=1"]


def test_after_a_fault_a_choice_that_leaves_stays_out_of_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "judge", boom)
    exchange, _ = begin(gate())
    left = exchange.response(200, ((b"cache-control", b"public"), (b"set-cookie", b"cookies_preferences=all")))
    assert (b"cache-control", b"private") in left


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cookies",
    [
        b"; ".join(b"n%d=1" % number for number in range(MAX_PAIRS + 5)) + b"; sessionid=1",
        b"big=" + b"x" * MAX_COOKIE_OCTETS + b"; sessionid=1",
    ],
)
def test_of_more_cookies_than_any_browser_sends_only_the_required_go_on(cookies: bytes) -> None:
    one = gate()
    exchange, seen = begin(one, cookies)
    assert seen == [b"sessionid=1"]
    assert [(verdict.cookie, verdict.reason) for verdict in exchange.verdicts] == [(b"", Reason.MALFORMED)]
    assert leaving(exchange, b"_ga=1", b"sessionid=2") == [b"sessionid=2"]


@pytest.mark.parametrize("setting", ["", "strip_requests = false", 'mode = "report-only"'])
def test_who_sends_more_cookies_than_any_browser_may_have_refused_what_needs_no_consent(setting: str) -> None:
    opt_out = '[[category]]\nid = "a"\nbasis = "opt-out"\n[[cookie]]\nname = "_ga"\ncategory = "a"\n'
    many = b"; ".join(b"n%d=1" % number for number in range(MAX_PAIRS + 5))
    exchange, _ = begin(gate(f"[enforcement]\n{setting}\n" + opt_out), many + b"; " + REFUSED)
    leaving(exchange, b"_ga=1")
    assert exchange.verdicts[-1].reason is Reason.REFUSED


def test_six_hundred_cookies_are_judged_one_by_one() -> None:
    cookies = b"; ".join(b"n%d=1" % number for number in range(MAX_PAIRS - 1)) + b"; sessionid=1"
    exchange, seen = begin(gate(), cookies)
    assert seen == [b"sessionid=1"]
    assert len(exchange.verdicts) == MAX_PAIRS - 1


def test_memory_is_bounded_whatever_visitors_and_upstreams_make_up() -> None:
    categories = "".join(f'[[category]]\nid = "c{number}"\n' for number in range(8))
    one = gate(
        '[[category]]\nid = "necessary"\nbasis = "required"\n'
        + categories
        + '[[cookie]]\nname = "s"\ncategory = "necessary"\n'
    )
    for number in range(256):
        granted = ",".join(f"c{bit}" for bit in range(8) if number >> bit & 1) or "none"
        exchange, _ = begin(one, b"cookies_preferences=" + granted.encode() + b"; x%d=1" % number)
        leaving(exchange, b"y%d=1; Path=/%d" % (number, number))
    assert len(one._decisions) <= 64
    assert len({id(reading.decisions) for reading in one._readings.values()}) <= 64


def test_tables_of_names_are_emptied_before_they_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from gatekeeper.enforcement import decisions
    from gatekeeper.enforcement import gate as gate_module

    monkeypatch.setattr(decisions, "_REMEMBERED", 8)
    monkeypatch.setattr(gate_module, "_REMEMBERED", 8)
    monkeypatch.setattr(gate_module, "_HOSTS", 8)
    one = gate('[enforcement]\nunlisted = "allow"\n' + RULES)
    for number in range(40):
        host = b"h%d.example" % number
        exchange, seen = begin(one, b"n%d=1; cookies_preferences=x%d" % (number, number), host=host)
        assert exchange.host == host.decode()
        assert seen == [b"n%d=1; cookies_preferences=x%d" % (number, number)]
        fields = [b"m%d=1; Path=/" % number, b"same=1; Path=/%d" % number]
        assert leaving(exchange, *fields) == fields
    (only,) = one._decisions.values()
    assert max(len(only.remembered), len(only.sent_as_is), len(one._readings)) <= 8
    assert sum(len(ruling.lives) for ruling in only.remembered.values()) <= 8
    assert len(one.hosts) <= 8


# --- rules that could never match ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["shop.example.org:8443", "https://shop.example.org", ".example.org", " x ", "a b", ""]
)
def test_a_host_that_no_request_can_have_is_a_problem(host: str) -> None:
    with pytest.raises(PolicyError, match=r"cookie\[0\]\.hosts"):
        gate(f'[[cookie]]\nname = "x"\ncategory = "marketing"\nhosts = ["{host}"]\n')


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("SHOP.example.org.", b"shop.example.org"),
        ("shop.example.org", b"Shop.Example.org.:8443"),
        ("bücher.example", b"xn--bcher-kva.example"),
        ("[::1]", b"[::1]:8080"),
        ("*.example.org", b"a.b.example.org"),
    ],
)
def test_a_host_is_compared_as_browsers_ask_for_it(host: str, asked: bytes) -> None:
    rules = f'[[cookie]]\nname = "s"\ncategory = "necessary"\nhosts = ["{host}"]\n'
    assert leaving(begin(gate(rules), host=asked)[0], b"s=1") == [b"s=1"]
    assert leaving(begin(gate(rules), host=b"other.example")[0], b"s=1") == []


@pytest.mark.parametrize("path", ["admin", "/a?x=1", "/a#b"])
def test_a_path_that_no_request_can_have_is_a_problem(path: str) -> None:
    with pytest.raises(PolicyError, match=r"cookie\[0\]\.paths"):
        gate(f'[[cookie]]\nname = "x"\ncategory = "marketing"\npaths = ["{path}"]\n')


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [("/shop", "/shop;jsessionid=1"), ("/shop", "/shop/a;b/c"), ("/caf%C3%A9", "/café"), ("/s*p", "/shop")],
)
def test_a_path_is_compared_without_parameters_and_decoded(pattern: str, asked: str) -> None:
    rules = f'[[cookie]]\nname = "s"\ncategory = "necessary"\npaths = ["{pattern}"]\n'
    assert leaving(begin(gate(rules), path=asked)[0], b"s=1") == [b"s=1"]


@pytest.mark.parametrize("domain", ["https://example.org", "a b, c", "example.org:80"])
def test_a_domain_that_no_browser_takes_is_a_problem(domain: str) -> None:
    with pytest.raises(PolicyError, match=r"cookie\[0\]\.domain"):
        gate(f'[[cookie]]\nname = "x"\ncategory = "marketing"\ndomain = "{domain}"\n')


@pytest.mark.parametrize("setting", ['mode = "report-only"', "strip_requests = false"])
def test_where_requests_are_not_touched_even_too_many_cookies_go_on(setting: str) -> None:
    cookies = b"; ".join(b"n%d=1" % number for number in range(MAX_PAIRS + 5))
    exchange, seen = begin(gate(f"[enforcement]\n{setting}\n" + RULES), cookies)
    assert seen == [cookies]
    assert exchange.verdicts == ()


# --- rules for some hosts --------------------------------------------------------------------------------------------

NARROW = '[[cookie]]\nname = "_x"\ncategory = "marketing"\nhosts = ["wiki.corp.example"]\n'


def test_a_cookie_that_another_host_of_the_site_may_have_is_not_expired() -> None:
    exchange, seen = begin(gate('[enforcement]\nunlisted = "allow"\n' + NARROW), b"_x=1")
    assert (seen, leaving(exchange)) == ([], [])


def test_a_name_with_rules_for_some_hosts_is_judged_on_each() -> None:
    one = gate(NARROW + '[[cookie]]\nname = "_x"\ncategory = "necessary"\n')
    for _ in range(2):
        assert begin(one, b"_x=1", host=b"other.example")[1] == [b"_x=1"]
        assert begin(one, b"_x=1; " + REFUSED)[1] == [REFUSED]


def test_attributes_of_any_length_are_judged_and_long_ones_not_remembered() -> None:
    one = gate()
    field = b"_ga=1; Path=/" + b"x" * 600 + b"; Max-Age=99"
    for choice, left in ((REFUSED, []), (GRANTED, [field])):
        for _ in range(2):
            assert leaving(begin(one, choice)[0], field) == left
    kept = [ruling.lives for only in one._decisions.values() for ruling in only.remembered.values()]
    assert kept
    assert not any(kept)


def test_a_long_host_is_read_like_any_other_and_not_remembered() -> None:
    one = gate()
    for _ in range(2):
        assert begin(one, host=b"X" * 300 + b":80")[0].host == "x" * 300
    assert not one.hosts


def test_what_a_long_field_tells_caches_is_read_too() -> None:
    exchange, _ = begin(gate(), GRANTED)
    control = ((b"cache-control", b"x=" + b"y" * 300 + b", private"),)
    assert exchange.response(200, (*control, (b"set-cookie", b"_ga=1")))[:1] == control


# --- what is told ----------------------------------------------------------------------------------------------------


def test_passes_of_the_request_are_told_on_demand() -> None:
    one = Gate(load_policy_tables(tomllib.loads(RULES), {}), record_passes=True)
    exchange, _ = begin(one, b"sessionid=1; _ga=2; " + REFUSED)
    told = [(verdict.cookie, verdict.action.value) for verdict in exchange.verdicts]
    assert told == [(b"sessionid", "pass"), (b"_ga", "drop"), (b"cookies_preferences", "pass")]


@pytest.mark.parametrize(
    ("mode", "left"), [("enforce", [b"x-digest"]), ("report-only", [b"Set-Cookie", b"x-digest", b"cookie"])]
)
def test_trailers_hold_no_cookie(mode: str, left: list[bytes]) -> None:
    exchange, _ = begin(gate(f'[enforcement]\nmode = "{mode}"\n' + RULES))
    fields = exchange.trailers(((b"Set-Cookie", b"_ga=1"), (b"x-digest", b"1"), (b"cookie", b"_ga=1")))
    assert [name for name, _ in fields] == left


# --- deletions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        (b"__Http-x", b"; Secure; HttpOnly"),
        (b"__Host-Http-x", b"; Path=/; Secure; HttpOnly"),
        (b"__Host-x", b"; Path=/; Secure"),
        (b"__Secure-x", b"; Secure"),
    ],
)
def test_a_deletion_keeps_what_the_prefix_of_the_name_asks_for(name: bytes, attributes: bytes) -> None:
    exchange, _ = begin(gate(), REFUSED)
    (left,) = leaving(exchange, name + b"=1; Max-Age=0; Secure")
    assert left == name + b"=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + attributes


def test_leftovers_with_a_declared_and_with_an_unknown_scope_go_side_by_side() -> None:
    rules = RULES + '[[cookie]]\nname = "_shop"\ncategory = "marketing"\ndomain = "corp.example"\npath = "/shop"\n'
    exchange, _ = begin(gate(rules), b"_shop=1; _ga=1; " + REFUSED)
    gone = b"=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    assert leaving(exchange) == [
        b"_shop" + gone + b"; Domain=corp.example; Path=/shop",
        b"_ga" + gone + b"; Path=/",
        b"_ga" + gone + b"; Domain=corp.example; Path=/",
        b"_ga" + gone + b"; Domain=wiki.corp.example; Path=/",
    ]


def test_a_name_in_a_value_behind_a_name_that_is_no_token_is_looked_at_every_time() -> None:
    one = gate(RULES + '[[cookie]]\nname = "theme*"\ncategory = "functional"\n')
    choice = b"cookies_preferences=functional"
    smuggling = b"theme[x]=_ga=1; " + choice
    assert begin(one, smuggling)[1] == [choice]
    assert begin(one, b"theme[x]=1; " + choice)[1] == [b"theme[x]=1; " + choice]
    assert begin(one, smuggling)[1] == [choice]


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"_ga=\x01", Reason.MALFORMED),
        (b"_ga=" + b"x" * 4094, Reason.MALFORMED),
        (b"_ga=1; Path=/\x01", Reason.MALFORMED),
        (b"_ga=\xa0", Reason.REFUSED),
        (b"_ga=", Reason.REFUSED),
    ],
)
def test_an_odd_field_of_a_known_name_is_looked_at_each_time(field: bytes, reason: Reason) -> None:
    one = gate()
    for _ in range(3):
        exchange, _ = begin(one, REFUSED)
        assert leaving(exchange, b"_ga=1", field, b"_ga=1") == []
        assert [verdict.reason for verdict in exchange.verdicts] == [Reason.REFUSED, reason, Reason.REFUSED]


@pytest.mark.parametrize("cookies", [b"kept=1; sessionid=2", b'kept="1"; sessionid=2', b"kept=1;sessionid=2"])
def test_a_cookie_that_came_is_not_renewed_however_its_field_is_written(cookies: bytes) -> None:
    one = gate('[[cookie]]\nname = "kept"\ncategory = "necessary"\nrenew = false\n' + RULES)
    for _ in range(2):
        exchange, seen = begin(one, cookies)
        assert seen == [cookies]
        assert leaving(exchange, b"kept=2", b"sessionid=3") == [b"sessionid=3"]
        assert leaving(begin(one, b"sessionid=2")[0], b"kept=2") == [b"kept=2"]
