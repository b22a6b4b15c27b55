"""A PHP site on ``php -S`` behind ``gatekeeper run``."""

import json
from collections.abc import Callable

import pytest

from tests.end_to_end.servers import Server, wait_for_event
from tests.end_to_end.visitor import FETCH, SITE, State, Visitor

TRACE = "do-not-log"  # in the value of every tracker
TRACKERS = {"_ga", "_gid", "FPID", "prefs[lang]", "prefs[theme]"}
UNLISTED = "adpartner_uid"
LEFTOVERS = {
    "_ga": f"_ga=GA1.1.{TRACE}; Path=/; Max-Age=63072000",
    "_gid": f"_gid=GA1.1.{TRACE}; Domain=site.test; Path=/; Max-Age=86400",
    "FPID": f"FPID={TRACE}; Path=/; HttpOnly; Max-Age=63072000",
    "prefs[lang]": "prefs[lang]=de; Path=/; Max-Age=63072000",
    "prefs[theme]": "prefs[theme]=dark; Path=/; Max-Age=63072000",
    UNLISTED: f"{UNLISTED}={TRACE}; Path=/; Max-Age=63072000",
}


@pytest.fixture
def visitor(php: Server, new_visitor: Callable[[Server], Visitor]) -> Visitor:
    return new_visitor(php)


def check(visitor: Visitor, state: State, trackers: set[str] = TRACKERS) -> None:
    """The jar holds what the state allows and nothing else; and so did every $_COOKIE."""
    assert visitor.cookies == state.jar({"PHPSESSID"}, trackers)
    if state is not State.ACCEPTING:
        assert visitor.seen_by_the_app <= {"PHPSESSID", "cookies_preferences"}


def sign_in(visitor: Visitor) -> None:
    before = visitor.jar.cookie_header(SITE + "/")
    inside = visitor.submit(visitor.get("/"), "/login", {"user": "anna", "password": "freewheel"})
    assert "Hello, anna" in inside.text
    assert visitor.jar.cookie_header(SITE + "/") != before  # PHP renews the session's id at a login


def test_a_user_can_sign_in(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    sign_in(visitor)
    assert "Hello, anna" in visitor.get("/").text
    check(visitor, state)


def test_a_wrong_password_does_not_let_anybody_in(visitor: Visitor, state: State) -> None:
    page = visitor.choose(state)
    answer = visitor.submit(page, "/login", {"user": "anna", "password": "wrong"})
    assert answer.status == 422
    assert "nobody is signed in" in answer.text
    check(visitor, state)


def test_a_form_stores_in_the_session(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    sign_in(visitor)
    for text in ("first", "second & third"):
        page = visitor.submit(visitor.get("/"), "/notes", {"text": text})
    assert "<li>first</li><li>second &amp; third</li>" in page.text
    check(visitor, state)


def test_a_form_without_its_token_is_turned_away(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    assert visitor.post("/notes", b"text=forged").status == 403


def test_signing_out_ends_the_session(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    sign_in(visitor)
    signed_in = visitor.jar.cookie_header(SITE + "/")
    visitor.submit(visitor.get("/"), "/logout", {})
    # PHP deletes the cookie in the answer to the form, and the page that follows begins another session.
    assert any(field.startswith("PHPSESSID=deleted;") for field in visitor.history[-2].all("set-cookie"))
    assert "nobody is signed in" in visitor.get("/").text
    assert "nobody is signed in" in visitor.get("/", cookie=signed_in).text
    check(visitor, state)


def test_php_sees_arrays_of_cookies_only_when_they_are_allowed(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    visitor.get("/")
    got = json.loads(visitor.get("/cookies.json", FETCH).text)
    if state is State.ACCEPTING:
        assert got["prefs"] == {"lang": "de", "theme": "dark"}
        assert set(got["names"]) == TRACKERS | {"PHPSESSID", "cookies_preferences"}
    else:
        assert got["prefs"] is None
        assert set(got["names"]) == state.jar({"PHPSESSID"}, set())


def test_pages_redirects_and_missing_pages_store_only_what_is_allowed(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    assert visitor.get("/").status == 200
    assert visitor.get("/no-such-page").status == 404
    check(visitor, state)


@pytest.mark.parametrize("state", [State.UNDECIDED, State.REFUSING], indirect=True)
def test_no_spelling_of_a_name_gets_a_refused_cookie_into_php(
    visitor: Visitor, state: State, php_alone: Server, new_visitor: Callable[[Server], Visitor]
) -> None:
    """PHP turns dots, blanks and lone brackets of a name into underscores, and ends a pair where others do not."""
    visitor.choose(state)
    field = visitor.jar.cookie_header(SITE + "/") or b""
    spellings = (
        b".ga=1; [ga=1; _gi[d=1; %5Fga=1; _ga[x]=1;_gid =1; \t_gid=1; prefs=1; prefs.lang=1; prefs[]=1; prefs[a][b]=1; "
        b'PHPSESSI=1; a="; _ga=1; b="; x=1, _ga=1; _ga; =_ga=1; ; FPID=\xff; PHPSESSID.x=1; PHPSESSID[x]=1'
    )
    got = json.loads(visitor.get("/cookies.json", FETCH, cookie=field + b"; " + spellings).text)
    assert set(got["names"]) <= state.jar({"PHPSESSID"}, set())
    assert got["prefs"] is None
    without_a_gate = json.loads(new_visitor(php_alone).get("/cookies.json", FETCH, cookie=spellings).text)
    assert {"_ga", "_gi_d", "_gid", "prefs", "FPID", "PHPSESSID_x"} <= {
        name.partition("[")[0] for name in without_a_gate["names"]
    }


def test_phps_own_deletions_take_effect(visitor: Visitor) -> None:
    visitor.choose(State.ACCEPTING)
    visitor.get("/")
    assert visitor.get("/forget-me", FETCH).text == "forgotten"
    check(visitor, State.ACCEPTING, TRACKERS - {"_ga", "prefs[lang]"})


@pytest.mark.parametrize("state", [State.UNDECIDED, State.REFUSING], indirect=True)
def test_phps_own_deletions_take_effect_on_what_is_not_allowed(visitor: Visitor, state: State) -> None:
    """On a request by a script, as the gate deletes leftovers itself when the visitor goes to a page."""
    visitor.choose(state)
    visitor.holds(*LEFTOVERS.values())
    assert visitor.get("/forget-me", FETCH).text == "forgotten"
    assert visitor.cookies == state.jar({"PHPSESSID"}, set()) | set(LEFTOVERS) - {"_ga", "prefs[lang]"}
    assert visitor.seen_by_the_app <= {"PHPSESSID", "cookies_preferences"}


@pytest.mark.parametrize("state", [State.UNDECIDED, State.REFUSING], indirect=True)
def test_leftovers_never_reach_php_and_are_gone_after_one_navigation(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    visitor.holds(*LEFTOVERS.values())
    assert visitor.get("/").status == 200
    check(visitor, state)


def test_what_was_agreed_to_goes_when_the_agreement_is_withdrawn(visitor: Visitor) -> None:
    visitor.choose(State.ACCEPTING)
    visitor.get("/")
    check(visitor, State.ACCEPTING)
    assert visitor.choose(State.REFUSING).seen == {"PHPSESSID", "cookies_preferences"}
    assert visitor.cookies == {"PHPSESSID", "cookies_preferences"}


def test_the_log_names_what_was_blocked_and_holds_no_value(php: Server, visitor: Visitor) -> None:
    visitor.holds(*LEFTOVERS.values())
    visitor.get("/")
    for event, cookie in (("cookie.blocked", UNLISTED), ("cookie.stripped", "prefs[lang]"), ("cookie.expired", "_gid")):
        wait_for_event(php, event, cookie)
    assert TRACE not in php.log
