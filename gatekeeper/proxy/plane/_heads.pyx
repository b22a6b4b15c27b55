# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled forms of :func:`gatekeeper.proxy.plane.request.head_end_pure`, ``request_line_pure`` and
``known_head_pure``, and of :func:`gatekeeper.proxy.plane.response.cut_pure`: the same lines read the same, the same head
cut in the same places.
"""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.ref cimport PyObject
from libc.string cimport memchr, memcmp

from gatekeeper.wire._seen cimport Seen, seen

from gatekeeper.proxy.plane.lines import Untrusted

if os.environ.get("GATEKEEPER_PURE"):
    raise ImportError("GATEKEEPER_PURE is set")

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object, object) except? NULL

cdef Seen FIRST, NAMES, LINES

# As in lines.py.
cdef enum:
    PLAIN = 0
    WATCHED = 1
    HOP = 2
    CONNECTION = 3
    UPGRADE = 6
    CLAIM = 8


# RFC 9110 section 5.6.2: the octets of a token.
cdef char _TOKEN[256]
for _octet in range(256):
    _TOKEN[_octet] = _octet in b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def head_end(bytes data):
    """See the pure form."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef const char *end = start + PyBytes_GET_SIZE(data)
    cdef const char *p = start
    while True:
        p = <const char *>memchr(p, 13, end - p)
        if p == NULL or end - p < 4:
            return -1
        if p[1] == 10 and p[2] == 13 and p[3] == 10:
            return p - start
        p += 1


def request_line(bytes line):
    """See the pure form."""
    cdef const unsigned char *start = <const unsigned char *>PyBytes_AS_STRING(line)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(line)
    cdef const unsigned char *end = start + size - 9  # before " HTTP/1.x"
    cdef const unsigned char *p = start
    cdef const unsigned char *target
    if size < 12 or memcmp(end, b" HTTP/1.", 8) != 0 or not 48 <= end[8] <= 57:
        return None
    while p < end and _TOKEN[p[0]]:
        p += 1
    if p == start or p >= end or p[0] != 32 or (p - start == 7 and memcmp(start, b"CONNECT", 7) == 0):
        return None
    target = p + 1
    p = target
    while p < end and p[0] > 32 and p[0] != 127:
        p += 1
    if p != end or p == target:
        return None
    return (
        PyBytes_FromStringAndSize(<const char *>start, target - start - 1),
        PyBytes_FromStringAndSize(<const char *>target, end - target),
        PyBytes_FromStringAndSize(<const char *>end + 8, 1),
    )


def known_head(bytes data, bytes block, Py_ssize_t most):
    """See the pure form."""
    cdef const unsigned char *start = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(block)
    cdef const unsigned char *end = start + size
    cdef const unsigned char *p = start
    cdef const unsigned char *target
    cdef const unsigned char *behind
    while p < end and _TOKEN[p[0]]:
        p += 1
    if p == start or end - p < 2 or p[0] != 32 or p[1] != 47 or (p - start == 7 and memcmp(start, b"CONNECT", 7) == 0):
        return None
    target = p + 1
    p = target
    while p < end and p[0] > 32 and p[0] != 127:
        p += 1
    if end - p < 11 or memcmp(p, b" HTTP/1.1\r\n", 11) != 0:
        return None
    behind = p + 11
    if end - behind < length or behind - start + length - 4 > most:
        return None
    if memcmp(behind, PyBytes_AS_STRING(block), length) != 0:
        return None
    behind += length
    return (
        PyBytes_FromStringAndSize(<const char *>start, p + 9 - start),
        PyBytes_FromStringAndSize(<const char *>start, target - start - 1),
        PyBytes_FromStringAndSize(<const char *>target, p - target),
        PyBytes_FromStringAndSize(<const char *>behind, end - behind) if behind < end else b"",
    )


cdef object _untrusted():
    return Untrusted("a field line can be read in more than one way")


def cut(bytes head, memory):
    """See the pure form. This one takes every head in which the watched fields, if any, stand together."""
    cdef const char *start = PyBytes_AS_STRING(head)
    cdef const char *end = start + PyBytes_GET_SIZE(head)
    cdef const char *p
    cdef const char *stop
    cdef const char *colon
    cdef const char *value
    cdef const char *piece = NULL  # where the lines that go on without a gap begin
    cdef const char *reached = NULL  # and where they end so far
    cdef Py_ssize_t size
    cdef Py_ssize_t at = 0
    cdef int place = 0  # before the watched fields, among them, behind them
    cdef long kind
    cdef PyObject *item
    cdef bytes name = None
    cdef bytes line
    cdef object names = memory.names
    cdef object known = memory.known
    cdef list lines = []
    cdef list watched = []
    cdef list others = []
    if memchr(start, 0, end - start) != NULL:
        raise _untrusted()
    p = <const char *>memchr(start, 13, end - start)
    if p == NULL:
        p = end
    if memchr(start, 10, p - start) != NULL:
        raise _untrusted()
    first = seen(FIRST, start, p - start)
    while p < end:
        if p + 1 >= end or p[1] != 10:
            raise _untrusted()
        p += 2
        stop = <const char *>memchr(p, 13, end - p)
        if stop == NULL:
            stop = end
        colon = <const char *>memchr(p, 58, stop - p)
        if colon == NULL or memchr(p, 10, stop - p) != NULL:
            raise _untrusted()
        size = colon - p
        if name is None or PyBytes_GET_SIZE(name) != size or memcmp(PyBytes_AS_STRING(name), p, size) != 0:
            name = <bytes>seen(NAMES, p, size)
            item = PyDict_GetItemWithError(names, name)
            if item == NULL:
                kind = memory.look(PyBytes_FromStringAndSize(p, stop - p))[0]
            else:
                kind = <object>item
        if kind == WATCHED:
            if piece != NULL:
                lines.append(PyBytes_FromStringAndSize(piece, reached - piece))
                piece = NULL
            if place == 0:
                place = 1
                at = len(lines)
            elif place == 2:
                return None
            value = colon + 1
            if value == stop or value[0] != 32:
                return None  # not as it would be written again
            value += 1
            watched.append((name, PyBytes_FromStringAndSize(value, stop - value)))
            p = stop
            continue
        if kind != PLAIN:
            if kind != HOP:
                line = <bytes>seen(LINES, p, stop - p)
                item = PyDict_GetItemWithError(known, line)
                others.append(memory.look(line) if item == NULL else <object>item)
            if kind == HOP or kind == CONNECTION or kind == UPGRADE or kind == CLAIM:
                if piece != NULL:
                    lines.append(PyBytes_FromStringAndSize(piece, reached - piece))
                    piece = NULL
                p = stop
                continue
        if place == 1:
            place = 2
        if piece == NULL:
            piece = p
        reached = stop
        p = stop
    if piece != NULL:
        lines.append(PyBytes_FromStringAndSize(piece, reached - piece))
    if not watched:
        at = len(lines)
    return first, lines, tuple(watched), at, others
