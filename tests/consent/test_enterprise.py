"""What the cookies of large organisations' platforms do not say, though they look as if they did."""

import json
from urllib.parse import quote

import pytest

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.known import KNOWN
from tests.consent.platforms import ALL, DECIDED, NONE, NOT_REQUIRED, UNDECIDED, base64, choice_of, ids, read

NOBODY = (UNDECIDED, NONE, NONE)
OPAQUE = (State.OPAQUE, NONE, NONE)

# --- OneTrust --------------------------------------------------------------------------------------------------------

EVERY = "groups=C0001:1,C0002:1,C0003:1,C0004:1"


def onetrust(consent: str, closed: str | None = "2025-02-10T13:33:05.000Z") -> dict[str, str]:
    return {"OptanonConsent": consent} | ({} if closed is None else {"OptanonAlertBoxClosed": closed})


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (onetrust(EVERY), (DECIDED, ALL, NONE)),
        (onetrust(f"{EVERY}&AwaitingReconsent=false"), (DECIDED, ALL, NONE)),
        (onetrust(f"{EVERY}&AwaitingReconsent=true"), NOBODY),
        (onetrust(f"{EVERY}&AwaitingReconsent=tru"), NOBODY),
        (onetrust(f"{EVERY}&AwaitingReconsent"), NOBODY),
        (onetrust(f"{EVERY}&AwaitingReconsent=false&AwaitingReconsent=true"), NOBODY),
        (onetrust(EVERY, None), NOBODY),  # the tenant's defaults
        (onetrust(EVERY, ""), NOBODY),
        (onetrust(EVERY, "true"), NOBODY),
        (onetrust(EVERY, "2025-02-10T13%3A33%3A05.000Z"), (DECIDED, ALL, NONE)),
        (onetrust(quote(EVERY, safe="=")), (DECIDED, ALL, NONE)),
        (onetrust(quote(quote(EVERY, safe="="), safe="")), (DECIDED, ALL, NONE)),
        (
            onetrust(f"isGpcEnabled=1&browserGpcFlag=1&{EVERY}"),
            (DECIDED, ALL, NONE),
        ),  # the tenant's rule is in the groups
        (onetrust("groups="), NOBODY),
        (onetrust("version=1"), NOBODY),
        (onetrust("groups"), NOBODY),
        (onetrust("groups=C0002:1,C0004"), NOBODY),
        (onetrust("groups=C0002:1,C0004:"), NOBODY),
        (onetrust("groups=C0002:1,:1"), NOBODY),
        (onetrust("groups=C0002:1,C0004:2"), NOBODY),
        (onetrust("groups=C0002:1,"), NOBODY),
        (onetrust("groups=C0002:1%"), NOBODY),
        (onetrust("groups=" + "C0002:1," * 999 + "C0004:1"), NOBODY),
        (onetrust("groups=C0002:1,C0002:0"), (DECIDED, NONE, ALL)),
        (onetrust("groups=C0004:1,C0005:0,C0002:1"), (DECIDED, {"analytics"}, ALL - {"analytics"})),
        (onetrust("landingPath=https%3A%2F%2Fexample.com%2F%3Fa%26groups%3DC0002%3A1%2CC0004%3A1"), NOBODY),
        (onetrust("landingPath=%26groups%3DC0004%3A1&groups=C0004%3A0"), (DECIDED, NONE, ALL)),
    ],
)
def test_onetrust_needs_a_closed_banner_and_whole_groups(cookies: dict[str, str], expected: object) -> None:
    assert read("onetrust", cookies) == expected


def test_onetrust_ids_are_the_tenants_and_only_the_operator_can_say_what_they_mean() -> None:
    cookies = onetrust("groups=1%3A1%2CC1%3A1%2Cgad%3A1%2CC0015%3A1%2CSTACK42%3A1%2CV2STACK42%3A1&genVendors=V2%3A1%2C")
    assert read("onetrust", cookies) == (DECIDED, NONE, ALL)
    assert ids("onetrust", cookies) == dict.fromkeys(("1", "C1", "gad", "C0015", "STACK42", "V2STACK42"), True)
    mapping = {"onetrust:gad": "marketing", "C0015": "analytics"}
    assert read("onetrust", cookies, mapping) == (DECIDED, ALL - {"functional"}, {"functional"})


def test_onetrust_dates_the_choice_by_the_closed_banner() -> None:
    choice = choice_of("onetrust", onetrust(f"{EVERY}&version=202409.1.0&interactionCount=12"))
    assert choice is not None
    assert (choice.given_at, choice.revision) == (1739194385, None)


# --- Osano, Usercentrics ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("AbCd_-123", OPAQUE),
        ("1", OPAQUE),
        ("", NOBODY),
        ("%7B%22consent%22", NOBODY),
        ('{"consent":{"MARKETING":"ACCEPT"}', NOBODY),
        ('{"consent":[]}', NOBODY),
        ('{"consent":{"OTHER":"MAYBE"}}', NOBODY),
        ('{"consent":{"MARKETING":"ACCEPT","ANALYTICS":"MAYBE"}}', (DECIDED, {"marketing"}, {"analytics"})),
        ('{"MARKETING":"ACCEPT","STORAGE":"DENY"}', (DECIDED, {"marketing"}, NONE)),
        ('{"MARKETING":"ACCEPT","OPT_OUT":"DENY"}', (DECIDED, {"marketing"}, NONE)),
        ('{"MARKETING":"ACCEPT","OPT_OUT":"ACCEPT"}', (DECIDED, NONE, {"marketing"})),
    ],
)
def test_osano_is_opaque_unless_it_is_json(value: str, expected: object) -> None:
    assert read("osano", {"osano_consentmanager": value}) == expected


def test_what_no_server_can_read_says_what_to_do() -> None:
    assert KNOWN["usercentrics"].cookies == ()
    assert choice_of("usercentrics", {}) is None
    for platform in ("osano", "usercentrics"):
        assert "cookies_preferences" in KNOWN[platform].opaque


# --- TrustArc --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gdpr", "preferences", "behaviour", "expected"),
    [
        ("0,1,2:", "2:", "expressed,eu", (DECIDED, {"functional", "marketing"}, {"analytics"})),
        ("0,1,2:", None, None, (DECIDED, {"functional", "marketing"}, {"analytics"})),
        (None, "2:", None, (DECIDED, {"functional", "marketing"}, {"analytics"})),
        (None, "1:", None, (DECIDED, {"functional"}, ALL - {"functional"})),
        (None, "0,2:", None, (DECIDED, {"marketing"}, ALL - {"marketing"})),
        ("0,1,2:", "0:", None, (DECIDED, NONE, ALL)),
        ("0:", "2:", None, (DECIDED, NONE, ALL)),
        ("0,1,2::implied,us", None, None, (NOT_REQUIRED, {"functional", "marketing"}, {"analytics"})),
        (None, "2:", "implied,us", (NOT_REQUIRED, {"functional", "marketing"}, {"analytics"})),
        (None, "0:", "implied,us", (DECIDED, NONE, ALL)),
        ("0,1,2:", None, "expressed,eu", (DECIDED, {"functional", "marketing"}, {"analytics"})),
        ("0,1,2", None, None, NOBODY),
        ("0,1,", None, None, NOBODY),
        (":", None, None, NOBODY),
        ("0,1,x:", None, None, NOBODY),
        ("0,1,999:", None, None, NOBODY),
        ("0,\xb2:", None, None, NOBODY),
        ("0," * 20 + "1:", None, None, NOBODY),
        ("0%2C1%3A", None, None, (DECIDED, {"functional"}, ALL - {"functional"})),
        ("0,1,2:", "x", None, NOBODY),
    ],
)
def test_trustarc_lists_levels_and_both_cookies_have_to_agree(
    gdpr: str | None, preferences: str | None, behaviour: str | None, expected: object
) -> None:
    told = {"notice_gdpr_prefs": gdpr, "notice_preferences": preferences, "notice_behavior": behaviour}
    assert read("trustarc", {name: value for name, value in told.items() if value is not None}) == expected


def test_a_trustarc_level_may_hold_several_categories() -> None:
    mapping = {"1": ["functional", "analytics"], "2": "marketing"}
    assert read("trustarc", {"notice_gdpr_prefs": "0,1:"}, mapping) == (DECIDED, ALL - {"marketing"}, {"marketing"})


# --- Commanders Act --------------------------------------------------------------------------------------------------

TENANT = {"2": "analytics", "commandersact:3": "marketing"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0@007@1,2,3@@1,2,3@sig", (DECIDED, {"analytics", "marketing"}, NONE)),
        ("0@007@1,2@@1,2,3@sig", (DECIDED, {"analytics"}, {"marketing"})),
        ("0@007@@@1,2,3@sig", (DECIDED, NONE, {"analytics", "marketing"})),
        ("0@007@ALL@@1@", (DECIDED, ALL, NONE)),
        ("1@007@ALL@@1@", (DECIDED, NONE, {"analytics", "marketing"})),  # 1 is no, whatever follows
        ("1@007@2,3@@1@", (DECIDED, NONE, {"analytics", "marketing"})),
        ("2@007@2,3@@1@", NOBODY),
        ("@007@2,3@@1@", NOBODY),
        ("0@007@2,3", NOBODY),
        ("0@007@2,3@@1", NOBODY),
        ("0@007@2%25252C3@@1@", NOBODY),
        ("0@007%7C2@2%2C3@@1@", (DECIDED, {"analytics", "marketing"}, NONE)),
    ],
)
def test_commanders_act_counts_yes_as_nought(value: str, expected: object) -> None:
    for form in (value, quote(value, safe="%")):
        assert read("commandersact", {"TC_PRIVACY": form}, TENANT) == expected


def test_commanders_act_dates_the_choice_by_the_first_of_its_times() -> None:
    choice = choice_of("commandersact", {"TC_PRIVACY": "0@7@1@@1714758430157,1730310430157@"})
    assert choice is not None
    assert choice.given_at == 1714758430


# --- Ketch, Securiti, Transcend --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"our_ads": {"status": "granted", "canonicalPurposes": ["behavioral_advertising"]}}, {"marketing"}),
        ({"analytics": {"status": "granted"}}, {"analytics"}),
        ({"analytics": {"status": "granted", "canonicalPurposes": "behavioral_advertising"}}, {"analytics"}),
        ({"a": {"status": "granted", "canonicalPurposes": ["analytics", 5]}}, {"analytics"}),
        (
            {
                "a": {"status": "granted", "canonicalPurposes": ["analytics"]},
                "b": {"status": "denied", "canonicalPurposes": ["analytics"]},
            },
            NONE,
        ),
        ({"a": {"status": "yes", "canonicalPurposes": ["analytics"]}}, NONE),
    ],
)
def test_ketch_hears_the_canonical_purposes_before_the_tenants_keys(document: object, expected: frozenset[str]) -> None:
    state, granted, _ = read("ketch", {"_ketch_consent_v1_": quote(base64(document))})
    assert (state, granted) == (DECIDED, expected)


def test_ketch_needs_a_purpose_and_its_identifier_is_none() -> None:
    for document in ({}, {"analytics": True}, {"analytics": {"legalBasis": "consent_optin"}}, ["analytics"]):
        assert read("ketch", {"_ketch_consent_v1_": base64(document)}) == NOBODY
    assert b"_swb" not in KNOWN["ketch"].cookies
    both = {
        "_ketch_consent_v1_": base64({"analytics": {"status": "granted"}}),
        "_swb_consent_": base64({"analytics": {"status": "denied"}}),
    }
    assert read("ketch", both) == (DECIDED, NONE, {"analytics"})


@pytest.mark.parametrize(
    ("document", "extra", "expected"),
    [
        ({"consents": {"15": 1}}, {}, (DECIDED, {"analytics"}, ALL - {"analytics"})),
        ({"consents": {"15": True, "16": 2}}, {}, (DECIDED, {"analytics"}, ALL - {"analytics"})),
        ({"consents": {"15": 0}}, {}, (DECIDED, NONE, ALL)),
        ({"consents": {}}, {}, (DECIDED, NONE, ALL)),
        ({"consents": {"15": 1}}, {"__privaci_cookie_no_action": "true"}, NOBODY),
        ({"consents": {"15": 1}, "implicit_consent": True}, {}, (NOT_REQUIRED, {"analytics"}, ALL - {"analytics"})),
        ({"consents": [15]}, {}, NOBODY),
        ({}, {}, NOBODY),
    ],
)
def test_securiti_refuses_what_it_does_not_list(document: object, extra: dict[str, str], expected: object) -> None:
    cookies = {"__privaci_cookie_consents": json.dumps(document)} | extra
    assert read("securiti", cookies, {"15": "analytics", "16": "marketing"}) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"purposes": {"Analytics": True, "Functional": "Auto"}, "confirmed": True},
            (DECIDED, {"analytics"}, {"functional"}),
        ),
        ({"purposes": {"Advertising": True, "SaleOfInfo": False}, "confirmed": True}, (DECIDED, NONE, {"marketing"})),
        ({"purposes": {"Analytics": True}, "confirmed": False}, NOBODY),
        ({"purposes": {"Analytics": True}, "confirmed": "true"}, NOBODY),
        ({"purposes": {"Analytics": True}}, NOBODY),
    ],
)
def test_transcend_needs_a_confirmation_and_auto_is_no_answer(document: object, expected: object) -> None:
    assert read("transcend", {"tcm": json.dumps(document)}) == expected
    assert read("transcend", {"tcm": quote(json.dumps(document))}) == expected


@pytest.mark.parametrize(
    "value", ["", "x", "1", "[]", "{}", '{"purposes":["Analytics"],"confirmed":true}', '{"purposes":{']
)
def test_transcend_passes_on_what_others_write_under_its_name(value: str) -> None:
    assert choice_of("transcend", {"tcm": value}) is None
