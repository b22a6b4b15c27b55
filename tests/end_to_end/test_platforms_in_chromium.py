"""Consent platforms as they are published, on a page behind ``gatekeeper run``, in a real Chromium.

Their own buttons are clicked; on the next navigation the browser keeps and the app gets what was allowed, and no more.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.consent.told import NONE, told
from tests.end_to_end.platforms.banners import ALL, BANNERS, NECESSARY, Banner
from tests.end_to_end.servers import APPS, RULES, Server, gatekeeper, needed, running
from tests.end_to_end.test_shop_in_chromium import ARGUMENTS, MILLISECONDS

PLATFORMS = Path(__file__).with_name("platforms")
PACKAGES = PLATFORMS / "node_modules"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is published for bundlers alone, bundled."""
    if not (PACKAGES / "klaro").is_dir():
        pytest.skip("needs the platforms' packages: make tests/end_to_end/platforms/node_modules/.installed")
    folder = tmp_path_factory.mktemp("built")
    command = [PACKAGES / ".bin" / "esbuild", PLATFORMS / "pages" / "c15t.jsx", f"--outdir={folder}", "--bundle"]
    options = ["--jsx=automatic", '--define:process.env.NODE_ENV="production"', "--log-level=warning"]
    subprocess.run([*command, *options], check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def site(built: Path, logs: Path) -> Iterator[Server]:
    with (
        running("platforms", [sys.executable, APPS / "platforms.py", built], logs) as app,
        gatekeeper(app, logs, "--config", RULES / "platforms.toml") as server,
    ):
        yield server


@pytest.fixture(scope="module")
def browser(site: Server) -> Iterator[Browser]:
    # Whatever is not of the page's own host is not found.
    arguments = [*ARGUMENTS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needed("chromium"), args=arguments)
        yield browser
        browser.close()


class Visit:
    """A visitor with a fresh profile, on the page of a platform."""

    def __init__(self, context: BrowserContext, banner: Banner, port: int) -> None:
        context.set_default_timeout(MILLISECONDS)
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self._banner = banner
        self._url = f"http://{banner.name}.localhost:{port}/"
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self.problems.append(request.url)

    def go(self) -> set[str]:
        """Navigates; the upstream's cookies that the app got."""
        response = self.page.goto(self._url)
        assert response is not None
        assert response.status == 200
        return set((response.header_value("X-Received") or "").split()) - {self._banner.cookie}

    def kept(self) -> set[str]:
        """The upstream's cookies in the browser's jar."""
        names = [cookie["name"] for cookie in self.page.context.cookies()]
        assert len(names) == len(set(names))
        return set(names) - {self._banner.cookie}

    def choice(self) -> str:
        """What the platform wrote."""
        return next(one["value"] for one in self.page.context.cookies() if one["name"] == self._banner.cookie)

    def navigates_to(self, allowed: frozenset[str]) -> None:
        """The next navigation brings the app nothing that is not allowed, leaves exactly what is, and that comes with
        the one after it.
        """
        before = self.kept()
        assert self.go() == before & allowed
        assert self.kept() == allowed
        assert self.go() == allowed
        assert self.kept() == allowed


@pytest.fixture(params=BANNERS, ids=lambda banner: banner.name)
def banner(request: pytest.FixtureRequest) -> Banner:
    found: Banner = request.param
    return found


@pytest.fixture
def visit(browser: Browser, site: Server, banner: Banner) -> Iterator[Visit]:
    context = browser.new_context()
    visit = Visit(context, banner, site.port)
    yield visit
    context.close()
    assert visit.problems == []


def test_what_is_accepted_then_changed_then_withdrawn_holds_from_the_next_navigation_on(
    visit: Visit, banner: Banner
) -> None:
    visit.navigates_to(NECESSARY)
    visit.page.locator(banner.shown).wait_for()
    banner.accept(visit.page)
    visit.navigates_to(ALL)
    banner.change(visit.page)
    visit.navigates_to(banner.changed)
    banner.withdraw(visit.page)
    visit.navigates_to(NECESSARY)


def test_a_refusal_is_known_as_one(visit: Visit, banner: Banner) -> None:
    visit.go()
    banner.refuse(visit.page)
    visit.navigates_to(NECESSARY)
    said = told(banner.format, {banner.cookie: visit.choice()})
    assert said is not None
    assert said[0] == NONE
