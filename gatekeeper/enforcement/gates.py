"""The gates of several sites: which one judges an exchange is decided by its host alone."""

from gatekeeper.cookies.scope import canonical_host
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.document import Site
from gatekeeper.policy.sites import ByHost

# Hosts remembered with their gates, and octets of one. A visitor who makes up others only empties the table.
_HOSTS = 4096
_SHORT = 255


class Gates:
    """A gate for each site of a policy; ``top`` is the policy's own, for all other hosts.

    A site's gate is compiled when it is first asked for: of a thousand sites most are quiet, and what they share with
    the top level is compiled there.
    """

    def __init__(self, top: Gate) -> None:
        self.top = top
        self._sites = ByHost((host, site) for site in top.policy.sites for host in site.hosts)
        self._compiled: dict[str, Gate] = {}
        self._known: dict[bytes, Gate] = {}

    def of(self, authority: bytes) -> Gate:
        """The gate for a Host field value."""
        gate = self._known.get(authority)
        if gate is None:
            site = self._sites.find(canonical_host(authority))
            gate = self.top if site is None else self._of_site(site)
            if len(authority) <= _SHORT:
                if len(self._known) >= _HOSTS:
                    self._known.clear()
                self._known[authority] = gate
        return gate

    def _of_site(self, site: Site) -> Gate:
        gate = self._compiled.get(site.name)
        if gate is None:
            top = self.top
            gate = Gate(
                site.policy,
                record_passes=top.record_passes,
                site=site.name,
                top=top,
                on_recognised=top.on_recognised,
            )
            self._compiled[site.name] = gate
        return gate
