# cython: language_level=3
"""Octets that come again and again, names above all: the object that was made of them before, with its hash.

A table of fixed size, in which the newer takes the place of the older: what a stranger invents costs a lookup the time that it
takes without a table, and nothing more.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy

cdef enum:
    PLACES = 1024
    LONGEST = 256

ctypedef PyObject *Seen[PLACES]


cdef inline object seen(PyObject **table, const char *octets, Py_ssize_t size):
    cdef uint64_t first = 0, last = 0
    cdef PyObject **place
    if size < 8 or size > LONGEST:
        # A short one is made as fast as found.
        return PyBytes_FromStringAndSize(octets, size)
    memcpy(&first, octets, 8)
    memcpy(&last, octets + size - 8, 8)
    place = table + (((first ^ last * 0x9E3779B97F4A7C15U ^ <uint64_t>size) * 0xD6E8FEB86659FD93U) >> 54)
    if place[0] != NULL and PyBytes_GET_SIZE(<object>place[0]) == size:
        if memcmp(PyBytes_AS_STRING(<object>place[0]), octets, size) == 0:
            return <object>place[0]
    made = PyBytes_FromStringAndSize(octets, size)
    Py_INCREF(made)
    Py_XDECREF(place[0])
    place[0] = <PyObject *>made
    return made
