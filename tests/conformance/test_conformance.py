"""One suite of cases through every adapter, so that they cannot drift apart."""

from collections import Counter

import pytest

from tests.conformance import (
    cases_caches,
    cases_choice,
    cases_formats,
    cases_leftovers,
    cases_regions,
    cases_reissue,
    cases_request,
    cases_response,
    cases_rewrites,
    cases_sites,
)
from tests.conformance.adapters import ADAPTERS, Adapter
from tests.conformance.apps import app_body
from tests.conformance.case import Case, told
from tests.conformance.differences import COMMA_JOINED, DIFFERENCES, expected_of

CASES: tuple[Case, ...] = (
    *cases_choice.GRANTS,
    *cases_choice.CHOICES,
    *cases_choice.MATCHING,
    *cases_formats.RECOGNISED,
    *cases_formats.NO_BYPASS,
    *cases_formats.BOUND,
    *cases_response.PLAIN,
    *cases_response.MALFORMED,
    *cases_response.NAMES,
    *cases_response.DELETIONS,
    *cases_response.NO_DELETIONS,
    *cases_response.CONSENT_COOKIE,
    *cases_response.LIMIT,
    *cases_response.STATUSES,
    *cases_rewrites.ON_REFUSAL,
    *cases_rewrites.LIFETIME,
    *cases_rewrites.ATTRIBUTES,
    *cases_request.OCTETS,
    *cases_request.READINGS,
    *cases_request.FORWARD,
    *cases_request.MODES,
    *cases_leftovers.LEFTOVERS,
    *cases_caches.CACHES,
    *cases_caches.MODES,
    *cases_regions.REGIONS,
    *cases_reissue.REISSUE,
    *cases_sites.SITES,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_the_gate_does_what_the_contract_says(adapter: Adapter, case: Case) -> None:
    expected = expected_of(case, adapter.name)
    came = adapter.exchange(case, case.load())
    assert came.faults == ()
    assert came.status == expected.status
    assert list(came.leaves) == list(expected.leaves)
    assert list(came.sees) == list(expected.sees)
    others = [(name.lower(), value) for name, value in case.request_fields if name.lower() != b"cookie"]
    assert [field for field in came.seen if field in others] == others
    assert told(expected.verdicts, came.verdicts) == list(expected.verdicts)
    if expected.status == case.status:
        assert came.body == app_body(case)


def test_every_case_says_something_else() -> None:
    doubled = [says for says, count in Counter(case.says for case in CASES).items() if count > 1]
    assert doubled == []


def test_the_differences_name_adapters_and_cases_that_exist() -> None:
    assert {name for difference in DIFFERENCES for name in difference.adapters} <= set(ADAPTERS)
    assert set(COMMA_JOINED) <= {case.says for case in CASES}
    assert all(difference.reason for difference in DIFFERENCES)
