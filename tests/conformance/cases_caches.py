"""Cases of "Caches" and "Modes", of the response."""

from collections.abc import Sequence

from tests.conformance.case import ACCEPTED, DELETED, PAST, REFUSED, Case, rule

GA = b"Set-Cookie: _ga=1"
REPORT = '[enforcement]\nmode = "report-only"\n'
OFF = '[enforcement]\nmode = "off"\n'


def cached(says: str, fields: Sequence[bytes], leaves: Sequence[bytes] | None = None, policy: str = "") -> Case:
    """A case about the fields of a response with a cookie that passed by consent."""
    return Case(
        says,
        asks=[b"Cookie: " + ACCEPTED],
        sets=[*fields, GA],
        leaves=None if leaves is None else [*leaves],
        verdicts=["response _ga pass granted"],
        policy=policy,
    )


CACHES = (
    cached("without Cache-Control it is added", [], [GA, b"cache-control: private"]),
    cached(
        "private is added to what Cache-Control says",
        [b"Cache-Control: public, max-age=600"],
        [b"Cache-Control: public, max-age=600, private", GA],
    ),
    cached(
        "private is added to the first of several lines",
        [b"Cache-Control: max-age=600", b"cache-control: stale-if-error=60"],
        [b"Cache-Control: max-age=600, private", b"cache-control: stale-if-error=60", GA],
    ),
    cached("an empty Cache-Control gains private", [b"Cache-Control: "], [b"Cache-Control: private", GA]),
    cached("a response that is private already is not touched", [b"Cache-Control: PRIVATE, max-age=60"]),
    cached(
        "a response that is not stored already is not touched", [b"Cache-Control: no-cache", b"Cache-Control: no-store"]
    ),
    cached(
        "private for one field only does not make the response private",
        [b'Cache-Control: private="set-cookie", max-age=60'],
        [b'Cache-Control: private="set-cookie", max-age=60, private', GA],
    ),
    cached(
        "CDN-Cache-Control outweighs Cache-Control in a CDN, and gains private too",
        [b"CDN-Cache-Control: max-age=600", b"Cache-Control: private"],
        [b"CDN-Cache-Control: max-age=600, private", b"Cache-Control: private", GA],
    ),
    cached(
        "protect_caches = false: nothing is added",
        [b"Cache-Control: public"],
        policy="[enforcement]\nprotect_caches = false\n",
    ),
    Case(
        "a response with required cookies only is left as cacheable as it was",
        sets=[b"Cache-Control: public, max-age=600", b"Set-Cookie: sessionid=1"],
        verdicts=["response sessionid pass required"],
    ),
    Case(
        "a response whose every Set-Cookie was dropped is left as cacheable as it was",
        asks=[b"Cookie: " + REFUSED],
        sets=[b"Cache-Control: public, max-age=600", GA, b"Set-Cookie: _fbp=1"],
        leaves=[b"Cache-Control: public, max-age=600"],
        verdicts=["response _ga drop refused", "response _fbp drop refused"],
    ),
    Case(
        "one cookie that passed by consent among others makes a response private",
        asks=[b"Cookie: " + ACCEPTED],
        sets=[b"Set-Cookie: sessionid=1", b"Set-Cookie: new=1", GA],
        leaves=[b"Set-Cookie: sessionid=1", GA, b"cache-control: private"],
        verdicts=["response sessionid pass required", "response new drop unlisted", "response _ga pass granted"],
    ),
    Case(
        "an unlisted cookie that is allowed passed by no consent",
        policy='[enforcement]\nunlisted = "allow"\n',
        sets=[b"Cache-Control: public", b"Set-Cookie: new=1"],
        verdicts=["response new pass unlisted"],
    ),
)

EVERYTHING = [
    b"Cache-Control: public, max-age=600",
    b"Set-Cookie: _ga=1; Path=/",
    b"Set-Cookie: _fbp=; Max-Age=0",
    b"Set-Cookie: new=1; " + PAST,
    b"set-cookie: x=1; Max-Age=7200",
    b"Set-Cookie: ; Path=/",
    b"Set-Cookie2: sessionid=1",
    b"Set-Cookie: sessionid=1",
    *(b"Set-Cookie: sessionid=%d" % one for one in range(60)),
]

MODES = (
    Case(
        "report-only: every verdict is taken and not one octet changes",
        policy=REPORT + rule("x", "necessary", max_age='"1h"'),
        sets=EVERYTHING,
        verdicts=[
            "response _ga drop undecided (report-only)",
            "response _fbp rewrite deletion (report-only)",
            "response new rewrite deletion (report-only)",
            "response x rewrite required (report-only)",
            "response ? drop malformed (report-only)",
            "response sessionid drop malformed (report-only)",
            *["response sessionid pass required (report-only)"] * 61,
        ],
    ),
    Case(
        "report-only: a response is left as cacheable as it was",
        policy=REPORT,
        asks=[b"Cookie: " + ACCEPTED],
        sets=[b"Cache-Control: public", GA],
        verdicts=["response _ga pass granted (report-only)"],
    ),
    Case(
        "report-only: the consent cookie of the upstream passes",
        policy=REPORT + "[consent]\nupstream_may_set = false\n",
        sets=[b"Set-Cookie: " + ACCEPTED],
        verdicts=["response cookies_preferences drop consent-cookie (report-only)"],
    ),
    Case("off: nothing of the response is judged", policy=OFF, sets=EVERYTHING),
    Case(
        "mode of a rule: its cookie is reported, the others are judged",
        policy=rule("x", "marketing", mode='"report-only"'),
        sets=[GA, b"Set-Cookie: x=1; Path=/", b"Set-Cookie: x=; Max-Age=0", b"Set-Cookie: sessionid=1"],
        leaves=[b"Set-Cookie: x=1; Path=/", b"Set-Cookie: x=; Max-Age=0", b"Set-Cookie: sessionid=1"],
        verdicts=[
            "response _ga drop undecided",
            "response x drop undecided (report-only)",
            "response x rewrite deletion (report-only)",
            "response sessionid pass required",
        ],
    ),
    Case(
        "mode of a rule: enforce in a site that only reports",
        policy=REPORT + rule("x", "marketing", mode='"enforce"'),
        asks=[b"Cookie: x=1; _ga=1; sessionid=s"],
        sees=[b"_ga=1; sessionid=s"],
        sets=[GA, b"Set-Cookie: x=1; Path=/", b"Set-Cookie: x=; Max-Age=0"],
        leaves=[GA, b"Set-Cookie: x" + DELETED, b"cache-control: private"],
        verdicts=[
            "request x drop undecided",
            "request _ga drop undecided (report-only)",
            "response _ga drop undecided (report-only)",
            "response x drop undecided",
            "response x rewrite deletion",
        ],
    ),
)
