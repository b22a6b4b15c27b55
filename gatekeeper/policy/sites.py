"""From a host to what is kept for its site: an exact host outweighs a wildcard, and a longer wildcard a shorter one."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from gatekeeper.cookies.scope import MAX_HOST
from gatekeeper.policy.document import Policy, Site

T = TypeVar("T")


class ByHost(Generic[T]):
    """Finds by host. ``entries`` are exact hosts and wildcards such as ``*.example.org``, which stands for every host
    below example.org but not for itself; all in canonical form (:func:`gatekeeper.cookies.scope.canonical_host`).
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, T] = {}
        self._below: dict[str, T] = {}  # by what stands behind the star
        for host, kept in entries:
            if host.startswith("*"):
                self._below[host[1:]] = kept
            else:
                self._exact[host] = kept

    def find(self, host: str) -> T | None:
        """What is kept for a canonical host, or None; at the cost of one look-up for each of its labels."""
        found = self._exact.get(host)
        dot = host.find(".", 1) if len(host) <= MAX_HOST else -1
        while found is None and dot > 0:
            found = self._below.get(host[dot:])
            dot = host.find(".", dot + 1)
        return found


def site_of(policy: Policy, host: str) -> Site | None:
    """The site of a canonical host, or None for one that is no site's."""
    return ByHost((name, site) for site in policy.sites for name in site.hosts).find(host)
