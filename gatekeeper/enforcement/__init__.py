"""An exchange through the gate: field lines in, field lines and verdicts out; knows no ASGI, no WSGI, no I/O and no
clock.

Reading order: :mod:`exchange` (what an adapter calls), :mod:`decisions` (a grant applied to names), :mod:`request`,
:mod:`response`, :mod:`rewrite`, :mod:`leftovers` (with :mod:`scopes` and :mod:`patience`), :mod:`caches`.
"""
