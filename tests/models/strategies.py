"""Hostile cookies for property tests, as Hypothesis strategies.

The strategies take the names that matter to a test and mix them in, as they are and in every disguise that some browser
or some server sees through. As usual with Hypothesis the plural names one thing: `set_cookie_fields` draws one field
value, `set_cookie_lists` a response's. `control=False` leaves out the octets that no HTTP reader lets into a field
(NUL, CR, LF and the other controls but HTAB), for tests that go over a real wire.
"""

import re
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

Octets = st.SearchStrategy[bytes]

_CONTROL = [bytes([octet]) for octet in (*range(0x20), 0x7F) if octet != 9]
_SPACE = [b"", b" ", b"\t", b"  ", b" \t "]
# NBSP and NEL in Latin-1 and in UTF-8, EM SPACE, ZERO WIDTH SPACE, the byte order mark
_ODD_SPACE = [b"\xa0", b"\x85", b"\xc2\xa0", b"\xc2\x85", b"\xe2\x80\x83", b"\xe2\x80\x8b", b"\xef\xbb\xbf"]
_ODD_OCTETS = [b"\xe9", b"\xc3\xa9", b"\xff", b"\x80", b"\xed\xa0\x80", b"\xef\xbc\xbf", b"\xf0\x9f\x8d\xaa"]
_PREFIXES = [b"__Host-", b"__Secure-", b"__Http-", b"__Host-Http-", b"__hOST-", b"__SECURE-", b"..Host-", b"%5f_Host-"]
_WRAPPERS = [
    b"%s[]",
    b"%s[x]",
    b"%s[x][y]",
    b"%s[",
    b"[%s]",
    b'"%s"',
    b'"%s',
    b"'%s'",
    b"{%s}",
    b"%s%%00x",
    b"%s.x",
    b"%s x",
]
_LEADERS = [
    b"$",
    b"@",
    b"(",
    b'"',
    b"{",
    b"=",
    b"==",
    b",",
    b".",
    b"+",
    b"%20",
    b"&",
    b":",
    b"\\",
    b"/",
    b"?",
    b"a@",
    b"a ",
]
_TRAILERS = [b"", b"x", b".", b"_", b"%", b"%zz", b"&x", b":1", b",", b"\\", b"-1"]


def _without_controls(octets: bytes) -> bytes:
    return re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", octets)


def _hostile(build: Callable[[Sequence[bytes]], Octets], names: Sequence[bytes], control: bool) -> Octets:
    drawn = st.one_of(build(names), build(names), st.binary(max_size=40))
    return drawn if control else drawn.map(_without_controls)


# --- names and values ------------------------------------------------------------------------------------------------


def cookie_names(names: Sequence[bytes]) -> Octets:
    """One of `names` as it is or disguised, or a name of nobody's."""
    known = st.sampled_from(names)
    space = st.sampled_from([*_SPACE, *_ODD_SPACE, *_CONTROL])
    return st.one_of(
        known,
        known,
        known.map(bytes.swapcase),
        known.map(lambda name: name.replace(b"_", b".")),
        st.builds(lambda wrapper, name: wrapper % name, st.sampled_from(_WRAPPERS), known),
        st.builds(lambda before, name, after: before + name + after, space, known, space),
        st.builds(_join, st.sampled_from(_PREFIXES), known),
        st.builds(_join, st.sampled_from([*_LEADERS, *_ODD_OCTETS]), known),
        st.builds(_join, known, st.sampled_from([*_TRAILERS, *_ODD_OCTETS])),
        st.builds(_percent_encoded, known, st.integers(0, 40), st.booleans()),
        st.builds(_split_by, known, st.integers(0, 40), space),
        st.sampled_from([b"", b"sid", b"a", b"$Version", b"$Path", b"Path", b"expires"]),
    )


def _join(*parts: bytes) -> bytes:
    return b"".join(parts)


def _percent_encoded(name: bytes, at: int, lower: bool) -> bytes:
    at %= len(name) or 1
    code = b"%%%02x" % name[at] if lower else b"%%%02X" % name[at]
    return name[:at] + code + name[at + 1 :]


def _split_by(name: bytes, at: int, what: bytes) -> bytes:
    at %= len(name) or 1
    return name[:at] + what + name[at:]


def cookie_values(names: Sequence[bytes]) -> Octets:
    """Values, with pairs of `names` within them, in quotation marks and without."""
    known = st.sampled_from(names)
    smuggled = st.builds(
        _join,
        st.sampled_from([b"1", b'"1', b'"1"', b'"1\\"', b"{", b'{"a":1', b"", b'"']),
        st.sampled_from(
            [b" ", b", ", b",", b"; ", b";", b"\t", b"", b";,", b"=", b"&", b"\x0b", b"\r\n", b"\n", b"\rSet-Cookie:"]
        ),
        known,
        st.sampled_from([b"=2", b"", b"=", b' = "2"', b'=2"', b"=2}", b'"=2']),
    )
    return st.one_of(
        st.sampled_from(
            [b"1", b"", b'""', b'"', b"GA1.2.3.4", b"a b", b" 1 ", b"a\tb", b"a,b", b"1=2==", b"%20%3b%00%zz"]
        ),
        st.sampled_from(
            [b'{"a":[1,2],"b":"c"}', b'"a\\";b"', b"a\\", b"deleted", b"\x01", b"a\x00b", b"a\rb", b"a\x7fb"]
        ),
        st.sampled_from([*_ODD_SPACE, *_ODD_OCTETS]),
        smuggled,
        smuggled,
    )


def _pairs(names: Sequence[bytes], values: Octets) -> Octets:
    equals = st.sampled_from([b"=", b"=", b"=", b" = ", b"\t=", b"==", b"", b":", b"=\xa0"])
    return st.builds(_join, st.sampled_from(_SPACE), cookie_names(names), equals, values, st.sampled_from(_SPACE))


# --- Set-Cookie ------------------------------------------------------------------------------------------------------

_MAX_AGES = [
    b"0", b"-1", b"1", b"60", b"00", b"-0", b"+0", b"+60", b"-", b"--1", b"-x", b"", b'"0"', b"0.5", b"0x", b"x0",
    b"1_0", b"0 0", b"9999999999", b"99999999999999999999", b"-99999999999999999999", b"99999999999999999999x",
    b"\xd9\xa0", b"0" * 1024, b"0" * 1025, b"0" * 1024 + b"1",
]  # fmt: skip
_DATES = [
    b"Thu, 01 Jan 1970 00:00:00 GMT", b"Thu, 01-Jan-1970 00:00:00 GMT", b"Thu Jan  1 00:00:00 1970", b"01/01/70",
    b"Fri, 07 Aug 2099 08:04:19 GMT", b"Friday, 07-Aug-99 08:04:19 GMT", b"Wed, 21 Oct 2026 07:28:00 PST", b"0", b"-1",
    b"Thu, 01 Jan 1970", b"Thu, 01 Jan 1970 00:00 GMT", b"Thu, 01 Jan 1970 24:00:00 GMT", b"1 Jan 1970 00:00:60", b"",
    b"Thu, 31 Feb 1970 00:00:00 GMT", b"Thu, 01 Foo 1970 00:00:00 GMT", b"1970-01-01T00:00:00Z", b"junk", b"Session",
    b"Thu, 01 Jan 1600 00:00:00 GMT", b"Thu, 01 Jan 0001 00:00:00 GMT", b"Thu, 01 Jan 99999 00:00:00 GMT",
    b'"Thu, 01 Jan 1970 00:00:00 GMT"', b"01 January 1970 00:00:00 +9900", b"Thu, 01 Jan 1970 00:00:00 GMT\t",
    b"1 1 1970", b"Jan 1st 1970 00:00:00", b"Thu, 01 Jan 1970 00:00:00 GMT, _ga=1",
]  # fmt: skip
_DATE_PIECES = [
    b"Thu,", b"01", b"1", b"31", b"32", b"Jan", b"Feb", b"aug", b"January", b"1970", b"2099", b"70", b"99", b"1600",
    b"12345", b"00:00:00", b"23:59:59", b"24:00:00", b"00:00", b"0:0:0", b"12:00 pm", b"GMT", b"EST", b"+0100",
    b"-9900", b"01/02/70", b"junk",
]  # fmt: skip
_DOMAINS = [
    b"example.org", b".example.org", b"HOME.example.org", b"org", b".", b"", b"..example.org", b"example.org.",
    b"other.test", b"ex\xc3\xa4mple.org", b"%65xample.org", b'"example.org"', b"example.org:443", b"localhost",
    b"127.0.0.1", b"x" * 1025,
]  # fmt: skip
_PATHS = [
    b"/",
    b"",
    b"x",
    b"/x",
    b"/x/",
    b"/\t",
    b"/a\tb",
    b"/%2e",
    b"//",
    b'"/"',
    b"/\xff",
    b"/" + b"x" * 1024,
    b"/?",
    b"/;",
]
_SAME_SITES = [b"None", b"none", b"Lax", b"STRICT", b"", b"odd", b'"None"', b"None" + b" " * 1025 + b"x"]
_FLAGS = [
    b"Secure",
    b"HttpOnly",
    b"Partitioned",
    b"secure",
    b"SECURE",
    b"Secure ",
    b"HTTPONLY",
    b'"Secure"',
    b"Secure=x",
]
_FLAGS += [
    b"Secure=" + b"x" * 1025,
    b"Partitioned=0",
    b"Sec ure",
    b"$Secure",
    b"Priority=High",
    b"SameParty",
    b"Version=1",
]
_USUAL = [
    b"; Path=/",
    b"; Path=/; Secure",
    b"; Path=/; Secure; HttpOnly",
    b"; path=/; expires=Fri, 07 Aug 2099 08:04:19 GMT; domain=.example.org; Secure; SameSite=None",
    b"; Secure; SameSite=None; Path=/; Partitioned",
    b"; Path=/; Partitioned",
    b"; Max-Age=63072000; Path=/; SameSite=Lax",
    b"; Max-Age=0; Path=/",
    b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/",
]
_SEPARATORS = [b";", b"; ", b"; ", b" ; ", b";;", b"; ;\t", b";\t", b",", b"; ,", b"", b"\x0b;"]


# what browsers and the standard read differently
_DISPUTED = [
    b"%s", b"=%s", b"=%s=1", b"%s; Path=/", b"%s=a\tb", b"%s\t=1", b"__Host-%s=1; Secure",
    b"__Host-%s=1; Secure; Path=/", b"__HOST-%s=1; Path=/", b"__Secure-%s=1; Secure",
    b"__Http-%s=1; Secure; HttpOnly", b"=__Host-%s=1; Secure; Path=/", b"%s=1; Max-Age=0; Max-Age=",
    b"%s=1; Max-Age=+0", b"%s=1; Max-Age=-", b"%s=1; Max-Age=0; Expires=junk",
    b"%s=1; Expires=Thu, 01 Jan 1970; Path=/", b"%s=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=x",
    b"%s=1; Expires=Thu, 31 Feb 1970 00:00:00 GMT", b"%s=1; Partitioned", b"%s=1; SameSite=None", b"%s=1; Domain=.",
    b"%s=1\rSet-Cookie: sid=2", b"sid=1\nSet-Cookie: %s=2", b"sid=1\r%s=2", b"%s=1; x=a\tb",
    b"%s=1; Domain=; Domain=org", b"sid=1, %s=2; Path=/", b"%s=\x80", b"%s=1; Secure=" + b"x" * 1025,
    b"%s=" + b"v" * 4094, b"%s=1; Path=/a\tb",
]  # fmt: skip


def _attributes() -> Octets:
    """One attribute: known or not, in any case, with a value, without, too long (RFC 6265bis section 5.6)."""
    dates = st.one_of(st.sampled_from(_DATES), st.lists(st.sampled_from(_DATE_PIECES), max_size=6).map(b" ".join))
    valued = st.one_of(
        *(
            st.builds(
                _attribute,
                st.sampled_from(spellings),
                st.sampled_from([b"=", b"=", b" = ", b"\t=\t", b"==", b":"]),
                value,
            )
            for spellings, value in (
                (
                    [b"Max-Age", b"max-age", b"MAX-AGE", b"Max Age", b"Max-Age\x0b", b"MaxAge"],
                    st.sampled_from(_MAX_AGES),
                ),
                ([b"Expires", b"expires", b"EXPIRES", b" Expires"], dates),
                ([b"Domain", b"domain", b"DOMAIN"], st.sampled_from(_DOMAINS)),
                ([b"Path", b"path", b"PATH"], st.sampled_from(_PATHS)),
                ([b"SameSite", b"samesite", b"Same-Site"], st.sampled_from(_SAME_SITES)),
            )
        )
    )
    bare = st.sampled_from(
        [*_FLAGS, b"Max-Age", b"Expires", b"Domain", b"Path", b"SameSite", b"", b"=", b"x", b"a=b", b"\t", b"\x7f"]
    )
    return st.one_of(valued, valued, bare, st.binary(max_size=6))


def _attribute(name: bytes, equals: bytes, value: bytes) -> bytes:
    return name + equals + value


def _set_cookie(names: Sequence[bytes]) -> Octets:
    values = st.one_of(cookie_values(names), st.integers(4080, 4100).map(lambda size: b"v" * size))  # 4096 is the limit
    odd = st.lists(st.builds(_join, st.sampled_from(_SEPARATORS), _attributes()), max_size=5).map(b"".join)
    usual = st.sampled_from(_USUAL)
    attributes = st.one_of(odd, odd, usual, st.builds(_join, usual, odd))
    ends = st.sampled_from([b"", b"", b";", b" ", b"; ", b"\rSet-Cookie: a=1", b"\nSet-Cookie: a=1", b"\r"])
    composed = st.builds(_join, _pairs(names, values), attributes, ends)
    disputed = st.builds(lambda template, name: template % name, st.sampled_from(_DISPUTED), st.sampled_from(names))
    return st.one_of(composed, composed, disputed)


def set_cookie_fields(names: Sequence[bytes], *, control: bool = True) -> Octets:
    """The octets of one Set-Cookie field value: valid ones, nearly valid ones, noise."""
    return _hostile(_set_cookie, names, control)


def deletions(names: Sequence[bytes]) -> Octets:
    """What means to delete one of `names`, by the reading of one browser at least or of none."""
    means = st.lists(
        st.one_of(
            st.sampled_from(_MAX_AGES).map(lambda value: b"; Max-Age=" + value),
            st.sampled_from(_DATES).map(lambda value: b"; Expires=" + value),
            st.sampled_from(
                [b"; Max-Age", b"; Expires", b"; Path=/", b"; Domain=example.org", b"; Secure", b"; Partitioned"]
            ),
        ),
        min_size=1,
        max_size=4,
    ).map(b"".join)
    return st.builds(_join, st.sampled_from(names), st.sampled_from([b"=", b"=1", b"=deleted", b""]), means)


def set_cookie_lists(names: Sequence[bytes], *, control: bool = True) -> st.SearchStrategy[list[bytes]]:
    """The Set-Cookie fields of one response."""
    return st.lists(st.one_of(set_cookie_fields(names, control=control), deletions(names)), max_size=5)


# --- Cookie ----------------------------------------------------------------------------------------------------------


# a name where only some server looks for one
_HIDEOUTS = [
    b"sid=1 %s=2", b"sid %s=2", b'sid="1" %s=2', b'sid="1"%s=2', b'sid="a; b"%s=2', b"sid=1, %s=2", b"sid , %s=2",
    b",%s=2", b"@%s=2", b'"%s=2', b"=%s=2", b"sid@%s=2", b"\xa0%s=2", b"\xc2\xa0%s=2", b"\xe2\x80\x83%s=2", b"%s =2",
    b"\x0b%s=2", b"\x1f%s=2", b"%s\xa0=2", b"%s[x]=2", b"%s[=2", b" .%s=2", b'sid="1; %s=2"', b'sid="1; %s=2', b"%s",
    b'sid={"a":1}; %s=2', b'sid={"%s=2"}', b"%s ", b"%s%%00=2",
]  # fmt: skip


def _cookie(names: Sequence[bytes]) -> Octets:
    separators = st.sampled_from(
        [b"; ", b"; ", b";", b";  ", b";\t", b";;", b",", b", ", b" , ", b" ", b"\t", b"", b"; ;", b";,", b";\x0b"]
    )
    hidden = st.builds(lambda hideout, name: hideout % name, st.sampled_from(_HIDEOUTS), st.sampled_from(names))
    pair = st.one_of(_pairs(names, cookie_values(names)), hidden)
    pairs = st.lists(st.builds(_join, pair, separators), max_size=6).map(b"".join)
    versions = st.sampled_from(
        [b"", b"", b"$Version=1; ", b'$Version="1", ', b"$Version=0;", b"$Version=2; ", b" $Version = 1 ,"]
    )
    return st.builds(_join, versions, pairs)


def cookie_fields(names: Sequence[bytes], *, control: bool = True) -> Octets:
    """The octets of one Cookie field value: pairs that servers take apart in their own ways, and noise."""
    return _hostile(_cookie, names, control)


def cookie_lists(names: Sequence[bytes], *, control: bool = True) -> st.SearchStrategy[list[bytes]]:
    """The Cookie fields of one request: one, as HTTP/1.1 wants it, or several, as HTTP/2 allows."""
    return st.lists(cookie_fields(names, control=control), min_size=1, max_size=3)
