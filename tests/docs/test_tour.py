"""The tour in README.md: each line of a log that it shows is one that such a visitor causes."""

import asyncio
import io
import re

import httpx
from rich.console import Console

from examples.shop.app import create_app
from gatekeeper import ConsentMiddleware
from gatekeeper.assembly import load_settings
from gatekeeper.audit.log import VerdictLog
from gatekeeper.audit.terminal import TerminalSink
from gatekeeper.policy.document import Policy
from gatekeeper.starter import starter_file
from tests.docs.pages import ROOT, blocks

README = ROOT / "README.md"
SITE = "http://127.0.0.1"
NAVIGATION = {"Sec-Fetch-Mode": "navigate"}
# What the script in the shop's pages writes.
SCRIPT = {"_gcl_au": "1", "_BEAMER_USER_ID_shop": "1", "_BEAMER_FIRST_VISIT_shop": "1"}
# The shop's own name for what the second part of the tour calls a basket.
BASKET = "recently_viewed"


def shown(policy: Policy, *acts: str) -> list[str]:
    """The lines of the log, without the time, after a visitor has done these."""
    screen = io.StringIO()
    console = Console(file=screen, width=200)
    log = VerdictLog(TerminalSink(console, lambda: [one.id for one in policy.categories]), repeat=0)
    asyncio.run(_visit(ConsentMiddleware(create_app(), policy, log=log), acts))
    log.flush()
    return [re.sub(r"^\d\d:\d\d:\d\d", "", line).rstrip() for line in screen.getvalue().splitlines()]


async def _visit(app: ConsentMiddleware, acts: tuple[str, ...]) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=SITE, headers=NAVIGATION, follow_redirects=True) as it:
        for act in acts:
            if act.startswith("/"):
                await it.get(act)
            elif act == "script":
                it.cookies.update(SCRIPT)
            else:
                token = it.cookies["csrftoken"]
                form = {"csrf_token": token, "next": "/cookie-settings"}
                answer = await it.post("/cookie-choice", data={**form, "choice": act, "action": act})
                assert answer.status_code == 200


def _lines_of_the_readme(part: str) -> list[str]:
    text = README.read_text("utf-8")
    begin = text.index(part)
    end = text.find("\n#", begin + len(part))
    return [
        re.sub(r"^\d\d:\d\d:\d\d", "", line).rstrip()
        for block in blocks(README, "text")
        if begin <= text.index(block.text) < end
        for line in block.text.splitlines()
    ]


def test_the_first_line_tells_the_rules_that_the_shop_has() -> None:
    count = len(load_settings(ROOT / "examples/shop/gatekeeper.toml").policy.rules)
    assert f"mode enforce, {count} rules (…)" in README.read_text("utf-8")


def test_the_log_of_the_tour_is_what_the_shop_causes() -> None:
    policy = load_settings(ROOT / "examples/shop/gatekeeper.toml").policy
    lines = shown(policy, "/", "/pixel.gif", "script", "refuse", "/", "/debug/cookies", "accept", "refuse")
    told = _lines_of_the_readme("## Five minutes")
    assert len(told) == 8
    assert [line for line in told if line not in lines] == []


def test_the_rule_to_paste_is_the_one_that_an_unlisted_cookie_causes() -> None:
    settings = load_settings(ROOT / "gatekeeper.toml", octets=starter_file(("django", "google-analytics")).encode())
    lines = shown(settings.policy, "/", "/catalogue/wiese-tourer")
    told = _lines_of_the_readme("### Your own app")
    assert told[0].replace("basket", BASKET).replace("127.0.0.1/", "127.0.0.1/catalogue/wiese-tourer") in lines
    begin = lines.index(told[0].replace("basket", BASKET).replace("127.0.0.1/", "127.0.0.1/catalogue/wiese-tourer"))
    assert [line.replace(BASKET, "basket") for line in lines[begin + 1 : begin + len(told)]] == told[1:]
