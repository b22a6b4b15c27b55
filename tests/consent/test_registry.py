"""Several formats of one site: who is asked, in which cookies, and what holds of what they say."""

from collections.abc import Callable

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.choice import ABSENT, Choice, State
from gatekeeper.consent.native import NativeReader
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import Registry, Role, Told, categories_of, guessed_readers
from tests.consent.invented import LAMP, TORCH, VAULT

NOW = 1_795_132_800
DAY = 86400
VOCABULARY = Vocabulary(DEFAULT_CATEGORIES)
OWN = NativeReader()
ALL = {"functional", "analytics", "marketing"}


def guessing(*formats: Format) -> Registry:
    return Registry(VOCABULARY, (OWN,), formats)


def naming(*formats: Format) -> Registry:
    return Registry(VOCABULARY, formats)


def told(registry: Registry, *cookies: tuple[bytes, bytes]) -> Told:
    return registry.read(cookies, now=NOW, max_age=180 * DAY, revision=1)


AUTO = guessing(LAMP, TORCH, VAULT)


@pytest.mark.parametrize(
    ("cookies", "formats", "state", "granted"),
    [
        ([], [], State.ABSENT, set()),
        ([(b"lamp", b"stats")], ["lamp"], State.DECIDED, {"analytics"}),
        ([(b"torch-7", b"yes")], ["torch"], State.DECIDED, ALL),
        ([(b"lamp", b"yes")], ["torch"], State.DECIDED, ALL),
        ([(b"lamp", b"nonsense")], [], State.UNDECIDED, set()),
        ([(b"lamp", b"nonsense"), (b"torch-7", b"yes")], ["torch"], State.DECIDED, ALL),
        ([(b"lamp", b"stats"), (b"torch-7", b"yes")], ["lamp", "torch"], State.DECIDED, {"analytics"}),
        ([(b"lamp", b"stats.ads"), (b"torch-7", b"no")], ["lamp", "torch"], State.DECIDED, set()),
        ([(b"lamp", b"stats"), (b"torch-7", b"open")], ["lamp", "torch"], State.UNDECIDED, set()),
        ([(b"lamp", b"stats"), (b"torch-7", b"old")], ["lamp", "torch"], State.UNDECIDED, set()),
        ([(b"torch-7", b"old")], ["torch"], State.STALE, set()),
        ([(b"torch-7", b"region")], ["torch"], State.NOT_REQUIRED, ALL),
        ([(b"cookies_preferences", b"all"), (b"lamp", b"stats")], ["gatekeeper", "lamp"], State.DECIDED, {"analytics"}),
        ([(b"cookies_preferences", b"???"), (b"lamp", b"stats")], ["lamp"], State.DECIDED, {"analytics"}),
        ([(b"vault", b"x")], ["vault"], State.OPAQUE, set()),
        ([(b"vault", b"x"), (b"cookies_preferences", b"analytics")], ["gatekeeper"], State.DECIDED, {"analytics"}),
        ([(b"vault", b"x"), (b"lamp", b"stats")], ["lamp", "vault"], State.OPAQUE, set()),
        ([(b"lamp_at", b"5"), (b"torch_seen", b"yes")], [], State.ABSENT, set()),
    ],
)
def test_whatever_is_recognised_counts_and_the_most_refusing_holds(
    cookies: list[tuple[bytes, bytes]], formats: list[str], state: State, granted: set[str]
) -> None:
    for order in (cookies, cookies[::-1]):
        result = told(AUTO, *order)
        assert [one.reader.id for one in result.found] == formats
        assert (result.choice.state, result.choice.granted) == (state, granted)


def test_a_value_that_one_guess_recognises_is_offered_to_no_other_and_to_all_that_the_file_names() -> None:
    heard: list[bytes] = []

    def parse(cookies: Cookies) -> Said | None:
        heard.extend(cookies.values())
        return Said(rest=True)

    curious = Format("curious", "Curious", (b"lamp",), parse)
    assert told(guessing(LAMP, curious), (b"lamp", b"stats")).choice.granted == {"analytics"}
    assert heard == []
    assert told(guessing(LAMP, curious), (b"lamp", b"stats"), (b"lamp", b"else")).choice.granted == {"analytics"}
    assert heard == [b"else"]
    assert told(naming(LAMP, curious), (b"lamp", b"stats")).choice.granted == {"analytics"}
    assert heard == [b"else", b"stats"]


def test_a_value_that_a_named_format_recognises_is_offered_to_no_guess() -> None:
    registry = Registry(VOCABULARY, (LAMP,), (Format("all", "All", (b"lamp",), lambda _: Said(rest=False)),))
    assert told(registry, (b"lamp", b"stats")).choice.granted == {"analytics"}


@pytest.mark.parametrize("identity", ["usp", "gpp"])
def test_a_standards_string_that_says_nothing_is_no_word_against_a_platforms(identity: str) -> None:
    silent = Format(
        identity, "S", (b"s",), lambda cookies: Said(State.UNDECIDED if cookies[b"s"] == b"-" else State.STALE)
    )
    both = [(b"s", b"-"), (b"lamp", b"stats")]
    assert told(guessing(LAMP, silent), *both).choice.granted == {"analytics"}
    assert told(naming(LAMP, silent), *both).choice.state is State.UNDECIDED
    assert told(guessing(LAMP, silent), both[0]).choice.state is State.UNDECIDED
    assert told(guessing(LAMP, silent), (b"s", b"!"), both[1]).choice.granted == set()


@pytest.mark.parametrize("identity", ["usp", "gpp"])
@pytest.mark.parametrize("registry", [guessing, naming])
def test_a_us_string_is_no_word_against_what_it_does_not_speak_about(
    identity: str, registry: Callable[..., Registry]
) -> None:
    us = Format(identity, "S", (b"s",), lambda cookies: Said(categories={"marketing": cookies[b"s"] == b"yes"}))
    yes, no = (b"s", b"yes"), (b"s", b"no")
    assert told(registry(LAMP, us), yes, (b"lamp", b"stats.ads")).choice.granted == {"analytics", "marketing"}
    assert told(registry(LAMP, us), yes, (b"lamp", b"stats")).choice.granted == {"analytics"}
    refused = told(registry(LAMP, us), no, (b"lamp", b"stats.ads")).choice
    assert (refused.granted, refused.refused) == ({"analytics"}, {"marketing"})
    assert told(registry(LAMP, us), yes, (b"lamp", b"open")).choice.granted == set()
    assert told(registry(LAMP, us), yes).choice.granted == {"marketing"}


def test_a_refusal_counts_whatever_else_is_wrong_with_the_string_it_is_in() -> None:
    ahead = Format("gpp", "S", (b"s",), lambda _: Said(rest=False, given_at=NOW + 9 * DAY))
    choice = told(guessing(LAMP, ahead), (b"s", b"x"), (b"lamp", b"stats")).choice
    assert (choice.granted, choice.refused) == (set(), ALL)


def test_a_tc_string_tells_the_choice_that_a_platform_encrypts_and_a_us_string_does_not() -> None:
    standard = Format("tcf", "S", (b"s",), lambda _: Said(rest=True))
    assert told(guessing(VAULT, standard), (b"vault", b"x"), (b"s", b"x")).choice.granted == ALL
    for said in (NOBODY_CHOSE, Said(categories={"marketing": True})):
        us = Format("usp", "S", (b"s",), lambda _, said=said: said)
        choice = told(guessing(VAULT, us), (b"vault", b"x"), (b"s", b"x")).choice
        assert (choice.state, choice.granted) == (State.OPAQUE, set())


def test_more_copies_than_a_browser_keeps_refuse_everything_whoever_reads_them() -> None:
    copies = [(b"torch-7", b"%d" % number) for number in range(9)]
    assert told(AUTO, *copies) == Told(Choice(State.UNDECIDED, refused=frozenset(ALL)))
    many = [(b"lamp", b"stats"), *((b"lamp_at", b"%d" % number) for number in range(40))]
    assert told(AUTO, *many) == Told(Choice(State.UNDECIDED, refused=frozenset(ALL)))
    named = [(b"torch-%d" % number, b"yes") for number in range(65)]
    assert told(AUTO, *named[:64]).choice.granted == ALL
    assert told(AUTO, *named) == Told(Choice(State.UNDECIDED, refused=frozenset(ALL)))


def test_a_reading_tells_its_cookies_and_what_became_of_the_choice() -> None:
    (one,) = told(AUTO, (b"lamp_at", b"1000"), (b"lamp", b"stats")).found
    assert (one.reader, one.is_guess, one.cookies) == (LAMP, True, (b"lamp", b"lamp_at"))
    assert (one.said.state, one.choice.state) == (State.DECIDED, State.STALE)
    assert told(AUTO, (b"lamp", b"stats")).guesses == {"lamp"}
    assert told(naming(LAMP), (b"lamp", b"stats")).guesses == set()
    assert told(naming(LAMP)).choice == ABSENT


NOTHING = frozenset[str]()


@pytest.mark.parametrize(
    ("registry", "name", "recognised", "role"),
    [
        (AUTO, b"cookies_preferences", NOTHING, Role.CONSENT),
        (AUTO, b"lamp", NOTHING, Role.GUESSED),
        (AUTO, b"lamp", {"lamp"}, Role.CONSENT),
        (AUTO, b"lamp", {"torch"}, Role.CONSENT),
        (AUTO, b"lamp", {"vault"}, Role.GUESSED),
        (AUTO, b"lamp_at", NOTHING, Role.NONE),
        (AUTO, b"lamp_at", {"lamp"}, Role.CONSENT),
        (AUTO, b"lamp_at", {"torch"}, Role.NONE),
        (AUTO, b"torch-", NOTHING, Role.GUESSED),
        (AUTO, b"torch-7", {"torch"}, Role.CONSENT),
        (AUTO, b"torch", {"torch"}, Role.NONE),
        (AUTO, b"", NOTHING, Role.NONE),
        (naming(LAMP, TORCH), b"lamp_at", NOTHING, Role.CONSENT),
        (naming(LAMP, TORCH), b"torch-7", NOTHING, Role.CONSENT),
        (naming(LAMP, TORCH), b"cookies_preferences", NOTHING, Role.NONE),
    ],
)
def test_a_name_is_a_consent_cookies_by_the_files_word_or_by_what_was_recognised(
    registry: Registry, name: bytes, recognised: set[str], role: Role
) -> None:
    assert registry.role(name, frozenset(recognised)) is role


@pytest.mark.parametrize(
    ("name", "guess"),
    [(b"lamp", True), (b"torch-1", True), (b"lamp_at", False), (b"cookies_preferences", False), (b"sid", False)],
)
def test_a_guess_is_what_holds_the_choice_by_no_word_of_the_file(name: bytes, guess: bool) -> None:
    assert AUTO.is_guess(name) == guess
    assert not naming(LAMP, TORCH).is_guess(name)
    assert Registry(VOCABULARY, (LAMP,), (TORCH,)).is_guess(name) == (name == b"torch-1")


@pytest.mark.parametrize(
    ("name", "value", "recognised"),
    [
        (b"lamp", b"stats", True),
        (b"lamp", b"none", True),
        (b"lamp", b"yes", True),
        (b"lamp", b"open", False),
        (b"lamp", b"user-4711", False),
        (b"lamp", b"x" * 9000, False),
        (b"lamp_at", b"stats", False),
        (b"torch-9", b"no", True),
        (b"torch-9", b"old", False),
        (b"vault", b"x", False),
        (b"sid", b"yes", False),
    ],
)
def test_a_value_is_recognised_by_a_choice_in_it(name: bytes, value: bytes, recognised: bool) -> None:
    assert AUTO.recognises(name, value) == recognised


def test_a_name_that_a_pattern_holds_is_learned_once_and_while_there_is_room() -> None:
    registry = guessing(Format("org", "Org", (b"k_*_consent",), lambda _: None))
    assert not registry.reads(b"k_x_identity")
    assert not registry.is_unlearned(b"k_x_identity")
    assert registry.is_unlearned(b"k_x_consent")
    assert registry.reads(b"k_x_consent")
    assert not registry.is_unlearned(b"k_x_consent")
    assert b"k_x_consent" in registry.names
    for number in range(400):
        assert registry.reads(b"k_%d_consent" % number)
    assert len(registry.names) == 1 + 256
    assert registry.is_unlearned(b"k_399_consent")
    long = guessing(Format("org", "Org", (b"k_*",), lambda _: None))
    assert long.reads(b"k_" + b"x" * 300)
    assert long.is_unlearned(b"k_" + b"x" * 300)


def test_every_known_format_with_a_cookie_is_guessed_and_standards_are_asked_last() -> None:
    asked = [reader.id for reader in guessed_readers()]
    assert set(asked) == {one.id for one in KNOWN.values() if one.cookies}
    standards = [identity for identity in asked if identity in ("tcf", "gpp", "usp")]
    assert asked[len(asked) - len(standards) :] == standards


def test_the_categories_of_an_id_are_the_operators_the_platforms_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, "lamp", LAMP)  # type: ignore[arg-type]
    mapped = Vocabulary(DEFAULT_CATEGORIES, {"lamp:map": ("functional", "analytics"), "ads": "functional"})
    assert categories_of("lamp:stats", VOCABULARY) == ("analytics",)
    assert categories_of("lamp:map", VOCABULARY) == ()
    assert categories_of("lamp:map", mapped) == ("functional", "analytics")
    assert categories_of("lamp:ads", mapped) == ("functional",)
    assert categories_of("torch:stats", VOCABULARY) == ()
    assert categories_of("stats", VOCABULARY) == ()
