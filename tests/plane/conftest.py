"""Gates that run for the whole battery: one for each set of settings that a check needs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plane import proxies
from tests.plane.proxies import Limits
from tests.plane.stage import Stage
from tests.plane.visits import Wire, check


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "consent: is about cookies; no other proxy is expected to pass it")


Begin = Callable[..., Wire]


@pytest.fixture(scope="session")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begin]:
    """Starts an origin and a gate before it (or before another ``upstream``)."""
    begun: list[Wire] = []

    def run(limits: Limits, *, upstream: str = "") -> Wire:
        stage = Stage()
        folder: Path = tmp_path_factory.mktemp("gate")
        begun.append(Wire(stage, proxies.start(upstream or stage.url, limits, folder)))
        return begun[-1]

    yield run
    for wire in begun:
        wire.proxy.close()
        wire.stage.close()


@pytest.fixture(scope="session")
def steady(begin: Begin) -> Wire:
    return begin(Limits())


@pytest.fixture
def wire(steady: Wire) -> Iterator[Wire]:
    """The gate with long deadlines, for everything that is not about deadlines."""
    with check(steady) as checked:
        yield checked


@pytest.fixture(scope="session")
def one_connection(begin: Begin) -> Wire:
    return begin(Limits(connections=1, queue=1, upstream_idle=1))


@pytest.fixture
def narrow(one_connection: Wire) -> Iterator[Wire]:
    """The gate with one connection to the upstream, for which a request waits a second, and which
    is closed when nobody has used it for as long."""
    with check(one_connection) as checked:
        yield checked
