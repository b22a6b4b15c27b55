"""``docs/consent.md``: what it says is read is read, and what it says to write is understood."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import State
from gatekeeper.consent.native import NativeReader
from tests.docs.pages import ROOT, blocks, rows

PAGE = ROOT / "docs" / "consent.md"
NAME = b"cookies_preferences"
VOCABULARY = Vocabulary(DEFAULT_CATEGORIES)
LENIENT = [
    value.replace("\\|", "|")
    for row in rows(PAGE)
    if row.headings[-1] == "Lenient forms"
    for value in re.findall(r"`([^`]+)`", row.cells[0])
]


@pytest.mark.parametrize("value", LENIENT)
def test_a_lenient_form_is_a_choice_raw_and_encoded(value: str) -> None:
    for written in (value, quote(value, safe=""), quote(quote(value, safe=""), safe="")):
        choice = NativeReader().read({NAME: written.encode()}, VOCABULARY)
        assert choice is not None
        assert choice.state is State.DECIDED, written
        assert choice.granted | choice.refused


def test_the_program_for_a_server_writes_a_choice() -> None:
    names: dict[str, Any] = {}
    exec(blocks(PAGE, "python")[0].text, names)
    field = names["choice_field"]({"analytics"})
    value = field.partition(";")[0].removeprefix("cookies_preferences=")
    choice = NativeReader().read({NAME: value.encode()}, VOCABULARY)
    assert choice is not None
    assert choice.granted == {"analytics"}
    assert choice.refused == {"functional", "marketing"}
    assert choice.revision == 1
    assert choice.given_at is not None


def test_the_names_of_categories_are_the_ones_that_are_known() -> None:
    lines = [row.cells[0].split(", ") for row in rows(PAGE) if row.headings[-1] == "Names of categories"]
    assert len(lines) == len(DEFAULT_CATEGORIES)
    for names in lines:
        assert len({VOCABULARY.resolve(name) for name in names}) == 1
    known = {name for names in lines for name in names}
    assert known == set(VOCABULARY._known)
