"""Field lines: which may be trusted, and how all lines of one field are found."""

import pytest

from gatekeeper.wire.fields import is_trustworthy, values

TOKEN_OCTETS = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_name_may_hold_the_octets_of_a_token_and_no_others() -> None:
    allowed = {octet for octet in range(256) if is_trustworthy(b"x" + bytes([octet]) + b"x", b"")}
    assert allowed == set(TOKEN_OCTETS)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"", "a line without a name"),
        (b"Set-Cookie ", "Chromium stores the cookie of a line with a space before the colon"),
        (b"Set-Cookie\t", "the same with a tab"),
        (b" Set-Cookie", "obs-fold: a continuation of the line before"),
        (b"\xc2\xa0Set-Cookie", "a no-break space, which a Unicode-aware strip takes away"),
        (b"Set-Cookie:", "a second colon"),
        (b"Set\xadCookie", "above ASCII"),
    ],
)
def test_a_name_that_recipients_read_differently_is_not_trusted(name: bytes, why: str) -> None:
    assert not is_trustworthy(name, b"a=1"), why


@pytest.mark.parametrize("where", [b"%sa=1", b"a=1%sb", b"a=1%s"])
def test_a_value_may_hold_every_octet_that_ends_no_line(where: bytes) -> None:
    refused = {octet for octet in range(256) if not is_trustworthy(b"Set-Cookie", where % bytes([octet]))}
    assert refused == set(b"\r\n\0")


def test_all_lines_of_a_field_are_found_in_their_order_whatever_their_case() -> None:
    fields = (
        (b"Set-Cookie", b"a=1, b=2"),
        (b"Set-Cookie2", b"c=3"),
        (b"set-cookie", b""),
        (b"SET-COOKIE", b"a=1, b=2"),
        (b"Set_Cookie", b"d=4"),
        (b"Cookie", b"e=5"),
    )
    assert values(fields, b"set-cookie") == [b"a=1, b=2", b"", b"a=1, b=2"]
    assert values((), b"set-cookie") == []
