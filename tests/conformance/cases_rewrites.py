"""Cases of `on_refusal`, lifetime and attributes."""

from tests.conformance.case import ACCEPTED, DELETED, PAST, REFUSED, Case, choice, rule

PRIVATE = b"cache-control: private"


def by_rule(
    says: str,
    value: bytes,
    result: bytes | None,
    verdict: str,
    *,
    name: str = "x",
    asks: tuple[bytes, ...] = (),
    category: str = "necessary",
    personal: bool = False,
    **keys: str,
) -> Case:
    """A case about one field of a cookie with a rule of its own; ``result`` is None where nothing leaves."""
    leaves = [] if result is None else [b"Set-Cookie: " + result]
    return Case(
        says,
        policy=rule(name, category, **keys),
        asks=asks,
        sets=[b"Set-Cookie: " + value],
        leaves=[*leaves, PRIVATE] if personal else leaves,
        verdicts=["response " + verdict],
    )


def refused(says: str, value: bytes, result: bytes | None, verdict: str, *, on_refusal: str, **keys: str) -> Case:
    """As above, of a cookie that is not allowed."""
    return by_rule(
        says, value, result, verdict, category="marketing", personal=result is not None, on_refusal=on_refusal, **keys
    )


LIVES = b"x=v; Path=/; Max-Age=600; priority=High; Expires=Mon, 23 Nov 2026 12:00:00 GMT;HTTPONLY"

ON_REFUSAL = (
    refused("on_refusal = drop", LIVES, None, "x drop undecided", on_refusal='"drop"'),
    refused(
        "on_refusal = session: without Max-Age and Expires, all else in its place and spelling",
        LIVES,
        b"x=v; Path=/; priority=High;HTTPONLY",
        "x rewrite undecided",
        on_refusal='"session"',
    ),
    refused(
        "on_refusal = session: a session cookie leaves as it is",
        b"x=v;  Path=/",
        b"x=v;  Path=/",
        "x pass undecided",
        on_refusal='"session"',
    ),
    refused(
        "on_refusal = session: every Max-Age and Expires goes, odd ones too",
        b"x=v; Max-Age=600; EXPIRES=tomorrow; Path=/; max-age = 5",
        b"x=v; Path=/",
        "x rewrite undecided",
        on_refusal='"session"',
    ),
    refused(
        "on_refusal = expire: a deletion of it leaves",
        b"x=v; Path=/a; Domain=example.org; Secure; SameSite=Lax; Max-Age=600; HttpOnly",
        b"x" + DELETED + b"; Domain=example.org; Path=/a; Secure; SameSite=Lax",
        "x expire undecided",
        on_refusal='"expire"',
    ),
    refused(
        "on_refusal = { value }: the constant in place of the value",
        b"x = 0 ; Path=/; Max-Age=600",
        b"x =1; Path=/; Max-Age=600",
        "x rewrite undecided",
        on_refusal='{ value = "1" }',
    ),
    refused(
        "on_refusal = { value }: where it is the constant already the field leaves as it is",
        b"x=1; Path=/; Max-Age=600",
        b"x=1; Path=/; Max-Age=600",
        "x pass undecided",
        on_refusal='{ value = "1" }',
    ),
    refused(
        "on_refusal = { value } and a cap: both hold",
        b"x=0; Max-Age=600; Path=/",
        b"x=1; Max-Age=60; Expires=Sun, 23 Nov 2025 12:14:20 GMT; Path=/",
        "x rewrite undecided",
        on_refusal='{ value = "1" }',
        max_age='"60s"',
    ),
    refused(
        "a deletion of a refused cookie is one whatever on_refusal says",
        b"x=; Max-Age=0; Path=/",
        b"x" + DELETED + b"; Path=/",
        "x rewrite deletion",
        on_refusal='"session"',
    ),
    Case(
        "on_refusal does not touch a cookie that is granted",
        policy=rule("x", "marketing", on_refusal='"session"'),
        asks=[b"Cookie: " + ACCEPTED],
        sets=[b"Set-Cookie: " + LIVES],
        leaves=[b"Set-Cookie: " + LIVES, PRIVATE],
        verdicts=["response x pass granted"],
    ),
    Case(
        "a cookie kept for the session goes to the app, one that is dropped does not",
        policy=rule("x", "marketing", on_refusal='"session"') + rule("y", "marketing"),
        asks=[b"Cookie: x=1; y=2; " + REFUSED],
        sees=[b"x=1; " + REFUSED],
        verdicts=["request y drop refused"],
    ),
    Case(
        "the constant of { value } goes to the app, an older value does not",
        policy=rule("x", "marketing", on_refusal='{ value = "1" }'),
        asks=[b"Cookie: x=1; x=0; " + REFUSED],
        sees=[b"x=1; " + REFUSED],
        verdicts=["request x drop refused"],
    ),
)

LIFETIME = (
    by_rule(
        "a cap shortens Max-Age",
        b"x=1; Path=/; MAX-AGE=7200; Foo",
        b"x=1; Path=/; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT; Foo",
        "x rewrite required",
        max_age='"1h"',
    ),
    by_rule(
        "a cap shortens Expires",
        b"x=1; expires=Mon, 23 Nov 2026 12:00:00 GMT; Path=/",
        b"x=1; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT; Path=/",
        "x rewrite required",
        max_age='"1h"',
    ),
    by_rule(
        "a cap shortens both at once, and leaves each once",
        b"x=1; Expires=Mon, 23 Nov 2026 12:00:00 GMT; Path=/; Max-Age=7200; Max-Age=9999",
        b"x=1; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT; Path=/",
        "x rewrite required",
        max_age='"1h"',
    ),
    by_rule(
        "a cap never lengthens", b"x=1; Max-Age=60;Path=/", b"x=1; Max-Age=60;Path=/", "x pass required", max_age='"1h"'
    ),
    by_rule(
        "a cap of the same length touches nothing",
        b"x=1; Max-Age=3600",
        b"x=1; Max-Age=3600",
        "x pass required",
        max_age='"1h"',
    ),
    by_rule(
        "a cap does not make a session cookie last", b"x=1; Path=/", b"x=1; Path=/", "x pass required", max_age='"1h"'
    ),
    by_rule(
        "a cap leaves a deletion alone",
        b"x=; Max-Age=0; Path=/",
        b"x=; Max-Age=0; Path=/",
        "x pass required",
        max_age='"1h"',
    ),
    by_rule(
        "a cap of a session",
        b"x=1; Max-Age=60; Path=/; Expires=Mon, 23 Nov 2026 12:00:00 GMT",
        b"x=1; Path=/",
        "x rewrite required",
        max_age='"session"',
    ),
    by_rule(
        "a cap ends with the session what browsers read differently",
        b"x=1; Max-Age=+7200; Path=/",
        b"x=1; Path=/",
        "x rewrite required",
        max_age='"1h"',
    ),
    by_rule(
        "a number of seconds beyond all bounds is capped",
        b"x=1; Max-Age=" + b"9" * 900,
        b"x=1; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT",
        "x rewrite required",
        max_age='"1h"',
    ),
    by_rule(
        "renew = false: a re-issue is dropped",
        b"x=2; Max-Age=600",
        None,
        "x drop renewal",
        asks=(b"Cookie: x=1",),
        renew="false",
    ),
    by_rule(
        "renew = false: the first issue passes",
        b"x=1; Max-Age=600",
        b"x=1; Max-Age=600",
        "x pass required",
        renew="false",
    ),
    by_rule(
        "renew = false: a deletion passes",
        b"x=; Max-Age=0",
        b"x=; Max-Age=0",
        "x pass required",
        asks=(b"Cookie: x=1",),
        renew="false",
    ),
    by_rule(
        "renew = false: another name with the request is no re-issue",
        b"x=1; Max-Age=600",
        b"x=1; Max-Age=600",
        "x pass required",
        asks=(b"Cookie: sessionid=x",),
        renew="false",
    ),
)

ATTRIBUTES = (
    by_rule("secure = true adds Secure", b"x=1; Path=/", b"x=1; Path=/; Secure", "x rewrite required", secure="true"),
    by_rule(
        "secure = true adds no second one",
        b"x=1; secure; Path=/",
        b"x=1; secure; Path=/",
        "x pass required",
        secure="true",
    ),
    by_rule(
        "secure = false takes Secure away",
        b"x=1; secure; Path=/;Secure=1",
        b"x=1; Path=/",
        "x rewrite required",
        secure="false",
    ),
    by_rule(
        "secure = false leaves it where SameSite=None needs it",
        b"x=1; Secure; SameSite=None",
        b"x=1; Secure; SameSite=None",
        "x pass required",
        secure="false",
    ),
    by_rule(
        "secure = false leaves it where Partitioned (CHIPS) needs it",
        b"x=1; Secure; Partitioned",
        b"x=1; Secure; Partitioned",
        "x pass required",
        secure="false",
    ),
    by_rule(
        "secure = false leaves it where the prefix __Secure- needs it",
        b"__Secure-y=1; Secure; Path=/a",
        b"__Secure-y=1; Secure; Path=/a",
        "__Secure-y pass required",
        name="__Secure*",
        secure="false",
    ),
    by_rule(
        "secure = false leaves it where the prefix __Host- needs it",
        b"__Host-y=1; Secure; Path=/",
        b"__Host-y=1; Secure; Path=/",
        "__Host-y pass required",
        name="__Ho*",
        secure="false",
    ),
    by_rule("httponly = true adds HttpOnly", b"x=1", b"x=1; HttpOnly", "x rewrite required", httponly="true"),
    by_rule(
        "httponly = false takes HttpOnly away",
        b"x=1;httponly; Path=/",
        b"x=1; Path=/",
        "x rewrite required",
        httponly="false",
    ),
    by_rule(
        "samesite replaces it in its place",
        b"x=1; samesite=none; Secure; Path=/",
        b"x=1; SameSite=Lax; Secure; Path=/",
        "x rewrite required",
        samesite='"Lax"',
    ),
    by_rule(
        "samesite adds it", b"x=1; Path=/", b"x=1; Path=/; SameSite=Strict", "x rewrite required", samesite='"Strict"'
    ),
    by_rule(
        "samesite of the same meaning keeps its spelling",
        b"x=1; SAMESITE=lax",
        b"x=1; SAMESITE=lax",
        "x pass required",
        samesite='"Lax"',
    ),
    by_rule(
        "partitioned = true adds Partitioned, and Secure with it",
        b"x=1; Path=/",
        b"x=1; Path=/; Secure; Partitioned",
        "x rewrite required",
        secure="true",
        partitioned="true",
    ),
    by_rule(
        "partitioned = false takes Partitioned away",
        b"x=1; Secure; partitioned; Path=/",
        b"x=1; Secure; Path=/",
        "x rewrite required",
        partitioned="false",
    ),
    by_rule(
        "every other attribute keeps its place and spelling",
        b'x="a b";PATH=/ ; ;Priority=High;foo;bar = "1;2"; Max-Age=7200',
        b'x="a b";PATH=/ ; ;Priority=High;foo;bar = "1;2"; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT; Secure',
        "x rewrite required",
        max_age='"1h"',
        secure="true",
    ),
    Case(
        "a cap for the whole site shortens what is not required, whatever rule lets it pass",
        policy='[enforcement]\nmax_age = "1h"\nunlisted = "allow"\n' + rule("x", "marketing", on_refusal='"session"'),
        asks=[b"Cookie: " + choice("statistics", refused=("marketing", "audience"))],
        sets=[
            b"Set-Cookie: sessionid=1; Max-Age=7200",
            b"Set-Cookie: _ga=1; Max-Age=7200; Path=/",
            b"Set-Cookie: _ga_1=1; Max-Age=3600; Path=/",
            b"Set-Cookie: theme=1; Path=/",
            b"Set-Cookie: other=1; Expires=Mon, 23 Nov 2026 12:00:00 GMT",
            b"Set-Cookie: =nameless; Max-Age=7200",
            b"Set-Cookie: x=1; Max-Age=7200",
        ],
        leaves=[
            b"Set-Cookie: sessionid=1; Max-Age=7200",
            b"Set-Cookie: _ga=1; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT; Path=/",
            b"Set-Cookie: _ga_1=1; Max-Age=3600; Path=/",
            b"Set-Cookie: theme=1; Path=/",
            b"Set-Cookie: other=1; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT",
            b"Set-Cookie: =nameless; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT",
            b"Set-Cookie: x=1",
            PRIVATE,
        ],
        verdicts=[
            "response sessionid pass required",
            "response _ga rewrite granted",
            "response _ga_1 pass granted",
            "response theme pass exempt",
            "response other rewrite unlisted",
            "response ? rewrite unlisted",
            "response x rewrite refused",
        ],
    ),
    Case(
        "of a rule's cap and the whole site's the shorter holds, for a required cookie its rule's alone",
        policy='[enforcement]\nmax_age = "1h"\n'
        + rule("x", max_age='"30m"')
        + rule("y", max_age='"2h"')
        + rule("z", "necessary", max_age='"2h"'),
        asks=[b"Cookie: " + ACCEPTED],
        sets=[b"Set-Cookie: %b=1; Max-Age=9999" % name for name in (b"x", b"y", b"z")],
        leaves=[
            b"Set-Cookie: x=1; Max-Age=1800; Expires=Sun, 23 Nov 2025 12:43:20 GMT",
            b"Set-Cookie: y=1; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT",
            b"Set-Cookie: z=1; Max-Age=7200; Expires=Sun, 23 Nov 2025 14:13:20 GMT",
            PRIVATE,
        ],
        verdicts=[
            "response x rewrite granted",
            "response y rewrite granted",
            "response z rewrite required",
        ],
    ),
    Case(
        "a cap for the whole site leaves the consent cookie and deletions alone",
        policy='[enforcement]\nmax_age = "1h"\n',
        asks=[b"Cookie: " + ACCEPTED],
        sets=[b"Set-Cookie: cookies_preferences=all; Max-Age=9999", b"Set-Cookie: _ga=; Max-Age=0"],
        leaves=[
            b"Set-Cookie: cookies_preferences=all; Max-Age=9999",
            b"Set-Cookie: _ga=; Max-Age=0",
            PRIVATE,
        ],
        verdicts=["response cookies_preferences pass consent-cookie", "response _ga pass granted"],
    ),
    Case(
        "lifetime and attributes hold for a granted cookie too",
        policy=rule("x", "marketing", max_age='"1h"', httponly="true"),
        asks=[b"Cookie: " + ACCEPTED],
        sets=[b"Set-Cookie: x=1; " + PAST.replace(b"1970", b"2037")],
        leaves=[b"Set-Cookie: x=1; Max-Age=3600; Expires=Sun, 23 Nov 2025 13:13:20 GMT; HttpOnly", PRIVATE],
        verdicts=["response x rewrite granted"],
    ),
)
