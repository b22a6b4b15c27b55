"""The ``[consent]`` table: which cookie holds the choice, and how to read it."""

from typing import Any, cast

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.grant import Gpc
from gatekeeper.consent.native import NativeReader
from gatekeeper.consent.readers.base import Reader
from gatekeeper.consent.readers.custom import FORMAT as CUSTOM
from gatekeeper.consent.readers.custom import CustomReader, Scalar
from gatekeeper.consent.readers.registry import FORMATS
from gatekeeper.policy.document import Consent
from gatekeeper.policy.schema import Table, did_you_mean, quoted
from gatekeeper.wire.fields import is_trustworthy

_BOOLEAN_WORDS = ("true", "false", "1", "0")
_SHAPES = ("word", "json", "pairs", "list", "positional")
_SHAPE_KEYS = {
    "word": {"granted", "refused"},
    "json": {"paths", "granted", "refused"},
    "pairs": {"separator", "assign", "map", "granted", "refused"},
    "list": {"separator", "lists", "map"},
    "positional": {"order", "separator", "granted", "refused"},
}


def read_mapping(table: Table, vocabulary: Vocabulary) -> dict[str, str]:
    mapping = {}
    for native in table.keys():  # noqa: SIM118 — not a dict: a table notes what it was asked for
        category = table.text(native, empty=False)
        if category in vocabulary.ids():
            mapping[native] = category
        elif category:
            table.report(native, no_category(category, vocabulary))
    return mapping


def no_category(name: str, vocabulary: Vocabulary) -> str:
    synonym = vocabulary.resolve(name)
    hint = f"; did you mean {quoted(synonym)}?" if synonym else did_you_mean(name, sorted(vocabulary.ids()))
    return f"{quoted(name)} is no category{hint}"


def read_consent(table: Table, vocabulary: Vocabulary) -> Consent:
    cookie = table.text("cookie", "cookies_preferences", empty=False)
    if not is_trustworthy(cookie.encode(), b""):
        table.report("cookie", f"{quoted(cookie)} cannot be a cookie-name")
    chosen = table.text("format", "auto", choices=sorted(FORMATS))
    reader: Reader = NativeReader((cookie.encode(),))
    if table.raw("custom") is not None:
        if chosen not in ("auto", CUSTOM):
            table.report("format", f"is {quoted(chosen)}, and [consent.custom] describes another; leave one out")
        reader = _custom(table.table("custom"), cookie.encode(), vocabulary)
    elif chosen == CUSTOM:
        table.report("custom", 'is missing, and format is "custom"')
    consent = Consent(
        cookie,
        chosen,
        table.integer("revision", 1, least=1),
        table.duration("max_age", 180 * 86400) or 0,
        _gpc(table),
        table.flag("dnt", default=False),
        table.flag("forward", default=True),
        table.flag("upstream_may_set", default=True),
        (reader,),
    )
    if consent.max_age == 0:
        table.report("max_age", "must be longer than nothing: every choice would be stale at once")
    table.close()
    return consent


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
        "separator": table.text("separator"),
        "assign": table.text("assign", ":", empty=False),
        "map": _words(table.table("map")),
        "lists": table.text("lists", "granted", choices=("granted", "refused")),
        "order": table.strings("order"),
    }
    for key in settings:
        if is_said and table.has(key) and key not in _SHAPE_KEYS[shape]:
            table.report(key, f"means nothing for the shape {quoted(shape)}")
    categories = {"paths": settings["paths"], "map": settings["map"].values(), "order": settings["order"]}
    for key, names in categories.items():
        for name in names:
            if name not in vocabulary.ids():
                table.report(key, no_category(name, vocabulary))
    needed = {"word": "granted", "json": "paths", "positional": "order"}.get(shape)
    if needed and is_said and not settings[needed] and not table.is_reported(needed):
        table.report(needed, f"is missing, and the shape {quoted(shape)} rests on it")
    table.close()
    return CustomReader(shape, (cookie,), **settings)


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
