"""Which fields go on to the next hop (RFC 9110 section 7.6.1)."""

from gatekeeper.wire.fields import FieldList, values

# RFC 9110 section 7.6.1 and RFC 9112 section 6; Proxy-Authenticate and Proxy-Authorization belong to the hop that wrote
# them (RFC 9110 sections 11.7.1 and 11.7.2). Proxy-Connection never was a standard and still arrives.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# A sender that nominates one of these in Connection asks an intermediary to strip what security rests on: the consent
# cookie, the visitor's address, the framing of the message. The nomination is ignored (Pingora had a CVE for obeying
# it).
NEVER_NOMINATED = frozenset(
    {
        b"authorization",
        b"cache-control",
        b"content-length",
        b"cookie",
        b"forwarded",
        b"host",
        b"sec-gpc",
        b"set-cookie",
        b"x-real-ip",
    }
)
_NEVER_NOMINATED_FAMILY = b"x-forwarded-"


def nominated(fields: FieldList) -> frozenset[bytes]:
    """Field names, in lower case, that ``Connection`` declares to be for this hop only."""
    options = {option.strip(b" \t").lower() for value in values(fields, b"connection") for option in value.split(b",")}
    listed = options - NEVER_NOMINATED - {b"", b"close", b"keep-alive"}
    return frozenset(name for name in listed if not name.startswith(_NEVER_NOMINATED_FAMILY))


def end_to_end(fields: FieldList) -> FieldList:
    """The fields without those for this hop only: the fixed set and what ``Connection`` nominates."""
    dropped = HOP_BY_HOP | nominated(fields)
    return tuple(field for field in fields if field[0].lower() not in dropped)
