"""``gatekeeper consent`` for any format: what was recognised, in which cookies, how far it is a choice, and why."""

import json
import time
from pathlib import Path

import pytest

from gatekeeper.consent.readers.base import Format, Said
from gatekeeper.consent.readers.known import KNOWN
from tests.cli.conftest import Tell
from tests.consent.invented import LAMP, TORCH, VAULT

DAY = 86400


@pytest.fixture(autouse=True)
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (LAMP, TORCH, VAULT):
        monkeypatch.setitem(KNOWN, one.id, one)  # type: ignore[arg-type]


def test_a_platforms_choice_is_told_with_its_cookies_and_its_own_ids(tell: Tell) -> None:
    made = int(time.time()) - 3 * DAY - 60
    told = tell("consent", f"sid=1; lamp=stats.map; lamp_at={made}; lamp_id=x")
    lines = told.out.splitlines()
    assert lines[:5] == [
        "choice       decided",
        "format       lamp (Lamp)",
        "read from    lamp, lamp_at, lamp_id",
        "granted      analytics",
        "refused      marketing",
    ]
    assert lines[5:9] == [
        "native       ads    refused  marketing",
        "             map    granted  no category",
        "             stats  granted  analytics",
        "             An id without a category grants nothing: name one in [consent.map].",
    ]
    assert lines[9].startswith("given at     20")
    assert lines[9].endswith("Z (3 days ago)")
    assert lines[10:] == ["revision     1", "allowed now  necessary, analytics"]
    assert (told.code, told.err) == (0, "")


def test_with_a_map_each_id_has_its_category(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[consent]\nformat = "lamp"\n[consent.map]\n"lamp:map" = ["functional", "analytics"]\n')
    lines = tell("consent", "lamp=map", "--config", file).out.splitlines()
    assert "             map    granted  functional, analytics" in lines
    assert not any("consent.map" in line for line in lines)


@pytest.mark.parametrize(
    ("cookies", "first"),
    [
        ("sid=1", "absent: no consent cookie came"),
        ("lamp=open", "undecided: nobody has chosen yet, as far as it can be read"),
        ("lamp=user", "undecided: nothing in it can be read as a choice"),
        ("lamp=user; torch-1=user", "undecided: nothing in lamp, torch-1 can be read as a choice"),
        ("lamp=stats; lamp=user", "undecided: its copies differ"),
        ("; ".join(f"lamp={n}" for n in range(9)), "undecided: more copies of it came than a browser keeps"),
        ("lamp=stats; lamp_at=9999999999", "undecided: it was made in the future, by its own words"),
        ("torch-1=region", "not-required: granted by region, not by an act"),
        ("torch-1=old", "stale: too old, or made for an earlier revision"),
        ("vault=x", "opaque: a server cannot read it"),
        ("lamp=stats; torch-1=open", "undecided: by torch, nobody has chosen yet, as far as it can be read"),
        ("lamp=stats; torch-1=yes", "decided"),
    ],
)
def test_the_state_is_told_with_its_reason(tell: Tell, cookies: str, first: str) -> None:
    assert tell("consent", cookies).out.splitlines()[0] == f"choice       {first}"


def test_what_is_stale_says_by_how_much(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[consent]\nrevision = 2\nmax_age = "12h"\n')
    now = int(time.time())
    old = tell("consent", f"lamp=stats; lamp_at={now - 5 * 3600 - 60}", "--config", file).out.splitlines()
    assert old[0] == "choice       stale: made for revision 1, and consent.revision is 2"
    older = tell("consent", f"lamp=stats; lamp_at={now - DAY - 60}", "--config", file).out.splitlines()
    assert older[0] == "choice       stale: made 1 day ago, and consent.max_age is 12 hours"
    assert "granted      analytics" in older
    assert older[-1] == "allowed now  necessary"


def test_a_choice_dated_ahead_is_told_so(tell: Tell) -> None:
    lines = tell("consent", f"lamp=stats; lamp_at={int(time.time()) + 125}").out.splitlines()
    assert lines[0] == "choice       decided"
    assert any(line.startswith("given at") and line.endswith("(2 minutes ahead)") for line in lines)


def test_several_formats_are_told_one_by_one(tell: Tell) -> None:
    lines = tell("consent", "lamp=stats; torch-1=no; cookies_preferences=all").out.splitlines()
    assert lines[1] == "format       gatekeeper, lamp (Lamp), torch (Torch); the most refusing holds"
    assert lines[2:11] == [
        "readings     gatekeeper, in cookies_preferences: decided",
        "               granted functional, analytics, marketing",
        "               refused -",
        "             lamp, in lamp: decided",
        "               granted analytics",
        "               refused marketing",
        "             torch, in torch-1: decided",
        "               granted -",
        "               refused functional, analytics, marketing",
    ]
    assert "native       lamp:ads    refused  marketing" in lines
    assert lines[-1] == "allowed now  necessary"


def test_native_ids_are_bare_for_one_format_and_qualified_for_several(tell: Tell) -> None:
    one = json.loads(tell("consent", "lamp=stats", "--json").out)
    assert (one["format"], one["native"]) == ("lamp", {"ads": False, "map": False, "stats": True})
    several = json.loads(tell("consent", "lamp=stats; torch-1=yes", "--json").out)
    assert several["format"] == "lamp+torch"
    assert several["native"] == {"lamp:ads": False, "lamp:map": False, "lamp:stats": True}


def test_an_opaque_cookie_comes_with_what_to_do(tell: Tell) -> None:
    lines = tell("consent", "vault=x").out.splitlines()
    assert lines[1:3] == ["format       vault (Vault)", "read from    vault"]
    assert lines[-1] == f"what to do   {VAULT.opaque}"
    assert json.loads(tell("consent", "vault=x", "--json").out)["state"] == "opaque"


def test_a_long_list_of_ids_is_cut_for_people_and_whole_for_programs(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = Format("many", "Many", (b"many",), lambda _: Said(answers={f"v{n:03}": True for n in range(90)}))
    monkeypatch.setitem(KNOWN, "many", many)  # type: ignore[arg-type]
    lines = tell("consent", "many=x").out.splitlines()
    assert "             and 30 more; --json tells them all" in lines
    assert sum(line.endswith("granted  no category") for line in lines) == 60
    assert len(json.loads(tell("consent", "many=x", "--json").out)["native"]) == 90


def test_explain_tells_the_same_of_the_choice(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[[cookie]]\nname = "heat"\ncategory = "analytics"\nconsent = ["lamp:map"]\n')
    told = tell("explain", file, "--cookie-header", "lamp=map; heat=1", "--set-cookie", "heat=2")
    assert told.out.startswith(tell("consent", "lamp=map; heat=1", "--config", file).out)
    assert "response\theat\tanalytics\theat\tpass\tgranted" in told.out
    refused = tell("explain", file, "--cookie-header", "lamp=stats", "--set-cookie", "heat=2")
    assert "response\theat\tanalytics\theat\tdrop\trefused" in refused.out
