"""From a cookie-name to its rule, at a cost that does not grow with the number of rules.

Exact names and literal prefixes are looked up in dictionaries; only patterns that begin and end with a wildcard are
tried one by one, and a name's result is remembered. Of the rules that match, a rule of the file outweighs one of a
preset; then an exact name, the longest literal prefix, a rule with hosts or paths, and the one written first. A site's
own rules outweigh all of these: they are a matcher of their own, over that of the rules which it shares with others.
"""

import re
from collections.abc import Callable, Iterable

from gatekeeper.cookies.scope import path_matches
from gatekeeper.policy.document import FILE, SITE, Policy, Rule
from gatekeeper.policy.glob import compile_glob, is_prefix_pattern, literal_prefix, literal_suffix

# Names, and octets of one; a hostile upstream that invents more only empties the table.
_REMEMBERED = 16384
_SHORT = 256


_PARAMETERS = re.compile(r";[^/]*")


class _Compiled:
    """A rule with its place in the order and its tests."""

    __slots__ = ("hosts", "matches", "order", "paths", "rule")

    def __init__(self, rule: Rule, index: int) -> None:
        self.rule = rule
        self.order = (
            rule.source != FILE,
            not rule.is_exact,
            -len(literal_prefix(rule.name).encode()),
            not rule.is_narrowed,
            index,
        )
        simple = rule.is_exact or is_prefix_pattern(rule.name)
        self.matches: Callable[[bytes], bool] | None = None if simple else compile_glob(rule.octets)
        self.hosts = tuple(compile_glob(host.lower().encode()) for host in rule.hosts)
        self.paths = tuple(_path_test(path) for path in rule.paths)

    def holds(self, host: str, path: str) -> bool:
        """Whether the rule holds for this host (lower case, no port) and path."""
        if self.hosts and not any(matches(host.encode()) for matches in self.hosts):
            return False
        if not self.paths:
            return True
        # "/shop;jsessionid=1" is "/shop" to a Java app (RFC 3986 section 3.3).
        plain = _PARAMETERS.sub("", path) if ";" in path else path
        return any(matches(plain) for matches in self.paths)


def _path_test(pattern: str) -> Callable[[str], bool]:
    if "*" in pattern or "?" in pattern:
        matches = compile_glob(pattern.encode())
        return lambda path: matches(path.encode("utf-8", "surrogateescape"))
    return lambda path: path_matches(path, pattern)


class Matcher:
    """Immutable but for its memory of names. Every rule of ``rules`` outweighs those of ``below``."""

    def __init__(self, rules: Iterable[Rule], below: "Matcher | None" = None) -> None:
        self._below = below
        self._exact: dict[bytes, list[_Compiled]] = {}
        self._prefixes: dict[bytes, list[_Compiled]] = {}
        self._suffixes: dict[bytes, list[_Compiled]] = {}
        self._others: list[_Compiled] = []
        for index, rule in enumerate(rules):
            self._add(_Compiled(rule, index))
        self._prefix_lengths = tuple(sorted({len(prefix) for prefix in self._prefixes}))
        self._suffix_lengths = tuple(sorted({len(suffix) for suffix in self._suffixes}))
        self._memory: dict[bytes, tuple[_Compiled, ...]] = {}

    def _add(self, compiled: _Compiled) -> None:
        name = compiled.rule.name
        if compiled.rule.is_exact:
            self._exact.setdefault(name.encode(), []).append(compiled)
        elif prefix := literal_prefix(name):
            self._prefixes.setdefault(prefix.encode(), []).append(compiled)
        elif suffix := literal_suffix(name):
            self._suffixes.setdefault(suffix.encode(), []).append(compiled)
        else:
            self._others.append(compiled)

    def find(self, name: bytes, host: str = "", path: str = "/") -> Rule | None:
        """The rule for a cookie-name on a host (lower case, no port) and path, or None for an unlisted name."""
        for compiled in self._candidates(name):
            if compiled.holds(host, path):
                return compiled.rule
        return None

    def is_narrowed(self, name: bytes) -> bool:
        """Whether the name's rule depends on host or path."""
        return any(compiled.rule.is_narrowed for compiled in self._candidates(name))

    def possible(self, name: bytes) -> tuple[Rule, ...]:
        """Every rule that may be the name's, on one host and path or another."""
        return tuple(compiled.rule for compiled in self._candidates(name))

    def _candidates(self, name: bytes) -> tuple[_Compiled, ...]:
        found = self._memory.get(name)
        if found is None:
            if len(self._memory) >= _REMEMBERED:
                self._memory.clear()
            found = self._search(name)
            if len(name) <= _SHORT:
                self._memory[name] = found
        return found

    def _search(self, name: bytes) -> tuple[_Compiled, ...]:
        found = list(self._exact.get(name, ()))
        for length in self._prefix_lengths:
            if length <= len(name):
                found += self._prefixes.get(name[:length], ())
        for length in self._suffix_lengths:
            if length <= len(name):
                found += self._suffixes.get(name[-length:], ())
        found += self._others
        ordered = sorted((one for one in found if one.matches is None or one.matches(name)), key=lambda one: one.order)
        # Behind the first rule that holds everywhere, none can win.
        for place, one in enumerate(ordered, start=1):
            if not one.rule.is_narrowed:
                return tuple(ordered[:place])
        return tuple(ordered) if self._below is None else (*ordered, *self._below._candidates(name))


def matcher_of(policy: Policy, top: tuple[Policy, Matcher] | None = None) -> Matcher:
    """The matcher of a policy's rules. Those that it has from the ``top`` level are not compiled again."""
    own = sum(rule.source == SITE for rule in policy.rules)
    shared = policy.rules[own:]
    below = top[1] if top is not None and top[0].rules == shared else Matcher(shared)
    return Matcher(policy.rules[:own], below) if own else below
