"""The stage for a measurement: the app behind, and in front of it whichever systems can be had."""

import http.client
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bench.proxy.load import Run, wrk
from bench.proxy.peers import BY_KEY, PEERS, Filter, Peer, start_origin
from bench.proxy.places import HOST, LOAD_CORE, PROXY_CORE
from bench.proxy.processes import CannotRunError, Server
from bench.proxy.workload import ALL_NAMES, BLOCKED_NAMES, FIELDS, page


@dataclass
class Loaded:
    """One run of wrk, and what it cost the proxy."""

    run: Run
    cpu: float

    @property
    def cpu_us(self) -> float:
        """µs of CPU time a request."""
        return self.cpu / max(1, self.run.requests) * 1e6


class Stage:
    """Starts the origin and these peers, and ends them; ``missing`` says who cannot be measured, and why."""

    def __init__(self, peers: Iterable[Peer], *, cores: Sequence[int] = (PROXY_CORE,)) -> None:
        self.peers = tuple(peers)
        self.servers: dict[str, Server] = {}
        self.missing: dict[str, str] = {}
        self._cores = cores
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        require_cores()
        with ExitStack() as ends:
            self.origin = start_origin()
            ends.callback(self.origin.stop)
            for peer in self.peers:
                try:
                    server = peer.start(cores=self._cores)
                    ends.callback(server.stop)
                    check(server.port, peer.filter)
                    self.servers[peer.key] = server
                except CannotRunError as error:
                    self.missing[peer.key] = str(error)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def load(self, key: str, seconds: float, *, connections: int = 64, path: str = "/") -> Loaded:
        """As much load as goes on one of them; raises CannotRunError, also for answers that failed."""
        server = self.servers[key]
        before = server.cpu()
        run = wrk(server.port, seconds, connections=connections, path=path, varied=key in BY_KEY and BY_KEY[key].varied)
        cpu = server.cpu() - before
        if run.requests == 0:
            raise CannotRunError("no request was answered in time")
        if run.failed > run.requests // 1000:
            raise CannotRunError(f"{run.failed} of {run.requests} requests failed")
        return Loaded(run, cpu)

    def warm(self, seconds: float, *, connections: int = 64) -> None:
        """Each has served before it is measured; who cannot is taken out."""
        for key in tuple(self.servers):
            with self.excusing(key):
                self.load(key, seconds, connections=connections)

    @contextmanager
    def excusing(self, key: str) -> Iterator[None]:
        """Who cannot go on in here is taken out, and the others go on."""
        try:
            yield
        except CannotRunError as error:
            self.missing[key] = str(error)
            self.servers.pop(key).stop()


def pick(keys: Iterable[str]) -> list[Peer]:
    """The peers of these keys, or all of them where there are no keys."""
    wanted = tuple(keys)
    return [peer for peer in PEERS if not wanted or peer.key in wanted]


def require_cores() -> None:
    """Binds this process, and so the load generators, to their core; raises CannotRunError."""
    if not {PROXY_CORE, LOAD_CORE} <= set(range(os.cpu_count() or 1)):
        raise CannotRunError("needs two cores: one for the proxy alone, one for origin and load")
    os.sched_setaffinity(0, {LOAD_CORE})


def check(port: int, filtering: Filter) -> None:
    """One request: the page comes through whole, with the cookies that the filter lets pass, else CannotRunError."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/", headers=FIELDS)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise CannotRunError(f"does not answer: {type(error).__name__}") from None
    finally:
        connection.close()
    if answer.status != 200 or body != page():
        raise CannotRunError(f"does not give the page: status {answer.status}, {len(body)} octets")
    problem = difference(answer.msg.get_all("Set-Cookie") or [], filtering)
    if problem:
        raise CannotRunError(problem)


def difference(values: Sequence[str], filtering: Filter) -> str:
    """What is wrong with these Set-Cookie values, or nothing."""
    names = [value.partition("=")[0] for value in values]
    if filtering == "none":
        wanted = list(ALL_NAMES)
    elif filtering == "joins":
        wanted = list(ALL_NAMES[:1])
    elif filtering == "rewrites":
        wanted = list(ALL_NAMES)
        deleted = [name for name, value in zip(names, values, strict=True) if "=; Max-Age=0" in value]
        if deleted != list(BLOCKED_NAMES):
            return f"deletes {deleted} and not {list(BLOCKED_NAMES)}"
    else:
        wanted = [name for name in ALL_NAMES if name not in BLOCKED_NAMES]
    return "" if sorted(names) == sorted(wanted) else f"lets {names} pass and not {wanted}"
