"""A visitor who makes up names must not push what is real out of the log."""

from gatekeeper.audit.log import VerdictLog
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables


class Kept:
    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []

    def write(self, event: dict[str, object]) -> None:
        self.events.append(event)

    def reopen(self) -> None:
        pass


def test_one_request_brings_at_most_twenty_unlisted_names_into_the_log_and_the_rest_is_counted() -> None:
    kept = Kept()
    log = VerdictLog(kept)
    exchange = Exchange(Gate(load_policy_tables({}, {})), method="GET", host=b"x.example", path="/", now=1)
    exchange.request(((b"cookie", b"; ".join(b"made_up_%d=1" % number for number in range(500))),))
    exchange.response(200, ((b"set-cookie", b"real=1"),))
    log.record(exchange, 200)
    log.flush()
    kinds = [(event["event"], event.get("cookie"), event.get("count")) for event in kept.events]
    assert [kind for kind, _, _ in kinds].count("cookie.stripped") == 20
    assert ("cookie.blocked", "real", None) in kinds
    assert ("log.suppressed", None, 480) in kinds
    assert log.totals["cookie.stripped"] == 500
