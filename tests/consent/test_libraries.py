"""Banners from npm: what is a choice, what is none, and what each calls its own."""

import json
from urllib.parse import quote

import pytest

from gatekeeper.consent.choice import State
from tests.consent.told import ALL, NONE, native, read, told


def cc_cookie(**keys: object) -> str:
    return quote(json.dumps(keys))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (cc_cookie(categories=["marketing", "necessary"]), ({"marketing"}, {"functional", "analytics"})),
        (cc_cookie(categories=["ads", "statistics"]), ({"marketing", "analytics"}, {"functional"})),
        (cc_cookie(categories=["funzionalita"]), (NONE, ALL)),
        (cc_cookie(categories=[]), (NONE, ALL)),
        (cc_cookie(level=["analytics"]), ({"analytics"}, {"functional", "marketing"})),
        (cc_cookie(categories=["necessary"], level=["analytics"]), (NONE, ALL)),
        (cc_cookie(level='["analytics"]'), ({"analytics"}, {"functional", "marketing"})),
        (cc_cookie(level="analytics"), None),
        (cc_cookie(level='{"analytics":true}'), None),
        (cc_cookie(categories=["analytics", 1]), None),
        (cc_cookie(categories={"analytics": True}), None),
        (cc_cookie(revision=1), None),
        ('["analytics"]', None),
        ("analytics", None),
        ("", None),
    ],
)
def test_cc_cookie_grants_the_categories_that_it_lists_in_any_order(
    value: str, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("cc_cookie", {"cc_cookie": value}) == expected


def test_a_sites_own_category_of_cc_cookie_is_granted_where_it_is_mapped() -> None:
    value = cc_cookie(level=["necessary", "funzionalita"])
    expected = ({"functional"}, {"analytics", "marketing"})
    assert told("cc_cookie", {"cc_cookie": value}, {"funzionalita": "functional"}) == expected


def test_cc_cookie_keeps_its_services_apart_from_its_categories() -> None:
    services = {"analytics": ["matomo", "marketing"], "marketing": ["ads"], "other": "text", "odd": [1, None, ["x"]]}
    value = cc_cookie(categories=["analytics"], services=services)
    assert native("cc_cookie", {"cc_cookie": value}) == {
        "analytics": True,
        "analytics.matomo": True,
        "analytics.marketing": True,
        "marketing.ads": False,
        "odd.1": False,
    }
    assert told("cc_cookie", {"cc_cookie": value}) == ({"analytics"}, {"functional", "marketing"})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("analytics.matomo", (NONE, ALL)),  # left out of a list that is there: refused
        ("Analytics.Matomo", (NONE, ALL)),
        ("analytics.GA", ({"analytics"}, {"functional", "marketing"})),
        ("marketing.ads", (NONE, ALL)),
        ("functional.theme", ({"analytics"}, {"functional", "marketing"})),  # of no list: not said
        ("analytics", ({"analytics"}, {"functional", "marketing"})),
        ("matomo", ({"analytics"}, {"functional", "marketing"})),
    ],
)
def test_a_service_that_cc_cookie_leaves_out_was_refused(asked: str, expected: tuple[set[str], set[str]]) -> None:
    value = cc_cookie(categories=["analytics"], services={"analytics": ["ga"], "marketing": [], "functional": "theme"})
    mapping = {f"cc_cookie:{asked}": "analytics"}
    assert told("cc_cookie", {"cc_cookie": value}, mapping) == expected
    without_services = cc_cookie(categories=["analytics"])
    assert told("cc_cookie", {"cc_cookie": without_services}, mapping) == ({"analytics"}, {"functional", "marketing"})


@pytest.mark.parametrize(
    ("keys", "given_at", "revision"),
    [
        ({"lastConsentTimestamp": "2026-11-23T15:01:57.954Z", "consentTimestamp": "2020-01-01"}, 1795446117, None),
        ({"lastConsentTimestamp": None, "consentTimestamp": "1970-01-02T00:00:00Z"}, 86400, None),
        ({"last_consent_update": "1970-01-02T00:00:00Z", "consent_date": "1970-01-01T00:00:00Z"}, 86400, None),
        ({"consent_date": "yesterday", "revision": 3}, None, 3),
        ({"revision": 0}, None, None),
        ({"revision": -1}, None, None),
        ({"revision": 1.5}, None, None),
        ({"revision": "x"}, None, None),
        ({}, None, None),
    ],
)
def test_cc_cookie_tells_when_and_for_which_revision(
    keys: dict[str, object], given_at: int | None, revision: int | None
) -> None:
    choice = read("cc_cookie", {"cc_cookie": cc_cookie(categories=["necessary"], **keys)})
    assert choice is not None
    assert (choice.given_at, choice.revision) == (given_at, revision)


@pytest.mark.parametrize(
    ("value", "answers"),
    [
        ('{"matomo":true,"klaro":true,"ads":false}', {"matomo": True, "klaro": True, "ads": False}),
        ('{"matomo":true,"youtube":"x","maps":1}', {"matomo": True, "youtube": False, "maps": False}),
    ],
)
def test_klaro_knows_services_which_have_to_be_mapped(value: str, answers: dict[str, bool]) -> None:
    assert native("klaro", {"klaro": value}) == answers
    granted, _ = told("klaro", {"klaro": value}) or (ALL, NONE)
    assert granted == NONE
    mapped = told("klaro", {"klaro": value}, {"klaro:matomo": "analytics", "youtube": "functional"})
    assert mapped is not None
    assert mapped[0] == {"analytics"}


@pytest.mark.parametrize("value", ["{}", '{"matomo":"yes"}', '{"matomo":{"consent":true}}', "[]", "true", "matomo", ""])
def test_what_klaro_never_writes_is_no_choice(value: str) -> None:
    assert told("klaro", {"klaro": value}, {"matomo": "analytics"}) is None


def test_klaro_tells_no_time_and_no_revision() -> None:
    choice = read("klaro", {"klaro": '{"matomo":true,"revision":false}'})
    assert choice is not None
    assert (choice.given_at, choice.revision) == (None, None)


TARTEAUCITRON = {"youtube": "functional", "gtag": "analytics", "matomo": "analytics"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!youtubeplaylist=true", (NONE, NONE)),
        ("!youtube=false!youtubeplaylist=true", (NONE, {"functional"})),
        ("!gtag=true!matomo=false", (NONE, {"analytics"})),
        ("!gtag=true!matomo=wait", None),
        ("!matomo=true!gtag=wait!youtube=wait", None),
        ("!matomo=false!gtag=wait!youtube=true", (NONE, {"analytics"})),
        ("!gtag=true!matomo=tru", (NONE, {"analytics"})),
        ("!gtag=true!youtube=wait", None),
        ("!gtag=true!youtube=false", ({"analytics"}, {"functional"})),
        ("%21gtag%3Dtrue", ({"analytics"}, NONE)),
        ("!gtag=wait", None),
        ("!gtag=true!gtag=false", None),
        ("!gtag=true!", None),
        ("!gtag", None),
        ("!", None),
        ("gtag=true", None),
        ("true", None),
        ("", None),
    ],
)
def test_tarteaucitron_answers_for_each_service_by_its_whole_name(
    value: str, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("tarteaucitron", {"tarteaucitron": value}, TARTEAUCITRON) == expected


@pytest.mark.parametrize(
    ("status", "disabled", "expected"),
    [
        ("allow", None, (ALL, NONE)),
        ("deny", None, (NONE, ALL)),
        ("dismiss", None, None),
        ("non_gdpr", None, None),
        ("non_gdpr", "analytics", None),
        ("analytics,marketing", None, None),
        ("ALLOW", None, None),
        ("", None, None),
        ("allow", "", (ALL, NONE)),
        ("allow", "marketing", ({"functional", "analytics"}, {"marketing"})),
        ("allow", "analytics%2Cfunctionality", ({"marketing"}, {"functional", "analytics"})),
        ("allow", '"analytics"', ({"functional", "marketing"}, {"analytics"})),
        ("allow", "strict", (ALL, NONE)),
        ("allow", "something", None),
        ("allow", "analytics,something", None),
        ("allow", b"\xff", None),
        ("deny", "analytics", (NONE, ALL)),
        ("dismiss", "analytics", None),
    ],
)
def test_cookieconsent_status_is_a_word_and_consentmos_list_refuses(
    status: str, disabled: str | bytes | None, expected: tuple[set[str], set[str]] | None
) -> None:
    cookies: dict[str, str | bytes] = {"cookieconsent_status": status}
    if disabled is not None:
        cookies["cookieconsent_preferences_disabled"] = disabled
    assert told("cookieconsent_status", cookies) == expected


ABOUT = "i.t:1700000000000,i.sid:sub_1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"c.functionality:1,c.experience:1,{ABOUT}", ({"functional"}, {"analytics", "marketing"})),
        (f"c.functionality:1,{ABOUT}", (NONE, ALL)),
        (f"c.experience:1,{ABOUT}", (NONE, ALL)),
        (f"c.measurement:1,c.marketing:0,{ABOUT}", ({"analytics"}, {"functional", "marketing"})),
        (f"c.marketing:true,{ABOUT}", (NONE, ALL)),
        (f"c.other:1,{ABOUT}", (NONE, ALL)),
        (ABOUT, (NONE, ALL)),
        (quote(f"c.marketing:1,{ABOUT}"), ({"marketing"}, {"functional", "analytics"})),
        ("c.marketing:1,i.t:1700000000000", None),
        ("c.marketing:1,i.t:1700000000000,i.sid:", None),
        ("c.marketing:1,i.t:1700000000000,i.id:1", None),
        ("c.marketing:1,i.sid:sub_1", None),
        ("c.marketing:1,i.t:now,i.sid:sub_1", None),
        (f"c.marketing:1,c.marketing:0,{ABOUT}", None),
        (f"c.marketing,{ABOUT}", None),
        ("marketing:1", None),
        ('{"marketing":true}', None),
        ("", None),
    ],
)
def test_c15t_leaves_out_the_purposes_that_were_refused(value: str, expected: tuple[set[str], set[str]] | None) -> None:
    assert told("c15t", {"c15t": value}) == expected
    assert told("c15t", {"privacy-consent-storage": value}) == expected


def test_the_new_name_of_c15t_goes_before_the_old_one() -> None:
    cookies: dict[str, str | bytes] = {"c15t": ABOUT, "privacy-consent-storage": f"c.marketing:1,{ABOUT}"}
    choice = read("c15t", cookies)
    assert choice is not None
    assert (choice.state, choice.granted, choice.given_at) == (State.DECIDED, NONE, 1700000000)
