"""Cases of `consent.reissue`: a platform's cookies, written again from the server."""

from tests.conformance.case import ACCEPTED, DAY, DELETED, NOW, Case

POLICY = """
[consent]
format = ["cookiebot", "gatekeeper"]
reissue = true
domain = ".Example.org"
"""
PRIVATE = b"cache-control: private"
PAGE = b"Sec-Fetch-Mode: navigate"
OLD = b"Accept: text/html"
YES, NO = b"true", b"false"


def cookiebot(age: int, statistics: bytes = YES) -> bytes:
    """What Cookiebot writes for a choice that was made so many seconds ago."""
    made = (NOW - age) * 1000 + 464
    return (
        b"CookieConsent={stamp:%%27Zm9v%%27%%2Cnecessary:true%%2Cpreferences:false%%2Cstatistics:%b"
        b"%%2Cmarketing:false%%2Cmethod:%%27explicit%%27%%2Cver:1%%2Cutc:%d%%2Cregion:%%27dk%%27}" % (statistics, made)
    )


MARK = b"set-cookie: gatekeeper_reissued=1; Path=/; Max-Age=86400; SameSite=Lax"
VERDICTS = ["response CookieConsent rewrite consent-cookie", "response gatekeeper_reissued rewrite consent-cookie"]


def again(
    cookie: bytes, days: int, *, secure: bool = True, where: bytes = b"; Domain=example.org; Path=/"
) -> list[bytes]:
    """The fields that are expected."""
    end = b"; Secure" if secure else b""
    return [
        b"set-cookie: " + cookie + where + b"; Max-Age=%d; SameSite=Lax" % (days * DAY) + end,
        MARK + end + b"; HttpOnly",
        PRIVATE,
    ]


def nothing(says: str, *asks: bytes, policy: str = POLICY, **more: object) -> Case:
    """A case in which nothing is written again."""
    return Case("no re-issue " + says, asks=list(asks), sets=[b"X-Page: 1"], policy=policy, **more)  # type: ignore[arg-type]


REISSUE = (
    Case(
        "a platform's choice is written again for what is left of its life",
        asks=[PAGE, b"Cookie: sessionid=1; " + cookiebot(30 * DAY)],
        sets=[b"X-Page: 1"],
        leaves=[b"X-Page: 1", *again(cookiebot(30 * DAY), 150)],
        verdicts=VERDICTS,
        policy=POLICY,
    ),
    Case(
        "a refusal is written again too",
        asks=[PAGE, b"Cookie: " + cookiebot(DAY, NO)],
        leaves=again(cookiebot(DAY, NO), 179),
        verdicts=VERDICTS,
        policy=POLICY,
    ),
    Case(
        "without Fetch Metadata, a request for a page is answered without Secure",
        asks=[OLD, b"Cookie: " + cookiebot(DAY)],
        leaves=again(cookiebot(DAY), 179, secure=False),
        verdicts=VERDICTS,
        policy=POLICY,
    ),
    Case(
        "for the host alone, below a path",
        asks=[PAGE, b"Cookie: " + cookiebot(DAY)],
        leaves=again(cookiebot(DAY), 179, where=b"; Path=/shop"),
        verdicts=VERDICTS,
        policy=POLICY.replace('".Example.org"', '""\npath = "/shop"'),
    ),
    Case(
        "a re-issue beside other cookies, and whatever is said of caches",
        asks=[PAGE, b"Cookie: _fbp=1; " + cookiebot(DAY)],
        sees=[cookiebot(DAY)],
        sets=[b"Set-Cookie: sessionid=2", b"Cache-Control: public"],
        leaves=[
            b"Set-Cookie: sessionid=2",
            b"Cache-Control: public, private",
            b"set-cookie: _fbp" + DELETED + b"; Path=/",
            b"set-cookie: _fbp" + DELETED + b"; Domain=example.org; Path=/",
            b"set-cookie: _fbp" + DELETED + b"; Domain=shop.example.org; Path=/",
            *again(cookiebot(DAY), 179)[:2],
        ],
        verdicts=[
            "request _fbp drop refused",
            "response sessionid pass required",
            *["response _fbp expire refused"] * 3,
            *VERDICTS,
        ],
        policy=POLICY + "[enforcement]\nprotect_caches = false\n",
    ),
    Case(
        "a consent cookie of which the response has a word itself is the app's",
        asks=[PAGE, b"Cookie: " + cookiebot(DAY)],
        sets=[b"Set-Cookie: CookieConsent=x; Path=/"],
        leaves=[b"Set-Cookie: CookieConsent=x; Path=/", PRIVATE],
        verdicts=["response CookieConsent pass consent-cookie"],
        policy=POLICY,
    ),
    nothing(
        "where it is not asked for", PAGE, b"Cookie: " + cookiebot(DAY), policy='[consent]\nformat = "cookiebot"\n'
    ),
    nothing(
        "in report-only mode",
        PAGE,
        b"Cookie: " + cookiebot(DAY),
        policy=POLICY + '[enforcement]\nmode = "report-only"\n',
    ),
    nothing("but on a page", b"Sec-Fetch-Mode: cors", OLD, b"Cookie: " + cookiebot(DAY)),
    nothing("of a choice of today", PAGE, b"Cookie: " + cookiebot(DAY - 1)),
    nothing("of a choice that is too old", PAGE, b"Cookie: " + cookiebot(181 * DAY)),
    nothing("on the last second of a choice", PAGE, b"Cookie: " + cookiebot(180 * DAY)),
    nothing("within a day of the last", PAGE, b"Cookie: gatekeeper_reissued=1; " + cookiebot(DAY)),
    nothing("of what came twice", PAGE, b"Cookie: " + cookiebot(DAY) + b"; " + cookiebot(DAY)),
    nothing("of what is no choice", PAGE, b"Cookie: CookieConsent=x"),
    nothing("of what was granted by region", PAGE, b"Cookie: " + cookiebot(DAY).replace(b"explicit", b"implied")),
    nothing("of a choice without a date", PAGE, b"Cookie: CookieConsent=0"),
    nothing("of Gatekeeper's own cookie, which a server wrote", PAGE, b"Cookie: " + ACCEPTED),
    nothing("on a host outside of the domain", PAGE, b"Cookie: " + cookiebot(DAY), host=b"shop.example.net"),
    nothing("without a choice", PAGE),
)
