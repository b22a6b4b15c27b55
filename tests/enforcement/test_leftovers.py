"""Where leftovers lie is learned from the app's own fields, and deletions name it."""

import pytest

from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.leftovers import MAX_DELETIONS
from gatekeeper.enforcement.patience import Asked
from gatekeeper.enforcement.scopes import Learned
from tests.enforcement.test_hard_cases import GRANTED, HOST, NOW, REFUSED, RULES, begin, gate, leaving
from tests.models import browsers

GONE = b"=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
PAGE = "https://wiki.corp.example/shop/item/3"
CORP = b"Domain=corp.example"


def guessed(name: bytes = b"_ga") -> list[bytes]:
    return [
        name + GONE + where
        for where in (b"; Path=/", b"; Domain=corp.example; Path=/", b"; Domain=wiki.corp.example; Path=/")
    ]


def taught(*fields: bytes, rules: str = RULES, choice: bytes = REFUSED) -> Gate:
    """A gate that saw the app set these, on another page."""
    one = gate(rules)
    leaving(begin(one, choice, path="/elsewhere/")[0], *fields)
    return one


def sent(one: Gate, cookies: bytes = b"_ga=1", path: str = "/") -> list[bytes]:
    """The deletions that a navigation with these cookies brings."""
    return leaving(begin(one, cookies + b"; " + REFUSED, path=path)[0])


# --- learning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", [REFUSED, GRANTED, b""])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_field_teaches_where_its_cookie_lies_whether_it_passed_or_not(choice: bytes, times: int) -> None:
    one = gate()
    for _ in range(times):
        leaving(begin(one, choice)[0], b"_ga=1; Path=/shop; Max-Age=99")
    assert sent(one) == [b"_ga" + GONE + b"; Path=/shop", *guessed()]


def test_a_known_name_with_the_attributes_of_another_teaches_too() -> None:
    one = gate(RULES + '[[cookie]]\nname = "_fbp"\ncategory = "marketing"\n')
    for _ in range(3):
        leaving(begin(one, REFUSED)[0], b"_ga=1; Path=/a", b"_fbp=1; Path=/b")
    leaving(begin(one, REFUSED)[0], b"_ga=1; Path=/b")
    assert sent(one)[:2] == [b"_ga" + GONE + b"; Path=/b", b"_ga" + GONE + b"; Path=/a"]


def test_the_apps_own_deletion_teaches_where_it_is() -> None:
    one = taught(b"_ga=; Max-Age=0; Path=/shop")
    assert sent(one)[0] == b"_ga" + GONE + b"; Path=/shop"


def test_a_name_whose_rules_hold_for_some_paths_teaches_too() -> None:
    one = taught(b"_x=1; Path=/shop", rules='[[cookie]]\nname = "_x"\ncategory = "marketing"\npaths = ["/*"]\n')
    assert sent(one, b"_x=1")[0] == b"_x" + GONE + b"; Path=/shop"


def test_the_last_attribute_counts_as_in_browsers() -> None:
    one = taught(b"_ga=1; Path=/a; PATH=/b; path = /c ; Path=" + b"/x" * 600)
    assert sent(one)[0] == b"_ga" + GONE + b"; Path=/c"


@pytest.mark.parametrize(
    "field",
    [
        b"_ga=1; Path=/\xe4",
        b"_ga=1; Path=/" + b"x" * 128,
        b"_ga=1; Path=/a b",
        b"_ga=1; Domain=corp.example, x",
        b"_ga=1; Domain=..corp.example",
        b"_ga=1; Path=/a\x01",
        b"_ga=1; Domain=" + b"x." * 127 + b"example",
    ],
)
def test_what_cannot_be_written_again_teaches_nothing(field: bytes) -> None:
    assert sent(taught(field, field)) == guessed()


@pytest.mark.parametrize("domain", [b"other.example", b"a.wiki.corp.example", b"iki.corp.example", b"example"])
def test_a_domain_that_is_none_of_the_hosts_is_not_used(domain: bytes) -> None:
    left = sent(taught(b"_ga=1; Path=/shop; Domain=" + domain))
    assert left == guessed() or (domain == b"example" and left[1:] == guessed())


def test_a_domain_is_learned_as_browsers_read_it() -> None:
    one = taught(b"_ga=1; Path=/shop; Domain=.CORP.example", b"theme=1; Path=/shop; Domain=")
    assert sent(one)[0] == b"_ga" + GONE + b"; Domain=corp.example; Path=/shop"
    assert sent(one, b"theme=1")[0] == b"theme" + GONE + b"; Path=/shop"


def test_an_address_as_domain_is_the_host_alone() -> None:
    one = gate()
    leaving(begin(one, REFUSED, host=b"192.0.2.7")[0], b"_ga=1; Path=/shop; Domain=192.0.2.7")
    left = leaving(begin(one, b"_ga=1; " + REFUSED, host=b"192.0.2.7")[0])
    assert left == [b"_ga" + GONE + b"; Path=/shop", b"_ga" + GONE + b"; Path=/"]


def test_what_is_required_teaches_nothing() -> None:
    one = taught(b"sessionid=1; Path=/shop", b"cookies_preferences=none; Path=/shop", b"_ga=1; Path=/shop")
    assert [name for _, name, _ in one.scopes.entries()] == [b"_ga"]


def test_a_reload_keeps_what_was_learned() -> None:
    one = taught(b"_ga=1; Path=/shop")
    assert sent(Gate(one.policy, learned=one.learned))[0] == b"_ga" + GONE + b"; Path=/shop"


def test_each_site_learns_for_itself() -> None:
    learned = Learned()
    one, other = (Gate(gate().policy, learned=learned, site=site) for site in ("one", "other"))
    leaving(begin(one, REFUSED)[0], b"_ga=1; Path=/shop")
    assert sent(one) != guessed()
    assert sent(other) == guessed()
    assert [site for site, _ in learned.sites()] == ["one", "other"]


# --- using -----------------------------------------------------------------------------------------------------------


def test_a_rule_that_says_where_outweighs_what_was_learned() -> None:
    one = taught(b"_x=1; Path=/shop", rules='[[cookie]]\nname = "_x"\ncategory = "marketing"\npath = "/a"\n')
    assert sent(one, b"_x=1") == [b"_x" + GONE + b"; Path=/a"]


def test_what_may_have_come_with_the_request_goes_before_what_lies_elsewhere() -> None:
    one = taught(b"_ga=1; Path=/shop", b"_ga=1; Path=/shop/item", b"_ga=1; Path=/help", b"_ga=1; Path=/")
    left = [field.rpartition(b"Path=")[2] for field in sent(one, path="/shop/item/3")]
    assert left == [b"/", b"/shop/item", b"/shop", b"/help", b"/", b"/"]


def test_an_unlisted_cookie_is_expired_where_it_was_set_but_for_parent_domains() -> None:
    one = taught(b"SSO=1; Path=/a; " + CORP, b"SSO=1; Path=/b", b"SSO=1; Path=/c; Domain=wiki.corp.example")
    assert sent(one, b"SSO=1") == [
        b"SSO" + GONE + b"; Domain=wiki.corp.example; Path=/c",
        b"SSO" + GONE + b"; Path=/b",
        b"SSO" + GONE + b"; Path=/",
        b"SSO" + GONE + b"; Domain=wiki.corp.example; Path=/",
    ]


def test_a_partitioned_cookie_is_expired_as_one_of_a_frame_may_be() -> None:
    one = taught(b"_ga=1; Path=/; Secure; SameSite=None; Partitioned")
    assert sent(one)[0] == b"_ga" + GONE + b"; Path=/; Secure; SameSite=None; Partitioned"


def test_a_deletion_is_secure_only_where_every_field_was() -> None:
    one = taught(b"_ga=1; Path=/a; Secure")
    assert sent(one)[0] == b"_ga" + GONE + b"; Path=/a; Secure"
    leaving(begin(one, REFUSED)[0], b"_ga=1; Path=/a")
    leaving(begin(one, REFUSED)[0], b"_ga=1; Path=/a; Secure; x")
    assert sent(one)[0] == b"_ga" + GONE + b"; Path=/a"


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("/", [b"; Path=/"]),
        ("/shop", [b"; Path=/", b"; Path=/shop"]),
        ("/shop/", [b"", b"; Path=/"]),
        ("/shop/item", [b"", b"; Path=/shop/item", b"; Path=/"]),
        ("/a/b/c/d", [b"", b"; Path=/a/b/c/d", b"; Path=/a/b", b"; Path=/a", b"; Path=/"]),
        (
            "/1/2/3/4/5/6/7/8",
            [
                b"",
                *(
                    b"; Path=/" + folder
                    for folder in (b"1/2/3/4/5/6/7/8", b"1/2/3/4/5/6", b"1/2/3/4/5", b"1/2/3/4", b"")
                ),
            ],
        ),
        ("/bücher/a;b c", [b"", b"; Path=/b%C3%BCcher/a%3Bb%20c", b"; Path=/"]),
        ("/" + "x" * 300 + "/y", [b"", b"; Path=/"]),
        ("*", [b"", b"; Path=/"]),
        ("/a\udcff/b", [b"", b"; Path=/a%3F/b", b"; Path=/"]),
    ],
)
def test_a_cookie_set_without_path_is_looked_for_in_the_folders_of_the_page(path: str, folders: list[bytes]) -> None:
    left = [field.removeprefix(b"_ga" + GONE) for field in sent(taught(b"_ga=1"), path=path)]
    assert left[: len(folders)] == folders
    assert len(left) <= 10


def test_places_that_do_not_fit_have_their_turn_on_another_navigation() -> None:
    many = [b"_ga=1; Path=/%d/%d" % (depth, depth) for depth in range(8)]
    rules = RULES + '[[cookie]]\nname = "b*"\ncategory = "marketing"\n'
    one = taught(*many, *(field.replace(b"_ga", b"b%d" % number) for field in many for number in range(3)), rules=rules)
    seen = set()
    for later in range(40):
        exchange, _ = begin(one, b"_ga=1; b0=1; b1=1; b2=1; " + REFUSED)
        exchange.now = NOW + later
        left = leaving(exchange)
        assert len(left) == len(set(left)) == MAX_DELETIONS
        assert len({field.partition(b"=")[0] for field in left[:4]}) == 4
        seen |= set(left)
    assert len(seen) == 4 * (8 + 3)


def test_a_connection_goes_on_where_it_left_off_until_every_place_was_tried() -> None:
    rules = RULES + '[[cookie]]\nname = "n*"\ncategory = "marketing"\n'
    one = taught(*(b"n%d=1; Path=/%d" % (number, depth) for number in range(8) for depth in range(3)), rules=rules)
    asked: Asked = {}
    seen: list[bytes] = []
    for _ in range(5):
        left = leaving_on(one, asked, b"; ".join(b"n%d=1" % number for number in range(8)))
        # Where they were seen to be set comes before what is guessed, of all names.
        assert sorted(left, key=lambda field: field.endswith(b"Path=/")) == left
        seen += left
    assert len(seen) == len(set(seen)) == 8 * (3 + 3)
    assert one.patience._tallies[b"n7"].asked == 1


@pytest.mark.parametrize("browser", [browsers.Chromium, browsers.Firefox])
@pytest.mark.parametrize(
    "field",
    [
        b"_ga=1; Path=/shop",
        b"_ga=1; Path=/shop/item/; Secure; HttpOnly",
        b"_ga=1; Domain=.corp.example; Path=/shop",
        b"_ga=1",
        b"_ga=1; Domain=wiki.corp.example",
        b"_ga=1; Path=/; Secure; SameSite=None; Partitioned",
        b"_ga=1; Path=/shop; Secure; SameSite=None; Partitioned; Domain=corp.example",
        b"__Host-x=1; Path=/; Secure",
        b"__Secure-x=1; Path=/shop; Secure",
    ],
)
def test_one_navigation_is_enough(browser: type[browsers.Rfc6265bis], field: bytes) -> None:
    one = gate(RULES + '[[cookie]]\nname = "__*"\ncategory = "marketing"\n')
    jar = browser(clock=lambda: float(NOW))
    jar.receive(PAGE, leaving(begin(one, GRANTED, path="/shop/item/3")[0], field, b"sessionid=1; Path=/"))
    assert len(jar.cookies) == 2
    arrived = jar.cookie_header(PAGE) or b""
    jar.receive(PAGE, leaving(begin(one, arrived + b"; " + REFUSED, path="/shop/item/3")[0]))
    assert [cookie.name for cookie in jar.cookies] == [b"sessionid"]


def test_where_the_app_deletes_as_much_as_may_be_deleted_nothing_is_added() -> None:
    rules = RULES + '[[cookie]]\nname = "n*"\ncategory = "marketing"\n'
    exchange, _ = begin(gate(rules), b"_ga=1; " + REFUSED)
    left = leaving(exchange, *(b"n%d=; Max-Age=0" % number for number in range(MAX_DELETIONS)))
    assert len(left) == MAX_DELETIONS
    assert not any(field.startswith(b"_ga=") for field in left)


# --- not for ever ----------------------------------------------------------------------------------------------------


def on(one: Gate, asked: Asked | None, cookies: bytes) -> Exchange:
    """A navigation on a connection, its request."""
    exchange = Exchange(one, "GET", HOST, "/", NOW)
    exchange.request(((b"sec-fetch-mode", b"navigate"), (b"cookie", cookies + b"; " + REFUSED)), [], asked)
    return exchange


def leaving_on(one: Gate, asked: Asked | None, cookies: bytes) -> list[bytes]:
    """The deletions that it brings."""
    exchange = on(one, asked, cookies)
    deletions = leaving(exchange)
    assert exchange.fault is None
    return deletions


def visit(one: Gate, asked: Asked | None, cookies: bytes = b"_ga=1") -> tuple[int, list[bytes]]:
    """How many, and what was found not to go."""
    exchange = on(one, asked, cookies)
    return len(leaving(exchange)), [ruling.name for ruling in exchange.stubborn]


def test_one_connection_is_asked_once_for_the_same_pairs() -> None:
    one, asked = gate(), {}  # type: ignore[var-annotated]
    assert [visit(one, asked)[0] for _ in range(4)] == [3, 0, 0, 0]
    assert visit(one, asked, b"_ga=2")[0] == 3  # it went, and was set anew
    assert visit(one, asked, b"_ga=2; _ga=1")[0] == 3
    assert visit(one, asked, b"_ga=2; _ga=1")[0] == 0
    assert visit(one, {})[0] == 3


def test_what_is_in_vain_from_visitor_to_visitor_is_tried_more_and_more_seldom_and_told_once() -> None:
    one = gate()
    found, tried = [], []
    for number in range(600):
        asked: Asked = {}
        cookies = b"_ga=%d" % number
        tried.append(bool(visit(one, asked, cookies)[0]))
        found += visit(one, asked, cookies)[1]
    assert found == [b"_ga"]
    assert tried[:3] == [True] * 3
    assert 10 <= sum(tried) <= 1200 // 32 + 10
    assert any(tried[-64:])  # never given up


def test_a_cookie_that_goes_from_most_browsers_is_always_tried() -> None:
    one = gate()
    for number in range(300):
        asked: Asked = {}
        cookies = b"_ga=%d" % number
        assert visit(one, asked, cookies)[0] == 3
        if number % 3 == 0:
            assert visit(one, asked, cookies) == (0, [])


def test_it_is_tried_again_where_it_goes_again() -> None:
    one = gate()
    for number in range(10):
        asked: Asked = {}
        for _ in range(2):
            visit(one, asked, b"_ga=%d" % number)
    tried = [bool(visit(one, {}, b"_ga=x%d" % number)[0]) for number in range(2000)]
    assert not all(tried[:20])
    assert all(tried[-20:])


def test_what_was_learned_since_makes_it_worth_another_try() -> None:
    one = gate()
    for number in range(20):
        asked: Asked = {}
        for _ in range(2):
            visit(one, asked, b"_ga=%d" % number)
    assert visit(one, {})[0] == 0
    leaving(begin(one, REFUSED)[0], b"_ga=1; Path=/shop")
    assert visit(one, {})[0] == 4


def test_without_a_connection_nothing_is_found_to_be_in_vain() -> None:
    one = gate()
    assert [visit(one, None) for _ in range(50)] == [(3, [])] * 50


def test_what_a_visitor_makes_up_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from gatekeeper.enforcement import patience

    monkeypatch.setattr(patience, "_MOST_ASKED", 8)
    monkeypatch.setattr(patience, "_MOST_COUNTED", 8)
    one = gate('[enforcement]\nunlisted = "block"\n')
    asked: Asked = {}
    for number in range(60):
        assert visit(one, asked, b"n%d=1" % number)[0]
        visit(one, asked, b"n%d=1" % (number // 2))
        assert len(asked) <= 8
        assert len(one.patience._tallies) <= 8


def test_a_count_that_was_forgotten_meanwhile_is_no_fault() -> None:
    one, asked = gate(), {}  # type: ignore[var-annotated]
    visit(one, asked)
    one.patience._tallies.clear()
    assert visit(one, asked) == (0, [])


def test_what_the_response_had_no_room_for_was_not_asked() -> None:
    one, asked = gate(RULES + '[[cookie]]\nname = "n*"\ncategory = "marketing"\n'), {}  # type: ignore[var-annotated]
    visit(one, asked, b"; ".join(b"n%d=1" % number for number in range(30)))
    assert len(asked) == MAX_DELETIONS


def test_a_connection_keeps_no_pairs() -> None:
    asked: Asked = {}
    visit(gate(), asked, b"_ga=GA1.2.secret")
    assert list(asked) == [b"_ga"]
    assert "secret" not in repr(asked)
