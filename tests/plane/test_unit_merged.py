"""What a hook made of the watched fields, put back among the lines of the head."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.proxy.plane.hooks import NoHooks, merged
from gatekeeper.wire.fields import FieldList

UNWATCHED = [b"Date: now", b"X-A: 1", b"Server: x", b"Date: now"]


@dataclass(frozen=True)
class Answer:
    """A head, what of it is watched, and what a hook that keeps the contract made of that."""

    lines: list[bytes]
    watched: list[bytes]
    before: FieldList
    after: FieldList
    expected: list[bytes]  # all lines, in order


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Each watched field stays, goes, or is changed in its place; new ones stand at the end."""
    lines: list[bytes] = []
    watched: list[bytes] = []
    before: list[tuple[bytes, bytes]] = []
    after: list[tuple[bytes, bytes]] = []
    expected: list[bytes] = []
    for number in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            lines.append(draw(st.sampled_from(UNWATCHED)))
            expected.append(lines[-1])
            continue
        # Spaced as nothing here would write it: a field that stays is not to be written anew.
        name = draw(st.sampled_from([b"Set-Cookie", b"set-cookie", b"Vary"]))
        field = (name, b"v%d" % number)
        lines.append(name + b":\t" + field[1] + b" ")
        watched.append(lines[-1])
        before.append(field)
        # A field that goes could not be told from the next of its name, were that changed.
        done = draw(st.sampled_from(["stays", "stays", "changes"]))
        if done == "stays":
            after.append(field)
            expected.append(lines[-1])
        else:
            after.append((name, b"c%d" % number))
            expected.append(b"%b: c%d" % (name, number))
    gone = draw(st.lists(st.integers(0, 5), max_size=3)) if all(one in before for one in after) else []
    for index in gone:
        if index < len(after):
            expected.remove(watched[before.index(after[index])])
            del after[index]
    for number in range(draw(st.integers(0, 2)) if not gone else 0):
        after.append((b"X-New", b"n%d" % number))
        expected.append(b"X-New: n%d" % number)
    return Answer(lines, watched, tuple(before), tuple(after), expected)


@given(answers())
def test_the_lines_are_those_of_the_answer_and_all_others_stay_where_they_are(answer: Answer) -> None:
    assert merged(answer.lines.copy(), answer.watched, answer.before, answer.after) == answer.expected


@given(answers())
def test_the_same_answer_changes_nothing(answer: Answer) -> None:
    assert merged(answer.lines.copy(), answer.watched, answer.before, answer.before) == answer.lines


A, B = (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"a=2")
LINE_A, LINE_B = b"Set-Cookie: a=1", b"Set-Cookie: a=2"


def test_the_first_of_two_that_are_the_same_object_goes() -> None:
    """A line that is remembered gives the same field each time it comes; then nobody can say which of them stays."""
    assert merged([LINE_A, b"X: 1", LINE_A], [LINE_A, LINE_A], (A, A), (A,)).count(LINE_A) == 1


def test_a_field_that_goes_and_one_that_comes_with_another_name_are_two() -> None:
    assert merged([LINE_A, b"X: 1"], [LINE_A], (A,), ((b"Vary", b"Cookie"),)) == [b"X: 1", b"Vary: Cookie"]


def test_a_field_that_stays_is_not_taken_for_the_one_before_it_changed() -> None:
    odd = b"Set-Cookie:\ta=2"
    assert merged([LINE_A, b"X: 1", odd], [LINE_A, odd], (A, B), (B,)) == [b"X: 1", odd]


def copy_of(field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    name, value = field
    return name, value


def test_the_last_of_two_lines_that_read_the_same_goes_and_the_order_stays() -> None:
    """The last cookie of a name is what a browser keeps."""
    first, last = A, copy_of(A)
    assert first is not last
    lines = [LINE_A, LINE_B, LINE_A]
    assert merged(lines, lines.copy(), (first, B, last), (first, B)) == [LINE_A, LINE_B]


def test_the_last_of_two_lines_that_read_the_same_changes_in_its_place() -> None:
    first, last = A, copy_of(A)
    answer = (first, (b"Set-Cookie", b"changed"))
    assert merged([LINE_A, LINE_A], [LINE_A, LINE_A], (first, last), answer) == [LINE_A, b"Set-Cookie: changed"]


def test_a_plain_proxy_watches_nothing_and_changes_nothing() -> None:
    hooks = NoHooks()
    assert not hooks.watches_request(b"cookie")
    assert not hooks.watches_response(b"set-cookie")
    passing = hooks.begin(b"GET", b"shop.example", b"/", trusted=False)
    fields = (A, B)
    assert passing.request(fields, [], {}) is passing.response(200, fields) is passing.trailers(fields) is fields
    hooks.end(passing, 200)
