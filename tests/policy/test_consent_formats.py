"""Consent platforms in the file: the formats that are read, ids in the map, rules bound to an id, and every slip."""

import tomllib

import pytest

from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.policy.document import Policy
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.review import review
from gatekeeper.policy.schema import EnvironmentText, PolicyError
from tests.consent.invented import LAMP, TORCH, VAULT


@pytest.fixture(autouse=True)
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (LAMP, TORCH, VAULT):
        monkeypatch.setitem(KNOWN, one.id, one)  # type: ignore[arg-type] — a Mapping to all but this


def load(text: str, presets: dict[str, dict[str, object]] | None = None) -> Policy:
    return load_policy_tables(tomllib.loads(text), presets or {})


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as told:
        load(text)
    return str(told.value).split("\n")


def read_by(text: str) -> list[tuple[str, tuple[bytes, ...]]]:
    return [(reader.id, reader.cookies) for reader in load(f"[consent]\n{text}").consent.readers]


OWN = ("gatekeeper", (b"cookies_preferences",))


@pytest.mark.parametrize(
    ("text", "readers"),
    [
        ("", [OWN]),
        ('format = "auto"', [OWN]),
        ('format = ["auto"]', [OWN]),
        ('format = "gatekeeper"\ncookie = "mine"', [("gatekeeper", (b"mine",))]),
        ('format = "lamp"', [("lamp", (b"lamp",))]),
        ('format = "lamp"\ncookie = "my_lamp"', [("lamp", (b"my_lamp",))]),
        ('format = "torch"\ncookie = "my_torch"', [("torch", (b"my_torch", b"lamp"))]),
        ('format = ["lamp", "torch", "lamp"]', [("lamp", (b"lamp",)), ("torch", (b"torch-*", b"lamp"))]),
        ('format = ["lamp", "gatekeeper"]\ncookie = "mine"', [("gatekeeper", (b"mine",)), ("lamp", (b"lamp",))]),
        (
            'format = ["custom", "lamp"]\ncookie = "mine"\n[consent.custom]\nshape = "word"\ngranted = ["y"]',
            [("custom", (b"mine",)), ("lamp", (b"lamp",))],
        ),
    ],
)
def test_the_formats_of_the_file_are_read(text: str, readers: list[tuple[str, tuple[bytes, ...]]]) -> None:
    assert read_by(text) == readers


def test_auto_asks_every_format_and_a_named_one_none_besides() -> None:
    guessed = {reader.id for reader in load("").consent.guessed}
    assert guessed == {one.id for one in KNOWN.values() if one.cookies}
    assert load('[consent]\nformat = "lamp"').consent.guessed == ()
    custom = '[consent.custom]\nshape = "word"\ngranted = ["y"]'
    assert load(custom).consent.guessed == ()


def test_formats_may_come_from_a_variable() -> None:
    for text in ("lamp,torch", '["lamp", "torch"]'):
        policy = load_policy_tables({"consent": {"format": EnvironmentText(text)}}, {})
        assert policy.consent.formats == ("lamp", "torch")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('format = "lampe"', ['consent.format: "lampe" is no format that is known; did you mean "lamp"?']),
        ('format = ["lamp", "lampe"]', ['consent.format[1]: "lampe" is no format that is known; did you mean "lamp"?']),
        ("format = []", ['consent.format: names none; leave it out for "auto"']),
        ("format = [5]", ["consent.format[0]: must be text, not a whole number (5)"]),
        ('format = ["auto", "lamp"]', ['consent.format[0]: "auto" asks every format: leave it out, or all others']),
        (
            'format = "vault"',
            [f'consent.format: "vault" cannot be read on a server: {VAULT.opaque}'],
        ),
        (
            'format = ["lamp", "torch"]\ncookie = "x"',
            ["consent.cookie: renames the cookie of one format, and consent.format names several"],
        ),
        (
            'format = ["lamp", "torch"]\n[consent.custom]\nshape = "list"',
            ['consent.format: is "lamp", "torch", and [consent.custom] describes another; leave one out'],
        ),
        ('format = ["lamp", "custom"]', ['consent.custom: is missing, and format is "custom"']),
        (
            '[consent.map]\n"lampe:stats" = "analytics"',
            ['consent.map.lampe:stats: "lampe" is no format that is known; did you mean "lamp"?'],
        ),
        ('[consent.map]\nstats = "numbers"', ['consent.map.stats: "numbers" is no category']),
        ('[consent.map]\nstats = ["analytics", "numbers"]', ['consent.map.stats: "numbers" is no category']),
        ("[consent.map]\nstats = []", ["consent.map.stats: must name a category"]),
    ],
)
def test_a_slip_is_one_problem_that_says_what_to_do(text: str, expected: list[str]) -> None:
    assert problems(f"[consent]\n{text}") == expected


def test_an_id_in_the_map_may_have_its_format_and_several_categories() -> None:
    policy = load(
        '[consent.map]\n"lamp:map" = "functional"\nads = ["analytics", "marketing"]\n"c:google-7" = "analytics"'
    )
    assert policy.mapping == (
        ("lamp:map", "functional"),
        ("ads", ("analytics", "marketing")),
        ("c:google-7", "analytics"),
    )
    assert policy.vocabulary.mapped("ads") == ("analytics", "marketing")


def rule(more: str, before: str = "") -> str:
    return f'{before}\n[[cookie]]\nname = "x"\n{more}'


@pytest.mark.parametrize(
    ("text", "category"),
    [
        (rule('category = "functional"\nconsent = ["lamp:stats"]'), "functional"),
        (rule('consent = ["lamp:stats"]'), "analytics"),
        (rule('consent = ["lamp:stats", "torch:analytics", "lamp:stats"]'), "analytics"),
        (rule('consent = ["lamp:map"]', '[consent.map]\n"lamp:map" = "functional"'), "functional"),
        (rule('consent = ["lamp:a:b"]', '[consent.map]\n"a:b" = "functional"'), "functional"),
    ],
)
def test_a_rule_may_be_bound_to_ids_and_have_its_category_from_them(text: str, category: str) -> None:
    (bound,) = load(text).rules
    assert bound.category == category
    assert bound.consent
    assert len(set(bound.consent)) == len(bound.consent)
    assert load(text).vocabulary.named == set(bound.consent)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            rule('category = "analytics"\nconsent = ["matomo"]'),
            ['cookie[0].consent[0]: "matomo" names no format; write one before it, as in "klaro:matomo"'],
        ),
        (
            rule('category = "analytics"\nconsent = ["lamp:"]'),
            ['cookie[0].consent[0]: "lamp:" names no format; write one before it, as in "klaro:lamp"'],
        ),
        (
            rule('category = "analytics"\nconsent = ["lamp:stats", "lampe:ads"]'),
            ['cookie[0].consent[1]: "lampe" is no format with ids of its own; did you mean "lamp"?'],
        ),
        (
            rule('category = "analytics"\nconsent = ["gatekeeper:x"]'),
            ['cookie[0].consent[0]: "gatekeeper" is no format with ids of its own'],
        ),
        (
            rule('category = "necessary"\nconsent = ["lamp:stats"]'),
            ['cookie[0].consent: means nothing in the category "necessary", which needs no consent'],
        ),
        (
            rule('consent = ["lamp:stats", "lamp:ads"]'),
            ["cookie[0].category: is missing, and is not the same for all ids of consent"],
        ),
        (
            rule('consent = ["lamp:map"]'),
            ["cookie[0].category: is missing, and is not the same for all ids of consent"],
        ),
        (
            rule('consent = ["lampe:stats"]'),
            ['cookie[0].consent[0]: "lampe" is no format with ids of its own; did you mean "lamp"?'],
        ),
        (rule("consent = []"), ["cookie[0].category: is missing"]),
    ],
)
def test_a_slip_in_a_bound_rule_is_told_at_its_place(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_a_preset_may_bind_its_rules_too() -> None:
    preset = {"shop": {"cookie": [{"name": "x", "consent": ["lamp:ads"]}, {"name": "y", "category": "statistics"}]}}
    bound, other = load('presets = ["shop"]', preset).rules  # type: ignore[arg-type]
    assert (bound.category, bound.consent, other.consent) == ("marketing", ("lamp:ads",), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[consent]\nformat = "lamp"\n[consent.map]\n"lamp:map" = "functional"\nown = "analytics"', []),
        (
            '[consent]\nformat = "torch"\n[consent.map]\n"lamp:map" = "functional"',
            ["consent.map.lamp:map: is an id of lamp, which consent.format does not name"],
        ),
        (
            '[consent]\nformat = "torch"\n[consent.map]\nC0002 = "functional"',
            ["consent.map.C0002: is an id of onetrust, which consent.format does not name"],
        ),
        ('[consent.map]\n"lamp:map" = "functional"\nC0002 = "functional"', []),
        (
            '[consent]\nformat = "torch"' + rule('category = "analytics"\nconsent = ["torch:a", "lamp:stats"]'),
            ['cookie[0].consent[1]: "lamp:stats" is never answered: consent.format does not name its format'],
        ),
        (rule('consent = ["lamp:stats"]'), []),
    ],
)
def test_an_id_that_nobody_reads_looks_wrong(text: str, expected: list[str]) -> None:
    needed = '\n[[cookie]]\nname = "sid"\ncategory = "necessary"'
    assert [str(problem) for problem in review(load(text + needed), {})] == expected
