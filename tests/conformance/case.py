"""One case of the conformance suite: what is asked, what the app answers, and what has to come of it.

Lines are field lines as on the wire (``b"Set-Cookie: a=1"``), without the framing that every adapter has its own of.
A verdict is written ``"response _ga drop undecided"``: direction, cookie-name, action, reason, and the mode in brackets
where it is not ``enforce``. The name ``?`` stands for any: what a nameless cookie is called is nobody's contract.
"""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from gatekeeper.consent.readers.base import Reader
from gatekeeper.policy.document import Mode, Policy
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.policy.verdict import Verdict
from gatekeeper.wire.fields import FieldList

NOW = 1_763_900_000  # Sun, 23 Nov 2025 12:13:20 GMT
DAY = 86400
PAST = b"Expires=Thu, 01 Jan 1970 00:00:00 GMT"
DELETED = b"=; Max-Age=0; " + PAST

POLICY = """
[[category]]
id = "necessary"
basis = "required"
[[category]]
id = "statistics"
gpc = true
[[category]]
id = "marketing"
gpc = true
[[category]]
id = "audience"
basis = "opt-out"
gpc = true
[[category]]
id = "comfort"
basis = "opt-out"

[[cookie]]
name = "sessionid"
category = "necessary"
[[cookie]]
name = "__Host-csrf"
category = "necessary"
[[cookie]]
name = "_ga"
category = "statistics"
[[cookie]]
name = "_ga_*"
category = "statistics"
[[cookie]]
name = "_fbp"
category = "marketing"
[[cookie]]
name = "_pk_id"
category = "audience"
[[cookie]]
name = "theme"
category = "comfort"
"""


def rule(name: str, category: str = "statistics", **keys: str) -> str:
    """A ``[[cookie]]`` table; the keys' values are TOML."""
    lines = [f'name = "{name}"', f'category = "{category}"', *(f"{key} = {value}" for key, value in keys.items())]
    return "\n".join(["", "[[cookie]]", *lines, ""])


def choice(*granted: str, refused: Sequence[str] = (), age: int = 3600, revision: int = 1) -> bytes:
    """The pair of the consent cookie, as ``consent.md`` describes Gatekeeper's own format."""
    document = {
        "v": 1,
        "rev": revision,
        "t": NOW - age,
        "id": "7f3a",
        "granted": list(granted),
        "refused": list(refused),
    }
    return b"cookies_preferences=" + quote(json.dumps(document, separators=(",", ":")), safe="").encode()


ACCEPTED = choice("statistics", "marketing", "audience", "comfort")
REFUSED = choice(refused=("statistics", "marketing", "audience", "comfort"))


@dataclass(frozen=True)
class Expected:
    """What has to come of a case."""

    leaves: tuple[bytes, ...]  # the response's field lines, in order
    sees: tuple[bytes, ...]  # the values of the Cookie lines that the app sees, in order
    verdicts: tuple[str, ...]
    status: int


@dataclass(frozen=True)
class Case:
    """``says`` is the behaviour, in the words of ``enforcement.md``. Without ``leaves`` the response leaves as it is,
    without ``sees`` the app sees what was asked. ``trusted``: it is asked by one of the trusted proxies.
    """

    says: str
    sets: Sequence[bytes] = ()
    leaves: Sequence[bytes] | None = None
    verdicts: Sequence[str] = ()
    asks: Sequence[bytes] = ()
    sees: Sequence[bytes] | None = None
    policy: str = ""
    status: int = 200
    host: bytes = b"shop.example.org"
    path: str = "/basket"
    method: str = "GET"
    readers: tuple[Reader, ...] | None = None
    trusted: bool = False
    base: str = field(default=POLICY, repr=False)

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Whose word counts: that of the loopback, by which all adapters are asked, or nobody's."""
        return ("127.0.0.1",) if self.trusted else ()

    @property
    def request_fields(self) -> FieldList:
        """The request's fields, Host first."""
        return fields_of([b"Host: " + self.host, *self.asks])

    @property
    def response_fields(self) -> FieldList:
        """The app's fields, without framing."""
        return fields_of(self.sets)

    @property
    def expected(self) -> Expected:
        """What has to come of it where no adapter stands in the way."""
        cookies = [value for name, value in self.request_fields if name.lower() == b"cookie"]
        return Expected(
            tuple(self.sets if self.leaves is None else self.leaves),
            tuple(cookies if self.sees is None else self.sees),
            tuple(self.verdicts),
            self.status,
        )

    def load(self) -> Policy:
        """The policy, from its TOML."""
        policy = load_policy_tables(tomllib.loads(self.base + self.policy), {})
        if self.readers is None:
            return policy
        return replace(policy, consent=replace(policy.consent, readers=self.readers))


@dataclass(frozen=True)
class Observed:
    """What did come of it. ``seen`` are all request fields that the app saw, names in lower case."""

    status: int
    leaves: tuple[bytes, ...]
    seen: FieldList
    verdicts: tuple[Verdict, ...]
    faults: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def sees(self) -> tuple[bytes, ...]:
        """The values of the Cookie lines."""
        return tuple(value for name, value in self.seen if name == b"cookie")


def fields_of(lines: Sequence[bytes]) -> FieldList:
    """Field lines, split at the first colon and space."""
    return tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))


def lines_of(fields: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    """Fields as lines."""
    return tuple(name + b": " + value for name, value in fields)


def written(verdict: Verdict) -> str:
    """A verdict as cases write it."""
    mode = "" if verdict.mode is Mode.ENFORCE else f" ({verdict.mode.value})"
    name = verdict.cookie.decode("latin-1")
    return f"{verdict.direction.value} {name} {verdict.action.value} {verdict.reason.value}{mode}"


def told(expected: Sequence[str], observed: Sequence[Verdict]) -> list[str]:
    """The observed verdicts as cases write them, any name where the expected verdict has ``?``."""
    texts = []
    for index, verdict in enumerate(observed):
        text = written(verdict)
        if index < len(expected) and " ? " in expected[index]:
            text = written(replace(verdict, cookie=b"?"))
        texts.append(text)
    return texts


def lowered(line: bytes) -> bytes:
    """The line with its field-name in lower case."""
    name, colon, value = line.partition(b": ")
    return name.lower() + colon + value
