"""The ``[consent]`` table: which cookie holds the choice, and how to read it."""

import re
from typing import Any, cast

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.grant import Gpc
from gatekeeper.consent.native import FORMAT as NATIVE
from gatekeeper.consent.native import NativeReader
from gatekeeper.consent.readers.base import Reader
from gatekeeper.consent.readers.custom import FORMAT as CUSTOM
from gatekeeper.consent.readers.custom import CustomReader, Scalar
from gatekeeper.consent.readers.known import KNOWN
from gatekeeper.consent.readers.registry import AUTO, format_ids, guessed_readers
from gatekeeper.consent.reissue import MarkReader
from gatekeeper.policy.document import Consent
from gatekeeper.policy.schema import EnvironmentText, Table, did_you_mean, quoted
from gatekeeper.wire.fields import is_trustworthy

_BOOLEAN_WORDS = ("true", "false", "1", "0")
_DOMAIN = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PATH = re.compile(r"/[\x21-\x3a\x3c-\x7e]*")
_WHICH_DOMAIN = (
    'is missing: the Domain with which the platform writes its cookie, or "" where it writes none; '
    "in another place, a second copy would lie beside its own"
)
_SHAPES = ("word", "json", "pairs", "list", "positional")
_SHAPE_KEYS = {
    "word": {"granted", "refused"},
    "json": {"paths", "path", "id_key", "value_key", "map", "lists", "complete", "granted", "refused"},
    "pairs": {"separator", "assign", "map", "granted", "refused"},
    "list": {"separator", "lists", "complete", "map"},
    "positional": {"order", "separator", "granted", "refused"},
}
# JSON has its answers in one of three ways, and each has keys of its own.
_JSON_WAYS = {
    "paths": {"paths", "granted", "refused"},
    "id_key": {"path", "id_key", "value_key", "map", "granted", "refused"},
    "lists": {"path", "lists", "complete", "map"},
}


def read_mapping(table: Table, vocabulary: Vocabulary) -> dict[str, str | tuple[str, ...]]:
    """The operator's names for categories; one may stand for several."""
    mapping: dict[str, str | tuple[str, ...]] = {}
    for native in table.keys():  # noqa: SIM118 — not a dict: a table notes what it was asked for
        several = isinstance(table.raw(native), list)
        named = table.strings(native) if several else (table.text(native, empty=False),)
        if problem := misspelt_format(native) or (several and not table.raw(native) and "must name a category"):
            table.report(native, problem)
        for category in named:
            if category and category not in vocabulary.ids():
                table.report(native, no_category(category, vocabulary))
        good = tuple(category for category in named if category in vocabulary.ids())
        if good:
            mapping[native] = good[0] if len(good) == 1 else good
    return mapping


def no_category(name: str, vocabulary: Vocabulary) -> str:
    synonym = vocabulary.resolve(name)
    hint = f"; did you mean {quoted(synonym)}?" if synonym else did_you_mean(name, sorted(vocabulary.ids()))
    return f"{quoted(name)} is no category{hint}"


def read_consent(table: Table, vocabulary: Vocabulary) -> Consent:
    cookie = table.text("cookie", "cookies_preferences", empty=False)
    if not is_trustworthy(cookie.encode(), b""):
        table.report("cookie", f"{quoted(cookie)} cannot be a cookie-name")
    formats = _formats(table)
    readers, guessed = _readers(table, formats, cookie.encode(), vocabulary)
    consent = Consent(
        cookie,
        formats,
        table.integer("revision", 1, least=1),
        table.duration("max_age", 180 * 86400) or 0,
        _gpc(table),
        table.flag("dnt", default=False),
        table.flag("forward", default=True),
        table.flag("upstream_may_set", default=True),
        (*readers, MarkReader()) if (reissue := table.flag("reissue", default=False)) else readers,
        guessed,
        gpc_json=table.flag("gpc_json", default=True),
        reissue=reissue,
        domain=_domain(table),
        path=_path(table),
    )
    if reissue and not table.has("domain"):
        table.report("domain", _WHICH_DOMAIN)
    if consent.max_age == 0:
        table.report("max_age", "must be longer than nothing: every choice would be stale at once")
    table.close()
    return consent


def _domain(table: Table) -> str:
    domain = table.text("domain").lower().removeprefix(".")
    if domain and not _DOMAIN.fullmatch(domain):
        table.report("domain", f'{quoted(domain)} is no domain; write "example.org", or "" for the host alone')
    return domain


def _path(table: Table) -> str:
    path = table.text("path", "/")
    if not _PATH.fullmatch(path):
        table.report("path", f'{quoted(path)} is no path; write "/" or "/shop"')
    return path


def _formats(table: Table) -> tuple[str, ...]:
    """The ids of formats that the file names: one, or a list."""
    several = isinstance(table.raw("format"), list | EnvironmentText)
    named = table.strings("format") if several else (table.text("format", AUTO, empty=False),)
    good = []
    for index, one in enumerate(named):
        path = f"format[{index}]" if len(named) > 1 else "format"
        if one not in format_ids():
            table.report(path, f"{quoted(one)} is no format that is known{did_you_mean(one, sorted(format_ids()))}")
        elif one in KNOWN and KNOWN[one].opaque:
            table.report(path, f"{quoted(one)} cannot be read on a server: {KNOWN[one].opaque}")
        elif one == AUTO and len(named) > 1:
            table.report(path, '"auto" asks every format: leave it out, or all others')
        else:
            good.append(one)
    if not named and not table.is_reported("format"):
        table.report("format", 'names none; leave it out for "auto"')
    return tuple(dict.fromkeys(good)) or (AUTO,)


def _readers(
    table: Table, formats: tuple[str, ...], cookie: bytes, vocabulary: Vocabulary
) -> tuple[tuple[Reader, ...], tuple[Reader, ...]]:
    """The readers that the file names, and those to be asked besides."""
    described = table.raw("custom") is not None
    custom = (_custom(table.table("custom"), cookie, vocabulary),) if described else ()
    if described and not {AUTO, CUSTOM} & {*formats}:
        named = ", ".join(map(quoted, formats))
        table.report("format", f"is {named}, and [consent.custom] describes another; leave one out")
    elif CUSTOM in formats and not described:
        table.report("custom", 'is missing, and format is "custom"')
    if formats == (AUTO,):
        return (custom, ()) if custom else ((NativeReader((cookie,)),), guessed_readers())
    known = [KNOWN[one] for one in formats if one in KNOWN]
    if table.has("cookie") and len(known) == len(formats):
        # It is the name of none but theirs.
        if len(known) == 1:
            known = [known[0].renamed(cookie)]
        else:
            table.report("cookie", "renames the cookie of one format, and consent.format names several")
    own = (NativeReader((cookie,)),) if NATIVE in formats else ()
    return (*own, *custom, *known), ()


def misspelt_format(native: str) -> str:
    """What is wrong with the part of a platform's id before its colon; nothing where that may be a part of the id."""
    identity, colon, _ = native.partition(":")
    hint = did_you_mean(identity, sorted(KNOWN)) if colon and identity not in KNOWN else ""
    return f"{quoted(identity)} is no format that is known{hint}" if hint else ""


def _gpc(table: Table) -> Gpc:
    if str(table.raw("gpc")) == "strict":
        return "strict"
    if table.has("gpc") and isinstance(table.raw("gpc"), str) and str(table.raw("gpc")).lower() not in _BOOLEAN_WORDS:
        table.report("gpc", f'must be true, false or "strict", not {quoted(table.raw("gpc"))}')
        return True
    return table.flag("gpc", default=True)


def _custom(table: Table, cookie: bytes, vocabulary: Vocabulary) -> CustomReader:
    shape = cast("Any", table.text("shape", "word", choices=_SHAPES))
    is_said = table.raw("shape") == shape
    if not table.has("shape"):
        table.report("shape", "is missing; one of " + ", ".join(map(quoted, _SHAPES)))
    settings: dict[str, Any] = {
        "granted": _scalars(table, "granted"),
        "refused": _scalars(table, "refused"),
        "paths": _words(table.table("paths")),
        "path": table.text("path", empty=False),
        "id_key": table.text("id_key", empty=False),
        "value_key": table.text("value_key", empty=False),
        "separator": table.text("separator"),
        "assign": table.text("assign", ":"),
        "map": _words(table.table("map")),
        "lists": table.text("lists", "granted", choices=("granted", "refused")),
        "complete": table.flag("complete", default=True),
        "order": table.strings("order"),
    }
    if is_said:
        _check_keys(table, shape, settings)
    categories = {"paths": settings["paths"], "map": settings["map"].values(), "order": settings["order"]}
    for key, names in categories.items():
        for name in names:
            if name not in vocabulary.ids():
                table.report(key, no_category(name, vocabulary))
    table.close()
    return CustomReader(shape, (cookie,), **settings)


def _check_keys(table: Table, shape: str, settings: dict[str, Any]) -> None:
    """Reports the keys that say nothing for a shape, and those that it lacks."""
    for key in settings:
        if table.has(key) and key not in _SHAPE_KEYS[shape]:
            table.report(key, f"means nothing for the shape {quoted(shape)}")
    way = next((one for one in _JSON_WAYS if table.has(one)), "paths") if shape == "json" else ""
    for key in sorted(_SHAPE_KEYS[shape] - _JSON_WAYS.get(way, _SHAPE_KEYS[shape])):
        if table.has(key):
            table.report(key, f"means nothing beside {way}")
    needed = {"word": "granted", "json": way, "positional": "order"}.get(shape)
    if needed and not settings[needed] and not table.is_reported(needed):
        table.report(needed, f"is missing, and the shape {quoted(shape)} rests on it")
    if way == "id_key" and not settings["value_key"] and not table.is_reported("value_key"):
        table.report("value_key", "is missing, and id_key rests on it")


def _scalars(table: Table, key: str) -> tuple[Scalar, ...]:
    scalars = []
    for index, item in enumerate(table.items(key, 'a list, such as ["yes", "accepted"]')):
        if isinstance(item, str | bool | int | float):
            scalars.append(item)
        else:
            table.report(f"{key}[{index}]", "must be text, a number, true or false")
    return tuple(scalars)


def _words(table: Table) -> dict[str, str]:
    words = {key: table.text(key, empty=False) for key in table.keys()}  # noqa: SIM118 — as above
    return {key: word for key, word in words.items() if word}
