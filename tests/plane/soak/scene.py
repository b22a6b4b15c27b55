"""``gatekeeper run`` as a process, with an origin and visitors in the event loop of the test.

Everything but the gatekeeper lives in one loop, so that a test knows what came before what without a lock: an origin
that was stopped is stopped for every request that is sent afterwards.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from tests.cli.running import PATIENCE, Gatekeeper
from tests.plane.soak.origin import Origin

T = TypeVar("T")
# ``odd`` is named by no rule, so nobody gets it; ``_ga`` only those who grant analytics.
RULES = '[[cookie]]\nname = "sid"\ncategory = "necessary"\n[[cookie]]\nname = "_ga"\ncategory = "analytics"\n'
GRANT = b"cookies_preferences=all"
REFUSE = b"cookies_preferences=none"


class Scene:
    """One gatekeeper in front of one origin; ``site`` is the file that it was started with."""

    def __init__(self, gatekeeper: Gatekeeper, origin: Origin, site: Path) -> None:
        self.gatekeeper = gatekeeper
        self.origin = origin
        self.site = site
        self.port = int(gatekeeper.address.rpartition(":")[2])
        self.pid = gatekeeper.process.pid

    async def says(self, pattern: str, *, times: int = 1) -> str:
        """The line of standard error that matches, once it is there (``times`` of them: the last)."""
        return await asyncio.to_thread(self.gatekeeper.says, pattern, times=times)

    def lines(self, pattern: str) -> list[str]:
        """The lines of standard error so far in which these words stand."""
        return [line for line in list(self.gatekeeper.err) if pattern in line]

    async def ended(self) -> int:
        """The exit code, once there is one."""
        return await asyncio.to_thread(self.gatekeeper.ended)


@contextlib.asynccontextmanager
async def scene(folder: Path, *arguments: str, tables: str = "", origin: Origin | None = None) -> AsyncIterator[Scene]:
    """A gatekeeper that listens, with ``tables`` before the rules in its file."""
    async with origin or Origin() as behind:
        site = folder / "site.toml"
        site.write_text(f"{tables}\n{RULES}")
        words = ("--config", str(site), *arguments)
        gatekeeper = await asyncio.to_thread(Gatekeeper, *words, upstream=behind.url)
        try:
            await asyncio.to_thread(gatekeeper.ready)
            yield Scene(gatekeeper, behind, site)
        except BaseException:
            print("the last that gatekeeper said:", *gatekeeper.err[-20:], sep="\n")
            raise
        finally:
            await asyncio.to_thread(gatekeeper.close)


def play(scenario: Coroutine[Any, Any, T], *, within: float) -> T:
    """Runs it to its end; what takes longer (seconds) is a failure, not a hang."""

    async def bounded() -> T:
        async with asyncio.timeout(within):
            return await scenario

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


async def until(look: Callable[[], object], *, what: str, within: float = PATIENCE) -> None:
    """Waits until ``look`` comes out true."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not look():
        assert loop.time() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.02)
