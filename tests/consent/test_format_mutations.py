"""Damaged consent cookies: whatever happens to a sample of any format, nothing raises, and nothing more is granted.

Damage takes something away from a value: it is cut off, a part between two separators is left out, an octet that is in
no format's alphabet takes another's place or comes between two, a cookie is missing, a layer of encoding is added. What
replaces a ``0`` by a ``1`` is no damage: it is another choice.

What cannot be held against a reader is stated here exactly:

- Several ids stand for one category, and the damage took away one that was refused: ``performance:no`` is gone, and
  ``analytics:yes`` decides alone, as it does for a site that never had the other.
- A cut between two parts leaves a value that the platform itself writes, with another meaning: ``WHOLE_WHEN_CUT``.
- A cookie that only limits what another one grants says less than it did: ``LIMITS``.
"""

import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import Choice
from gatekeeper.consent.readers.base import MAX_VALUE, Format
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import names
from tests.consent.test_format_samples import SAMPLES, read

OPTIONAL = frozenset({"functional", "analytics", "marketing"})

# By sample: the cookie whose value may end before any of these parts and be whole. What ends there grants more.
WHOLE_WHEN_CUT = {
    # The groups may be the last part. What would have said that they have to be asked for again comes behind them.
    "onetrust/reconsent": ("OptanonConsent", ("%2CC0003", "%2CC0004", "&AwaitingReconsent")),
    # "consent:true" alone is what a banner without categories writes.
    "tealium/partial": ("CONSENTMGR", ("%7Cts", "%7Cc1")),
    # A list of refusals: a shorter one refuses less, and an empty one nothing.
    "cookieconsent_status/consentmo": ("cookieconsent_preferences_disabled", ("analytics", ",marketing")),
}
LIMITS = {
    ("cookieconsent_status", "cookieconsent_preferences_disabled"),
    # Without categories, "agreed" is to all.
    ("drupal-eucc", "cookie-agreed-categories"),
    # Which laws apply to the visitor. A section that does not apply refuses nothing.
    ("gpp", "__gpp_sid"),
}
SEPARATORS = re.compile(r"(%2C|%7C|%26|%40|[,|&@;!])")
# In no format's alphabet: control characters, octets that are not UTF-8, and one of ASCII that none uses.
FOREIGN = "\x01\x7f\xff\xc3`"

samples = st.sampled_from(SAMPLES)


def granted_too_much(sample: dict[str, Any], damaged: dict[str, str]) -> frozenset[str]:
    """The categories that the damaged cookies grant and the sample's do not, other than by a refusal that is gone."""
    before, after = undamaged(sample["id"]), read({**sample, "cookies": damaged})
    if after is None or not after.is_binding:
        assert after is None or after.granted == frozenset()
        return frozenset()
    assert before is not None
    known, left = dict(before.native), dict(after.native)
    assert {native for native, yes in left.items() if yes and known.get(native) is False} == set()
    gone = {
        one for native, yes in known.items() if not yes and native not in left for one in stands_for(sample, native)
    }
    alone = {one for native, yes in left.items() if yes for one in stands_for(sample, native)}
    return after.granted - before.granted - (gone & alone)


@cache
def undamaged(sample_id: str) -> Choice | None:
    return read(next(sample for sample in SAMPLES if sample["id"] == sample_id))


def stands_for(sample: dict[str, Any], native: str) -> tuple[str, ...]:
    platform = KNOWN[sample["format"]]
    words = Vocabulary(DEFAULT_CATEGORIES, sample["mapping"] or {}).words(platform.id, platform.categories)
    return words.get(native.removeprefix(f"{platform.id}:").lower(), ())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_a_value_that_is_cut_off_anywhere_grants_no_more(sample: dict[str, Any]) -> None:
    more = set()
    for name, value in sample["cookies"].items():
        for end in range(len(value)):
            if granted_too_much(sample, {**sample["cookies"], name: value[:end]}):
                more.add((name, value[:end]))
    cut, whole = WHOLE_WHEN_CUT.get(sample["id"], ("", ()))
    assert more == {(cut, sample["cookies"][cut].partition(part)[0]) for part in whole}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_without_one_of_its_cookies_or_parts_a_sample_grants_no_more(sample: dict[str, Any]) -> None:
    platform = KNOWN[sample["format"]]
    for name, value in sample["cookies"].items():
        others = {other: kept for other, kept in sample["cookies"].items() if other != name}
        if (platform.id, name) in LIMITS:
            continue
        if any(names(platform.cookies, other.encode()) for other in others):
            assert granted_too_much(sample, others) == set()
        if sample["id"] in WHOLE_WHEN_CUT:
            continue
        parts = SEPARATORS.split(value)
        for index in range(0, len(parts), 2):
            for first, last in ((index, index + 2), (max(index - 1, 0), index + 1)):
                left = "".join(parts[:first] + parts[last:])
                assert granted_too_much(sample, {**others, name: left}) == set()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_an_octet_that_is_in_no_alphabet_grants_no_more(sample: dict[str, Any]) -> None:
    for name, value in sample["cookies"].items():
        for at in range(len(value)):
            if sample["id"] == "onetrust/reconsent" and value.find("AwaitingReconsent") <= at <= value.rfind("="):
                continue  # that part has another name now
            foreign = FOREIGN[at % len(FOREIGN)]
            for damaged in (value[:at] + foreign + value[at + 1 :], value[:at] + foreign + value[at:]):
                assert granted_too_much(sample, {**sample["cookies"], name: damaged}) == set()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_more_wrapping_grants_no_more(sample: dict[str, Any]) -> None:
    for name, value in sample["cookies"].items():
        for wrapped in (
            quote(value, encoding="latin-1"),
            quote(quote(value, safe="", encoding="latin-1")),
            f'"{value}"',
            json.dumps(value),
            quote(f'"{value}"', safe="", encoding="latin-1"),
            f" {value} ",
        ):
            assert granted_too_much(sample, {**sample["cookies"], name: wrapped}) == set()


@pytest.mark.parametrize("platform", KNOWN.values(), ids=lambda platform: platform.id)
def test_nothing_and_too_much_grant_nothing(platform: Format) -> None:
    vocabulary = Vocabulary(DEFAULT_CATEGORIES)
    for name in platform.cookies:
        for value in (b"", b" ", b"\x00", b"\xff", b"x" * (MAX_VALUE + 1), b"{}", b"[]", b"null", b"%", b'"', b"e30="):
            choice = platform.read({name.replace(b"*", b"1"): value}, vocabulary)
            assert choice is None or choice.granted == frozenset()


# What hostile visitors send is not grammatical at all. Here only totality is asked for.
FRAGMENTS = (
    *(
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        ",",
        ":",
        "=",
        "&",
        "|",
        "@",
        "_",
        "!",
        "%",
        "%2",
        "%22",
        "%257B",
        "\\",
        "\\054",
        ".",
    ),
    *(
        "true",
        "false",
        "null",
        "NaN",
        "1e999",
        "-1",
        "0",
        "1",
        "9" * 400,
        "9" * 5000,
        "yes",
        "no",
        "ALL",
        "in",
        "\\ud800",
    ),
    *(
        "{" * 20,
        "[" * 9000,
        "e30=",
        "eyJhIjp0cnVlfQ==",
        "\xff",
        "\xc3\xa9",
        "\x00",
        "1700000000000",
        "9999-12-31T23:59:59Z",
    ),
    *("0001-01-01T00:00:00+23:59", '{"consents":', '"categories":', '"purposes":', "action:yes", "groups=", "general="),
)
hostile = st.lists(
    st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(max_codepoint=255), max_size=4)), max_size=12
)


@settings(max_examples=400, deadline=None)
@given(samples, st.data())
def test_whatever_a_value_becomes_it_is_a_value(sample: dict[str, Any], data: st.DataObject) -> None:
    cookies = dict(sample["cookies"])
    name = data.draw(st.sampled_from(sorted(cookies)))
    value = cookies[name]
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    cookies[name] = value[:start] + "".join(data.draw(hostile)) + value[end:]
    choice = read({**sample, "cookies": cookies})
    assert choice is None or (choice.granted | choice.refused <= OPTIONAL and not choice.granted & choice.refused)
    assert choice is None or choice.is_binding or not choice.granted


@settings(max_examples=200, deadline=None)
@given(samples, st.data())
def test_several_kinds_of_damage_grant_no_more(sample: dict[str, Any], data: st.DataObject) -> None:
    if sample["id"] in WHOLE_WHEN_CUT:
        return
    cookies = dict(sample["cookies"])
    for _ in range(data.draw(st.integers(2, 4))):
        name = data.draw(st.sampled_from([one for one in cookies if (sample["format"], one) not in LIMITS]))
        parts = SEPARATORS.split(cookies[name])
        at = data.draw(st.integers(0, len(parts) - 1))
        foreign = data.draw(st.sampled_from(FOREIGN))
        cookies[name] = data.draw(
            st.sampled_from(
                (
                    "".join(parts[:at]),
                    "".join(parts[:at] + parts[at + 1 :]),
                    "".join([*parts[:at], foreign, *parts[at:]]),
                    "".join([*parts[:at], parts[at][:-1], foreign, *parts[at + 1 :]]),
                    quote(cookies[name], encoding="latin-1"),
                    f'"{cookies[name]}"',
                )
            )
        )
    assert granted_too_much(sample, cookies) == set()
