"""A ``[[site]]`` table: which hosts it is for, and its tables over those of the top level."""

import re
from collections.abc import Callable, Mapping

from gatekeeper.policy.document import Policy, Site
from gatekeeper.policy.load_rule import read_host
from gatekeeper.policy.schema import Table, merged, quoted

# What a site may have of its own. Its upstream is read by those who know upstreams.
_TABLES = ("upstream", "consent", "enforcement", "category", "cookie", "presets", "page")
_DEFAULT = "default"
_PORT = re.compile(r"([^:]+|\[[^\]]*\]):[0-9]*")
_LONGEST = 64  # characters of a name


def read_sites(root: Table, policy_of: Callable[[Table], Policy]) -> tuple[Site, ...]:
    """The sites of a file, in its order; ``policy_of`` reads what a site's table says of its policy."""
    sites: list[Site] = []
    hosts: dict[str, str] = {}
    names: dict[str, str] = {}
    for table in root.tables("site"):
        own = _hosts(table, hosts)
        name = _name(table, own, names)
        for key in _TABLES:
            table.raw(key)
        sites.append(Site(name, own, policy_of(table)))
        table.close()
    return tuple(sites)


def _hosts(table: Table, taken: dict[str, str]) -> tuple[str, ...]:
    """The hosts that are no other site's, in canonical form."""
    written = table.strings("hosts")
    if not written and not table.is_reported("hosts"):
        table.report("hosts", "is empty: no request would be this site's" if table.has("hosts") else "is missing")
    own: list[str] = []
    for index, host in enumerate(table.items("hosts") if written else ()):
        key = f"hosts[{index}]"
        if not isinstance(host, str) or table.is_reported(key):
            continue
        if port := _PORT.fullmatch(host):
            table.report(key, f"{quoted(host)} has a port, and a site has all of them; write {quoted(port[1])}")
            continue
        name = read_host(table, index, host)
        if table.is_reported(key):
            continue
        if "*" in name.removeprefix("*.") or "?" in name:
            table.report(key, f'{quoted(host)} is no host of a site; write "shop.example.org" or "*.example.org"')
        elif name in taken:
            table.report(key, f"{quoted(host)} is already a host of {taken[name]}")
        else:
            taken[name] = table.path
            own.append(name)
    return tuple(own)


def _name(table: Table, hosts: tuple[str, ...], taken: dict[str, str]) -> str:
    """What the log calls the site: the first of its hosts where the file does not say."""
    name = table.text("name", empty=False)
    if not name:
        name = hosts[0] if hosts else ""
    elif not name.isprintable() or len(name) > _LONGEST or name != name.strip():
        table.report("name", "must be a short printable text")
    if name == _DEFAULT:
        table.report("name", f"{quoted(name)} stands for all hosts that are no site's")
    if name and name in taken:
        table.report("name", f"{quoted(name)} is already the name of {taken[name]}")
    taken.setdefault(name, table.path)
    return name


class Above:
    """Tables of the top level that were read already, for a site's to fall back on."""

    def __init__(self, root: Table, keys: tuple[str, ...]) -> None:
        # What is wrong with a key is told there, once: a site has its default instead.
        self._tables = {key: _sound(root, key) for key in keys}

    def under(self, site: Table, key: str) -> Table:
        """A table of a site, and what it does not say from the top level's: key by key, in tables within it too."""
        said = site.raw(key) if site.has(key) else {}
        if not isinstance(said, dict):
            return site.table(key)
        above = dict(self._tables[key])
        if key == "consent":
            # Each names the way to read the cookie; a banner of one's own is described as a whole.
            if "custom" in said:
                above.pop("format", None)
            if {"custom", "format"} & said.keys():
                above.pop("custom", None)
            if site.has("category"):
                above.pop("map", None)  # it speaks of categories that the site does not have
        return Table(merged(above, said), f"{site.path}.{key}", site.problems)


def _sound(root: Table, key: str) -> Mapping[str, object]:
    table = root.raw(key)
    if not isinstance(table, dict):
        return {}
    return {name: value for name, value in table.items() if not root.is_reported(f"{key}.{name}")}
