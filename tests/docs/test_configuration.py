"""``docs/configuration.md`` against the code: every key that is read, its default and its variable, and no other."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from unittest import mock

import pytest

from gatekeeper.assembly import load_settings
from gatekeeper.policy.presets import library
from gatekeeper.policy.schema import PolicyError, Table, seconds
from gatekeeper.settings import Settings, build_settings
from tests.docs.pages import ROOT, blocks, rows

PAGE = ROOT / "docs" / "configuration.md"
# One table of each kind, with nothing in it but what makes the loader look further.
EMPTY = {
    "category": [{}],
    "cookie": [{"on_refusal": {}}],
    "consent": {"custom": {}},
    "page": {"section": [{}]},
    "region": [{}],
    "site": [{}],
}
# What is told in the file alone.
NO_VARIABLE = {"site"}
# Whose default is made of something else, and is told in words.
IN_WORDS = {"category.title", "cookie.on_refusal"}
TYPED = ("text", "integer", "duration", "flag", "optional_flag", "strings", "items", "table", "tables", "raw", "keys")


@dataclass(frozen=True)
class Documented:
    """A row of the reference."""

    default: str
    example: str  # of a key in an array of tables; elsewhere the section has one


@cache
def read_keys() -> dict[str, object]:
    """Each key that is read while settings are built, with what an empty file gives for it."""
    return _build()[0]


@cache
def _build() -> tuple[dict[str, object], frozenset[str]]:
    """Those, and the keys that such a file is told to lack."""
    found: dict[str, object] = {}

    def recorded(method: Callable[..., object]) -> Callable[..., object]:
        def call(table: Table, key: str = "", *rest: Any, **more: Any) -> object:
            value = method(table, key, *rest, **more) if key else method(table)
            path = _without_places(f"{table.path}.{key}".strip("."))
            if key and (method.__name__ != "raw" or path not in found):
                # The outermost reader returns last, and knows the default.
                found[path] = value
            return value

        return call

    patches = {name: recorded(getattr(Table, name)) for name in TYPED}
    with mock.patch.multiple(Table, **patches), pytest.raises(PolicyError) as told:
        build_settings(EMPTY, presets={})
    missing = {_without_places(one.path) for one in told.value.problems if one.message.startswith("is missing")}
    return found, frozenset(missing)


def _without_places(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


@cache
def documented() -> dict[str, Documented]:
    found: dict[str, Documented] = {}
    for row in rows(PAGE):
        table = re.search(r"`\[?\[?([\w.]+)\]\]?`|`(on_refusal) = |(Top level)", row.headings[-1])
        assert table, row
        key = re.fullmatch(r"`(\w+)`", row.cells[0])
        if key is None:
            continue  # the table of the four categories
        prefix = "" if table[3] else "cookie.on_refusal." if table[2] else f"{table[1]}."
        assert prefix + key[1] not in found, row
        found[prefix + key[1]] = Documented(row.cells[2], row.cells[3] if len(row.cells) == 5 else "")
    return found


def test_every_key_that_is_read_is_documented_and_no_other() -> None:
    tables = {path.rpartition(".")[0] for path in read_keys()} | {"consent.map", "page.section"}
    read = {path for path in read_keys() if path not in tables} | {
        "category",
        "cookie",
        "presets",
        "region",
        "consent.map",
        "consent.custom",
        "cookie.on_refusal",
        "page.section",
        "site",
    }
    assert set(documented()) == read


@pytest.mark.parametrize("path", sorted(read_keys()))
def test_the_documented_default_is_the_real_one(path: str) -> None:
    if path not in documented() or path in IN_WORDS:
        return
    default, real = documented()[path].default, read_keys()[path]
    if default == "none":
        assert real in (None, "", (), []) or isinstance(real, Table | tuple), real
        return
    assert (default == "required") == (path in _build()[1])
    if default == "required":
        return
    told = tomllib.loads(f"value = {default.strip('`')}")["value"]
    if isinstance(told, str) and isinstance(real, int):
        told = seconds(told)
    assert (tuple(told) if isinstance(told, list) else told) == (tuple(real) if isinstance(real, list) else real)


def test_every_key_that_is_not_in_an_array_has_its_variable() -> None:
    lists = re.findall(r"^From the environment: (.*?)\.$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    variables = [name.removesuffix("__…") for text in lists for name in re.findall(r"`([^`]+)`", text)]
    keys = [path for path, one in documented().items() if not one.example]
    assert variables == ["GATEKEEPER_" + path.upper().replace(".", "__") for path in keys if path not in NO_VARIABLE]


@pytest.mark.parametrize("path", sorted(path for path, one in documented().items() if one.example))
def test_the_example_of_a_key_of_an_array_is_one_that_it_takes(path: str) -> None:
    example = tomllib.loads(f"value = {documented()[path].example.strip('`')}")["value"]
    table, _, key = path.rpartition(".")
    documents: dict[str, dict[str, object]] = {
        "category": {"category": [{"id": "x", "basis": "required"} | {key: example}]},
        "cookie": {"cookie": [{"name": "x", "category": "analytics", "secure": True} | {key: example}]},
        "cookie.on_refusal": {"cookie": [{"name": "x", "category": "marketing", "on_refusal": {key: example}}]},
        "page.section": {"page": {"section": [{key: example}]}},
        "region": {"regions": {"field": "X"}, "region": [{"name": "x", "values": ["FR"]} | {key: example}]},
        "site": {"site": [{"hosts": ["a.example"]} | {key: example}]},
    }
    build_settings(documents[table], presets=library())


def test_the_examples_name_every_key_of_their_table() -> None:
    used = {path for block in blocks(PAGE, "toml") for path in _paths(tomllib.loads(block.text))}
    other_shapes = ("paths", "path", "id_key", "value_key", "lists", "complete", "order")
    only_for_some_shapes = {f"consent.custom.{key}" for key in other_shapes}
    assert set(documented()) - used == only_for_some_shapes


def _paths(document: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in document.items():
        yield above + key
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from _paths(one, f"{above}{key}.")


def test_what_a_file_says_the_environment_can_say(tmp_path: Any) -> None:
    for block in blocks(PAGE, "toml"):
        file = tmp_path / "gatekeeper.toml"
        file.write_text(block.text, "utf-8")
        if tomllib.loads(block.text).keys() & NO_VARIABLE:
            continue
        variables = dict(_variables(tomllib.loads(block.text), "GATEKEEPER_"))
        from_environment = build_settings({}, presets=library(), environ=variables)
        assert _comparable(from_environment) == _comparable(load_settings(file)), variables


def _variables(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        name = f"{prefix}{key.upper()}"
        if isinstance(value, dict):
            yield from _variables(value, f"{name}__")
        elif isinstance(value, list):
            yield name, _toml(value)
        else:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _toml(value: object) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
    return str(value)


def _comparable(settings: Settings) -> Settings:
    # Variables come in the order of their names, and these have no case.
    mapping = tuple(sorted((native.lower(), category) for native, category in settings.policy.mapping))
    return replace(settings, source="", policy=replace(settings.policy, mapping=mapping))
