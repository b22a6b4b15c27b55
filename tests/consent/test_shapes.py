"""What the formats of several platforms are made of."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import LATEST, NOBODY_CHOSE, Said
from gatekeeper.consent.readers.shapes import (
    agreed,
    base64_object,
    epoch,
    flags,
    iso_time,
    json_object,
    json_or_base64_object,
    listed,
    pairs,
    revision,
    together,
    values,
)

DOCUMENT = {"a": True, "b": "?>?>é"}
TEXT = json.dumps(DOCUMENT, ensure_ascii=False)


@pytest.mark.parametrize("value", [TEXT, quote(TEXT), quote(quote(TEXT)), f'"{TEXT}"', f" {TEXT}"])
def test_json_is_found_in_its_wrappings(value: str) -> None:
    assert json_object(value.encode()) == DOCUMENT


@pytest.mark.parametrize("value", [b"", b"[1]", b"1", b"null", b'{"a":1', b"\xff", b"{}x", quote("[1]").encode()])
def test_what_is_no_json_object_is_none(value: bytes) -> None:
    assert json_object(value) is None


def test_json_is_not_decoded_any_further() -> None:
    assert json_object(b'["%22"]') is None
    assert json_object(b'{"a":"%22,%22b%22:%22"}') == {"a": "%22,%22b%22:%22"}


def test_json_is_found_in_base64_of_either_alphabet_with_and_without_padding() -> None:
    for encode in (b64encode, urlsafe_b64encode):
        value = encode(json.dumps(DOCUMENT, ensure_ascii=False).encode())
        for form in (value, value.rstrip(b"="), quote(value).encode(), quote(quote(value)).encode()):
            assert base64_object(form) == DOCUMENT


@pytest.mark.parametrize(
    "value",
    [b"", b"=", b"a", b"aaaaa", b"!!!!", b64encode(b"\xff"), b64encode(b"[1]"), b64encode(b'{"a'), b"e30===", b"e3=0"],
)
def test_what_is_no_object_in_base64_is_none(value: bytes) -> None:
    assert base64_object(value) is None


@pytest.mark.parametrize("text", [TEXT, "{}", "{\n}", "{ }", '{"é":1}'])
def test_an_object_may_come_in_base64_or_not(text: str) -> None:
    digits = b64encode(text.encode())
    for value in (text.encode(), quote(text).encode(), digits, b'"' + digits + b'"', quote(digits).encode()):
        assert json_or_base64_object(value) == json.loads(text)
    assert json_or_base64_object(b64encode(b" {}")) is None


def test_base64_that_is_cut_off_is_never_an_object() -> None:
    value = b64encode(TEXT.encode())
    assert [base64_object(value[:end]) for end in range(len(value.rstrip(b"=")))] == [None] * len(value.rstrip(b"="))


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a:1,b:2", {"a": "1", "b": "2"}),
        ("a:1:2", {"a": "1:2"}),
        ("a:", {"a": ""}),
        ("", None),
        ("a", None),
        ("a:1,", None),
        ("a:1,b", None),
        ("a:1,a:2", None),
        ("a:1,a:1", None),
    ],
)
def test_pairs_are_all_pairs_and_each_stands_once(text: str, table: dict[str, str] | None) -> None:
    assert pairs(text, ",") == table


def test_an_id_that_is_answered_twice_needs_two_yeses() -> None:
    answers = [("a", True), ("b", False), ("c", True), ("a", False), ("b", True), ("c", True)]
    assert agreed(answers) == {"a": False, "b": False, "c": True}


def test_only_texts_of_a_list_are_listed() -> None:
    assert listed(["a", 1, None, ["b"], "c"], granted=True) == [("a", True), ("c", True)]
    assert listed("abc", granted=True) == listed({"a": 1}, granted=True) == listed(None, granted=False) == []


def test_flags_are_booleans_and_what_is_known_is_refused_unless_it_is_one() -> None:
    said = {
        "a": True,
        "b": False,
        "c": "true",
        "d": "false",
        "ver": "1",
        "n": 1,
        "o": None,
        "l": [],
        "known": 1,
        "k2": {},
    }
    assert flags(said, ("known", "k2", "absent")) == {
        "a": True,
        "b": False,
        "c": True,
        "d": False,
        "known": False,
        "k2": False,
    }
    assert flags([True]) == flags("true") == {}


@pytest.mark.parametrize(
    ("value", "milliseconds", "moment"),
    [
        (1700000000, False, 1700000000),
        ("1700000000", False, 1700000000),
        (1700000000999, True, 1700000000),
        (1700000000.9, False, 1700000000),
        (-5, False, 0),
        (10**300, False, LATEST),
        (10**300, True, LATEST),
        (1e308, True, LATEST),
        (float("inf"), True, LATEST),
        (float("-inf"), False, 0),
        (float("nan"), False, None),
        ("9" * 20, False, LATEST),
        ("9" * 21, False, None),
        ("\u0661", False, None),
        ("-1", False, None),
        ("1\n", False, None),
        ("", False, None),
        (True, False, None),
        (None, False, None),
        ([1], False, None),
    ],
)
def test_a_count_of_seconds_is_a_time_within_ten_thousand_years(
    value: object, milliseconds: bool, moment: int | None
) -> None:
    assert epoch(value, milliseconds=milliseconds) == moment


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2025-02-10T13:33:05.000Z", 1739194385),
        ("2025-02-10T14:33:05+01:00", 1739194385),
        ("2025-02-10T13:33:05", 1739194385),
        ("0001-01-01T00:00:00+23:59", 0),
        ("9999-12-31T23:59:59-23:59", LATEST),
        ("2025-02", None),
        ("2025-13-01", None),
        ("", None),
        ("2025-02-10T13:33:05." + "0" * 40, None),
        (1739194385, None),
        (None, None),
    ],
)
def test_an_iso_time_is_in_utc_unless_it_says_otherwise(value: object, moment: int | None) -> None:
    assert iso_time(value) == moment


@pytest.mark.parametrize(
    ("value", "count"), [(2, 2), ("3", 3), (0, None), ("0", None), (-1, None), (1.0, None), (True, None), ("x", None)]
)
def test_a_revision_counts_from_one(value: object, count: int | None) -> None:
    assert revision(value) == count


def test_several_cookies_grant_what_all_of_them_grant() -> None:
    every = Said(rest=True, given_at=5)
    some = Said(answers={"a": True, "b": False}, given_at=4, revision=2)
    none = Said(rest=False)
    assert together([some]) is some
    assert together([every, some]) == Said(answers={"a": True, "b": False}, given_at=4, revision=2)
    assert together([some, none]) == Said(answers={"a": False, "b": False}, rest=False, given_at=4, revision=2)
    assert together([every, every]) == every
    assert together([every, Said(State.NOT_REQUIRED, rest=True)]).state is State.NOT_REQUIRED
    assert together([NOBODY_CHOSE, NOBODY_CHOSE]) is NOBODY_CHOSE


def test_beside_a_cookie_in_which_nobody_chose_the_others_only_refuse() -> None:
    some = Said(answers={"a": True, "b": False}, given_at=4)
    assert together([some, NOBODY_CHOSE]) == Said(State.UNDECIDED, {"a": True, "b": False}, given_at=4)


def test_cookies_are_found_by_both_ends_of_their_names() -> None:
    cookies = {b"kndctr_1_consent": b"1", b"kndctr_1_identity": b"2", b"x": b"3"}
    assert values(cookies, b"kndctr_", b"_consent") == [b"1"]
    assert values(cookies, b"kndctr_") == [b"1", b"2"]
