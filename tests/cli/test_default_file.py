"""``config/gatekeeper.toml`` means what the program does without a file, and leaves out no key that it reads."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.assembly import lines_of, load_settings
from gatekeeper.policy.presets import library
from gatekeeper.policy.schema import Table
from gatekeeper.settings import build_settings

FILE = Path(__file__).parents[2] / "config" / "gatekeeper.toml"

# A file in which each table that may be left out is there, so that its keys are asked for.
WHOLE: dict[str, object] = {
    "category": [{"id": "necessary", "basis": "required"}],
    "cookie": [{"name": "a", "category": "necessary", "on_refusal": {"value": "off"}}],
    "consent": {"custom": {"shape": "word", "granted": ["yes"]}, "map": {}},
    "page": {"section": [{"title": "a", "text": "b"}]},
    "regions": {"field": "X-Country"},
    "region": [{"name": "a", "values": ["FR"]}],
    "site": [{"hosts": ["a.example"]}],
}

# What the file leaves to docs/configuration.md. Nothing may join it: a new key is told in the file too.
LEFT_OUT = {
    *("consent.custom." + key for key in ("assign", "complete", "id_key", "lists", "map", "order", "path", "paths")),
    *("consent.custom." + key for key in ("separator", "value_key")),
    "cookie.mode",
    "cookie.on_refusal.value",  # stands there as { value = "off" }
    *(
        "page." + key
        for key in ("intro", "section", "section.text", "section.title", "table_title", "title", "updated")
    ),
    "page",
}


def without_indexes(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every key that the program reads, as it asks for them."""
    asked: set[str] = set()
    read = Table.raw

    def raw(table: Table, key: str) -> object:
        asked.add(without_indexes(f"{table.path}.{key}".lstrip(".")))
        return read(table, key)

    monkeypatch.setattr(Table, "raw", raw)
    build_settings(WHOLE, presets={})
    return asked


def told() -> set[str]:
    """Every key in the file; "#" right before a word is an example."""
    return {without_indexes(path) for path in lines_of(re.sub(rb"(?m)^#(?=\S)", b"", FILE.read_bytes()))}


def test_the_file_means_the_shipped_defaults() -> None:
    assert replace(load_settings(FILE), source="") == build_settings(None, presets=library())


def test_the_keys_are_found_by_asking(keys: set[str]) -> None:
    assert {"presets", "server.drain", "upstream.url", "log.repeat", "consent.custom.shape", "cookie.max_age"} <= keys


def test_the_file_tells_every_key_that_the_program_reads(keys: set[str]) -> None:
    assert keys - told() <= LEFT_OUT


def test_the_file_tells_no_key_that_the_program_does_not_read(keys: set[str]) -> None:
    assert told() - keys <= {"consent.map.C0002"}  # an operator's own word


def test_what_the_examples_in_the_file_say_is_valid(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^#(?=\S)", "", FILE.read_text("utf-8"))
    once, _, _ = text.partition('presets = ["essential"]')
    example = tmp_path / "site.toml"
    # "presets" stands there twice, as an example and as the default.
    example.write_text(once + text.partition('presets = ["essential"]')[2], "utf-8")
    settings = load_settings(example)
    assert [category.id for category in settings.policy.categories] == [
        "necessary",
        "functional",
        "analytics",
        "marketing",
    ]
    assert {"basket", "newsletter_popup", "personal_ads"} <= {rule.name for rule in settings.policy.rules}
