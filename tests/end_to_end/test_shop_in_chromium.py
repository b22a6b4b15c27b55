"""The sample shop behind ``gatekeeper run``, in a real Chromium; its jar is read over the DevTools protocol."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.end_to_end.servers import ROOT, Server, gatekeeper, needed, running, wait_until

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MILLISECONDS = 20_000

# What the shop's policy says, written down once more: a test that asked the policy would believe it.
NECESSARY = {"sessionid", "csrftoken", "SERVERID"}
CHOICE = "cookies_preferences"
BY_SCRIPT = {"_gcl_au", "_BEAMER_USER_ID_shop", "_BEAMER_FIRST_VISIT_shop"}
FUNCTIONAL = {"recently_viewed", "_BEAMER_USER_ID_shop", "_BEAMER_FIRST_VISIT_shop"}
ANALYTICS = {"_ga", "_gid", "_ga_SHOP123", "_gat_UA-1234-5", "pp_visitor", "pp_lost", "cat_variant"}
MARKETING = {"_fbp", "_gcl_au", "adtrail_uid", "adtrail_click", "adtrail_px", "adtrail_seen"}
OPTIONAL = FUNCTIONAL | ANALYTICS | MARKETING
ONLY_FOR_SERVERS = {"adtrail_uid", "pp_visitor", "adtrail_px"}  # HttpOnly
UNDER_CATALOGUE = {
    "cat_variant"
}  # has the Path /catalogue: no other page gets it, and so none can tell that it is there

# A picture as a page of its own: a navigation to where no script of the shop runs; no cache keeps this one.
PICTURE = "/pixel.gif"
TOUR = {
    "/": 200,
    "/catalogue": 200,
    "/catalogue/wiese-tourer": 200,
    "/basket": 200,
    "/winter-offers": 200,  # redirects to the catalogue
    "/no-such-page": 404,
    "/images/wiese-tourer.svg": 200,
    PICTURE: 200,
}


class Tab:
    """One tab of a fresh browser profile."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        context.set_default_timeout(MILLISECONDS)
        self.page: Page = context.new_page()
        self.base = base
        self.problems: list[str] = []
        self._devtools = context.new_cdp_session(self.page)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a picture that the next page made superfluous
            self.problems.append(f"{request.url}: {request.failure}")

    @property
    def jar(self) -> dict[str, str]:
        cookies = self._devtools.send("Network.getAllCookies")["cookies"]
        jar = {cookie["name"]: cookie["value"] for cookie in cookies}
        assert len(jar) == len(cookies)
        return jar

    @property
    def names(self) -> set[str]:
        return set(self.jar)

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def http_only(self) -> set[str]:
        cookies = self._devtools.send("Network.getAllCookies")["cookies"]
        return {cookie["name"] for cookie in cookies if cookie["httpOnly"]}

    def goto(self, path: str, *, status: int = 200) -> None:
        response = self.page.goto(self.base + path)
        assert response is not None
        assert response.status == status

    def click(self, button: str, *, within: str = "body") -> None:
        """A button of a form; returns when the page that it leads to is there."""
        with self.page.expect_navigation():
            self.page.locator(within).get_by_role("button", name=button, exact=True).click()

    def refuse(self) -> None:
        self.goto("/")
        self.click("Refuse all", within=".banner")
        assert CHOICE in self.names

    def accept(self) -> None:
        self.goto("/")
        self.click("Accept all", within=".banner")
        assert CHOICE in self.names

    def tour(self) -> Iterator[set[str]]:
        """From page to page; the jar after each."""
        for path, status in TOUR.items():
            self.goto(path, status=status)
            yield self.names

    def arrived(self) -> set[str]:
        """The cookies that the shop says it got."""
        self.goto("/debug/cookies")
        return set(self.page.locator("table.lines tbody th code").all_inner_texts())


NewTab = Callable[..., Tab]


@pytest.fixture(scope="module")
def shop_alone(logs: Path) -> Iterator[Server]:
    with running("shop", [sys.executable, "-m", "examples.shop", "--port", "0"], logs) as server:
        yield server


@pytest.fixture(scope="module")
def shop(shop_alone: Server, logs: Path) -> Iterator[Server]:
    with gatekeeper(shop_alone, logs, "--config", ROOT / "examples/shop/gatekeeper.toml") as server:
        yield server


# Not for the whole session: as long as playwright runs, this thread counts as one with a running event loop.
@pytest.fixture(scope="module")
def browser(shop: Server) -> Iterator[Browser]:
    chromium = needed("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def new_tab(browser: Browser, shop: Server) -> Iterator[NewTab]:
    contexts: list[BrowserContext] = []
    tabs: list[Tab] = []

    def make(**settings: bool) -> Tab:
        contexts.append(browser.new_context(locale="en-GB", **settings))
        tabs.append(Tab(contexts[-1], shop.url))
        return tabs[-1]

    yield make
    for context in contexts:
        context.close()
    assert [problem for tab in tabs for problem in tab.problems] == []


@pytest.fixture
def tab(new_tab: NewTab) -> Tab:
    return new_tab()


# --- what is in the jar -----------------------------------------------------------------------------------------------


def test_before_a_choice_the_server_stores_nothing_but_what_is_necessary(tab: Tab) -> None:
    for names in tab.tour():
        assert names - BY_SCRIPT <= NECESSARY
    assert tab.path == PICTURE
    assert tab.names == NECESSARY


def test_after_a_refusal_the_server_stores_nothing_but_what_is_necessary(tab: Tab) -> None:
    tab.refuse()
    assert not tab.page.locator(".banner").is_visible()
    for names in tab.tour():
        assert names - BY_SCRIPT <= NECESSARY | {CHOICE}
    assert tab.names == NECESSARY | {CHOICE}


def test_after_an_acceptance_all_that_the_policy_names_is_stored(tab: Tab) -> None:
    tab.accept()
    for names in tab.tour():
        assert names <= NECESSARY | {CHOICE} | OPTIONAL
    assert tab.names == NECESSARY | {CHOICE} | OPTIONAL
    assert tab.http_only() >= ONLY_FOR_SERVERS


def test_a_choice_of_one_category_lets_in_that_one_only(tab: Tab) -> None:
    tab.goto("/")
    tab.page.locator(".banner summary").click()
    tab.page.locator(".banner").get_by_label("Analytics").check()
    tab.click("Save my choice", within=".banner")
    for names in tab.tour():
        assert names - BY_SCRIPT <= NECESSARY | {CHOICE} | ANALYTICS
    assert tab.names == NECESSARY | {CHOICE} | ANALYTICS


def test_a_withdrawal_empties_the_jar_with_the_page_that_follows(tab: Tab) -> None:
    tab.accept()
    list(tab.tour())
    assert tab.names == NECESSARY | {CHOICE} | OPTIONAL
    tab.goto("/cookie-settings")
    tab.click("Withdraw consent", within="main")
    assert tab.path == "/cookie-settings"
    assert tab.names - BY_SCRIPT == NECESSARY | {CHOICE} | UNDER_CATALOGUE
    tab.goto("/catalogue")
    assert tab.names - BY_SCRIPT == NECESSARY | {CHOICE}
    tab.goto(PICTURE)
    assert tab.names == NECESSARY | {CHOICE}


def test_what_was_stored_before_there_was_a_gate_goes_with_the_first_page(tab: Tab, shop_alone: Server) -> None:
    behind_the_gate, tab.base = tab.base, shop_alone.url  # cookies know no ports
    list(tab.tour())
    # The pictures' cookies come when the pictures do.
    wait_until(lambda: tab.names == NECESSARY | OPTIONAL, "all cookies of the shop")
    # A picture that is still on its way would set its cookies once more behind the gate's back.
    tab.page.wait_for_load_state("networkidle")
    tab.base = behind_the_gate
    tab.goto("/catalogue")
    assert tab.names - BY_SCRIPT == NECESSARY
    tab.goto(PICTURE)
    assert tab.names == NECESSARY


# --- what scripts write -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refuses", [False, True], ids=["undecided", "refusing"])
def test_what_a_script_writes_does_not_outlive_the_page(tab: Tab, refuses: bool) -> None:
    """The shop's script writes anew on each page; an identifier that changes with each page identifies nobody."""
    if refuses:
        tab.refuse()
    else:
        tab.goto("/")
    before = tab.jar
    tab.goto("/about")
    after = tab.jar
    for name in BY_SCRIPT & set(after):
        assert after[name] != before.get(name), name
    tab.goto(PICTURE)
    assert BY_SCRIPT.isdisjoint(tab.names)


def test_what_a_script_writes_stays_when_the_visitor_accepts(tab: Tab) -> None:
    tab.accept()
    tab.goto("/")
    before = tab.jar
    tab.goto("/about")
    after = tab.jar
    for name in BY_SCRIPT:
        assert after[name] == before[name]


# --- what the server gets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refuses", [False, True], ids=["undecided", "refusing"])
def test_the_server_gets_nothing_but_what_is_necessary(tab: Tab, shop_alone: Server, refuses: bool) -> None:
    behind_the_gate, tab.base = tab.base, shop_alone.url
    list(tab.tour())
    assert tab.arrived() == NECESSARY | OPTIONAL - UNDER_CATALOGUE
    tab.base = behind_the_gate
    assert tab.arrived() == NECESSARY  # with the first request
    if refuses:
        tab.refuse()
    list(tab.tour())
    assert tab.arrived() == NECESSARY | ({CHOICE} if refuses else set())


def test_the_server_gets_what_the_visitor_accepted(tab: Tab) -> None:
    tab.accept()
    list(tab.tour())
    assert tab.arrived() == NECESSARY | {CHOICE} | OPTIONAL - UNDER_CATALOGUE


# --- the shop works ---------------------------------------------------------------------------------------------------


def buy_something(tab: Tab) -> None:
    """Sign in, fill the basket, order, read German, sign out."""
    page = tab.page
    tab.goto("/login")
    page.locator("main").get_by_label("E-mail address").fill("anna@example.org")
    page.get_by_label("Password").fill("freewheel")
    tab.click("Sign in", within="main")
    assert tab.path == "/account"
    assert page.get_by_role("status").is_visible()

    tab.goto("/catalogue/belchen-bell")
    page.get_by_label("Quantity").fill("2")
    tab.click("Add to basket")
    assert tab.path == "/basket"
    page.get_by_role("link", name="To the checkout").click()
    page.wait_for_url("**/checkout")
    for label, value in {
        "Full name": "Anna Muster",
        "E-mail address": "anna@example.org",
        "Street and number": "Am Wehr 3",
        "Postcode": "79999",
        "Town": "Oberwiesen",
    }.items():
        page.locator("main").get_by_label(label).fill(value)
    tab.click("Place the order")
    assert tab.path == "/checkout/thanks"
    number = re.search(r"BR-[0-9]{5}", page.locator("main").inner_text())
    assert number is not None

    tab.goto("/account")
    assert page.get_by_role("rowheader", name=number[0]).is_visible()
    tab.click("Deutsch")
    assert page.locator("html").get_attribute("lang") == "de"
    tab.goto("/basket")
    assert page.get_by_role("heading", name="Warenkorb").is_visible()
    tab.goto("/account")
    tab.click("Abmelden", within="main")
    tab.goto("/account")
    assert tab.path == "/login"


def test_one_can_sign_in_buy_switch_the_language_and_sign_out_after_a_refusal(tab: Tab) -> None:
    tab.refuse()
    buy_something(tab)
    assert tab.names - BY_SCRIPT == NECESSARY | {CHOICE, "language"}


def test_one_can_sign_in_buy_switch_the_language_and_sign_out_after_an_acceptance(tab: Tab) -> None:
    tab.accept()
    buy_something(tab)
    assert tab.names >= NECESSARY | {CHOICE, "language", "_ga", "_fbp", "adtrail_uid", "cat_variant"}


def test_a_message_is_shown_once_after_a_refusal(tab: Tab) -> None:
    tab.refuse()
    assert tab.page.get_by_role("status").is_visible()
    assert "messages" not in tab.names
    tab.goto("/")
    assert tab.page.get_by_role("status").count() == 0


# --- without JavaScript -----------------------------------------------------------------------------------------------


def test_a_refusal_works_without_javascript(new_tab: NewTab) -> None:
    tab = new_tab(java_script_enabled=False)
    tab.refuse()
    assert not tab.page.locator(".banner").is_visible()
    for names in tab.tour():
        assert names == NECESSARY | {CHOICE}
    assert tab.arrived() == NECESSARY | {CHOICE}


def test_an_acceptance_and_its_withdrawal_work_without_javascript(new_tab: NewTab) -> None:
    tab = new_tab(java_script_enabled=False)
    tab.accept()
    list(tab.tour())
    assert tab.names == NECESSARY | {CHOICE} | OPTIONAL - BY_SCRIPT
    tab.goto("/cookie-settings")
    tab.click("Withdraw consent", within="main")
    tab.goto("/catalogue")
    assert tab.names == NECESSARY | {CHOICE}
