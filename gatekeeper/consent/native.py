"""Gatekeeper's own consent cookie (format ``gatekeeper``), written and read, and the lenient reading of
``cookies_preferences``.

The value is percent-encoded JSON, so that any server and any script reads it::

    {"v":1,"rev":3,"t":1763900000,"id":"…","granted":["statistics"],"refused":["marketing"]}

``v`` is the format's version, ``rev`` the policy's revision, ``t`` the time of the choice in epoch seconds, ``id`` a
random identifier of the consent record. What an application may already write under that name is read too: a map of
categories, a list of them, a word.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeGuard
from urllib.parse import quote

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import UNDECIDED, Choice, State
from gatekeeper.consent.readers.base import LATEST, MAX_JSON_ITEMS, Cookies, load_json, unwrapped, yes_or_no

FORMAT = "gatekeeper"
VERSION = 1

_ALL = frozenset({"all", "true", "1", "accept"})
_NONE = frozenset({"none", "false", "0", "deny", "necessary"})
# What starts as JSON and does not parse, or is still encoded, must not be read as words: half of it could grant.
_NO_WORDS = frozenset('{}[]"%')


@dataclass(frozen=True, slots=True)
class NativeReader:
    """Reads ``cookies_preferences``, or whatever the operator calls it."""

    cookies: tuple[bytes, ...] = (b"cookies_preferences",)
    companions: tuple[bytes, ...] = ()
    id: str = FORMAT

    def read(self, cookies: Cookies, vocabulary: Vocabulary) -> Choice | None:
        """Anything that is none of the known shapes is undecided."""
        for text in unwrapped(cookies[self.cookies[0]]):
            try:
                document = load_json(text)
            except ValueError:
                choice = _read_words(text, vocabulary)
            else:
                choice = _read_json(document, vocabulary)
                # Decoding JSON that is JSON already would make its texts speak: {"name":"%22,%22marketing%22:true…"}.
                if choice is None and isinstance(document, dict | list):
                    return UNDECIDED
            if choice is not None:
                return choice
        return UNDECIDED


def _read_json(document: object, vocabulary: Vocabulary) -> Choice | None:
    if isinstance(document, list):
        return _listed(document, vocabulary)
    if isinstance(document, str):
        return _read_words(document, vocabulary)
    if not isinstance(document, dict):
        return _everything(yes_or_no(document), vocabulary)
    if "granted" in document or "refused" in document or "v" in document:
        choice = _read_own(document, vocabulary)
    elif isinstance(document.get("categories"), list):
        choice = _listed(document["categories"], vocabulary)
    else:
        return _mapped(document.items(), vocabulary)
    # {"categories":["marketing"],"marketing":false} says both; the no counts.
    denied = frozenset(
        category
        for name, value in document.items()
        if yes_or_no(value) is False and (category := vocabulary.resolve(name)) is not None
    )
    if choice is None or not denied:
        return choice
    return replace(choice, granted=choice.granted - denied, refused=choice.refused | denied)


def _read_own(document: dict[str, object], vocabulary: Vocabulary) -> Choice | None:
    granted, refused = document.get("granted", []), document.get("refused", [])
    revision, given_at, version = document.get("rev"), document.get("t"), document.get("v", VERSION)
    if version != VERSION or type(version) is not int or not _are_names(granted) or not _are_names(refused):
        return None
    yes, no = vocabulary.resolve_all(granted), vocabulary.resolve_all(refused)
    if not _is_count(revision) or not _is_count(given_at):
        return Choice(State.UNDECIDED, refused=no, format=FORMAT)  # nobody can tell how old it is
    if not {"granted", "refused"} & document.keys() or ((granted or refused) and not yes and not no):
        return None  # no choice, or one between categories that are no more
    return Choice(
        State.DECIDED,
        yes - no,
        no,
        given_at=given_at,
        revision=revision,
        format=FORMAT,
    )


def _read_words(text: str, vocabulary: Vocabulary) -> Choice | None:
    if not _NO_WORDS.isdisjoint(text):
        return None
    word = text.strip().lower()
    if word in _ALL or word in _NONE:
        return _everything(word in _ALL, vocabulary)
    separators = [separator for separator in "|&," if separator in text]
    if len(separators) > 1 or any(text.count(separator) > MAX_JSON_ITEMS for separator in separators):
        return None
    parts = text.split(separators[0]) if separators else [text]
    for assign in ":=":
        pairs = [part.partition(assign) for part in parts]
        if all(found for _, found, _ in pairs):
            return _mapped(((name, value) for name, _, value in pairs), vocabulary)
    return _listed(parts, vocabulary) if {*"|&:="}.isdisjoint(text) else None


def _everything(answer: bool | None, vocabulary: Vocabulary) -> Choice | None:
    if answer is None:
        return None
    optional = vocabulary.optional()
    granted, refused = (optional, frozenset[str]()) if answer else (frozenset[str](), optional)
    return Choice(State.DECIDED, granted, refused, format=FORMAT)


def _listed(names: Iterable[object], vocabulary: Vocabulary) -> Choice | None:
    """What is listed is granted, what is left out is refused; a list with nothing known in it says nothing."""
    known = list(names)
    if not _are_names(known):
        return None
    granted = vocabulary.resolve_all(known)
    if (known and not granted) or any(yes_or_no(name) is not None for name in known):
        return None  # "no,marketing" is no list of what is granted
    return Choice(State.DECIDED, granted, vocabulary.optional() - granted, format=FORMAT)


def _mapped(entries: Iterable[tuple[str, object]], vocabulary: Vocabulary) -> Choice | None:
    """Each known category with a yes or a no; other keys are the application's own and say nothing."""
    yes: set[str] = set()
    no: set[str] = set()
    for name, value in entries:
        category = vocabulary.resolve(name)
        if category is None:
            continue
        answer = yes_or_no(value)
        if answer is None:
            return None
        (yes if answer else no).add(category)
    if not yes and not no:
        return None
    return Choice(State.DECIDED, frozenset(yes - no), frozenset(no), format=FORMAT)


def _are_names(names: object) -> TypeGuard[list[str]]:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _is_count(value: object) -> TypeGuard[int | None]:
    return value is None or (type(value) is int and 0 <= value <= LATEST)


def write_choice(*, granted: Iterable[str], refused: Iterable[str], revision: int, now: int, record_id: str) -> bytes:
    """The cookie-value for a choice made at ``now`` (epoch seconds), in cookie-octets only."""
    document = {
        "v": VERSION,
        "rev": revision,
        "t": now,
        "id": record_id,
        "granted": sorted(granted),
        "refused": sorted(refused),
    }
    return quote(json.dumps(document, separators=(",", ":"), ensure_ascii=False), safe="").encode()


def write_set_cookie(
    name: bytes, value: bytes, *, max_age: int, secure: bool, domain: str | None = None, path: str = "/"
) -> bytes:
    """The Set-Cookie field value for the consent cookie. Not HttpOnly: scripts of the page read the choice; ``max_age``
    in seconds.
    """
    where = b"" if domain is None else b"; Domain=" + domain.encode()
    attributes = b"; Path=%b; Max-Age=%d; SameSite=Lax" % (path.encode(), max_age)
    return name + b"=" + value + where + attributes + (b"; Secure" if secure else b"")
