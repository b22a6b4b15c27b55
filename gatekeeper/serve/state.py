"""What the gate has learned of where cookies lie, in a file that all workers share and that outlives them.

Every process reads what others have written, adds what it has learned itself, and puts a new file in the place of the
old one, under a lock; between exchanges and never in one. The file is no more than a memory: what is wrong with it is
told, and everything goes on without it. One that is not Gatekeeper's is left as it is.
"""

import contextlib
import fcntl
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from pathlib import Path

from gatekeeper.assembly import own_logger
from gatekeeper.enforcement.scopes import Entry, Learned, Pool, Scope
from gatekeeper.settings import Server

# Octets; what one site can fill is below six million.
_MOST = 8 * 1024 * 1024
_FORM = 1  # the number of the form that the file has
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW
_TRIES, _PAUSE = 40, 0.05  # of the last meeting; seconds


class ForeignFileError(ValueError):
    """The file holds something else; the text says what."""


def state_path(server: Server, environ: Mapping[str, str]) -> Path | None:
    """Where the file is to be: where the settings say, or in the directory that systemd made (StateDirectory=)."""
    if server.state:
        return Path(server.state)
    folder = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(folder, "state.json") if folder else None


def encoded(learned: Learned) -> bytes:
    """All that was learned, of as many sites as fit."""
    sites: dict[str, object] = {}
    room = _MOST - 1024
    for site, scopes in learned.sites():
        pools: dict[str, dict[str, list[object]]] = {}
        for pool, name, scope in scopes.entries():
            place = [_text(scope.domain), _text(scope.path), scope.partitioned, scope.secure]
            pools.setdefault(pool.value, {}).setdefault(name.decode("ascii"), []).append(place)
        room -= len(json.dumps({site: pools}))
        if room > 0 and pools:
            sites[site] = pools
    return json.dumps({"gatekeeper": _FORM, "sites": sites}, separators=(",", ":")).encode("ascii") + b"\n"


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else octets.decode("ascii")


def decoded(octets: bytes, sites: Collection[str]) -> dict[str, list[Entry]]:
    """What a file says of these sites; a part that cannot be is passed over. Raises :class:`ForeignFileError`."""
    if not octets.strip():
        return {}
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError):
        raise ForeignFileError("it is no JSON") from None
    if not isinstance(document, dict) or document.get("gatekeeper") != _FORM:
        raise ForeignFileError("it is no state of this version of Gatekeeper")
    said = document.get("sites")
    return {site: list(_entries(said[site])) for site in sites if isinstance(said, dict) and site in said}


def _entries(pools: object) -> Iterator[Entry]:
    for pool in Pool:
        names = pools.get(pool.value) if isinstance(pools, dict) else None
        for name, places in names.items() if isinstance(names, dict) else ():
            for place in places if isinstance(places, list) else ():
                scope = _scope(place)
                if scope is not None and name.isascii():
                    yield pool, name.encode("ascii"), scope


def _scope(place: object) -> Scope | None:
    match place:
        case [str() | None as domain, str() | None as path, bool() as partitioned, bool() as secure]:
            if (domain or "").isascii() and (path or "").isascii():
                return Scope(_octets(domain), _octets(path), partitioned, secure)
    return None


def _octets(text: str | None) -> bytes | None:
    return None if text is None else text.encode("ascii")


class State:
    """Keeps a table and its file together. ``sites`` are those that there are, by their names in the log."""

    def __init__(self, path: Path, learned: Learned, sites: Callable[[], Collection[str]]) -> None:
        self._path = path
        self._learned = learned
        self._sites = sites
        self._version = learned.version  # as of the last time that the file held all of it
        self._stamp: tuple[int, ...] = ()
        self._told = ""
        self._meeting = threading.Lock()  # the lock of the file keeps out other processes alone

    def leave(self) -> None:
        """The last time, for which others at the file are waited for, but not long."""
        for _ in range(_TRIES):
            self.meet()
            if self._learned.version == self._version or self._told:
                return
            time.sleep(_PAUSE)

    def meet(self) -> None:
        """Takes in what the file says, and adds to it what is new here. Never raises."""
        try:
            with self._meeting:
                self._meet()
        except ForeignFileError as fault:
            self._tell(f"{fault}; remove it, or name another file")
        except OSError as fault:
            self._tell((fault.strerror or str(fault)).lower())
        else:
            self._told = ""

    def _meet(self) -> None:
        if self._learned.version == self._version:
            if self._stamp_now() != self._stamp:
                self._stamp = self._stamp_now()
                self._read()
            return
        with self._locked() as free:
            if free:
                self._read()
                version = self._learned.version
                self._write(encoded(self._learned))
                self._version, self._stamp = version, self._stamp_now()

    def _stamp_now(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return ()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        with open(descriptor, "rb") as file:  # noqa: PTH123 — a path would be opened a second time
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ForeignFileError("it is no file")
            if status.st_size > _MOST:
                raise ForeignFileError("it is larger than 8 MiB")
            octets = file.read(_MOST)
        for site, entries in decoded(octets, self._sites()).items():
            self._learned.of(site).add(entries)

    def _write(self, octets: bytes) -> None:
        # Whoever holds the lock is the only one who writes this; what a crash leaves of it is written over.
        new = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 — as above
                file.write(octets)
                file.flush()
                os.fsync(descriptor)
            new.replace(self._path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def _locked(self) -> Generator[bool, None, None]:
        """Whether nobody else is at it; if somebody is, the next time is early enough."""
        lock = self._path.with_name(self._path.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
        try:
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _tell(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            own_logger().warning('server.state: "%s" cannot be used: %s', self._path, reason)
