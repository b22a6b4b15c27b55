"""Cases of "Reading the choice" and "Matching a rule"."""

from tests.conformance.case import ACCEPTED, DAY, REFUSED, Case, choice, rule

FOUR = (
    b"Set-Cookie: sessionid=s; Path=/",
    b"Set-Cookie: _ga=g; Path=/",
    b"Set-Cookie: _pk_id=p; Path=/",
    b"Set-Cookie: theme=t; Path=/",
)
SESSION, GA, PK, THEME = FOUR
PAIRS = b"sessionid=s; _ga=g; _pk_id=p; theme=t"
PRIVATE = b"cache-control: private"


def one(says: str, *, allowed: bool, reason: str, cookies: bytes = b"", policy: str = "") -> Case:
    """A case about one Set-Cookie of statistics, and the consent cookie."""
    return Case(
        says,
        asks=[b"Cookie: " + cookies] if cookies else [],
        sets=[GA],
        leaves=[GA, PRIVATE] if allowed else [],
        verdicts=[f"response _ga {'pass' if allowed else 'drop'} {reason}"],
        policy=policy,
    )


GRANTS = (
    Case(
        "undecided: required passes, opt-in does not, opt-out does",
        asks=[b"Cookie: " + PAIRS],
        sees=[b"sessionid=s; _pk_id=p; theme=t"],
        sets=FOUR,
        leaves=[SESSION, PK, THEME, PRIVATE],
        verdicts=[
            "request _ga drop undecided",
            "response sessionid pass required",
            "response _ga drop undecided",
            "response _pk_id pass exempt",
            "response theme pass exempt",
        ],
    ),
    Case(
        "granted: everything passes",
        asks=[b"Cookie: " + PAIRS + b"; " + ACCEPTED],
        sets=FOUR,
        leaves=[*FOUR, PRIVATE],
        verdicts=[
            "response sessionid pass required",
            "response _ga pass granted",
            "response _pk_id pass granted",
            "response theme pass granted",
        ],
    ),
    Case(
        "refused: only what is required passes",
        asks=[b"Cookie: " + PAIRS + b"; " + REFUSED],
        sees=[b"sessionid=s; " + REFUSED],
        sets=FOUR,
        leaves=[SESSION],
        verdicts=[
            "request _ga drop refused",
            "request _pk_id drop refused",
            "request theme drop refused",
            "response sessionid pass required",
            "response _ga drop refused",
            "response _pk_id drop refused",
            "response theme drop refused",
        ],
    ),
    Case(
        "Sec-GPC: 1 and undecided: opt-out with gpc = true does not pass either",
        asks=[b"Cookie: " + PAIRS, b"Sec-GPC: 1"],
        sees=[b"sessionid=s; theme=t"],
        sets=FOUR,
        leaves=[SESSION, THEME, PRIVATE],
        verdicts=[
            "request _ga drop undecided",
            "request _pk_id drop signal",
            "response sessionid pass required",
            "response _ga drop undecided",
            "response _pk_id drop signal",
            "response theme pass exempt",
        ],
    ),
    Case(
        "an explicit choice outweighs Sec-GPC",
        asks=[b"Cookie: " + ACCEPTED, b"Sec-GPC: 1"],
        sets=[GA, PK],
        leaves=[GA, PK, PRIVATE],
        verdicts=["response _ga pass granted", "response _pk_id pass granted"],
    ),
    Case(
        'Sec-GPC outweighs the choice where gpc = "strict"',
        policy='[consent]\ngpc = "strict"\n',
        asks=[b"Cookie: " + ACCEPTED, b"Sec-GPC: 1"],
        sets=[GA, PK, THEME],
        leaves=[THEME, PRIVATE],
        verdicts=["response _ga drop signal", "response _pk_id drop signal", "response theme pass granted"],
    ),
    Case(
        "Sec-GPC means nothing where gpc = false",
        policy="[consent]\ngpc = false\n",
        asks=[b"Sec-GPC: 1"],
        sets=[PK],
        leaves=[PK, PRIVATE],
        verdicts=["response _pk_id pass exempt"],
    ),
    Case(
        "Sec-GPC with another value than 1 is no signal",
        asks=[b"Sec-GPC: 0"],
        sets=[PK],
        leaves=[PK, PRIVATE],
        verdicts=["response _pk_id pass exempt"],
    ),
    Case(
        "DNT is heard on request only",
        asks=[b"DNT: 1"],
        sets=[PK],
        leaves=[PK, PRIVATE],
        verdicts=["response _pk_id pass exempt"],
    ),
    Case(
        "DNT is heard as Sec-GPC is where dnt = true",
        policy="[consent]\ndnt = true\n",
        asks=[b"DNT: 1"],
        sets=[PK],
        leaves=[],
        verdicts=["response _pk_id drop signal"],
    ),
)

CHOICES = (
    one("without a consent cookie nobody has chosen", allowed=False, reason="undecided"),
    one("a choice that grants the category", allowed=True, reason="granted", cookies=choice("statistics")),
    one("a choice that leaves the category out refuses it", allowed=False, reason="refused", cookies=choice()),
    one(
        "a choice that grants another category only",
        allowed=False,
        reason="refused",
        cookies=choice("marketing"),
    ),
    one(
        "equal copies of the consent cookie are one choice",
        allowed=True,
        reason="granted",
        cookies=ACCEPTED + b"; " + ACCEPTED,
    ),
    one(
        "copies of the consent cookie that differ: the most refusing reading",
        allowed=False,
        reason="refused",
        cookies=ACCEPTED + b"; " + REFUSED,
    ),
    one(
        "copies of the consent cookie that differ, the refusing one first",
        allowed=False,
        reason="refused",
        cookies=REFUSED + b"; " + ACCEPTED,
    ),
    one(
        "a choice as old as consent.max_age holds",
        allowed=True,
        reason="granted",
        cookies=choice("statistics", age=180 * DAY),
    ),
    one(
        "a choice older than consent.max_age is undecided",
        allowed=False,
        reason="undecided",
        cookies=choice("statistics", age=180 * DAY + 1),
    ),
    one(
        "a choice for an older revision is undecided",
        allowed=False,
        reason="undecided",
        cookies=choice("statistics", revision=2),
        policy="[consent]\nrevision = 3\n",
    ),
    one(
        "a choice for the configured revision holds",
        allowed=True,
        reason="granted",
        cookies=choice("statistics", revision=3),
        policy="[consent]\nrevision = 3\n",
    ),
    one(
        "a stale refusal is undecided too",
        allowed=False,
        reason="undecided",
        cookies=choice(refused=("statistics",), age=181 * DAY),
    ),
    one("a malformed consent cookie is undecided", allowed=False, reason="undecided", cookies=ACCEPTED[:-9]),
    one(
        "a consent cookie of more than 8 KiB is undecided",
        allowed=False,
        reason="undecided",
        cookies=ACCEPTED + b"%20" * 3000,
    ),
    one(
        "a consent cookie with JSON that is too deep is undecided",
        allowed=False,
        reason="undecided",
        cookies=b'cookies_preferences={"granted":["statistics"],"x":[[[[[[[[[]]]]]]]]]}',
    ),
    Case(
        "the name of the consent cookie is compared with regard to case",
        asks=[b"Cookie: " + ACCEPTED.replace(b"cookies_", b"Cookies_")],
        sees=[],
        sets=[GA],
        leaves=[],
        verdicts=["request Cookies_preferences drop unlisted", "response _ga drop undecided"],
    ),
)

MATCHING = (
    Case(
        "cookie-names are compared with regard to case",
        sets=[b"Set-Cookie: SESSIONID=1", b"Set-Cookie: sessionid=1"],
        leaves=[b"Set-Cookie: sessionid=1"],
        verdicts=["response SESSIONID drop unlisted", "response sessionid pass required"],
    ),
    Case(
        "an exact name outweighs a glob",
        policy=rule("_ga_own", "necessary"),
        sets=[b"Set-Cookie: _ga_own=1", b"Set-Cookie: _ga_other=1"],
        leaves=[b"Set-Cookie: _ga_own=1"],
        verdicts=["response _ga_own pass required", "response _ga_other drop undecided"],
    ),
    Case(
        "the longest literal prefix outweighs a shorter one",
        policy=rule("_ga_safe_*", "necessary"),
        sets=[b"Set-Cookie: _ga_safe_1=1"],
        verdicts=["response _ga_safe_1 pass required"],
    ),
    Case(
        "a question mark stands for one octet",
        policy=rule("lang_??", "necessary"),
        sets=[b"Set-Cookie: lang_de=1", b"Set-Cookie: lang_d=1", b"Set-Cookie: lang_deu=1"],
        leaves=[b"Set-Cookie: lang_de=1"],
        verdicts=["response lang_de pass required", "response lang_d drop unlisted", "response lang_deu drop unlisted"],
    ),
    Case(
        "a rule for this host outweighs one for all",
        policy=rule("_fbp", "necessary", hosts='["shop.example.org"]'),
        sets=[b"Set-Cookie: _fbp=1"],
        verdicts=["response _fbp pass required"],
    ),
    Case(
        "a rule for another host does not count",
        policy=rule("_fbp", "necessary", hosts='["www.example.org"]'),
        sets=[b"Set-Cookie: _fbp=1"],
        leaves=[],
        verdicts=["response _fbp drop undecided"],
    ),
    Case(
        "the port and the case of Host do not matter",
        policy=rule("_fbp", "necessary", hosts='["shop.example.org"]'),
        host=b"SHOP.Example.org:8080",
        sets=[b"Set-Cookie: _fbp=1"],
        verdicts=["response _fbp pass required"],
    ),
    Case(
        "a rule for this path outweighs one for all",
        policy=rule("_fbp", "necessary", paths='["/account"]'),
        path="/account/orders",
        sets=[b"Set-Cookie: _fbp=1"],
        verdicts=["response _fbp pass required"],
    ),
    Case(
        "a rule for another path does not count",
        policy=rule("_fbp", "necessary", paths='["/account"]'),
        path="/accountant",
        sets=[b"Set-Cookie: _fbp=1"],
        leaves=[],
        verdicts=["response _fbp drop undecided"],
    ),
    Case(
        "of two globs that fit alike the one written first wins",
        policy=rule("*_shared", "necessary") + rule("*shared", "statistics"),
        sets=[b"Set-Cookie: x_shared=1"],
        verdicts=["response x_shared pass required"],
    ),
    Case(
        "a cookie that no rule names is blocked",
        asks=[b"Cookie: new=1; sessionid=s"],
        sees=[b"sessionid=s"],
        sets=[b"Set-Cookie: new=1; Path=/"],
        leaves=[],
        verdicts=["request new drop unlisted", "response new drop unlisted"],
    ),
    Case(
        'a cookie that no rule names passes where unlisted = "allow"',
        policy='[enforcement]\nunlisted = "allow"\n',
        asks=[b"Cookie: new=1; sessionid=s"],
        sets=[b"Set-Cookie: new=1; Path=/"],
        verdicts=["response new pass unlisted"],
    ),
    Case(
        'a refused cookie does not pass where unlisted = "allow"',
        policy='[enforcement]\nunlisted = "allow"\n',
        sets=[GA],
        leaves=[],
        verdicts=["response _ga drop undecided"],
    ),
)
