"""Cookies that sites made by hand, each declared in ``[consent.custom]`` and read as it was meant."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.consent.choice import State
from gatekeeper.policy.load import load_policy_tables

CORPUS = json.loads((Path(__file__).parents[1] / "vectors" / "consent_formats.json").read_text("utf-8"))
SAMPLES = [sample for sample in CORPUS["samples"] if sample["format"] == "generic"]
OPTIONAL = ("functional", "analytics", "marketing")
FULL_OR_MIN = 'shape = "word"\ngranted = ["full"]\nrefused = ["min"]'
DECLARED = {
    "generic/word_yes": FULL_OR_MIN,
    "generic/word_no": FULL_OR_MIN,
    "generic/json_bools": 'shape = "json"\npaths = { analytics = "analytics", marketing = "marketing" }',
    "generic/json_words": """
        shape = "json"
        paths = { analytics = "performance", functional = "functional", marketing = "targeting" }
        granted = ["accept"]
        refused = ["decline"]
    """,
    "generic/json_list_objects": """
        shape = "json"
        id_key = "id"
        value_key = "active"
        map = { advertisement = "marketing" }
    """,
    "generic/json_nested": 'shape = "json"\npath = "categories"\nlists = "granted"',
    "generic/pairs_pipe": """
        shape = "pairs"
        separator = "|"
        assign = ":"
        map = { c1 = "necessary", c2 = "analytics" }
    """,
    "generic/pairs_encoded": """
        shape = "pairs"
        separator = ","
        assign = "="
        map = { audience = "analytics", technical = "functional" }
    """,
    "generic/pairs_no_kv": """
        shape = "pairs"
        separator = "-"
        assign = ""
        map = { fu = "functional", ma = "marketing", pe = "analytics" }
    """,
    "generic/positional": """
        shape = "positional"
        separator = "-"
        order = ["necessary", "functional", "analytics", "marketing"]
    """,
    "generic/list": 'shape = "list"\nseparator = ","\ncomplete = false\nmap = { Others = "marketing" }',
    # It refuses cookies by their names: the rules of the file say which category each has.
    "generic/list_of_refused": """
        shape = "list"
        separator = ","
        lists = "refused"
        complete = false
        map = { recently_viewed_product = "functional", _ga = "analytics", _gid = "analytics", _gat = "analytics" }
    """,
    "generic/gcm_pairs": """
        shape = "pairs"
        separator = ";"
        assign = "="
        map = { ad_storage = "marketing", analytics_storage = "analytics" }
    """,
}
REFUSED_BY_NAME = {"functional": "denied", "analytics": "denied"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_a_cookie_made_by_hand_can_be_declared(sample: dict[str, Any]) -> None:
    ((name, value),) = sample["cookies"].items()
    document = tomllib.loads(DECLARED[sample["id"]])
    policy = load_policy_tables({"consent": {"cookie": name, "custom": document}}, {})
    (reader,) = policy.consent.readers
    choice = reader.read({name.encode(): value.encode()}, policy.vocabulary)
    assert choice is not None
    assert choice.state is State.DECIDED
    said = sample["expect"]["categories"] or REFUSED_BY_NAME
    assert choice.granted & {*OPTIONAL} == {one for one in OPTIONAL if said.get(one) == "granted"}
    assert choice.refused & {*OPTIONAL} == {one for one in OPTIONAL if said.get(one) == "denied"}


def test_every_sample_is_declared() -> None:
    assert {sample["id"] for sample in SAMPLES} == DECLARED.keys()
