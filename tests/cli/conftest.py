"""Processes that a test starts end with it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gatekeeper.cli import app
from tests.cli.running import Gatekeeper, Origin


class Told:
    """What a command said, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def problems(self) -> list[str]:
        """The lines of standard error but the last, which counts them."""
        return self.err.splitlines()[:-1]


Tell = Callable[..., Told]
Start = Callable[..., Gatekeeper]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Runs a command in this process, in a pipe of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Told:
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Told(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def origin() -> Iterator[Origin]:
    with_it = Origin()
    yield with_it
    with_it.close()


@pytest.fixture
def start(origin: Origin) -> Iterator[Start]:
    """Starts a gatekeeper in front of ``origin``, on a free port."""
    started: list[Gatekeeper] = []

    def run(*arguments: str, **options: Any) -> Gatekeeper:
        options.setdefault("upstream", origin.url)
        started.append(Gatekeeper(*arguments, **options))
        return started[-1]

    yield run
    for gatekeeper in started:
        gatekeeper.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A file that names no cookie of ``origin`` but the required one."""
    file = tmp_path / "site.toml"
    file.write_text('[[cookie]]\nname = "sessionid"\ncategory = "necessary"\n')
    return file
