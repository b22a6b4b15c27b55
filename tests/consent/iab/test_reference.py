"""A thousand strings that the IAB's own packages wrote: what we read in them is what those packages read."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import State
from gatekeeper.consent.readers import gpp, tcf, us_sections, usp
from gatekeeper.consent.readers.bits import Ids

HERE = Path(__file__).parent
SEED, COUNT = 20260301, 1000
US = {section.name: section for section in us_sections.SECTIONS.values()}
# What the packages tell of a section beside what the string holds.
NOT_IN_THE_STRING = {"GpcSegmentType", "GpcSegmentIncluded", "SensitiveDataConsentSegmentIncluded"}


@pytest.fixture(scope="module")
def written() -> list[dict[str, Any]]:
    if not shutil.which("node") or not (HERE / "node_modules" / "@iabgpp").is_dir():
        pytest.skip("needs node, and the IAB's packages: make tests/consent/iab/node_modules/.installed")
    command = ["node", str(HERE / "generate.mjs"), str(SEED), str(COUNT)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
    assert len(lines) == COUNT
    return [json.loads(line) for line in lines]


def expanded(ids: Ids | None) -> list[int] | None:
    return None if ids is None else [number for number in range(1, 1300) if number in ids]


def what_counts(string: tcf.TcString) -> dict[str, object]:
    """In the shape in which generate.mjs tells it."""
    publisher = string.publisher and [sorted(string.publisher.purposes), sorted(string.publisher.custom)]
    forbidden = {vendor for ids in string.forbidden for vendor in expanded(ids) or ()}
    return {
        "created": string.created,
        "last_updated": string.last_updated,
        "policy_version": string.policy_version,
        "is_service_specific": string.is_service_specific,
        "special_features": sorted(string.special_features),
        "purposes": sorted(string.purposes),
        "vendors": expanded(string.vendors),
        "forbidden": sorted(forbidden),
        "disclosed": expanded(string.disclosed),
        "publisher": publisher,
    }


def check_tcf(string: str, read: dict[str, Any]) -> None:
    ours = what_counts(tcf.decode(string))
    if read["policy_version"] < 4:  # stale, and read no further
        read |= {"vendors": None, "forbidden": [], "disclosed": None, "publisher": None}
    assert ours == read


def test_tc_strings_are_read_as_the_iab_reads_them(written: list[dict[str, Any]]) -> None:
    strings = [one for one in written if one["kind"] == "tcf"]
    assert len(strings) == COUNT // 2
    for one in strings:
        check_tcf(one["string"], one["read"])


def test_each_rule_for_what_a_tc_string_says_is_met_by_some(written: list[dict[str, Any]]) -> None:
    """By what the IAB's package reads, and by the rules in decision 0027."""
    met = dict.fromkeys(("stale", "decided", "functional", "analytics", "marketing", "vendor", "forbidden"), 0)
    vocabulary = Vocabulary(DEFAULT_CATEGORIES, named=frozenset({"tcf:vendor:3"}))
    for one in written:
        if one["kind"] != "tcf":
            continue
        read = one["read"]
        choice = tcf.TCF.read({b"euconsent-v2": one["string"].encode()}, vocabulary)
        assert choice is not None
        undisclosed = read["disclosed"] is None and read["last_updated"] >= 1772323200
        is_stale = read["policy_version"] < 4 or not read["is_service_specific"] or undisclosed
        assert choice.state is (State.STALE if is_stale else State.DECIDED)
        met[choice.state.value] += 1
        if is_stale:
            continue
        both = set(read["purposes"]) & set(read["purposes"] if read["publisher"] is None else read["publisher"][0])
        assert choice.granted == {name for name, any_of in PURPOSES.items() if 1 in both and any_of & both}
        for name in choice.granted:
            met[name] += 1
        told = read["disclosed"] is None or 3 in read["disclosed"]
        may = 1 in read["purposes"] and 3 in read["vendors"] and told
        met["forbidden"] += may and 3 in read["forbidden"]
        assert dict(choice.native)["tcf:vendor:3"] is (may and 3 not in read["forbidden"])
        met["vendor"] += may and 3 not in read["forbidden"]
    assert all(met.values()), met


PURPOSES = {"functional": {5, 6, 11}, "analytics": {7, 8, 9}, "marketing": {2, 3, 4, 7}}


def test_gpp_strings_are_read_as_the_iab_reads_them(written: list[dict[str, Any]]) -> None:
    met: set[str] = set()
    for one in written:
        if one["kind"] != "gpp":
            continue
        found = gpp.sections(one["string"])
        assert list(found) == one["read"]["ids"]
        for text, (name, fields) in zip(found.values(), one["read"]["sections"].items(), strict=True):
            met.add(name)
            if name == "tcfeuv2":
                check_tcf(text, fields)
            elif name == "uspv1":
                answers = {"Y": {"OptOutSale": False}, "N": {"OptOutSale": True}, "-": {}}
                said = usp.read(text)
                assert said is not None
                assert said.answers == answers[fields["OptOutSale"]]
            elif name == "tcfcav1":
                check_canada(one["string"], fields)
            else:
                check_us(US[name], text, fields)
    assert met == {"tcfeuv2", "uspv1", "tcfcav1", *US}


def check_canada(string: str, fields: dict[str, Any]) -> None:
    choice = gpp.GPP.read({b"__gpp": string.encode(), b"__gpp_sid": b"5"}, Vocabulary(DEFAULT_CATEGORIES))
    assert choice is not None
    expected = {
        "": fields["PurposesExpressConsent"],
        "feature:": fields["SpecialFeatureExpressConsent"],
        "publisher:": fields["PubPurposesExpressConsent"],
    }
    granted = {
        f"gpp:tcfcav1:{kind}{number}"
        for kind, flags in expected.items()
        for number, flag in enumerate(flags, 1)
        if flag and (number > 1 or kind == "feature:")
    }
    custom = {native for native, _ in choice.native if ":custom:" in native}
    assert {native for native, yes in choice.native if yes} == granted | custom


def check_us(section: us_sections.Section, text: str, fields: dict[str, Any]) -> None:
    string = us_sections.decode(section, text)
    for name, value in fields.items():
        if name == "Gpc":
            assert string.gpc is value
        elif name.endswith("Version"):
            assert section.layouts[value]
        elif section.sensitive and name == "SensitiveDataProcessing" and "." not in text:
            assert string.codes(name) == ()  # the segment that would hold it was not written
        elif name not in NOT_IN_THE_STRING:
            assert string.codes(name) == ((value,) if isinstance(value, int) else tuple(value))
