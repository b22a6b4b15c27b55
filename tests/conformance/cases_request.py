"""Cases of "The request"."""

from tests.conformance.case import ACCEPTED, REFUSED, Case, rule

HIDE = "[consent]\nforward = false\n"


def stripped(says: str, cookies: bytes, sees: bytes | None, *verdicts: str, policy: str = "") -> Case:
    """A case about one Cookie field; ``sees`` is None where it is removed."""
    return Case(
        says,
        asks=[b"Cookie: " + cookies],
        sees=[] if sees is None else [sees],
        verdicts=[f"request {verdict}" for verdict in verdicts],
        policy=policy,
    )


GA = "_ga drop undecided"
# Where another name stands inside a value, the verdict holds the cookie's own: the other may be a part of the value.
OWN = "sessionid drop undecided"

OCTETS = (
    stripped("a pair in the middle goes", b"sessionid=s; _ga=g; theme=t", b"sessionid=s; theme=t", GA),
    stripped("the first pair goes", b"_ga=g; sessionid=s; theme=t", b"sessionid=s; theme=t", GA),
    stripped("the last pair goes", b"sessionid=s; theme=t; _ga=g", b"sessionid=s; theme=t", GA),
    stripped("a field left empty is removed", b"_ga=g; _fbp=f", None, GA, "_fbp drop undecided"),
    stripped(
        "doubled pairs stay in their order, and all copies of a refused one go",
        b"theme=2; _ga=1; theme=1; _ga=2; theme=3",
        b"theme=2; theme=1; theme=3",
        GA,
        GA,
    ),
    stripped(
        "the spelling of what stays is kept",
        b'sessionid = a%20b=c== ;theme="x y";_ga=1;   __Host-csrf=\xc3\xa9',
        b'sessionid = a%20b=c== ;theme="x y";   __Host-csrf=\xc3\xa9',
        GA,
    ),
    stripped("what needs no change is not touched", b"sessionid=s;;  theme=t ;", b"sessionid=s;;  theme=t ;"),
    stripped(
        "names are compared with regard to case",
        b"_GA=1; Theme=t; theme=t",
        b"theme=t",
        "_GA drop unlisted",
        "Theme drop unlisted",
    ),
    stripped(
        "a glob names pairs too",
        b"_ga_G1=1; _ga_=2; theme=t",
        b"theme=t",
        "_ga_G1 drop undecided",
        "_ga_ drop undecided",
    ),
    stripped("a pair with an empty value is a pair", b"_ga=; sessionid=", b"sessionid=", GA),
    stripped("a refused name inside a value is no name", b"sessionid=_ga; theme=_ga", b"sessionid=_ga; theme=_ga"),
    Case(
        "several Cookie fields are one list, and the one left empty is removed",
        asks=[b"Cookie: sessionid=s", b"Accept-Language: de", b"Cookie: _ga=1"],
        sees=[b"sessionid=s"],
        verdicts=["request _ga drop undecided"],
    ),
    Case(
        "each of several Cookie fields is taken apart in its place",
        asks=[b"Cookie: _ga=1; sessionid=s", b"Cookie: theme=dark; _fbp=2"],
        sees=[b"sessionid=s", b"theme=dark"],
        verdicts=["request _ga drop undecided", "request _fbp drop undecided"],
    ),
    Case(
        "several Cookie fields without anything to take out stay as they are",
        asks=[b"Cookie: sessionid=a", b"Cookie: theme=dark"],
    ),
    Case(
        "copies of the consent cookie in two Cookie fields are two copies",
        asks=[b"Cookie: " + ACCEPTED, b"Cookie: " + REFUSED + b"; _ga=1"],
        sees=[ACCEPTED, REFUSED],
        verdicts=["request _ga drop refused"],
    ),
    Case(
        "fields other than Cookie are not touched",
        asks=[b"Cookie: _ga=1", b"X-Cookie: _ga=1", b"Cookie2: $Version=1", b"Authorization: Basic Og=="],
        sees=[],
        verdicts=["request _ga drop undecided"],
    ),
    Case(
        "a request to any method is judged",
        method="DELETE",
        asks=[b"Cookie: _ga=1; sessionid=s"],
        sees=[b"sessionid=s"],
        verdicts=["request _ga drop undecided"],
    ),
)

READINGS = (
    stripped(
        "a refused name behind a space in a value",
        b"sessionid=1 _ga=2; theme=t",
        b"theme=t",
        "sessionid drop ambiguous",
    ),
    stripped(
        "a refused name behind a comma in a value",
        b"sessionid=1, _ga=2; theme=t",
        b"theme=t",
        "sessionid drop ambiguous",
    ),
    stripped(
        "a refused name behind a tab in a value", b"sessionid=1\t_ga=2; theme=t", b"theme=t", "sessionid drop ambiguous"
    ),
    stripped(
        "a refused name behind a semicolon in quotes",
        b'sessionid="x; _ga=9; y"; theme=t',
        b'sessionid="x; theme=t',
        GA,
        "? drop unlisted",
    ),
    stripped("an allowed name behind a space in a value", b"sessionid=1 theme=2", b"sessionid=1 theme=2"),
    stripped("spaces in a value without another name", b"sessionid=a b c; theme=t", b"sessionid=a b c; theme=t"),
    stripped("commas in a value without another name", b"sessionid=a,b,c; theme=t", b"sessionid=a,b,c; theme=t"),
    stripped("a nameless pair is unlisted", b"sessionid=s; lonely", b"sessionid=s", "? drop unlisted"),
    stripped(
        "a nameless pair with the name of a refused cookie", b"_ga; sessionid=s", b"sessionid=s", "? drop unlisted"
    ),
    stripped("a pair behind a leading equals sign", b"=_ga=1; sessionid=s", b"sessionid=s", "? drop unlisted"),
    stripped(
        "a name that percent-decodes to a refused one", b"%5Fga=1; sessionid=s", b"sessionid=s", "%5Fga drop unlisted"
    ),
    stripped(
        'a name that percent-decodes to a refused one does not stay where unlisted = "allow"',
        b"%5Fga=1; sessionid=s",
        b"sessionid=s",
        "? drop undecided",
        policy='[enforcement]\nunlisted = "allow"\n',
    ),
    stripped(
        'a refused name behind a space does not stay where unlisted = "allow"',
        b"new=1 _ga=2; other=3",
        b"other=3",
        "new drop ambiguous",
        policy='[enforcement]\nunlisted = "allow"\n',
    ),
    stripped(
        "a JSON value with quotes and braces stays whole",
        b'sessionid={"a":1,"b":[2]}; theme=t',
        b'sessionid={"a":1,"b":[2]}; theme=t',
    ),
)

FORWARD = (
    stripped("the consent cookie goes to the app", REFUSED + b"; sessionid=s", REFUSED + b"; sessionid=s"),
    stripped(
        "consent.forward = false: the consent cookie is hidden, and read", ACCEPTED + b"; _ga=1", b"_ga=1", policy=HIDE
    ),
    stripped(
        "consent.forward = false: every copy is hidden",
        ACCEPTED + b"; sessionid=s; " + ACCEPTED,
        b"sessionid=s",
        policy=HIDE,
    ),
    stripped("consent.forward = false: a field with nothing else is removed", REFUSED, None, policy=HIDE),
    Case(
        "strip_requests = false: the app sees everything, the response is judged all the same",
        policy="[enforcement]\nstrip_requests = false\n",
        asks=[b"Cookie: _ga=1; new=2; sessionid=s"],
        sets=[b"Set-Cookie: _ga=1"],
        leaves=[],
        verdicts=["response _ga drop undecided"],
    ),
)

MODES = (
    Case(
        "report-only: not one octet of the request changes",
        policy='[enforcement]\nmode = "report-only"\n',
        asks=[b"Cookie: _ga=1;  new=2;lonely ; " + REFUSED],
        verdicts=[
            "request _ga drop refused (report-only)",
            "request new drop unlisted (report-only)",
            "request ? drop unlisted (report-only)",
        ],
    ),
    Case(
        "report-only: consent.forward = false does not change the request either",
        policy='[enforcement]\nmode = "report-only"\n' + HIDE,
        asks=[b"Cookie: " + REFUSED + b"; sessionid=s"],
    ),
    Case(
        "off: nothing of the request is judged",
        policy='[enforcement]\nmode = "off"\n' + HIDE,
        asks=[b"Cookie: _ga=1; new=2; " + REFUSED],
    ),
    Case(
        "mode of a rule: its cookie stays and the others go",
        policy=rule("x", "marketing", mode='"report-only"'),
        asks=[b"Cookie: _ga=1; x=2; sessionid=s"],
        sees=[b"x=2; sessionid=s"],
        verdicts=["request _ga drop undecided", "request x drop undecided (report-only)"],
    ),
)
