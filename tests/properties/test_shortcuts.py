"""What the gate remembers makes it faster and changes nothing: not an octet, not a verdict, not a count in the log.

The reference is the same gate without its memory, and without the short way for plain Cookie fields.
"""

from collections.abc import Sequence
from unittest import mock

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatekeeper.audit.log import VerdictLog
from gatekeeper.enforcement import exchange as core
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate, Reading, Told
from gatekeeper.enforcement.regional import Place
from gatekeeper.enforcement.scopes import Learned, Pool, Scope, Scopes
from gatekeeper.wire.fields import FieldList
from tests.conformance.case import written
from tests.models import strategies
from tests.properties.policies import HOST, NAMES, NOW, PATH, gate

thorough = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Names that servers read in another way; the values hold what might be a further pair.
ODD = [b"_ga[x]", b"_ga.X", b"(_ga)", b"%5fga", b"a.b", b"", b"session/id"]
PLAIN_VALUES = [b"1", b"", b"_fbp=1", b"a=b==", b"GA1.2.3", b"x/_gid=2", b"{_fbp=1}"]
CHOICES = [b"cookies_preferences=none", b"cookies_preferences=all", b"cookies_preferences=analytics", b"x=1"]
# Of platforms: recognised, not recognised, a companion, names that only a pattern holds.
PLATFORMS = [
    b"klaro=%7B%22analytics%22%3Atrue%7D",
    b"klaro=%7B%22analytics%22%3Afalse%7D",
    b"klaro=user-4711",
    b"axeptio_all_vendors=x",
    b"axeptio_cookies=%7B%22%24%24completed%22%3Atrue%2C%22analytics%22%3Atrue%7D",
    b"_iub_cs-7=%7B%22consent%22%3Atrue%7D",
    b"_iub_cs-7=%7B%22consent%22%3Afalse%7D",
    b"_iub_cs-8=user-4711",
]


class NoDict(dict):  # type: ignore[type-arg]
    """Keeps nothing."""

    def __setitem__(self, key: object, value: object) -> None:
        pass


class NoSet(set):  # type: ignore[type-arg]
    """Keeps nothing."""

    def add(self, one: object) -> None:
        pass


class NoScopes(Scopes):
    """Learns nothing."""

    def learn(self, name: bytes, scope: Scope, pool: Pool) -> None:
        pass


class Ignorant(Learned):
    """Learns nothing of where cookies lie."""

    def of(self, site: str) -> Scopes:
        return NoScopes()


class Forgetful(Gate):
    """The same policy, and no memory."""

    def reading_of(self, told: Told, signal: bool, now: int, place: Place | None = None) -> Reading:
        self._readings.clear()
        self._decisions.clear()
        reading = super().reading_of(told, signal, now, place)
        reading.decisions.remembered = NoDict()
        reading.decisions.sent_as_is = NoSet()
        return reading


def plain_fields() -> st.SearchStrategy[bytes]:
    pair = st.builds(
        lambda name, value: name + b"=" + value, st.sampled_from(NAMES + ODD), st.sampled_from(PLAIN_VALUES)
    )
    pairs = st.lists(pair | st.sampled_from(CHOICES) | st.sampled_from(PLATFORMS), min_size=1, max_size=6)
    return st.builds(
        lambda separator, parts: separator.join(parts), st.sampled_from([b"; ", b"; ", b"; ", b";"]), pairs
    )


REQUESTS = st.lists(plain_fields() | plain_fields() | strategies.cookie_fields(NAMES), max_size=2)
RESPONSES = st.lists(strategies.set_cookie_fields(NAMES) | st.sampled_from(PLATFORMS), max_size=4)
EXCHANGES = st.lists(st.tuples(REQUESTS, RESPONSES, st.sampled_from(["cookie", "Cookie", "COOKIE"])), max_size=3)
GATES = st.sampled_from(
    [
        "",
        '[enforcement]\nmode = "report-only"\n',
        '[enforcement]\nunlisted = "allow"\n',
        '[enforcement]\nunlisted = "allow"\nmax_age = "30d"\n',
        '[enforcement]\nmax_age = "session"\n',
        "[enforcement]\nstrip_requests = false\n",
        "[consent]\nforward = false\n",
    ]
)

ODD_NAME = ([b"_ga[x]=1; cookies_preferences=analytics"], [], "cookie")
ODD_NAME_WITH_A_PAIR = ([b"_ga[x]=_fbp=1; cookies_preferences=analytics"], [], "cookie")
EVERY_FORM = (
    [b"_ga=1; sessionid=2; cookies_preferences=none"],
    [b"_ga=1", b"_ga=\x01", b"_ga=", b"_ga", b"_ga=\xad", b"_ga=" + b"x" * 4094, b"_ga=1; Max-Age=0", b"sessionid=1"],
    "cookie",
)


def through(
    the_gate: Gate, cookies: Sequence[bytes], set_cookies: Sequence[bytes], name: str
) -> tuple[Exchange, FieldList, FieldList]:
    exchange = Exchange(the_gate, "GET", HOST, PATH, NOW)
    setting = {"cookie": b"set-cookie", "Cookie": b"Set-Cookie", "COOKIE": b"SET-COOKIE"}[name]
    asked: FieldList = ((b"accept", b"text/html"), *((name.encode(), value) for value in cookies))
    answered: FieldList = ((b"cache-control", b"public"), *((setting, value) for value in set_cookies))
    return exchange, exchange.request(asked), exchange.response(200, answered)


def said(exchange: Exchange) -> list[tuple[str, bytes | None]]:
    return [(written(verdict), result) for verdict, result in exchange.outcomes]


def slowly(
    extra: str, exchanges: Sequence[tuple[list[bytes], list[bytes], str]]
) -> list[tuple[Exchange, FieldList, FieldList]]:
    forgetful = Forgetful(gate(extra).policy, learned=Ignorant())
    with mock.patch.object(core, "plain_pairs", return_value=None):
        return [through(forgetful, *one) for one in exchanges]


@thorough
@given(EXCHANGES, GATES)
@example([ODD_NAME, ODD_NAME_WITH_A_PAIR], "")
@example([EVERY_FORM] * 2, "")
def test_a_gate_that_remembers_decides_like_one_that_does_not(
    exchanges: list[tuple[list[bytes], list[bytes], str]], extra: str
) -> None:
    expected = slowly(extra, exchanges)
    warm = Gate(gate(extra).policy, learned=Ignorant())
    for _ in range(2):
        came = [through(warm, *one) for one in exchanges]
        for (slow, asked, answered), (fast, asked_fast, answered_fast) in zip(expected, came, strict=True):
            assert (slow.fault, fast.fault) == (None, None)
            assert asked_fast == asked
            assert answered_fast == answered
            assert said(fast) == said(slow)
            assert fast.choice == slow.choice


class Nowhere:
    def write(self, event: dict[str, object]) -> None:
        pass

    def reopen(self) -> None:
        pass


def test_the_log_counts_the_same_whether_it_knows_a_verdict_by_sight_or_not() -> None:
    by_sight, by_look = (VerdictLog(Nowhere(), clock=lambda: float(NOW), passes=True) for _ in range(2))

    warm = Gate(gate().policy, learned=Ignorant())

    @thorough
    @given(EXCHANGES)
    def recorded(exchanges: list[tuple[list[bytes], list[bytes], str]]) -> None:
        for exchange, _, _ in [through(warm, *one) for one in exchanges]:
            by_sight.record(exchange, 200)
        for exchange, _, _ in slowly("", exchanges):
            by_look.record(exchange, 200)
        assert counted(by_sight) == counted(by_look)

    recorded()
    by_sight.flush()
    by_look.flush()
    assert by_sight.totals == by_look.totals
    assert sum(by_sight.totals.values()) > 100


def counted(log: VerdictLog) -> dict[object, int]:
    return {key: kind.count for key, kind in log._kinds.items()}
