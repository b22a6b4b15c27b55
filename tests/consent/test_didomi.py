"""Didomi's token."""

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers.didomi import DIDOMI

MAPPING = {"audience": "analytics", "didomi:vendor:c:hotjar": "functional"}
TOKEN: dict[str, Any] = {
    "user_id": "00000000-0000-0000-0000-000000000000",
    "created": "2026-08-27T07:15:05.610Z",
    "updated": "2026-08-27T07:52:40.352Z",
    "version": 2,
    "purposes": {"enabled": ["audience"], "disabled": ["geolocation_data"]},
    "vendors": {"enabled": ["c:hotjar", 755], "disabled": ["google"]},
    "vendors_li": {"enabled": ["google"]},
}


def encoded(token: object) -> bytes:
    return b64encode(json.dumps(token).encode())


def read(value: bytes) -> Choice:
    choice = DIDOMI.read({b"didomi_token": value}, Vocabulary(DEFAULT_CATEGORIES, MAPPING))
    return choice or UNDECIDED


def test_purposes_and_vendors_by_the_operators_map() -> None:
    choice = read(encoded(TOKEN))
    assert (choice.state, choice.granted, choice.refused) == (
        State.DECIDED,
        {"analytics", "functional"},
        {"marketing"},
    )
    assert choice.given_at == 1787817160
    assert dict(choice.native) == {
        "didomi:audience": True,
        "didomi:geolocation_data": False,
        "didomi:vendor:c:hotjar": True,
        "didomi:vendor:755": True,
        "didomi:vendor:google": False,
    }


@pytest.mark.parametrize(
    "wrapped",
    [
        quote(encoded(TOKEN)).encode(),
        quote(encoded(TOKEN), safe="").encode(),
        b'"' + encoded(TOKEN) + b'"',
        encoded(TOKEN).rstrip(b"="),
        urlsafe_b64encode(json.dumps(TOKEN).encode()),
    ],
)
def test_it_may_be_wrapped(wrapped: bytes) -> None:
    assert read(wrapped) == read(encoded(TOKEN))


@pytest.mark.parametrize(
    "change",
    [
        {"version": None},
        {"version": 1},
        {"version": "2"},
        {"purposes": None},
        {"purposes": ["audience"]},
        {"purposes": {"enabled": "audience"}},
        {"purposes": {"enabled": {"audience": True}}},
        {"vendors": {"enabled": [True]}},
        {"vendors": {"enabled": [["google"]]}},
        {"vendors": {"disabled": None}},
    ],
)
def test_another_form_is_undecided(change: dict[str, object]) -> None:
    choice = read(encoded(TOKEN | change))
    assert (choice.state, choice.granted) == (State.UNDECIDED, set())


@pytest.mark.parametrize("value", [b"", b"x", b"e30", b"null", b"\xff", encoded([1]), encoded(TOKEN)[:-9], b"eyI="])
def test_what_is_no_token_is_none_of_ours(value: bytes) -> None:
    assert read(value) == UNDECIDED


def test_a_token_that_nobody_chose_in_is_undecided() -> None:
    choice = read(encoded({"user_id": "0", "version": 2}))
    assert (choice.state, choice.format) == (State.UNDECIDED, "didomi")


def test_an_id_that_was_enabled_and_disabled_is_refused() -> None:
    both = {"enabled": ["audience"], "disabled": ["audience"]}
    assert read(encoded(TOKEN | {"purposes": both})).refused == {"analytics"}


def test_its_short_form_alone_cannot_be_read_on_a_server() -> None:
    choice = DIDOMI.read({b"didomi_dcs": b"Cabc"}, Vocabulary(DEFAULT_CATEGORIES))
    assert choice is not None
    assert choice.state is State.OPAQUE
    assert DIDOMI.opaque
    both = DIDOMI.read({b"didomi_dcs": b"Cabc", b"didomi_token": encoded(TOKEN)}, Vocabulary(DEFAULT_CATEGORIES))
    assert both is not None
    assert both.state is State.DECIDED


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(max_size=5), st.lists).map(encoded))
def test_no_octets_are_an_error(value: bytes) -> None:
    assert read(value).format in ("didomi", None)
