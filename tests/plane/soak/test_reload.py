"""New rules five times under load, each request on a connection of its own: not one fails."""

import signal
from pathlib import Path

import pytest

from tests.plane.soak.scene import RULES, Scene, play, scene, until
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import Load, Response, visit

TURNS = 5
REQUESTS = sized(600, 30_000)
NEW = '[[cookie]]\nname = "new{turn}"\ncategory = "necessary"\n'
BROKEN = RULES + '[[cookie]]\nname = "odd"\ncategory = "necesary"\n'


class Outcomes:
    """What became of the visits: the cookies that each was given, and every failure."""

    def __init__(self) -> None:
        self.cookies: list[set[bytes]] = []
        self.failed: list[object] = []

    def __call__(self, outcome: Response | Exception) -> None:
        if isinstance(outcome, Response) and (outcome.status, outcome.body) == (200, b"page"):
            self.cookies.append(outcome.cookies)
        else:
            self.failed.append(outcome)


def replace(site: Path, text: str) -> None:
    """As most editors save."""
    fresh = site.with_name("fresh")
    fresh.write_text(text)
    fresh.rename(site)


async def all_have(on: Scene, cookies: set[bytes]) -> None:
    """Waits until visitors are served by these rules, whichever worker they meet."""
    in_a_row = 0
    while in_a_row < 20:
        in_a_row = in_a_row + 1 if (await visit(on.port)).cookies == cookies else 0


@pytest.mark.parametrize(
    ("how", "workers"), [("sighup", "2"), ("file", "1"), *sized([], [("sighup", "1"), ("file", "2")])]
)
def test_five_reloads_under_load_lose_not_one_request(tmp_path: Path, how: str, workers: str) -> None:
    arguments = ["--workers", workers, *(["--reload"] if how == "file" else [])]
    outcomes = Outcomes()
    new = [f"new{turn}" for turn in range(TURNS)]

    async def scenario() -> None:
        async with scene(tmp_path, *arguments) as on:
            on.origin.cookies += [f"{name}=1".encode() for name in new]
            before = on.gatekeeper.workers()
            async with Load(on.port, outcomes, count=REQUESTS) as load:
                for turn in range(TURNS):
                    await load.reached(REQUESTS * (turn + 1) // (TURNS + 1))
                    replace(on.site, RULES + "".join(NEW.format(turn=number) for number in range(turn + 1)))
                    if how == "sighup":
                        on.gatekeeper.send(signal.SIGHUP)
                    await on.says("reloaded: ", times=turn + 1)
                await load.reached(REQUESTS)
            await all_have(on, {b"sid", *(name.encode() for name in new)})
            assert on.gatekeeper.workers() == before
            assert len(on.gatekeeper.err) == 1 + TURNS

    play(scenario(), within=sized(60, 300))
    assert outcomes.failed == []
    assert len(outcomes.cookies) == REQUESTS
    # It began with the first rules and did not mix them: whatever was given is one of the sets that were in force.
    given = {frozenset(cookies) for cookies in outcomes.cookies}
    assert given <= {frozenset([b"sid", *(name.encode() for name in new[:count])]) for count in range(TURNS + 1)}
    assert frozenset([b"sid"]) in given


@pytest.mark.parametrize("workers", sized(["2"], ["1", "2"]))
def test_a_broken_new_file_under_load_leaves_the_old_rules_and_is_told_once(tmp_path: Path, workers: str) -> None:
    outcomes = Outcomes()
    count = REQUESTS // 3

    async def scenario() -> None:
        async with scene(tmp_path, "--workers", workers) as on, Load(on.port, outcomes, count=count) as load:
            await load.reached(count // 3)
            replace(on.site, BROKEN)
            on.gatekeeper.send(signal.SIGHUP)
            await on.says("is refused, the old rules stay")
            await load.reached(count)
            await until(lambda: len(on.gatekeeper.err) >= 3, what="the reason")
            assert on.gatekeeper.err[1:] == [
                f"gatekeeper: {on.site} is refused, the old rules stay:",
                '    line 9: cookie[2].category: "necesary" is no category; did you mean "necessary"?',
            ]

    play(scenario(), within=sized(60, 300))
    assert outcomes.failed == []
    assert outcomes.cookies == [{b"sid"}] * count
