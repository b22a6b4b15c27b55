# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The gate's two hot loops again, compiled: judge_all() of response.py and sift_known() of request.py.

Those are the reference, and what runs where this was not built. Nothing is decided here that is not decided there: what is
unusual goes to ``ask``, and arguments of unusual types go to the other form.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_CheckExact
from cpython.list cimport PyList_CheckExact, PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.set cimport PySet_Contains
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_SIZE
from libc.stdlib cimport getenv
from libc.string cimport memchr, memcmp

from gatekeeper.wire._seen cimport Seen, seen

from gatekeeper.cookies.grammar import MAX_NAME_VALUE
from gatekeeper.policy.verdict import Mode, Reason

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object, object) except? NULL
    long long PyLong_AsLongLongAndOverflow(object, int *) except? -1

# Read here and not in the core, which has no environment.
cdef const char *wish = getenv(b"GATEKEEPER_PURE")
if wish != NULL and wish[0] != 0:
    raise ImportError("GATEKEEPER_PURE is set")

cdef object ENFORCE = Mode.ENFORCE
cdef const char *SETTING = b"set-cookie2"
cdef Py_ssize_t LONGEST_PAIR = MAX_NAME_VALUE + 1  # with the "="
cdef Seen NAMES, ATTRIBUTES
cdef bint[256] PRINTABLE  # octets that are, in ISO 8859-1
for _octet in range(256):
    PRINTABLE[_octet] = chr(_octet).isprintable()


def judge_all(fields, rulings, now, ask):
    """The fields as they leave, an outcome for each Set-Cookie field, and whether one of them is this visitor's own; see
    the other form.
    """
    cdef int overflow = 0
    cdef long long moment = 0
    cdef Py_ssize_t place, size
    cdef list kept = None  # made when the first field goes
    cdef list outcomes = []
    cdef bint personal = False
    usual = PyTuple_CheckExact(fields) and PyDict_CheckExact(rulings)
    if usual and PyLong_CheckExact(now):
        moment = PyLong_AsLongLongAndOverflow(now, &overflow)
    else:
        overflow = 1
    if overflow or not all_octets(fields):
        return in_python(fields, rulings, now, ask)
    for place in range(PyTuple_GET_SIZE(fields)):
        field = (<tuple>fields)[place]
        name, value = (<tuple>field)[0], (<tuple>field)[1]
        size = setting(name)
        if not size:
            if kept is not None:
                kept.append(field)
            continue
        outcome = known(value, rulings, moment) if size == 10 else None
        if outcome is None:
            outcome = ask(value)
            if size == 11:
                outcome = malformed(outcome)
            verdict, result = outcome
            if verdict.mode is not ENFORCE:
                result = value
                outcome = (verdict, value)
        else:
            result = (<tuple>outcome)[1]
        outcomes.append(outcome)
        if result is not None and not personal and (<tuple>outcome)[0].is_personal:
            personal = True
        if result is not None and (result is value or result == value):
            if kept is not None:
                kept.append(field)
            continue
        if kept is None:
            kept = list((<tuple>fields)[:place])
        if result is not None:
            kept.append((name, result))
    return fields if kept is None else tuple(kept), outcomes, personal


def sift_known(names, pairs, decisions):
    """Plain pairs whose names have all been seen: what stays, and outcomes and rulings of what goes; see the other form."""
    cdef PyObject *found
    cdef Py_ssize_t place
    cdef list kept = [], outcomes = []
    cdef dict blocked = {}
    sent, rulings = decisions.sent_as_is, decisions.remembered
    lists = PyList_CheckExact(names) and PyList_CheckExact(pairs) and PyList_GET_SIZE(names) == PyList_GET_SIZE(pairs)
    if not (lists and type(sent) is set and PyDict_CheckExact(rulings)):
        from gatekeeper.enforcement.request import sift_known_pure

        return sift_known_pure(names, pairs, decisions)
    for place in range(PyList_GET_SIZE(names)):
        name = (<list>names)[place]
        if PySet_Contains(sent, name):
            kept.append((<list>pairs)[place])
            continue
        found = PyDict_GetItemWithError(rulings, name)
        if found == NULL:
            return None
        ruling = <object>found
        stripped = ruling.stripped
        if stripped is None:
            return None
        outcomes.append(stripped)
        blocked[name] = ruling
    return kept, outcomes, blocked


cdef inline Py_ssize_t setting(name) noexcept:
    """The size of a name that is Set-Cookie or Set-Cookie2 in any case; 0 for others."""
    cdef const char *octets = PyBytes_AS_STRING(name)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(name), place
    if size != 10 and size != 11:
        return 0
    if size == 10 and (memcmp(octets, b"Set-Cookie", 10) == 0 or memcmp(octets, b"set-cookie", 10) == 0):
        return size
    for place in range(size):
        # Bit 5 makes a letter small, and leaves "-" and "2" as they are.
        if (octets[place] | 0x20) != SETTING[place] or octets[place] < 0x2D:
            return 0
    return size


cdef known(value, rulings, long long now):
    """The outcome for a plain field of a known name that is no deletion; None where the field has to be looked at."""
    cdef const char *begin = PyBytes_AS_STRING(value)
    cdef const char *end = begin + PyBytes_GET_SIZE(value)
    cdef const char *stop = <const char *>memchr(begin, b";", end - begin)
    cdef const char *rest = end if stop == NULL else stop + 1
    cdef const char *equals
    cdef PyObject *found
    cdef int overflow = 0
    cdef long long until
    if stop == NULL:
        stop = end
    equals = <const char *>memchr(begin, b"=", stop - begin)
    if equals == NULL or stop - equals == 1 or stop - begin > LONGEST_PAIR:
        return None
    if not printable(<const unsigned char *>equals + 1, stop - equals - 1):
        return None
    found = PyDict_GetItemWithError(rulings, seen(NAMES, begin, equals - begin))
    if found == NULL:
        return None
    found = PyDict_GetItemWithError((<object>found).lives, seen(ATTRIBUTES, rest, end - rest))
    if found == NULL:
        return None
    lives = <tuple>found
    until = PyLong_AsLongLongAndOverflow(lives[0], &overflow)
    if overflow or until <= now:
        return None
    outcome = lives[1]
    if outcome is None:
        verdict = lives[2]
        if verdict is not None:
            outcome = (verdict, value)
    return outcome


cdef inline bint printable(const unsigned char *octets, Py_ssize_t size) noexcept:
    cdef unsigned char odd = 0
    cdef Py_ssize_t place
    for place in range(size):  # without a branch, so that the compiler takes many octets at a time
        odd |= <unsigned char>(octets[place] - 0x20) > 0x5E
    if odd:
        for place in range(size):
            if not PRINTABLE[octets[place]]:
                return False
    return True


cdef bint all_octets(tuple fields) except -1:
    """Whether all fields are pairs of octets, and no other types that stand in for them."""
    for field in fields:
        if not (PyTuple_CheckExact(field) and PyTuple_GET_SIZE(field) == 2):
            return False
        if not (PyBytes_CheckExact((<tuple>field)[0]) and PyBytes_CheckExact((<tuple>field)[1])):
            return False
    return True


cdef malformed(outcome):
    from gatekeeper.enforcement.response import with_reason

    return with_reason(outcome[0], Reason.MALFORMED), None


cdef in_python(fields, rulings, now, ask):
    from gatekeeper.enforcement.response import judge_all_pure

    return judge_all_pure(fields, rulings, now, ask)
