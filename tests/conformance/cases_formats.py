"""Cases of consent platforms: their cookies recognised or named, and no way round the rules."""

from tests.conformance.case import ACCEPTED, REFUSED, Case, choice, rule

PRIVATE = b"cache-control: private"
GA, FBP = b"Set-Cookie: _ga=g; Path=/", b"Set-Cookie: _fbp=f; Path=/"
# As Klaro, OneTrust and CookieYes write them.
KLARO = b"klaro=%7B%22matomo%22%3Atrue%2C%22youtube%22%3Afalse%7D"
CLOSED = b"OptanonAlertBoxClosed=2025-11-20T10:00:00.000Z"
GROUPS = b"OptanonConsent=groups=C0001%3A1%2CC0002%3A1%2CC0004%3A0"
YES = b"cookieyes-consent=consent:yes,action:yes,necessary:yes,functional:yes,analytics:yes,advertisement:yes"
NO = b"cookieyes-consent=consent:no,action:yes,necessary:yes,functional:no,analytics:no,advertisement:no"
SITE = b"_iub_cs-12345678=%7B%22consent%22%3Atrue%2C%22timestamp%22%3A%222025-11-20T10%3A00%3A00.000Z%22%7D"
REJECTED = b"_iub_cs-12345678=%7B%22consent%22%3Afalse%2C%22timestamp%22%3A%222025-11-20T10%3A00%3A00.000Z%22%7D"
MAPPED = '[consent.map]\nmatomo = "statistics"\nyoutube = "marketing"\n'


def two(says: str, cookies: bytes, ga: str, fbp: str, policy: str = "") -> Case:
    """A case about a platform's choice and two Set-Cookie fields; ``ga`` and ``fbp`` are the verdicts on them."""
    passing = [field for field, said in ((GA, ga), (FBP, fbp)) if said.startswith("pass")]
    return Case(
        says,
        asks=[b"Cookie: " + cookies],
        sets=[GA, FBP],
        leaves=[*passing, PRIVATE] if passing else [],
        verdicts=[f"response _ga {ga}", f"response _fbp {fbp}"],
        policy=policy,
    )


RECOGNISED = (
    two("auto: OneTrust's groups are categories", GROUPS + b"; " + CLOSED, "pass granted", "drop refused"),
    two("auto: before OneTrust's banner was closed nobody chose", GROUPS, "drop undecided", "drop undecided"),
    two("auto: CookieYes accepted", YES, "pass granted", "pass granted"),
    two("auto: CookieYes refused", NO, "drop refused", "drop refused"),
    two("auto: Klaro's services fall where the map says", KLARO, "pass granted", "drop refused", MAPPED),
    two("auto: a service without a category grants nothing", KLARO, "drop refused", "drop refused"),
    two("auto: a cookie whose name ends in a site's number", SITE, "pass granted", "pass granted"),
    two("auto: the same, refused", REJECTED, "drop refused", "drop refused"),
    two("auto: of two formats the most refusing", YES + b"; " + choice("statistics"), "pass granted", "drop refused"),
    two("auto: a refusal in the second", YES + b"; " + REFUSED, "drop refused", "drop refused"),
    two("auto: a refusal in the first", NO + b"; " + ACCEPTED, "drop refused", "drop refused"),
    two("auto: what is no choice beside one", b"klaro=user-4711; " + YES, "pass granted", "pass granted"),
    Case(
        "a format that is named is read alone, and another's cookie is none",
        asks=[b"Cookie: " + YES + b"; " + REFUSED],
        sees=[YES],
        sets=[GA],
        leaves=[GA, PRIVATE],
        verdicts=["request cookies_preferences drop unlisted", "response _ga pass granted"],
        policy='[consent]\nformat = "cookieyes"\n',
    ),
    two(
        "of formats that are named the most refusing",
        YES + b"; " + GROUPS + b"; " + CLOSED,
        "pass granted",
        "drop refused",
        '[consent]\nformat = ["cookieyes", "onetrust"]\n',
    ),
    two(
        "a platform's cookie under a name of the site's own",
        YES.replace(b"cookieyes-consent", b"our_consent"),
        "pass granted",
        "pass granted",
        '[consent]\nformat = "cookieyes"\ncookie = "our_consent"\n',
    ),
)

NO_BYPASS = (
    Case(
        "a platform's cookie and its companions reach the app, whatever the rules say",
        asks=[b"Cookie: " + GROUPS + b"; " + CLOSED + b"; _ga=1; _fbp=2"],
        sees=[GROUPS + b"; " + CLOSED + b"; _ga=1"],
        verdicts=["request _fbp drop refused"],
    ),
    Case(
        "a companion without its platform is a cookie like any other",
        asks=[b"Cookie: " + CLOSED + b"; sessionid=1"],
        sees=[b"sessionid=1"],
        verdicts=["request OptanonAlertBoxClosed drop unlisted"],
    ),
    Case(
        "a Set-Cookie with a platform's choice leaves, one with anything else under its name does not",
        sets=[b"Set-Cookie: " + YES + b"; Path=/", b"Set-Cookie: klaro=user-4711; Max-Age=63072000"],
        leaves=[b"Set-Cookie: " + YES + b"; Path=/", PRIVATE],
        verdicts=["response cookieyes-consent pass consent-cookie", "response klaro drop unlisted"],
    ),
    Case(
        "nor where the platform is recognised",
        asks=[b"Cookie: " + KLARO],
        sets=[b"Set-Cookie: klaro=user-4711"],
        leaves=[],
        verdicts=["response klaro drop unlisted"],
    ),
    Case(
        "a deletion of a platform's cookie leaves",
        asks=[b"Cookie: " + KLARO],
        sets=[b"Set-Cookie: klaro=; Max-Age=0; Path=/"],
        leaves=[b"Set-Cookie: klaro=; Max-Age=0; Path=/", PRIVATE],
        verdicts=["response klaro pass consent-cookie"],
    ),
    Case(
        "a rule for a platform's name is heard where the value is no choice",
        policy=rule("klaro", "marketing"),
        asks=[b"Cookie: klaro=user-4711; sessionid=1"],
        sees=[b"sessionid=1"],
        sets=[b"Set-Cookie: klaro=user-4711", b"Set-Cookie: " + KLARO],
        leaves=[b"Set-Cookie: " + KLARO, PRIVATE],
        verdicts=[
            "request klaro drop undecided",
            "response klaro drop undecided",
            "response klaro pass consent-cookie",
        ],
    ),
    Case(
        "all cookies of a format that is named pass",
        policy='[consent]\nformat = "klaro"\n',
        asks=[b"Cookie: klaro=user-4711"],
        sets=[b"Set-Cookie: klaro=user-4711"],
        leaves=[b"Set-Cookie: klaro=user-4711", PRIVATE],
        verdicts=["response klaro pass consent-cookie"],
    ),
    Case(
        "consent.forward = false hides a platform's cookies too",
        policy="[consent]\nforward = false\n",
        asks=[b"Cookie: " + GROUPS + b"; " + CLOSED + b"; " + SITE + b"; sessionid=1; _ga=2"],
        sees=[b"sessionid=1; _ga=2"],
    ),
    Case(
        "upstream_may_set = false holds for a platform's cookies too",
        policy="[consent]\nupstream_may_set = false\n",
        sets=[b"Set-Cookie: " + YES, b"Set-Cookie: " + SITE],
        leaves=[],
        verdicts=["response cookieyes-consent drop consent-cookie", "response _iub_cs-12345678 drop consent-cookie"],
    ),
)

BOUND = tuple(
    Case(
        f"a rule bound to ids: {says}",
        policy=rule("heat", "statistics", consent='["klaro:matomo", "onetrust:C0002"]'),
        asks=[b"Cookie: " + cookies] if cookies else [],
        sets=[b"Set-Cookie: heat=1"],
        leaves=[b"Set-Cookie: heat=1", PRIVATE] if verdict.startswith("pass") else [],
        verdicts=[f"response heat {verdict}"],
    )
    for says, cookies, verdict in (
        ("no choice", b"", "drop undecided"),
        ("one of them is granted", KLARO, "pass granted"),
        ("one of them is refused", KLARO.replace(b"true", b"false"), "drop refused"),
        ("the other platform's is granted", GROUPS + b"; " + CLOSED, "pass granted"),
        (
            "one is granted and one is refused",
            KLARO.replace(b"true", b"false") + b"; " + GROUPS + b"; " + CLOSED,
            "drop refused",
        ),
        ("none is answered", YES, "drop refused"),
    )
)
