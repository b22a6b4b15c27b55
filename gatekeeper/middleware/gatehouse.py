"""What both middlewares share: the gate in force, the clock, the log."""

import time
from collections.abc import Callable

from gatekeeper.audit.log import LoggerSink, VerdictLog
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.document import Policy
from gatekeeper.wire.fields import FieldList, is_trustworthy


class Gatehouse:
    """Begins and ends exchanges. Replacing the policy swaps one reference: exchanges under way keep the gate that they
    began with.
    """

    def __init__(self, policy: Policy, log: VerdictLog | None = None, clock: Callable[[], float] = time.time) -> None:
        self.log = log or VerdictLog(LoggerSink())
        self.clock = clock
        self.gate = Gate(policy, record_passes=self.log.passes)

    @property
    def policy(self) -> Policy:
        """The policy in force; assign another to reload."""
        return self.gate.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self.gate = Gate(policy, record_passes=self.log.passes)

    def begin(self, *, method: str, host: bytes, path: str) -> Exchange:
        """An exchange under the policy in force."""
        return Exchange(self.gate, method=method, host=host, path=path, now=int(self.clock()))

    def end(self, exchange: Exchange, status: int | None) -> None:
        """Records a finished exchange."""
        self.log.record(exchange, status)


def trustworthy(fields: FieldList) -> FieldList:
    """The fields without those that could be read as more than one: an app's own header injection must not carry a
    cookie past the gate.

    RFC 9110 section 5.5. What remains is unharmed, since an app hands over its fields one by one and not as octets on a
    wire.
    """
    for name, value in fields:
        if not is_trustworthy(name, value):
            return tuple(field for field in fields if is_trustworthy(*field))
    return fields
