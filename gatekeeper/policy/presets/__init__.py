"""Rule sets that ship: one TOML file each, in this folder. ``essential`` is made of them."""

import tomllib
from functools import cache
from importlib.resources import files

from gatekeeper.policy.glob import literal_prefix

ESSENTIAL = "essential"
# Whose necessary cookies `essential` takes: what an app or its infrastructure cannot work without, never a tracker or a
# bought-in service.
_ESSENTIAL_KINDS = ("framework", "infrastructure")
_LEAST_PREFIX = 4


def _is_narrow(name: str) -> bool:
    # "_*_session" is Rails' pattern for an app of any name, and would let "_parsely_session" pass in front of all
    # others.
    prefix = literal_prefix(name)
    return prefix == name or len(prefix) >= _LEAST_PREFIX


@cache
def library() -> dict[str, dict[str, object]]:
    """Every preset's tables by its id, ``essential`` first."""
    presets = {
        entry.name.removesuffix(".toml"): tomllib.loads(entry.read_text("utf-8"))
        for entry in sorted(files(__package__).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }
    return {ESSENTIAL: _essential(presets), **presets}


def _essential(presets: dict[str, dict[str, object]]) -> dict[str, object]:
    cookies: dict[str, object] = {}
    for preset in presets.values():
        tables = preset.get("cookie")
        if preset.get("kind") in _ESSENTIAL_KINDS and isinstance(tables, list):
            for cookie in tables:
                if cookie["category"] == "necessary" and _is_narrow(cookie["name"]):
                    cookies.setdefault(cookie["name"], cookie)
    return {
        "title": "Essential",
        "description": "The cookies that frameworks, load balancers and firewalls cannot work without.",
        "kind": "framework",
        "cookie": list(cookies.values()),
    }
