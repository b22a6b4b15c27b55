"""Requests whose length two recipients might read differently, and what may become of each.

A request is refused with 400 or passed on with exactly one meaning; what follows it on the connection is never taken
for a part of it, nor a part of it for the next request (RFC 9112 sections 6 and 11.2). Shared with the comparison.
"""

from dataclasses import dataclass

# In most bodies: to a recipient who reads the length differently this would be a request of its own.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n"


@dataclass(frozen=True)
class Framing:
    """``lines`` behind the request line and Host, then ``body`` as it stands on the wire.

    ``means`` is the only body that may arrive; None: the request has to be refused. ``or_refused``: it may be.
    ``endless``: it is sound and more of it has to come, so that only the end of the connection says that it is cut off.
    """

    lines: list[bytes]
    body: bytes = b"5\r\nhello\r\n0\r\n\r\n"
    means: bytes | None = None
    or_refused: bool = False
    version: bytes = b"HTTP/1.1"
    endless: bool = False


CHUNKED = b"Transfer-Encoding: chunked"
SIZED = b"Content-Length: %d" % len(SMUGGLED)

# The 24 that the issue asks for, and some more.
HEADS = {
    "chunked": Framing([CHUNKED], means=b"hello"),
    "sized": Framing([SIZED], SMUGGLED, means=SMUGGLED),
    "length_then_chunked": Framing([b"Content-Length: 4", CHUNKED], b"0\r\n\r\n"),
    "chunked_then_length": Framing([CHUNKED, b"Content-Length: 5"], b"0\r\n\r\n" + SMUGGLED),
    "chunked_and_zero_length": Framing([b"Content-Length: 0", CHUNKED], b"0\r\n\r\n"),
    "differing_lengths": Framing([b"Content-Length: 0", SIZED], SMUGGLED),
    "differing_lengths_in_a_list": Framing([b"Content-Length: 0, %d" % len(SMUGGLED)], SMUGGLED),
    "doubled_length": Framing([SIZED, SIZED], SMUGGLED, SMUGGLED, or_refused=True),
    "doubled_length_in_a_list": Framing([b"Content-Length: 5, 5"], b"hello", b"hello", or_refused=True),
    "length_with_plus": Framing([b"Content-Length: +5"], b"hello"),
    "length_with_minus": Framing([b"Content-Length: -5"], b"hello"),
    "length_in_hex": Framing([b"Content-Length: 0x5"], b"hello"),
    "length_with_point": Framing([b"Content-Length: 5.0"], b"hello"),
    "length_with_underscore": Framing([b"Content-Length: 1_0"], b"hellohello"),
    "length_with_space_inside": Framing([b"Content-Length: 1 0"], b"hellohello"),
    "length_with_trailing_letter": Framing([b"Content-Length: 5a"], b"hello"),
    "length_in_other_digits": Framing([b"Content-Length: \xd9\xa5"], b"hello"),
    "length_without_value": Framing([b"Content-Length:"], b""),
    "length_of_sixty_five_bits": Framing([b"Content-Length: 18446744073709551621"], b"hello"),
    "length_of_forty_digits": Framing([b"Content-Length: " + b"9" * 40], b"hello"),
    "length_with_leading_zeros": Framing([b"Content-Length: 0005"], b"hello", b"hello", or_refused=True),
    "length_with_white_space_around": Framing([b"Content-Length: \t5 \t"], b"hello", b"hello"),
    "length_folded": Framing([b"Content-Length:", b" 5"], b"hello"),
    "length_with_vertical_tab": Framing([b"Content-Length: \x0b5"], b"hello"),
    "chunked_in_1_0": Framing([CHUNKED], version=b"HTTP/1.0"),
    "chunked_and_length_in_1_0": Framing([b"Content-Length: 15", CHUNKED], version=b"HTTP/1.0"),
    "chunked_twice_in_a_list": Framing([b"Transfer-Encoding: chunked, chunked"]),
    "chunked_twice_in_lines": Framing([CHUNKED, CHUNKED]),
    "chunked_in_a_list_with_an_empty_element": Framing([b"Transfer-Encoding: ,chunked"]),
    "xchunked": Framing([b"Transfer-Encoding: xchunked"]),
    "chunked_with_a_parameter": Framing([b"Transfer-Encoding: chunked;a=b"]),
    "chunked_quoted": Framing([b'Transfer-Encoding: "chunked"']),
    "chunk": Framing([b"Transfer-Encoding: chunk"]),
    "chunked_with_a_leading_space_more": Framing([b"Transfer-Encoding:  chunked"], means=b"hello"),
    "chunked_with_a_tab": Framing([b"Transfer-Encoding:\tchunked"], means=b"hello", or_refused=True),
    "chunked_with_a_vertical_tab": Framing([b"Transfer-Encoding: \x0bchunked"]),
    "chunked_with_a_null": Framing([b"Transfer-Encoding: chunked\x00"]),
    "chunked_without_space": Framing([b"Transfer-Encoding:chunked"], means=b"hello"),
    "chunked_in_capitals": Framing([b"TRANSFER-ENCODING: CHUNKED"], means=b"hello"),
    "chunked_with_a_long_s": Framing([b"Tran\xc5\xbffer-Encoding: chunked", b"Content-Length: 5"], b"hello"),
    "identity": Framing([b"Transfer-Encoding: identity"], b""),
    "identity_with_length": Framing([b"Transfer-Encoding: identity", b"Content-Length: 5"], b"hello"),
    "chunked_then_identity": Framing([CHUNKED, b"Transfer-Encoding: identity"]),
    "identity_then_chunked": Framing([b"Transfer-Encoding: identity", CHUNKED]),
    "gzip_and_chunked": Framing([b"Transfer-Encoding: gzip, chunked"]),
    "gzip": Framing([b"Transfer-Encoding: gzip"], b""),
    "coding_without_value": Framing([b"Transfer-Encoding:"], b""),
    "coding_without_value_with_length": Framing([b"Transfer-Encoding:", b"Content-Length: 5"], b"hello"),
    "coding_folded": Framing([b"Transfer-Encoding:", b" chunked"]),
    "coding_folded_away": Framing([b"X: y", b" Transfer-Encoding: chunked"]),
    "space_before_the_first_field": Framing([b" " + CHUNKED]),
    "space_before_the_colon": Framing([b"Transfer-Encoding : chunked"]),
    "space_before_the_colon_of_length": Framing([b"Content-Length : 5"], b"hello"),
    "tab_before_the_colon": Framing([b"Transfer-Encoding\t: chunked"]),
    "null_in_the_name": Framing([b"Transfer-Encoding\x00: chunked"]),
    "octet_before_the_name": Framing([b"\x0bTransfer-Encoding: chunked"]),
    "underscore_in_the_name": Framing([b"Transfer_Encoding: chunked", b"Content-Length: 5"], b"hello", b"hello", True),
    "bare_line_feed_before": Framing([b"X: y\n" + CHUNKED]),
    "bare_line_feed_at_the_end": Framing([b"X: y\n\n" + SMUGGLED]),
    "bare_carriage_return_before": Framing([b"X: y\r" + CHUNKED]),
    "carriage_return_doubled": Framing([CHUNKED + b"\r"]),
    "null_in_a_value": Framing([b"X: y\x00", CHUNKED]),
    "line_without_colon": Framing([b"Transfer-Encoding chunked"]),
    "line_without_name": Framing([b": chunked"]),
    "no_framing_and_octets_behind": Framing([], b"", b""),
}

CHUNKS = {
    "in_two": Framing([CHUNKED], b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    "of_a_request": Framing([CHUNKED], b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED), SMUGGLED),
    "empty": Framing([CHUNKED], b"0\r\n\r\n", b""),
    "last_of_many_zeros": Framing([CHUNKED], b"5\r\nhello\r\n000\r\n\r\n", b"hello", or_refused=True),
    "leading_zeros": Framing([CHUNKED], b"0005\r\nhello\r\n0\r\n\r\n", b"hello", or_refused=True),
    "hex_in_both_cases": Framing(
        [CHUNKED], b"a\r\n" + b"x" * 10 + b"\r\nA\r\n" + b"x" * 10 + b"\r\n0\r\n\r\n", b"x" * 20
    ),
    "extension": Framing([CHUNKED], b"5;a=b\r\nhello\r\n0;last\r\n\r\n", b"hello", or_refused=True),
    "extension_quoted": Framing([CHUNKED], b'5;a="b;c"\r\nhello\r\n0\r\n\r\n', b"hello", or_refused=True),
    "extension_with_line_feed": Framing([CHUNKED], b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "extension_with_carriage_return": Framing([CHUNKED], b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    "extension_with_null": Framing([CHUNKED], b"5;a\x00b\r\nhello\r\n0\r\n\r\n"),
    "extension_of_a_megabyte": Framing([CHUNKED], b"5;" + b"a" * 1048576 + b"\r\nhello\r\n0\r\n\r\n"),
    "in_c_notation": Framing([CHUNKED], b"0x5\r\nhello\r\n0\r\n\r\n"),
    "space_behind": Framing([CHUNKED], b"5 \r\nhello\r\n0\r\n\r\n", b"hello", or_refused=True),
    "space_before": Framing([CHUNKED], b" 5\r\nhello\r\n0\r\n\r\n"),
    "with_plus": Framing([CHUNKED], b"+5\r\nhello\r\n0\r\n\r\n"),
    "negative": Framing([CHUNKED], b"-5\r\nhello\r\n0\r\n\r\n"),
    "negative_zero": Framing([CHUNKED], b"5\r\nhello\r\n-0\r\n\r\n"),
    "with_underscore": Framing([CHUNKED], b"0_5\r\nhello\r\n0\r\n\r\n"),
    "no_digit": Framing([CHUNKED], b"\r\nhello\r\n0\r\n\r\n"),
    "letters": Framing([CHUNKED], b"xyz\r\nhello\r\n0\r\n\r\n"),
    "overflow_of_64_bits": Framing([CHUNKED], b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "overflow_of_32_bits": Framing([CHUNKED], b"100000005\r\nhello\r\n0\r\n\r\n" + SMUGGLED, endless=True),
    "line_feed_only": Framing([CHUNKED], b"5\nhello\n0\n\n"),
    "line_feed_behind_the_size": Framing([CHUNKED], b"5\nhello\r\n0\r\n\r\n"),
    "line_feed_behind_the_data": Framing([CHUNKED], b"5\r\nhello\n0\r\n\r\n"),
    "carriage_return_only": Framing([CHUNKED], b"5\r\nhello\r0\r\n\r\n"),
    "carriage_return_doubled": Framing([CHUNKED], b"5\r\r\nhello\r\n0\r\n\r\n"),
    "nothing_behind_the_data": Framing([CHUNKED], b"5\r\nhello0\r\n\r\n"),
    "longer_than_its_size": Framing([CHUNKED], b"5\r\nhelloXX\r\n0\r\n\r\n"),
    "shorter_than_its_size": Framing([CHUNKED], b"7\r\nhello\r\n0\r\n\r\n"),
    "other_octets_in_place_of_the_end": Framing([CHUNKED], b"5\r\nhelloXX0\r\n\r\n"),
    "line_feed_at_the_very_end": Framing([CHUNKED], b"5\r\nhello\r\n0\r\n\n"),
    "line_feed_in_trailers": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nX: y\nZ: z\r\n\r\n"),
    "space_before_a_trailers_colon": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
    "folded_trailer": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"),
    "null_in_a_trailer": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nX: y\x00\r\n\r\n"),
    "trailer_without_colon": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nXy\r\n\r\n"),
    "trailers_of_a_megabyte": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nX: " + b"y" * 1048576 + b"\r\n\r\n"),
    "trailer_with_a_length": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n", b"hello", True),
    "trailer_with_a_coding": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n", b"hello", True),
    "trailer_with_a_host": Framing([CHUNKED], b"5\r\nhello\r\n0\r\nHost: evil\r\n\r\n", b"hello", True),
}
