"""US Privacy strings, alone and in JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers.usp import USP

VOCABULARY = Vocabulary(DEFAULT_CATEGORIES)


def read(value: bytes, other: bytes | None = None) -> Choice:
    choice = USP.read({b"us_privacy": value} | ({} if other is None else {b"usprivacy": other}), VOCABULARY)
    return choice or UNDECIDED


@pytest.mark.parametrize("value", [b"1YYN", b"1NYY", b"1-Y-", b"1yyn", b'"1YYN"', b'{"uspString":"1YYN"}'])
def test_an_opt_out_refuses_marketing_and_nothing_else(value: bytes) -> None:
    choice = read(value)
    assert (choice.state, choice.granted, choice.refused) == (State.DECIDED, set(), {"marketing"})
    assert choice.native == (("usp:OptOutSale", False),)


@pytest.mark.parametrize("value", [b"1YNN", b"1nny", b"%7B%22uspString%22%3A%221YN-%22%2C%22optOutDate%22%3Anull%7D"])
def test_who_did_not_opt_out_grants_marketing_and_nothing_else(value: bytes) -> None:
    choice = read(value)
    assert (choice.state, choice.granted, choice.refused) == (State.DECIDED, {"marketing"}, set())
    assert choice.native == (("usp:OptOutSale", True),)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"1---",
        b"1YN",
        b"1YNNN",
        b"2YNN",
        b"1YNN ",
        b"1Y1N",
        b"\xff",
        b"{}",
        b"[]",
        b'{"uspString":1}',
        b'{"uspString":"1YNN","uspString":"1YNN"}',
        b'{"uspString":{"uspString":"1YNN"}}',
        b'{"uspString":"1YNN"',
        b'{"a":"%22,%22uspString%22:%221YNN"}',
        b"1YNN" + b"%20" * 2000,
    ],
)
def test_what_says_nothing_is_undecided(value: bytes) -> None:
    choice = read(value)
    assert (choice.state, choice.granted, choice.native) == (State.UNDECIDED, set(), ())


def test_of_two_strings_both_have_to_grant() -> None:
    assert read(b"1YNN", b"1YNN").granted == {"marketing"}
    assert read(b"1YNN", b"1YYN").refused == {"marketing"}
    assert read(b"1YNN", b"1---").granted == {"marketing"}
    assert read(b"1YNN", b"x").state is State.UNDECIDED


@given(st.binary(max_size=60) | st.text('1YN-{}":%', max_size=20).map(str.encode))
def test_no_octets_are_an_error(value: bytes) -> None:
    assert read(value, value).format in ("usp", None)


def test_another_value_is_none_of_ours() -> None:
    assert read(b"1---").format == "usp"
    assert read(b"1YN").format is None
    assert read(b'{"uspString":"x"}').format is None
