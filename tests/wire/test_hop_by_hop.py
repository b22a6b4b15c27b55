"""What stays on this hop, and what no sender can have taken away."""

import pytest

from gatekeeper.wire.hop_by_hop import end_to_end, nominated

FIXED = [
    b"Connection",
    b"Keep-Alive",
    b"Proxy-Authenticate",
    b"Proxy-Authorization",
    b"Proxy-Connection",
    b"TE",
    b"Trailer",
    b"Transfer-Encoding",
    b"Upgrade",
]
PROTECTED = [
    b"Authorization",
    b"Cache-Control",
    b"Content-Length",
    b"Cookie",
    b"Forwarded",
    b"Host",
    b"Sec-GPC",
    b"Set-Cookie",
    b"X-Forwarded-For",
    b"X-Forwarded-Host",
    b"X-Forwarded-Port",
    b"X-Forwarded-Prefix",
    b"X-Forwarded-Proto",
    b"X-Forwarded-Ssl",
    b"X-Real-IP",
]


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("spell", [bytes, bytes.lower, bytes.upper], ids=["as-is", "lower", "upper"])
def test_fields_of_this_hop_go_no_further(name: bytes, spell: type[bytes]) -> None:
    assert end_to_end(((b"Host", b"h"), (spell(name), b"x"), (b"Cookie", b"a=1"))) == (
        (b"Host", b"h"),
        (b"Cookie", b"a=1"),
    )


def test_what_stays_keeps_order_case_and_duplicates() -> None:
    fields = ((b"COOKIE", b"a=1"), (b"x-A", b" 1 "), (b"Cookie", b"a=1"), (b"X-a", b"2"))
    assert end_to_end(fields) == fields


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"X-Secret"], {b"x-secret"}),
        ([b" X-A\t, x-b ,,\tX-A"], {b"x-a", b"x-b"}),
        ([b"x-a", b"x-b"], {b"x-a", b"x-b"}),
        ([b"close, keep-alive, x-a"], {b"x-a"}),
        ([b"Keep-Alive"], set()),
        ([b"", b",", b" , "], set()),
        ([], set()),
    ],
)
def test_connection_nominates_every_name_of_every_line(lines: list[bytes], expected: set[bytes]) -> None:
    fields = tuple((name, line) for name, line in zip((b"Connection", b"CONNECTION"), lines, strict=False))
    assert nominated(fields) == expected


def test_a_nominated_field_goes_no_further_on_whichever_line_it_stands() -> None:
    fields = ((b"X-A", b"1"), (b"Connection", b"x-a"), (b"X-B", b"2"), (b"x-A", b"3"), (b"X-Ab", b"4"))
    assert end_to_end(fields) == ((b"X-B", b"2"), (b"X-Ab", b"4"))


@pytest.mark.parametrize("name", PROTECTED)
@pytest.mark.parametrize("spell", [bytes, bytes.lower, bytes.upper], ids=["as-is", "lower", "upper"])
def test_nobody_can_nominate_what_security_rests_on(name: bytes, spell: type[bytes]) -> None:
    fields = ((b"Connection", b"close,\t" + spell(name) + b" , x-a"), (name, b"1"), (b"X-A", b"2"))
    assert end_to_end(fields) == ((name, b"1"),)
