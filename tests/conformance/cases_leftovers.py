"""Cases of "Leftovers"."""

from collections.abc import Sequence

from tests.conformance.case import DELETED, REFUSED, Case, choice, rule

NAVIGATE = b"Sec-Fetch-Mode: navigate"
PRIVATE = b"cache-control: private"
HTML = b"Content-Language: de"


def expired(
    says: str, names: Sequence[str], fields: Sequence[bytes], *, asks: Sequence[bytes] = (NAVIGATE,), **more: object
) -> Case:
    """A refused visitor sends ``names``; ``fields`` are the deletions that leave behind the app's own fields."""
    cookies = b"; ".join([REFUSED, *(name.encode() + b"=1" for name in names)])
    deleted = [field.partition(b"=")[0].decode() for field in fields]
    case = Case(
        says,
        asks=[b"Cookie: " + cookies, *asks],
        sees=[REFUSED],
        sets=[HTML],
        leaves=[HTML, *(b"set-cookie: " + field for field in fields), *([PRIVATE] if fields else [])],
        verdicts=[
            *(f"request {name} drop refused" for name in names),
            *(f"response {name} expire refused" for name in deleted),
        ],
    )
    return Case(**{**vars(case), **more})


def everywhere(name: bytes) -> list[bytes]:
    """The deletions on shop.example.org of a cookie that nobody knows more of."""
    base = name + DELETED
    return [base + b"; Path=/", base + b"; Domain=example.org; Path=/", base + b"; Domain=shop.example.org; Path=/"]


LEFTOVERS = (
    expired("a navigation expires a leftover on the host and each parent", ["_ga"], everywhere(b"_ga")),
    expired(
        "without Sec-Fetch-Mode a request that accepts text/html is a navigation",
        ["_ga"],
        everywhere(b"_ga"),
        asks=[b"Accept: application/xhtml+xml,text/html;q=0.9,*/*;q=0.8"],
    ),
    expired("a request that is no navigation expires nothing", ["_ga"], [], asks=[b"Sec-Fetch-Mode: cors"]),
    expired("Sec-Fetch-Mode outweighs Accept", ["_ga"], [], asks=[b"Sec-Fetch-Mode: no-cors", b"Accept: text/html"]),
    expired("a request that accepts no text/html expires nothing", ["_ga"], [], asks=[b"Accept: image/avif,*/*"]),
    expired("a request that says nothing of itself expires nothing", ["_ga"], [], asks=[]),
    expired("leftovers are expired on an error page too", ["_ga"], everywhere(b"_ga"), status=404),
    expired("leftovers are expired on a redirect too", ["_ga"], everywhere(b"_ga"), status=302),
    expired(
        "a rule's Domain, Path, Secure and Partitioned are used where it declares them",
        ["x"],
        [b"x" + DELETED + b"; Domain=example.org; Path=/shop; Secure; Partitioned"],
        policy=rule("x", "marketing", domain='"example.org"', path='"/shop"', secure="true", partitioned="true"),
    ),
    expired(
        "a declared path without a domain is one of the host",
        ["x"],
        [b"x" + DELETED + b"; Path=/shop"],
        policy=rule("x", "marketing", path='"/shop"'),
    ),
    expired("an address has no parents", ["_ga"], [b"_ga" + DELETED + b"; Path=/"], host=b"192.0.2.7:8080"),
    expired("a host of one label has no parents", ["_ga"], [b"_ga" + DELETED + b"; Path=/"], host=b"localhost"),
    expired(
        "a __Host- leftover is one of the host alone",
        ["__Host-ad"],
        [b"__Host-ad" + DELETED + b"; Path=/; Secure"],
        policy=rule("__Host-ad", "marketing"),
    ),
    expired(
        "a __Secure- leftover is deleted with Secure",
        ["__Secure-ad"],
        [field.replace(b"Path=/", b"Path=/; Secure") for field in everywhere(b"__Secure-ad")],
        policy=rule("__Secure-ad", "marketing"),
    ),
    expired(
        "the likeliest place of every leftover comes before the second of any",
        ["_ga", "_fbp"],
        [field for pair in zip(everywhere(b"_ga"), everywhere(b"_fbp"), strict=True) for field in pair],
    ),
    Case(
        "at most 20 deletions leave on one response",
        asks=[b"Cookie: " + REFUSED + b"; " + b"; ".join(b"_ga_%d=1" % one for one in range(30)), NAVIGATE],
        sees=[REFUSED],
        # With 30 names and room for 20, another second begins with another name.
        leaves=[*(b"set-cookie: _ga_%d" % (one % 30) + DELETED + b"; Path=/" for one in range(20, 40)), PRIVATE],
        verdicts=[
            *(f"request _ga_{one} drop refused" for one in range(30)),
            *(f"response _ga_{one % 30} expire refused" for one in range(20, 40)),
        ],
    ),
    Case(
        "no deletion of a name that the response sets itself",
        policy=rule("x", "marketing", on_refusal='"session"'),
        asks=[b"Cookie: _ga=1; " + REFUSED, NAVIGATE],
        sees=[REFUSED],
        sets=[b"Set-Cookie: _ga=; Max-Age=0; Path=/a"],
        leaves=[b"Set-Cookie: _ga" + DELETED + b"; Path=/a", PRIVATE],
        verdicts=["request _ga drop refused", "response _ga rewrite deletion"],
    ),
    Case(
        "an undecided visitor's leftovers are expired too",
        asks=[b"Cookie: _fbp=1", NAVIGATE],
        sees=[],
        leaves=[*(b"set-cookie: " + field for field in everywhere(b"_fbp")), PRIVATE],
        verdicts=["request _fbp drop undecided", *["response _fbp expire undecided"] * 3],
    ),
    Case(
        "granted and required cookies are no leftovers",
        asks=[b"Cookie: _ga=1; sessionid=s; " + choice("statistics"), NAVIGATE],
        verdicts=[],
    ),
    Case(
        "a cookie that the visitor keeps in another form is no leftover",
        policy=rule("x", "marketing", on_refusal='"session"'),
        asks=[b"Cookie: x=1; " + REFUSED, NAVIGATE],
    ),
    Case(
        "a cookie that another path allows is no leftover",
        policy=rule("_fbp", "necessary", paths='["/ads"]'),
        asks=[b"Cookie: _fbp=1; sessionid=s; " + REFUSED, NAVIGATE],
        sees=[b"sessionid=s; " + REFUSED],
        verdicts=["request _fbp drop refused"],
    ),
    Case(
        "expire_leftovers = false: nothing is expired",
        policy="[enforcement]\nexpire_leftovers = false\n",
        asks=[b"Cookie: _ga=1; " + REFUSED, NAVIGATE],
        sees=[REFUSED],
        verdicts=["request _ga drop refused"],
    ),
    Case(
        "strip_requests = false: leftovers are expired all the same",
        policy="[enforcement]\nstrip_requests = false\n",
        asks=[b"Cookie: _ga=1; " + REFUSED, NAVIGATE],
        leaves=[*(b"set-cookie: " + field for field in everywhere(b"_ga")), PRIVATE],
        verdicts=["response _ga expire refused"] * 3,
    ),
    Case(
        "report-only: nothing is expired",
        policy='[enforcement]\nmode = "report-only"\n',
        asks=[b"Cookie: _ga=1; " + REFUSED, NAVIGATE],
        verdicts=["request _ga drop refused (report-only)"],
    ),
    Case(
        "a response has room for 50 Set-Cookie fields, deletions of leftovers among them",
        asks=[b"Cookie: _ga=1; " + REFUSED, NAVIGATE],
        sees=[REFUSED],
        sets=[b"Set-Cookie: sessionid=%d" % one for one in range(49)],
        leaves=[
            *(b"Set-Cookie: sessionid=%d" % one for one in range(49)),
            b"set-cookie: _ga" + DELETED + b"; Path=/",
            PRIVATE,
        ],
        verdicts=[
            "request _ga drop refused",
            *["response sessionid pass required"] * 49,
            "response _ga expire refused",
        ],
    ),
)
