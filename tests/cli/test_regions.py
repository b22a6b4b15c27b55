"""What `check`, `explain`, `consent` and the policy page tell of regions; and a proxy that has them, asked for real."""

import json
import signal
from pathlib import Path

import pytest

from gatekeeper.pages.cookie_policy import render_html, render_json, render_markdown
from gatekeeper.policy.document import Policy
from tests.cli.conftest import Start, Tell
from tests.cli.running import until
from tests.pages.reading import loaded

REGIONS = """
[regions]
field = "X-Country"
[[region]]
name = "California"
values = ["US-CA"]
profile = "us-ca"
[[region]]
name = "France"
values = ["FR"]
profile = "fr"
basis = { analytics = "opt-out" }
"""
RULES = """
[[cookie]]
name = "sid"
category = "necessary"
[[cookie]]
name = "_ga"
category = "analytics"
duration = "730d"
"""
TRUSTED = '[server]\ntrusted_proxies = ["127.0.0.1"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "site.toml"
    made.write_text(TRUSTED + REGIONS + RULES)
    return made


def test_check_says_that_nobody_is_believed(tell: Tell, file: Path) -> None:
    assert "warning" not in tell("check", file).out
    file.write_text(REGIONS + RULES)
    told = tell("check", file)
    assert told.code == 0
    assert told.out.count("warning") == 2
    assert f"{file}:3: warning: regions.field: is believed from server.trusted_proxies alone" in told.out


@pytest.mark.parametrize(
    ("more", "grant"),
    [
        ((), ["necessary"]),
        (("--region", "elsewhere"), ["necessary"]),
        (("--region", "California"), ["necessary", "functional", "analytics", "marketing"]),
        (("--region", "us-ca"), ["necessary", "functional", "analytics", "marketing"]),
        (("--region", "FR"), ["necessary", "analytics"]),
        (("--region", "FR-75"), ["necessary", "analytics"]),
    ],
)
def test_consent_and_explain_tell_what_is_allowed_there(
    tell: Tell, file: Path, more: tuple[str, ...], grant: list[str]
) -> None:
    told = tell("consent", "", "--config", file, "--json", *more)
    assert json.loads(told.out)["grant"] == grant
    explained = json.loads(tell("explain", file, "--set-cookie", "_ga=1; Max-Age=99999999", "--json", *more).out)
    assert explained["choice"]["grant"] == grant
    (verdict,) = explained["verdicts"]
    capped = bool(more) and more[-1].startswith("FR")
    assert verdict["action"] == ("rewrite" if capped else "pass" if "analytics" in grant else "drop")


def test_what_is_not_renewed_there_is_told(tell: Tell, file: Path) -> None:
    arguments = ("--set-cookie", "_ga=1", "--cookie-header", "_ga=1", "--json")
    told = {
        region: json.loads(tell("explain", file, *arguments, "--region", region).out)["verdicts"][-1]
        for region in ("France", "California")
    }
    assert (told["France"]["action"], told["France"]["reason"]) == ("drop", "renewal")
    assert told["California"]["action"] == "pass"


def test_a_region_that_is_none_is_refused(tell: Tell, file: Path) -> None:
    told = tell("explain", file, "--region", "california")
    assert told.code == 2
    assert 'did you mean "California"?' in " ".join(told.err.replace("│", "").split())
    told = tell("consent", "a=1", "--config", file, "--region", "XX")
    assert told.code == 2
    file.write_text(RULES)
    told = tell("explain", file, "--region", "FR")
    assert told.code == 2
    assert "the file has no [[region]]" in " ".join(told.err.replace("│", "").split())


def policy(regions: str = REGIONS) -> Policy:
    return loaded(regions + RULES)


def test_the_policy_page_tells_what_holds_elsewhere_and_where_it_does_not() -> None:
    said = (
        "These cookies are stored only after you agree. California, France: These cookies are stored unless you object."
    )
    assert said in render_markdown(policy())
    assert said in render_html(policy())
    table = {one["id"]: one for one in json.loads(render_json(policy()))["categories"]}
    assert table["necessary"]["regions"] == {}
    assert table["analytics"]["basis"] == "opt-in"
    assert table["analytics"]["regions"] == {"California": "opt-out", "France": "opt-out"}
    assert table["marketing"]["regions"] == {"California": "opt-out"}


def test_without_regions_the_page_says_nothing_of_them() -> None:
    assert "California" not in render_markdown(policy(""))
    assert all(one["regions"] == {} for one in json.loads(render_json(policy("")))["categories"])


def test_a_limit_that_holds_elsewhere_is_on_the_page() -> None:
    regions = REGIONS.replace('"X-Country"\n', '"X-Country"\ndefault = "fr"\n')
    written = loaded(
        regions
        + '[[category]]\nid = "necessary"\nbasis = "required"\n[[category]]\nid = "analytics"\nbasis = "opt-out"\n'
        + RULES
    )
    assert "2 years" in render_markdown(written)  # opt-in elsewhere, and so no limit
    assert "13 months" in render_markdown(written.within(written.regions.named("France") if written.regions else None))


def test_a_running_proxy_takes_another_field_from_a_reload(start: Start, file: Path) -> None:
    tracker = '[[cookie]]\nname = "tracker"\ncategory = "analytics"\n'
    file.write_text(TRUSTED + REGIONS + RULES + tracker)
    gatekeeper = start("--config", str(file)).ready()
    california = {"X-Country": "US-CA", "CF-IPCountry": "FR-IDF", "Connection": "keep-alive"}

    def vary() -> list[str]:
        return gatekeeper.get(**california).fields.get_all("Vary") or []

    assert "tracker" in gatekeeper.cookies(**california)
    assert vary() == ["X-Country"]
    assert "tracker" not in gatekeeper.cookies(**{"X-Country": "US"})
    file.write_text(TRUSTED + REGIONS.replace("X-Country", "CF-IPCountry").replace("FR", "DE") + RULES + tracker)
    gatekeeper.send(signal.SIGHUP)
    gatekeeper.says("in force|reload")
    until(lambda: "tracker" not in gatekeeper.cookies(**california))
    assert vary() == ["CF-IPCountry"]
