from collections.abc import Callable, Iterator

import pytest

from examples.shop.sessions import SessionStore
from tests.examples.visiting import Visitor

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def new_visitor() -> Iterator[NewVisitor]:
    made: list[Visitor] = []

    def make(store: SessionStore | None = None) -> Visitor:
        made.append(Visitor(store))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor()
