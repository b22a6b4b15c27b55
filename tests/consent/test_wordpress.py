"""What WordPress plugins write: Complianz, the WP Consent API, Borlabs, Moove, Real Cookie Banner, Cookie Notice."""

import json
from urllib.parse import quote

import pytest

from gatekeeper.consent.choice import State
from tests.consent.told import ALL, NONE, native, read, told

Cookies = dict[str, str | bytes]


def complianz(prefix: str = "cmplz_", **values: str) -> Cookies:
    return {f"{prefix}{name.replace('_', '-')}": value for name, value in values.items()}


@pytest.mark.parametrize("prefix", ["cmplz_", "cmplz_rt_"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"banner_status": "dismissed", "marketing": "allow"}, ({"marketing"}, {"functional", "analytics"})),
        ({"banner_status": "dismissed", "functional": "allow"}, (NONE, ALL)),
        ({"banner_status": "dismissed", "preferences": "allow"}, ({"functional"}, {"analytics", "marketing"})),
        ({"banner_status": "dismissed", "marketing": "yes"}, (NONE, ALL)),
        ({"banner_status": "show", "marketing": "allow"}, None),
        ({"banner_status": "", "marketing": "allow"}, None),
        ({"marketing": "allow"}, None),
        ({"banner_status": "dismissed"}, None),
    ],
)
def test_complianz_is_a_choice_once_its_banner_was_dismissed(
    prefix: str, values: dict[str, str], expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("complianz", complianz(prefix, **values)) == expected


def test_of_two_sites_of_a_network_complianz_refuses_what_either_does() -> None:
    first = complianz(banner_status="dismissed", marketing="allow", statistics="allow")
    second = complianz("cmplz_rt_", banner_status="dismissed", marketing="allow", statistics="deny")
    assert told("complianz", first | second) == ({"marketing"}, {"functional", "analytics"})
    choice = read("complianz", second | complianz(marketing="allow"))
    assert choice is not None
    assert (choice.state, choice.granted, choice.refused) == (State.UNDECIDED, NONE, {"functional", "analytics"})


def test_complianz_tells_its_policy_and_the_services_that_were_let_in_one_by_one() -> None:
    cookies = complianz(banner_status="dismissed", marketing="deny") | {
        "cmplz_policy_id": "35",
        "cmplz_consented_services": '{"youtube":true,"marketing":true,"maps":false,"odd":"x"}',
    }
    assert native("complianz", cookies) == {
        "marketing": False,
        "service.youtube": True,
        "service.marketing": True,
        "service.maps": False,
        "service.odd": False,
    }
    assert told("complianz", cookies) == (NONE, ALL)
    choice = read("complianz", cookies)
    assert choice is not None
    assert choice.revision == 35


@pytest.mark.parametrize("odd", ["", "x", "[]", b"\xff", "-1", "9" * 30])
def test_what_complianz_adds_does_not_undo_the_choice(odd: str | bytes) -> None:
    cookies: Cookies = {"cmplz_banner-status": "dismissed", "cmplz_statistics": "allow"}
    companions: Cookies = {"cmplz_policy_id": odd, "cmplz_consented_services": odd}
    assert told("complianz", cookies | companions) == ({"analytics"}, {"functional", "marketing"})
    choice = read("complianz", cookies | companions)
    assert choice is not None
    assert choice.revision is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"functional": "allow"}, (NONE, ALL)),
        ({"statistics-anonymous": "allow"}, (NONE, ALL)),
        ({"statistics": "allow", "statistics-anonymous": "deny"}, ({"analytics"}, {"functional", "marketing"})),
        ({"preferences": "allow", "marketing": "denied"}, ({"functional"}, {"analytics", "marketing"})),
    ],
)
def test_the_wp_consent_api_refuses_what_it_does_not_name(
    values: dict[str, str], expected: tuple[set[str], set[str]]
) -> None:
    assert told("wp-consent-api", {f"wp_consent_{name}": value for name, value in values.items()}) == expected


def test_anonymous_statistics_of_the_wp_consent_api_are_what_the_operator_says() -> None:
    cookies: Cookies = {
        "wp_consent_statistics-anonymous": "allow",
        "wp_consent_statistics": "allow",
        "wp_consent_consented_services": '{"youtube":true}',
    }
    expected = ({"functional", "analytics"}, {"marketing"})
    assert told("wp-consent-api", cookies, {"statistics-anonymous": "functional"}) == expected
    assert native("wp-consent-api", cookies)["service.youtube"] is True


def borlabs(consents: object, **more: object) -> Cookies:
    return {"borlabs-cookie": quote(json.dumps({"consents": consents, **more}))}


@pytest.mark.parametrize(
    ("consents", "expected"),
    [
        ({"statistics": ["matomo"]}, ({"analytics"}, {"functional", "marketing"})),
        ({"external-media": ["youtube"]}, ({"functional"}, {"analytics", "marketing"})),
        ({"external-media": ["youtube"], "preferences": []}, (NONE, ALL)),
        ({"statistics": [], "marketing": "all"}, (NONE, ALL)),
        ({"essential": ["borlabs-cookie", "marketing"]}, (NONE, ALL)),
        ({}, (NONE, ALL)),
        (["statistics"], None),
        (None, None),
    ],
)
def test_borlabs_grants_the_groups_of_which_something_was_accepted(
    consents: object, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("borlabs", borlabs(consents)) == expected


def test_borlabs_keeps_services_apart_and_tells_its_version_as_text_or_number() -> None:
    consents = {"marketing": ["facebook-pixel"], "statistics": []}
    assert native("borlabs", borlabs(consents)) == {
        "marketing": True,
        "marketing.facebook-pixel": True,
        "statistics": False,
    }
    for version, revision in (("2", 2), (3, 3), ("0", None), ("x", None), (None, None), ([1], None)):
        choice = read("borlabs", borlabs(consents, version=version, domainPath="example.org/blog/"))
        assert choice is not None
        assert choice.revision == revision


@pytest.mark.parametrize("value", ["[]", "{}", "1", ""])
def test_what_has_no_consents_is_not_of_borlabs(value: str) -> None:
    assert told("borlabs", {"borlabs-cookie": value}) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"strict": "1", "thirdparty": "1", "advanced": "0"}, ({"analytics"}, {"marketing"})),
        ({"strict": 1, "thirdparty": True, "advanced": "no"}, ({"analytics"}, {"marketing"})),
        ({"thirdparty": "1", "performance": "0", "preference": "1"}, ({"functional"}, {"analytics"})),
        ({"advanced": "x", "thirdparty": None}, (NONE, {"analytics", "marketing"})),
        ({"strict": "1"}, (NONE, NONE)),
        ({"version": "1"}, None),
        ({}, None),
        (["thirdparty"], None),
    ],
)
def test_moove_has_five_switches(value: object, expected: tuple[set[str], set[str]] | None) -> None:
    assert told("moove", {"moove_gdpr_popup": json.dumps(value)}) == expected


def test_the_labels_of_moove_are_the_sites_own() -> None:
    cookies: Cookies = {"moove_gdpr_popup": '{"thirdparty":"1","advanced":"0","version":"4"}'}
    said = told("moove", cookies, {"moove:thirdparty": "marketing", "moove:advanced": "analytics"})
    assert said == ({"marketing"}, {"analytics"})
    choice = read("moove", cookies)
    assert choice is not None
    assert choice.revision == 4


NAME = "real_cookie_banner-v:3_blog:1_path:d41d8cd"
HASH = "0123456789abcdef" * 2
UUID = "00000000-0000-0000-0000-000000000000"
GROUPS = {"5": "necessary", "7": "analytics", "9": "marketing"}


def banner(groups: str, time: str = "1700000000", ids: str = UUID) -> str:
    return f"{time}:{ids}:{HASH}:{groups}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (banner('{"5":[1],"7":[2]}'), ({"analytics"}, {"marketing"})),
        (banner(quote('{"5":[1],"7":[2]}')), ({"analytics"}, {"marketing"})),
        (quote(banner('{"5":[1],"7":[2]}'), safe=""), ({"analytics"}, {"marketing"})),
        (banner('{"5":[1],"7":[]}'), (NONE, {"analytics", "marketing"})),
        (banner('{"5":[1],"7":true}'), (NONE, {"analytics", "marketing"})),
        (banner('{"9":[3]}', ids=f"{UUID},{UUID}"), ({"marketing"}, {"analytics"})),
        (banner("{}"), (NONE, {"analytics", "marketing"})),
        (banner('{"7":[2]'), None),
        (banner("[7]"), None),
        (banner("7"), None),
        (banner('{"7":[2]}', time="now"), None),
        (banner('{"7":[2]}', ids=""), None),
        (banner('{"7":[2]}', ids="," * 9), None),
        ('{"7":[2]}', None),
        ("1", None),
        ("", None),
    ],
)
def test_real_cookie_banner_knows_groups_by_their_numbers(
    value: str, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("realcookiebanner", {NAME: value}, GROUPS) == expected


def test_real_cookie_banner_keeps_its_ids_and_its_time() -> None:
    cookies: Cookies = {NAME: banner('{"5":[1],"7":[2,3],"9":[]}')}
    choice = read("realcookiebanner", cookies)
    assert choice is not None
    assert (choice.granted, choice.refused, choice.given_at) == (NONE, NONE, 1700000000)
    assert native("realcookiebanner", cookies) == {
        "5": True,
        "5.1": True,
        "7": True,
        "7.2": True,
        "7.3": True,
        "9": False,
    }


def test_real_cookie_banner_may_come_for_several_paths_and_beside_others_of_its_beginning() -> None:
    first, second = banner('{"7":[2],"9":[3]}'), banner('{"7":[2]}', time="1600000000")
    cookies: Cookies = {NAME: first, f"{NAME}2": second, "real_cookie_banner-test": "1"}
    assert told("realcookiebanner", cookies, GROUPS) == ({"analytics"}, {"marketing"})
    choice = read("realcookiebanner", cookies, GROUPS)
    assert choice is not None
    assert choice.given_at == 1600000000
    assert told("realcookiebanner", {"real_cookie_banner-test": "1"}, GROUPS) is None


@pytest.mark.parametrize(
    ("word", "hu", "expected"),
    [
        ("true", None, (ALL, NONE)),
        ("false", None, (NONE, ALL)),
        ("TRUE", None, None),
        ("1", None, None),
        ("", None, None),
        (None, {"consent": True, "categories": {"1": True, "3": True, "4": False}}, ({"analytics"}, {"marketing"})),
        (None, {"consent": True, "categories": {"2": "x"}}, (NONE, {"functional"})),
        (None, {"consent": True}, (NONE, NONE)),
        (None, {"consent": False, "categories": {"3": True}}, (NONE, ALL)),
        (None, {"consent": "true", "categories": {"3": True}}, None),
        (None, {"categories": {"3": True}}, None),
        (None, [True], None),
        ("true", {"consent": True, "categories": {"3": True, "4": False}}, ({"analytics"}, {"marketing"})),
        ("true", {"consent": False}, (NONE, ALL)),
        ("true", {}, None),
        ("false", {"consent": True, "categories": {"3": True}}, (NONE, ALL)),
    ],
)
def test_cookie_notice_is_a_word_or_four_levels_and_a_no_outweighs(
    word: str | None, hu: object, expected: tuple[set[str], set[str]] | None
) -> None:
    cookies: Cookies = {}
    if word is not None:
        cookies["cookie_notice_accepted"] = word
    if hu is not None:
        cookies["hu-consent"] = quote(json.dumps(hu))
    assert told("cookienotice", cookies) == expected
