"""Responses of an upstream that two recipients might read differently, and what the visitor may get for each.

Shared with the comparison.
"""

from dataclasses import dataclass

CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
INJECTED = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nSet-Cookie: sessionid=evil\r\n\r\ninjected"


@dataclass(frozen=True)
class Answer:
    """``octets`` are the whole answer. ``means``: the only body that may arrive; None: 502 and no octet of it.

    ``or_refused``: 502 is right as well.
    """

    octets: bytes
    means: bytes | None = None
    or_refused: bool = False


def of(lines: list[bytes], body: bytes = b"hello", *, start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """A response with these field lines."""
    return b"\r\n".join([start, *lines, b"", body])


HEADS = {
    "sized": Answer(of([b"Content-Length: 5"]), b"hello"),
    "chunked": Answer(of([CHUNKED], HELLO), b"hello"),
    "chunked_in_capitals": Answer(of([b"TRANSFER-ENCODING: CHUNKED"], HELLO), b"hello"),
    "length_and_chunked": Answer(of([b"Content-Length: 5", CHUNKED], HELLO)),
    "chunked_and_length": Answer(of([CHUNKED, b"Content-Length: 15"], HELLO)),
    "differing_lengths": Answer(of([b"Content-Length: 5", b"Content-Length: 2"])),
    "differing_lengths_in_a_list": Answer(of([b"Content-Length: 5, 2"])),
    "doubled_length": Answer(of([b"Content-Length: 5", b"Content-Length: 5"]), b"hello", or_refused=True),
    "doubled_length_in_a_list": Answer(of([b"Content-Length: 5, 5"]), b"hello", or_refused=True),
    "length_with_plus": Answer(of([b"Content-Length: +5"])),
    "length_with_minus": Answer(of([b"Content-Length: -5"])),
    "length_in_hex": Answer(of([b"Content-Length: 0x5"])),
    "length_with_letters": Answer(of([b"Content-Length: 5abc"])),
    "length_with_space_inside": Answer(of([b"Content-Length: 1 0"])),
    "length_without_value": Answer(of([b"Content-Length:"])),
    "length_of_sixty_five_bits": Answer(of([b"Content-Length: 18446744073709551621"])),
    "length_folded": Answer(of([b"Content-Length:", b" 5"])),
    "coding_gzip": Answer(of([b"Transfer-Encoding: gzip"])),
    "coding_gzip_and_chunked": Answer(of([b"Transfer-Encoding: gzip, chunked"], HELLO)),
    "coding_identity": Answer(of([b"Transfer-Encoding: identity"])),
    "coding_xchunked": Answer(of([b"Transfer-Encoding: xchunked"], HELLO)),
    "coding_chunked_twice": Answer(of([b"Transfer-Encoding: chunked, chunked"], HELLO)),
    "coding_chunked_in_two_lines": Answer(of([CHUNKED, CHUNKED], HELLO)),
    "coding_with_a_vertical_tab": Answer(of([b"Transfer-Encoding: \x0bchunked"], HELLO)),
    "coding_without_value": Answer(of([b"Transfer-Encoding:"])),
    "coding_folded": Answer(of([b"Transfer-Encoding:", b" chunked"], HELLO)),
    "coding_in_1_0": Answer(of([CHUNKED], HELLO, start=b"HTTP/1.0 200 OK")),
    "space_before_the_colon_of_coding": Answer(of([b"Transfer-Encoding : chunked"], HELLO)),
    "space_before_the_colon_of_length": Answer(of([b"Content-Length : 5"])),
    "space_before_the_colon_of_set_cookie": Answer(of([b"Set-Cookie : sessionid=1", b"Content-Length: 5"])),
    "tab_before_the_colon_of_set_cookie": Answer(of([b"Set-Cookie\t: sessionid=1", b"Content-Length: 5"])),
    "space_in_a_name": Answer(of([b"Set Cookie: sessionid=1", b"Content-Length: 5"])),
    "high_octets_in_a_name": Answer(of([b"Set-Cook\xc3\xafe: sessionid=1", b"Content-Length: 5"])),
    "no_name": Answer(of([b": sessionid=1", b"Content-Length: 5"])),
    "no_colon": Answer(of([b"Set-Cookie", b"Content-Length: 5"])),
    "space_before_the_first_field": Answer(of([b" X: y", b"Content-Length: 5"])),
    "obs_fold": Answer(of([b"X: y", b" Set-Cookie: sessionid=1", b"Content-Length: 5"])),
    "obs_fold_of_a_cookie": Answer(of([b"Set-Cookie: sessionid=1;", b"\tPath=/", b"Content-Length: 5"])),
    "bare_line_feed": Answer(of([b"X: y\nSet-Cookie: sessionid=1", b"Content-Length: 5"])),
    "bare_line_feeds_throughout": Answer(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
    "bare_line_feed_behind_the_status": Answer(b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello"),
    "bare_carriage_return": Answer(of([b"X: y\rSet-Cookie: sessionid=1", b"Content-Length: 5"])),
    "bare_carriage_return_in_the_reason": Answer(of([b"Content-Length: 5"], start=b"HTTP/1.1 200 O\rK")),
    "null_in_a_value": Answer(of([b"X: y\x00", b"Content-Length: 5"])),
    "null_in_a_name": Answer(of([b"X\x00: y", b"Content-Length: 5"])),
    "control_octet_in_a_value": Answer(of([b"X: a\x01b", b"Content-Length: 5"]), b"hello", or_refused=True),
    "delete_in_a_value": Answer(of([b"X: a\x7fb", b"Content-Length: 5"]), b"hello", or_refused=True),
    "head_of_129_kibibytes": Answer(of([b"X: " + b"y" * (129 * 1024), b"Content-Length: 5"])),
    "head_of_129_kibibytes_in_lines": Answer(of([b"X: " + b"y" * 1021] * 129 + [b"Content-Length: 5"])),
    "head_of_sixty_kibibytes": Answer(of([b"X: " + b"y" * 1021] * 60 + [b"Content-Length: 5"]), b"hello"),
}

STATUS_LINES = {
    "missing_reason": (b"HTTP/1.1 200", 200),
    "missing_reason_with_space": (b"HTTP/1.1 200 ", 200),
    "long_reason": (b"HTTP/1.1 200 All Is Well: (really) \xe9!", 200),
    "299": (b"HTTP/1.1 299 Miscellaneous", 299),
    "418": (b"HTTP/1.1 418 I'm a teapot", 418),
    "599": (b"HTTP/1.1 599 Odd", 599),
    "1_0": (b"HTTP/1.0 200 Fine", 200),
    "600": (b"HTTP/1.1 600 What", 502),
    "999": (b"HTTP/1.1 999 What", 502),
    "99": (b"HTTP/1.1 99 What", 502),
    "099": (b"HTTP/1.1 099 What", 502),
    "000": (b"HTTP/1.1 000 What", 502),
    "2000": (b"HTTP/1.1 2000 What", 502),
    "20": (b"HTTP/1.1 20 OK", 502),
    "2x0": (b"HTTP/1.1 2x0 OK", 502),
    "minus": (b"HTTP/1.1 -200 OK", 502),
    "no_status": (b"HTTP/1.1 OK", 502),
    "two_spaces": (b"HTTP/1.1  200 OK", 502),
    "tab": (b"HTTP/1.1\t200 OK", 502),
    "no_space_behind_the_status": (b"HTTP/1.1 200OK", 502),
    "space_before": (b" HTTP/1.1 200 OK", 502),
    "version_2": (b"HTTP/2.0 200 OK", 502),
    "version_1": (b"HTTP/1 200 OK", 502),
    "lower_case": (b"http/1.1 200 OK", 502),
    "icy": (b"ICY 200 OK", 502),
    "null_in_reason": (b"HTTP/1.1 200 O\x00K", 502),
    "a_request": (b"GET / HTTP/1.1", 502),
}

GARBAGE = {
    "tls_alert": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "html": b"<html>not http</html>\r\n\r\n",
    "line_end_and_nothing": b"\r\n",
    "nothing": b"",
    "half_a_status_line": b"HTTP/1.1 20",
    "half_a_head": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n",
    "half_a_line": b"HTTP/1.1 200 OK\r\nContent-Le",
    "interim_only": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    "switching_that_nobody_asked_for": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
}

# Behind each, octets that would be the answer to the next request.
SURPLUS = {
    "sized": of([b"Content-Length: 5"]),
    "chunked": of([CHUNKED], HELLO),
    "chunked_with_trailers": of([CHUNKED], b"5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
    "empty": of([b"Content-Length: 0"], b""),
    "204": of([], b"", start=b"HTTP/1.1 204 No Content"),
    "304": of([b"ETag: x"], b"", start=b"HTTP/1.1 304 Not Modified"),
    "304_with_length": of([b"Content-Length: 5"], b"", start=b"HTTP/1.1 304 Not Modified"),
    "404": of([b"Content-Length: 5"], start=b"HTTP/1.1 404 Not Found"),
    "large": of([b"Content-Length: 262144"], b"x" * 262144),
}

# Bodies that break off, or cannot be followed; then the upstream ends or resets the connection.
BROKEN = {
    "length": of([b"Content-Length: 10"]),
    "length_and_no_octet": of([b"Content-Length: 10"], b""),
    "chunk": of([CHUNKED], b"a\r\nhello"),
    "chunk_without_its_end": of([CHUNKED], b"5\r\nhello"),
    "last_chunk": of([CHUNKED], b"5\r\nhello\r\n"),
    "end_of_the_last_chunk": of([CHUNKED], b"5\r\nhello\r\n0\r\n"),
    "trailers": of([CHUNKED], b"5\r\nhello\r\n0\r\nX: y\r\n"),
    "size_of_letters": of([CHUNKED], b"5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n"),
    "size_in_c_notation": of([CHUNKED], b"5\r\nhello\r\n0x5\r\nhello\r\n0\r\n\r\n"),
    "size_negative": of([CHUNKED], b"5\r\nhello\r\n-1\r\n\r\n"),
    "size_of_65_bits": of([CHUNKED], b"5\r\nhello\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "no_end_of_a_chunk": of([CHUNKED], b"5\r\nhelloXX0\r\n\r\n"),
    "line_feeds_only": of([CHUNKED], b"5\r\nhello\r\n5\nhello\n0\n\n"),
    "bare_line_feed_in_trailers": of([CHUNKED], b"5\r\nhello\r\n0\r\nX: y\nZ: z\r\n\r\n"),
}
