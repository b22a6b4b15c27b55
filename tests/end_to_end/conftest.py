import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.servers import APPS, PATIENCE, RULES, RUNNING, Server, gatekeeper, needed, running
from tests.end_to_end.visitor import State, Visitor

_SHOWN = 3000  # characters of each server's log that go into the report of a failure

NewVisitor = Callable[[Server], Visitor]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """A test that fails shows what the servers said."""
    report = yield
    if report.failed:
        report.sections += [(f"{server.name} printed", server.log[-_SHOWN:]) for server in RUNNING]
    return report


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture
def new_visitor() -> Iterator[NewVisitor]:
    with ExitStack() as stack:

        def make(server: Server) -> Visitor:
            visitor = Visitor(server.port)
            stack.callback(visitor.close)
            return visitor

        yield make


@pytest.fixture(params=list(State))
def state(request: pytest.FixtureRequest) -> State:
    found: State = request.param
    return found


# --- Django ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to copy: tables, and one user of the admin."""
    path = tmp_path_factory.mktemp("django") / "db.sqlite3"
    command = [sys.executable, "-m", "django_project.prepare"]
    done = subprocess.run(
        command,
        cwd=APPS,
        env={"DJANGO_DATABASE": str(path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="session")
def serve_django(django_database: Path, logs: Path) -> Iterator[Callable[..., Server]]:
    """Starts the Django site, plain or in a middleware, each with a database of its own."""
    with ExitStack() as stack:

        def serve(kind: str, *rules: Path) -> Server:
            database = shutil.copy(django_database, logs / f"{kind}.sqlite3")
            command = [sys.executable, "-m", "django_project.serve", kind, *rules]
            name = f"django-{kind}"
            return stack.enter_context(running(name, command, logs, cwd=APPS, DJANGO_DATABASE=str(database)))

        yield serve


@pytest.fixture(scope="session")
def django_alone(serve_django: Callable[..., Server]) -> Server:
    return serve_django("plain")


@pytest.fixture(scope="session", params=["proxy", "asgi", "wsgi"])
def django(request: pytest.FixtureRequest, serve_django: Callable[..., Server], logs: Path) -> Iterator[Server]:
    """The Django site with the gate around it, in each of the three forms."""
    rules = RULES / "django.toml"
    if request.param == "proxy":
        with gatekeeper(request.getfixturevalue("django_alone"), logs, "--config", rules) as server:
            yield server
    else:
        yield serve_django(request.param, rules)


# --- PHP -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def php_alone(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[Server]:
    sessions = tmp_path_factory.mktemp("php-sessions")
    command = [needed("php"), "-n", "-d", f"session.save_path={sessions}", "-S", "127.0.0.1:0", APPS / "php/index.php"]
    with running("php", command, logs) as server:
        yield server


@pytest.fixture(scope="session")
def php(php_alone: Server, logs: Path) -> Iterator[Server]:
    """The PHP site behind ``gatekeeper run``."""
    with gatekeeper(php_alone, logs, "--config", RULES / "php.toml") as server:
        yield server
