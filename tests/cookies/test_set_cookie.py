"""One Set-Cookie field value: what browsers store, under which names, and every octet of it kept."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.cookies.response import CookieAv, Ignored, SetCookie, parse_set_cookie

NAMED = [
    (b"_ga=1", b"_ga", b"1", "the plain case"),
    (b"_ga=", b"_ga", b"", "an empty value"),
    (b" \t_ga\t = \t1 2\t ", b"_ga", b"1 2", "SP and HTAB round both are trimmed, and stay within"),
    (b"_ga=a=b==", b"_ga", b"a=b==", "only the first = ends the name"),
    (b'_ga="a b"', b"_ga", b'"a b"', "quotes are part of the value"),
    (b'"_ga"=1', b'"_ga"', b"1", "and of the name"),
    (b'_ga="a;b"', b"_ga", b'"a', "a semicolon ends the pair, quotes or not"),
    (b"_ga=1, sid=2", b"_ga", b"1, sid=2", "a comma joins nothing: this is one cookie"),
    (b"sid=2, _ga=1", b"sid", b"2, _ga=1", "even where old parsers saw two"),
    (b"_ga%3d1=2", b"_ga%3d1", b"2", "nothing is decoded"),
    (b"_GA=1", b"_GA", b"1", "nothing is re-cased"),
    (b"\xff\xa0_ga\x85=\xc3\xa9", b"\xff\xa0_ga\x85", b"\xc3\xa9", "no wider white space than SP and HTAB"),
    (b"_ga=1;", b"_ga", b"1", "an empty attribute is no harm"),
    (b"_ga=a\tb", b"_ga", b"a\tb", "a tab within the value passes"),
    (b"a b=1", b"a b", b"1", "a space within the name passes"),
]


@pytest.mark.parametrize(("field", "name", "value", "why"), NAMED, ids=[row[3] for row in NAMED])
def test_a_named_cookie_has_one_reading(field: bytes, name: bytes, value: bytes, why: str) -> None:
    cookie = parse_set_cookie(field)
    assert isinstance(cookie, SetCookie), why
    assert (cookie.name, cookie.value, cookie.readings) == (name, value, (name,))


NAMELESS = [
    (b"_ga", b"_ga", {b"", b"_ga"}, "nameless to Chromium, a name to Firefox"),
    (b" _ga\t", b"_ga", {b"", b"_ga"}, "the same, trimmed"),
    (b"=_ga=1", b"_ga=1", {b"", b"_ga"}, "came back as _ga=1 from older browsers"),
    (b"==_ga=1", b"=_ga=1", {b"", b"_ga"}, "and with one = more"),
    (b" = \t= _ga = 1", b"= _ga = 1", {b"", b"_ga"}, "and with white space between"),
    (b"=_ga", b"_ga", {b"", b"_ga"}, "a lone word behind ="),
    (b"==", b"=", {b""}, "a value of = alone names nothing"),
    (b"_ga 1", b"_ga 1", {b"", b"_ga 1"}, "a value with a space"),
]


@pytest.mark.parametrize(("field", "value", "readings", "why"), NAMELESS, ids=[row[3] for row in NAMELESS])
def test_a_nameless_cookie_is_read_in_every_way(field: bytes, value: bytes, readings: set[bytes], why: str) -> None:
    cookie = parse_set_cookie(field)
    assert isinstance(cookie, SetCookie), why
    assert (cookie.name, cookie.value, set(cookie.readings)) == (b"", value, readings)


# RFC 6265bis section 5.6 step 1: %x00-08 / %x0A-1F / %x7F
CONTROLS = [octet for octet in range(256) if octet < 0x20 and octet != 0x09] + [0x7F]


@pytest.mark.parametrize("octet", CONTROLS)
@pytest.mark.parametrize(
    "field", [b"_g%sa=1", b"_ga=1%s", b"%s_ga=1", b"_ga=1; Path=/%s", b"_ga=1; P%sath=/", b"_ga=1;%s", b"_ga%s", b"%s"]
)
def test_a_control_octet_anywhere_makes_browsers_ignore_the_field(field: bytes, octet: int) -> None:
    assert isinstance(parse_set_cookie(field % bytes([octet])), Ignored)


@pytest.mark.parametrize("octet", sorted(set(range(256)) - set(CONTROLS) - {0x09, ord(";"), ord("=")}))
def test_every_other_octet_may_stand_in_name_and_value(octet: int) -> None:
    odd = b"x" + bytes([octet]) + b"x"
    cookie = parse_set_cookie(odd + b"=" + odd)
    assert isinstance(cookie, SetCookie)
    assert (cookie.name, cookie.value) == (odd, odd)


@pytest.mark.parametrize("field", [b"_\tga=1", b"_\tga", b"=_\tga=1", b"= =_\tga"])
def test_a_tab_within_a_name_by_any_reading_is_ignored(field: bytes) -> None:
    assert isinstance(parse_set_cookie(field), Ignored)


@pytest.mark.parametrize("field", [b"", b"=", b" = ", b"\t", b";", b"=; Path=/", b" ; Max-Age=0", b"=;=;="])
def test_neither_name_nor_value_is_ignored(field: bytes) -> None:
    assert isinstance(parse_set_cookie(field), Ignored)


@pytest.mark.parametrize("name", [0, 1, 2048, 4095, 4096])
@pytest.mark.parametrize("blank", [b"", b"  \t"])
def test_name_and_value_may_have_4096_octets_together_and_no_more(name: int, blank: bytes) -> None:
    def parsed(size: int) -> SetCookie | Ignored:
        return parse_set_cookie(blank + b"n" * name + blank + b"=" + blank + b"v" * (size - name) + blank + b"; Path=/")

    assert isinstance(parsed(4096), SetCookie)
    assert isinstance(parsed(4097), Ignored)


def test_the_limit_does_not_count_attributes_and_holds_without_an_equals_sign() -> None:
    assert isinstance(parse_set_cookie(b"a=1; " + b"x" * 9000), SetCookie)
    assert isinstance(parse_set_cookie(b"v" * 4096), SetCookie)
    assert isinstance(parse_set_cookie(b"v" * 4097), Ignored)


@pytest.mark.parametrize(
    ("field", "name"),
    [(b"_ga=\x01", b"_ga"), (b"_ga=" + b"x" * 4096, b"_ga"), (b"=_ga=\x01", b""), (b"_\tga=1", b"_\tga")],
)
def test_an_ignored_field_tells_its_name_and_why_and_no_value(field: bytes, name: bytes) -> None:
    ignored = parse_set_cookie(field)
    assert isinstance(ignored, Ignored)
    assert ignored.name == name
    assert ignored.why
    assert "x" * 20 not in ignored.why


# --- attributes ------------------------------------------------------------------------------------------------------


def attributes(field: bytes) -> list[tuple[bytes, bytes]]:
    cookie = parse_set_cookie(field)
    assert isinstance(cookie, SetCookie)
    return [(av.name, av.value) for av in cookie.attributes]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (b"Secure", b"secure", b""),
        (b" \tMAX-age\t=\t 5 \t", b"max-age", b"5"),
        (b"Path=/a=b", b"path", b"/a=b"),
        (b"=x", b"", b"x"),
        (b"", b"", b""),
        (b"\xa0Path=/", b"\xa0path", b"/"),
        (b"\xc4=\xc4", b"\xc4", b"\xc4"),
        (b'Domain="x"', b"domain", b'"x"'),
        (b"Expires=Thu, 01 Jan 1970 00:00:00 GMT", b"expires", b"Thu, 01 Jan 1970 00:00:00 GMT"),
    ],
)
def test_an_attribute_is_trimmed_and_its_name_in_lower_case(text: bytes, name: bytes, value: bytes) -> None:
    assert attributes(b"a=1;" + text) == [(name, value)]


def effective(field: bytes, attribute: bytes) -> bytes | None:
    cookie = parse_set_cookie(field)
    assert isinstance(cookie, SetCookie)
    av = cookie.effective(attribute)
    return None if av is None else av.value


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"a=1", None),
        (b"a=1; Pathx=/; xPath=/; P ath=/", None),
        (b"path=/x", None),
        (b"a=1; Path=/1; PATH=/2; path=/3; Secure", b"/3"),
        (b"a=1; Path=/1; Path=", b""),
        (b"a=1; Path=/1; Path", b""),
    ],
)
def test_the_last_of_equal_attributes_counts(field: bytes, expected: bytes | None) -> None:
    assert effective(field, b"path") == expected


@pytest.mark.parametrize("blank", [b"", b" \t "])
def test_an_attribute_value_of_1025_octets_is_as_good_as_absent(blank: bytes) -> None:
    longest, too_long = b"/" + b"x" * 1023, b"/" + b"x" * 1024
    field = b"a=1; Path=" + blank + longest + blank + b"; Path=" + blank + too_long + blank
    assert effective(field, b"path") == longest
    assert effective(b"a=1; Path=" + too_long, b"path") is None
    assert effective(b"a=1; Path=" + too_long + b"; Path=/", b"path") == b"/"


# --- nothing lost ----------------------------------------------------------------------------------------------------

ODD_OCTETS = st.one_of(
    st.binary(max_size=80),
    st.lists(
        st.sampled_from(
            [
                b";",
                b"=",
                b" ",
                b"\t",
                b"a",
                b"_ga",
                b'"',
                b",",
                b"Max-Age",
                b"Path=/",
                b"\xa0",
                b"\xff",
                b"\0",
                b"Secure",
            ]
        ),
        max_size=30,
    ).map(b"".join),
)


@settings(deadline=None)
@given(ODD_OCTETS)
@example(b" a = 1 ;; = ; \tPath = / ;Secure; secure;")
def test_what_was_parsed_can_be_written_again_octet_for_octet(field: bytes) -> None:
    cookie = parse_set_cookie(field)
    if isinstance(cookie, SetCookie):
        assert cookie.field_value() == field
        assert cookie.name in cookie.readings


@settings(deadline=None)
@given(ODD_OCTETS)
def test_parsing_never_raises_and_never_passes_what_no_browser_stores(field: bytes) -> None:
    parsed = parse_set_cookie(field)
    pair = field.split(b";")[0].strip(b" \t")
    hopeless = any(octet in field for octet in CONTROLS) or pair in (b"", b"=")
    assert isinstance(parsed, Ignored) or not hopeless
    assert isinstance(parsed, Ignored) or 0 < len(parsed.name) + len(parsed.value) <= 4096


@settings(deadline=None)
@given(ODD_OCTETS, st.integers(0, 5))
def test_replacing_one_attribute_touches_no_other_octet(field: bytes, place: int) -> None:
    cookie = parse_set_cookie(b"a=1;" + field)
    if isinstance(cookie, SetCookie) and place < len(cookie.attributes):
        avs = list(cookie.attributes)
        avs[place] = CookieAv(b"path", b"/new", b" Path=/new")
        segments = field.split(b";")
        segments[place] = b" Path=/new"
        assert replace(cookie, attributes=tuple(avs)).field_value() == b";".join([b"a=1", *segments])


@pytest.mark.parametrize("octet", [b";", b"=", b" ", b"\t", b"; ", b"=;", b"a=1;", b'"', b"\xff"])
def test_a_whole_response_head_of_one_thing_is_parsed(octet: bytes) -> None:
    """128 KiB; quadratic work would be 10^10 steps, and this test would not come to an end."""
    for start in (b"", b"a=1;", b"=", b"a=1; Path="):
        parse_set_cookie(start + octet * (2**17 // len(octet)))
