"""A Django site with the gate around it: as a proxy, as ASGI and as WSGI middleware. One suite for all three."""

import json
import random
from collections.abc import Callable

import pytest

from tests.end_to_end.servers import Server, wait_for_event
from tests.end_to_end.visitor import FETCH, IMAGE, SITE, State, Visitor

TRACE = "do-not-log"  # in the value of every tracker
EVERYWHERE = {"_ga", "_gid", "_fbp"}  # set on every response
TRACKERS = EVERYWHERE | {"FPID"}  # and on redirects, for servers alone to read
UNLISTED = "adpartner_uid"  # set on pages that do not exist; in no rule
# Where a jar holds them that was filled before there was a gate: the domain, the host's name as a domain, the host.
LEFTOVERS = {
    "_ga": f"_ga=GA1.2.{TRACE}; Domain=.site.test; Path=/; Max-Age=63072000",
    "_gid": f"_gid=GA1.2.{TRACE}; Domain=www.site.test; Path=/; Max-Age=86400",
    "_fbp": f"_fbp=fb.1.{TRACE}; Path=/; Max-Age=7776000; SameSite=Lax",
    "FPID": f"FPID={TRACE}; Path=/; HttpOnly; Max-Age=63072000",
    UNLISTED: f"{UNLISTED}={TRACE}; Path=/; HttpOnly; Max-Age=63072000",
}


@pytest.fixture
def visitor(django: Server, new_visitor: Callable[[Server], Visitor]) -> Visitor:
    return new_visitor(django)


def sign_in(visitor: Visitor) -> str:
    login = visitor.get("/admin/")
    assert login.url == f"{SITE}/admin/login/?next=/admin/"
    inside = visitor.submit(login, "/admin/login/", {"username": "anna", "password": "freewheel"})
    assert (inside.status, inside.url) == (200, f"{SITE}/admin/")
    return inside.text


def check(visitor: Visitor, state: State, needed: set[str], trackers: set[str] = TRACKERS) -> None:
    """The jar holds what the state allows and nothing else; and so did every request that the app has got."""
    assert visitor.cookies == state.jar(needed, trackers)
    if state is State.ACCEPTING:
        assert visitor.history[-1].seen >= EVERYWHERE
    else:
        assert visitor.seen_by_the_app.isdisjoint({*TRACKERS, "_fbc", UNLISTED})


# --- the site works ---------------------------------------------------------------------------------------------------


def test_the_admin_lets_a_user_in(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    assert "Site administration" in sign_in(visitor)
    check(visitor, state, {"csrftoken", "sessionid"})
    assert "sessionid" in visitor.get("/debug/cookies").seen


def test_a_wrong_password_does_not_let_anybody_in(visitor: Visitor) -> None:
    login = visitor.get("/admin/")
    answer = visitor.submit(login, "/admin/login/", {"username": "anna", "password": "wrong"})
    assert "Please enter the correct username" in answer.text
    assert visitor.cookies == {"csrftoken"}


@pytest.mark.parametrize(
    ("length", "keeper"), [(20, "messages"), (6000, "sessionid")], ids=["in-the-cookie", "in-the-session"]
)
def test_a_protected_form_stores_and_says_so_once(visitor: Visitor, state: State, length: int, keeper: str) -> None:
    visitor.choose(state)
    text = f"{state} {random.Random(length).randbytes(length // 2).hex()}"  # Django packs what repeats itself
    page = visitor.submit(visitor.get("/guestbook/"), "/guestbook/", {"text": text})
    posted, shown = visitor.history[-2:]
    assert any(line.startswith(f"{keeper}=") for line in posted.all("set-cookie"))
    assert keeper in shown.seen
    assert f"Stored, thank you: {text}" in page.text
    assert f"<li>{text}</li>" in page.text
    again = visitor.get("/guestbook/").text
    assert "Stored, thank you" not in again
    assert f"<li>{text}</li>" in again
    # For what went into the session Django leaves a mark in the cookie, with or without a gate.
    check(visitor, state, {"csrftoken"} if keeper == "messages" else {"csrftoken", "sessionid", "messages"})


def test_a_form_without_its_token_is_turned_away(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    assert visitor.post("/guestbook/", b"text=forged").status == 403
    assert "forged" not in visitor.get("/guestbook/").text


def test_the_language_can_be_switched_and_stays(visitor: Visitor, state: State) -> None:
    home = visitor.choose(state)
    assert '<html lang="en">' in home.text
    assert '<html lang="de">' in visitor.submit(home, "/i18n/setlang/", {"language": "de"}).text
    assert "Anmelden" in visitor.get("/admin/").text
    check(visitor, state, {"csrftoken", "django_language"})


def test_signing_out_ends_the_session(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    sign_in(visitor)
    assert "sessionid" in visitor.cookies
    out = visitor.submit(visitor.get("/admin/"), "/admin/logout/", {})
    assert "Logged out" in out.text
    check(visitor, state, {"csrftoken"})
    assert visitor.get("/admin/").url == f"{SITE}/admin/login/?next=/admin/"


# --- and only what is allowed is stored, and read ---------------------------------------------------------------------


def test_pages_redirects_images_and_missing_pages_store_only_what_is_allowed(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    assert visitor.get("/").status == 200
    assert visitor.get("/old-address/").url == f"{SITE}/"
    assert visitor.get("/no-such-page").status == 404
    assert visitor.get("/pixel.gif", IMAGE).body.startswith(b"GIF89a")
    assert visitor.get("/debug/cookies", FETCH).status == 200
    check(visitor, state, {"csrftoken"}, TRACKERS | {"_fbc"})


def test_a_picture_stays_public_unless_it_carries_a_cookie_that_was_agreed_to(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    picture = visitor.get("/pixel.gif", IMAGE)
    directives = {part.strip() for value in picture.all("cache-control") for part in value.split(",")}
    if state is State.ACCEPTING:
        assert "private" in directives  # of two that contradict each other the stricter counts: RFC 9111 section 4.2.1
    else:
        assert directives == {"public", "max-age=3600"}
        assert picture.all("set-cookie") == []


def test_the_app_gets_the_allowed_cookies_in_their_order_and_spelling(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    choice = [cookie.value for cookie in visitor.jar.cookies if cookie.name == b"cookies_preferences"]
    told = b"".join(b"; cookies_preferences=" + value for value in choice)
    sent = b"csrftoken=" + b"a" * 32 + b'; _ga=GA1.2.1; sessionid="q=1";adpartner_uid=2;  messages=m; FPID=3' + told
    got = json.loads(visitor.get("/debug/cookies", cookie=sent).text)
    if state is State.ACCEPTING:
        assert got["field"].encode() == sent.replace(b"adpartner_uid=2;", b"")
        assert {"_ga", "FPID"} <= set(got["read"])
    else:
        assert got["field"].encode() == b"csrftoken=" + b"a" * 32 + b'; sessionid="q=1";  messages=m' + told
    assert UNLISTED not in got["read"]


@pytest.mark.parametrize("state", [State.UNDECIDED, State.REFUSING], indirect=True)
def test_leftovers_never_reach_the_app_and_are_gone_after_one_navigation(visitor: Visitor, state: State) -> None:
    visitor.choose(state)
    visitor.holds(*LEFTOVERS.values())
    assert visitor.get("/guestbook/").status == 200
    check(visitor, state, {"csrftoken"})


def test_a_leftover_that_no_rule_names_goes_although_the_visitor_accepts(visitor: Visitor) -> None:
    visitor.choose(State.ACCEPTING)
    visitor.holds(LEFTOVERS[UNLISTED])
    visitor.get("/old-address/")
    check(visitor, State.ACCEPTING, {"csrftoken"})
    assert UNLISTED not in visitor.seen_by_the_app


def test_what_was_agreed_to_goes_when_the_agreement_is_withdrawn(visitor: Visitor) -> None:
    visitor.choose(State.ACCEPTING)
    visitor.get("/old-address/")
    visitor.get("/pixel.gif", IMAGE)
    check(visitor, State.ACCEPTING, {"csrftoken"}, TRACKERS | {"_fbc"})
    page = visitor.choose(State.REFUSING)
    assert page.url == f"{SITE}/"
    assert page.seen == {"csrftoken", "cookies_preferences"}
    assert visitor.cookies == {"csrftoken", "cookies_preferences"}


def test_an_acceptance_after_a_refusal_lets_trackers_in(visitor: Visitor) -> None:
    visitor.choose(State.REFUSING)
    assert visitor.cookies == {"csrftoken", "cookies_preferences"}
    visitor.choose(State.ACCEPTING)
    visitor.get("/old-address/")
    check(visitor, State.ACCEPTING, {"csrftoken"})


# --- and there is evidence --------------------------------------------------------------------------------------------


def test_the_log_names_what_was_blocked_and_holds_no_value(django: Server, visitor: Visitor) -> None:
    visitor.holds(*LEFTOVERS.values())
    visitor.get("/no-such-page")
    for event, cookie in (
        ("cookie.blocked", "_ga"),
        ("cookie.blocked", UNLISTED),
        ("cookie.stripped", "FPID"),
        ("cookie.expired", "_fbp"),
    ):
        wait_for_event(django, event, cookie)
    assert TRACE not in django.log
