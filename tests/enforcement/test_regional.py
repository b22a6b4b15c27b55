"""Where a visitor is, by what a trusted proxy says, and what hangs on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.regional import Regional
from gatekeeper.wire.fields import FieldList
from tests.enforcement.test_hard_cases import HOST, NOW, REFUSED, RULES, gate

TABLES = """
[regions]
field = "X-Country"
subdivision = "X-State"
[[region]]
name = "california"
values = ["US-CA"]
profile = "us-ca"
[[region]]
name = "america"
values = ["US"]
profile = "as-written"
"""
COUNTRY_ALONE = TABLES.replace('subdivision = "X-State"\n', "")


def where(*fields: tuple[bytes, bytes], toml: str = TABLES, trusted: bool = True) -> str:
    regional = Regional(gate(toml + RULES).policy)
    return regional.of(((b"host", HOST), *fields), trusted=trusted).region.name


@pytest.mark.parametrize(
    ("lines", "region"),
    [
        ([], "elsewhere"),
        ([b"US"], "america"),
        ([b" us\t"], "america"),
        ([b"US-CA"], "california"),
        ([b"US-"], "america"),
        ([b"US-CA-X"], "america"),
        ([b"USA"], "elsewhere"),
        ([b""], "elsewhere"),
        ([b"-"], "elsewhere"),
        ([b"US", b"US"], "elsewhere"),
        ([b"US", b"FR"], "elsewhere"),
        ([b"US,US"], "elsewhere"),
        ([b"US-CA,FR"], "elsewhere"),
        ([b"\xff"], "elsewhere"),
        ([b"US" * 10_000], "elsewhere"),
    ],
)
def test_what_the_field_says_once_counts(lines: list[bytes], region: str) -> None:
    for toml in (TABLES, COUNTRY_ALONE):
        assert where(*((b"X-COUNTRY", line) for line in lines), toml=toml) == region
        assert where(*((b"x-country", line) for line in lines), toml=toml, trusted=False) == "elsewhere"


@pytest.mark.parametrize(
    ("lines", "region"),
    [
        ([], "america"),
        ([b""], "america"),
        ([b" ca "], "california"),
        ([b"TX"], "america"),
        ([b"CA", b"CA"], "elsewhere"),
        ([b"CA,TX"], "elsewhere"),
    ],
)
def test_the_subdivision_makes_it_more_exact(lines: list[bytes], region: str) -> None:
    fields = [(b"X-Country", b"US"), *((b"X-State", line) for line in lines)]
    assert where(*fields) == region
    assert where(*fields, toml=COUNTRY_ALONE) == "america"


@given(st.lists(st.tuples(st.sampled_from([b"x-country", b"X-State", b"x"]), st.binary(max_size=6)), max_size=4))
def test_no_octets_break_it_and_none_that_are_not_trusted_count(fields: list[tuple[bytes, bytes]]) -> None:
    regional = Regional(gate(TABLES + RULES).policy)
    assert regional.of(tuple(fields), trusted=False) is regional.elsewhere
    regional.of(tuple(fields), trusted=True)


def allowed(one: Gate, *fields: tuple[bytes, bytes], trusted: bool = True) -> bool:
    exchange = Exchange(one, "GET", HOST, "/", NOW, trusted)
    exchange.request(fields)
    answered: FieldList = exchange.response(200, ((b"set-cookie", b"_ga=1"),))
    return (b"set-cookie", b"_ga=1") in answered


def test_visitors_of_several_regions_are_kept_apart() -> None:
    one = gate(TABLES + RULES)
    for _ in range(2):
        for cookie in ((), ((b"cookie", b"sessionid=1"),)):
            assert allowed(one, (b"x-country", b"US"), (b"x-state", b"CA"), *cookie)
            assert not allowed(one, (b"x-country", b"US"), *cookie)
            assert not allowed(one, (b"x-country", b"US"), (b"x-state", b"CA"), *cookie, trusted=False)
            assert not allowed(one, (b"x-country", b"US-CA"), (b"cookie", REFUSED))


def test_a_response_without_a_request_is_judged_as_elsewhere() -> None:
    written = TABLES + '[[category]]\nid = "analytics"\nbasis = "opt-out"\n[[category]]\nid = "x"\nbasis = "required"\n'
    one = gate(written + '[[cookie]]\nname = "_ga"\ncategory = "analytics"\n')
    exchange = Exchange(one, "GET", HOST, "/", NOW)
    assert (b"set-cookie", b"_ga=1") not in exchange.response(200, ((b"set-cookie", b"_ga=1"),))
    assert allowed(one, (b"x-country", b"US"))


def test_a_gate_without_regions_knows_of_none() -> None:
    assert gate().regional is None


@pytest.mark.parametrize(("profile", "needs"), [("fr", True), ("uk", False)])
def test_what_came_with_the_request_is_noted_where_a_region_forbids_renewal(profile: str, needs: bool) -> None:
    toml = TABLES.replace('"us-ca"', f'"{profile}"\nbasis = {{ analytics = "opt-out" }}')
    one = gate(toml + RULES)
    assert one.needs_sent_names == needs
    policy = one.policy.within(one.policy.regions.regions[0] if one.policy.regions else None)
    assert Gate(policy).needs_sent_names == needs
