"""What the gate itself costs: µs of CPU time per response and per request, without any server round it.

    python -m bench.core [--json]

A response has 0, 6 or 30 Set-Cookie fields beside six other fields; a policy has 10 or 10,000 rules; the visitor has
refused, or granted one category of two. Names repeat from response to response and values do not, as on a real site.
The stdlib's SimpleCookie on the same fields is the yardstick: it only parses. Each figure is the least of several
rounds (CPU time of this process): noise only ever adds.

Below that stands what the proxy pays: it shows the gate only the fields that the gate watches. A request has five
cookies, all known, of which none or two are refused; a response has six Set-Cookie fields, of which four are dropped or
one is; the log counts four verdicts that it wrote lately.
"""

import argparse
import gc
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from itertools import cycle

from gatekeeper.audit.log import VerdictLog
from gatekeeper.enforcement.exchange import Exchange, watches_request, watches_response
from gatekeeper.enforcement.gate import Gate
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.wire.fields import FieldList

ROUNDS, CALLS = 9, 3000
NOW = 1763900000

_COOKIES = (
    b"sessionid=%s; HttpOnly; Path=/; SameSite=Lax; Max-Age=1209600; Expires=Wed, 09 Dec 2026 10:00:00 GMT",
    b"csrftoken=%s; Path=/; SameSite=Lax; Max-Age=31449600",
    b"_ga=GA1.2.%s; Path=/; Max-Age=63072000; Domain=.example.org",
    b"_gid=GA1.2.%s; Path=/; Expires=Wed, 09 Dec 2026 10:00:00 GMT",
    b"_fbp=fb.1.%s; Path=/; Max-Age=7776000",
    b"_ga_ABC123=GS1.1.%s; Path=/; Max-Age=63072000",
)
_OTHERS: FieldList = (
    (b"date", b"Mon, 23 Nov 2026 10:00:00 GMT"),
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-length", b"1500"),
    (b"vary", b"Cookie"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"private"),
)
_REFUSED = b"%7B%22analytics%22%3Afalse%2C%22marketing%22%3Afalse%7D"
_GRANTED = b"%7B%22analytics%22%3Atrue%2C%22marketing%22%3Afalse%7D"


def policy_tables(rules: int) -> dict[str, object]:
    """A policy of so many rules; half of those that pad it are wildcards."""
    named = {
        "sessionid": "necessary",
        "csrftoken": "necessary",
        "_ga*": "analytics",
        "_gid": "analytics",
        "_fbp": "marketing",
    }
    padding = {f"pad{index}{'*' if index % 2 else ''}": "marketing" for index in range(rules - len(named))}
    return {"cookie": [{"name": name, "category": category} for name, category in (named | padding).items()]}


def responses(count: int) -> list[FieldList]:
    """Responses with so many Set-Cookie fields each, every value a new one."""
    return [
        _OTHERS
        + tuple(
            (b"set-cookie", _COOKIES[index % len(_COOKIES)] % b"%012d%04d" % (turn * 7919, index))
            for index in range(count)
        )
        for turn in range(500)
    ]


def request(consent: bytes) -> FieldList:
    """A navigation with a choice and two required cookies."""
    return (
        (b"host", b"www.example.org"),
        (b"user-agent", b"Mozilla/5.0"),
        (b"accept", b"text/html,application/xhtml+xml"),
        (b"cookie", b"cookies_preferences=" + consent + b"; sessionid=abcdefghijklmnop; csrftoken=0123456789abcdef"),
    )


def least(call: Callable[[], object]) -> float:
    """µs of CPU time a call, the least of the rounds."""
    found = float("inf")
    gc.collect()
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(CALLS):
            call()
        found = min(found, (time.process_time() - begun) / CALLS * 1e6)
    return found


def measure() -> list[dict[str, object]]:
    """All figures as rows."""
    rows: list[dict[str, object]] = []
    for rules in (10, 10_000):
        gate = Gate(load_policy_tables(policy_tables(rules), {}))
        for choice, consent in (("refused", _REFUSED), ("granted", _GRANTED)):
            rows += [
                {"rules": rules, "choice": choice, "fields": count} | _one(gate, consent, count) for count in (0, 6, 30)
            ]
    return rows


def _one(gate: Gate, consent: bytes, count: int) -> dict[str, object]:
    fields = request(consent)
    pages = cycle(responses(count))
    exchange = Exchange(gate, "GET", b"www.example.org", "/", NOW)
    exchange.request(fields)

    def respond() -> None:
        exchange.outcomes.clear()
        exchange.response(200, next(pages))

    def ask() -> None:
        Exchange(gate, "GET", b"www.example.org", "/", NOW).request(fields)

    def parse() -> None:
        for name, value in next(pages):
            if name == b"set-cookie":
                SimpleCookie(value.decode("latin-1"))

    response, simple = least(respond), least(parse) if count else 0.0
    return {
        "response_us": round(response, 2),
        "us_per_field": round(response / count, 2) if count else None,
        "request_us": round(least(ask), 2),
        "simplecookie_us": round(simple, 1) if count else None,
        "ratio": round(simple / response, 1) if count else None,
    }


def measure_watched() -> list[dict[str, object]]:
    """What an exchange costs where only the watched fields are shown, as rows."""
    gate = Gate(load_policy_tables(policy_tables(10), {}))
    log = VerdictLog(_Nowhere())

    def ask(fields: FieldList) -> Exchange:
        exchange = Exchange(gate, "GET", b"www.example.org", "/", NOW)
        exchange.request(fields)
        return exchange

    def asking(consent: bytes, more: bytes) -> Callable[[], object]:
        requests = cycle(list(five_cookies(consent, more)))
        return lambda: ask(next(requests))

    def answering(consent: bytes) -> Callable[[], object]:
        exchange = ask(request(consent))
        pages = cycle([_only(watches_response, fields) for fields in responses(6)])

        def answer() -> None:
            exchange.outcomes.clear()
            exchange.response(200, next(pages))

        return answer

    blocked = ask(request(_REFUSED))
    blocked.response(200, responses(6)[0])
    without = ((b"Accept", b"text/html"), (b"Sec-Fetch-Mode", b"navigate"))
    calls = {
        "request, five cookies, all allowed": asking(_GRANTED, b"_ga=GA1.2.3.4; _gid=GA1.2.3.5"),
        "request, five cookies, two stripped": asking(_REFUSED, b"_ga=GA1.2.3.4; _fbp=fb.1.2.3"),
        "response, six cookies, four dropped": answering(_REFUSED),
        "response, six cookies, one dropped": answering(_GRANTED),
        "log, four counted": lambda: log.record(blocked, 200),
        "request and response without cookies": lambda: ask(without).response(200, ((b"Cache-Control", b"no-cache"),)),
    }
    return [{"what": what, "us": round(least(call), 2)} for what, call in calls.items()]


class _Nowhere:
    def write(self, event: dict[str, object]) -> None: ...

    def reopen(self) -> None: ...


def _only(watches: Callable[[bytes], bool], fields: FieldList) -> FieldList:
    return tuple(field for field in fields if watches(field[0].lower()))


def five_cookies(consent: bytes, more: bytes) -> Iterator[FieldList]:
    """Navigations with the choice, two required cookies whose values are new each time, and two more."""
    for turn in range(500):
        required = b"sessionid=abcdefghijkl%020d; csrftoken=0123456789ab%020d" % (turn * 7919, turn * 104729)
        cookies = b"cookies_preferences=" + consent + b"; " + required + b"; " + more
        whole = (*request(consent)[:-1], (b"sec-fetch-mode", b"navigate"), (b"cookie", cookies))
        yield _only(watches_request, whole)


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    wanted = parser.parse_args()
    rows, watched = measure(), measure_watched()
    if wanted.json:
        print(json.dumps({"python": platform.python_version(), "rows": rows, "watched": watched}, indent=2))
        return
    print(f"Python {platform.python_version()} on {platform.machine()}; µs of CPU time, least of {ROUNDS} rounds\n")
    head = ("rules", "choice", "fields", "response", "per field", "request", "SimpleCookie", "times as long")
    keys = ("rules", "choice", "fields", "response_us", "us_per_field", "request_us", "simplecookie_us", "ratio")
    for row in (head, *(tuple("-" if one[key] is None else one[key] for key in keys) for one in rows)):
        sys.stdout.write("".join(f"{cell!s:>14}" for cell in row) + "\n")
    sys.stdout.write("\nOnly the fields that the gate watches\n\n")
    for one in watched:
        sys.stdout.write(f"{one['what']!s:<40}{one['us']!s:>8}\n")


if __name__ == "__main__":
    main()
