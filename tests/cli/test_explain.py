"""``gatekeeper explain`` and ``gatekeeper consent``: what would happen, in the shape of the contract."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Tell

EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"
VERDICT = ["direction", "cookie", "category", "rule", "action", "reason", "result"]
CHOICE = ["format", "state", "granted", "refused", "native", "given_at", "revision", "grant"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "site.toml"
    made.write_text(
        """
        [[cookie]]
        name = "sessionid"
        category = "necessary"
        [[cookie]]
        name = "_g*"
        category = "analytics"
        [[cookie]]
        name = "lang"
        category = "functional"
        secure = true
        [[cookie]]
        name = "basket"
        category = "necessary"
        hosts = ["shop.example"]
        paths = ["/basket"]
        """
    )
    return made


@pytest.fixture
def explained(tell: Tell, file: Path) -> Any:
    def explain(*arguments: str) -> Any:
        told = tell("explain", file, *arguments, "--json")
        assert (told.code, told.err) == (0, "")
        return json.loads(told.out)

    return explain


def test_json_has_exactly_the_shape_of_the_contract(explained: Any) -> None:
    told = explained(
        "--cookie-header", "sessionid=1; _ga=2; x=3; cookies_preferences=functional", "--set-cookie", "lang=de"
    )
    assert list(told) == ["choice", "verdicts"]
    assert list(told["choice"]) == CHOICE
    assert all(list(one) == VERDICT for one in told["verdicts"])
    assert told["choice"] == {
        "format": "gatekeeper",
        "state": "decided",
        "granted": ["functional"],
        "refused": ["analytics", "marketing"],
        "native": {},
        "given_at": None,
        "revision": None,
        "grant": ["necessary", "functional"],
    }
    assert [tuple(one.values()) for one in told["verdicts"]] == [
        ("request", "sessionid", "necessary", "sessionid", "pass", "required", "sessionid=1"),
        ("request", "_ga", "analytics", "_g*", "drop", "refused", None),
        ("request", "x", None, None, "drop", "unlisted", None),
        ("request", "cookies_preferences", None, None, "pass", "consent-cookie", "cookies_preferences=functional"),
        ("response", "lang", "functional", "lang", "rewrite", "granted", "lang=de; Secure"),
        ("response", "_ga", "analytics", "_g*", "expire", "refused", f"_ga=; Max-Age=0; Expires={EPOCH}; Path=/"),
        ("response", "x", None, None, "expire", "unlisted", f"x=; Max-Age=0; Expires={EPOCH}; Path=/"),
    ]


def test_without_cookies_the_choice_alone_is_told(explained: Any) -> None:
    told = explained()
    assert told["verdicts"] == []
    assert (told["choice"]["state"], told["choice"]["grant"]) == ("absent", ["necessary"])


def test_several_fields_of_a_kind_are_several_fields(explained: Any) -> None:
    told = explained(
        "--cookie-header", "a=1", "--cookie-header", "b=2", "--set-cookie", "c=3", "--set-cookie", "d=4, e=5"
    )
    assert {(one["direction"], one["cookie"]) for one in told["verdicts"] if one["action"] == "drop"} == {
        ("request", "a"),
        ("request", "b"),
        ("response", "c"),
        ("response", "d"),
    }


def test_a_rule_for_a_host_and_path_holds_on_the_url_that_is_asked_for(explained: Any) -> None:
    def of(*url: str) -> str:
        return str(explained("--set-cookie", "basket=1", *url)["verdicts"][0]["reason"])

    assert of() == "unlisted"
    assert of("--url", "http://shop.example/basket/items?x=1") == "required"
    assert of("--url", "shop.example/basket") == "required"
    assert of("--url", "https://user:pass@SHOP.example:8443/basket") == "required"
    assert of("--url", "http://shop.example/") == "unlisted"


def test_the_signal_is_heard(explained: Any, file: Path) -> None:
    file.write_text(
        '[[category]]\nid = "n"\nbasis = "required"\n[[category]]\nid = "s"\nbasis = "opt-out"\ngpc = true\n'
    )
    assert explained()["choice"]["grant"] == ["n", "s"]
    assert explained("--gpc")["choice"]["grant"] == ["n"]


def test_a_fields_name_that_was_pasted_too_is_no_part_of_it(explained: Any) -> None:
    told = explained("--cookie-header", "Cookie: sessionid=1", "--set-cookie", "set-cookie:lang=de")
    assert [one["cookie"] for one in told["verdicts"]] == ["sessionid", "lang"]


def test_in_a_pipe_the_table_is_separated_by_tabs(tell: Tell, file: Path) -> None:
    told = tell("explain", file, "--cookie-header", "sessionid=1; x=2", "--set-cookie", "_ga=1;\tPath=/")
    assert (told.code, told.err) == (0, "")
    assert "\x1b" not in told.out
    assert told.out.splitlines() == [
        "choice       absent: no consent cookie came",
        "format       -",
        "granted      -",
        "refused      -",
        "allowed now  necessary",
        "direction\tcookie\tcategory\trule\taction\treason\twhat leaves",
        "request\tsessionid\tnecessary\tsessionid\tpass\trequired\tsessionid=1",
        "request\tx\t\t\tdrop\tunlisted\t",
        "response\t_ga\tanalytics\t_g*\tdrop\tundecided\t",
        f"response\tx\t\t\texpire\tunlisted\tx=; Max-Age=0; Expires={EPOCH}; Path=/",
    ]


@pytest.mark.parametrize(
    ("mode", "warning", "verdicts"),
    [
        ("report-only", "Nothing is enforced: report-only says what would be blocked, and every cookie passes.", 1),
        ("off", "Nothing is enforced: in mode off no cookie is looked at, and every cookie passes.", 0),
    ],
)
def test_a_file_that_enforces_nothing_is_said_to(
    tell: Tell, file: Path, mode: str, warning: str, verdicts: int, explained: Any
) -> None:
    file.write_text(f'[enforcement]\nmode = "{mode}"\n')
    told = tell("explain", file, "--set-cookie", "_ga=1")
    assert told.out.splitlines()[5] == warning
    found = explained("--set-cookie", "_ga=1")["verdicts"]
    assert [(one["action"], one["result"]) for one in found] == [("drop", "_ga=1")] * verdicts


# --- arguments as a shell hands them over ----------------------------------------------------------------------------

HOSTILE = os.fsdecode(b"a\xff\xfe=\x1b[31m; b\xc2\x9b=\xe2\x80\xae; \x07=1")
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_octets_that_are_no_text_are_taken_and_shown_escaped(tell: Tell, file: Path, form: tuple[str, ...]) -> None:
    for arguments in (
        (
            "explain",
            file,
            "--cookie-header",
            HOSTILE,
            "--set-cookie",
            HOSTILE,
            "--url",
            "http://" + HOSTILE.replace("[", ""),
        ),
        ("consent", HOSTILE),
        ("consent", "cookies_preferences=" + HOSTILE),
        ("consent", ""),
        ("explain", file, "--cookie-header", "", "--set-cookie", "", "--url", ""),
    ):
        told = tell(*arguments, *form)
        assert (told.code, told.err) == (0, "")
        assert not STEERING.search(told.out), told.out


def test_what_passes_is_shown_escaped_too(tell: Tell, file: Path, explained: Any) -> None:
    cookie = "sessionid=\u009b31m\u202e"
    told = tell("explain", file, "--set-cookie", cookie)
    assert "sessionid=\\x9b31m\\u202e" in told.out
    told = tell("explain", file, "--set-cookie", cookie, "--json")
    assert not STEERING.search(told.out)
    assert explained("--set-cookie", cookie)["verdicts"][0]["result"] == cookie


@pytest.mark.parametrize("url", ["http://[::1", "//[x]"])
def test_a_url_that_is_none_is_an_error_of_usage(tell: Tell, file: Path, url: str) -> None:
    told = tell("explain", file, "--url", url)
    assert told.code == 2
    assert "--url" in told.err
    assert "is no URL" in told.err


def test_a_broken_file_is_told_by_every_command_that_reads_one(tell: Tell, file: Path) -> None:
    file.write_text("[server]\nlisten = 1\n")
    for arguments in (("explain", file), ("policy", file), ("check", file), ("consent", "a=1", "--config", file)):
        told = tell(*arguments)
        assert told.code == 2
        assert told.out == ""
        assert told.problems == [f"{file}:2: server.listen: must be text, not a whole number (1)"]


# --- consent ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ("", {"format": None, "state": "absent", "granted": [], "refused": [], "native": {}, "grant": ["necessary"]}),
        (
            "cookies_preferences=all",
            {"state": "decided", "grant": ["necessary", "functional", "analytics", "marketing"]},
        ),
        ("cookies_preferences=none", {"refused": ["functional", "analytics", "marketing"], "grant": ["necessary"]}),
        ("cookies_preferences=%7B", {"state": "undecided", "grant": ["necessary"]}),
        ("sid=1; other=2", {"format": None, "state": "absent", "native": {}}),
        (
            'cookies_preferences={"v":1,"rev":1,"t":1000000000,"granted":["analytics"],"refused":[]}',
            {"state": "stale", "given_at": "2001-09-09T01:46:40.000Z", "revision": 1, "grant": ["necessary"]},
        ),
    ],
)
def test_consent_tells_the_choice_in_the_shape_of_the_contract(
    tell: Tell, cookies: str, expected: dict[str, object]
) -> None:
    told = tell("consent", cookies, "--json")
    assert (told.code, told.err) == (0, "")
    choice = json.loads(told.out)
    assert list(choice) == CHOICE
    assert {key: choice[key] for key in expected} == expected


def test_consent_reads_with_the_categories_of_a_file(tell: Tell, file: Path) -> None:
    file.write_text(
        '[consent]\ncookie = "mine"\n[[category]]\nid = "n"\nbasis = "required"\n[[category]]\nid = "ads"\n'
    )
    assert json.loads(tell("consent", "mine=marketing", "-c", file, "--json").out)["grant"] == ["n", "ads"]


def test_consent_says_what_a_state_means(tell: Tell) -> None:
    stale = 'cookies_preferences={"v":1,"rev":1,"t":1000000000,"granted":["analytics"],"refused":[]}'
    said = tell("consent", stale).out.splitlines()[0]
    assert re.fullmatch(r"choice       stale: made \d+ days ago, and consent\.max_age is 180 days", said)


def test_the_mode_of_a_file_does_not_change_what_a_choice_means(tell: Tell, file: Path) -> None:
    file.write_text('[enforcement]\nmode = "off"\n')
    assert json.loads(tell("consent", "cookies_preferences=all", "-c", file, "--json").out)["grant"] == [
        "necessary",
        "functional",
        "analytics",
        "marketing",
    ]


def test_ids_without_a_category_are_no_mistake_where_the_format_makes_categories_of_them(tell: Tell) -> None:
    hint = "An id without a category grants nothing"
    told = tell("consent", 'us_privacy=1YNN; klaro={"a":true}').out
    assert "An opt-out refuses marketing." in told
    assert hint in told  # klaro's
    told = tell("consent", "us_privacy=1YNN").out
    assert "OptOutSale  granted  -\n" in told
    assert hint not in told
