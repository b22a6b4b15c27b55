"""Gatekeeper's own consent cookie, written and read; and what else an app may already write under its name."""

import json
import random
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gatekeeper.consent.category import Basis, Category, Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.native import FORMAT, NativeReader, write_choice, write_set_cookie

VOCABULARY = Vocabulary(
    (
        Category("necessary", Basis.REQUIRED),
        Category("statistics", Basis.OPT_IN),
        Category("marketing", Basis.OPT_IN),
        Category("audience", Basis.OPT_OUT),
    )
)
OPTIONAL = {"statistics", "marketing", "audience"}


def read(value: bytes, vocabulary: Vocabulary = VOCABULARY) -> Choice:
    choice = NativeReader().read({b"cookies_preferences": value}, vocabulary)
    assert choice is not None, "the cookie has one owner: it is undecided, never somebody else's"
    return choice


def said(value: bytes) -> tuple[State, set[str], set[str]]:
    choice = read(value)
    return choice.state, set(choice.granted), set(choice.refused)


# --- its own format --------------------------------------------------------------------------------------------------

NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name == name.strip() and name.isprintable())


@settings(deadline=None)
@given(
    st.dictionaries(NAMES, st.booleans(), max_size=6),
    st.integers(1, 2**31),
    st.integers(0, 253402300799),
    st.text(max_size=40),
)
@example({"statistics": True, "marketing": False, '50%, {"a"}; =': True}, 1, 0, "")
def test_what_is_written_is_read_back(answers: dict[str, bool], revision: int, now: int, record: str) -> None:
    assume(len({name.lower() for name in answers}) == len(answers))
    granted = {name for name, answer in answers.items() if answer}
    refused = set(answers) - granted
    value = write_choice(granted=granted, refused=refused, revision=revision, now=now, record_id=record)
    choice = read(value, Vocabulary(tuple(map(Category, answers))))
    assert (choice.state, choice.granted, choice.refused) == (State.DECIDED, granted, refused)
    assert (choice.revision, choice.given_at, choice.format) == (revision, now, FORMAT)


@settings(deadline=None)
@given(st.lists(NAMES, max_size=4), st.text(max_size=40))
def test_the_written_value_is_safe_for_any_server_and_any_script(granted: list[str], record: str) -> None:
    value = write_choice(granted=granted, refused=["x;y"], revision=1, now=0, record_id=record)
    assert re.fullmatch(rb"[A-Za-z0-9_.~%-]+", value), "only octets that nobody quotes, splits or decodes by themselves"


def test_the_written_value_holds_what_the_format_names_and_no_more() -> None:
    value = write_choice(granted={"b", "a"}, refused={"c"}, revision=3, now=1763900000, record_id="r")
    expected = '{"v":1,"rev":3,"t":1763900000,"id":"r","granted":["a","b"],"refused":["c"]}'
    assert value == quote(expected, safe="").encode()


@pytest.mark.parametrize(
    ("secure", "field"),
    [
        (True, b"cookies_preferences=x; Path=/; Max-Age=15552000; SameSite=Lax; Secure"),
        (False, b"cookies_preferences=x; Path=/; Max-Age=15552000; SameSite=Lax"),
    ],
)
def test_the_cookie_is_set_for_the_whole_site_and_open_to_scripts(secure: bool, field: bytes) -> None:
    assert write_set_cookie(b"cookies_preferences", b"x", max_age=180 * 86400, secure=secure) == field


@pytest.mark.parametrize(
    ("document", "granted", "refused"),
    [
        ({"v": 1, "granted": ["statistics"], "refused": ["marketing"]}, {"statistics"}, {"marketing"}),
        ({"granted": ["statistics"]}, {"statistics"}, set()),
        ({"v": 1, "refused": ["statistics"]}, set(), {"statistics"}),
        ({"v": 1, "granted": [], "refused": []}, set(), set()),
        ({"v": 1, "granted": ["statistics", "gone"], "refused": []}, {"statistics"}, set()),
        ({"v": 1, "granted": ["STATISTICS"], "refused": ["ads"]}, {"statistics"}, {"marketing"}),
        ({"v": 1, "granted": ["statistics"], "refused": ["statistics"]}, set(), {"statistics"}),
        ({"v": 1, "granted": ["analytics"], "refused": ["Statistics"]}, set(), {"statistics"}),
        ({"v": 1, "granted": ["statistics"], "t": 0, "rev": 0}, {"statistics"}, set()),
        ({"v": 1, "granted": ["statistics"], "t": None, "rev": None}, {"statistics"}, set()),
        ({"v": 1, "granted": ["statistics"], "more": {"a": [1]}}, {"statistics"}, set()),
    ],
)
def test_the_own_format_says_what_is_granted_and_what_is_refused(
    document: dict[str, object], granted: set[str], refused: set[str]
) -> None:
    assert said(json.dumps(document).encode()) == (State.DECIDED, granted, refused)


GRANTING = {"v": 1, "rev": 1, "t": 1763900000, "id": "x", "granted": ["statistics"], "refused": ["marketing"]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("v", version) for version in (0, 2, -1, "1", 1.0, True, None, [1])),
        *(("t", moment) for moment in (-1, True, False, "1763900000", 1763900000.0, 253402300800, 10**400, [1], {})),
        *(("rev", revision) for revision in (-1, True, "1", 1.5, 10**20, [1])),
        *(("granted", names) for names in ("statistics", True, None, {"statistics": True}, ["statistics", 1], [None])),
        *(("refused", names) for names in ("marketing", True, None, {}, [["marketing"]], [1])),
    ],
)
def test_one_wrong_part_makes_the_own_format_undecided(key: str, value: object) -> None:
    document = json.dumps(GRANTING | {key: value}).encode()
    for choice in (read(document), read(quote(document).encode())):
        assert (choice.state, choice.granted) == (State.UNDECIDED, frozenset())
        # Whatever is wrong with the time, a refusal is a refusal.
        assert choice.refused == ({"marketing"} if key in ("t", "rev") else set())


@pytest.mark.parametrize(
    "document",
    [
        {"v": 1},
        {"v": 1, "t": 1763900000},
        {"v": 1, "granted": ["gone"], "refused": ["lost"]},
        {"granted": ["gone"]},
        {"refused": ["gone"]},
        {"v": 2, "statistics": True},
    ],
)
def test_the_own_format_without_a_choice_between_known_categories_is_undecided(document: dict[str, object]) -> None:
    assert read(json.dumps(document).encode()) == UNDECIDED


# --- what an app may already write -----------------------------------------------------------------------------------

ALL = (OPTIONAL, set[str]())
NONE = (set[str](), OPTIONAL)
LENIENT = [
    ('{"statistics":true,"marketing":false}', {"statistics"}, {"marketing"}),
    ('{"statistics":1,"marketing":0}', {"statistics"}, {"marketing"}),
    ('{"statistics":"granted","marketing":"denied"}', {"statistics"}, {"marketing"}),
    ('{"statistics":"granted"}', {"statistics"}, set()),
    ('{ "Statistics" : "YES" , "theme":"dark", "n":null }', {"statistics"}, set()),
    ('{"ads":true,"performance":false}', {"marketing"}, {"statistics"}),
    ('{"statistics":true,"performance":false}', set(), {"statistics"}),
    ("statistics:0|performance:1", set(), {"statistics"}),
    ('{"categories":["statistics"]}', {"statistics"}, {"marketing", "audience"}),
    ('{"categories":["statistics","unheard"],"x":1}', {"statistics"}, {"marketing", "audience"}),
    ('["statistics","marketing"]', {"statistics", "marketing"}, {"audience"}),
    ("[]", *NONE),
    ("statistics,marketing", {"statistics", "marketing"}, {"audience"}),
    ("statistics, marketing", {"statistics", "marketing"}, {"audience"}),
    ("statistics", {"statistics"}, {"marketing", "audience"}),
    ("statistics:1|marketing:0", {"statistics"}, {"marketing"}),
    ("statistics:yes", {"statistics"}, set()),
    ("statistics=true&marketing=false", {"statistics"}, {"marketing"}),
    ("statistics=on&marketing=off&lang=de", {"statistics"}, {"marketing"}),
    ("statistics:1,marketing:0", {"statistics"}, {"marketing"}),
    *((word, *ALL) for word in ("all", "true", "1", "accept", "ALL", " accept ")),
    *((word, *NONE) for word in ("none", "false", "0", "deny", "None")),
]


def once(text: str) -> str:
    return quote(text, safe="")


def by_script(text: str) -> str:
    """encodeURI() leaves these as they are."""
    return quote(text, safe=";,/?:@&=+$-_.!~*'()#")


def js_cookie(text: str) -> str:
    """The most used library for cookies takes part of the encoding back."""
    return re.sub(r"%(?:2[346BF]|3[AC-F]|40|5[BDE]|60|7[BCD])", lambda m: chr(int(m[0][1:], 16)), once(text))


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "encoded": once,
    "encoded twice": lambda text: once(once(text)),
    "lower-case escapes": lambda text: re.sub("%..", lambda m: m[0].lower(), once(text)),
    "encodeURI": by_script,
    "js-cookie": js_cookie,
    "quoted": '"{}"'.format,
    "encoded and quoted": lambda text: f'"{once(text)}"',
    "quoted and encoded": lambda text: once(f'"{text}"'),
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS.keys())
@pytest.mark.parametrize(("text", "granted", "refused"), LENIENT, ids=[row[0] for row in LENIENT])
def test_what_an_app_may_already_write_is_read(
    text: str, granted: set[str], refused: set[str], wrap: Callable[[str], str]
) -> None:
    assert said(wrap(text).encode()) == (State.DECIDED, granted, refused)


def test_necessary_alone_refuses_the_rest() -> None:
    for value in (b"necessary", b'["necessary"]', b'{"categories":["necessary"]}', b"%22necessary%22"):
        state, granted, refused = said(value)
        assert (state, granted - {"necessary"}, refused) == (State.DECIDED, set(), OPTIONAL)


def test_necessary_refuses_the_rest_where_the_category_has_another_name() -> None:
    vocabulary = Vocabulary((Category("base", Basis.REQUIRED), Category("audience", Basis.OPT_OUT)))
    assert read(b"necessary", vocabulary).refused == {"audience"}


def test_all_grants_what_the_operator_has_and_nothing_else() -> None:
    vocabulary = Vocabulary((Category("base", Basis.REQUIRED), Category("fun")))
    assert read(b"all", vocabulary).granted == {"fun"}


# --- what must be undecided ------------------------------------------------------------------------------------------

HOPELESS = [
    ("empty", b""),
    ("blank", b"   "),
    ("empty quotes", b'""'),
    ("one quote", b'"'),
    ("unknown word", b"maybe"),
    ("a two", b"2"),
    ("null", b"null"),
    ("1 MB of a granting list", b"[" + b",".join([b'"statistics"'] * 80_000) + b"]"),
    ("8193 octets", b"statistics" + b" " * 8183),
    ("10,000 nested brackets", b"[" * 10_000 + b'"statistics"' + b"]" * 10_000),
    ("4,000 nested brackets", b"[" * 4_000 + b"]" * 4_000),
    ("nine levels", b"[" * 9 + b'"statistics"' + b"]" * 9),
    ("a grant beside nine levels", b'{"statistics":true,"x":' + b"[" * 8 + b"]" * 8 + b"}"),
    ("nesting behind a closing", b'{"x":[]],"statistics":true,' + b"[" * 2_000),
    ("an unclosed string before brackets", b'{"statistics":true,"' + b"[" * 3_000),
    ("invalid UTF-8", b'{"statistics":true,"x":"\xff"}'),
    ("invalid UTF-8, encoded", b"%7B%22statistics%22%3Atrue%2C%22x%22%3A%22%FF%22%7D"),
    ("invalid UTF-8 in a list", b"statistics,\xe9"),
    ("overlong UTF-8", b"\xf3\x74atistics,\xc0\xaf"),
    ("UTF-16", '{"statistics":true}'.encode("utf-16")),
    ("a byte order mark", b"\xef\xbb\xbf" + b'{"statistics":true}'),
    ("doubled key, no and yes", b'{"statistics":false,"statistics":true}'),
    ("doubled key, yes and yes", b'{"statistics":true,"statistics":true}'),
    ("doubled key further down", b'{"statistics":true,"x":{"y":1,"y":2}}'),
    ("doubled key in the own format", b'{"v":1,"granted":[],"granted":["statistics"]}'),
    ("a list longer than any banner's", b"statistics," * 200),
    ("more pairs than any banner's", b"statistics:1|" * 199 + b"statistics:1"),
    ("NaN", b'{"statistics":true,"x":NaN}'),
    ("Infinity", b'{"statistics":true,"x":-Infinity}'),
    ("a number of 5,000 digits", b'{"statistics":true,"x":' + b"1" * 5_000 + b"}"),
    ("a category that is neither", b'{"statistics":true,"marketing":"maybe"}'),
    ("a category that is null", b'{"statistics":true,"marketing":null}'),
    ("a category that is a list", b'{"statistics":[true]}'),
    ("a category that is 1.0", b'{"statistics":1.0}'),
    ("a category that is 2", b'{"statistics":2}'),
    ("pairs that are neither", b"statistics:1|marketing:maybe"),
    ("half a pair", b"statistics:1|marketing"),
    ("a pair among names", b"statistics,marketing:0"),
    ("two separators", b"statistics:1|marketing:0&audience:1"),
    ("two separators, one in a value", b"statistics:1|theme:a,b"),
    ("two kinds of pair", b"statistics:1|marketing=0"),
    ("names with another separator", b"statistics|marketing"),
    ("a name among scalars", b'["statistics",1]'),
    ("a list of lists", b'[["statistics"]]'),
    ("a list of unknown names", b'["gone","lost"]'),
    ("categories that are no list", b'{"categories":"statistics"}'),
    ("unknown names", b"gone,lost"),
    ("unknown keys", b'{"gone":true}'),
    ("unknown pairs", b"gone:1|lost:0"),
    ("cut off behind the grant", b'{"statistics":true,"mark'),
    ("cut off inside the grant", b'{"statistics":tru'),
    ("cut off at the start", b'statistics":true}'),
    ("cut off, without quotes", b"{statistics:true"),
    ("cut off, a list", b'["statistics",'),
    ("cut off, encoded", b"%7Bstatistics,marketing"),
    ("cut off within an escape", b"%7B%22statistics%22%3Atrue%7"),
    ("a broken escape in a list", b"statistics,%zz"),
    ("two documents", b'{"statistics":true}{"marketing":true}'),
    ("single quotes", b"{'statistics':true}"),
    ("a comment", b'{"statistics":true/**/}'),
    ("a trailing comma", b'{"statistics":true,}'),
    ("NUL", b'{"statistics":true}\0'),
    ("a line break within a string", b'{"statistics":true,"x":"\n"}'),
    ("encoded four times", quote(quote(quote(quote('{"statistics":true}')))).encode()),
    ("plus for space", b'{"statistics":+true}'),
    ("JSON within JSON", json.dumps({"x": '{"statistics":true}'}).encode()),
    ("a text that speaks once decoded", b'{"name":"%22,%22statistics%22:true,%22x%22:%22"}'),
    ("a list that speaks once decoded", b'[["%22,%22statistics%22]","]"]]'),
    ("a JWT", b"eyJhbGciOiJIUzI1NiJ9.eyJzdGF0aXN0aWNzIjp0cnVlfQ.c2lnbmF0dXJl"),
]


@pytest.mark.parametrize("value", [row[1] for row in HOPELESS], ids=[row[0] for row in HOPELESS])
def test_what_cannot_be_read_is_undecided(value: bytes) -> None:
    assert read(value) == UNDECIDED


def test_eight_levels_and_eight_kibibytes_are_still_read() -> None:
    deepest = b'{"statistics":true,"x":' + b"[" * 7 + b"]" * 7 + b"}"
    assert read(deepest).granted == {"statistics"}
    assert read(deepest + b" " * (8192 - len(deepest))).granted == {"statistics"}


def test_brackets_and_quotes_within_strings_are_no_nesting() -> None:
    value = json.dumps({"statistics": True, "x": '[[[[[[[[[[{{{{\\"[[["\\'}).encode()
    assert read(value).granted == {"statistics"}


# --- mutations: whatever the octets, a grant needs a yes -------------------------------------------------------------

SEEDS = [
    *(wrap(text).encode() for text, *_ in LENIENT for wrap in WRAPPINGS.values()),
    json.dumps(GRANTING).encode(),
    quote(json.dumps(GRANTING)).encode(),
]
REFUSING = [
    b'{"v":1,"rev":1,"t":1763900000,"granted":[],"refused":["statistics","marketing"]}',
    b'{"statistics":false,"marketing":false}',
    b"statistics:0|marketing:0",
    b"statistics=false&marketing=false",
    b"none",
    b"deny",
    b"[]",
]
PIECES = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"=", b"&", b"|", b"%", b"\\", b"\0", b"\xff", b" ", b"%22", b"%2C"]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    value = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(value)))
        stop = draw(st.integers(start, min(len(value), start + 8)))
        value = value[:start] + draw(st.one_of(st.sampled_from([b"", *PIECES]), st.binary(max_size=3))) + value[stop:]
    return value


@settings(deadline=None, max_examples=400)
@given(mutated(SEEDS))
def test_no_octets_raise_and_every_choice_is_about_the_operators_categories(value: bytes) -> None:
    choice = read(value)
    assert choice.state in (State.DECIDED, State.UNDECIDED)
    assert choice.granted | choice.refused <= {"necessary", *OPTIONAL}
    assert not choice.granted & choice.refused
    assert choice.state is State.DECIDED or choice == UNDECIDED


@settings(deadline=None, max_examples=400)
@given(mutated(REFUSING))
def test_a_damaged_refusal_grants_nothing_that_it_does_not_name(value: bytes) -> None:
    """No accident short of writing a category's name, or one of the words for all, turns a refusal into a grant."""
    decoded = value
    for _ in range(2):
        decoded = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), decoded)
    for_all = decoded.strip(b'" \t\n\r').lower() in (b"all", b"true", b"1", b"accept")
    named = {category for category in OPTIONAL if category.encode() in decoded.lower()}
    assert for_all or read(value).granted - {"necessary"} <= named


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_octets_without_a_categorys_name_grant_nothing(value: bytes) -> None:
    choice = read(value)
    assert not choice.granted or choice.granted == OPTIONAL


def test_every_prefix_of_a_granting_document_grants_nothing_until_it_is_whole() -> None:
    for value in (json.dumps(GRANTING).encode(), quote(json.dumps(GRANTING), safe="").encode()):
        assert {read(value[:size]) == UNDECIDED for size in range(len(value))} == {True}
        assert read(value).granted == {"statistics"}


def test_a_thousand_random_values_are_read_without_raising() -> None:
    generator = random.Random(6265)
    for size in range(1_000):
        read(generator.randbytes(size))
