"""What the cookies of shops' and sites' makers do not say, though they look as if they did."""

import json
from urllib.parse import quote

import pytest

from tests.consent.platforms import ALL, DECIDED, NONE, NOT_REQUIRED, UNDECIDED, base64, choice_of, ids, read

NOBODY = (UNDECIDED, NONE, NONE)
UNSET = {"a": "", "m": "", "p": "", "s": ""}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"con": {"GDPR": "1"}}, (DECIDED, ALL, NONE)),
        ({"con": {"GDPR": "0"}}, (DECIDED, NONE, ALL)),
        ({"con": {"GDPR": ""}, "lim": ["GDPR"]}, NOBODY),
        ({"con": {"GDPR": 1}}, NOBODY),
        ({"con": {}}, NOBODY),
        ({"con": "1"}, NOBODY),
        ({"con": {"CMP": {"a": "1", "m": "0", "p": "", "s": ""}}}, (DECIDED, {"analytics"}, {"marketing"})),
        ({"con": {"CMP": UNSET | {"a": "1"}}, "purposes": {"m": True}}, (DECIDED, {"analytics"}, NONE)),
        ({"con": {"CMP": UNSET}, "purposes": {"a": True, "m": False}}, (NOT_REQUIRED, {"analytics"}, {"marketing"})),
        ({"con": {"CMP": UNSET}, "purposes": {"a": False, "m": False}}, NOBODY),
        ({"con": {"CMP": UNSET}}, NOBODY),
        ({"con": {"CMP": UNSET}, "purposes": [True]}, NOBODY),
        ({"con": {"CMP": {"a": True}}}, NOBODY),
    ],
)
def test_shopify_tells_what_was_said_from_what_the_region_allows(document: object, expected: object) -> None:
    for value in (json.dumps(document), quote(json.dumps(document))):
        assert read("shopify", {"_tracking_consent": value}) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3.AMPS_USVA_f_f_x-1", (NOT_REQUIRED, ALL, NONE)),
        ("3.A_DE_t_f_x", (NOT_REQUIRED, {"analytics"}, ALL - {"analytics"})),
        ("3._DE_t_f_x", NOBODY),
        ("3.AMPX_DE_t_f_x", NOBODY),
        ("3.AMPS_DE_t", NOBODY),
        ("4.AMPS_USVA_f_f_x", NOBODY),
        ("3.AMPS_USVA_f_f_x;", NOBODY),
    ],
)
def test_shopifys_third_version_lists_what_is_allowed(value: str, expected: object) -> None:
    assert read("shopify", {"_tracking_consent": value}) == expected


@pytest.mark.parametrize(
    ("status", "preferences", "expected"),
    [
        ("allow", 0, (DECIDED, ALL, NONE)),
        ("accept", 0, (DECIDED, ALL, NONE)),
        ("allow", -1, (DECIDED, NONE, ALL)),
        ("allow", 6, (DECIDED, {"functional"}, {"analytics", "marketing"})),
        ("allow", 8, (DECIDED, ALL, NONE)),
        ("deny", 0, (DECIDED, NONE, ALL)),
        ("dismiss", 0, NOBODY),
        (None, 0, NOBODY),
        ("allow", None, NOBODY),
        ("allow", "0", NOBODY),
        ("allow", False, NOBODY),
        ("allow", -2, NOBODY),
        ("allow", 2**64, NOBODY),
    ],
)
def test_pandectes_adds_up_what_was_refused(status: object, preferences: object, expected: object) -> None:
    document = {"status": status, "preferences": preferences, "timestamp": 1724345013}
    assert read("pandectes", {"_pandectes_gdpr": base64(document)}) == expected


def test_pandectes_ids_are_what_they_add() -> None:
    cookies = {"_pandectes_gdpr": base64({"status": "allow", "preferences": 2, "timestamp": 1724345013})}
    assert ids("pandectes", cookies) == {"1": True, "2": False, "4": True}
    choice = choice_of("pandectes", cookies)
    assert choice is not None
    assert choice.given_at == 1724345013


@pytest.mark.parametrize(
    ("document", "expected", "given_at"),
    [
        ({"adv": 1, "dt3": 0, "ts": 28815767}, (DECIDED, NONE, {"marketing"}), 1728946020),
        ({"adv": 1, "dt3": 1, "func": 2, "anl": True}, (DECIDED, {"marketing", "analytics"}, {"functional"}), None),
        ({"adv": 1, "ts": "28815767"}, (DECIDED, {"marketing"}, NONE), None),
    ],
)
def test_wix_counts_minutes_and_third_parties_are_an_answer_of_their_own(
    document: object, expected: object, given_at: int | None
) -> None:
    cookies = {"consent-policy": quote(json.dumps(document))}
    assert read("wix", cookies) == expected
    choice = choice_of("wix", cookies)
    assert choice is not None
    assert choice.given_at == given_at


@pytest.mark.parametrize("value", ["", "accepted", "1", "[]", '{"ts":28815767}', '{"functional":true}', '{"adv":1'])
def test_wix_passes_on_what_others_write_under_its_name(value: str) -> None:
    assert choice_of("wix", {"consent-policy": value}) is None


@pytest.mark.parametrize(
    ("preferences", "opt_out", "expected"),
    [
        ("1:true_2:false_3:true", None, (DECIDED, ALL - {"marketing"}, {"marketing"})),
        ("1:true,2:false,3:true", None, (DECIDED, ALL - {"marketing"}, {"marketing"})),
        ("1:true%2C2:false", None, (DECIDED, {"analytics"}, {"marketing"})),
        ("1:true", None, (DECIDED, {"analytics"}, NONE)),
        ("1:true_2:tru", None, NOBODY),
        ("1:true_2", None, NOBODY),
        ("1:true_", None, NOBODY),
        ("", None, NOBODY),
        (None, "yes", (DECIDED, NONE, ALL)),
        (None, "no", (DECIDED, ALL, NONE)),
        (None, "y", NOBODY),
        ("1:true_2:true_3:true", "yes", (DECIDED, NONE, ALL)),
        ("1:true_2:false", "no", (DECIDED, {"analytics"}, {"marketing"})),
    ],
)
def test_hubspot_knows_two_joints_and_an_opt_out(
    preferences: str | None, opt_out: str | None, expected: object
) -> None:
    told = {"__hs_cookie_cat_pref": preferences, "__hs_opt_out": opt_out}
    assert read("hubspot", {name: value for name, value in told.items() if value is not None}) == expected
