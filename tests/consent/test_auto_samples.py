"""``format = "auto"`` on every sample: recognised as what it is, at no cost when it comes again."""

from typing import Any

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import State
from gatekeeper.consent.native import NativeReader
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import Registry, Told, guessed_readers
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.document import Policy
from tests.consent.test_format_samples import SAMPLES, STATES, read

OURS = [sample for sample in SAMPLES if KNOWN[sample["format"]].cookies]


def cookies_of(sample: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in sample["cookies"].items()]


def told(sample: dict[str, Any]) -> Told:
    vocabulary = Vocabulary(DEFAULT_CATEGORIES, sample["mapping"] or {})
    return Registry(vocabulary, (NativeReader(),), guessed_readers()).read(cookies_of(sample), now=2**33)


@pytest.mark.parametrize("sample", OURS, ids=lambda sample: sample["id"])
def test_a_sample_is_recognised_as_its_platforms_and_grants_no_more_than_there(sample: dict[str, Any]) -> None:
    result = told(sample)
    recognised = {one.reader.id for one in result.found}
    alone = read(sample)
    if STATES[sample["expect"]["state"]] is None:
        assert sample["format"] not in recognised
        return
    assert alone is not None
    assert sample["format"] in recognised
    assert result.choice.granted <= alone.granted
    if recognised == {sample["format"]} and alone.state in (State.DECIDED, State.UNDECIDED):
        assert (result.choice.granted, result.choice.refused) == (alone.granted, alone.refused)


@pytest.mark.parametrize("sample", OURS, ids=lambda sample: sample["id"])
def test_what_comes_again_is_read_once(sample: dict[str, Any]) -> None:
    gate = Gate(Policy())
    fields = [b"; ".join(name + b"=" + value for name, value in cookies_of(sample))]
    first = gate.reading(fields, signal=False, now=2**31)
    assert gate.reading(fields, signal=False, now=2**31) is first
