"""Large bodies: how fast they pass, and what the proxy holds of them meanwhile."""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.proxy.peers import BY_KEY, Peer, fill, gatekeeper, has_helper, program
from bench.proxy.pipes import FAST, Pace, StreamOrigin, download, upload
from bench.proxy.places import FIRST_PORT, HOST, ORIGIN_PORT, PROXY_CORE, STREAM_PORT
from bench.proxy.processes import CannotRunError, Server, start
from bench.proxy.results import Options, Row
from bench.proxy.stage import Stage, pick, require_cores

_DEFAULT = ("nginx-plain", "gatekeeper", "gatekeeper-helper", "nginx-lua", "haproxy-lua", "envoy-lua")
_CONNECTIONS = 8


def large(options: Options) -> list[Row]:
    """10 MB bodies: MB a second, and CPU time a MB, which says more where load and origin are the limit."""
    found: dict[str, list[tuple[float, float]]] = {}
    with Stage(pick(options.only or _DEFAULT[: 3 if options.quick else None])) as stage:
        stage.warm(1)
        for _ in range(options.rounds):
            for key in tuple(stage.servers):
                with stage.excusing(key):
                    loaded = stage.load(key, options.seconds, connections=_CONNECTIONS, path="/files/10mb")
                    megabytes = loaded.run.octets / 1e6
                    found.setdefault(key, []).append((megabytes / loaded.run.seconds, loaded.cpu / megabytes * 1e6))
        rows: list[Row] = []
        for peer in stage.peers:
            row: Row = {"key": peer.key, "title": peer.title}
            if peer.key in stage.missing:
                rows.append(row | {"error": stage.missing[peer.key]})
                continue
            rows.append(
                row
                | {
                    "mb_per_s": round(statistics.median(one[0] for one in found[peer.key])),
                    "cpu_us_per_mb": round(statistics.median(one[1] for one in found[peer.key]), 1),
                }
            )
    return rows


@dataclass(frozen=True)
class _Case:
    name: str
    run: Callable[[int, int, Pace], None]
    visitor: Pace
    origin: Pace


def streams(options: Options) -> list[Row]:
    """1 GB each way, with a fast and with a slow end: the most memory that the proxy holds over what it held before."""
    require_cores()
    size = 20_000_000 if options.quick else 1_000_000_000
    slow = Pace(pause=0.2 if options.quick else 5, rate=50e6)
    cases = (
        _Case("download, fast visitor", download, FAST, FAST),
        _Case("download, slow visitor", download, slow, FAST),
        _Case("upload, fast app", upload, FAST, FAST),
        _Case("upload, slow app", upload, FAST, slow),
    )
    rows: list[Row] = []
    for peer in _streaming():
        if options.only and peer.key not in options.only:
            continue
        for case in cases:
            row: Row = {"key": peer.key, "title": peer.title, "case": case.name, "octets": size}
            try:
                rows.append(row | _grown(peer, case, size))
            except (CannotRunError, OSError) as error:
                rows.append(row | {"error": str(error)})
    return rows


def _streaming() -> list[Peer]:
    """nginx and Gatekeeper in front of the origin that streams, each started anew for each case."""

    def nginx(port: int) -> tuple[list[str], dict[str, str]]:
        config = fill("nginx-lua.conf", "nginx-stream", port)
        config.write_text(config.read_text().replace(f"{HOST}:{ORIGIN_PORT}", f"{HOST}:{STREAM_PORT}"))
        return [program("nginx"), "-c", str(config)], {}

    upstream: dict[str, object] = {"url": f"http://{HOST}:{STREAM_PORT}"}
    base = BY_KEY["nginx-lua"]
    found = [Peer(base.key, base.title, base.filter, nginx, base.version)]
    for key, pure in (("gatekeeper", True), ("gatekeeper-helper", False)):
        if pure or has_helper():
            peer = BY_KEY[key]
            command = gatekeeper("gatekeeper-stream", pure=pure, upstream=upstream)
            found.append(Peer(key, peer.title, peer.filter, command, peer.version))
    return found


def _grown(peer: Peer, case: _Case, size: int) -> Row:
    words, environ = peer.command(FIRST_PORT)
    server = start("stream", words, FIRST_PORT, cores=(PROXY_CORE,), environ=environ)
    try:
        with StreamOrigin(1_000_000, FAST):
            case.run(server.port, 1_000_000, FAST)
        before, cpu, begun = server.rss(), server.cpu(), time.monotonic()
        with StreamOrigin(size, case.origin), _Watch(server) as watch:
            case.run(server.port, size, case.visitor)
        seconds = time.monotonic() - begun
        return {
            "grown_mb": round((watch.most - before) / 1e6, 2),
            "seconds": round(seconds, 1),
            "cpu_us_per_mb": round((server.cpu() - cpu) / size * 1e12, 1),
        }
    finally:
        server.stop()


class _Watch:
    """The most memory that a server held while this was on."""

    def __init__(self, server: Server) -> None:
        self.most = 0
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.most = max(self.most, self._server.rss())

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.most = max(self.most, self._server.rss())
