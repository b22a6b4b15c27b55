"""Idle cores that do not halt while something is measured.

Who wakes a core that has halted pays for it, and in a virtual machine that is a trip to the host and back: up to 14 µs,
as much as the rest of an exchange. It falls on whoever is slow enough to let the load generator's core fall asleep, and
on nobody who keeps it busy, so that a little slower looks a lot slower. Linux as a guest can look for work a while
before it halts; while something is measured that is turned on, where it may be, for all systems alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTING = Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")
_LONG = "200000"  # ns; Linux' own default


def idle_cores() -> str:
    """What idle cores do now, in words."""
    try:
        return "halt at once" if _SETTING.read_text().strip() == "0" else "poll before they halt"
    except OSError:
        return "do as this kernel has it"


@contextmanager
def awake(wanted: bool = True) -> Iterator[None]:
    """Idle cores poll in here (or, not ``wanted``, halt at once) if we may say so; afterwards it is as it was."""
    try:
        before = _SETTING.read_text()
        _SETTING.write_text(_LONG if wanted else "0")
    except OSError:
        yield
        return
    try:
        yield
    finally:
        _SETTING.write_text(before)
