"""GPP strings: the header, which sections apply, and what each of them says."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers import gpp, us_sections
from tests.consent.iab.strings import (
    WRITTEN,
    base64url,
    bitfield,
    core,
    disclosed,
    dotted,
    fibonacci,
    flags,
    header,
    publisher,
    ranged,
)
from tests.consent.iab.strings import gpp as written

VOCABULARY = Vocabulary(DEFAULT_CATEGORIES)
EVERYTHING = {"functional", "analytics", "marketing"}
ALL = range(1, 12)
OPT_OUTS = ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut")


def read(value: str | bytes, applicable: str | bytes | None = None, *, named: tuple[str, ...] = ()) -> Choice:
    cookies = {b"__gpp": value if isinstance(value, bytes) else value.encode()}
    if applicable is not None:
        cookies[b"__gpp_sid"] = applicable if isinstance(applicable, bytes) else applicable.encode()
    choice = gpp.GPP.read(cookies, Vocabulary(DEFAULT_CATEGORIES, named=frozenset(named)))
    return choice or UNDECIDED


def us(number: int, version: int = 1, **values: int | tuple[int, ...]) -> str:
    """The bits of a US section's core, with 0 in the fields that are not given."""
    layout = us_sections.SECTIONS[number].layouts[version][-1]
    bits = f"{version:06b}"
    for name, (_, length) in layout.fields.items():
        value = values.get(name, 0)
        entries = (value,) * length if isinstance(value, int) else value
        bits += "".join(f"{entry:02b}" for entry in entries)
    return bits


def section(number: int, *segments: str, version: int = 1, **values: int | tuple[int, ...]) -> str:
    return dotted(us(number, version, **values), *segments)


# --- the header ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [("DBABM", [2]), ("DBACNY", [2, 6]), ("DBABjw", [5, 6]), ("DBABMA", [2]), ("DBABLA", [7]), ("DBAA", [])],
)
def test_the_headers_of_the_specification(text: str, ids: list[int]) -> None:
    assert list(gpp.sections("~".join([text, *["x"] * len(ids)]))) == ids


def test_a_range_of_sections() -> None:
    text = base64url(f"{3:06b}{1:06b}{2:012b}0" + fibonacci(2) + "1" + fibonacci(4) + fibonacci(3))
    assert list(gpp.sections(f"{text}~a~b~c~d~e")) == [2, 6, 7, 8, 9]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "DBABM",
        "DBABM~a~b",
        "DBABM" + "~" * 4000,
        "DBA~1YNN",
        header(6, kind=2) + "~1YNN",
        header(6, version=2) + "~1YNN",
        header(*range(1, 34)) + "~a" * 33,
        base64url(f"{3:06b}{1:06b}{1:012b}1" + fibonacci(1) + fibonacci(1500)) + "~a" * 33,
        base64url(f"{3:06b}{1:06b}{4095:012b}") + "~1YNN",
        "C" + header(6)[1:] + "~1YNN",
    ],
)
def test_a_header_that_is_broken_or_lies_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"header|sections|cut off|base64url|Fibonacci"):
        gpp.sections(text)
    assert read(text).state is State.UNDECIDED


# --- the US sections -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", us_sections.SECTIONS)
def test_an_opt_out_refuses_marketing_and_nothing_else(number: int) -> None:
    name = us_sections.SECTIONS[number].name
    own = [one for one in OPT_OUTS if one in us_sections.SECTIONS[number].layouts[1][-1].fields]
    assert len(own) in (2, 3)
    for opted_out in own:
        choice = read(written({number: section(number, **dict.fromkeys(own, 2) | {opted_out: 1})}))
        assert (choice.state, choice.granted, choice.refused) == (State.DECIDED, set(), {"marketing"})
        assert dict(choice.native) == {f"gpp:{name}:{one}": one != opted_out for one in own}


@pytest.mark.parametrize("number", us_sections.SECTIONS)
def test_who_did_not_opt_out_grants_marketing_and_nothing_else(number: int) -> None:
    everything_else = dict.fromkeys(us_sections.SECTIONS[number].layouts[1][-1].fields, 1)
    choice = read(written({number: section(number, **everything_else | dict.fromkeys(OPT_OUTS, 2))}))
    assert (choice.state, choice.granted, choice.refused) == (State.DECIDED, {"marketing"}, set())


@pytest.mark.parametrize("number", us_sections.SECTIONS)
def test_where_no_opt_out_applies_nobody_chose(number: int) -> None:
    choice = read(written({number: section(number)}))
    assert (choice.state, choice.granted, choice.refused) == (State.UNDECIDED, set(), set())


@pytest.mark.parametrize("number", us_sections.SECTIONS)
def test_a_section_that_is_cut_off_or_means_nothing_is_undecided(number: int) -> None:
    whole = section(number, **dict.fromkeys(OPT_OUTS, 2))
    for end in range(1, len(whole)):
        if number != 7 or end < 10:  # version 1 of the national section was shorter once
            assert read(written({number: whole[:end]})).state is State.UNDECIDED
    assert read(written({number: section(number, SaleOptOut=3, TargetedAdvertisingOptOut=2)})).state is State.UNDECIDED
    assert read(written({number: section(number, SaleOptOut=2).replace("B", "g", 1)})).state is State.UNDECIDED


@pytest.mark.parametrize("number", [one for one, some in us_sections.SECTIONS.items() if not some.sensitive])
def test_global_privacy_control_refuses_marketing(number: int) -> None:
    name = us_sections.SECTIONS[number].name
    on, off, other = "0110", "0100", "1010"
    choice = read(written({number: section(number, on, SaleOptOut=2)}))
    assert (choice.granted, choice.refused) == (set(), {"marketing"})
    assert dict(choice.native)[f"gpp:{name}:Gpc"] is False
    assert read(written({number: section(number, on)})).refused == {"marketing"}
    choice = read(written({number: section(number, off, SaleOptOut=2)}))
    assert choice.granted == {"marketing"}
    assert f"gpp:{name}:Gpc" not in dict(choice.native)
    assert read(written({number: section(number, other, SaleOptOut=2)})).state is State.UNDECIDED
    assert read(written({number: section(number, off, on, SaleOptOut=2)})).state is State.UNDECIDED


def test_the_national_section_in_both_lengths() -> None:
    short = f"{1:06b}" + "00" * 6 + "100110" + "00" * 12 + "00" * 2 + "00" * 4
    assert len(short) == 60
    assert read(written({7: base64url(short)})).refused == {"marketing"}
    assert read(written({7: section(7, version=2, SaleOptOut=2)})).granted == {"marketing"}
    assert read(written({7: base64url("000010" + short[6:])})).state is State.UNDECIDED


FURTHER = [
    "gpp:usnat:SensitiveDataProcessing:8",
    "gpp:usnat:SensitiveDataProcessing:9",
    "gpp:usnat:SensitiveDataProcessing:10",
    "gpp:usnat:SensitiveDataProcessing:17",
    "gpp:usnat:PersonalDataConsents",
    "gpp:usnat:personaldataconsents",
    "gpp:usnat:AdditionalDataProcessingConsent",
    "gpp:usnat:SaleOptOutNotice",
    "gpp:usca:PersonalDataConsents",
    "gpp:usnat",
]


def test_further_answers_are_told_where_the_file_names_them() -> None:
    sensitive = (*[0] * 7, 1, 2, 0, *[0] * 6)
    string = written(
        {7: section(7, version=2, SaleOptOut=2, SensitiveDataProcessing=sensitive, PersonalDataConsents=2)}
    )
    assert dict(read(string).native) == {"gpp:usnat:SaleOptOut": True}
    assert dict(read(string, named=tuple(FURTHER)).native) == {
        "gpp:usnat:SaleOptOut": True,
        "gpp:usnat:SensitiveDataProcessing:8": False,
        "gpp:usnat:SensitiveDataProcessing:9": True,
        "gpp:usnat:PersonalDataConsents": True,
        "gpp:usnat:personaldataconsents": True,
    }


def test_a_field_that_means_nothing_is_no_grant() -> None:
    string = written({7: section(7, version=2, SaleOptOut=2, PersonalDataConsents=3)})
    assert (
        dict(read(string, named=("gpp:usnat:PersonalDataConsents",)).native)["gpp:usnat:PersonalDataConsents"] is False
    )


def test_three_states_keep_sensitive_data_in_a_segment_of_its_own() -> None:
    named = ("gpp:usin:SensitiveDataProcessing:2", "gpp:usin:SensitiveDataProcessing:3")
    string = written({25: section(25, "0010" + "00" * 6, SaleOptOut=2)})
    assert dict(read(string, named=named).native) == {
        "gpp:usin:SaleOptOut": True,
        "gpp:usin:SensitiveDataProcessing:2": True,
    }
    assert len(read(written({25: section(25, SaleOptOut=2)}), named=named).native) == 1
    assert read(written({25: section(25, "001000", SaleOptOut=2)})).state is State.UNDECIDED


# --- TCF, US Privacy, Canada ---------------------------------------------------------------------------------------


def test_the_european_section_is_a_tc_string() -> None:
    string = written({2: dotted(core({1, 8}, vendors=ranged(755)), disclosed(bitfield({755})), publisher(ALL))})
    choice = read(string, named=("gpp:tcfeuv2:vendor:755", "gpp:tcfeuv2:vendor:9"))
    assert (choice.granted, choice.refused) == ({"analytics"}, {"functional", "marketing"})
    assert choice.given_at == WRITTEN
    told = dict(choice.native)
    assert [told[f"gpp:tcfeuv2:{one}"] for one in ("1", "8", "9", "vendor:755", "vendor:9")] == [1, 1, 0, 1, 0]
    assert read(written({2: dotted(core(ALL, policy=3))})).state is State.STALE


@pytest.mark.parametrize(
    ("text", "granted", "refused"),
    [("1YNN", {"marketing"}, set()), ("1NYN", set(), {"marketing"}), ("1---", set(), set())],
)
def test_section_6_is_the_us_privacy_string(text: str, granted: set[str], refused: set[str]) -> None:
    choice = read(written({6: text}))
    assert (choice.granted, choice.refused) == (granted, refused)


def canada(express: Iterable[int], implied: Iterable[int] = (), version: int = 1) -> str:
    begun = f"{version:06b}" + f"{WRITTEN * 10:036b}" * 2 + "0" * 54 + f"{2:06b}" + "0" + flags({1}, 12)
    return begun + flags(express, 24) + flags(implied, 24) + "0" * 60


def test_in_canada_express_consent_counts_and_there_is_no_purpose_1() -> None:
    choice = read(written({5: dotted(canada({8}, {2, 5}))}))
    assert (choice.granted, choice.refused) == ({"analytics"}, {"functional", "marketing"})
    assert choice.given_at == WRITTEN
    told = dict(choice.native)
    assert "gpp:tcfcav1:1" not in told
    assert [told[f"gpp:tcfcav1:{one}"] for one in ("2", "8", "feature:1", "feature:2")] == [False, True, True, False]
    choice = read(written({5: dotted(canada({7, 8}), disclosed("0"), publisher({7, 9}))}))
    assert choice.granted == {"analytics", "marketing"}
    assert "gpp:tcfcav1:publisher:1" not in dict(choice.native)
    assert read(written({5: dotted(canada({7, 8}), publisher({2}))})).refused == EVERYTHING


@pytest.mark.parametrize(
    "text", [dotted(canada({8}, version=2)), dotted(canada({8})[:180]), dotted(canada({8})) + ".", "x" * 4000]
)
def test_a_canadian_string_that_is_broken_is_undecided(text: str) -> None:
    assert read(written({5: text})).state is State.UNDECIDED


# --- which sections apply ------------------------------------------------------------------------------------------

BOTH = written({2: dotted(core({1, 2, 8})), 7: section(7, SaleOptOut=1)})


@pytest.mark.parametrize("applicable", [None, "", "2,7", "7_2", "2%2C7", "2%252c7", '"2,7"', "x", b"\xff", "2,7" * 99])
def test_where_nothing_says_otherwise_all_sections_apply(applicable: str | bytes | None) -> None:
    choice = read(BOTH, applicable)
    assert (choice.granted, choice.refused) == ({"analytics"}, {"functional", "marketing"})


@pytest.mark.parametrize(
    ("applicable", "granted", "refused"),
    [
        ("2", {"analytics", "marketing"}, {"functional"}),
        ("7", set(), {"marketing"}),
        ("-1", set(), set()),
        ("0", set(), set()),
        ("8", set(), set()),
        ("2,8", set(), {"functional"}),
        ("7,8", set(), {"marketing"}),
        ("2,99", set(), {"functional"}),
    ],
)
def test_only_the_sections_that_apply_count_and_one_that_is_missing_lets_the_others_refuse(
    applicable: str, granted: set[str], refused: set[str]
) -> None:
    choice = read(BOTH, applicable)
    assert (choice.granted, choice.refused) == (granted, refused)


def test_a_section_that_says_nothing_leaves_it_to_the_others() -> None:
    assert read(written({2: dotted(core({1, 8})), 7: section(7)})).granted == {"analytics"}


def test_beside_a_stale_section_an_opt_out_still_holds() -> None:
    stale = dotted(core(ALL, policy=3))
    assert read(written({2: stale, 6: "1YNN"})).state is State.STALE
    assert read(written({2: stale, 6: "1YYN"})).refused == {"marketing"}


def test_of_more_sections_than_apply_to_anybody_the_first_only_refuse() -> None:
    grants = {number: section(number, SaleOptOut=2) for number in range(8, 17)}
    assert read(written(grants)).state is State.UNDECIDED
    assert read(written(grants), "8,9").granted == {"marketing"}
    assert read(written(grants | {9: section(9, SaleOptOut=1)})).refused == {"marketing"}


def test_two_cookies_with_different_strings_both_have_to_grant() -> None:
    grant, refusal = written({6: "1YNN"}).encode(), written({6: "1YYN"}).encode()
    choice = gpp.GPP.read({b"__gpp": grant, b"OTGPPConsent": refusal}, VOCABULARY)
    assert choice is not None
    assert choice.refused == {"marketing"}


def test_its_tildes_may_be_encoded() -> None:
    assert read(BOTH.replace("~", "%7E")) == read(BOTH.replace("~", "%257e")) == read(BOTH)


@given(
    st.binary(max_size=200) | st.text("ABCDBMLAj_-.~%1YN", max_size=120).map(str.encode),
    st.none() | st.binary(max_size=20) | st.text("0123456789,_-", max_size=20).map(str.encode),
)
def test_no_octets_are_an_error(value: bytes, applicable: bytes | None) -> None:
    assert read(value, applicable).format in ("gpp", None)


@given(st.data())
def test_a_changed_character_is_no_error(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(BOTH) - 1))
    other = data.draw(st.sampled_from("AQg_-.~"))
    assert read(BOTH[:at] + other + BOTH[at + 1 :]).format in ("gpp", None)


def test_a_broken_string_is_one_of_ours_and_another_value_is_not() -> None:
    for broken in (BOTH + "~", BOTH[:9], "DBABM", "DBABM~", "DBABM~!", "DBAC~x"):
        assert read(broken).format == "gpp"
    for other in ("", "DB", "DBA", "DBABM!", "DCABM~x", dotted(core(ALL)), "GA1.1.1234567890.1234567890"):
        assert read(other).format is None
