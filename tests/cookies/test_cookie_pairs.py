"""The Cookie request field: its pairs as browsers write them, and every other name that a server may see in one."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.cookies.request import CookiePair, mangled_names, parse_cookie, plain_pairs, resumed_names, split_names


@pytest.mark.parametrize(
    ("field", "pairs"),
    [
        (b"a=1; b=2", [(b"a", b"1"), (b"b", b"2")]),
        (b"a=1;b=2;", [(b"a", b"1"), (b"b", b"2")]),
        (b"a=1;; \t;b=2", [(b"a", b"1"), (b"b", b"2")]),
        (b"a=1; a=2; a=1", [(b"a", b"1"), (b"a", b"2"), (b"a", b"1")]),
        (b" a\t=\t1 ", [(b"a", b"1")]),
        (b"a=1=2==", [(b"a", b"1=2==")]),
        (b"a=", [(b"a", b"")]),
        (b"_ga", [(b"", b"_ga")]),
        (b"=_ga=1", [(b"", b"_ga=1")]),
        (b"=", [(b"", b"")]),
        (b'a="x; _ga=9"', [(b"a", b'"x'), (b"_ga", b'9"')]),
        (b"a=1, b=2", [(b"a", b"1, b=2")]),
        (b'a={"x":1}; csrftoken=2', [(b"a", b'{"x":1}'), (b"csrftoken", b"2")]),
        (b"\xa0a=1", [(b"\xa0a", b"1")]),
        (b"", []),
        (b" ; ;", []),
    ],
)
def test_pairs_are_read_as_browsers_wrote_them(field: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    assert [(pair.name, pair.value) for pair in parse_cookie(field)] == pairs


FIELDS = st.lists(
    st.sampled_from([b"a", b"_ga", b"=", b";", b"; ", b" ", b"\t", b'"', b",", b"\xff", b"\0", b"\r\n", b"1"]),
    max_size=25,
).map(b"".join)


@settings(deadline=None)
@given(st.one_of(FIELDS, st.binary(max_size=60)))
@example(b";a=1;")
@example(b" a = 1 ;b")
def test_pairs_keep_every_octet_between_the_semicolons(field: bytes) -> None:
    pairs = parse_cookie(field)
    segments = [segment for segment in field.split(b";") if segment.strip(b" \t")]
    assert b";".join(pair.raw for pair in pairs) == b";".join(segments)
    for pair in pairs:
        assert (
            pair.raw.replace(b" ", b"")
            .replace(b"\t", b"")
            .lstrip(b"=")
            .startswith(pair.name.replace(b" ", b"").replace(b"\t", b"").lstrip(b"="))
        )
        assert pair.value in pair.raw


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"_ga", b""]), st.sampled_from([b"", b"1", b"x=y", b'"q'])), max_size=6)
)
def test_what_a_browser_joins_comes_apart_again(pairs: list[tuple[bytes, bytes]]) -> None:
    written = [name + b"=" + value for name, value in pairs]
    field = b"; ".join(written)
    parsed = parse_cookie(field)
    assert b";".join(pair.raw for pair in parsed) == field
    assert [(pair.name, pair.value) for pair in parsed] == pairs


# --- names that other parsers see ------------------------------------------------------------------------------------

SPLIT = [
    (b"sid=1", set(), "a plain pair"),
    (b"a=1=2", set(), "an = in a value"),
    (b"a=b c d", set(), "white space in a value, and no = behind it"),
    (b"a=b,c,d", set(), "a list in a value"),
    (b"sid=1 _ga=2", {b"_ga"}, "SimpleCookie ends a pair at a space"),
    (b"sid=1\t_ga=2", {b"_ga"}, "or at a tab"),
    (b"sid=1\n_ga=2", {b"_ga"}, "or at what a lenient server let in"),
    (b"sid=1\x00_ga=2", {b"_ga"}, "NUL ends a C string"),
    (b"sid=1,_ga=2", {b"_ga"}, "RFC 2109 joined cookies with commas"),
    (b"sid=1, _ga = 2", {b"_ga"}, "with white space round the ="),
    (b"sid=1 _ga =2 _gid= 3", {b"_ga", b"_gid"}, "every one of them"),
    (b"sid=1 _ga=2=3 _gid=4", {b"_ga", b"_gid"}, "whatever stands between"),
    (b"sid=1\xc2\xa0_ga=2", {b"_ga"}, "a no-break space in UTF-8"),
    (b"sid=1\xa0_ga=2", {b"_ga"}, "and in Latin-1"),
    (b"sid=1\xe3\x80\x80_ga=2", {b"_ga"}, "an ideographic space"),
    (b"sid=1\xe2\x80\xa8_ga=2", {b"_ga"}, "a line separator"),
    (b"sid=1\xef\xbb\xbf_ga=2", {b"_ga"}, "a byte order mark"),
    (b'sid=1 "_ga"=2', {b'"_ga"', b"_ga"}, "quotes round a name are taken off"),
    (b'"_ga"=2', {b"_ga"}, "here too"),
    (b"sid _ga=2", {b"sid", b"_ga"}, "a space within a name"),
    (b"sid,_ga=2", {b"sid", b"_ga"}, "a comma within a name"),
    (b"\xa0_ga=2", {b"_ga"}, "a Unicode-aware strip"),
    (b"_ga\x85=2", {b"_ga"}, "at either end"),
    (b"\xc2\x85_ga\xe2\x80\x83=2", {b"_ga"}, "with any white space"),
    (b"_ga", {b"_ga"}, "a nameless pair is a name to some"),
    (b"=_ga", {b"_ga"}, "with an = before it too"),
    (b"=_ga=2", {b"_ga"}, "which older browsers sent"),
    (b"==_ga=2", {b"_ga"}, "with two"),
    (b"= =\t_ga =2", {b"_ga"}, "and white space between"),
    (b"sid _ga", {b"sid", b"_ga"}, "two nameless words"),
    (b"=sid=1 _ga=2", {b"sid", b"_ga"}, "a nameless pair that holds another"),
    (b"sid=1 sid=2", set(), "the same name again says nothing new"),
    (b"sid=1 =2", set(), "an empty name names nothing"),
    (b"sid=1,=_ga=2", {b"_ga"}, "a pair that begins with ="),
    (b"sid=1 == _ga=2", {b"_ga"}, "or with two"),
    (b"sid=1==_ga=2", set(), "but not without a separator"),
    (b"sid,=_ga=2", {b"sid", b"_ga"}, "behind a name that ends with a separator too"),
    (b"=sid,=_ga=2", {b"sid", b"_ga"}, "and behind a nameless one"),
    (b"sid= , =2", set(), "nor do separators alone"),
]


@pytest.mark.parametrize(("pair", "names", "why"), SPLIT, ids=[row[2] for row in SPLIT])
def test_a_pair_holds_the_names_that_a_common_parser_sees(pair: bytes, names: set[bytes], why: str) -> None:
    (parsed,) = parse_cookie(pair)
    seen = split_names(parsed.name, parsed.value)
    assert set(seen) == names, why
    assert len(seen) == len(names), "each once"


@settings(deadline=None)
@given(
    st.sampled_from([b" ", b",", b", ", b"\t", b"\x0b", b"\xc2\xa0", b"\xa0", b"\xe2\x80\x83"]),
    st.sampled_from([b"", b" ", b"\t "]),
    st.binary(max_size=12).filter(lambda octets: b";" not in octets and octets.strip(b" \t")),
)
def test_no_value_hides_a_name_behind_a_separator(separator: bytes, blank: bytes, value: bytes) -> None:
    (pair,) = parse_cookie(b"sid=" + value + separator + b"_ga" + blank + b"=2")
    assert b"_ga" in split_names(pair.name, pair.value)


MANGLED = [
    (b"_ga", set(), "nothing to do"),
    (b"__Host-sid~1!#$'*^`|", set(), "other octets of a token stay"),
    (b"_ga.x", {b"_ga_x"}, "PHP: a dot"),
    (b"_ga x", {b"_ga_x", b"x"}, "PHP: a space"),
    (b" _ga", {b"_ga"}, "PHP: leading white space"),
    (b"_ga[x]", {b"_ga"}, "PHP: an array"),
    (b"_ga[x][y]", {b"_ga"}, "PHP: of arrays"),
    (b"_ga[", {b"_ga_"}, "PHP: an open bracket"),
    (b"_[ga.x", {b"__ga_x", b"ga.x"}, "PHP: and what is behind it"),
    (b"[x]", set(), "PHP: an empty name is none"),
    (b"%5fga", {b"_ga"}, "old PHP and Rack decode"),
    (b"%5Fg%61", {b"_ga"}, "in either case"),
    (b"%5fga%5Bx%5D", {b"_ga[x]", b"_ga"}, "and then PHP cuts"),
    (b"%2e%2eHost-x", {b"..Host-x", b"__Host-x"}, "a prefix that no browser checked (CVE-2022-31629)"),
    (b"+_ga", {b" _ga", b"_ga"}, "a plus is a space to form decoders"),
    (b"a+b", {b"a b", b"a_b"}, "within a name"),
    (b"%255fga", {b"%5fga"}, "decoded once, as they do"),
    (b"%zz", set(), "what is no escape stays"),
    (b"_ga%00x", {b"_ga\0x", b"_ga"}, "an escaped NUL, at which a name ends in C"),
    (b"%u005fga", {b"_ga"}, "CGI.pm's own escapes"),
    (b"a@_ga", {b"_ga"}, "ASP.NET Core begins anew behind an octet that no name may hold"),
    (b"{}a:_ga", {b"_ga"}, "behind the last of several"),
    (b"_ga:", set(), "with nothing behind it there is nothing"),
]


@pytest.mark.parametrize(("name", "becomes", "why"), MANGLED, ids=[row[2] for row in MANGLED])
def test_a_name_becomes_what_servers_make_of_it(name: bytes, becomes: set[bytes], why: str) -> None:
    assert set(mangled_names(name)) == becomes, why


RESUMED = [
    (b"1", set(), "no ="),
    (b"a=1", set(), "no odd octet"),
    (b'1"_ga=2', {b"_ga"}, "behind a quote"),
    (b"1,_ga=2", {b"_ga"}, "behind a comma"),
    (b"1\\_ga=2", {b"_ga"}, "behind a backslash"),
    (b"\xc3\xa9_ga=2", {b"_ga"}, "behind an octet above ASCII"),
    (b'"_ga=2', {b"_ga"}, "behind a quote that is never closed"),
    (b'"1"_ga=2', {b"_ga"}, "behind one that was"),
    (b'"_ga=2"', set(), "a quoted value is a value"),
    (b'"1 _ga=2"', {b"_ga"}, "unless it holds an octet that no value may hold"),
    (b'1"@_ga=2', {b"_ga"}, "the name is what may be one"),
    (b'1"_ga=2"_gid=3', {b"_ga", b"_gid"}, "every one of them"),
    (b'1"=2', set(), "an empty name is none"),
]


@pytest.mark.parametrize(("value", "names", "why"), RESUMED, ids=[row[2] for row in RESUMED])
def test_a_parser_that_gives_up_a_value_resumes_behind_it(value: bytes, names: set[bytes], why: str) -> None:
    assert set(resumed_names(value)) == names, why


@settings(deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_names_are_found_in_any_octets_without_raising(name: bytes, value: bytes) -> None:
    for seen in (split_names(name, value), mangled_names(name), resumed_names(value)):
        assert b"" not in seen
        assert len(seen) == len(set(seen))
    assert name not in (*split_names(name, value), *mangled_names(name))


@pytest.mark.parametrize(
    "unit", [b"=", b" =", b"a=", b",a=", b" ", b'"', b"%41", b"+", b"[", b".", b"a b=c,", b"\xc2\xa0="]
)
def test_a_whole_request_head_of_one_thing_is_looked_through(unit: bytes) -> None:
    """64 KiB as a name and as a value; the number of names is bounded by the number of separators."""
    text = unit * (2**16 // len(unit))
    assert len(split_names(b"sid", text)) <= 2 * text.count(b"=")
    assert len(split_names(b"", text)) <= 2 * len(text)
    assert len(split_names(text, b"1")) <= 2 * len(text)
    assert len(mangled_names(text)) <= 8
    assert len(resumed_names(text)) <= text.count(b"=")


def test_a_pair_is_a_value() -> None:
    assert CookiePair(b"a", b"1", b"a=1") == parse_cookie(b"a=1")[0]


# --- plain pairs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"a=1", b"a=1; b=2; c=", b"a==1=; =2", b"a(b)=%7B%22", b"a=1; a=2"])
def test_a_field_as_browsers_write_it_is_plain_and_its_pairs_are_those_of_the_parser(value: bytes) -> None:
    plain = plain_pairs(value, {b"a"})
    assert plain is not None
    names, pairs, found = plain
    parsed = parse_cookie(value)
    assert names == [pair.name for pair in parsed]
    assert pairs == [pair.raw.lstrip() for pair in parsed]
    assert found == [(pair.name, pair.value) for pair in parsed if pair.name == b"a"]


@pytest.mark.parametrize(
    "value",
    [
        b"", b"a", b"a=1; b", b"a=1; ", b"a=1;", b"; a=1", b";a=1", b"a=1;b=2", b"a=1;  b=2", b"a=1 ; b=2", b" a=1",
        b"a=1 ", b"a =1", b"a= 1", b"a=1 b=2", b"a=1,b=2", b'a="1"', b"a=\\1", b"a=1;\tb=2", b"a=\x001", b"a=\x7f",
        b"a=\xe9", b"a=1\xa0", b"a=1\r\nb=2", b"a=1;; b=2", b"a=1; ;b=2",
    ],
)  # fmt: skip
def test_a_field_in_which_some_parser_may_find_another_name_is_not_plain(value: bytes) -> None:
    assert plain_pairs(value, ()) is None
