"""Cases of the region that a visitor is in."""

from collections.abc import Sequence

from tests.conformance.case import ACCEPTED, DELETED, REFUSED, Case, rule

PRIVATE = b"cache-control: private"
VARY = b"vary: CF-IPCountry, CF-Region-Code"
SETS = [b"Set-Cookie: " + name + b"=1" for name in (b"sessionid", b"_ga", b"_fbp", b"_pk_id")]

TABLES = """
[regions]
field = "CF-IPCountry"
subdivision = "CF-Region-Code"

[consent.map]
analytics = "statistics"

[[region]]
name = "britain"
values = ["GB"]
profile = "uk"
[[region]]
name = "france"
values = ["FR", "MC"]
profile = "fr"
basis = { audience = "opt-out" }
[[region]]
name = "california"
values = ["US-CA"]
profile = "us-ca"
[[region]]
name = "america"
values = ["US"]
profile = "as-written"
basis = { marketing = "opt-out" }
"""


def there(
    says: str,
    reasons: str,
    *asks: bytes,
    trusted: bool = True,
    leaves: Sequence[bytes] | None = None,
    vary: bytes = VARY,
    policy: str = "",
) -> Case:
    """What is set of four cookies: required, statistics, marketing, audience; ``reasons`` for the last three."""
    names = ("_ga", "_fbp", "_pk_id")
    told = dict(zip(names, reasons.split(), strict=True))
    passes = [reason in ("granted", "exempt") for reason in told.values()]
    if leaves is None:
        leaves = [SETS[0], *(field for field, stays in zip(SETS[1:], passes, strict=True) if stays)]
        leaves = [*leaves, vary] if vary else leaves
        leaves = [*leaves, PRIVATE] if any(passes) else leaves
    verdicts = ["response sessionid pass required"]
    verdicts += [f"response {name} {_action(reason)} {reason}" for name, reason in told.items()]
    return Case(
        says, asks=list(asks), sets=SETS, leaves=leaves, verdicts=verdicts, policy=TABLES + policy, trusted=trusted
    )


def _action(reason: str) -> str:
    return "pass" if reason in ("granted", "exempt") else "drop"


NOWHERE = "undecided undecided undecided"

REGIONS = (
    there("a visitor of no named region: opt-in for all that is not required", NOWHERE, b"CF-IPCountry: DE"),
    there("a trusted proxy that says nothing: opt-in", NOWHERE),
    there("a value that means nothing: opt-in", NOWHERE, b"CF-IPCountry: XX, US"),
    there("an empty value: opt-in", NOWHERE, b"CF-IPCountry: "),
    there("the field from whoever is no trusted proxy is not believed", NOWHERE, b"CF-IPCountry: US", trusted=False),
    there(
        "a subdivision that is empty: that of the country",
        "undecided exempt exempt",
        b"CF-IPCountry: US",
        b"CF-Region-Code: ",
    ),
    there("a subdivision without a country says nothing", NOWHERE, b"CF-Region-Code: US-CA"),
    there(
        "us-ca: allowed until the visitor objects", "exempt exempt exempt", b"CF-IPCountry: US", b"CF-Region-Code: CA"
    ),
    there("us-ca: Sec-GPC objects", "signal signal signal", b"CF-IPCountry: US", b"CF-Region-Code: ca", b"Sec-GPC: 1"),
    there(
        "us-ca: DNT says nothing unless it is asked for",
        "exempt exempt exempt",
        b"CF-IPCountry: US",
        b"CF-Region-Code: CA",
        b"DNT: 1",
    ),
    there(
        "us-ca: DNT where it counts",
        "signal signal signal",
        b"CF-IPCountry: US-CA",
        b"DNT: 1",
        policy="[consent]\ndnt = true\n",
    ),
    there(
        "uk: statistics until the visitor objects, the rest with consent",
        "exempt undecided undecided",
        b"CF-IPCountry: GB",
    ),
    there("uk: Sec-GPC objects", "signal undecided undecided", b"CF-IPCountry: GB", b"Sec-GPC: 1"),
    there("fr: what is exempt", "undecided undecided exempt", b"CF-IPCountry: FR"),
    there("a choice is a choice everywhere", "granted granted granted", b"CF-IPCountry: DE", b"Cookie: " + ACCEPTED),
    there(
        "a refusal is a refusal everywhere", "refused refused refused", b"CF-IPCountry: US-CA", b"Cookie: " + REFUSED
    ),
    there(
        "an explicit choice outweighs the signal there too",
        "granted granted granted",
        b"CF-IPCountry: US-CA",
        b"Sec-GPC: 1",
        b"Cookie: " + ACCEPTED,
    ),
    there(
        "regions and odd cookies: the long way comes to the same",
        "undecided exempt exempt",
        b"CF-IPCountry: US",
        b'Cookie: sessionid="a b"',
    ),
    there(
        "without protect_caches nothing is said of the region",
        "exempt exempt exempt",
        b"CF-IPCountry: US-CA",
        leaves=SETS,
        policy="[enforcement]\nprotect_caches = false\n",
    ),
    Case(
        "fr: what is exempt lives for thirteen months at most, and is not renewed",
        policy=TABLES + rule("_pk_ses", "audience") + rule("_pk_2", "audience"),
        asks=[b"CF-IPCountry: FR", b"Cookie: _pk_2=1"],
        sets=[
            b"Set-Cookie: _pk_id=1; Max-Age=99999999",
            b"Set-Cookie: _pk_ses=1; Max-Age=1800",
            b"Set-Cookie: _pk_2=1",
        ],
        leaves=[
            b"Set-Cookie: _pk_id=1; Max-Age=34187400; Expires=Thu, 24 Dec 2026 04:43:20 GMT",
            b"Set-Cookie: _pk_ses=1; Max-Age=1800",
            VARY,
            PRIVATE,
        ],
        verdicts=[
            "response _pk_id rewrite exempt",
            "response _pk_ses pass exempt",
            "response _pk_2 drop renewal",
        ],
        trusted=True,
    ),
    Case(
        "fr: the limits are those of exempt cookies there, and of no others",
        policy=TABLES,
        asks=[b"CF-IPCountry: FR", b"Cookie: _ga=1; " + ACCEPTED],
        sets=[b"Set-Cookie: _ga=1; Max-Age=99999999"],
        leaves=[b"Set-Cookie: _ga=1; Max-Age=99999999", VARY, PRIVATE],
        verdicts=["response _ga pass granted"],
        trusted=True,
    ),
    Case(
        "a response without a cookie that depends on the region says nothing of it",
        policy=TABLES,
        asks=[b"CF-IPCountry: US"],
        sets=[b"Cache-Control: public", b"Set-Cookie: sessionid=1"],
        verdicts=["response sessionid pass required"],
        trusted=True,
    ),
    Case(
        "a leftover is refused by its region, and expired",
        policy=TABLES,
        asks=[b"CF-IPCountry: DE", b"Sec-Fetch-Mode: navigate", b"Cookie: _pk_id=1"],
        sees=[],
        host=b"localhost",
        sets=[b"Content-Language: de"],
        leaves=[b"Content-Language: de", b"set-cookie: _pk_id" + DELETED + b"; Path=/", VARY, PRIVATE],
        verdicts=["request _pk_id drop undecided", "response _pk_id expire undecided"],
        trusted=True,
    ),
    Case(
        "in report-only mode the region is weighed, and nothing is said of it",
        policy=TABLES + '[enforcement]\nmode = "report-only"\n',
        asks=[b"CF-IPCountry: US-CA"],
        sets=SETS[:2],
        verdicts=["response sessionid pass required (report-only)", "response _ga pass exempt (report-only)"],
        trusted=True,
    ),
)
