"""Principle 4: no cookie-value ever reaches a line, a verdict, a fault or a terminal."""

import asyncio
import io
import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from gatekeeper.audit.log import VerdictLog
from gatekeeper.audit.terminal import TerminalSink
from gatekeeper.enforcement import exchange as core
from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from gatekeeper.middleware.asgi import ConsentMiddleware
from gatekeeper.middleware.wsgi import WSGIConsentMiddleware
from tests.audit.recording import make_log
from tests.conformance.case import ACCEPTED, NOW, REFUSED, Case, rule
from tests.middleware.calling import Server, answering, call, environ, scope

RULES = (
    rule("kept", "marketing", on_refusal='"session"')
    + rule("optout", "marketing", on_refusal='{ value = "1" }')
    + rule("gone", "marketing", on_refusal='"expire"')
    + rule("capped", "necessary", max_age='"1h"', renew="false")
    + rule("lang-*", "necessary")
)
NAMES = [
    *(b"sessionid", b"_ga", b"_ga_X", b"_fbp", b"_pk_id", b"theme", b"kept", b"optout", b"gone", b"capped", b"lang-x"),
    *(b"cookies_preferences", b"__Host-csrf", b"unlisted", b"%5Fga", b"a.b", b""),
]
POLICIES = {
    extra: Case("", policy=extra + RULES).load()
    for extra in (
        "",
        '[enforcement]\nunlisted = "allow"\n',
        '[enforcement]\nmode = "report-only"\n',
        "[consent]\nforward = false\nupstream_may_set = false\n",
    )
}

# Nothing of it is in any name, category, path or word of an event.
SECRETS = st.text("GHJKQXZ", min_size=8, max_size=12).map(str.encode)
ROUND = st.sampled_from([b"", b"a", b"1%20", b'"', b"{", b'{"a":"', b":", b"|", b"\xc3\xa9", b"/", b"&"])
CHOICES = st.sampled_from([b"", ACCEPTED, REFUSED])


@st.composite
def values(draw: st.DrawFn, secret: bytes) -> bytes:
    return draw(ROUND) + secret + draw(ROUND)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[bytes, list[bytes], list[bytes], str]:
    """A secret, the lines that are asked, the lines that are set, and a policy."""
    secret = draw(SECRETS)
    # A pair has an "=" here and a name before it; what a value without a name is called is tested below.
    names = st.sampled_from([name for name in NAMES if name])
    pairs = [draw(names) + b"=" + draw(values(secret)) for _ in range(draw(st.integers(0, 5)))]
    told = draw(CHOICES)
    cookies = b"; ".join([*pairs, told] if told else pairs)
    sets = [
        b"Set-Cookie: " + draw(names) + b"=" + draw(values(secret)) + draw(st.sampled_from(ENDS))
        for _ in range(draw(st.integers(0, 5)))
    ]
    asks = [b"Cookie: " + cookies, *draw(st.sampled_from([[], [b"Sec-Fetch-Mode: navigate"], [b"Sec-GPC: 1"]]))]
    return secret, asks if cookies else asks[1:], sets, draw(st.sampled_from([*POLICIES]))


ENDS = [
    *(b"", b"; Path=/; HttpOnly", b"; Max-Age=0", b"; Max-Age=600; Secure", b"; Expires=x", b"\x01", b"\x7f; Path=/"),
    b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    b"x" * 4100,
]


def everything_said(asks: list[bytes], sets: list[bytes], extra: str) -> list[bytes]:
    """Each line, through both middlewares, and every text that a verdict or an exchange turns into."""
    log, sink, _ = make_log(repeat=0, passes=True)
    recorded: list[Exchange] = []
    record = log.record

    def watched(exchange: Exchange, status: int | None, site: str = "default") -> None:
        recorded.append(exchange)
        record(exchange, status, site=site)

    log.record = watched
    asgi = ConsentMiddleware(answering(*sets), POLICIES[extra], log=log)
    asgi.gatehouse.clock = lambda: NOW
    asyncio.run(call(asgi, scope(*asks)))

    def app(environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
        fields = [line.decode("latin-1").partition(": ") for line in sets]
        start_response("200 OK", [(name, value) for name, _, value in fields])
        return []

    wsgi = WSGIConsentMiddleware(app, POLICIES[extra], log=log)
    wsgi.gatehouse.clock = lambda: NOW
    given_fields = {
        "HTTP_" + name.decode().upper().replace("-", "_"): value.decode("latin-1")
        for name, _, value in (line.partition(b": ") for line in asks)
    }
    Server().serve(wsgi, environ(**given_fields))
    log.flush()
    said = sink.raw()
    for exchange in recorded:
        texts = [
            f"{exchange!r} {exchange} {exchange.choice!r}",
            *(f"{verdict!r} {verdict}" for verdict in exchange.verdicts),
        ]
        said += [text.encode() for text in texts]
    out = io.StringIO()
    terminal = TerminalSink(Console(file=out, width=200), lambda: ["necessary"])
    for line in said:
        if line.startswith(b"{"):
            terminal.write(json.loads(line))
    return [*said, out.getvalue().encode()]


@settings(max_examples=150, deadline=None)
@given(exchanges())
def test_no_value_is_in_a_line_a_verdict_or_on_the_terminal(
    drawn: tuple[bytes, list[bytes], list[bytes], str],
) -> None:
    secret, asks, sets, extra = drawn
    for said in everything_said(asks, sets, extra):
        assert secret not in said


@pytest.mark.parametrize("step", ["judge", "judge_all", "sift", "make_private", "deletions", "plain_pairs"])
def test_no_value_is_in_what_is_said_of_a_fault(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def boom(*args: object, **keys: object) -> None:
        local = args  # noqa: F841 — a traceback with local variables would show them
        raise ValueError(f"cannot read {args!r} {keys!r}")

    monkeypatch.setattr(core, step, boom)
    asks = [b"Cookie: _ga=GHJKQXZ; capped=GHJKQXZ; sessionid=GHJKQXZ; " + ACCEPTED, b"Sec-Fetch-Mode: navigate"]
    said = everything_said(asks, [b"Set-Cookie: theme=GHJKQXZ", b"Set-Cookie: _fbp=GHJKQXZ"], "")
    if step != "deletions":
        assert any(b'"gate.fault"' in text for text in said)
    assert not any(b"GHJKQXZ" in text for text in said)


def test_no_value_is_kept_by_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    log = VerdictLog(make_log()[1])
    exchange = Exchange(Gate(POLICIES[""]), method="GET", host=b"h", path="/", now=NOW)
    exchange.request(((b"cookie", b"_ga=GHJKQXZ"),))
    exchange.response(200, ((b"Set-Cookie", b"_ga=GHJKQXZ"), (b"Set-Cookie", b"sessionid=GHJKQXZ")))
    log.record(exchange, 200)
    log.record(exchange, 200)
    kept = repr([(kind.verdict, kind.context, kind.count) for kind in log._kinds.values()])
    assert "_ga" in kept
    assert "GHJKQXZ" not in kept


# What browsers and servers read differently. Where one reads a value, it must not be told as a name.
TWO_READINGS = {
    "Set-Cookie without an equals sign": ([], [b"Set-Cookie: GHJKQXZ; Path=/"]),
    "Set-Cookie with nothing before the equals sign": ([], [b"Set-Cookie: =GHJKQXZ; Path=/"]),
    "Set-Cookie without an equals sign, malformed": ([], [b"Set-Cookie: GHJKQXZ\x01"]),
    "a pair without an equals sign": ([b"Cookie: GHJKQXZ; sessionid=1"], []),
    "padding of base64 behind a space in the value of a required cookie": ([b"Cookie: sessionid=a GHJKQXZ=="], []),
    "padding of base64 behind a comma in the value of a required cookie": ([b"Cookie: sessionid=a,GHJKQXZ=="], []),
    "a query string behind a comma in the value of a granted cookie": (
        [b"Cookie: " + ACCEPTED + b"; theme=a, GHJKQXZ=1"],
        [],
    ),
}


@pytest.mark.parametrize("way", TWO_READINGS)
def test_no_value_is_told_as_a_name(way: str) -> None:
    asks, sets = TWO_READINGS[way]
    assert not [text for text in everything_said(asks, sets, "") if b"GHJKQXZ" in text]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
@example(NAMES)
def test_the_names_are_told(names: list[bytes]) -> None:
    """Lest the tests above pass because nothing is said at all."""
    said = b"".join(everything_said([], [b"Set-Cookie: " + name + b"=v; Path=/" for name in names if name], ""))
    for name in names:
        assert name in said
