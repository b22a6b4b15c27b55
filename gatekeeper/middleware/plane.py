"""One exchange around the data plane's request and response heads."""

from urllib.parse import unquote_to_bytes

from gatekeeper.audit.log import Records
from gatekeeper.enforcement.exchange import Exchange, watches_request, watches_response
from gatekeeper.middleware.gatehouse import Gatehouse
from gatekeeper.policy.document import Policy


class GateHooks:
    """The gate as the data plane's hooks (:class:`gatekeeper.proxy.plane.hooks.Hooks`).

    The plane has refused or split every line that could be read in two ways, so that the fields are judged as they
    come.
    """

    def __init__(self, policy: Policy, log: Records) -> None:
        self.gatehouse = Gatehouse(policy, log)

    def watches_request(self, name: bytes) -> bool:
        """Whether the gate looks at a request's fields of this name, or the policy has its region in one."""
        return watches_request(name) or name in self.gatehouse.region_fields

    @staticmethod
    def watches_response(name: bytes) -> bool:
        """Whether the gate may look at a response field of this name (lower case), or change it."""
        return watches_response(name)

    def begin(self, method: bytes, host: bytes, path: bytes, trusted: bool) -> Exchange:
        """An exchange under the policy in force; ``path`` as on the wire."""
        if 37 in path:  # "%"; asked for as a number it is found five times as fast
            path = unquote_to_bytes(path)
        try:
            text = path.decode()
        except UnicodeDecodeError:
            text = path.decode("utf-8", "replace")
        # Straight to the exchange, as Gatehouse.begin() and end() would: every request pays for each step between.
        house = self.gatehouse
        gates = house.gates
        gate = house.gate if gates is None else gates.of(host)
        return Exchange(gate, method.decode("latin-1"), host, text, int(house.clock()), trusted)

    def end(self, passing: Exchange, status: int | None) -> None:
        """Records its verdicts."""
        self.gatehouse.log.record(passing, status, passing.gate.site)
