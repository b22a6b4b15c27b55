"""From a request's cookies to one choice: which copies are heard, and how they are aged."""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations

import pytest

from gatekeeper.consent.category import Basis, Category, Vocabulary
from gatekeeper.consent.choice import Choice, State
from gatekeeper.consent.native import NativeReader, write_choice
from gatekeeper.consent.readers.base import Reader, load_json, unwrapped, yes_or_no
from gatekeeper.consent.readers.registry import Registry, format_ids

NOW = 1_795_132_800
DAY = 86400
NAME = b"cookies_preferences"
CATEGORIES = (
    Category("necessary", Basis.REQUIRED),
    Category("statistics"),
    Category("marketing"),
    Category("audience", Basis.OPT_OUT),
)
VOCABULARY = Vocabulary(CATEGORIES)


def chosen(*values: bytes, readers: tuple[Reader, ...] = (NativeReader(),), revision: int = 1) -> Choice:
    cookies = [(b"sid", b"1"), *((NAME, value) for value in values), (b"x", b'{"statistics":true}')]
    return Registry(VOCABULARY, readers).read(cookies, now=NOW, max_age=180 * DAY, revision=revision).choice


def own(granted: str = "", refused: str = "", *, age: int = 0, revision: int = 1) -> bytes:
    return write_choice(
        granted=granted.split(), refused=refused.split(), revision=revision, now=NOW - age, record_id="r"
    )


def test_without_the_consent_cookie_there_is_no_choice() -> None:
    assert chosen().state is State.ABSENT


@pytest.mark.parametrize("value", [b"", b"x", b"{", b"null"])
def test_the_presence_of_a_consent_cookie_is_not_consent(value: bytes) -> None:
    choice = chosen(value)
    assert (choice.state, choice.granted) == (State.UNDECIDED, frozenset())


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (own("statistics"), State.DECIDED),
        (own("statistics", age=180 * DAY), State.DECIDED),
        (own("statistics", age=180 * DAY + 1), State.STALE),
        (own("statistics", age=-DAY), State.DECIDED),
        (own("statistics", age=-DAY - 1), State.UNDECIDED),
        (own("statistics", revision=3), State.DECIDED),
        (own("statistics", revision=2), State.STALE),
        (b'{"statistics":true}', State.DECIDED),
    ],
)
def test_a_choice_holds_until_its_age_and_for_its_revision(value: bytes, state: State) -> None:
    revised = value.replace(b"%22rev%22%3A1", b"%22rev%22%3A3")
    assert chosen(revised, revision=3).state is state


def test_the_cookie_may_have_another_name() -> None:
    reader = NativeReader((b"consent",))
    cookies = [(NAME, b"all"), (b"consent", b"statistics"), (b"CONSENT", b"all")]
    choice = Registry(VOCABULARY, (reader,)).read(cookies, now=NOW).choice
    assert choice.granted == {"statistics"}


@pytest.mark.parametrize(
    ("copies", "state", "granted", "refused"),
    [
        ([own("statistics marketing"), own("statistics", "marketing")], State.DECIDED, {"statistics"}, {"marketing"}),
        ([own("statistics"), b"all"], State.DECIDED, {"statistics"}, set()),
        ([b"all", b"none"], State.DECIDED, set(), {"statistics", "marketing", "audience"}),
        ([b"all", b"all", b"all"], State.DECIDED, {"statistics", "marketing", "audience"}, set()),
        ([b"all", b"garbage"], State.UNDECIDED, set(), set()),
        ([b"all", b""], State.UNDECIDED, set(), set()),
        ([own("", "audience"), b"garbage"], State.UNDECIDED, set(), {"audience"}),
        ([own("statistics"), own("statistics", age=365 * DAY)], State.STALE, set(), set()),
        ([own("statistics", "audience"), own("statistics", age=365 * DAY)], State.UNDECIDED, set(), {"audience"}),
        ([own("statistics"), own("", "statistics", age=365 * DAY)], State.STALE, set(), set()),
        ([own("statistics"), own("statistics", revision=0)], State.STALE, set(), set()),
        ([own("statistics"), own("statistics", age=DAY)], State.DECIDED, {"statistics"}, set()),
    ],
)
def test_copies_that_differ_are_the_most_refusing_in_whatever_order(
    copies: list[bytes], state: State, granted: set[str], refused: set[str]
) -> None:
    for order in permutations(copies):
        choice = chosen(*order)
        assert (choice.state, choice.granted, choice.refused) == (state, granted, refused)


def test_more_copies_than_a_browser_could_have_are_heard_as_nothing() -> None:
    copies = [own("statistics marketing audience", age=age) for age in range(8)]
    assert chosen(*copies).granted == {"statistics", "marketing", "audience"}
    assert chosen(*copies, *copies).granted == {"statistics", "marketing", "audience"}
    assert chosen(*copies, own("statistics", age=8)).granted == set()
    assert chosen(*copies, own("statistics", age=8)).state is State.UNDECIDED


@dataclass(frozen=True)
class Sniffing:
    """A reader that knows its own values by their first octets, and asks a companion."""

    mark: bytes
    cookies: tuple[bytes, ...] = (NAME,)
    companions: tuple[bytes, ...] = (b"closed",)
    heard: list[Mapping[bytes, bytes]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.mark.decode()

    def read(self, cookies: Mapping[bytes, bytes], vocabulary: Vocabulary) -> Choice | None:
        self.heard.append(cookies)
        value = cookies[self.cookies[0]]
        if not value.startswith(self.mark):
            return None
        return Choice(State.DECIDED, frozenset({value.removeprefix(self.mark).decode()}), format=self.id)


def test_a_value_is_read_by_whoever_knows_it() -> None:
    readers = (Sniffing(b"a:"), Sniffing(b"b:"))
    choice = chosen(b"b:statistics", readers=readers)
    assert (choice.granted, choice.format) == ({"statistics"}, "b:")


def test_a_copy_that_nobody_knows_beside_one_that_is_known_grants_nothing() -> None:
    readers = (Sniffing(b"a:"), Sniffing(b"b:"))
    assert chosen(b"a:statistics", b"b:statistics", readers=readers).granted == {"statistics"}
    for order in permutations([b"a:statistics", b"b:statistics", b"c:statistics"]):
        choice = chosen(*order, readers=readers)
        assert (choice.state, choice.granted) == (State.UNDECIDED, frozenset())


def test_a_cookie_that_nobody_knows_does_not_spoil_one_of_another_name() -> None:
    readers = (Sniffing(b"a:"), Sniffing(b"b:", cookies=(b"other",)))
    cookies = [(NAME, b"a:statistics"), (b"other", b"not for us")]
    assert Registry(VOCABULARY, readers).read(cookies, now=NOW).choice.granted == {"statistics"}


def test_what_nobody_knows_is_undecided_and_not_absent() -> None:
    assert chosen(b"c:statistics", readers=(Sniffing(b"a:"),)).state is State.UNDECIDED


def test_a_reader_is_told_its_own_cookies_copy_by_copy_and_no_other() -> None:
    reader = Sniffing(b"a:", companions=(b"closed", b"missing"))
    cookies = [(b"closed", b"1"), (NAME, b"a:x"), (b"closed", b"2"), (b"sid", b"secret")]
    Registry(VOCABULARY, (reader,)).read(cookies, now=NOW)
    assert reader.heard == [{NAME: b"a:x", b"closed": b"1"}, {NAME: b"a:x", b"closed": b"2"}]


def test_the_formats_that_a_file_may_name_include_its_own_and_the_operators() -> None:
    assert {"auto", "gatekeeper", "custom"} <= format_ids()


# --- what all readers share ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (b"a", ["a"]),
        (b"a%20b", ["a%20b", "a b"]),
        (b"a%2520b", ["a%2520b", "a%20b", "a b"]),
        (b"a%252520b", ["a%252520b", "a%2520b", "a%20b"]),
        (b'"a"', ["a", '"a"']),
        (b'"', ['"']),
        (b'""', ["", '""']),
        (b"%22a%22", ["%22a%22", "a", '"a"']),
        (b"a+b", ["a+b"]),
        (b"%ff", ["%ff"]),
        (b"\xff", []),
        (b"%C3%A9", ["%C3%A9", "é"]),
        (b"%41%", ["%41%"]),
        (b"%41%4", ["%41%4"]),
        (b"%41%zz", ["%41%zz"]),
        (b"%41%2", ["%41%2"]),
        (b"%4a%4A%u0041", ["%4a%4A%u0041"]),
        (b"%5C\\x41%4A", ["%5C\\x41%4A", "\\\\x41J"]),
        (b'"\\"a\\054\\303\\251\\\\"', ['"a,é\\', '\\"a\\054\\303\\251\\\\', '"\\"a\\054\\303\\251\\\\"']),
        (b'"' + b"\\a" * 513 + b'"', ["\\a" * 513, '"' + "\\a" * 513 + '"']),
        (b"", [""]),
        (b"x" * 8192, ["x" * 8192]),
        (b"x" * 8193, []),
    ],
)
def test_a_value_is_unwrapped_up_to_two_encodings_and_one_pair_of_quotes(value: bytes, texts: list[str]) -> None:
    assert list(unwrapped(value)) == texts


@pytest.mark.parametrize(
    "text",
    [
        '"a"',
        "[1,2]",
        '{"a":{"b":[]}}',
        "true",
        "-1.5e3",
        "[" * 8 + "]" * 8,
        '"' + "[" * 99 + '"',
        "[" + "1," * 158 + "1]",
    ],
)
def test_json_is_read_up_to_eight_levels(text: str) -> None:
    load_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "{",
        "[1,]",
        "'a'",
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        '{"a":1,"a":1}',
        '[{"a":{"b":1,"b":2}}]',
        "[" * 9 + "]" * 9,
        '{"a":' * 9 + "1" + "}" * 9,
        "[" * 100_000,
        "]" * 100 + "[" * 100,
        '["\\"", ' + "[" * 9,
        "1" * 5000,
        '"\\',
        '"\n"',
        "[]]",
        "[" + "1," * 160 + "1]",
        "[" + "{}," * 128 + "1]",
        "[" * 161 + "]" * 161,
    ],
)
def test_other_json_raises_nothing_but_value_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        load_json(text)


def test_json_raises_nothing_but_value_errors_where_little_of_the_stack_is_left() -> None:
    def read_from(depth: int) -> bool:
        if depth:
            return read_from(depth - 1)
        with pytest.raises(ValueError, match="deeply"):
            load_json("[" * 150 + "]" * 150)
        return True

    assert read_from(sys.getrecursionlimit() - len(inspect.stack()) - 120)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        *((word, True) for word in ("true", "1", "yes", "on", "granted", "accept", "accepted", "allow", "allowed")),
        *((word, False) for word in ("false", "0", "no", "off", "denied", "deny", "refused", "rejected", "disallow")),
        (" YES\n", True),
        ("Denied", False),
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (2, None),
        (-1, None),
        (1.0, None),
        (None, None),
        ([], None),
        ([True], None),
        ({}, None),
        ("", None),
        ("yes!", None),
        ("not denied", None),
        ("\uff59es", None),
    ],
)
def test_yes_and_no_are_a_few_words_and_numbers(said: object, answer: bool | None) -> None:
    assert yes_or_no(said) is answer
