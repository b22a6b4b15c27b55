from collections.abc import Iterator

import pytest

from tests.conformance.adapters import ADAPTERS, Adapter, opened


@pytest.fixture(scope="session", params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """Each adapter in turn."""
    with opened(request.param) as adapter:
        yield adapter
