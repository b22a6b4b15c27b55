"""A grant applied to cookie-names: the part of a decision that repeats, made once for each name and remembered."""

from gatekeeper.consent.grant import Grant
from gatekeeper.consent.readers.registry import Registry, Role
from gatekeeper.cookies.lifetime import lifetime_of
from gatekeeper.cookies.request import is_token, mangled_names
from gatekeeper.cookies.response import SetCookie
from gatekeeper.policy.document import Mode, OnRefusal, Policy
from gatekeeper.policy.matcher import Matcher
from gatekeeper.policy.verdict import Lives, Reason, Ruling, decide

# Names for each grant, and octets of one; attributes of fields in all, and octets of one. What more a hostile visitor
# or upstream invents only empties the table.
_REMEMBERED = 4096
_SHORT = 256
SHORT_ATTRIBUTES = 512


class Decisions:
    """What one grant means for every name, where these formats (ids) were recognised unnamed by the file. Shared by all
    exchanges of which that holds.
    """

    def __init__(
        self,
        policy: Policy,
        matcher: Matcher,
        grant: Grant,
        registry: Registry,
        recognised: frozenset[str] = frozenset(),
    ) -> None:
        self.policy = policy
        self.matcher = matcher
        self.grant = grant
        self.registry = registry
        self.recognised = recognised
        # Read directly on the hot path; a miss goes through ruling().
        self.remembered: dict[bytes, Ruling] = {}
        self.sent_as_is: set[bytes] = set()
        self._noted = 0

    def ruling(self, name: bytes, host: str, path: str) -> Ruling:
        """The ruling on a cookie-name, on a host (lower case, no port) and path."""
        ruling = self.remembered.get(name)
        if ruling is not None:
            return ruling
        role = self.registry.role(name, self.recognised)
        ruling = self._decide(name, host, path, role)
        # Where a rule stands behind a guess, each Set-Cookie field has to be looked at.
        open_ = self.registry.is_unlearned(name) or (role is Role.GUESSED and ruling.rule is not None)
        open_ = open_ or self._is_closed(name)
        if len(name) <= _SHORT and not open_ and not self.matcher.is_narrowed(name):
            if len(self.remembered) >= _REMEMBERED:
                self.remembered.clear()
            self.remembered[name] = ruling
        return ruling

    def note(self, ruling: Ruling, attributes: bytes, lives: Lives) -> None:
        """Remembers what these attributes mean for fields of the ruling's name."""
        if len(attributes) > SHORT_ATTRIBUTES:
            return
        if self._noted >= _REMEMBERED:
            # All rulings go, and what each of them holds.
            self.remembered.clear()
            self._noted = 0
        self._noted += 1
        ruling.lives[attributes] = lives

    def ruling_on(self, cookie: SetCookie, name: bytes, host: str, path: str, now: int) -> Ruling:
        """The ruling on a Set-Cookie field that some browser stores under this name.

        A name that no word of the file makes the consent cookie's is one as far as it holds a choice, or none any more:
        it carries nothing else past the rules. Where the upstream may not set the choice, it may set no part of one.
        """
        if self._is_closed(name):
            return self._decide(name, host, path, Role.CONSENT)
        if not self.registry.is_guess(name):
            return self.ruling(name, host, path)
        mine = name == cookie.name and (
            lifetime_of(cookie, now).deletes or self.registry.recognises(name, cookie.value)
        )
        return self._decide(name, host, path, Role.CONSENT if mine else Role.NONE)

    def _is_closed(self, name: bytes) -> bool:
        return not self.policy.consent.upstream_may_set and self.registry.knows(name)

    def _decide(self, name: bytes, host: str, path: str, role: Role) -> Ruling:
        return decide(name, host=host, path=path, policy=self.policy, matcher=self.matcher, grant=self.grant, role=role)

    def is_allowed_anywhere(self, name: bytes) -> bool:
        """Whether some host and path allows the name, or keeps it in another form: then a deletion could hit a wanted
        cookie.
        """
        rules = self.matcher.possible(name)
        unlisted = not rules or rules[-1].is_narrowed
        if unlisted and self.policy.enforcement.unlisted == "allow":
            return True
        return any(
            self.grant.of(rule.category, rule.consent).allows
            or rule.on_refusal in (OnRefusal.SESSION, OnRefusal.REPLACE)
            or rule.mode not in (None, Mode.ENFORCE)
            for rule in rules
        )

    def first_obstacle(
        self, names: tuple[bytes, ...], doubtful: tuple[bytes, ...], host: str, path: str
    ) -> Ruling | None:
        """The ruling that keeps a pair with these names (the cookie's own first) from the upstream, or None.

        A ``doubtful`` name, and what a server makes of a name by renaming it, counts where a rule knows it:
        ``.AspNetCore.Session`` is ``_AspNetCore_Session`` to PHP, which is nobody's cookie and no obstacle, but
        ``%5fga`` is ``_ga``. So does every further name in a required cookie, or a sign-in would break over ``href=``
        in a flash message. In any other cookie, unlisted names count too. What is enforced comes before what is only
        reported.
        """
        own, *inner = (self.ruling(name, host, path) for name in names)
        renamed = [mangled for name in names for mangled in mangled_names(name)]
        known = [self.ruling(name, host, path) for name in (*doubtful, *renamed)]
        if own.reason in (Reason.REQUIRED, Reason.CONSENT_COOKIE):
            known, inner = [*inner, *known], []
        inner += [ruling for ruling in known if ruling.reason is not Reason.UNLISTED]
        # The value behind an inner name is not looked at, so the constant of { value = … } excuses the cookie's own
        # name alone.
        obstacles = [ruling for ruling in inner if not ruling.allowed and ruling.on_refusal is not OnRefusal.SESSION]
        if not own.allowed and own.on_refusal not in (OnRefusal.SESSION, OnRefusal.REPLACE):
            obstacles.insert(0, own)
        return next((one for one in obstacles if one.mode is Mode.ENFORCE), obstacles[0] if obstacles else None)

    def remember_sent(self, name: bytes) -> None:
        """Notes a name whose plain pairs go to the upstream without another look, wherever they occur.

        Behind a name that is no token, ASP.NET Core reads further names in the value: that has to be looked at.
        """
        if len(name) > _SHORT or not is_token(name) or self.registry.is_unlearned(name):
            return
        if not self.matcher.is_narrowed(name) and not any(map(self.matcher.is_narrowed, mangled_names(name))):
            if len(self.sent_as_is) >= _REMEMBERED:
                self.sent_as_is.clear()
            self.sent_as_is.add(name)
