"""Every sample of every format, as its platform wrote it, is read as expected."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.readers import gpp, tcf
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import names

CORPUS = json.loads((Path(__file__).parents[1] / "vectors" / "consent_formats.json").read_text("utf-8"))
OPTIONAL = ("functional", "analytics", "marketing")
# What the samples call a state, and what it is called here. None: the reader says that the value is not its own.
STATES = {
    "decided": State.DECIDED,
    "undecided": State.UNDECIDED,
    "not_required": State.NOT_REQUIRED,
    "stale": State.STALE,
    "opaque": State.OPAQUE,
    "malformed": State.UNDECIDED,
    "foreign": None,
}
# What the samples tell as a list is what the string holds, whether or not it still counts.
LISTS: dict[str, Callable[[str], Collection[int]]] = {
    "purposes": lambda string: tcf.decode(string).purposes,
    "sections": lambda string: gpp.sections(string).keys(),
}
# The samples' words for the opt-outs of GPP's national section. An opt-out that was made is a refusal, one that was not
# made is a grant; so is Global Privacy Control a refusal, and its absence no grant.
US_FIELDS = {
    "sale": "usnat:SaleOptOut",
    "sharing": "usnat:SharingOptOut",
    "targeted": "usnat:TargetedAdvertisingOptOut",
    "gpc": "usnat:Gpc",
}
US_ANSWERS = {**{field: {1: False, 2: True} for field in US_FIELDS}, "gpc": {True: False, False: None}}


def read(sample: dict[str, Any]) -> Choice | None:
    """What the sample's own format makes of it, with the sample's mapping in place of ``[consent.map]``."""
    reader = KNOWN[sample["format"]]
    cookies = {name.encode(): value.encode("latin-1") for name, value in sample["cookies"].items()}
    own = {
        name: value for name, value in cookies.items() if names(reader.cookies, name) or names(reader.companions, name)
    }
    return reader.read(own, Vocabulary(DEFAULT_CATEGORIES, sample["mapping"] or {}))


SAMPLES = [sample for sample in CORPUS["samples"] if sample["format"] in KNOWN]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_a_sample_is_read_as_expected(sample: dict[str, Any]) -> None:
    choice = read(sample)
    expected = STATES[sample["expect"]["state"]]
    if expected is None:
        assert choice is None
        return
    assert choice is not None
    assert choice.state is expected
    said = sample["expect"]["categories"] or {}
    if choice.is_binding:
        granted = {name for name in OPTIONAL if said.get(name) == "granted"}
        refused = {name for name in OPTIONAL if said.get(name) == "denied"}
        assert (choice.granted, choice.refused) == (granted, refused)
    else:
        assert choice.granted == frozenset()
    for native, answer in (sample["expect"]["native"] or {}).items():
        if isinstance(answer, list):
            assert LISTS[native](next(iter(sample["cookies"].values()))) == set(answer)
            continue
        told = dict(choice.native).get(f"{choice.format}:{US_FIELDS.get(native, native)}")
        if native in US_FIELDS:
            assert told is US_ANSWERS[native][answer]
        else:
            assert told is (None if answer is None else answer in (True, "granted"))
