"""Platforms that keep the choice in one JSON object: Civic, Axeptio, Finsweet, Fides."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from gatekeeper.consent.readers.known import KNOWN
from tests.consent.told import ALL, NONE, native, read, told


def civic(optional: object, interacted: object = True, **more: object) -> str:
    return json.dumps({"optionalCookies": optional, "interactedWith": interacted, **more})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (civic({"Marketing": "accepted"}), ({"marketing"}, {"functional", "analytics"})),
        (civic({"SocialMedia": "accepted"}), ({"marketing"}, {"functional", "analytics"})),
        (civic({"SocialMedia": "revoked", "marketing": "accepted"}), (NONE, ALL)),
        (civic({"socialmedia": "accepted", "advertising": "accepted"}), ({"marketing"}, {"functional", "analytics"})),
        (civic({"socialmedia": "accepted", "advertising": "revoked"}), (NONE, ALL)),
        (civic({"analytics": "legitimate interest"}), (NONE, ALL)),
        (civic({"analytics": True}), (NONE, ALL)),
        (
            civic({"analytics": "accepted"}, iabConsent="COtybn4PA_zT4KjACBENAPCIAEBAAECAAIAAAAAAAAAA"),
            ({"analytics"}, {"functional", "marketing"}),
        ),
        (quote(civic({})), (NONE, ALL)),
        (civic({"analytics": "accepted"}, False), None),
        (civic({"analytics": "accepted"}, "true"), None),
        (civic({"analytics": "accepted"}, 1), None),
        (civic(["analytics"]), None),
        (json.dumps({"optionalCookies": {"analytics": "accepted"}}), None),
        (json.dumps({"interactedWith": True}), None),
        ("[]", None),
        ("accepted", None),
    ],
)
def test_civic_grants_what_was_accepted_after_the_visitor_touched_it(
    value: str, expected: tuple[set[str], set[str]] | None
) -> None:
    assert told("civic", {"CookieControl": value}) == expected


def test_civic_tells_when_in_milliseconds_and_no_revision() -> None:
    choice = read("civic", {"CookieControl": civic({}, consentDate=1676407618702, statement={"updated": "06/09/2019"})})
    assert choice is not None
    assert (choice.given_at, choice.revision) == (1676407618, None)


def axeptio(**vendors: object) -> str:
    return json.dumps({"$$completed": True, "$$date": "1970-01-02T00:00:00.5Z"} | vendors)


def test_axeptio_answers_for_vendors_which_have_to_be_mapped() -> None:
    value = axeptio(google_analytics=True, Criteo=False, odd="true", other=1)
    answers = {"google_analytics": True, "Criteo": False, "odd": True, "other": False}
    assert native("axeptio", {"axeptio_cookies": value}) == answers
    assert told("axeptio", {"axeptio_cookies": value}) == (NONE, NONE)


def test_a_vendor_of_axeptio_in_two_cases_has_to_be_granted_in_both() -> None:
    mapping = {"google_analytics": "analytics"}
    for first, second, granted in ((True, True, {"analytics"}), (True, False, NONE), (False, True, NONE)):
        value = axeptio(google_analytics=first, Google_Analytics=second)
        said = told("axeptio", {"axeptio_cookies": value}, mapping)
        assert said is not None
        assert said[0] == granted


@pytest.mark.parametrize(
    "value",
    [
        json.dumps({"$$completed": False, "ga": True}),
        json.dumps({"$$completed": "true", "ga": True}),
        json.dumps({"$$completed": 1, "ga": True}),
        json.dumps({"ga": True}),
        "{}",
        "[]",
        ",ga,",
    ],
)
def test_axeptio_that_was_not_completed_is_no_choice(value: str) -> None:
    cookies: dict[str, str | bytes] = {"axeptio_cookies": value, "axeptio_authorized_vendors": "%2Cga%2C"}
    assert told("axeptio", cookies, {"ga": "analytics"}) is None


def test_axeptio_tells_when() -> None:
    choice = read("axeptio", {"axeptio_cookies": axeptio()})
    assert choice is not None
    assert choice.given_at == 86400


@pytest.mark.parametrize(
    ("consents", "expected"),
    [
        ({"analytics": True, "personalization": True}, ({"functional", "analytics"}, NONE)),
        ({"marketing": True, "uncategorized": False}, (NONE, {"marketing"})),
        ({"marketing": True, "uncategorized": True}, ({"marketing"}, NONE)),
        ({"marketing": "yes", "analytics": None}, (NONE, {"marketing", "analytics"})),
        ({}, None),
        (["analytics"], None),
        (None, None),
    ],
)
def test_finsweet_answers_for_each_category(consents: object, expected: tuple[set[str], set[str]] | None) -> None:
    value = json.dumps({"id": 1, "consents": consents})
    for wrapped in (value, quote(value), quote(quote(value))):
        assert told("finsweet", {"fs-cc": wrapped}) == expected
    assert told("finsweet", {"fs-cc": quote(quote(quote(value)))}) is None


def fides(consent: object, method: object = "save", **meta: object) -> str:
    return json.dumps({"consent": consent, "fides_meta": {"consentMethod": method, **meta}})


@pytest.mark.parametrize("method", ["accept", "reject", "save", "individual_preferences", "acknowledge"])
def test_fides_is_a_choice_where_the_visitor_acted(method: str) -> None:
    value = fides({"analytics": True, "marketing": False, "functional": "opt_in", "essential": "acknowledge"}, method)
    expected = ({"functional", "analytics"}, {"marketing"})
    for wrapped in (value, quote(value), b64encode(value.encode()), urlsafe_b64encode(value.encode()).rstrip(b"=")):
        assert told("fides", {"fides_consent": wrapped}) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(fides({"analytics": True}, method) for method in ("script", "gpc", "dismiss", "", None, ["save"], "SAVE")),
        fides(["analytics"]),
        json.dumps({"consent": {"analytics": True}}),
        json.dumps({"consent": {"analytics": True}, "fides_meta": "save"}),
        '{"analytics":true}',
        "{}",
        "",
    ],
)
def test_fides_is_none_where_a_script_wrote_its_defaults(value: str) -> None:
    assert told("fides", {"fides_consent": value}) is None


@pytest.mark.parametrize("answer", ["opt_out", "acknowledge", "not_applicable", 1, None, {}])
def test_fides_grants_nothing_by_another_word(answer: object) -> None:
    assert told("fides", {"fides_consent": fides({"analytics": answer})}) == (NONE, {"analytics"})


def test_fides_tells_when_it_was_last_changed_and_no_revision() -> None:
    value = fides({}, createdAt="1970-01-01T00:00:00Z", updatedAt="1970-01-02T00:00:00.500Z", version="0.9.0")
    choice = read("fides", {"fides_consent": value})
    assert choice is not None
    assert (choice.given_at, choice.revision) == (86400, None)


def test_what_opendatasoft_writes_is_left_to_the_operator_to_describe() -> None:
    reader = KNOWN["opendatasoft"]
    assert reader.cookies == ()
    assert reader.parse({b"cookies_preferences": b"analytics:1"}) is None
    assert "[consent.custom]" in reader.opaque
