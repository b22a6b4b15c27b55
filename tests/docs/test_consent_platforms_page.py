"""``docs/consent-platforms.md`` against the formats, and the script in it against the scripts of the platforms."""

import json
import re
import shutil
import subprocess
from fnmatch import fnmatchcase

import pytest

from gatekeeper.consent.category import DEFAULT_CATEGORIES, Vocabulary
from gatekeeper.consent.native import NativeReader
from gatekeeper.consent.readers.known import KNOWN
from tests.consent.test_format_samples import CORPUS
from tests.docs.pages import ROOT, blocks, rows

PAGE = ROOT / "docs" / "consent-platforms.md"
ROWS = {row.cells[1].strip("`"): row.cells for row in rows(PAGE) if len(row.cells) == 7}
CERTAIN = {one["id"]: re.split(r"\W", one["certainty"])[0] for one in CORPUS["formats"]}


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_each_format_has_its_row() -> None:
    told = [row.cells[1] for row in rows(PAGE) if len(row.cells) == 7]
    assert sorted(told) == sorted(f"`{one}`" for one in KNOWN)


@pytest.mark.parametrize("identity", KNOWN)
def test_a_row_tells_what_the_reader_reads(identity: str) -> None:
    reader = KNOWN[identity]
    title, _, cookies, _, ids, sure, _ = ROWS[identity]
    assert title == reader.title
    names = {name.decode() for name in (*reader.cookies, *reader.companions)}
    patterns = named(cookies)
    assert all(any(fnmatchcase(name, pattern) for pattern in patterns) for name in names)
    assert all(any(fnmatchcase(name, pattern) for name in names) for pattern in patterns)
    told = {
        native: category
        for category, _, natives in (part.partition(": ") for part in ids.split("; ") if part)
        for native in named(natives)
    }
    assert told == {native: category for native, category in reader.categories.items() if category != "necessary"}
    assert re.split(r"\W", sure)[0] == CERTAIN[identity]


# The scripts of the platforms, as far as their makers document what they tell; and what the visitor did with them.
BROWSER = """
const listeners = {};
let clock = 1000;
Date.now = () => clock * 1000;
globalThis.window = globalThis;
globalThis.location = { protocol: "http:" };
globalThis.addEventListener = (name, listener) => (listeners[name] ??= []).push(listener);
const tell = (name, detail) => (listeners[name] ?? []).forEach((listener) => listener({ detail }));
let jar = "other=1";
globalThis.document = {
  get cookie() { return jar; },
  set cookie(field) { jar = "other=1; " + field.split(";")[0]; },
};
const later = () => { clock += 1; };
"""
V3 = """
const consent = (type, functional, marketing) => ({
  consent: { type },
  categories: {
    essential: { state: "ALL_ACCEPTED" }, functional: { state: functional }, marketing: { state: marketing },
  },
});
"""
V2 = """
const service = (categorySlug, status, ...types) => ({
  categorySlug, consent: { status, history: types.map((type) => ({ type, status })) },
});
let services = [service("essential", true, "implicit"), service("marketing", false, "implicit")];
globalThis.UC_UI = { getServicesBaseInfo: () => services };
tell("UC_UI_INITIALIZED");
if (jar !== "other=1") throw new Error("a default is no choice");
"""
OSANO = """
const osano = {};
globalThis.Osano = { cm: { addEventListener: (name, listener) => { osano[name] = listener; } } };
tell("load");
"""
DIDOMI = """
let status = { purposes: { a: { id: "cookies", enabled: true }, b: { id: "analytics", enabled: false } } };
globalThis.Didomi = { getCurrentUserStatus: () => status };
const changed = ({ event }) => event === "consent.changed";
const change = () => didomiEventListeners.filter(changed).forEach((one) => one.listener());
"""
VISITS = {
    "nobody chose": (V3 + 'tell("UC_CONSENT", consent("IMPLICIT", "ALL_ACCEPTED", "ALL_ACCEPTED"));', None),
    "usercentrics 3": (
        V3 + 'tell("UC_CONSENT", consent("EXPLICIT", "ALL_ACCEPTED", "SOME_ACCEPTED"));',
        ({"functional"}, {"marketing"}, 1000),
    ),
    "usercentrics 3, loaded again": (
        V3 + 'for (const _ of "ab") {tell("UC_CONSENT", consent("EXPLICIT", "ALL_ACCEPTED", "ALL_DENIED")); later();}',
        ({"functional"}, {"marketing"}, 1000),
    ),
    "usercentrics 3, changed": (
        V3
        + 'tell("UC_CONSENT", consent("EXPLICIT", "ALL_ACCEPTED", "ALL_ACCEPTED")); later();'
        + 'tell("UC_CONSENT", consent("EXPLICIT", "ALL_DENIED", "ALL_DENIED"));',
        (set(), {"functional", "marketing"}, 1001),
    ),
    "usercentrics 2": (
        V2
        + """services = [
            service("functional", true, "implicit", "explicit"),
            service("marketing", true, "implicit", "explicit"),
            service("marketing", true, "implicit"),
        ];
        tell("UC_UI_VIEW_CHANGED");""",
        ({"functional"}, {"marketing"}, 1000),
    ),
    "osano": (
        OSANO + 'osano["osano-cm-consent-saved"]({ ESSENTIAL: "ACCEPT", ANALYTICS: "ACCEPT", MARKETING: "DENY" });',
        ({"analytics"}, {"marketing"}, 1000),
    ),
    "osano, no sale": (
        OSANO + 'osano["osano-cm-consent-saved"]({ ANALYTICS: "ACCEPT", MARKETING: "ACCEPT", OPT_OUT: "ACCEPT" });',
        ({"analytics"}, {"marketing"}, 1000),
    ),
    "didomi": (DIDOMI + "change();", ({"functional"}, {"analytics"}, 1000)),
}


@pytest.mark.parametrize("visit", VISITS)
def test_the_script_hands_over_what_a_platform_tells(visit: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    acts, expected = VISITS[visit]
    (script,) = blocks(PAGE, "javascript")
    program = f"{BROWSER}{script.text}{acts}\nconsole.log(JSON.stringify(jar));"
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    cookie = json.loads(done.stdout).partition("cookies_preferences=")[2].encode()
    if expected is None:
        assert not cookie
        return
    choice = NativeReader().read(
        {b"cookies_preferences": cookie}, Vocabulary(DEFAULT_CATEGORIES, {"cookies": "functional"})
    )
    assert choice is not None
    assert (choice.granted - {"necessary"}, choice.refused, choice.given_at) == expected
