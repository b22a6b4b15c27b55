"""One WebSocket server and one gate before it for all tests."""

from collections.abc import Iterator

import pytest

from tests.cli.running import until
from tests.plane.websockets.site import Place, place


@pytest.fixture(scope="session")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("websockets")) as one:
        yield one


@pytest.fixture
def gate(shared_place: Place) -> Place:
    """The place, with no connection of an earlier test in its books."""
    site = shared_place.site
    until(lambda: not site.under_way, what="the connections of earlier tests to end")
    site.closes.clear()
    return shared_place
