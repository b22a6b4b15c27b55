"""A page with a WebSocket and an event stream behind ``gatekeeper run``, in a real Chromium."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.end_to_end.apps.live import EVENTS
from tests.end_to_end.servers import APPS, RULES, Server, gatekeeper, needed, running, wait_for_event
from tests.end_to_end.test_shop_in_chromium import ARGUMENTS, MILLISECONDS


@pytest.fixture(scope="module")
def site(logs: Path) -> Iterator[Server]:
    with (
        running("live", [sys.executable, APPS / "live.py"], logs) as app,
        gatekeeper(app, logs, "--config", RULES / "live.toml") as server,
    ):
        yield server


@pytest.fixture
def page(site: Server) -> Iterator[Page]:
    """The page, opened anew in a fresh profile that holds a cookie of each kind."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needed("chromium"), args=ARGUMENTS)
        try:
            context = browser.new_context()
            context.set_default_timeout(MILLISECONDS)
            context.add_cookies([{"name": name, "value": "1", "url": site.url} for name in ("sessionid", "_ga")])
            page = context.new_page()
            page.goto(site.url)
            yield page
        finally:
            browser.close()


def lines(page: Page, place: str, last: str) -> list[str]:
    """What the page's script has written there, once the last line begins so."""
    page.wait_for_function(
        "([place, last]) => document.getElementById(place).textContent.split('\\n').at(-2)?.startsWith(last)",
        arg=[place, last],
    )
    return page.locator(f"#{place}").inner_text().splitlines()


def test_a_page_talks_to_its_server_over_a_websocket(page: Page, site: Server) -> None:
    assert lines(page, "socket", "closed") == [
        "open chat.v1",
        "hello with ['sessionid']",
        "100000 octets",
        "closed 4001 bye true",
    ]
    wait_for_event(site, "cookie.blocked", "_ga", "undecided")


def test_events_arrive_one_by_one_and_not_when_all_are_there(page: Page) -> None:
    assert lines(page, "events", "end") == [*(f"{number} event {number}" for number in range(EVENTS)), "end"]


def test_a_cookie_that_a_101_sets_is_kept_if_it_is_necessary(page: Page) -> None:
    page.context.clear_cookies()
    page.reload()
    lines(page, "socket", "closed")
    assert {cookie["name"] for cookie in page.context.cookies()} == {"sessionid"}
