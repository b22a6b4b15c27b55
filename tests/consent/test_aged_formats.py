"""A choice in a platform's own cookie grows old, and is overtaken by a revision, as in Gatekeeper's own."""

from typing import Any

import pytest

from gatekeeper.consent.choice import Choice, State
from tests.consent.test_format_samples import SAMPLES, read

MAX_AGE = 180 * 86400
BINDING: list[tuple[dict[str, Any], Choice]] = [
    (sample, choice) for sample in SAMPLES if (choice := read(sample)) is not None and choice.is_binding
]
DATED = [(sample["id"], choice) for sample, choice in BINDING if choice.given_at is not None]
REVISED = [(sample["id"], choice) for sample, choice in BINDING if choice.revision is not None]
UNDATED = [(sample["id"], choice) for sample, choice in BINDING if choice.given_at is None]
# What the formats are known to tell; a reader that loses it would make choices that never grow old.
WITH_DATE = {"onetrust", "cookiebot", "cc_cookie", "didomi", "tcf", "civic", "axeptio", "iubenda", "matomo", "c15t"}
WITH_REVISION = {"cc_cookie", "complianz", "borlabs", "moove", "faz"}


def test_the_formats_that_tell_a_date_or_a_revision_are_read_so() -> None:
    assert {choice.format for _, choice in DATED} >= WITH_DATE
    assert {choice.format for _, choice in REVISED} >= WITH_REVISION


@pytest.mark.parametrize("choice", [choice for _, choice in DATED], ids=[name for name, _ in DATED])
def test_a_dated_choice_holds_for_max_age_and_no_second_longer(choice: Choice) -> None:
    assert choice.given_at is not None
    revision = choice.revision or 1
    last = choice.aged(now=choice.given_at + MAX_AGE, max_age=MAX_AGE, revision=revision)
    assert last == choice
    late = choice.aged(now=choice.given_at + MAX_AGE + 1, max_age=MAX_AGE, revision=revision)
    assert late.state is State.STALE
    assert not late.is_binding


@pytest.mark.parametrize("choice", [choice for _, choice in DATED], ids=[name for name, _ in DATED])
def test_a_choice_from_the_future_grants_nothing(choice: Choice) -> None:
    assert choice.given_at is not None
    early = choice.aged(now=choice.given_at - 2 * 86400, max_age=MAX_AGE, revision=1)
    assert early.state is State.UNDECIDED
    assert early.granted == frozenset()


@pytest.mark.parametrize("choice", [choice for _, choice in REVISED], ids=[name for name, _ in REVISED])
def test_a_choice_for_an_earlier_revision_is_stale(choice: Choice) -> None:
    assert choice.revision is not None
    now = choice.given_at or 0
    assert choice.aged(now=now, max_age=MAX_AGE, revision=choice.revision) == choice
    assert choice.aged(now=now, max_age=MAX_AGE, revision=choice.revision + 1).state is State.STALE


@pytest.mark.parametrize("choice", [choice for _, choice in UNDATED], ids=[name for name, _ in UNDATED])
def test_a_choice_without_a_date_does_not_grow_old(choice: Choice) -> None:
    assert choice.aged(now=2**40, max_age=MAX_AGE, revision=choice.revision or 1) == choice
