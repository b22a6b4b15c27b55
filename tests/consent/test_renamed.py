"""Formats whose cookies a site calls otherwise: the configured name is that of the first, the others follow."""

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import names

VOCABULARY = Vocabulary(DEFAULT_CATEGORIES)


@pytest.mark.parametrize(
    ("name", "first", "cookies"),
    [
        ("klaro", "site-consent", {"site-consent": '{"marketing":true}'}),
        ("tarteaucitron", "choice", {"choice": "!marketing=true"}),
        ("complianz", "ours_banner-status", {"ours_banner-status": "dismissed", "ours_marketing": "allow"}),
        ("complianz", "cmplz_2_banner-status", {"cmplz_2_banner-status": "dismissed", "cmplz_2_marketing": "allow"}),
        ("wp-consent-api", "ours_functional", {"ours_functional": "allow", "ours_marketing": "allow"}),
        ("drupal-eucc", "eucc", {"eucc": "2", "eucc-categories": '["marketing"]', "eucc-version": "2"}),
        ("drupal-eucc", "eucc", {"eucc-de": "2", "eucc-categories": '["marketing"]'}),
        (
            "govuk",
            "iabbb_cookies_policy",
            {"iabbb_cookies_policy": '{"campaigns":true}', "iabbb_cookies_preferences_set": "true"},
        ),
        (
            "realcookiebanner",
            "rcb",
            {"rcb": "1700000000:0:" + "0" * 32 + ':{"marketing":[1]}'},
        ),
    ],
)
def test_the_cookies_of_a_renamed_format_are_found_and_read(name: str, first: str, cookies: dict[str, str]) -> None:
    renamed = KNOWN[name].renamed(first.encode())
    octets = {key.encode(): value.encode() for key, value in cookies.items()}
    assert all(names((*renamed.cookies, *renamed.companions), key) for key in octets)
    choice = renamed.read(octets, VOCABULARY)
    assert choice is not None
    assert choice.granted == {"marketing"}


def test_what_is_called_as_before_does_not_stand_in_for_a_renamed_cookie() -> None:
    renamed = KNOWN["drupal-eucc"].renamed(b"eucc")
    assert not names((*renamed.cookies, *renamed.companions), b"cookie-agreed")
    choice = renamed.read({b"eucc-version": b"2"}, VOCABULARY)
    assert choice is None
