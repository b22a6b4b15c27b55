"""``docs/consent.md`` on the IAB's strings: its tables say what the readers do."""

import re

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.readers.gpp import GPP
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.tcf import TCF
from gatekeeper.consent.readers.usp import USP
from tests.consent.iab.strings import bitfield, core, dotted, gpp, publisher
from tests.consent.test_gpp import canada, section
from tests.docs.pages import ROOT, Row, rows

ROWS = [row for row in rows(ROOT / "docs" / "consent.md") if row.headings[-1] == "TCF, GPP and US Privacy"]
CATEGORIES = [row for row in ROWS if row.cells[0].strip("`") in {one.id for one in DEFAULT_CATEGORIES}]
FORMATS = [row for row in ROWS if row.cells[1].strip("`") in KNOWN]
IDS = [native for row in ROWS if ":" in row.cells[0] for native in re.findall(r"`([^`]+)`", row.cells[0])]


@pytest.mark.parametrize("row", CATEGORIES, ids=lambda row: row.cells[0])
def test_a_category_is_granted_by_the_purposes_in_its_row(row: Row) -> None:
    category, purposes = row.cells[0].strip("`"), {int(one) for one in row.cells[1].split(", ")}
    granting = set()
    for purpose in range(2, 25):
        choice = TCF.read({b"euconsent-v2": dotted(core({1, purpose})).encode()}, Vocabulary(DEFAULT_CATEGORIES))
        assert choice is not None
        if category in choice.granted:
            granting.add(purpose)
    assert granting == purposes


def test_there_is_a_row_for_each_category_and_format() -> None:
    assert [row.cells[0] for row in CATEGORIES] == ["`functional`", "`analytics`", "`marketing`"]
    assert [row.cells[1] for row in FORMATS] == ["`tcf`", "`gpp`", "`usp`"]


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.cells[1])
def test_the_cookies_of_a_format_are_the_ones_that_it_reads(row: Row) -> None:
    reader = KNOWN[row.cells[1].strip("`")]
    told = [name.encode() for name in re.findall(r"`([^`]+)`", row.cells[2])]
    assert told == [*reader.cookies, *reader.companions]


def test_every_id_is_one_that_a_string_answers() -> None:
    tc_string = dotted(
        core(range(1, 12), features={1}, vendors=bitfield({755})), publisher(range(1, 12), {1}, customs=1)
    )
    every = gpp(
        {
            2: tc_string,
            5: dotted(canada({7})),
            6: "1YNN",
            7: section(7, SaleOptOut=2, SensitiveDataProcessing=2),
            8: section(8, "0110", SharingOptOut=2),
            9: section(9, TargetedAdvertisingOptOut=2),
        }
    )
    vocabulary = Vocabulary(DEFAULT_CATEGORIES, named=frozenset(IDS))
    answered: dict[str, bool] = {}
    for reader, cookie, string in (
        (TCF, b"euconsent-v2", tc_string),
        (GPP, b"__gpp", every),
        (USP, b"us_privacy", "1YNN"),
    ):
        choice = reader.read({cookie: string.encode()}, vocabulary)
        assert choice is not None
        answered |= dict(choice.native)
    assert len(IDS) > 12
    assert {native: answered.get(native) for native in IDS} == {native: native != "gpp:usca:Gpc" for native in IDS}
