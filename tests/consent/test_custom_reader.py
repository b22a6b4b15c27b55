"""An operator's own banner: five shapes, each with what grants, refuses, says nothing and is broken."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.consent.category import Basis, Category, Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers.custom import CustomReader

VOCABULARY = Vocabulary(
    (
        Category("necessary", Basis.REQUIRED),
        Category("statistics", Basis.OPT_IN),
        Category("marketing", Basis.OPT_IN),
        Category("audience", Basis.OPT_OUT),
    )
)
OPTIONAL = {"statistics", "marketing", "audience"}


def read(reader: CustomReader, value: str | bytes) -> Choice:
    choice = reader.read({reader.cookies[0]: value.encode() if isinstance(value, str) else value}, VOCABULARY)
    assert choice is not None
    return choice


def said(reader: CustomReader, value: str) -> tuple[set[str], set[str]] | None:
    choice = read(reader, value)
    assert choice.state in (State.DECIDED, State.UNDECIDED)
    assert (choice == UNDECIDED) == (choice.state is State.UNDECIDED)
    return (set(choice.granted), set(choice.refused)) if choice.state is State.DECIDED else None


WORD = CustomReader("word", granted=("yes", "accepted"), refused=("no",))
JSON = CustomReader("json", paths={"statistics": "consents.stats", "marketing": "consents.ads"}, granted=(True, "1"))
JSON_BOTH = CustomReader("json", paths={"statistics": "s", "marketing": "m"}, granted=(True, 1), refused=(False, 0))
JSON_PLAIN = CustomReader("json", paths={"statistics": "s", "marketing": "m"})
PAIRS = CustomReader("pairs", separator="|", assign=":", map={"stats": "statistics", "ga": "statistics"})
PAIRS_LISTED = CustomReader("pairs", separator=";;", assign="->", granted=("ja",), refused=("nein",))
PAIRS_YES = CustomReader("pairs", granted=("ja",))
GRANTED_LIST = CustomReader("list", separator=",", map={"stats": "statistics"})
REFUSED_LIST = CustomReader("list", separator=" ", lists="refused", map={"stats": "statistics"})
PAIRS_BARE = CustomReader("pairs", separator="-", assign="", map={"st": "statistics", "ma": "marketing"})
PART_LIST = CustomReader("list", map={"stats": "statistics"}, complete=False)
PART_REFUSED = CustomReader("list", lists="refused", map={"stats": "statistics"}, complete=False)
JSON_LIST = CustomReader("json", path="consent.categories", map={"1": "statistics"})
JSON_LIST_TOP = CustomReader("json")
JSON_REFUSED = CustomReader("json", path="off", lists="refused", map={"stats": "statistics"})
JSON_PART = CustomReader("json", path="on", complete=False)
JSON_OBJECTS = CustomReader(
    "json", id_key="id", value_key="active", map={"stats": "statistics", "ga": "statistics", "2": "marketing"}
)
JSON_OBJECTS_BELOW = CustomReader("json", path="a.b", id_key="n", value_key="v", granted=("y",), refused=("n",))
POSITIONAL = CustomReader("positional", order=("statistics", "marketing"), granted=("1",))
POSITIONAL_SPLIT = CustomReader("positional", order=("statistics", "marketing"), separator="-")
POSITIONAL_BOTH = CustomReader("positional", order=("statistics", "audience"), granted=("y",), refused=("n",))
POSITIONAL_TWICE = CustomReader("positional", order=("statistics", "statistics"), granted=("1",))

ALL = (OPTIONAL, set[str]())
NONE = (set[str](), OPTIONAL)

CASES = [
    (WORD, "yes", ALL, "grants every category that can be refused"),
    (WORD, " accepted\t", ALL, "trimmed"),
    (WORD, "no", NONE, "refuses them"),
    (WORD, "Yes", None, "in another case: nobody said so"),
    (WORD, "yes,no", None, "two words"),
    (WORD, "yesno", None, "a longer word"),
    (WORD, "", None, "empty"),
    (WORD, "true", None, "a word that others use"),
    (CustomReader("word", granted=("x",), refused=("x",)), "x", NONE, "a word of both lists refuses"),
    (CustomReader("word", granted=(True, 1)), "1", None, "a number of the file is no text"),
    (JSON, '{"consents":{"stats":true,"ads":"1"}}', ({"statistics", "marketing"}, set()), "grants"),
    (JSON, '{"consents":{"stats":false,"ads":true}}', ({"marketing"}, {"statistics"}), "what is not listed refuses"),
    (
        JSON,
        '{"consents":{"stats":1,"ads":"true"}}',
        (set(), {"statistics", "marketing"}),
        "1 is not true, nor is a text",
    ),
    (JSON, '{"consents":{"ads":true}}', ({"marketing"}, set()), "what is not there says nothing"),
    (
        JSON,
        '{"consents":{"stats":null,"ads":[true]}}',
        (set(), {"marketing"}),
        "null says nothing, a list is not listed",
    ),
    (JSON, '{"consents":true}', None, "a path that ends early"),
    (JSON, '{"consents.stats":true}', None, "a key with a dot is no path"),
    (JSON, "{}", None, "nothing said"),
    (JSON, "true", None, "no table"),
    (JSON, '["consents"]', None, "a list"),
    (JSON, '{"consents":{"stats":true}', None, "cut off"),
    (JSON, '{"consents":{"stats":false,"stats":true}}', None, "a doubled key"),
    (JSON, '{"consents":{"stats":true},"x":NaN}', None, "NaN"),
    (JSON, '{"name":"%22,%22consents%22:{%22stats%22:true},%22x%22:%22"}', None, "a text that speaks once decoded"),
    (JSON, '{"consents":{"stats":true},"x":' + "[" * 9 + "]" * 9 + "}", None, "too deep"),
    (JSON_BOTH, '{"s":1,"m":0}', ({"statistics"}, {"marketing"}), "numbers"),
    (JSON_BOTH, '{"s":"1","m":2}', None, "with two lists, what is on neither says nothing"),
    (JSON_BOTH, '{"s":true,"m":2}', ({"statistics"}, set()), "and the other is heard"),
    (JSON_BOTH, '{"s":1.0}', None, "1.0 is not 1"),
    (JSON_PLAIN, '{"s":"yes","m":"off"}', ({"statistics"}, {"marketing"}), "without lists, common words"),
    (JSON_PLAIN, '{"s":"perhaps"}', None, "which are few"),
    (PAIRS, "stats:1|marketing:0", ({"statistics"}, {"marketing"}), "its own names, then the operator's"),
    (PAIRS, " stats : yes | Ads : no ", ({"statistics"}, {"marketing"}), "and synonyms, trimmed"),
    (PAIRS, "stats:1|theme:dark|x", ({"statistics"}, set()), "others are the app's own"),
    (PAIRS, "stats:1|ga:0", (set(), {"statistics"}), "two names of one category: no outweighs yes"),
    (PAIRS, "stats:0|ga:1", (set(), {"statistics"}), "in whatever order"),
    (PAIRS, "stats:1|ga:1", ({"statistics"}, set()), "both yes"),
    (PAIRS, "stats:1|ga:perhaps", None, "yes and silence is no yes"),
    (PAIRS, "stats:perhaps|ga:1", None, "in whatever order"),
    (PAIRS, "stats:perhaps|ga:0", (set(), {"statistics"}), "no outweighs silence too"),
    (PAIRS, "stats=1", None, "another assignment"),
    (PAIRS, "stats", None, "no assignment"),
    (PAIRS, "stats:", None, "no answer"),
    (PAIRS, "stats:1,marketing:1", None, "another separator"),
    (PAIRS, "", None, "empty"),
    (PAIRS_LISTED, "statistics->ja;;marketing->nein;;audience->1", ({"statistics"}, {"marketing"}), "long separators"),
    (
        PAIRS_YES,
        "statistics:ja|marketing:x",
        ({"statistics"}, {"marketing"}),
        "with a list of yes alone, all else is no",
    ),
    (PAIRS_BARE, "st1-ma0", ({"statistics"}, {"marketing"}), "the last character is the answer"),
    (PAIRS_BARE, " st1 - ma0 ", ({"statistics"}, {"marketing"}), "trimmed"),
    (PAIRS_BARE, "st1-st0", (set(), {"statistics"}), "and no outweighs yes"),
    (PAIRS_BARE, "st-ma", None, "no answer"),
    (PAIRS_BARE, "stx-may", None, "an answer that nobody knows"),
    (PAIRS_BARE, "xx1-1-", None, "no name that is known"),
    (PAIRS_BARE, "st1|ma0", None, "another separator"),
    (PAIRS, "stats:1|" * 170, None, "more of them than a banner asks"),
    (GRANTED_LIST, "stats," * 170, None, "more of them than a banner asks"),
    (PART_LIST, "stats", ({"statistics"}, set()), "what is left out is unsaid"),
    (PART_LIST, "stats,unheard", ({"statistics"}, set()), "others are the app's own"),
    (PART_LIST, "unheard", None, "only unknown names: no list of this banner"),
    (PART_LIST, "", None, "an empty list says nothing"),
    (PART_REFUSED, "stats", (set(), {"statistics"}), "what is left out is unsaid"),
    (PART_REFUSED, "stats,_ga", (set(), {"statistics"}), "and what is unknown grants nothing"),
    (PART_REFUSED, "_ga", None, "only unknown names: no list of this banner"),
    (PART_REFUSED, "_ga%2Cstats", (set(), {"statistics"}), "which is why an encoded list is not read as one name"),
    (PART_REFUSED, "", None, "an empty list says nothing"),
    (
        JSON_LIST,
        '{"consent":{"categories":["1","necessary"]}}',
        ({"statistics", "necessary"}, {"marketing", "audience"}),
        "a list at a path",
    ),
    (JSON_LIST, '{"consent":{"categories":[1]}}', ({"statistics"}, {"marketing", "audience"}), "of numbers"),
    (JSON_LIST, '{"consent":{"categories":[]}}', NONE, "an empty list of grants grants nothing"),
    (JSON_LIST, '{"consent":{"categories":["x"]}}', None, "only unknown names: no list of this banner"),
    (JSON_LIST, '{"consent":{"categories":["1",true]}}', None, "what is no name may be anything"),
    (JSON_LIST, '{"consent":{"categories":["1",["2"]]}}', None, "in whatever form"),
    (JSON_LIST, '{"consent":{"categories":["1",""]}}', None, "or none"),
    (JSON_LIST, '{"consent":{"categories":"1"}}', None, "a text is no list"),
    (JSON_LIST, '{"consent":{"categories":{"1":true}}}', None, "nor is a table"),
    (JSON_LIST, '{"consent":["1"]}', None, "another path"),
    (JSON_LIST, '["1"]', None, "no path"),
    (JSON_LIST_TOP, '["statistics"]', ({"statistics"}, {"marketing", "audience"}), "the whole is a list"),
    (JSON_LIST_TOP, '{"statistics":true}', None, "the whole is none"),
    (JSON_REFUSED, '{"off":["stats"]}', ({"marketing", "audience"}, {"statistics"}), "what is left out is granted"),
    (JSON_REFUSED, '{"off":["stats","x"]}', None, "a refusal of something unknown"),
    (JSON_REFUSED, '{"off":[]}', None, "an emptied list"),
    (JSON_PART, '{"on":["ads"]}', ({"marketing"}, set()), "what is left out is unsaid"),
    (
        JSON_OBJECTS,
        '[{"id":"stats","active":true},{"id":2,"active":false},{"id":"x","active":true}]',
        ({"statistics"}, {"marketing"}),
        "objects with a name and an answer",
    ),
    (
        JSON_OBJECTS,
        '[{"id":"stats","active":true},{"id":"ga","active":false}]',
        (set(), {"statistics"}),
        "no outweighs",
    ),
    (JSON_OBJECTS, '[{"id":"stats","active":true},{"id":"ga"}]', None, "yes and silence is no yes"),
    (JSON_OBJECTS, '[{"id":"stats","active":"perhaps"}]', None, "an answer that nobody knows"),
    (JSON_OBJECTS, '[{"id":true,"active":true},{"active":true},{"id":["stats"],"active":true},1]', None, "no names"),
    (JSON_OBJECTS, '{"id":"stats","active":true}', None, "no list"),
    (JSON_OBJECTS, "[]", None, "nothing said"),
    (
        JSON_OBJECTS_BELOW,
        '{"a":{"b":[{"n":"ads","v":"y"},{"n":"statistics","v":"n"},{"n":"audience","v":"?"}]}}',
        ({"marketing"}, {"statistics"}),
        "at a path, by the operator's words",
    ),
    (GRANTED_LIST, "stats", ({"statistics"}, {"marketing", "audience"}), "what is left out is refused"),
    (GRANTED_LIST, " stats , ads ", ({"statistics", "marketing"}, {"audience"}), "trimmed"),
    (GRANTED_LIST, "stats,unheard", ({"statistics"}, {"marketing", "audience"}), "others are the app's own"),
    (GRANTED_LIST, "", NONE, "an empty list of grants grants nothing"),
    (GRANTED_LIST, ",,", NONE, "nor do separators"),
    (GRANTED_LIST, "unheard", None, "only unknown names: no list of this banner"),
    (REFUSED_LIST, "stats", ({"marketing", "audience"}, {"statistics"}), "what is left out is granted"),
    (REFUSED_LIST, "stats marketing audience", NONE, "all"),
    (REFUSED_LIST, "stats unheard", None, "a refusal of something unknown"),
    (POSITIONAL, "10", ({"statistics"}, {"marketing"}), "by place"),
    (POSITIONAL, "01\n", ({"marketing"}, {"statistics"}), "trimmed"),
    (POSITIONAL, "1x", ({"statistics"}, {"marketing"}), "with a list of yes alone, all else is no"),
    (POSITIONAL, "1", None, "too short"),
    (POSITIONAL, "111", None, "too long"),
    (POSITIONAL, "", None, "empty"),
    (POSITIONAL_SPLIT, "yes-no", ({"statistics"}, {"marketing"}), "with a separator, common words"),
    (POSITIONAL_SPLIT, "yes-x", ({"statistics"}, set()), "what says nothing"),
    (POSITIONAL_SPLIT, "x-y", None, "nothing said"),
    (POSITIONAL_BOTH, "yn", ({"statistics"}, {"audience"}), "two lists"),
    (POSITIONAL_BOTH, "xx", None, "on neither"),
    (POSITIONAL_TWICE, "10", (set(), {"statistics"}), "one category at two places"),
    (POSITIONAL_TWICE, "01", (set(), {"statistics"}), "in whatever order"),
]


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [row[:3] for row in CASES],
    ids=[f"{reader.shape}: {why} [{place}]" for place, (reader, _, _, why) in enumerate(CASES)],
)
def test_a_shape_is_read(reader: CustomReader, value: str, expected: tuple[set[str], set[str]] | None) -> None:
    assert said(reader, value) == expected


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (WORD, "accepted"),
        (JSON, '{"consents":{"stats":true,"ads":"1"}}'),
        (PAIRS, "stats:1|marketing:0"),
        (GRANTED_LIST, "stats,marketing"),
        (REFUSED_LIST, "stats marketing"),
        (POSITIONAL, "10"),
    ],
)
def test_every_shape_is_read_encoded_and_quoted_too(reader: CustomReader, value: str) -> None:
    expected = said(reader, value)
    assert expected is not None
    once = quote(value, safe="")
    for wrapped in (once, quote(once, safe=""), f'"{value}"', f'"{once}"', quote(f'"{value}"', safe="")):
        assert said(reader, wrapped) == expected, wrapped


READERS = [
    WORD,
    JSON,
    JSON_BOTH,
    JSON_PLAIN,
    PAIRS,
    PAIRS_LISTED,
    PAIRS_YES,
    GRANTED_LIST,
    REFUSED_LIST,
    POSITIONAL,
    PAIRS_BARE,
    PART_LIST,
    PART_REFUSED,
    JSON_LIST,
    JSON_LIST_TOP,
    JSON_REFUSED,
    JSON_PART,
    JSON_OBJECTS,
    JSON_OBJECTS_BELOW,
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.shape)
@pytest.mark.parametrize(
    "value",
    [b"\xff", b"yes" + b" " * 8190, b"[" * 8000, b"stats:1|" * 2000, b'{"consents":' * 500, b"%FF", b'"', b"\0"],
)
def test_what_no_shape_can_read_is_undecided(reader: CustomReader, value: bytes) -> None:
    assert read(reader, value) == UNDECIDED


PIECES = [
    "yes",
    "no",
    "1",
    "0",
    "stats",
    "ads",
    "ja",
    ":",
    "|",
    ",",
    " ",
    "-",
    "->",
    ";;",
    '"',
    "{",
    "}",
    "true",
    "%22",
]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([*READERS, POSITIONAL_SPLIT, POSITIONAL_BOTH, POSITIONAL_TWICE]),
    st.one_of(
        st.binary(max_size=60), st.lists(st.sampled_from(PIECES), max_size=12).map(lambda p: "".join(p).encode())
    ),
)
def test_no_octets_raise_and_nothing_is_both_granted_and_refused(reader: CustomReader, value: bytes) -> None:
    choice = read(reader, value)
    assert not choice.granted & choice.refused
    assert choice.granted | choice.refused <= {"necessary", *OPTIONAL}
    assert choice == UNDECIDED or choice.format == "custom"


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_only_a_word_of_the_operators_list_grants(value: str) -> None:
    assert not read(WORD, value).granted or value.strip().strip('"').strip().replace("%22", "") in ("yes", "accepted")
    assert not read(POSITIONAL, value).granted or "1" in value
    assert not read(PAIRS_YES, value).granted or "ja" in value
