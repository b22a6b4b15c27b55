"""``gatekeeper run``: sockets, uvicorn, signals, reload, drain."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from gatekeeper.assembly import Assembled, load_settings, own_logger
from gatekeeper.errors import GatekeeperError
from gatekeeper.middleware.asgi import Message, Receive, Scope, Send
from gatekeeper.settings import Server, Settings

# What a worker process has to know to load the same settings again: the path and the command line's words, as JSON.
_LAUNCH = "GATEKEEPER_LAUNCH"
_POLL = 1.0  # seconds between looks at a file that is watched


class Launch:
    """How this Gatekeeper was started, so that a reload and a worker come to the same settings."""

    def __init__(self, config: Path | None, overrides: Mapping[str, object], *, watch: bool = False) -> None:
        self.config = config
        self.overrides = overrides
        self.watch = watch and config is not None

    def load(self) -> Settings:
        """The settings as of now; raises PolicyError."""
        return load_settings(self.config, environ=os.environ, overrides=self.overrides)

    def to_environment(self) -> None:
        """Leaves word for the workers, which inherit the environment."""
        config = str(self.config.absolute()) if self.config else None
        os.environ[_LAUNCH] = json.dumps({"config": config, "overrides": self.overrides, "watch": self.watch})

    @classmethod
    def from_environment(cls) -> "Launch":
        """What the parent process left."""
        word: dict[str, Any] = json.loads(os.environ[_LAUNCH])
        return cls(Path(word["config"]) if word["config"] else None, word["overrides"], watch=word["watch"])


def listening_socket(server: Server) -> socket.socket:
    """A bound socket; raises :class:`GatekeeperError` with the reason and what to do."""
    try:
        if server.unix_path is not None:
            return _unix_socket(Path(server.unix_path))
        host, port = server.address
        families = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # Of every address, the IPv6 wildcard takes both families.
        chosen = families[0] if host else min(families, key=lambda one: one[0] != socket.AF_INET6)
        family, _, _, _, address = chosen
        return socket.create_server(
            address[:2], family=family, backlog=2048, dualstack_ipv6=not host and family == socket.AF_INET6
        )
    except OSError as fault:
        hint = "; is another server there? Choose another with --listen" if fault.errno in (98, 48) else ""
        reason = fault.strerror or str(fault)
        raise GatekeeperError(f"cannot listen on {server.listen}: {reason.lower()}{hint}") from None


def _unix_socket(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(17, "the path is no socket and would be overwritten")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise OSError(98, "Address already in use")
        path.unlink()  # left behind by a process that is gone
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(2048)
    return listener


class Served:
    """The assembled app in a server process, which SIGHUP or a changed file reloads."""

    def __init__(self, launch: Launch, settings: Settings) -> None:
        self.launch = launch
        self.assembled = Assembled(settings)
        self._app = self.assembled.app
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Any scope; the lifespan's also starts and ends what runs beside the exchanges."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._begin, self.reload)
        if self.launch.watch:
            self._begin(self._watch)

        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                for task in self._tasks:
                    task.cancel()
                await asyncio.to_thread(self.assembled.log.flush)
            await send(message)

        await self._app(scope, receive, tell)

    def _begin(self, work: Callable[[], Any]) -> None:
        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self) -> None:
        """Takes the file as it is now; a broken one is refused and the old rules stay."""
        async with self._reloading:
            try:
                # In a thread: reading ten thousand rules takes a second, and exchanges go on meanwhile.
                settings = await asyncio.to_thread(self.launch.load)
                later = self.assembled.reload(settings)
            except (GatekeeperError, OSError) as fault:
                own_logger().error(
                    "the new %s is refused, the old rules stay:\n%s", self.launch.config, indented(fault)
                )
                return
        own_logger().info("reloaded: %s", describe(settings))
        for table in later:
            own_logger().warning("[%s] has changed: that takes effect with a restart", table)

    async def _watch(self) -> None:
        assert self.launch.config is not None  # noqa: S101 — Launch sees to it
        before = _stamp(self.launch.config)
        while True:
            await asyncio.sleep(_POLL)
            now = _stamp(self.launch.config)
            if now != before:
                before = now
                await self.reload()


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def indented(fault: Exception) -> str:
    """An error's text, each line set in."""
    return "\n".join("    " + line for line in str(fault).splitlines())


def describe(settings: Settings) -> str:
    """Mode, rules and where they come from, in one line."""
    policy = settings.policy
    count = len(policy.rules)
    presets = (
        f" with the preset{'s' if len(policy.presets) > 1 else ''} {', '.join(policy.presets)}"
        if policy.presets
        else ""
    )
    source = settings.source or "the shipped defaults"
    return f"mode {policy.enforcement.mode.value}, {count} rule{'s' if count != 1 else ''} ({source}{presets})"


def worker_app() -> Served:
    """What each of several worker processes serves."""
    own_logger()
    launch = Launch.from_environment()
    return Served(launch, launch.load())


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves with exit code 0 after a drain instead of raising the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


class _Workers(Multiprocess):
    """uvicorn's supervisor; a reload is checked once and passed on, so that no worker has to be replaced."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], launch: Launch) -> None:
        super().__init__(config, sockets=sockets)
        self._launch = launch

    def handle_hup(self) -> None:
        try:
            self._launch.load()
        except GatekeeperError as fault:
            own_logger().error("the new %s is refused, the old rules stay:\n%s", self._launch.config, indented(fault))
            return
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)


def serve(launch: Launch, settings: Settings, announce: Callable[[str], None]) -> int:
    """Runs until a signal ends it; returns the exit code. ``announce`` is told the address when it listens.

    Raises :class:`GatekeeperError` when it cannot listen or open its log.
    """
    own_logger()
    listener = listening_socket(settings.server)
    listener.set_inheritable(True)
    several = settings.server.workers > 1
    if several:
        launch.to_environment()
    app: Any = "gatekeeper.serve:worker_app" if several else Served(launch, settings)
    config = uvicorn.Config(
        app,
        factory=several,
        workers=settings.server.workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        # The visitor gets the app's own Date and Server, and no other; the proxy decides whom to believe about
        # addresses.
        date_header=False,
        server_header=False,
        proxy_headers=False,
        backlog=2048,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=settings.server.drain,
    )
    announce(shown_address(listener, settings.server))
    if several:
        _Workers(config, [listener], launch).run()
    else:
        _Server(config).run(sockets=[listener])
    path = settings.server.unix_path
    if path is not None:
        Path(path).unlink(missing_ok=True)
    return 0


def shown_address(listener: socket.socket, server: Server) -> str:
    """The address to open in a browser, with the port that a 0 became."""
    if server.unix_path is not None:
        return server.listen
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
