"""The policy tables of a file: every key, every wrong type, every problem at once, each where it stands."""

import copy
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Basis, Category
from gatekeeper.consent.native import NativeReader
from gatekeeper.consent.readers.custom import CustomReader
from gatekeeper.policy.document import SESSION, Consent, Enforcement, Mode, OnRefusal, Page, Policy, Rule, Section
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.presets import library
from gatekeeper.policy.schema import EnvironmentText, PolicyError, Problem, parse_toml

PRESETS: dict[str, dict[str, object]] = {
    "shop": {
        "title": "A shop",
        "kind": "framework",
        "cookie": [
            {"name": "basket", "category": "necessary", "purpose": "To keep the basket."},
            {"name": "_visits", "category": "analytics"},
        ],
    },
    "chat": {"cookie": [{"name": "chat_*", "category": "functional"}]},
}

FULL = """
presets = ["shop"]

[consent]
cookie = "consent"
format = "custom"
revision = 3
max_age = "13mo"
gpc = "strict"
dnt = true
forward = false
upstream_may_set = false
[consent.map]
C0002 = "statistics"
[consent.custom]
shape = "json"
paths = { statistics = "consents.stats" }
granted = [true, "1", 1]
refused = [false]

[enforcement]
mode = "report-only"
unlisted = "allow"
strip_requests = false
expire_leftovers = false
protect_caches = false

[page]
title = "Cookies"
updated = 2026-01-31
intro = "Words."
table_title = "Table"
[[page.section]]
title = "More"
text = "Words."

[[category]]
id = "essential"
basis = "required"
title = "Base"
description = "Needed."
heading = "Needed cookies"
gpc = false
[[category]]
id = "statistics"
gpc = true

[[cookie]]
name = "sid"
category = "essential"
function = "Sign-in"
purpose = "To remember."
provider = "Us"
party = "first"
duration = "session"
hosts = ["*.Example.org"]
paths = ["/shop"]
on_refusal = { value = "off" }
mode = "report-only"
max_age = "180d"
renew = false
secure = true
httponly = true
samesite = "none"
partitioned = true
domain = "example.org"
path = "/"
"""

CUSTOM: dict[str, dict[str, Any]] = {
    "word": {"shape": "word", "granted": ["yes"], "refused": ["no"]},
    "json": {"shape": "json", "paths": {"statistics": "s"}, "granted": [True], "refused": [False]},
    "json of names": {
        "shape": "json",
        "path": "consent.off",
        "lists": "refused",
        "complete": False,
        "map": {"stats": "statistics"},
    },
    "json of objects": {
        "shape": "json",
        "path": "consent",
        "id_key": "id",
        "value_key": "on",
        "map": {"stats": "statistics"},
        "granted": ["y"],
        "refused": ["n"],
    },
    "pairs": {
        "shape": "pairs",
        "separator": "|",
        "assign": ":",
        "map": {"stats": "statistics"},
        "granted": ["1"],
        "refused": ["0"],
    },
    "list": {
        "shape": "list",
        "separator": ",",
        "lists": "refused",
        "complete": False,
        "map": {"stats": "statistics"},
    },
    "positional": {
        "shape": "positional",
        "order": ["statistics"],
        "separator": "-",
        "granted": ["1"],
        "refused": ["0"],
    },
}


def full(shape: str = "json") -> dict[str, Any]:
    document = tomllib.loads(FULL)
    document["consent"]["custom"] = copy.deepcopy(CUSTOM[shape])
    return document


def load(document: dict[str, Any] | str) -> Policy:
    return load_policy_tables(tomllib.loads(document) if isinstance(document, str) else document, PRESETS)


def problems(document: dict[str, Any] | str) -> list[str]:
    try:
        load(document)
    except PolicyError as error:
        return str(error).split("\n")
    return []


def found(document: dict[str, Any]) -> list[Problem]:
    try:
        load(document)
    except PolicyError as error:
        return list(error.problems)
    return []


# --- what a file says is what the policy holds -----------------------------------------------------------------------


def test_a_file_that_names_every_key_is_read_whole() -> None:
    policy = load(full())
    assert policy.categories == (
        Category("essential", Basis.REQUIRED, "Base", "Needed.", "Needed cookies", gpc=False),
        Category("statistics", Basis.OPT_IN, "Statistics", gpc=True),
    )
    reader = CustomReader("json", (b"consent",), (True,), (False,), {"statistics": "s"})
    assert policy.consent == Consent("consent", ("custom",), 3, 34187400, "strict", True, False, False, (reader,), ())
    assert policy.enforcement == Enforcement(Mode.REPORT_ONLY, "allow", False, False, False)
    section = Section("More", "Words.")
    assert policy.page == Page("Cookies", date(2026, 1, 31), "Words.", (section,), "Table")
    assert policy.presets == ("shop",)
    assert policy.rules == (
        Rule(
            "sid",
            "essential",
            function="Sign-in",
            purpose="To remember.",
            provider="Us",
            party="first",
            duration="session",
            hosts=("*.example.org",),
            paths=("/shop",),
            on_refusal=OnRefusal.REPLACE,
            replacement="off",
            mode=Mode.REPORT_ONLY,
            max_age=180 * 86400,
            renew=False,
            secure=True,
            httponly=True,
            samesite="None",
            partitioned=True,
            domain="example.org",
            path="/",
        ),
        Rule("basket", "essential", purpose="To keep the basket.", source="shop"),
        Rule("_visits", "statistics", source="shop"),
    )
    assert policy.vocabulary.resolve("C0002") == "statistics"


def test_an_empty_file_is_the_defaults() -> None:
    policy = load({})
    assert policy == Policy()
    assert policy.categories == DEFAULT_CATEGORIES
    assert policy.consent == Consent(
        "cookies_preferences",
        ("auto",),
        1,
        180 * 86400,
        True,
        False,
        True,
        True,
        (NativeReader((b"cookies_preferences",)),),
    )
    assert policy.enforcement == Enforcement(Mode.ENFORCE, "block", True, True, True)


def test_a_file_that_names_a_category_replaces_the_defaults() -> None:
    assert [category.id for category in load('[[category]]\nid = "my_own-kind"').categories] == ["my_own-kind"]
    assert load('[[category]]\nid = "my_own-kind"').categories[0].title == "My own kind"
    assert load("category = []").categories == DEFAULT_CATEGORIES


@pytest.mark.parametrize("shape", CUSTOM)
def test_every_shape_reads_the_consent_cookie(shape: str) -> None:
    (reader,) = load(full(shape)).consent.readers
    assert isinstance(reader, CustomReader)
    expected = CUSTOM[shape]
    assert {key: getattr(reader, key) for key in expected} == {
        key: tuple(value) if isinstance(value, list) else value for key, value in expected.items()
    }
    assert reader.cookies == (b"consent",)


# --- every key, every wrong type -------------------------------------------------------------------------------------

A_DATE, A_TIME = datetime(2026, 1, 31), time(7, 32)
WRONG: dict[str, list[object]] = {
    "text": [5, 0, True, 1.5, [], ["x"], {}, {"x": "y"}, A_DATE, A_TIME, "\ud800"],
    "choice": [5, True, [], {}, A_DATE, "nonsense", "", "\ud800"],
    "formats": [5, True, [], {}, A_DATE, "nonsense", "", "\ud800"],
    "flag": ["yes", "true", "", 1, 0, 1.5, [], [True], {}, A_DATE],
    "gpc": ["yes", "true?", "", 1, 0, 1.5, [], [True], {}, A_DATE],
    "count": ["3", "", True, False, 1.5, [], {}, A_DATE, -1, 2**31 + 1],
    "duration": [
        *(5, 0, True, 1.5, [], {}, A_DATE, A_TIME),
        *("", "5", "d", "5 d", "5D", "5w", "-5d", "+5d", "1.5d", "5d5h", "١d", "9" * 10 + "s", "1201mo", "36526d"),
    ],
    "texts": [5, True, "x", {}, A_DATE],
    "scalars": [5, True, "x", {}, A_DATE],
    "table": [5, True, "x", [], [{}], A_DATE],
    "tables": [5, True, "x", {}, A_DATE],
    "refusal": [5, True, [], "nonsense", "replace", "", A_DATE],
    "date": [5, 20260131, True, 1.5, "", "tomorrow", "2026-02-30", "31.1.2026", [], {}, A_TIME],
}
# Every key of config.md's policy tables, with its kind. A path ends in the key; [0] is the first table of an array.
KEYS = {
    "presets": "texts",
    "consent": "table",
    "consent.cookie": "text",
    "consent.format": "formats",
    "consent.revision": "count",
    "consent.max_age": "duration",
    "consent.gpc": "gpc",
    "consent.dnt": "flag",
    "consent.forward": "flag",
    "consent.upstream_may_set": "flag",
    "consent.map": "table",
    "consent.map.C0002": "text",
    "consent.custom": "table",
    "consent.custom.shape": "choice",
    "enforcement": "table",
    "enforcement.mode": "choice",
    "enforcement.unlisted": "choice",
    "enforcement.strip_requests": "flag",
    "enforcement.expire_leftovers": "flag",
    "enforcement.protect_caches": "flag",
    "page": "table",
    "page.title": "text",
    "page.updated": "date",
    "page.intro": "text",
    "page.table_title": "text",
    "page.section": "tables",
    "page.section[0].title": "text",
    "page.section[0].text": "text",
    "category": "tables",
    "category[0].id": "text",
    "category[0].basis": "choice",
    "category[0].title": "text",
    "category[0].description": "text",
    "category[0].heading": "text",
    "category[0].gpc": "flag",
    "category[1].id": "text",
    "category[1].gpc": "flag",
    "cookie": "tables",
    "cookie[0].name": "text",
    "cookie[0].category": "text",
    "cookie[0].function": "text",
    "cookie[0].purpose": "text",
    "cookie[0].provider": "text",
    "cookie[0].party": "choice",
    "cookie[0].duration": "text",
    "cookie[0].hosts": "texts",
    "cookie[0].paths": "texts",
    "cookie[0].on_refusal": "refusal",
    "cookie[0].on_refusal.value": "text",
    "cookie[0].mode": "choice",
    "cookie[0].max_age": "duration",
    "cookie[0].renew": "flag",
    "cookie[0].secure": "flag",
    "cookie[0].httponly": "flag",
    "cookie[0].samesite": "choice",
    "cookie[0].partitioned": "flag",
    "cookie[0].domain": "text",
    "cookie[0].path": "text",
}
CUSTOM_KINDS = {
    "shape": "choice",
    "granted": "scalars",
    "refused": "scalars",
    "paths": "table",
    "paths.statistics": "text",
    "path": "text",
    "id_key": "text",
    "value_key": "text",
    "separator": "text",
    "assign": "text",
    "map": "table",
    "map.stats": "text",
    "lists": "choice",
    "complete": "flag",
    "order": "texts",
}
# A wrong one of these takes away what others refer to, which they then report as well.
REFERRED_TO = {
    "category": ["consent.map.C0002", "consent.custom.paths", "cookie[0].category", "presets[0]"],
    "category[0].id": ["cookie[0].category", "presets[0]"],
    "category[1].id": ["consent.map.C0002", "consent.custom.paths", "presets[0]"],
    "consent.custom": [],
    "cookie[0].secure": ["cookie[0].samesite", "cookie[0].partitioned"],
}


def put(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The document with one value put in at a path such as cookie[0].hosts."""
    *way, key = re.findall(r"[^.\[\]]+", path)
    place: Any = document
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[key] = value
    return document


def walk(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from walk(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, below in enumerate(value):
            yield from walk(below, f"{path}[{index}]")
    else:
        yield path


def test_the_table_of_keys_knows_every_key_of_the_file() -> None:
    assert {path for path in walk(tomllib.loads(FULL)) if not path.startswith("consent.custom.")} <= KEYS.keys()
    assert {path for custom in CUSTOM.values() for path in walk(custom)} <= CUSTOM_KINDS.keys()
    for shape in CUSTOM:
        assert problems(full(shape)) == []


@pytest.mark.parametrize(
    ("path", "wrong"), [(path, wrong) for path, kind in KEYS.items() for wrong in WRONG[kind]], ids=repr
)
def test_a_wrong_type_is_one_problem_at_its_key_and_no_exception(path: str, wrong: object) -> None:
    reported = found(put(full(), path, wrong))
    assert [problem.path for problem in reported if problem.path not in REFERRED_TO.get(path, [])] == [path]
    (problem,) = (problem for problem in reported if problem.path == path)
    assert problem.message.isprintable()


@pytest.mark.parametrize(
    ("shape", "key", "wrong"),
    [
        (shape, key, wrong)
        for shape, custom in CUSTOM.items()
        for key, kind in CUSTOM_KINDS.items()
        if key.partition(".")[0] in custom
        for wrong in WRONG[kind]
    ],
    ids=repr,
)
def test_a_wrong_type_in_a_shape_is_one_problem_at_its_key(shape: str, key: str, wrong: object) -> None:
    reported = found(put(full(shape), f"consent.custom.{key}", wrong))
    assert [problem.path for problem in reported] == [f"consent.custom.{key}"]


@pytest.mark.parametrize("path", ["presets", "cookie[0].hosts", "cookie[0].paths"])
@pytest.mark.parametrize("item", [5, True, [], {}, ["x"], "", "\ud800"])
def test_a_wrong_item_of_a_list_is_one_problem_at_its_place(path: str, item: object) -> None:
    good = "/x" if path.endswith("paths") else "shop"
    assert [problem.path for problem in found(put(full(), path, [good, item, good]))] == [f"{path}[1]"]


@pytest.mark.parametrize("shape", ["word", "json", "pairs", "positional"])
@pytest.mark.parametrize("item", [[], {}, A_DATE, [True]])
def test_a_wrong_item_among_a_shapes_answers_is_one_problem_at_its_place(shape: str, item: object) -> None:
    for items in ([item], ["x", item]):
        place = f"consent.custom.granted[{len(items) - 1}]"
        assert [problem.path for problem in found(put(full(shape), "consent.custom.granted", items))] == [place]


@pytest.mark.parametrize("path", ["category", "cookie", "page.section"])
@pytest.mark.parametrize("item", [5, True, "x", [], A_DATE])
def test_what_is_no_table_in_an_array_of_tables_is_one_problem(path: str, item: object) -> None:
    document = full()
    key = path.rpartition(".")[2]
    place = document["page"] if path.startswith("page") else document
    place[key].append(item)
    index = len(place[key]) - 1
    assert [problem.path for problem in found(document)] == [f"{path}[{index}]"]


@pytest.mark.parametrize("path", [path for path, kind in KEYS.items() if kind in ("text", "choice", "formats")])
def test_a_message_tells_what_was_expected_and_what_was_found(path: str) -> None:
    (problem,) = (problem for problem in found(put(full(), path, 5)) if problem.path == path)
    assert problem.message == "must be text, not a whole number (5)"


@pytest.mark.parametrize(
    ("path", "wrong", "message"),
    [
        ("consent.revision", True, "must be a whole number, not true or false (true)"),
        ("consent.revision", 0, "must be between 1 and 2147483648, not 0"),
        ("consent.revision", "3", 'must be a whole number, not "3"'),
        ("consent.forward", "no", 'must be true or false, not "no"'),
        ("consent.forward", 1.5, "must be true or false, not a number (1.5)"),
        ("consent.gpc", "strickt", 'must be true, false or "strict", not "strickt"'),
        ("consent.max_age", 180, 'must be a duration such as "180d", not a whole number (180)'),
        (
            "consent.max_age",
            "180",
            '"180" is no duration; write "90s", "15m", "12h", "180d" or "13mo"',
        ),
        (
            "cookie[0].max_age",
            "1w",
            '"1w" is no duration; write "90s", "15m", "12h", "180d" or "13mo", or "session"',
        ),
        (
            "enforcement.mode",
            "enforced",
            '"enforced" is not "enforce" or "report-only" or "off"; did you mean "enforce"?',
        ),
        ("enforcement.unlisted", "drop", '"drop" is not "block" or "allow"'),
        ("cookie[0].hosts", "example.org", 'must be a list of texts, not "example.org"'),
        ("cookie[0].hosts", A_DATE, "must be a list of texts, not a date or time"),
        ("consent", [], "must be a table, not a list"),
        ("cookie", {}, "must be written [[cookie]], a list of tables, not a table"),
        ("page.updated", "soon", "must be a date such as 2026-01-31"),
        ("page.title", "\udcff", '"\\xdcff" is not UTF-8'),
        ("cookie[0].function", ["x" * 99], "must be text, not a list"),
        ("consent.custom.granted", "yes", 'must be a list, such as ["yes", "accepted"], not "yes"'),
        ("consent.custom.shape", "jsno", None),
    ],
)
def test_messages_name_the_value_and_the_way_out(path: str, wrong: object, message: str | None) -> None:
    (problem,) = found(put(full(), path, wrong))
    assert (problem.path, problem.message) == (
        path,
        message or '"jsno" is not one of "word", "json", "pairs", "list", "positional"; did you mean "json"?',
    )


def test_a_hostile_value_cannot_forge_a_line_of_the_message() -> None:
    (line,) = problems(put(full(), "enforcement.mode", 'x"\n\x1b[31mcookie[0].name: fine\u2028' + "y" * 99))
    assert line.isprintable()
    assert len(line) < 250


# --- unknown keys ----------------------------------------------------------------------------------------------------

MINIMAL = """
[consent.custom]
shape = "word"
granted = ["x"]
[[page.section]]
[[category]]
id = "essential"
[[cookie]]
name = "sid"
category = "essential"
on_refusal = { value = "" }
"""


@pytest.mark.parametrize("path", [path for path in KEYS if not path.startswith(("category[1]", "consent.map."))])
@pytest.mark.parametrize("document", [FULL, MINIMAL], ids=["full", "minimal"])
def test_an_unknown_key_is_one_problem_with_the_nearest_known_one(path: str, document: str) -> None:
    above, _, key = path.rpartition(".")
    misspelt = f"{above}.{key}{key[-1]}" if above else key + key[-1]
    tables = tomllib.loads(document)
    for table in ("enforcement", "page"):
        tables.setdefault(table, {})
    assert problems(put(tables, misspelt, "x")) == [f'{misspelt}: unknown key; did you mean "{key}"?']


@pytest.mark.parametrize("table", ["", "consent", "consent.custom", "enforcement", "page", "page.section[0]"])
def test_a_key_like_no_other_is_unknown_without_a_guess(table: str) -> None:
    path = f"{table}.zzzz" if table else "zzzz"
    assert problems(put(full(), path, 1)) == [f"{path}: unknown key"]


@pytest.mark.parametrize(
    ("shape", "key"),
    [
        (shape, key)
        for shape, custom in CUSTOM.items()
        for key in CUSTOM_KINDS
        if "." not in key and not any(key in one for one in CUSTOM.values() if one["shape"] == custom["shape"])
    ],
)
def test_a_setting_of_another_shape_is_a_problem(shape: str, key: str) -> None:
    value = next(custom[key] for custom in CUSTOM.values() if key in custom)
    document = put(full(shape), f"consent.custom.{key}", value)
    expected = f'consent.custom.{key}: means nothing for the shape "{CUSTOM[shape]["shape"]}"'
    assert problems(document) == [expected]


@pytest.mark.parametrize(
    ("shape", "key", "expected"),
    [
        *(("json", key, {key: "paths"}) for key in ("path", "id_key", "value_key", "map", "lists", "complete")),
        *(("json of objects", key, {key: "id_key"}) for key in ("lists", "complete")),
        *(("json of names", key, {key: "lists"}) for key in ("value_key", "granted", "refused")),
        ("json of names", "paths", dict.fromkeys(("complete", "lists", "map", "path"), "paths")),
    ],
)
def test_json_has_its_answers_in_one_way(shape: str, key: str, expected: dict[str, str]) -> None:
    value = next(custom[key] for custom in CUSTOM.values() if key in custom)
    document = put(full(shape), f"consent.custom.{key}", value)
    assert problems(document) == [
        f"consent.custom.{key}: means nothing beside {way}" for key, way in sorted(expected.items())
    ]


def test_objects_in_json_have_a_key_for_the_name_and_one_for_the_answer() -> None:
    document = full("json of objects")
    del document["consent"]["custom"]["value_key"]
    assert problems(document) == ["consent.custom.value_key: is missing, and id_key rests on it"]
    document["consent"]["custom"]["value_key"] = ""
    assert problems(document) == ["consent.custom.value_key: must not be empty"]


def test_pairs_may_have_nothing_between_a_name_and_its_answer() -> None:
    (reader,) = load(put(full("pairs"), "consent.custom.assign", "")).consent.readers
    assert isinstance(reader, CustomReader)
    assert reader.assign == ""


# --- what must be there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('[[cookie]]\ncategory = "necessary"', ["cookie[0].name: is missing"]),
        ('[[cookie]]\nname = "a"', ["cookie[0].category: is missing"]),
        ("[[cookie]]", ["cookie[0].name: is missing", "cookie[0].category: is missing"]),
        ('[[category]]\ntitle = "x"', ["category[0].id: is missing"]),
        (
            "[consent.custom]",
            ['consent.custom.shape: is missing; one of "word", "json", "pairs", "list", "positional"'],
        ),
        ('[consent]\nformat = "custom"', ['consent.custom: is missing, and format is "custom"']),
        (
            '[consent.custom]\nshape = "word"',
            ['consent.custom.granted: is missing, and the shape "word" rests on it'],
        ),
        (
            '[consent.custom]\nshape = "word"\ngranted = []',
            ['consent.custom.granted: is missing, and the shape "word" rests on it'],
        ),
        (
            '[consent.custom]\nshape = "json"\npaths = {}',
            ['consent.custom.paths: is missing, and the shape "json" rests on it'],
        ),
        (
            '[consent.custom]\nshape = "positional"',
            ['consent.custom.order: is missing, and the shape "positional" rests on it'],
        ),
        (
            '[consent]\nformat = "gatekeeper"\n[consent.custom]\nshape = "list"',
            ['consent.format: is "gatekeeper", and [consent.custom] describes another; leave one out'],
        ),
        (
            '[[cookie]]\nname = "a"\ncategory = "necessary"\non_refusal = {}',
            ["cookie[0].on_refusal.value: is missing"],
        ),
    ],
)
def test_what_is_missing_is_said_once(document: str, expected: list[str]) -> None:
    assert problems(document) == expected


@pytest.mark.parametrize(
    "path", ["consent.cookie", "consent.custom.id_key", "cookie[0].name", "cookie[0].category", "cookie[0].domain"]
)
def test_what_must_say_something_may_not_be_empty(path: str) -> None:
    shape = "json of objects" if path.endswith("id_key") else "json"
    assert problems(put(full(shape), path, "")) == [f"{path}: must not be empty"]


# --- categories ------------------------------------------------------------------------------------------------------


def test_an_unknown_category_is_named_with_the_nearest_one() -> None:
    document = """
        [[category]]
        id = "necessary"
        [[category]]
        id = "statistics"
        [[cookie]]
        name = "a"
        category = "necessary"
        [[cookie]]
        name = "b"
        category = "necessary"
        [[cookie]]
        name = "c"
        category = "necessary"
        [[cookie]]
        name = "d"
        category = "stats"
    """
    assert problems(document) == ['cookie[3].category: "stats" is no category; did you mean "statistics"?']


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("analytics", '; did you mean "statistics"?'),
        ("Statistics", '; did you mean "statistics"?'),
        ("statistisc", '; did you mean "statistics"?'),
        ("ad", '; did you mean "ads"?'),
        ("zzz", ""),
    ],
)
@pytest.mark.parametrize("path", ["cookie[0].category", "consent.map.C0002", "consent.custom.order"])
def test_a_word_for_a_category_leads_to_the_operators_own(path: str, name: str, hint: str) -> None:
    document = full("positional")
    document["category"].append({"id": "ads"})
    put(document, path, [name] if path.endswith("order") else name)
    assert problems(document) == [f'{path}: "{name}" is no category{hint}']


@pytest.mark.parametrize(
    ("shape", "key", "value"),
    [("json", "paths", {"stats": "x"}), ("pairs", "map", {"a": "stats"}), ("list", "map", {"a": "stats"})],
)
def test_a_shape_may_speak_of_the_operators_categories_only(shape: str, key: str, value: dict[str, str]) -> None:
    expected = [f'consent.custom.{key}: "stats" is no category; did you mean "statistics"?']
    assert problems(put(full(shape), f"consent.custom.{key}", value)) == expected


@pytest.mark.parametrize("identity", ["essential", "ESSENTIAL", "Essential"])
def test_two_categories_that_a_cookie_could_not_tell_apart_are_one_too_many(identity: str) -> None:
    document = full()
    document["category"].append({"id": identity})
    assert problems(document) == [f'category[2].id: "{identity}" is already a category']


@pytest.mark.parametrize("identity", [" base2", "base2\t", "a\nb", "x" * 65, "\u200b"])
def test_a_category_id_is_a_short_printable_word(identity: str) -> None:
    document = full()
    document["category"].append({"id": identity})
    assert problems(document) == ["category[2].id: must be a short printable word"]


# --- rules -----------------------------------------------------------------------------------------------------------


def rule(**keys: object) -> dict[str, Any]:
    return {"cookie": [{"name": "a", "category": "necessary"} | keys]}


@pytest.mark.parametrize("name", ["a=b", "a;b", "a\tb", "a\nb", "\0", " a", "a ", "\u00a0a", "a\u2028", "\x7f"])
def test_what_cannot_be_a_cookie_name_cannot_be_a_rules_name(name: str) -> None:
    (problem,) = found(rule(name=name))
    assert problem.path == "cookie[0].name"
    assert problem.message.endswith("cannot be a cookie-name")
    assert problem.message.isprintable()


@pytest.mark.parametrize("name", ["a b", "a,b", "*", "?", "é", "[x]", '"a"', "__Host-a", "\\", "%5f", "x" * 256])
def test_every_name_that_a_browser_stores_can_be_a_rules_name(name: str) -> None:
    assert load(rule(name=name)).rules[0].name == name


def test_a_name_has_at_most_256_octets() -> None:
    assert problems(rule(name="é" * 128)) == []
    assert problems(rule(name="é" * 128 + "x")) == ["cookie[0].name: is longer than 256 octets"]


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ([{}, {}], ['cookie[1].name: "a" is already named by cookie[0]']),
        ([{}, {"name": "b"}, {"category": "marketing"}], ['cookie[2].name: "a" is already named by cookie[0]']),
        ([{}, {}, {}], [f'cookie[{n}].name: "a" is already named by cookie[0]' for n in (1, 2)]),
        ([{"hosts": ["x", "Y"]}, {"hosts": ["y", "X"]}], ['cookie[1].name: "a" is already named by cookie[0]']),
        ([{"paths": ["/x"]}, {"paths": ["/x"]}], ['cookie[1].name: "a" is already named by cookie[0]']),
        ([{"name": "A"}, {}], []),
        ([{}, {"hosts": ["x"]}], []),
        ([{"hosts": ["x"]}, {"hosts": ["y"]}], []),
        ([{"paths": ["/x"]}, {"paths": ["/X"]}], []),
        ([{"hosts": ["x"]}, {"paths": ["/x"]}], []),
    ],
)
def test_a_rule_written_twice_is_a_problem(cookies: list[dict[str, object]], expected: list[str]) -> None:
    document = {"cookie": [{"name": "a", "category": "necessary"} | cookie for cookie in cookies]}
    assert problems(document) == expected


def test_a_broken_rule_does_not_shift_the_places_of_others() -> None:
    good = {"name": "a", "category": "necessary"}
    assert problems({"cookie": [{"name": 5, "category": "necessary"}, good, good]}) == [
        "cookie[0].name: must be text, not a whole number (5)",
        'cookie[2].name: "a" is already named by cookie[1]',
    ]


@pytest.mark.parametrize(
    ("written", "on_refusal", "replacement"),
    [
        ("drop", OnRefusal.DROP, ""),
        ("session", OnRefusal.SESSION, ""),
        ("expire", OnRefusal.EXPIRE, ""),
        ({"value": "opt-out"}, OnRefusal.REPLACE, "opt-out"),
        ({"value": ""}, OnRefusal.REPLACE, ""),
    ],
)
def test_what_happens_on_refusal(written: object, on_refusal: OnRefusal, replacement: str) -> None:
    (found_rule,) = load(rule(on_refusal=written)).rules
    assert (found_rule.on_refusal, found_rule.replacement) == (on_refusal, replacement)


@pytest.mark.parametrize("value", ["a b", 'a"b', "a,b", "a;b", "a\\b", "a\nb", "\x7f", "é", "x" * 2049])
def test_a_constant_may_hold_only_what_no_parser_stumbles_over(value: str) -> None:
    (problem,) = found(rule(on_refusal={"value": value}))
    assert problem.path == "cookie[0].on_refusal.value"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"samesite": "None"}, ['cookie[0].samesite: "None" needs secure = true: browsers refuse it otherwise']),
        (
            {"samesite": "none", "secure": False},
            ['cookie[0].samesite: "None" needs secure = true: browsers refuse it otherwise'],
        ),
        ({"samesite": "None", "secure": True}, []),
        ({"samesite": "lax", "secure": False}, []),
        ({"partitioned": True}, ["cookie[0].partitioned: needs secure = true: browsers refuse it otherwise"]),
        ({"partitioned": True, "secure": True}, []),
        ({"partitioned": False, "secure": False}, []),
        ({"name": "__Secure-a", "secure": False}, ["cookie[0].secure: a name with this prefix must stay Secure"]),
        ({"name": "__host-a", "secure": False}, ["cookie[0].secure: a name with this prefix must stay Secure"]),
        ({"name": "__Http-*", "secure": False}, ["cookie[0].secure: a name with this prefix must stay Secure"]),
        ({"name": "__Secure-a", "secure": True}, []),
        ({"name": "__Host-a", "domain": "x.org"}, ["cookie[0].domain: a __Host- cookie has no Domain, and the Path /"]),
        ({"name": "__Host-a", "path": "/x"}, ["cookie[0].path: a __Host- cookie has no Domain, and the Path /"]),
        ({"name": "__Host-a", "path": "/"}, []),
        ({"name": "__Secure-a", "domain": "x.org", "path": "/x"}, []),
        ({"path": "x"}, ["cookie[0].path: must start with /"]),
        ({"path": "/a;b"}, ['cookie[0].path: "/a;b" cannot be written in a Set-Cookie field']),
        ({"domain": "x\n"}, ['cookie[0].domain: "x\\x0a" cannot be written in a Set-Cookie field']),
        ({"domain": "é.org"}, ['cookie[0].domain: "é.org" cannot be written in a Set-Cookie field']),
        ({"samesite": "Laxx"}, ['cookie[0].samesite: "Laxx" is not "Strict", "Lax" or "None"']),
        ({"mode": "off"}, ['cookie[0].mode: "off" is not "enforce" or "report-only"']),
        (
            {"max_age": "0s"},
            ['cookie[0].max_age: must be longer than nothing; "session" ends with the browser session'],
        ),
        (
            {"max_age": "0mo"},
            ['cookie[0].max_age: must be longer than nothing; "session" ends with the browser session'],
        ),
        (
            {"duration": "two years"},
            ['cookie[0].duration: "two years" is no duration; write "180d", "13mo" or "session"'],
        ),
    ],
)
def test_a_rule_that_browsers_would_refuse_is_a_problem(keys: dict[str, object], expected: list[str]) -> None:
    assert problems(rule(**keys)) == expected


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("session", SESSION),
        ("1s", 1),
        ("90s", 90),
        ("15m", 900),
        ("12h", 43200),
        ("180d", 180 * 86400),
        ("1mo", 2629800),
        ("13mo", 34187400),
        ("0012h", 43200),
        ("36525d", 36525 * 86400),
    ],
)
def test_durations_are_seconds(written: str, seconds: int) -> None:
    assert load(rule(max_age=written)).rules[0].max_age == seconds


@pytest.mark.parametrize("written", ["0s", "0d", "0mo", "session"])
def test_a_choice_must_live_for_a_while(written: str) -> None:
    (line,) = problems({"consent": {"max_age": written}})
    assert line.startswith("consent.max_age: ")


@pytest.mark.parametrize("written", ["strict", "Strict", "STRICT"])
def test_samesite_is_written_as_browsers_write_it(written: str) -> None:
    assert load(rule(samesite=written)).rules[0].samesite == "Strict"


@pytest.mark.parametrize("written", ["", "a b", "a;b", "é", "a\n", "a,b"])
def test_the_consent_cookie_has_a_name_that_everybody_reads(written: str) -> None:
    (line,) = problems({"consent": {"cookie": written}})
    assert line.startswith("consent.cookie: ")


@pytest.mark.parametrize(("written", "gpc"), [(True, True), (False, False), ("strict", "strict")])
def test_gpc_is_on_off_or_strict(written: object, gpc: object) -> None:
    assert load({"consent": {"gpc": written}}).consent.gpc == gpc


@pytest.mark.parametrize(
    ("written", "updated"),
    [("updated = 2026-01-31", date(2026, 1, 31)), ('updated = "2026-01-31"', date(2026, 1, 31)), ("", None)],
)
def test_a_page_may_tell_its_date(written: str, updated: date | None) -> None:
    assert load(f"[page]\n{written}").page.updated == updated


def test_a_page_dated_to_the_second_tells_the_day() -> None:
    told = load("[page]\nupdated = 2026-01-31T07:32:00Z").page.updated
    assert (told, type(told)) == (date(2026, 1, 31), date)


# --- presets ---------------------------------------------------------------------------------------------------------


def test_the_files_own_rules_stand_before_those_of_presets_in_the_order_named() -> None:
    document = {"presets": ["chat", "shop"], "cookie": [{"name": "basket", "category": "marketing"}]}
    assert [(rule.name, rule.source) for rule in load(document).rules] == [
        ("basket", "the file"),
        ("chat_*", "chat"),
        ("basket", "shop"),
        ("_visits", "shop"),
    ]


@pytest.mark.parametrize("own", ["analytics", "statistics", "Performance"])
def test_a_presets_category_becomes_the_operators_of_the_same_meaning(own: str) -> None:
    document = {"presets": ["shop"], "category": [{"id": "necessary"}, {"id": own}]}
    assert [rule.category for rule in load(document).rules] == ["necessary", own]


def test_the_operators_map_tells_where_a_presets_category_belongs() -> None:
    document = {
        "presets": ["shop"],
        "category": [{"id": "essential"}, {"id": "counting"}],
        "consent": {"map": {"necessary": "essential", "analytics": "counting"}},
    }
    assert [rule.category for rule in load(document).rules] == ["essential", "counting"]


def test_a_presets_category_that_means_nothing_here_is_said_once() -> None:
    (problem,) = found({"presets": ["chat", "shop"], "category": [{"id": "necessary"}, {"id": "functional"}]})
    assert problem.path == "presets[1]"
    assert problem.message.startswith('"shop" has cookies of the category "analytics", which is none of yours')


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["shp"], ['presets[0]: "shp" is no preset; did you mean "shop"?']),
        (["zzzz"], ['presets[0]: "zzzz" is no preset']),
        (["shop", "", "zzzz"], ["presets[1]: must not be empty", 'presets[2]: "zzzz" is no preset']),
        (
            [5, "shop", "Shop"],
            [
                "presets[0]: must be text, not a whole number (5)",
                'presets[2]: "Shop" is no preset; did you mean "shop"?',
            ],
        ),
    ],
)
def test_an_unknown_preset_is_named_at_its_place(named: list[object], expected: list[str]) -> None:
    assert problems({"presets": named}) == expected


def test_a_fault_in_a_preset_is_told_where_it_stands() -> None:
    broken: dict[str, dict[str, object]] = {"x": {"cookie": [{"name": "a", "category": "necessary", "nmae": "b"}, {}]}}
    with pytest.raises(PolicyError) as error:
        load_policy_tables({"presets": ["x"]}, broken)
    assert str(error.value).split("\n") == [
        'preset x.cookie[0].nmae: unknown key; did you mean "name"?',
        "preset x.cookie[1].name: is missing",
        "preset x.cookie[1].category: is missing",
    ]


def test_every_preset_that_ships_loads_under_the_default_categories() -> None:
    shipped = library()
    policy = load_policy_tables({"presets": list(shipped)}, shipped)
    assert {rule.source for rule in policy.rules} == set(shipped)
    assert {rule.category for rule in policy.rules} <= {category.id for category in DEFAULT_CATEGORIES}


def test_the_essential_preset_holds_necessary_cookies_under_narrow_names_only() -> None:
    shipped = library()
    policy = load_policy_tables({"presets": ["essential"]}, shipped)
    assert {rule.category for rule in policy.rules} == {"necessary"}
    assert len({rule.name for rule in policy.rules}) == len(policy.rules)
    assert all(len(re.split(r"[*?]", rule.name)[0]) >= 4 for rule in policy.rules if not rule.is_exact)
    assert {"sessionid", "csrftoken", "PHPSESSID", "JSESSIONID"} <= {rule.name for rule in policy.rules}


# --- all at once -----------------------------------------------------------------------------------------------------


def test_every_problem_is_in_one_error_with_its_source() -> None:
    document = tomllib.loads("""
        presets = ["shpo"]
        colour = "red"
        [consent]
        cookie = ""
        revision = 0
        max_age = "never"
        gpc = "sometimes"
        [consent.map]
        x = "stats"
        [enforcement]
        mode = "on"
        [page]
        updated = "soon"
        [[category]]
        id = "statistics"
        basis = "opt_in"
        [[cookie]]
        name = "a=b"
        category = "stats"
        samesite = "None"
        hosts = [1]
        [[cookie]]
        naem = "x"
    """)
    with pytest.raises(PolicyError) as error:
        load_policy_tables(document, PRESETS, "site.toml")
    assert error.value.source == "site.toml"
    assert [problem.path for problem in error.value.problems] == [
        "category[0].basis",
        "consent.map.x",
        "consent.cookie",
        "consent.revision",
        "consent.max_age",
        "consent.gpc",
        "enforcement.mode",
        "page.updated",
        "cookie[0].name",
        "cookie[0].category",
        "cookie[0].hosts[0]",
        "cookie[0].samesite",
        "cookie[1].name",
        "cookie[1].category",
        "cookie[1].naem",
        "presets[0]",
        "colour",
    ]
    assert str(error.value) == "\n".join(map(str, error.value.problems))


def test_tables_of_others_are_unknown_where_there_is_only_a_policy() -> None:
    assert problems({"server": {}, "log": {}}) == ["server: unknown key", "log: unknown key"]


@pytest.mark.parametrize(
    "text",
    ["a = ", "[", "a = 1\na = 2", "a = " + "[" * 100_000, "a = " + "9" * 5000, "a = 2026-02-30", "\0"],
)
def test_what_is_no_toml_is_one_problem(text: str) -> None:
    with pytest.raises(PolicyError, match="not valid TOML") as error:
        parse_toml(text, "site.toml")
    assert (len(error.value.problems), error.value.source) == (1, "site.toml")
    assert str(error.value).startswith("not valid TOML: ")


def test_toml_is_parsed() -> None:
    assert parse_toml("a = 1") == {"a": 1}


# --- the environment -------------------------------------------------------------------------------------------------


def env(path: str, text: str, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"consent": {}, "enforcement": {}, "page": {}} | more
    return put(document, path, EnvironmentText(text))


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("consent.cookie", "choice", "choice"),
        ("consent.formats", "gatekeeper", ("gatekeeper",)),
        ("consent.formats", "auto", ("auto",)),
        ("consent.revision", "7", 7),
        ("consent.max_age", "1h", 3600),
        ("consent.gpc", "strict", "strict"),
        ("consent.gpc", "TRUE", True),
        ("consent.gpc", "0", False),
        ("consent.dnt", "1", True),
        ("consent.forward", "false", False),
        ("consent.upstream_may_set", "False", False),
        ("enforcement.mode", "off", Mode.OFF),
        ("enforcement.unlisted", "allow", "allow"),
        ("enforcement.strip_requests", "0", False),
        ("page.title", "5", "5"),
        ("page.updated", "2026-01-31", date(2026, 1, 31)),
        ("page.section", '[{title = "a", text = "b"}]', (Section("a", "b"),)),
        ("presets", "shop, chat,", ("shop", "chat")),
        ("presets", '["shop"]', ("shop",)),
        ("presets", "", ()),
    ],
)
def test_a_variables_text_is_read_in_the_type_of_its_key(path: str, text: str, value: object) -> None:
    policy = load(env(path.removesuffix("s") if path == "consent.formats" else path, text))
    table, _, key = path.rpartition(".")
    read = getattr(getattr(policy, table), "sections" if key == "section" else key) if table else policy.presets
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("consent.revision", "seven"),
        ("consent.revision", "7.0"),
        ("consent.revision", "9" * 19),
        ("consent.revision", "0"),
        ("consent.max_age", "60"),
        ("consent.gpc", "yes"),
        ("consent.dnt", "on"),
        ("consent.dnt", ""),
        ("consent.cookie", ""),
        ("consent.cookie", "\udcff"),
        ("consent.custom", "word"),
        ("consent.map", "{"),
        ("enforcement.mode", "Off"),
        ("page.updated", "today"),
        ("page.section", "x"),
        ("page.section", "{}"),
        ("presets", '["shop"'),
        ("cookie", "sid"),
        ("cookie", "[1" * 2000),
        ("category", "9" * 5000),
    ],
)
def test_a_variable_that_cannot_be_read_is_one_problem(path: str, text: str) -> None:
    reported = found(env(path, text))
    assert [problem.path for problem in reported] == [path]
    assert reported[0].message.isprintable()


def test_whole_tables_may_come_from_variables() -> None:
    document = {
        "category": EnvironmentText('[{id = "essential", basis = "required"}, {id = "statistics"}]'),
        "cookie": EnvironmentText('[{name = "sid", category = "essential", hosts = ["a"]}]'),
        "consent": EnvironmentText('{revision = 2, map = {C2 = "statistics"}}'),
    }
    policy = load(document)
    assert [category.id for category in policy.categories] == ["essential", "statistics"]
    assert [(rule.name, rule.hosts) for rule in policy.rules] == [("sid", ("a",))]
    assert (policy.consent.revision, policy.vocabulary.resolve("c2")) == (2, "statistics")


@pytest.mark.parametrize(
    ("text", "granted"),
    [("yes,accepted", ("yes", "accepted")), ("[true, 1, '1']", (True, 1, "1")), ("yes", ("yes",))],
)
def test_a_shapes_answers_may_come_from_a_variable(text: str, granted: tuple[object, ...]) -> None:
    document = full()
    document["consent"]["custom"] = {
        "shape": EnvironmentText("json"),
        "paths": EnvironmentText('{statistics = "s"}'),
        "granted": EnvironmentText(text),
    }
    (reader,) = load(document).consent.readers
    assert isinstance(reader, CustomReader)
    assert (reader.granted, [type(one) for one in reader.granted]) == (granted, [type(one) for one in granted])


def test_an_order_may_come_from_a_variable() -> None:
    document = full("positional")
    put(document, "consent.custom.order", EnvironmentText("statistics, essential"))
    (reader,) = load(document).consent.readers
    assert isinstance(reader, CustomReader)
    assert reader.order == ("statistics", "essential")
