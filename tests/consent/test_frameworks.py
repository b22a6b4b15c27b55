"""What Drupal, Django, ASP.NET Core and GOV.UK write."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from tests.consent.told import ALL, NONE, native, read, told


@pytest.mark.parametrize(
    ("agreed", "categories", "expected"),
    [
        ("0", None, (NONE, ALL)),
        ("1", None, (ALL, NONE)),
        ("2", None, (ALL, NONE)),
        ("3", None, None),
        ("-1", None, None),
        ("", None, None),
        ("2", '["necessary"]', (NONE, ALL)),
        ("2", "[]", (NONE, ALL)),
        ("2", '["functional","social"]', ({"functional", "marketing"}, {"analytics"})),
        ("2", quote('["performance"]'), ({"analytics"}, {"functional", "marketing"})),
        ("0", '["performance"]', (NONE, ALL)),
        ("3", '["performance"]', None),
        # A list that cannot be read may be a refusal.
        ("2", '["performance"', None),
        ("2", "{}", None),
        ("2", "", None),
        ("2", b"\xff", None),
        ("0", "", (NONE, ALL)),
    ],
)
def test_drupal_agrees_to_the_categories_where_there_are_any(
    agreed: str, categories: str | bytes | None, expected: tuple[set[str], set[str]] | None
) -> None:
    cookies: dict[str, str | bytes] = {"cookie-agreed": agreed}
    if categories is not None:
        cookies["cookie-agreed-categories"] = categories
    assert told("drupal-eucc", cookies) == expected


def test_old_versions_of_drupals_module_have_a_cookie_for_each_language() -> None:
    assert told("drupal-eucc", {"cookie-agreed-de": "2"}) == (ALL, NONE)
    assert told("drupal-eucc", {"cookie-agreed-de": "2", "cookie-agreed-pt-br": "0"}) == (NONE, ALL)
    assert told("drupal-eucc", {"cookie-agreed-categories": '["marketing"]'}) is None
    assert told("drupal-eucc", {"cookie-agreed-categories": "2", "cookie-agreed-version": "2"}) is None


@pytest.mark.parametrize(("version", "revision"), [("2", 2), ("1.0.0", None), ("", None), (b"\xff", None)])
def test_drupals_version_is_a_revision_where_it_is_a_number(version: str | bytes, revision: int | None) -> None:
    choice = read("drupal-eucc", {"cookie-agreed": "2", "cookie-agreed-version": version})
    assert choice is not None
    assert choice.revision == revision


DJANGO = {"optional": "analytics", "social": "marketing"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("optional=2013-06-04T03:17:01.421395", ({"analytics"}, NONE)),
        ("optional=2024-01-02T03:04:05.678901+00:00|social=-1", ({"analytics"}, {"marketing"})),
        ("optional=2024-01-02 03:04:05Z", ({"analytics"}, NONE)),
        ('"optional=2024-01-02T03:04:05|social=-1"', ({"analytics"}, {"marketing"})),
        (quote("optional=-1"), (NONE, {"analytics"})),
        ("optional=|social=-1", (NONE, {"analytics", "marketing"})),
        ("optional=true|social=-1", (NONE, {"analytics", "marketing"})),
        ("optional=2024-01-02|social=-1", (NONE, {"analytics", "marketing"})),
        ("optional=-1|optional=2013-06-04T03:17:01.421395", None),
        ("optional=-1|social", None),
        ("optional=-1|a b=-1", None),
        # What others write under this name.
        ("optional=1|social=0", None),
        ("analytics=true", None),
        ("full", None),
        ("1", None),
        ('{"optional":"-1"}', None),
        ("", None),
    ],
)
def test_django_declines_by_minus_one_and_accepts_by_a_version(
    value: str, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("django-cookie-consent", {"cookie_consent": value}, DJANGO) == expected


def test_a_group_of_django_has_a_version_and_no_time_of_its_own_and_keeps_its_name() -> None:
    cookies: dict[str, str | bytes] = {"cookie_consent": "optional=2013-06-04T03:17:01.421395|social=-1"}
    choice = read("django-cookie-consent", cookies)
    assert choice is not None
    assert (choice.given_at, choice.granted, choice.refused) == (None, NONE, NONE)
    assert native("django-cookie-consent", cookies) == {"optional": True, "social": False}


@pytest.mark.parametrize(("value", "expected"), [("yes", (ALL, NONE)), ("no", None), ("Yes", None), ("", None)])
def test_asp_net_has_a_word_for_yes_alone(value: str, expected: tuple[set[str], set[str]] | None) -> None:
    assert told("aspnet", {".AspNet.Consent": value}) == expected


POLICY = json.dumps({"essential": True, "settings": True, "usage": False, "campaigns": "x"})


@pytest.mark.parametrize("value", [POLICY, quote(POLICY), b64encode(POLICY.encode()).decode()])
def test_the_policy_of_gov_uk_is_a_choice_where_another_cookie_says_so(value: str) -> None:
    expected = ({"functional"}, {"analytics", "marketing"})
    assert told("govuk", {"cookies_policy": value, "cookies_preferences_set": "true"}) == expected
    assert told("govuk", {"cookies_policy": value}) is None
    assert told("govuk", {"cookies_policy": value, "seen_cookie_message": "true"}) is None
    for word in ("false", "", b"\xff"):
        assert told("govuk", {"cookies_policy": value, "cookies_preferences_set": word}) is None


@pytest.mark.parametrize("value", ["{}", "[]", "true", "", "e30=", "W10="])
def test_what_is_no_policy_of_gov_uk_is_no_choice(value: str) -> None:
    assert told("govuk", {"cookies_policy": value, "cookies_preferences_set": "true"}) is None
