"""What each banner service's cookies do not say, though they look as if they did."""

import json
from urllib.parse import quote

import pytest

from tests.consent.platforms import ALL, DECIDED, NONE, NOT_REQUIRED, UNDECIDED, base64, choice_of, ids, read

NOBODY = (UNDECIDED, NONE, NONE)

# --- Cookiebot -------------------------------------------------------------------------------------------------------

FLAGS = "necessary:true,preferences:true,statistics:true,marketing:true"


def cookiebot(value: str) -> dict[str, str]:
    return {"CookieConsent": value}


@pytest.mark.parametrize(
    "value",
    ["mandatory", "mandatory|marketing", "only_necessary", "true", "1", "", "{}", '{"necessary":true}', "{a:b}"],
)
def test_cookiebot_passes_on_what_others_write_under_its_name(value: str) -> None:
    assert choice_of("cookiebot", cookiebot(value)) is None
    assert choice_of("cookiebot", cookiebot(quote(value, safe=""))) is None


@pytest.mark.parametrize(
    ("value", "state", "granted"),
    [
        (f"{{stamp:'x+/=',{FLAGS},method:'explicit',ver:1,utc:1757948109464,region:'dk'}}", DECIDED, ALL),
        (f"{{stamp:'x',{FLAGS}}}", DECIDED, ALL),
        (f"{{{FLAGS},iab2:'CP,x',gacm:'1~1.2',stamp:'x',}}", DECIDED, ALL),
        (f"{{stamp:'x',{FLAGS},method:'implied'}}", NOT_REQUIRED, ALL),
        (f"{{stamp:'-1',{FLAGS}}}", NOT_REQUIRED, ALL),
        (f"{{stamp:'0',{FLAGS},method:'explicit'}}", DECIDED, NONE),
        ("{stamp:'x',necessary:true,marketing:true}", DECIDED, {"marketing"}),
    ],
)
def test_cookiebot_says_who_chose_and_whether(value: str, state: object, granted: frozenset[str]) -> None:
    for form in (value, quote(value), quote(value, safe="{}:+/=")):
        assert read("cookiebot", cookiebot(form)) == (state, granted, ALL - granted)


@pytest.mark.parametrize(
    "value",
    [
        f"{{stamp:'x',{FLAGS},method:'other'}}",
        f"{{stamp:'x',{FLAGS},marketing:false}}",
        f"{{stamp:'x',{FLAGS.replace('true', 'maybe')}}}",
        f"{{stamp:'x',{FLAGS},method:'explicit'",
        f"{{stamp:'x',{FLAGS},ver:12",
        f"{{stamp:'x,{FLAGS}}}",
        f"{{stamp:'x',{FLAGS},'quoted':true}}",
        f"{{stamp:'x',{FLAGS}," + "a:1," * 2000 + "}",
    ],
)
def test_cookiebots_own_value_that_is_not_as_it_writes_it_is_undecided(value: str) -> None:
    assert read("cookiebot", cookiebot(value)) == NOBODY


def test_cookiebot_dates_the_choice_and_its_version_is_no_revision() -> None:
    choice = choice_of("cookiebot", cookiebot(f"{{stamp:'x',{FLAGS},ver:7,utc:1757948109464}}"))
    assert choice is not None
    assert (choice.given_at, choice.revision) == (1757948109, None)


# --- CookieYes and FAZ -----------------------------------------------------------------------------------------------

YES = "necessary:yes,functional:yes,analytics:yes,performance:yes,advertisement:yes"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"consent:no,action:yes,{YES}", (DECIDED, ALL, NONE)),  # action is not an answer, and nor is consent
        (f"consent:yes,action:yes,{YES},other:no", (DECIDED, ALL - {"marketing"}, {"marketing"})),
        ("consent:yes,action:yes,analytics:yes,performance:no", (DECIDED, NONE, {"analytics"})),
        (f"consent:yes,action:no,{YES}", (NOT_REQUIRED, ALL, NONE)),
        (f"consent:no,action:no,{YES}", NOBODY),
        (f"consent:yes,action:,{YES}", NOBODY),
        (f"consent:yes,{YES}", NOBODY),
        (f"consent:yes,action:yes,{YES},other:", NOBODY),
        (f"consent:yes,action:yes,{YES},other:n", NOBODY),
        (f"consent:yes,action:yes,{YES},othe", NOBODY),
        (f"consent:yes,action:yes,{YES},", NOBODY),
        (f"consent:yes,action:yes,{YES},analytics:yes", NOBODY),
        (f"lastRenewedDate:1716200000000,consent:yes,action:yes,{YES}", (DECIDED, ALL, NONE)),
    ],
)
def test_cookieyes_says_whether_anybody_acted_and_what_they_answered(value: str, expected: object) -> None:
    assert read("cookieyes", {"cookieyes-consent": value}) == expected
    assert read("cookieyes", {"cookieyes-consent": quote(value)}) == expected


def test_cookieyes_keeps_a_sites_own_categories() -> None:
    told = ids("cookieyes", {"cookieyes-consent": "consentid:x,consent:yes,action:yes,necessary:yes,chat:yes,map:no"})
    assert told == {"necessary": True, "chat": True, "map": False}


def test_faz_tells_its_services_and_its_revision() -> None:
    cookies = {"fazcookie-consent": "consentid:0,action:yes,marketing:yes,rev:12,svc.ga:no,ck.ga._ga:no"}
    assert ids("faz", cookies) == {"marketing": True, "svc.ga": False, "ck.ga._ga": False}
    choice = choice_of("faz", cookies)
    assert choice is not None
    assert choice.revision == 12


# --- WebToffee -------------------------------------------------------------------------------------------------------


def boxes(**answers: str) -> dict[str, str]:
    return {f"cookielawinfo-checkbox-{name.replace('_', '-')}": answer for name, answer in answers.items()}


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (boxes(necessary="yes", analytics="yes"), NOBODY),  # they are there before anybody chose
        (boxes(analytics="yes") | {"viewed_cookie_policy": "maybe"}, NOBODY),
        (boxes(analytics="yes") | {"viewed_cookie_policy": "yes"}, (DECIDED, {"analytics"}, ALL - {"analytics"})),
        (boxes(analytics="yes") | {"viewed_cookie_policy": "no"}, (DECIDED, NONE, ALL)),
        (boxes(analytics="y") | {"viewed_cookie_policy": "yes"}, NOBODY),
        (boxes(non_necessary="yes") | {"viewed_cookie_policy": "yes"}, (DECIDED, ALL, NONE)),
        (boxes(non_necessary="no") | {"viewed_cookie_policy": "yes"}, (DECIDED, NONE, ALL)),
        ({"viewed_cookie_policy": "yes"}, (DECIDED, NONE, ALL)),
        ({"viewed_cookie_policy": "no"}, (DECIDED, NONE, ALL)),
        ({"viewed_cookie_policy": "ye"}, NOBODY),
        ({"CookieLawInfoConsent": base64({"ver": "1"})}, NOBODY),
        ({"CookieLawInfoConsent": base64({"analytics": 1})}, (DECIDED, NONE, ALL)),
        ({"CookieLawInfoConsent": "e30"}, NOBODY),
        ({"CookieLawInfoConsent": base64({"analytics": True}), "viewed_cookie_policy": "ye"}, NOBODY),
        ({"CookieLawInfoConsent": base64({"analytics": True}), "viewed_cookie_policy": "no"}, (DECIDED, NONE, ALL)),
        ({"CookieLawInfoConsent": base64({"analytics": True})} | boxes(analytics="no"), (DECIDED, NONE, ALL)),
        # Boxes of categories that the site no longer has.
        ({"CookieLawInfoConsent": base64({"non-necessary": False})} | boxes(analytics="yes"), (DECIDED, NONE, ALL)),
        ({"CookieLawInfoConsent": "garbage!"} | boxes(analytics="yes") | {"viewed_cookie_policy": "yes"}, NOBODY),
    ],
)
def test_webtoffee_needs_a_choice_and_hears_all_its_cookies(cookies: dict[str, str], expected: object) -> None:
    assert read("webtoffee", cookies) == expected


# --- CookieScript, CookieFirst, Cookie Information -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"action": "accept", "categories": '["targeting","strict"]'}, (DECIDED, {"marketing"}, ALL - {"marketing"})),
        ({"action": "accept", "categories": ["targeting"]}, (DECIDED, {"marketing"}, ALL - {"marketing"})),
        ({"action": "accept"}, (DECIDED, NONE, ALL)),
        ({"action": "reject", "categories": ["targeting"]}, (DECIDED, NONE, ALL)),
        ({"action": "accept", "categories": '["targeting"'}, NOBODY),
        ({"bannershown": 1, "categories": ["targeting"]}, NOBODY),
        ({"action": "accepted", "categories": ["targeting"]}, NOBODY),
        (["accept"], NOBODY),
    ],
)
def test_cookiescript_lists_what_was_granted_where_something_was(document: object, expected: object) -> None:
    assert read("cookiescript", {"CookieScriptConsent": json.dumps(document)}) == expected


def test_cookiescript_knows_the_necessary_as_strict_and_counts_seconds() -> None:
    document = {"action": "accept", "consenttime": 1718103120, "categories": ["strict"], "googleconsentmap": {"a": "b"}}
    cookies = {"CookieScriptConsent": json.dumps(document)}
    assert ids("cookiescript", cookies) == {"strict": True}
    choice = choice_of("cookiescript", cookies)
    assert choice is not None
    assert choice.given_at == 1718103120


@pytest.mark.parametrize(
    ("document", "expected", "given_at"),
    [
        ({"advertising": True, "timestamp": "2025-02-10T13:33:05Z"}, (DECIDED, {"marketing"}, NONE), 1739194385),
        ({"advertising": 1, "performance": True, "timestamp": 5}, (DECIDED, {"analytics"}, {"marketing"}), 5),
        ({"performance": False, "timestamp": None}, (DECIDED, NONE, {"analytics"}), None),
        ({"timestamp": 5, "type": "category"}, NOBODY, None),
    ],
)
def test_cookiefirst_tells_the_time_in_two_ways(document: object, expected: object, given_at: int | None) -> None:
    cookies = {"cookiefirst-consent": json.dumps(document)}
    assert read("cookiefirst", cookies) == expected
    choice = choice_of("cookiefirst", cookies)
    assert choice is not None
    assert choice.given_at == given_at


@pytest.mark.parametrize(
    ("approved", "denied", "expected"),
    [
        (["cookie_cat_marketing"], ["cookie_cat_unclassified"], (DECIDED, NONE, ALL)),  # unknown cookies are an answer
        (["cookie_cat_marketing"], ["cookie_cat_marketing"], (DECIDED, NONE, ALL)),
        (["cookie_cat_marketing"], None, (DECIDED, {"marketing"}, ALL - {"marketing"})),
        ([], ["cookie_cat_marketing"], NOBODY),
        ("cookie_cat_marketing", [], NOBODY),
    ],
)
def test_cookie_information_approves_and_denies(approved: object, denied: object, expected: object) -> None:
    document = {"consents_approved": approved, "consents_denied": denied}
    assert read("cookieinformation", {"CookieInformationConsent": quote(json.dumps(document))}) == expected


# --- iubenda ---------------------------------------------------------------------------------------------------------


def iubenda(**documents: object) -> dict[str, str]:
    return {f"_iub_cs-{name.lstrip('_')}": quote(json.dumps(document)) for name, document in documents.items()}


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        (iubenda(_1={"id": 1}), NOBODY),
        (iubenda(_1={"consent": True}), (DECIDED, ALL, NONE)),
        (iubenda(_1={"consent": False}), (DECIDED, NONE, ALL)),
        (iubenda(_1={"consent": "true"}), NOBODY),
        (iubenda(_1={"consent": False, "purposes": {"5": True}}), (DECIDED, NONE, ALL)),
        (iubenda(_1={"purposes": {"2": True, "3": False, "5": 1}}), (DECIDED, NONE, ALL)),
        (iubenda(_1={"purposes": {"4": True}}), (DECIDED, {"analytics"}, ALL - {"analytics"})),
        (iubenda(_1={"consent": True}, _2={"purposes": {"4": True}}), (DECIDED, {"analytics"}, ALL - {"analytics"})),
        (iubenda(_1={"consent": True}, _2={"id": 2}), NOBODY),
        (iubenda(_1={"consent": False}, _2={"id": 2}), (UNDECIDED, NONE, ALL)),
        (iubenda(_1={"id": 1}, **{"1-granular": {"consent": True}}), NOBODY),
    ],
)
def test_iubenda_says_it_for_purposes_or_for_all_and_for_each_site(cookies: dict[str, str], expected: object) -> None:
    assert read("iubenda", cookies) == expected


def test_iubendas_other_cookies_are_not_its_choice() -> None:
    cookies = iubenda(**{"1-granular": {"consent": True}, "1-uspr": {"consent": True}})
    assert choice_of("iubenda", cookies) is None


# --- CookieHub -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"answered": True, "allAllowed": True, "categories": []}, (DECIDED, ALL, NONE)),
        ({"answered": True, "allAllowed": False, "categories": [[]]}, (DECIDED, NONE, ALL)),
        ({"answered": False, "allAllowed": True, "implict": True}, NOBODY),
        ({"answered": True, "allAllowed": True, "implict": True}, (NOT_REQUIRED, ALL, NONE)),
        ({"answered": True, "allAllowed": True, "implicit": True}, (NOT_REQUIRED, ALL, NONE)),
        ({"answered": 1, "allAllowed": True}, NOBODY),
        ({"answered": True}, (DECIDED, NONE, NONE)),
        (
            {
                "answered": True,
                "categories": [{"cid": 3, "id": "analytics", "v": True}, {"id": "marketing", "v": False}],
            },
            (DECIDED, {"analytics"}, {"marketing"}),
        ),
        (
            {"answered": True, "allAllowed": True, "categories": [{"id": "preferences", "value": True}, {"cid": 4}, 5]},
            (DECIDED, {"functional"}, NONE),
        ),
    ],
)
def test_cookiehub_says_whether_it_was_answered(document: object, expected: object) -> None:
    assert read("cookiehub", {"cookiehub": base64(document)}) == expected


def test_cookiehub_tells_its_revision_and_the_time() -> None:
    document = {"answered": True, "allAllowed": True, "revision": 3, "timestamp": "2025-02-10T13:33:05Z"}
    choice = choice_of("cookiehub", {"cookiehub": base64(document)})
    assert choice is not None
    assert (choice.revision, choice.given_at) == (3, 1739194385)
