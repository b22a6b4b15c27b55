"""Deadlines and sizes that protect the intermediary itself; what belongs to one upstream stands in its settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one exchange may take; sizes in octets, times in seconds.

    What is too large from the visitor is answered with 431 (RFC 6585 section 5), too slow with 408; what is too large
    from the upstream with 502. httpcore has a limit of its own on a response head, 100 KiB: the smaller of the two
    holds.
    """

    request_head: int = 64 * 1024
    request_fields: int = 200
    response_head: int = 128 * 1024
    # From the first octet of a request, or from the connection's own beginning, to the end of its head.
    head_timeout: float = 10.0
    # Between two requests on a connection.
    idle_timeout: float = 65.0
    # No octet moves in a WebSocket or another upgraded connection for this long, either way.
    tunnel_timeout: float = 3600.0
    # No octet of a body moves for this long on the visitor's side: an upload that stalls, a download that nobody
    # reads.
    body_idle: float = 60.0
    # How long an exchange may wait for one of the upstream's connections before it is answered with 503.
    queue_wait: float = 5.0
