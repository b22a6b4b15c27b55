"""Deletions for refused cookies that the browser still sends."""

from collections.abc import Iterator, Mapping
from itertools import islice

from gatekeeper.cookies.grammar import CONTROL
from gatekeeper.cookies.scope import parent_domains, requires_host_only
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.enforcement.rewrite import deletion
from gatekeeper.policy.document import Mode
from gatekeeper.policy.verdict import Action, Direction, Ruling, Verdict

# On one response. More would make a browser evict cookies of its own, the choice among them.
MAX_DELETIONS = 20


def deletions(
    blocked: Mapping[bytes, Ruling],
    decisions: Decisions,
    host: str,
    *,
    already: frozenset[bytes],
    now: int,
    room: int,
) -> list[tuple[Verdict, bytes]]:
    """Verdicts and field values for the names in ``blocked``, no more than there is ``room`` for.

    ``already`` holds names that the response itself sets or deletes. A Cookie field does not tell where a cookie was
    set: a rule may declare it (``domain``, ``path``); otherwise the host itself and each parent domain are tried, the
    likeliest of all cookies first. An unlisted cookie may be a sibling site's sign-on: it is expired on the host alone.
    """
    names = [
        name
        for name, ruling in blocked.items()
        if ruling.mode is Mode.ENFORCE
        and name not in already
        and not CONTROL.search(name)
        and b"\t" not in name
        and not decisions.is_allowed_anywhere(name)
    ]
    if not names or room <= 0:
        return []
    # Where not all fit, another navigation begins with others: one cookie that will not go must not keep the rest.
    turn = now % len(names) if len(names) > room else 0
    names = names[turn:] + names[:turn]
    return [
        (blocked[name].verdict(Direction.RESPONSE, Action.EXPIRE), field)
        for name, field in islice(_breadth_first([_scopes(name, blocked[name], host) for name in names], names), room)
    ]


def _breadth_first(scopes: list[list[bytes]], names: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for depth in range(max(map(len, scopes))):
        for name, fields in zip(names, scopes, strict=True):
            if depth < len(fields):
                yield name, fields[depth]


def _scopes(name: bytes, ruling: Ruling, host: str) -> list[bytes]:
    rule = ruling.rule
    if rule is not None and (rule.domain is not None or rule.path is not None):
        domain = rule.domain.encode() if rule.domain is not None else None
        return [
            deletion(
                name,
                domain=domain,
                path=(rule.path or "/").encode(),
                secure=bool(rule.secure),
                partitioned=bool(rule.partitioned),
            )
        ]
    partitioned = bool(rule is not None and rule.partitioned)
    fields = [deletion(name, path=b"/", partitioned=partitioned)]
    if not requires_host_only(name):
        # A site's shared cookies sit on its registrable domain, at the far end; the host's own label comes last.
        fields += [
            deletion(name, domain=domain.encode(), path=b"/", partitioned=partitioned)
            for domain in reversed(parent_domains(host) if rule is not None else parent_domains(host)[:1])
        ]
    return fields
