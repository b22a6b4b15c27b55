"""What both middlewares share: the gates in force, the clock, the log."""

import time
from collections.abc import Callable

from gatekeeper.audit.log import Records, VerdictLog
from gatekeeper.audit.sinks import LoggerSink
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.enforcement.gates import Gates
from gatekeeper.enforcement.response import SETTING
from gatekeeper.enforcement.scopes import Learned
from gatekeeper.policy.document import Mode, Policy
from gatekeeper.wire.fields import FieldList, Fields, is_trustworthy


class Gatehouse:
    """Begins and ends exchanges. Replacing the policy swaps one reference: exchanges under way keep the gate that they
    began with. ``gate`` is for all hosts that are no site's; ``learned`` outlives a policy.
    """

    def __init__(self, policy: Policy, log: Records | None = None, clock: Callable[[], float] = time.time) -> None:
        self.log: Records = log or VerdictLog(LoggerSink())
        self.clock = clock
        self.learned = Learned()
        # Of all sites; None where there are none. Read directly by the data plane's hooks.
        self.gates: Gates | None = None
        self.policy = policy

    @property
    def policy(self) -> Policy:
        """The policy in force, with its sites; assign another to reload."""
        return self.gate.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self.take(self.prepare(policy))

    def prepare(self, policy: Policy) -> Gates:
        """The policy compiled, which takes its time, to be taken into force."""
        log = self.log
        return Gates(Gate(policy, record_passes=log.passes, learned=self.learned, on_recognised=log.recognised))

    def take(self, gates: Gates) -> None:
        """Puts a policy into force that :meth:`prepare` has compiled."""
        if gates.top.policy.sites:
            self.gates = gates
            self.gate = gates.top
        else:
            # In this order: an exchange that begins in between, in another thread, has the one policy or the other.
            self.gate = gates.top
            self.gates = None

    def sites(self) -> list[str]:
        """What the log calls those whom the policy in force is for."""
        return [self.gate.site, *(site.name for site in self.policy.sites)]

    def gate_of(self, host: bytes) -> Gate:
        """The gate for a Host field value."""
        gates = self.gates
        return self.gate if gates is None else gates.of(host)

    @property
    def region_fields(self) -> frozenset[bytes]:
        """The names, in lower case, of the request fields that tell the visitor's region; none without regions."""
        regions = self.policy.regions
        return frozenset() if regions is None else regions.fields

    def begin(self, *, method: str, host: bytes, path: str, trusted: bool = False) -> Exchange:
        """An exchange under the policy in force. ``trusted``: from a peer that may say what region it is from."""
        return Exchange(self.gate_of(host), method, host, path, int(self.clock()), trusted)

    def end(self, exchange: Exchange, status: int | None) -> None:
        """Records a finished exchange."""
        self.log.record(exchange, status, site=exchange.gate.site)


def answer(exchange: Exchange, status: int, fields: FieldList) -> FieldList:
    """The response's fields as they may leave: judged, and without those that could be read as more than one, so that
    an app's own header injection carries no cookie past the gate.

    RFC 9110 section 5.5. What remains is unharmed, since an app hands over its fields one by one and not as octets on a
    wire. Where the gate only reports, or is off, not one octet changes.
    """
    if not _is_enforced(exchange) or _are_trustworthy(fields):
        return exchange.response(status, fields)
    # A Set-Cookie with such an octet gets its verdict like any other, and goes whatever that is.
    same: Fields = fields
    judged = tuple([field for field in same if is_trustworthy(*field) or field[0].lower() in SETTING])
    return _trustworthy(exchange.response(status, judged))


def trailers(exchange: Exchange, fields: FieldList) -> FieldList:
    """The same for trailer fields."""
    kept = exchange.trailers(fields)
    return _trustworthy(kept) if _is_enforced(exchange) else kept


def _trustworthy(fields: Fields) -> FieldList:
    return tuple([field for field in fields if is_trustworthy(*field)])


def _are_trustworthy(fields: FieldList) -> bool:
    for name, value in fields:  # noqa: SIM110 — any() with a generator costs more, and every response pays it
        if not is_trustworthy(name, value):
            return False
    return True


def _is_enforced(exchange: Exchange) -> bool:
    return exchange.gate.policy.enforcement.mode is Mode.ENFORCE
