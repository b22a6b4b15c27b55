"""Where an adapter cannot do what the core does, and why. Nothing else may differ."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.conformance.case import ACCEPTED, REFUSED, Case, Expected, lowered

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_END_OF_LINE = re.compile(rb"[\x00\r\n]")


@dataclass(frozen=True)
class Difference:
    """``change`` makes of what the core has to do what the adapters can do."""

    adapters: tuple[str, ...]
    reason: str
    change: Callable[[Case, Expected], Expected]


def _lower_names(case: Case, expected: Expected) -> Expected:
    return replace(expected, leaves=tuple(map(lowered, expected.leaves)))


def _one_line(case: Case, expected: Expected) -> Expected:
    return replace(expected, sees=(b"; ".join(expected.sees),) if expected.sees else ())


def _comma_joined(case: Case, expected: Expected) -> Expected:
    return COMMA_JOINED.get(case.says, lambda expected: expected)(expected)


def _bad_gateway(untrusted: re.Pattern[bytes], leaves: bytes) -> Callable[[Case, Expected], Expected]:
    def change(case: Case, expected: Expected) -> Expected:
        if not any(untrusted.search(value) for _, value in case.response_fields):
            return expected
        asked = tuple(verdict for verdict in expected.verdicts if verdict.startswith("request "))
        return replace(expected, status=502, leaves=(leaves,), verdicts=asked)

    return change


def _reads(*sees: bytes, verdicts: Sequence[str]) -> Callable[[Expected], Expected]:
    return lambda expected: replace(expected, sees=sees, verdicts=tuple(verdicts))


# What the gate makes of "a=1,b=2": SimpleCookie reads one cookie, ASP.NET two, so both have to be allowed.
COMMA_JOINED: dict[str, Callable[[Expected], Expected]] = {
    "several Cookie fields are one list, and the one left empty is removed": _reads(
        verdicts=["request ? drop ambiguous"]
    ),
    "each of several Cookie fields is taken apart in its place": _reads(
        b"sessionid=s,theme=dark", verdicts=["request _ga drop undecided", "request _fbp drop undecided"]
    ),
    "several Cookie fields without anything to take out stay as they are": _reads(
        b"sessionid=a,theme=dark", verdicts=[]
    ),
    # One copy with a comma in it, which is no choice.
    "copies of the consent cookie in two Cookie fields are two copies": _reads(
        ACCEPTED + b"," + REFUSED, verdicts=["request _ga drop undecided"]
    ),
}

DIFFERENCES = (
    Difference(("uvicorn", "proxy"), "uvicorn writes field-names of responses in lower case", _lower_names),
    Difference(
        ("wsgi",), "the environ has one place for Cookie: the server has joined the lines with a semicolon", _one_line
    ),
    Difference(
        ("wsgiref",),
        "the environ has one place for Cookie: this server joins the lines with a comma (RFC 3875 section 4.1.18), "
        "which is a boundary to some parsers and not to others",
        _comma_joined,
    ),
    Difference(
        ("proxy",),
        "a response head with a control octet cannot be trusted (RFC 9110 section 5.5) and becomes 502",
        _bad_gateway(_CONTROL, b"cache-control: no-store"),
    ),
    Difference(
        ("plane",),
        "a response head with CR, LF or NUL in a line cannot be trusted (RFC 9110 section 5.5) and becomes 502; with "
        "any other control octet it is the gate's to judge, as an app's is",
        _bad_gateway(_END_OF_LINE, b"Cache-Control: no-store"),
    ),
)


def expected_of(case: Case, adapter: str) -> Expected:
    """What the adapter has to make of the case."""
    expected = case.expected
    for difference in DIFFERENCES:
        if adapter in difference.adapters:
            expected = difference.change(case, expected)
    return expected
