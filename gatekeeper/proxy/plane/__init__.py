"""The data plane of ``gatekeeper run``: HTTP/1.1 in raw octets, from a visitor's connection to the upstream's and back.

Nothing is parsed that need not be and nothing is written anew: a head is split into its lines, the lines that are for
this hop only or that a hook takes away are left out, and the rest goes on octet for octet; a body goes on as it
comes, and only its length is followed.

Read in this order: ``hooks`` (what others may see and change), ``lines`` (what a field line is, remembered),
``request`` and ``response`` (a head, understood or refused), ``framing`` (where a body ends), ``plane`` (what all
connections share), ``connection`` and ``visitor`` (one connection, and top-down through an exchange on it),
``upstream`` and ``pool`` (the other side), ``pages`` (what is answered here).

``request``, ``response``, ``lines`` and ``framing`` do no I/O.
"""
