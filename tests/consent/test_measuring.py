"""What the cookies of tag managers and analytics do not say, though they look as if they did."""

import json
from urllib.parse import quote

import pytest

from tests.consent.platforms import ALL, DECIDED, NONE, UNDECIDED, choice_of, ids, read

NOBODY = (UNDECIDED, NONE, NONE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("consent:true|ts:1654081831053", (DECIDED, ALL, NONE)),
        ("consent:true", (DECIDED, ALL, NONE)),
        ("consent:true|c1:1|c3:0", (DECIDED, {"analytics"}, {"marketing"})),  # the categories say it
        ("ts:1654081831053|c1:1|c2:0", (DECIDED, {"analytics"}, {"marketing"})),
        ("consent:false|c1:1", (DECIDED, NONE, ALL)),
        ("id:abc|consent:true|c15:1", (DECIDED, NONE, NONE)),
        ("consent:true|ts:165408183105", NOBODY),
        ("consent:true|c1:", NOBODY),
        ("consent:true|c1:1|c", NOBODY),
        ("consent:true|c1:1|c2:2", NOBODY),
        ("consent:tru", NOBODY),
        ("consent:true|consent:false", NOBODY),
        ("consent:true|", NOBODY),
        ("ts:1654081831053", NOBODY),
        ("", NOBODY),
    ],
)
def test_tealium_says_it_for_categories_or_for_all(value: str, expected: object) -> None:
    for form in (value, quote(value, safe=":"), quote(quote(value, safe=":"))):
        assert read("tealium", {"CONSENTMGR": form}) == expected


def test_tealium_dates_the_choice_and_keeps_the_tenants_categories() -> None:
    cookies = {"CONSENTMGR": "consent:true|ts:1678332400820|c1:1|c15:0"}
    assert ids("tealium", cookies) == {"c1": True, "c15": False}
    choice = choice_of("tealium", cookies)
    assert choice is not None
    assert choice.given_at == 1678332400


def adobe(**values: str) -> dict[str, str]:
    return {f"kndctr_{org}_AdobeOrg_consent": value for org, value in values.items()}


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (adobe(a="general=in"), (DECIDED, ALL, NONE)),
        (adobe(a="general%3Dout"), (DECIDED, NONE, ALL)),
        (adobe(a="general=in", b="general=out"), (DECIDED, NONE, ALL)),
        (adobe(a="general=in", b="general=pending"), NOBODY),
        (adobe(a="general=i"), NOBODY),
        (adobe(a="in"), NOBODY),
    ],
)
def test_adobe_has_one_purpose_in_each_organisation(cookies: dict[str, str], expected: object) -> None:
    assert read("adobe", cookies) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"custom": {"advertising": True, "functional": False}}, (DECIDED, {"marketing"}, {"functional"})),
        ({"custom": {"advertising": "?"}}, (DECIDED, NONE, {"marketing"})),
        ({"custom": None, "destinations": {"marketing": True}}, (DECIDED, {"marketing"}, NONE)),
        ({"custom": {"marketing": True}, "destinations": {"marketing": False}}, (DECIDED, NONE, {"marketing"})),
        ({"custom": {}, "destinations": {}, "version": 1}, NOBODY),
    ],
)
def test_segment_answers_for_destinations_and_categories(document: object, expected: object) -> None:
    assert read("segment", {"tracking-preferences": quote(json.dumps(document), safe="{}:")}) == expected


@pytest.mark.parametrize("value", ["", "all", "[]", '{"advertising":true}', '{"custom":{"advertising":true}'])
def test_segment_passes_on_what_others_write_under_its_name(value: str) -> None:
    assert choice_of("segment", {"tracking-preferences": value}) is None


def test_segment_keeps_the_destinations_as_ids() -> None:
    document = {"destinations": {"Google Tag Manager": False, "Amplitude": True}}
    assert ids("segment", {"tracking-preferences": json.dumps(document)}) == document["destinations"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"vxcT": True, "aBcD": False}, (DECIDED, {"analytics"}, {"marketing"})),
        ({"vxcT": True, "aBcD": None}, (DECIDED, {"analytics"}, {"marketing"})),
        ({"vxcT": "true"}, NOBODY),
        ({}, NOBODY),
        ([True], NOBODY),
    ],
)
def test_zaraz_ids_and_the_cookies_name_are_the_sites_own(document: object, expected: object) -> None:
    mapping = {"vxcT": "analytics", "zaraz:aBcD": "marketing"}
    for value in (json.dumps(document), quote(json.dumps(document))):
        assert read("zaraz", {"zaraz-consent": value}, mapping) == expected


@pytest.mark.parametrize(
    ("consents", "expected"),
    [
        ({"analytics": {"status": 1}, "remarketing": {"status": 0}}, (DECIDED, {"analytics"}, {"marketing"})),
        ({"analytics": {"status": 1}, "conversion_tracking": {"status": -1}}, (DECIDED, NONE, {"analytics"})),
        ({"analytics": {"status": -1}, "remarketing": {"status": -1}}, NOBODY),
        ({"analytics": {"status": True}}, NOBODY),
        ({"analytics": {"status": "1"}}, NOBODY),
        ({"analytics": 1}, NOBODY),
        ([], NOBODY),
    ],
)
def test_piwik_pro_counts_one_as_yes_and_minus_one_as_nothing(consents: object, expected: object) -> None:
    cookies = {"ppms_privacy_0-1": json.dumps({"visitorId": "0", "consents": consents})}
    assert read("piwikpro", cookies) == expected


def test_piwik_pro_has_one_cookie_for_each_site() -> None:
    cookies = {
        f"ppms_privacy_{site}": quote(json.dumps({"consents": {"analytics": {"status": status}}}))
        for site, status in (("a", 1), ("b", 0))
    }
    assert read("piwikpro", cookies) == (DECIDED, NONE, {"analytics"})


TIME = "1700000000000"


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ({"mtm_consent": TIME}, (DECIDED, {"analytics"}, NONE)),
        ({"mtm_cookie_consent": TIME}, (DECIDED, {"analytics"}, NONE)),
        ({"mtm_consent": TIME, "mtm_consent_removed": TIME}, (DECIDED, NONE, {"analytics"})),
        ({"mtm_consent_removed": ""}, (DECIDED, NONE, {"analytics"})),
        ({"mtm_consent": TIME[:-1]}, NOBODY),
        ({"mtm_consent": "0"}, NOBODY),
        ({"mtm_consent": TIME, "mtm_cookie_consent": "x"}, NOBODY),
    ],
)
def test_matomo_speaks_of_analytics_only(cookies: dict[str, str], expected: object) -> None:
    assert read("matomo", cookies) == expected


def test_matomo_dates_the_choice_by_the_earlier_of_two() -> None:
    choice = choice_of("matomo", {"mtm_consent": "1700000000000", "mtm_cookie_consent": "1600000000000"})
    assert choice is not None
    assert choice.given_at == 1600000000
