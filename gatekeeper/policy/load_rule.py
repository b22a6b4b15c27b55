"""A ``[[cookie]]`` table: one rule, checked against what browsers would refuse."""

import re
from typing import Any, cast
from urllib.parse import unquote

from gatekeeper.consent.category import Basis, Vocabulary
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import categories_of
from gatekeeper.cookies.grammar import COOKIE_OCTETS, MAX_NAME_VALUE
from gatekeeper.cookies.scope import requires_host_only, requires_secure
from gatekeeper.policy.document import FILE, SESSION, SITE, Mode, OnRefusal, Rule
from gatekeeper.policy.load_consent import no_category
from gatekeeper.policy.schema import Table, did_you_mean, quoted, seconds

# "off" is for a whole site: a rule that judges nothing is no rule.
_HOST = re.compile(r"[a-z0-9*?_-]+(\.[a-z0-9*?_-]+)*")
_IPV6 = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
# Whose rules name the operator's categories and no others.
_OPERATORS = (FILE, SITE)
_MODES = (Mode.ENFORCE.value, Mode.REPORT_ONLY.value)
_ON_REFUSAL = tuple(kind.value for kind in OnRefusal if kind is not OnRefusal.REPLACE)


def read_rule(table: Table, vocabulary: Vocabulary, source: str) -> Rule | None:
    name = table.text("name", empty=False)
    if not table.has("name"):
        table.report("name", "is missing")
    elif any(char in name for char in "=;") or not name.isprintable() or name != name.strip():
        table.report("name", f"{quoted(name)} cannot be a cookie-name")
    elif len(name.encode()) > 256:
        table.report("name", "is longer than 256 octets")
    consent = _consent(table)
    category = _category(table, consent, vocabulary, source)
    on_refusal, replacement = _on_refusal(table)
    rule = Rule(
        name,
        category,
        table.text("function"),
        table.text("purpose"),
        table.text("provider"),
        cast("Any", table.text("party", choices=("first", "third"))),
        _described_duration(table),
        tuple(read_host(table, index, host) for index, host in enumerate(table.strings("hosts"))),
        tuple(_path(table, index, path) for index, path in enumerate(table.strings("paths"))),
        on_refusal,
        replacement,
        _mode(table),
        read_cap(table),
        table.flag("renew", default=True),
        table.optional_flag("secure"),
        table.optional_flag("httponly"),
        cast("Any", _samesite(table)),
        table.optional_flag("partitioned"),
        _attribute(table, "domain"),
        _attribute(table, "path"),
        source,
        consent,
    )
    _report_contradictions(table, rule)
    table.close()
    return rule if name and category in vocabulary.ids() | ({category} if source not in _OPERATORS else set()) else None


def read_cap(table: Table) -> int | None:
    """The key ``max_age`` of what caps a lifetime, in seconds."""
    cap = table.duration("max_age", None, session=SESSION)
    if cap == 0 and table.raw("max_age") != "session":
        table.report("max_age", 'must be longer than nothing; "session" ends with the browser session')
    return cap


def _consent(table: Table) -> tuple[str, ...]:
    """The ids of a platform's own, each behind its format, that the rule is bound to."""
    good = []
    for index, one in enumerate(table.strings("consent")):
        identity, colon, native = one.partition(":")
        if not colon or not native:
            example = f"klaro:{one.strip(':')}"
            table.report(
                f"consent[{index}]", f"{quoted(one)} names no format; write one before it, as in {quoted(example)}"
            )
        elif identity not in KNOWN:
            hint = did_you_mean(identity, sorted(KNOWN))
            table.report(f"consent[{index}]", f"{quoted(identity)} is no format with ids of its own{hint}")
        else:
            good.append(one)
    return tuple(dict.fromkeys(good))


def _category(table: Table, consent: tuple[str, ...], vocabulary: Vocabulary, source: str) -> str:
    category = table.text("category", empty=False)
    if not table.has("category"):
        told = {categories_of(one, vocabulary) for one in consent}
        category = next(iter(told.pop()), "") if len(told) == 1 else ""
        if not category and not table.is_reported("consent"):
            table.report("category", "is missing" + (", and is not the same for all ids of consent" if consent else ""))
    elif category and category not in vocabulary.ids() and source in _OPERATORS:
        table.report("category", no_category(category, vocabulary))
    if consent and category in vocabulary.ids(Basis.REQUIRED):
        table.report("consent", f"means nothing in the category {quoted(category)}, which needs no consent")
    return category


def _mode(table: Table) -> Mode | None:
    text = table.text("mode", choices=_MODES)
    return Mode(text) if text else None


def _on_refusal(table: Table) -> tuple[OnRefusal, str]:
    value = table.raw("on_refusal")
    if not isinstance(value, dict):
        return OnRefusal(table.text("on_refusal", OnRefusal.DROP.value, choices=_ON_REFUSAL)), ""
    inner = table.table("on_refusal")
    text = inner.text("value")
    if not inner.has("value"):
        inner.report("value", "is missing")
    elif not COOKIE_OCTETS.fullmatch(text.encode()) or len(text) > MAX_NAME_VALUE // 2:
        inner.report("value", "may hold no space, quote, comma, semicolon, backslash or control character")
    inner.close()
    return OnRefusal.REPLACE, text


def _described_duration(table: Table) -> str:
    text = table.text("duration")
    if text and text != "session" and seconds(text) is None:
        table.report("duration", f'{quoted(text)} is no duration; write "180d", "13mo" or "session"')
    return text


def _samesite(table: Table) -> str | None:
    if table.raw("samesite") is None:
        return None
    text = table.text("samesite", "Lax")
    known = {"strict": "Strict", "lax": "Lax", "none": "None"}
    if text.lower() not in known:
        table.report("samesite", f'{quoted(text)} is not "Strict", "Lax" or "None"')
    return known.get(text.lower(), "Lax")


def read_host(table: Table, index: int, host: str) -> str:
    """A host as a request's is compared: lower case, ASCII, without port, brackets and a trailing dot."""
    name = host.lower().removesuffix(".")
    name = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if not name.isascii():
        try:
            # RFC 5890: browsers ask for the A-label. A wildcard stands for whole labels or parts of ASCII ones.
            name = ".".join(part if part.isascii() else part.encode("idna").decode() for part in name.split("."))
        except UnicodeError:
            name = ""
    if not _HOST.fullmatch(name) and not _IPV6.fullmatch(name):
        table.report(f"hosts[{index}]", f'{quoted(host)} is no host; write "shop.example.org" or "*.example.org"')
    return name


def _path(table: Table, index: int, path: str) -> str:
    """A path pattern as a request's decoded path is compared."""
    if not path.startswith(("/", "*")) or any(char in path for char in "?#"):
        table.report(f"paths[{index}]", f'{quoted(path)} is no path; write "/shop" or "/shop/*", without a query')
    return unquote(path)


def _attribute(table: Table, key: str) -> str | None:
    if table.raw(key) is None:
        return None
    text = table.text(key, empty=False)
    if ";" in text or not text.isprintable() or not text.isascii():
        table.report(key, f"{quoted(text)} cannot be written in a Set-Cookie field")
    elif key == "path" and text and not text.startswith("/"):
        table.report(key, "must start with /")
    elif key == "domain" and text and not _HOST.fullmatch(text.removeprefix(".").lower()):
        table.report(key, f'{quoted(text)} is no domain; write "example.org"')
    return text


def _report_contradictions(table: Table, rule: Rule) -> None:
    """What browsers would refuse: a rewrite must never turn a cookie into one that is not stored."""
    name = rule.octets
    if rule.samesite == "None" and rule.secure is not True:
        table.report("samesite", '"None" needs secure = true: browsers refuse it otherwise')
    if rule.partitioned and rule.secure is not True:
        table.report("partitioned", "needs secure = true: browsers refuse it otherwise")
    if rule.secure is False and requires_secure(name):
        table.report("secure", "a name with this prefix must stay Secure")
    if requires_host_only(name) and (rule.domain or rule.path not in (None, "/")):
        table.report("domain" if rule.domain else "path", "a __Host- cookie has no Domain, and the Path /")
