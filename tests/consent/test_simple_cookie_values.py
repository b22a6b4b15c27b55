"""Choices that Django and Flask apps write: SimpleCookie quotes JSON, and escapes what a quoted string may not hold."""

import json
from http.cookies import SimpleCookie

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import State
from gatekeeper.consent.native import NativeReader

VOCABULARY = Vocabulary(DEFAULT_CATEGORIES)


@pytest.mark.parametrize(
    ("told", "granted"),
    [
        ({"analytics": True, "marketing": False}, {"analytics"}),
        ({"granted": ["marketing"], "refused": ["analytics"], "note": 'é; "\\,'}, {"marketing"}),
        ({"categories": ["functional"]}, {"functional"}),
        ({"categories": ["functional", "marketing"], "marketing": False}, {"functional"}),
        ({"granted": ["marketing"], "marketing": False}, set()),
        (["analytics", "functional"], {"analytics", "functional"}),
    ],
)
def test_json_that_simple_cookie_wrote_is_read(told: object, granted: set[str]) -> None:
    jar = SimpleCookie()
    jar["cookies_preferences"] = json.dumps(told)
    value = jar["cookies_preferences"].coded_value.encode()
    assert value.startswith(b'"')
    choice = NativeReader().read({b"cookies_preferences": value}, VOCABULARY)
    assert choice is not None
    assert (choice.state, choice.granted) == (State.DECIDED, granted)


@pytest.mark.parametrize("value", [b'"no,marketing"', b'["marketing","no"]', b"off,analytics", b'"\\{"', b'"{\\"a"'])
def test_a_list_with_a_no_in_it_or_half_a_value_grants_nothing(value: bytes) -> None:
    choice = NativeReader().read({b"cookies_preferences": value}, VOCABULARY)
    assert choice is not None
    assert (choice.state, choice.granted) == (State.UNDECIDED, frozenset())
