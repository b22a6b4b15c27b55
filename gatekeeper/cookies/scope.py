"""Where a cookie goes: domain-match, path-match, name prefixes (RFC 6265bis sections 5.1.3, 5.1.4 and 4.1.3)."""

import re

# Octets of the longest host name (RFC 1035 section 2.3.4, as text). What is longer is none, and each of its labels
# would cost a look at all that follow.
MAX_HOST = 253
# A host name of several labels, in lower case.
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
# Section 5.1.3: domain-match holds only for host names, never for addresses.
_ADDRESS = re.compile(r"[0-9.]+|.*:.*|\[.*\]")

# Section 5.7 compares prefixes without regard to case. The two with "Http" came later; Chromium and Firefox enforce
# them.
_SECURE_PREFIXES = (b"__secure-", b"__host-", b"__http-")
_HOST_PREFIXES = (b"__host-",)
_HTTP_PREFIXES = (b"__http-", b"__host-http-")


def requires_secure(name: bytes) -> bool:
    """Whether browsers refuse a cookie of this name without Secure."""
    return name[:9].lower().startswith(_SECURE_PREFIXES)


def requires_host_only(name: bytes) -> bool:
    """Whether browsers refuse a cookie of this name with Domain or with a Path other than ``/``."""
    return name[:7].lower().startswith(_HOST_PREFIXES)


def requires_http_only(name: bytes) -> bool:
    """Whether browsers refuse a cookie of this name without HttpOnly."""
    return name[:12].lower().startswith(_HTTP_PREFIXES)


def canonical_host(authority: bytes) -> str:
    """The host of a Host field value or URL authority: lower case, without port, brackets and a trailing dot."""
    text = authority.decode("latin-1").rpartition("@")[2].strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".") if text.count(":") < 2 else text


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which has no parent domains."""
    return _ADDRESS.fullmatch(host) is not None


def domain_matches(host: str, domain: str) -> bool:
    """Section 5.1.3; both canonical (lower case), ``domain`` without a leading dot."""
    return host == domain or (host.endswith("." + domain) and not is_address(host))


def path_matches(request_path: str, cookie_path: str) -> bool:
    """Section 5.1.4."""
    if request_path == cookie_path:
        return True
    return request_path.startswith(cookie_path) and (cookie_path.endswith("/") or request_path[len(cookie_path)] == "/")


def parent_domains(host: str) -> tuple[str, ...]:
    """Domains that a response from ``host`` may name in a cookie, nearest first.

    The host itself comes first; a single label is never among its parents. Which of them are public suffixes is known
    to the browser, which ignores a cookie for one (section 5.7 step 10). None for a host that is no host name: a Host
    field may hold ";" and "=" (RFC 3986 section 3.2.2), which in a cookie begin an attribute.
    """
    if len(host) > MAX_HOST or is_address(host) or _NAME.fullmatch(host) is None:
        return ()
    labels = host.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels) - 1))
