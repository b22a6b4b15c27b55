"""Cookies from before Gatekeeper came, in a real Chromium over HTTPS: one navigation, and they are gone."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.cli.certificates import make_pair
from tests.end_to_end.servers import APPS, GATEKEEPER, RULES, Server, needed, running, wait_until
from tests.end_to_end.test_shop_in_chromium import ARGUMENTS, MILLISECONDS

HOST = "www.example.test"
PAGE = "/shop/item/3"
ALLOWED = {("sessionid", HOST, "/"), ("basket", HOST, "/shop")}
# Where the app sets them, as Chromium says it: with a dot before a domain that is not the host alone.
PLACES = {
    ("on_path", HOST, "/shop"),
    ("on_slash", HOST, "/shop/"),
    ("on_host", HOST, "/"),
    ("on_domain", ".example.test", "/"),
    ("on_both", ".example.test", "/shop"),
    ("on_none", HOST, "/shop/item"),
    ("twice", HOST, "/"),
    ("twice", HOST, "/shop"),
    ("in_part", HOST, "/"),
    ("in_part_on_path", ".example.test", "/shop"),
    ("__Host-ad", HOST, "/"),
    ("__Secure-ad", HOST, "/shop"),
    ("nobodys", HOST, "/shop"),
}
SCRIPT = """() => {
    document.cookie = "by_script=1; path=/shop/item; max-age=9999";
    document.cookie = "by_script_somewhere=1; path=/; domain=example.test; max-age=9999";
}"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def app(logs: Path) -> Iterator[Server]:
    with running("trackers", [sys.executable, APPS / "trackers.py"], logs) as server:
        yield server


Run = Callable[..., Server]


@pytest.fixture
def run(app: Server, logs: Path, pair: tuple[Path, Path], request: pytest.FixtureRequest) -> Iterator[Run]:
    """Starts ``gatekeeper run`` in front of the app, with TLS."""
    with ExitStack() as stack:

        def start(mode: str) -> Server:
            command = [GATEKEEPER, "run", "--upstream", app.url, "--listen", "127.0.0.1:0", "--mode", mode]
            return stack.enter_context(
                running(
                    f"{request.node.name}-{mode}",
                    [*command, "--config", RULES / "trackers.toml"],
                    logs,
                    GATEKEEPER_SERVER__CERTIFICATE=str(pair[0]),
                    GATEKEEPER_SERVER__KEY=str(pair[1]),
                )
            )

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = [*ARGUMENTS, "--ignore-certificate-errors", "--host-resolver-rules=MAP *.example.test 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needed("chromium"), args=arguments, timeout=60_000)
        yield browser
        browser.close()


NewPage = Callable[[], Page]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """A page in a fresh profile."""
    contexts: list[BrowserContext] = []

    def make() -> Page:
        contexts.append(browser.new_context(ignore_https_errors=True))
        contexts[-1].set_default_timeout(MILLISECONDS)
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def jar(page: Page) -> set[tuple[str, str, str]]:
    devtools = page.context.new_cdp_session(page)
    cookies = devtools.send("Network.getAllCookies")["cookies"]
    devtools.detach()
    return {(cookie["name"], cookie["domain"], cookie["path"]) for cookie in cookies}


def go(page: Page, server: Server, path: str = PAGE) -> list[str]:
    """Navigates; the names for which a deletion came."""
    response = page.goto(f"https://{HOST}:{server.port}{path}")
    assert response is not None
    assert response.status == 200
    fields = [field["value"] for field in response.headers_array() if field["name"].lower() == "set-cookie"]
    return [line.partition("=")[0] for field in fields for line in field.split("\n") if "Max-Age=0" in line]


def test_all_that_is_refused_goes_with_one_navigation_and_nothing_else(run: Run, new_page: NewPage) -> None:
    before, gate = run("off"), run("enforce")
    old = new_page()
    go(old, before)
    old.evaluate(SCRIPT)
    assert jar(old) == ALLOWED | PLACES | {
        ("by_script", HOST, "/shop/item"),
        ("by_script_somewhere", ".example.test", "/"),
    }
    # Whoever came first had nothing to lose; the gate saw what the app tried to set.
    somebody = new_page()
    assert go(somebody, gate) == []
    assert jar(somebody) == ALLOWED

    assert go(old, gate, PAGE + "?quiet")
    assert jar(old) == ALLOWED
    assert go(old, gate, PAGE) == []
    assert jar(old) == ALLOWED


def test_what_a_browser_keeps_is_not_asked_for_for_ever(run: Run, new_page: NewPage) -> None:
    before, gate = run("off"), run("enforce")

    def asked(times: int) -> list[bool]:
        page = new_page()
        go(page, before, "/shop/item?quiet")
        # Neither the app nor a rule says where this is.
        page.evaluate("document.cookie = 'hidden=1; domain=www.example.test; path=/shop; max-age=9999'")
        return ["hidden" in go(page, gate, "/shop/item?quiet") for _ in range(times)]

    assert asked(6) == [True, *[False] * 5]
    for _ in range(2):
        assert asked(2) == [True, False]
    wait_until(lambda: '"event": "cookie.stubborn"' in gate.log, "cookie.stubborn in the log")
    assert [any(asked(1)) for _ in range(4)] == [False] * 4
    assert gate.log.count('"event": "cookie.stubborn"') == 1
