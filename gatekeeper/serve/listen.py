"""Sockets that listen: TCP on one family or both, or a unix socket whose file is ours."""

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from gatekeeper.errors import GatekeeperError
from gatekeeper.settings import Server

_HINTS = {
    errno.EADDRINUSE: "; is another server there? Choose another address with --listen",
    errno.EACCES: "; ports below 1024 and other users' folders need more rights",
    errno.EADDRNOTAVAIL: "; this machine has no such address",
}


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
    scheme = "https" if server.certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
