"""An app that goes away and comes back under load: 502 meanwhile, full service at once, and that in few words."""

from pathlib import Path

from tests.plane.soak.scene import play, scene
from tests.plane.soak.size import sized
from tests.plane.soak.visitor import Load, Response

FLAPS = sized(2, 10)
EACH = sized(50, 500)  # visits while it is away, and while it is back
AT_ONCE = 4


def judge(outcomes: list[Response | Exception], status: int) -> None:
    """Every visit has this outcome, but those that may have been under way when the app stopped or started."""
    found = [one.status if isinstance(one, Response) else one for one in outcomes]
    assert len(found) >= EACH
    assert len([one for one in found if one != status]) <= AT_ONCE
    assert set(found[AT_ONCE * 2 :]) == {status}


def test_an_app_that_flaps_is_502_while_it_is_away_and_served_at_once_when_it_is_back(tmp_path: Path) -> None:
    outcomes: list[Response | Exception] = []

    async def scenario() -> None:
        async with scene(tmp_path) as on, Load(on.port, outcomes.append, at_once=AT_ONCE) as load:
            await load.reached(EACH)
            for _ in range(FLAPS):
                on.origin.stop()
                since = len(outcomes)
                await load.reached(since + EACH)
                judge(outcomes[since:], 502)
                await on.says(r"\bdown\b")
                await on.origin.start()
                since = len(outcomes)
                await load.reached(since + EACH)
                judge(outcomes[since:], 200)
                await on.says(r"\bback\b")
            down, back = on.lines(" is down"), on.lines(" is back")
            # Not each time that an app flaps is told; but where it is told to be down, it is also told to be back.
            assert 1 <= len(down) == len(back) <= FLAPS
            # However many visitors came meanwhile: a dead app must not fill a disk with the same line.
            others = [line for line in on.gatekeeper.err[1:] if line not in (*down, *back)]
            assert len(others) <= 10 * FLAPS, others[:20]

    play(scenario(), within=sized(60, 300))
