"""The data plane of ``gatekeeper run`` behind real sockets, with an origin that sends raw octets."""

import asyncio
from typing import Any

import uvloop

from gatekeeper.middleware.plane import GateHooks
from gatekeeper.policy.document import Policy
from gatekeeper.policy.load import load_policy_tables
from gatekeeper.proxy import Limits, Upstream
from gatekeeper.proxy.forwarded import TrustedProxies
from gatekeeper.proxy.plane.connector import Connector
from gatekeeper.proxy.plane.lines import Lines
from gatekeeper.proxy.plane.plane import Plane
from gatekeeper.proxy.plane.routes import Route, Routes
from gatekeeper.proxy.plane.visitor import Visitor
from tests.conformance.apps import Recorder, app_body, app_fields, observed
from tests.conformance.case import NOW, Case, Observed, fields_of, lines_of
from tests.conformance.servers import LoopThread, ask
from tests.proxy.origin import Line, Origin


class DataPlane:
    """(g) The gate as hooks of the data plane.

    One plane serves all cases, so that what it remembers of one head is there for the next; the connection to the
    origin is kept as well.
    """

    name = "plane"

    def __init__(self) -> None:
        self._answer = b""
        self._origin = Origin(self._script)
        self._loop = LoopThread(uvloop.new_event_loop)
        self._connections: set[Any] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        upstream = Upstream(self._origin.url)
        self._watched = frozenset[bytes]()
        self._plane = Plane(
            Routes(Route(upstream, Connector(upstream))),
            _hooks(load_policy_tables({}, {}), Recorder()),
            trusted=TrustedProxies([]),
            limits=Limits(),
        )
        self._server: asyncio.Server = self._loop.run(self._start())
        self._port = int(self._server.sockets[0].getsockname()[1])

    def _script(self, line: Line) -> None:
        while True:
            line.read_head()
            line.send(self._answer)

    async def _start(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._visitor, "127.0.0.1", 0)

    def _visitor(self) -> Visitor:
        return Visitor(self._plane, self._connections, self._tasks)

    def exchange(self, case: Case, policy: Policy) -> Observed:
        lines = [b"HTTP/1.1 %d Said" % case.status, *lines_of(app_fields(case)), b"", b""]
        self._answer = b"\r\n".join(lines) + app_body(case)
        self._origin.heads.clear()
        log = Recorder()
        self._plane.trusted = TrustedProxies(case.trusted_proxies)
        self._plane.hooks = hooks = _hooks(policy, log)
        if hooks.gatehouse.region_fields != self._watched:
            self._watched = hooks.gatehouse.region_fields
            self._plane.requests = Lines(hooks.watches_request, of_requests=True)
        status, fields, body = ask(self._port, case)
        seen = tuple((name.lower(), value) for name, value in fields_of(self._origin.lines[1:]))
        return observed(case, log, status, fields, seen, body)

    def close(self) -> None:
        self._loop.run(self._stop())
        self._loop.close()
        self._origin.close()

    async def _stop(self) -> None:
        self._plane.close()
        self._server.close()
        await self._server.wait_closed()


def _hooks(policy: Policy, log: Recorder) -> GateHooks:
    hooks = GateHooks(policy, log)
    hooks.gatehouse.clock = lambda: NOW
    return hooks
