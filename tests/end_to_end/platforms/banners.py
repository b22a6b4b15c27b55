"""What a visitor does with the banner of each platform, and what the upstream may keep after it."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

NECESSARY = frozenset({"sessionid"})
ALL = NECESSARY | {"lang", "_ga", "_pk_id", "_fbp"}
ANALYTICS = NECESSARY | {"_ga", "_pk_id"}
# Platforms that ask for each service by itself: Google Analytics and not Matomo.
ONE_SERVICE = NECESSARY | {"_ga"}

Act = Callable[[Page], None]


@dataclass(frozen=True)
class Banner:
    """A platform's page is at ``name``.localhost. ``shown`` is its banner. Each act ends in a choice that is kept.

    ``change`` leaves ``changed`` of what was accepted, and ``withdraw`` takes back the rest.
    """

    name: str
    format: str
    cookie: str
    shown: str
    accept: Act
    refuse: Act
    change: Act
    changed: frozenset[str]
    withdraw: Act


def _click(*selectors: str) -> Act:
    """Clicks one after the other: labels and links too, as platforms hide the boxes behind them."""

    def act(page: Page) -> None:
        for selector in selectors:
            page.locator(selector).click()

    return act


def _reloading(act: Act) -> Act:
    """For a platform that loads the page anew when something was taken back."""

    def reload(page: Page) -> None:
        with page.expect_navigation():
            act(page)

    return reload


def _kept_later(act: Act, cookie: str) -> Act:
    """For a platform that keeps the choice some time after the click."""

    def wait(page: Page) -> None:
        act(page)
        page.wait_for_function("cookie => document.cookie.includes(cookie + '=')", arg=cookie)

    return wait


def _from_the_edge(act: Act) -> Act:
    """For one whose tab shows while the mouse is at the edge of the window."""

    def move(page: Page) -> None:
        page.wait_for_function("document.querySelector('.cc-window').style.display === 'none'")
        page.mouse.move(300, (page.viewport_size or {"height": 0})["height"] - 10)
        act(page)

    return move


KLARO_SETTINGS = ("#settings", ".cm-purpose:has(#service-item-matomo) .cm-caret a")

BANNERS = (
    Banner(
        name="klaro",
        format="klaro",
        cookie="klaro",
        shown=".klaro .cookie-notice",
        accept=_click(".cookie-notice .cm-btn-success"),
        refuse=_click(".cookie-notice .cn-decline"),
        change=_click(
            *KLARO_SETTINGS,
            "label[for=purpose-item-styling]",
            "label[for=service-item-matomo]",
            "label[for=purpose-item-advertising]",
            ".cm-footer .cm-btn-accept",
        ),
        changed=ONE_SERVICE,
        withdraw=_click(*KLARO_SETTINGS, "label[for=service-item-google-analytics]", ".cm-footer .cm-btn-accept"),
    ),
    Banner(
        name="vanilla3",
        format="cc_cookie",
        cookie="cc_cookie",
        shown="#cc-main .cm",
        accept=_click(".cm [data-role=all]"),
        refuse=_click(".cm [data-role=necessary]"),
        change=_click(
            "#settings",
            "label:has(input[value=functionality])",
            "[aria-controls=analytics-desc]",
            "label:has(input[value=matomo])",
            "label:has(input[value=ads])",
            ".pm [data-role=save]",
        ),
        changed=ONE_SERVICE,
        withdraw=_click("#settings", ".pm [data-role=necessary]"),
    ),
    Banner(
        name="vanilla2",
        format="cc_cookie",
        cookie="cc_cookie",
        shown="#cm",
        accept=_click("#c-p-bn"),
        refuse=_click("#c-s-bn"),
        change=_click("#settings", "label:has(input[value=functionality])", "label:has(input[value=ads])", "#s-sv-bn"),
        changed=ANALYTICS,
        withdraw=_click("#settings", "#s-rall-bn"),
    ),
    Banner(
        name="tarteaucitron",
        format="tarteaucitron",
        cookie="tarteaucitron",
        shown="#tarteaucitronAlertBig",
        accept=_click("[data-listens] #tarteaucitronPersonalize2"),
        refuse=_click("[data-listens] #tarteaucitronAllDenied2"),
        change=_reloading(
            _click(
                "[data-listens] #settings",
                "#languageDenied",
                "#matomoDenied",
                "#adsDenied",
                "#tarteaucitronClosePanel",
            )
        ),
        changed=ONE_SERVICE,
        withdraw=_reloading(_click("[data-listens] #settings", "#tarteaucitronAllDenied", "#tarteaucitronClosePanel")),
    ),
    Banner(
        name="c15t",
        format="c15t",
        cookie="c15t",
        shown="[data-testid=consent-banner-card]",
        accept=_kept_later(_click("[data-testid=consent-banner-accept-button]"), "c15t"),
        refuse=_kept_later(_click("[data-testid=consent-banner-reject-button]"), "c15t"),
        change=_reloading(
            _click(
                "[data-c15t-trigger]",
                "[data-testid=consent-widget-switch-functionality]",
                "[data-testid=consent-widget-switch-marketing]",
                "[data-testid=consent-widget-footer-save-button]",
            )
        ),
        changed=ANALYTICS,
        withdraw=_reloading(_click("[data-c15t-trigger]", "[data-testid=consent-widget-reject-button]")),
    ),
    Banner(
        name="cookieconsent",
        format="cookieconsent_status",
        cookie="cookieconsent_status",
        shown=".cc-window",
        accept=_click(".cc-allow"),
        refuse=_click(".cc-deny"),
        # All or nothing: the change is to allow it once more.
        change=_from_the_edge(_click(".cc-revoke", ".cc-allow")),
        changed=ALL,
        withdraw=_from_the_edge(_click(".cc-revoke", ".cc-deny")),
    ),
)
