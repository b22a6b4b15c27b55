# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""plain_pairs() of request.py again, compiled. That is the reference, and what runs where this was not built."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport getenv

from gatekeeper.wire._seen cimport Seen, seen

# Read here and not in the core, which has no environment.
cdef const char *wish = getenv(b"GATEKEEPER_PURE")
if wish != NULL and wish[0] != 0:
    raise ImportError("GATEKEEPER_PURE is set")

cdef enum:
    ODD, PLAIN, EQUALS

cdef Seen NAMES
cdef unsigned char[256] KIND  # ODD ends a pair, or makes the field one that has to be looked at
for _octet in range(256):
    KIND[_octet] = ODD if not 0x21 <= _octet < 0x7F or _octet in b',";\\' else EQUALS if _octet == 0x3D else PLAIN


def plain_pairs(field_value, wanted):
    """Names, whole pairs, and the wanted names with their values; None for an unusual field; see the other form."""
    if not PyBytes_CheckExact(field_value):
        from gatekeeper.cookies.request import plain_pairs_pure

        return plain_pairs_pure(field_value, wanted)
    cdef const unsigned char *octet = <const unsigned char *>PyBytes_AS_STRING(field_value)
    cdef const unsigned char *end = octet + PyBytes_GET_SIZE(field_value)
    cdef const unsigned char *begin
    cdef const unsigned char *equals
    cdef list names = [], pairs = [], found = []
    while True:
        # The NUL behind the last octet is ODD.
        begin = octet
        while KIND[octet[0]] == PLAIN:
            octet += 1
        if KIND[octet[0]] != EQUALS:
            return None
        equals = octet
        while KIND[octet[0]] != ODD:
            octet += 1
        name = seen(NAMES, <const char *>begin, equals - begin)
        names.append(name)
        pairs.append(PyBytes_FromStringAndSize(<const char *>begin, octet - begin))
        if name in wanted:
            found.append((name, PyBytes_FromStringAndSize(<const char *>equals + 1, octet - equals - 1)))
        if octet == end:
            return names, pairs, found
        if octet[0] != b";" or octet[1] != b" ":
            return None
        octet += 2
