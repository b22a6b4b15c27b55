"""A consent platform's own cookies, written again from the server: browsers cut the life of what a script wrote to
seven days, and then the banner is back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatekeeper.consent.choice import State
from gatekeeper.consent.native import FORMAT as NATIVE
from gatekeeper.consent.native import write_set_cookie
from gatekeeper.consent.readers.registry import Found
from gatekeeper.consent.reissue import MARK, MARK_AGE
from gatekeeper.cookies.grammar import CONTROL, MAX_NAME_VALUE
from gatekeeper.cookies.scope import domain_matches, requires_host_only, requires_secure
from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.policy.verdict import Action, Direction, Outcome, Verdict

# Cookies of one format; more than any writes, and than should come to be on one response.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A cookie that may be written again, and when the choice in it was made (epoch seconds)."""

    name: bytes
    value: bytes
    given_at: int


def reissuable(told: Sequence[tuple[bytes, bytes]], found: Iterable[Found]) -> tuple[Kept, ...]:
    """Which of a request's consent cookies (name and value, doubled ones included) may be written again.

    Those of a platform that tells a choice and when it was made: without a date it would be renewed for ever. None for
    a day after the last time, and none that came twice: what lies in two places must not lie in a third.
    """
    copies = Counter(name for name, _ in told)
    if MARK in copies:
        return ()
    values = dict(told)
    kept: dict[bytes, Kept] = {}
    for one in found:
        given_at = one.choice.given_at
        if one.choice.state is not State.DECIDED or given_at is None or one.reader.id == NATIVE:
            continue
        if len(one.cookies) <= _MOST and all(
            copies[name] == 1 and _is_sound(name, values[name]) for name in one.cookies
        ):
            kept |= {name: Kept(name, values[name], given_at) for name in one.cookies}
    return tuple(kept.values())


def _is_sound(name: bytes, value: bytes) -> bool:
    """Whether a browser stores what is written just as it came."""
    odd = CONTROL.search(name + value) or b"\t" in name + value or requires_host_only(name) or requires_secure(name)
    return not odd and len(name) + len(value) <= MAX_NAME_VALUE


def reissued(
    kept: Sequence[Kept],
    secure: bool,
    decisions: Decisions,
    host: str,
    path: str,
    outcomes: Iterable[Outcome],
    *,
    now: int,
    most: int,
) -> list[tuple[Verdict, bytes]]:
    """Verdicts and field values, the mark's behind those of the platform. Nothing where the response itself has a word
    on them in ``outcomes``, where they would be more than ``most`` fields together, or for a host outside of
    ``consent.domain``.

    No choice lives longer than ``consent.max_age`` after it was made. One of less than a day ago is left alone: it is
    fresh, and whoever is changing their mind in another tab must not get the old one back.
    """
    consent = decisions.policy.consent
    domain = consent.domain or None
    told = [(verdict.cookie, result is not None) for verdict, result in outcomes]
    spoken = {name for name, _ in told}
    due = [one for one in kept if MARK_AGE <= now - one.given_at < consent.max_age]
    room = most - sum(leaves for _, leaves in told)
    if not due or len(due) >= room or any(one.name in spoken for one in kept):
        return []
    if domain is not None and not domain_matches(host, domain):
        return []
    fields = []
    for one in due:
        life = one.given_at + consent.max_age - now
        field = write_set_cookie(one.name, one.value, max_age=life, secure=secure, domain=domain, path=consent.path)
        fields.append((one.name, field))
    fields.append((MARK, write_set_cookie(MARK, b"1", max_age=MARK_AGE, secure=secure) + b"; HttpOnly"))
    return [
        (decisions.ruling(name, host, path).verdict(Direction.RESPONSE, Action.REWRITE), field)
        for name, field in fields
    ]
