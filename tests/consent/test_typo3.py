"""What TYPO3 extensions write."""

import json
from urllib.parse import quote

import pytest

from tests.consent.told import ALL, NONE, native, told


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"status": "approved", "checkboxes": [{"name": "statistics", "checked": True}]},
            ({"analytics"}, NONE),
        ),
        (
            {"status": "approved", "checkboxes": [{"name": "statistics", "checked": "true"}]},
            (NONE, {"analytics"}),
        ),
        (
            {
                "status": "approved",
                "checkboxes": [{"name": "marketing", "checked": True}, {"name": "marketing", "checked": False}],
            },
            (NONE, {"marketing"}),
        ),
        (
            {"status": "approved", "checkboxes": [None, 1, {"checked": True}, {"name": 1, "checked": True}]},
            (NONE, NONE),
        ),
        ({"status": "approved", "checkboxes": {"name": "statistics", "checked": True}}, (NONE, NONE)),
        ({"status": "approved"}, (NONE, NONE)),
        ({"status": "open", "checkboxes": [{"name": "statistics", "checked": True}]}, None),
        ({"status": True, "checkboxes": [{"name": "statistics", "checked": True}]}, None),
        ({"checkboxes": [{"name": "statistics", "checked": True}]}, None),
        (["approved"], None),
    ],
)
def test_dp_cookieconsent_is_a_choice_once_it_is_approved(
    document: object, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("typo3-dp", {"dp_cookieconsent_status": json.dumps(document)}) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("essential:1|marketing:1|iframes:0", ({"marketing"}, {"functional"})),
        ("iframes:1|external:0", (NONE, {"functional"})),
        ("essential%3A1%7Cstatistiken%3A1", ({"analytics"}, NONE)),
        ("essential:1|analytics:", None),
        ("essential:1|analytics:yes", None),
        ("essential:1|analytics:1|", None),
        ("analytics:1|analytics:0", None),
        ("analytics", None),
        ("", None),
        ("c0001:1|" * 300, None),
    ],
)
def test_sg_cookie_optin_answers_for_each_group(value: str, expected: tuple[set[str], set[str]] | None) -> None:
    assert told("typo3-sg", {"cookie_optin": value}) == expected


def test_the_groups_of_sg_cookie_optin_are_the_sites_own() -> None:
    cookies: dict[str, str | bytes] = {"cookie_optin": "essential:1|c0001:1|c0002:0"}
    assert told("typo3-sg", cookies) == (NONE, NONE)
    assert told("typo3-sg", cookies, {"c0001": "marketing", "c0002": "analytics"}) == ({"marketing"}, {"analytics"})
    assert native("typo3-sg", cookies) == {"essential": True, "c0001": True, "c0002": False}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mandatory|marketing", ({"marketing"}, {"functional", "analytics"})),
        ("mandatory%7Cstatistics_matomo", ({"analytics"}, {"functional", "marketing"})),
        ("statistics_matomo|mandatory_session", ({"analytics"}, {"functional", "marketing"})),
        ("statistics|marketing", None),
        ("mandatory|", None),
        ("mandatory statistics", None),
        ("mandatory,statistics", None),
        ("mandatory|" + "statistics|" * 160 + "x", None),
        # Those of Cookiebot, of others, and of nobody.
        ("{stamp:'x'%2Cnecessary:true%2Cstatistics:true%2Cmethod:'explicit'%2Cver:1}", None),
        ("{stamp:'-1',necessary:true,mandatory:true}", None),
        ("-1", None),
        ("0", None),
        ("true", None),
        ("yes", None),
        ('{"mandatory":true}', None),
        ("mandatör|mandatory", None),
        ("", None),
    ],
)
def test_cookieman_is_known_by_its_mandatory_group_and_passes_on_what_is_cookiebots(
    value: str, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("typo3-cookieman", {"CookieConsent": value}) == expected


def test_cookieman_keeps_services_and_their_groups() -> None:
    answers = native("typo3-cookieman", {"CookieConsent": "mandatory|video_google"})
    assert answers == {"mandatory": True, "video": True, "video_google": True}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('["essential","media"]', ({"functional"}, {"analytics", "marketing"})),
        (quote('["analytics"]'), ({"analytics"}, {"functional", "marketing"})),
        ("[]", (NONE, ALL)),
        ('["analytics",1]', None),
        ('{"analytics":true}', None),
        ('"analytics"', None),
        ("analytics", None),
        ('["analytics"', None),
    ],
)
def test_in2cookiemodal_lists_what_was_granted(value: str, expected: tuple[set[str], set[str]] | None) -> None:
    assert told("typo3-in2", {"in2cookiemodal-selection": value}) == expected
