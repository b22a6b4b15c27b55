"""``gatekeeper run`` without a file in front of Django: the first minute of a new operator."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.servers import Server, gatekeeper, wait_for_event
from tests.end_to_end.visitor import IMAGE, SITE, State, Visitor

TRACKERS = {"_ga", "_gid", "_fbp", "FPID", "_fbc", "adpartner_uid"}


@pytest.fixture(scope="module")
def server(django_alone: Server, logs: Path) -> Iterator[Server]:
    with gatekeeper(django_alone, logs) as found:
        yield found


@pytest.fixture
def visitor(server: Server, new_visitor: Callable[[Server], Visitor]) -> Visitor:
    return new_visitor(server)


def test_it_says_where_it_listens_before_what_and_with_which_rules(server: Server, django_alone: Server) -> None:
    line = next(line for line in server.log.splitlines() if line.startswith("Gatekeeper"))
    assert f"listens on {server.url} in front of {django_alone.url}, mode enforce" in line
    assert "shipped defaults" in line
    assert "the preset essential" in line


def test_the_admin_works_and_no_tracker_is_stored_whatever_the_visitor_says(visitor: Visitor, state: State) -> None:
    """No rule names a tracker, so that there is nothing to agree to yet."""
    visitor.choose(state)
    login = visitor.get("/admin/")
    inside = visitor.submit(login, "/admin/login/", {"username": "anna", "password": "freewheel"})
    assert (inside.status, inside.url) == (200, f"{SITE}/admin/")
    page = visitor.submit(visitor.get("/guestbook/"), "/guestbook/", {"text": "first minute"})
    assert "Stored, thank you: first minute" in page.text
    german = visitor.submit(visitor.get("/"), "/i18n/setlang/", {"language": "de"})
    assert '<html lang="de">' in german.text
    visitor.get("/old-address/")
    visitor.get("/no-such-page")
    visitor.get("/pixel.gif", IMAGE)
    needed = {"csrftoken", "sessionid", "django_language"}
    assert visitor.cookies == needed | ({"cookies_preferences"} if state is not State.UNDECIDED else set())
    assert visitor.seen_by_the_app.isdisjoint(TRACKERS)
    out = visitor.submit(visitor.get("/admin/"), "/admin/logout/", {})
    assert "sessionid" not in visitor.cookies
    assert out.status == 200


def test_what_it_blocks_for_want_of_a_rule_is_in_the_log(server: Server, visitor: Visitor) -> None:
    visitor.get("/old-address/")
    visitor.get("/no-such-page")
    visitor.get("/pixel.gif", IMAGE)
    for name in TRACKERS:
        wait_for_event(server, "cookie.blocked", name, "unlisted")
