"""``gatekeeper run``: sockets, uvicorn, signals, reload, drain.

One process serves by itself. Of several, the first only watches over the others: it alone reads the file, and hands
them what it found good, so that all of them hold the same rules and one that is replaced holds them too, whatever
became of the file meanwhile.
"""

import asyncio
import contextlib
import errno
import fcntl
import multiprocessing
import multiprocessing.connection
import multiprocessing.reduction
import os
import signal
import socket
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from gatekeeper.assembly import Assembled, in_order, load_settings, own_logger, read_file, waits_for_restart
from gatekeeper.audit.event import printable
from gatekeeper.errors import GatekeeperError
from gatekeeper.http_protocol import HttpProtocol
from gatekeeper.middleware.asgi import Message, Receive, Scope, Send
from gatekeeper.policy.document import FILE, Mode
from gatekeeper.policy.schema import PolicyError
from gatekeeper.settings import Server, Settings

_POLL = 0.25  # seconds between looks at a file that is watched
_HINTS = {
    errno.EADDRINUSE: "; is another server there? Choose another address with --listen",
    errno.EACCES: "; ports below 1024 and other users' folders need more rights",
    errno.EADDRNOTAVAIL: "; this machine has no such address",
}

Announce = Callable[[str], None]


class Launch:
    """How this Gatekeeper was started, so that a reload comes to the same settings.

    ``octets`` is the file as of the last time that it was good, ``read`` as of the last time that it could be read.
    """

    def __init__(self, config: Path | None, overrides: Mapping[str, object], *, watch: bool = False) -> None:
        self.config = config
        self.overrides = overrides
        self.watch = watch and config is not None
        self.octets: bytes | None = None
        self.read: bytes | None = None
        self._stamp = self._seen = _Stamp()

    def load(self) -> Settings:
        """The settings as of now; raises PolicyError."""
        if self.config is None:
            return self.settings_of(None)
        self._stamp = self._seen = _stamp(self.config)
        self.read = None
        self.read = octets = read_file(self.config)
        settings = self.settings_of(octets)
        self.octets = octets
        return settings

    def settings_of(self, octets: bytes | None) -> Settings:
        """The settings that these octets of the file mean; raises PolicyError."""
        return load_settings(self.config, environ=os.environ, overrides=self.overrides, octets=octets)

    def has_changed(self) -> bool:
        """Whether the file is another one than was loaded, and the same as at the last look: not half written."""
        assert self.config is not None  # noqa: S101 — nothing else is watched
        before, self._seen = self._seen, _stamp(self.config)
        # An editor may take the file away for a moment.
        return self._seen not in (self._stamp, _Stamp()) and self._seen == before

    @property
    def name(self) -> str:
        """What is reloaded, in a message."""
        return str(self.config) if self.config else "the settings"


_Stamp = tuple[int, ...]


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino)


# --- sockets ---------------------------------------------------------------------------------------------------------


class Listener:
    """A socket that listens, and its file if it has one; raises :class:`GatekeeperError` with the reason and what to
    do.
    """

    def __init__(self, server: Server) -> None:
        self.socket = listening_socket(server)
        self.address = shown_address(self.socket, server)
        self._path = server.unix_path
        self._made = _identity(self._path)

    def leave(self) -> None:
        """Removes the file, unless another has taken its place. Before the socket is closed: until then nobody else's
        file can look like this one.
        """
        path, self._path = self._path, None
        if path is not None and _identity(path) == self._made:
            Path(path).unlink(missing_ok=True)

    def close(self) -> None:
        """Takes nobody in any more. May be called again."""
        self.leave()
        self.socket.close()


def listening_socket(server: Server) -> socket.socket:
    """A bound socket; raises :class:`GatekeeperError` with the reason and what to do."""
    try:
        return _unix_socket(Path(server.unix_path)) if server.unix_path is not None else _tcp_socket(*server.address)
    except OSError as fault:
        number = fault.errno or 0
        # Python adds the address to the system's own words, and a number below 0 is not the system's.
        reason = os.strerror(number) if number > 0 else fault.strerror or str(fault)
        raise GatekeeperError(f"cannot listen on {server.listen}: {reason.lower()}{_HINTS.get(number, '')}") from None


def _tcp_socket(host: str, port: int) -> socket.socket:
    if not host:
        # Every address: the IPv6 wildcard takes both families, where the machine has IPv6.
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        return socket.create_server(("", port), family=family, backlog=2048, dualstack_ipv6=both)
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=2048)


def _unix_socket(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise GatekeeperError(f"cannot listen on unix:{path}: another file is there, and stays")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        path.unlink()  # left behind by a process that is gone
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        # As nginx and uvicorn do: the server in front is another user. Who may come here is said by the folder.
        path.chmod(0o666)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _identity(path: str | None) -> tuple[int, int] | None:
    try:
        status = os.lstat(path or "")
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def shown_address(listener: socket.socket, server: Server) -> str:
    """The address to open in a browser, with the port that a 0 became."""
    if server.unix_path is not None:
        return server.listen
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


# --- what is told ----------------------------------------------------------------------------------------------------


def describe(settings: Settings) -> str:
    """Mode, rules and where they come from, in one line."""
    policy = settings.policy
    file = settings.source or "shipped defaults"
    own = sum(rule.source == FILE for rule in policy.rules)
    count = len(policy.rules)
    presets = f"the preset{'s' if len(policy.presets) > 1 else ''} {', '.join(policy.presets)}"
    if own and policy.presets:
        source = f"{own} of {file}, {count - own} of {presets}"
    else:
        source = f"{file}: {presets}" if policy.presets else file
    rules = f"{count} rule{'s' if count != 1 else ''}" if count else "no rules"
    return f"mode {policy.enforcement.mode.value}, {rules} ({source})"


def not_enforced(settings: Settings) -> str | None:
    """The warning that nothing is blocked, where that is so."""
    return {
        Mode.REPORT_ONLY: "Nothing is enforced: report-only says what would be blocked, and every cookie passes.",
        Mode.OFF: "Nothing is enforced: in mode off no cookie is looked at, and every cookie passes.",
        Mode.ENFORCE: None,
    }[settings.policy.enforcement.mode]


def _tell_reload(started: Settings, now: Settings) -> None:
    own_logger().info("reloaded: %s", describe(now))
    if warning := not_enforced(now):
        own_logger().warning("%s", warning)
    for part in waits_for_restart(started, now):
        own_logger().warning("%s has changed: that takes effect with a restart", part)


def _tell_refusal(launch: Launch, fault: Exception) -> None:
    if isinstance(fault, PolicyError):
        placed = in_order(fault.problems, launch.read)
        reasons = [f"line {line}: {problem}" if line else str(problem) for line, problem in placed]
    else:
        reasons = [str(fault) if isinstance(fault, GatekeeperError | OSError) else type(fault).__name__]
    shown = [f"    {printable(reason, 2000)}" for reason in reasons]
    own_logger().error("%s is refused, the old rules stay:\n%s", printable(launch.name, 1000), "\n".join(shown))


class _Terminal:
    """The terminal that this process was started on, if any."""

    def __init__(self) -> None:
        self._descriptors = [number for number in (0, 1, 2) if os.isatty(number)]

    def is_gone(self) -> bool:
        """Whether it was closed: then SIGHUP says so, and does not ask for a reload."""
        return bool(self._descriptors) and not any(map(os.isatty, self._descriptors))


# --- one server process ----------------------------------------------------------------------------------------------


class Served:
    """The assembled app in a server process, and what runs beside its exchanges. ``on_hangup`` answers SIGHUP."""

    def __init__(self, assembled: Assembled, on_hangup: Callable[["Served"], Coroutine[Any, Any, None]]) -> None:
        self.assembled = assembled
        self._on_hangup = on_hangup
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Any scope; the lifespan's also starts and ends what runs beside the exchanges."""
        if scope["type"] != "lifespan":
            await self.assembled.app(scope, receive, send)
            return
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.hang_up)

        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                for task in self._tasks:
                    task.cancel()
                await asyncio.to_thread(self.assembled.log.flush)
                if self.assembled.sink.lost:
                    own_logger().error("the log lost %d events", self.assembled.sink.lost)
            await send(message)

        await self.assembled.app(scope, receive, tell)

    def hang_up(self) -> None:
        """SIGHUP."""
        self.begin(self._on_hangup(self))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts what runs beside the exchanges."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self, load: Callable[[], Settings]) -> Settings | Exception:
        """Takes new settings into force and returns them, or why the old ones stay."""
        async with self._reloading:
            try:
                # In a thread: reading ten thousand rules takes a second, and exchanges go on meanwhile.
                settings = await asyncio.to_thread(load)
                await asyncio.to_thread(self.assembled.reload, settings)
            except Exception as fault:  # noqa: BLE001 — whatever is wrong with a new file, the old rules stay
                return fault
            return settings


class _Single:
    """The one process: it reads the file itself."""

    def __init__(self, launch: Launch, settings: Settings) -> None:
        self._launch = launch
        self._started = settings
        self._terminal = _Terminal()
        self.served = Served(Assembled(settings), self._hung_up)

    async def _hung_up(self, served: Served) -> None:
        if self._terminal.is_gone():
            signal.raise_signal(signal.SIGTERM)
        else:
            await self._reload()

    async def _reload(self) -> None:
        outcome = await self.served.reload(self._launch.load)
        if isinstance(outcome, Exception):
            _tell_refusal(self._launch, outcome)
        else:
            _tell_reload(self._started, outcome)

    async def watch(self) -> None:
        """Reloads a file that has changed."""
        while True:
            await asyncio.sleep(_POLL)
            if self._launch.has_changed():
                await self._reload()


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready, and leaves with exit code 0 after a drain instead of raising the
    signal again.
    """

    def __init__(self, config: uvicorn.Config, listener: Listener, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._listener = listener
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._listener.leave()
        await super().shutdown(sockets=sockets)

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


# --- several server processes ----------------------------------------------------------------------------------------


class _LastGood:
    """The octets of the last file that was good, where every worker can read them: a file without a name, locked while
    it is written. Can be handed to a child process while that is being started.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def of(cls, octets: bytes | None) -> "_LastGood":
        with tempfile.TemporaryFile() as file:
            held = cls(os.dup(file.fileno()))
        held.put(octets)
        return held

    def __reduce__(self) -> tuple[Any, ...]:
        return _inherited, (multiprocessing.reduction.DupFd(self._descriptor),)

    def put(self, octets: bytes | None) -> None:
        with self._locked(fcntl.LOCK_EX):
            os.ftruncate(self._descriptor, 0)
            # The first octet tells an empty file from none.
            rest = memoryview(b"" if octets is None else b"\n" + octets)
            while rest:
                rest = rest[os.pwrite(self._descriptor, rest, os.fstat(self._descriptor).st_size) :]

    def get(self) -> bytes | None:
        with self._locked(fcntl.LOCK_SH):
            size = os.fstat(self._descriptor).st_size
            octets = b""
            while len(octets) < size:
                octets += os.pread(self._descriptor, size, len(octets))
        return octets[1:] if octets else None

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Generator[None, None, None]:
        fcntl.lockf(self._descriptor, kind)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)


def _inherited(descriptor: Any) -> _LastGood:
    return _LastGood(descriptor.detach())


class _WorkerApp:
    """Makes what each worker process serves; it is handed to them while they are started."""

    def __init__(self, launch: Launch, last_good: _LastGood) -> None:
        self._launch = launch
        self._last_good = last_good

    def __call__(self) -> Served:
        own_logger()
        threading.Thread(target=_end_with_parent, name="gatekeeper-parent", daemon=True).start()
        return Served(Assembled(self._load(), must_log=False), self._hung_up)

    def _load(self) -> Settings:
        return self._launch.settings_of(self._last_good.get())

    async def _hung_up(self, served: Served) -> None:
        outcome = await served.reload(self._load)
        if isinstance(outcome, Exception):
            _tell_refusal(self._launch, outcome)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


class _Workers(Multiprocess):
    """uvicorn's supervisor; a reload is checked once and passed on, so that no worker has to be replaced."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: Listener,
        launch: Launch,
        settings: Settings,
        last_good: _LastGood,
        ready: Callable[[], None],
    ) -> None:
        super().__init__(config, sockets=[listener.socket])
        self._listener = listener
        self._launch = launch
        self._started = settings
        self._last_good = last_good
        self._ready = ready
        self._terminal = _Terminal()
        self._asked_to_end = False

    def serve(self) -> int:
        """Runs until a signal ends it; returns the exit code."""
        self.run()
        return 0 if self._asked_to_end else 1

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(self.config.timeout_worker_healthcheck) for process in self.processes):
            self._ready()
        else:
            own_logger().error("a worker process did not start")
            self.should_exit.set()

    def keep_subprocess_alive(self) -> None:
        before = [process.pid for process in self.processes]
        super().keep_subprocess_alive()
        for old, new in zip(before, self.processes, strict=False):
            if new.pid != old:
                own_logger().warning("worker process %s ended unasked; %s takes its place", old, new.pid)

    def handle_signals(self) -> None:
        super().handle_signals()
        if self._launch.watch and self._launch.has_changed():
            self.handle_hup()

    def handle_int(self) -> None:
        self._asked_to_end = True
        super().handle_int()

    def handle_term(self) -> None:
        self._asked_to_end = True
        super().handle_term()

    def handle_hup(self) -> None:
        if self._terminal.is_gone():
            self.handle_term()
            return
        try:
            settings = self._launch.load()
        except Exception as fault:  # noqa: BLE001 — whatever is wrong with a new file, the old rules stay
            _tell_refusal(self._launch, fault)
            return
        self._last_good.put(self._launch.octets)
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)
        _tell_reload(self._started, settings)

    def terminate_all(self) -> None:
        super().terminate_all()
        # The workers close their copies at once; with this one, nobody is taken in any more.
        self._listener.close()


# --- the whole -------------------------------------------------------------------------------------------------------


def serve(launch: Launch, settings: Settings, announce: Announce) -> int:
    """Runs until a signal ends it; returns the exit code. ``announce`` is told the address when it serves.

    Raises :class:`GatekeeperError` when it cannot listen or open its log.
    """
    own_logger()
    early: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: early.append(number))
    # Before anything is listened on: whatever cannot be assembled is told first.
    single = _Single(launch, settings)
    listener = Listener(settings.server)

    def ready() -> None:
        announce(listener.address)
        if early:
            signal.raise_signal(signal.SIGHUP)
        if launch.watch and settings.server.workers == 1:
            single.served.begin(single.watch())

    try:
        if settings.server.workers > 1:
            listener.socket.set_inheritable(True)
            # A worker needs nothing of the script that started this process, and must not run it again.
            vars(sys.modules["__main__"]).pop("__file__", None)
            last_good = _LastGood.of(launch.octets)
            config = _configure(_WorkerApp(launch, last_good), settings, factory=True)
            return _Workers(config, listener, launch, settings, last_good, ready).serve()
        _Server(_configure(single.served, settings), listener, ready).run(sockets=[listener.socket])
        return 0
    finally:
        listener.close()


def _configure(app: Any, settings: Settings, *, factory: bool = False) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=settings.server.workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=HttpProtocol,
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
