"""Deletions for refused cookies that the browser still sends."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from gatekeeper.cookies.grammar import CONTROL
from gatekeeper.cookies.scope import domain_matches, is_address, parent_domains, path_matches, requires_host_only
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.enforcement.patience import Watch
from gatekeeper.enforcement.rewrite import deletion
from gatekeeper.enforcement.scopes import Scope, Scopes, pool_of
from gatekeeper.policy.document import Mode
from gatekeeper.policy.verdict import Action, Direction, Ruling, Verdict

# On one response. More would make a browser evict cookies of its own, the choice among them.
MAX_DELETIONS = 20

# Folders of a page, the nearest first, in which a cookie without Path may lie.
_MOST_FOLDERS = 5
_LONGEST_PATH = 256  # characters of a page's path that is looked at
# What browsers leave as it is in a path, without ";", which ends an attribute.
_IN_PATHS = "/:@!$&'()*+,=~|[]"

_T = TypeVar("_T")


def deletions(
    blocked: Mapping[bytes, Ruling],
    decisions: Decisions,
    scopes: Scopes,
    watch: Watch,
    host: str,
    path: str,
    *,
    already: frozenset[bytes],
    now: int,
    room: int,
) -> list[tuple[Verdict, bytes]]:
    """Verdicts and field values for the names in ``blocked``, no more than there is ``room`` for.

    ``already`` holds names that the response itself sets or deletes. A Cookie field does not tell where a cookie was
    set: a rule may declare it (``domain``, ``path``). Otherwise what was learned of it comes first; then the host
    itself and each parent domain are tried, the likeliest of all cookies first. An unlisted cookie may be a sibling
    site's sign-on: it is expired on the host alone.
    """
    if room <= 0:
        return []
    known: dict[bytes, list[Scope]] = {}
    for name, ruling in blocked.items():
        if name not in already and _may_go(name, ruling, decisions):
            found = scopes.of(name, pool_of(ruling.rule))
            if watch.is_due(name, found):
                known[name] = found
    # Where not all fit, another navigation begins with others: one cookie that will not go must not keep the rest.
    names = _from_turn(list(known), now, room)[:room]
    page = _page(host, path)
    places = {name: _places(name, blocked[name], known[name], page) for name in names}
    fields = _in_order(places, watch)
    if len(fields) > room and not watch.keeps:
        fields = fields[: len(names)] + _from_turn(fields[len(names) :], now, 0)
    sent = fields[:room]
    for name, count in Counter(name for name, _ in sent).items():
        watch.note(name, known[name], count, of=len(places[name].fields))
    return [(blocked[name].verdict(Direction.RESPONSE, Action.EXPIRE), field) for name, field in sent]


class _Places(NamedTuple):
    """Deletions of one name, the likeliest first. So many of them come ``first``: where the cookie was seen to be set;
    all of them, where nothing is known of it.
    """

    fields: list[bytes]
    first: int


def _in_order(places: Mapping[bytes, _Places], watch: Watch) -> list[tuple[bytes, bytes]]:
    """The first of all names, then the rest, of each name in turn; without what this connection was sent already."""
    begun = {name: watch.done(name) for name in places}
    first = [(name, one.fields[begun[name] : one.first]) for name, one in places.items()]
    rest = [(name, one.fields[max(begun[name], one.first) :]) for name, one in places.items()]
    return [*_breadth_first(first), *_breadth_first(rest)]


def _breadth_first(places: list[tuple[bytes, list[bytes]]]) -> Iterator[tuple[bytes, bytes]]:
    for depth in range(max((len(fields) for _, fields in places), default=0)):
        for name, fields in places:
            if depth < len(fields):
                yield name, fields[depth]


def _from_turn(items: list[_T], now: int, room: int) -> list[_T]:
    turn = now % len(items) if len(items) > room else 0
    return items[turn:] + items[:turn]


class _Page(NamedTuple):
    """Where the response is one for: its path as in a Path attribute, and the paths that a cookie set without Path may
    have, if it comes with a request for this one (RFC 6265bis section 5.1.4). None stands for the page's own folder, as
    browsers make it out: no spelling of ours can miss that.
    """

    host: str
    path: str
    folders: list[bytes | None]


def _page(host: str, path: str) -> _Page:
    if len(path) > _LONGEST_PATH or not path.startswith("/"):
        return _Page(host, "/", [None, b"/"])
    path = quote(path, safe=_IN_PATHS, errors="replace")
    folder, _, rest = path.rpartition("/")
    found = [None if folder else b"/", path.encode("ascii") if rest else b"/"]
    while (folder := folder.rpartition("/")[0]) and len(found) < _MOST_FOLDERS:
        found.append(folder.encode("ascii"))
    return _Page(host, path, [*found, b"/"])


def _may_go(name: bytes, ruling: Ruling, decisions: Decisions) -> bool:
    return (
        ruling.mode is Mode.ENFORCE
        and not CONTROL.search(name)
        and b"\t" not in name
        and not decisions.is_allowed_anywhere(name)
    )


def _places(name: bytes, ruling: Ruling, known: list[Scope], page: _Page) -> _Places:
    rule = ruling.rule
    if rule is not None and (rule.domain is not None or rule.path is not None):
        domain = rule.domain.encode() if rule.domain is not None else None
        declared = deletion(
            name,
            domain=domain,
            path=(rule.path or "/").encode(),
            secure=bool(rule.secure),
            partitioned=bool(rule.partitioned),
        )
        return _Places([declared], 1)
    partitioned = bool(rule is not None and rule.partitioned)
    sure, fields = _learned(name, known, page, listed=rule is not None)
    fields.append(deletion(name, path=b"/", partitioned=partitioned))
    if not requires_host_only(name):
        parents = parent_domains(page.host)
        # A site's shared cookies sit on its registrable domain, at the far end; the host's own label comes last.
        fields += [
            deletion(name, domain=domain.encode(), path=b"/", partitioned=partitioned)
            for domain in reversed(parents if rule is not None else parents[:1])
        ]
    fields = list(dict.fromkeys(sure + fields))
    return _Places(fields, len(sure) or len(fields))


def _learned(name: bytes, known: list[Scope], page: _Page, *, listed: bool) -> tuple[list[bytes], list[bytes]]:
    """Where it was set, and where else it may be if it was set without Path."""

    def elsewhere(scope: Scope) -> bool:
        return scope.path is not None and not path_matches(page.path, scope.path.decode("ascii"))

    sure: dict[bytes, None] = {}
    other: list[bytes] = []
    # A copy on another path did not come with this request; it goes all the same, after those that may have come.
    for scope in sorted(known, key=elsewhere):
        domain = scope.domain
        if domain is not None:
            text = domain.decode("ascii")
            if not domain_matches(page.host, text) or not (listed or text == page.host):
                continue
            domain = None if is_address(text) else domain
        first, *more = [
            deletion(
                name,
                domain=domain,
                path=place,
                secure=scope.secure,
                # A partitioned cookie lives in frames of other sites, where a deletion is one of another site too.
                samesite=b"None" if scope.partitioned else None,
                partitioned=scope.partitioned,
            )
            for place in (page.folders if scope.path is None else [scope.path])
        ]
        sure[first] = None
        other += more
    return list(sure), other
