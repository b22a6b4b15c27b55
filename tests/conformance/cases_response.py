"""Cases of "Verdicts on a response": what is stored, what is not, and names by every reading."""

from gatekeeper.consent.native import NativeReader
from tests.conformance.case import ACCEPTED, DELETED, PAST, REFUSED, Case, choice, rule

PRIVATE = b"cache-control: private"
ALLOW = '[enforcement]\nunlisted = "allow"\n'
FUTURE = b"Expires=Mon, 23 Nov 2026 12:00:00 GMT"


def dropped(says: str, value: bytes, verdict: str, **more: str) -> Case:
    return Case(says, sets=[b"Set-Cookie: " + value], leaves=[], verdicts=["response " + verdict], **more)


def rewritten(says: str, value: bytes, result: bytes, verdict: str) -> Case:
    # What leaves for a cookie of statistics depends on this visitor's choice, so no cache may replay it.
    personal = [PRIVATE] if verdict.startswith("_ga ") else []
    return Case(
        says,
        sets=[b"Set-Cookie: " + value],
        leaves=[b"Set-Cookie: " + result, *personal],
        verdicts=["response " + verdict],
    )


def untouched(says: str, value: bytes, verdict: str, **more: str) -> Case:
    return Case(says, sets=[b"Set-Cookie: " + value], verdicts=["response " + verdict], **more)


PLAIN = (
    untouched(
        "a field that passes leaves octet for octet",
        b'sessionid  =  "a b, c\\"  ;PATH=/ ; httponly;; Priority=High ;x=y=z',
        "sessionid pass required",
    ),
    untouched("octets above 127 pass as they are", b"sessionid=\xc3\xa9\xff; Path=/\xe9", "sessionid pass required"),
    Case(
        "SET-COOKIE in another case is judged too",
        sets=[b"SET-COOKIE: _ga=1", b"set-cookie: sessionid=1"],
        leaves=[b"set-cookie: sessionid=1"],
        verdicts=["response _ga drop undecided", "response sessionid pass required"],
    ),
    Case(
        "fields that set no cookie keep their places between those that do",
        sets=[
            b"Vary: Cookie",
            b"Set-Cookie: _ga=1",
            b"Link: </a>; rel=next",
            b"Set-Cookie: sessionid=1",
            b"Link: </b>; rel=prev",
            b"Set-Cookie: sessionid=2",
            b"X-Set-Cookie: _ga=1",
        ],
        leaves=[
            b"Vary: Cookie",
            b"Link: </a>; rel=next",
            b"Set-Cookie: sessionid=1",
            b"Link: </b>; rel=prev",
            b"Set-Cookie: sessionid=2",
            b"X-Set-Cookie: _ga=1",
        ],
        verdicts=[
            "response _ga drop undecided",
            "response sessionid pass required",
            "response sessionid pass required",
        ],
    ),
    Case(
        "a comma does not separate cookies in Set-Cookie",
        sets=[b"Set-Cookie: sessionid=1, _ga=2; Path=/"],
        verdicts=["response sessionid pass required"],
    ),
    Case(
        "Set-Cookie2 is always dropped",
        sets=[b"Set-Cookie2: sessionid=1; Version=1", b"Set-Cookie: sessionid=1"],
        leaves=[b"Set-Cookie: sessionid=1"],
        verdicts=["response sessionid drop malformed", "response sessionid pass required"],
    ),
    Case(
        "a response without cookies is not touched",
        asks=[b"Cookie: " + REFUSED],
        sets=[b"Cache-Control: public, max-age=600", b'ETag: "x"', b"X-A: 1", b"x-a: 1"],
    ),
)

MALFORMED = (
    dropped("a control octet in the value", b"sessionid=a\x01b", "sessionid drop malformed"),
    dropped("a bare CR", b"sessionid=a\rb", "sessionid drop malformed"),
    dropped("a NUL", b"sessionid=1\x00; Path=/", "sessionid drop malformed"),
    dropped("a control octet in an attribute", b"sessionid=1; Path=/\x7f", "sessionid drop malformed"),
    dropped("a tab in the name", b"session\tid=1", "session\tid drop malformed"),
    untouched("a tab in the value of an allowed cookie passes", b"sessionid=a\tb", "sessionid pass required"),
    dropped("name and value both empty", b"=; Path=/", "? drop malformed"),
    dropped("nothing at all before the first semicolon", b"; Path=/", "? drop malformed"),
    dropped(
        "name and value of more than 4096 octets", b"sessionid=" + b"x" * 4088 + b"; Path=/", "sessionid drop malformed"
    ),
    untouched(
        "name and value of 4096 octets pass", b"sessionid=" + b"x" * 4087 + b"; Path=/", "sessionid pass required"
    ),
)

NAMES = (
    dropped("a name is trimmed of spaces", b"  _ga = 1", "_ga drop undecided"),
    untouched("an allowed name is trimmed and leaves as it is", b"sessionid \t= 1", "sessionid pass required"),
    dropped("only spaces and tabs are trimmed from a name", b"sessionid\xa0=1", "sessionid\xa0 drop unlisted"),
    dropped("a nameless cookie is unlisted", b"hello", "? drop unlisted"),
    dropped("a nameless cookie named like a refused one", b"_ga", "? drop unlisted"),
    dropped("a nameless cookie named like a required one", b"sessionid", "? drop unlisted"),
    dropped("a refused cookie behind a leading equals sign", b"=_ga=1", "? drop unlisted"),
    untouched('a nameless cookie passes where unlisted = "allow"', b"hello; Path=/", "? pass unlisted", policy=ALLOW),
    dropped(
        'a nameless cookie that some browsers call _ga does not pass where unlisted = "allow"',
        b"_ga; Path=/",
        "? drop undecided",
        policy=ALLOW,
    ),
    dropped(
        'a cookie behind a leading equals sign does not pass where unlisted = "allow"',
        b"=_ga=1",
        "? drop undecided",
        policy=ALLOW,
    ),
    dropped(
        "a deletion in the words of a nameless cookie does not pass",
        b"_ga; Max-Age=0",
        "? drop unlisted",
    ),
)

DELETIONS = (
    rewritten("Max-Age=0 deletes", b"_ga=; Max-Age=0", b"_ga" + DELETED, "_ga rewrite deletion"),
    rewritten("a negative Max-Age deletes", b"_ga=gone; max-age=-1", b"_ga" + DELETED, "_ga rewrite deletion"),
    rewritten("Expires in the past deletes", b"_ga=; expires=" + PAST[8:], b"_ga" + DELETED, "_ga rewrite deletion"),
    rewritten(
        "Expires in the past deletes in the form of RFC 850 too",
        b"_ga=; Expires=Thursday, 01-Jan-70 00:00:00 GMT",
        b"_ga" + DELETED,
        "_ga rewrite deletion",
    ),
    rewritten(
        "Max-Age of 0 outweighs Expires in the future",
        b"_ga=; Max-Age=0; " + FUTURE,
        b"_ga" + DELETED,
        "_ga rewrite deletion",
    ),
    rewritten(
        "the last Max-Age wins, and deletes",
        b"_ga=1; Max-Age=600; Max-Age=0",
        b"_ga" + DELETED,
        "_ga rewrite deletion",
    ),
    rewritten(
        "an attribute of more than 1024 octets is ignored",
        b"_ga=; Max-Age=0; Max-Age=" + b"9" * 1025,
        b"_ga" + DELETED,
        "_ga rewrite deletion",
    ),
    rewritten(
        "a deletion of an unlisted cookie leaves in the gate's words",
        b"new=x; Max-Age=0; Path=/app",
        b"new" + DELETED + b"; Path=/app",
        "new rewrite deletion",
    ),
    rewritten(
        "a deletion keeps Domain, Path, Secure, SameSite and Partitioned and nothing else",
        b"_ga=v; Partitioned; HttpOnly; samesite=None; SECURE; path=/shop; domain=.example.org; Max-Age=0; a=b",
        b"_ga" + DELETED + b"; Domain=.example.org; Path=/shop; Secure; SameSite=None; Partitioned",
        "_ga rewrite deletion",
    ),
    rewritten(
        "a deletion keeps each attribute once, the last of equal ones",
        b"_ga=; Path=/a; Domain=a.org; Secure; Path=/b; Domain=b.org; secure; Max-Age=0",
        b"_ga" + DELETED + b"; Domain=b.org; Path=/b; Secure",
        "_ga rewrite deletion",
    ),
    rewritten(
        "a deletion does not take over an attribute of more than 1024 octets",
        b"_ga=; Path=/a; Path=/" + b"b" * 1024 + b"; Max-Age=0",
        b"_ga" + DELETED + b"; Path=/a",
        "_ga rewrite deletion",
    ),
    rewritten(
        "a deletion of a __Host- cookie is one that browsers obey",
        b"__Host-x=; Path=/; Secure; Max-Age=0",
        b"__Host-x" + DELETED + b"; Path=/; Secure",
        "__Host-x rewrite deletion",
    ),
    rewritten(
        "a deletion of a __Secure- cookie is one that browsers obey",
        b"__Secure-x=; Path=/; Domain=example.org; Secure; Max-Age=0",
        b"__Secure-x" + DELETED + b"; Domain=example.org; Path=/; Secure",
        "__Secure-x rewrite deletion",
    ),
    untouched(
        "a deletion of a required cookie leaves in the app's words",
        b"sessionid=gone; max-age=0; HttpOnly; Path=/",
        "sessionid pass required",
    ),
    Case(
        "a deletion of a granted cookie leaves in the app's words",
        asks=[b"Cookie: " + ACCEPTED],
        sets=[b"Set-Cookie: _ga=gone; max-age=0; HttpOnly"],
        leaves=[b"Set-Cookie: _ga=gone; max-age=0; HttpOnly", PRIVATE],
        verdicts=["response _ga pass granted"],
    ),
)

# Stored by Chromium, by Firefox or by both.
NO_DELETIONS = tuple(
    dropped(
        f"no deletion by every browser's reading: {attributes.decode()[:70]}",
        b"_ga=1; " + attributes,
        "_ga drop undecided",
    )
    for attributes in (
        b"Max-Age=600",
        b"Max-Age=600; " + PAST,
        b"Max-Age=0; Max-Age=600",
        b"Max-Age=0; Max-Age=",
        b"Max-Age=+0",
        b"Max-Age=0x0",
        b"Max-Age=0.0",
        b"Max-Age=-",
        PAST + b"; Expires=x",
        PAST + b"; " + FUTURE,
        b"Expires=Thu, 01 Jan 1970",
        b"Expires=Thu, 01 Jan 1970 00:00 GMT",
        b"Expires=Sat, 31 Feb 1970 00:00:00 GMT",
        b"Expires=0",
        PAST + b" " + b"x" * 1024,
        b"MaxAge=0",
        b"Max-Age=0; Max-Age",
    )
)

COMPANION = NativeReader((b"cookies_preferences",), (b"OptanonAlertBoxClosed",))
CONSENT_COOKIE = (
    Case(
        "the consent cookie passes",
        sets=[b"Set-Cookie: " + ACCEPTED + b"; Path=/; Max-Age=15552000"],
        leaves=[b"Set-Cookie: " + ACCEPTED + b"; Path=/; Max-Age=15552000", PRIVATE],
        verdicts=["response cookies_preferences pass consent-cookie"],
    ),
    Case(
        "the consent cookie of the upstream is dropped where upstream_may_set = false",
        policy="[consent]\nupstream_may_set = false\n",
        asks=[b"Cookie: " + REFUSED],
        sets=[b"Set-Cookie: " + ACCEPTED + b"; Path=/", b"Set-Cookie: sessionid=1"],
        leaves=[b"Set-Cookie: sessionid=1"],
        verdicts=["response cookies_preferences drop consent-cookie", "response sessionid pass required"],
    ),
    Case(
        "a companion of the recognised format passes, both ways",
        readers=(COMPANION,),
        asks=[b"Cookie: OptanonAlertBoxClosed=2025; " + REFUSED],
        sets=[b"Set-Cookie: OptanonAlertBoxClosed=2025-11-23; Path=/"],
        leaves=[b"Set-Cookie: OptanonAlertBoxClosed=2025-11-23; Path=/", PRIVATE],
        verdicts=["response OptanonAlertBoxClosed pass consent-cookie"],
    ),
    Case(
        "a companion is dropped where upstream_may_set = false",
        readers=(COMPANION,),
        policy="[consent]\nupstream_may_set = false\n",
        sets=[b"Set-Cookie: OptanonAlertBoxClosed=2025-11-23; Path=/"],
        leaves=[],
        verdicts=["response OptanonAlertBoxClosed drop consent-cookie"],
    ),
    Case(
        "a rule that names the consent cookie does not make it refusable",
        policy=rule("cookies_preferences", "marketing"),
        asks=[b"Cookie: " + REFUSED],
        sets=[b"Set-Cookie: " + ACCEPTED],
        leaves=[b"Set-Cookie: " + ACCEPTED, PRIVATE],
        verdicts=["response cookies_preferences pass consent-cookie"],
    ),
    Case(
        "a new choice in the response counts from the next request on",
        asks=[b"Cookie: " + REFUSED],
        sets=[b"Set-Cookie: " + choice("statistics"), b"Set-Cookie: _ga=1"],
        leaves=[b"Set-Cookie: " + choice("statistics"), PRIVATE],
        verdicts=["response cookies_preferences pass consent-cookie", "response _ga drop refused"],
    ),
)

_MANY = [b"Set-Cookie: _ga_%d=1" % number for number in range(60)]
LIMIT = (
    Case(
        "at most 50 Set-Cookie fields leave, required ones first",
        asks=[b"Cookie: " + ACCEPTED],
        sets=[*_MANY, b"Set-Cookie: sessionid=1", b"X-Last: 1"],
        leaves=[*_MANY[:49], b"Set-Cookie: sessionid=1", b"X-Last: 1", PRIVATE],
        verdicts=[
            *(f"response _ga_{number} pass granted" for number in range(49)),
            *(f"response _ga_{number} drop overflow" for number in range(49, 60)),
            "response sessionid pass required",
        ],
    ),
    Case(
        "50 Set-Cookie fields leave",
        asks=[b"Cookie: " + ACCEPTED],
        sets=_MANY[:50],
        leaves=[*_MANY[:50], PRIVATE],
        verdicts=[f"response _ga_{number} pass granted" for number in range(50)],
    ),
    Case(
        "Set-Cookie fields that are dropped do not count among the 50",
        sets=[*_MANY, b"Set-Cookie: sessionid=1"],
        leaves=[b"Set-Cookie: sessionid=1"],
        verdicts=[
            *(f"response _ga_{number} drop undecided" for number in range(60)),
            "response sessionid pass required",
        ],
    ),
    Case(
        "deletions count among the 50",
        sets=[*(line + b"; Max-Age=0" for line in _MANY), b"Set-Cookie: sessionid=1"],
        leaves=[
            *(line.removesuffix(b"=1") + DELETED for line in _MANY[:49]),
            b"Set-Cookie: sessionid=1",
            PRIVATE,
        ],
        verdicts=[
            *(f"response _ga_{number} rewrite deletion" for number in range(49)),
            *(f"response _ga_{number} drop overflow" for number in range(49, 60)),
            "response sessionid pass required",
        ],
    ),
)

STATUSES = tuple(
    Case(
        f"the same verdicts hold at status {status}",
        status=status,
        sets=[b"Set-Cookie: _ga=1", b"Location: /there", b"Set-Cookie: sessionid=1", b"Set-Cookie: _fbp=; Max-Age=0"],
        leaves=[b"Location: /there", b"Set-Cookie: sessionid=1", b"Set-Cookie: _fbp" + DELETED, PRIVATE],
        verdicts=[
            "response _ga drop undecided",
            "response sessionid pass required",
            "response _fbp rewrite deletion",
        ],
    )
    for status in (200, 204, 205, 302, 304, 404, 500)
)
