"""Runs the shop, and Gatekeeper in front of it when told where that is."""

import argparse
import contextlib
import errno
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from .app import app

HOST = "127.0.0.1"
PORT = 8100
LISTEN = "127.0.0.1:8080"
CONFIG = Path(__file__).with_name("gatekeeper.toml")

START_SECONDS = 10.0
DRAIN_SECONDS = 3

# A closed terminal means "end" here: passed on as it is, SIGHUP would make Gatekeeper reload its rules and stay.
_FORWARDED = {signal.SIGINT: signal.SIGINT, signal.SIGTERM: signal.SIGTERM, signal.SIGHUP: signal.SIGTERM}


class StartError(Exception):
    """Ends the program with one line and an exit code, as a shell would give it."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Signals:
    """Takes the signals that ask for the end; hands each one once to the child, or keeps it until there is a child."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._kept: deque[signal.Signals] = deque()
        self._child: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        for number in _FORWARDED:
            signal.signal(number, self._received)

    def forward_to(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._forward()

    def _received(self, number: int, _frame: FrameType | None) -> None:
        self._kept.append(_FORWARDED[signal.Signals(number)])
        self.asked.set()
        self._forward()

    def _forward(self) -> None:
        # A handler may run in the middle of this: taking out before sending is what keeps one signal from going twice.
        while self._child is not None and self._kept:
            self._child.send_signal(self._kept.popleft())


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    signals = Signals()
    signals.install()
    try:
        with _shop(options.port) as address:
            if options.gatekeeper is None:
                print(f"Belchenrad, the sample shop, is open on {address}. Ctrl-C closes it.", flush=True)
                signals.asked.wait()
            if signals.asked.is_set():
                return 0
            return _gatekeeper(options, address, signals)
    except StartError as failure:
        print(failure, file=sys.stderr)
        return failure.code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.shop", description="Belchenrad, a sample shop that sets every cookie it can think of."
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="of the shop (default: %(default)s; if taken, a free one)"
    )
    parser.add_argument("--gatekeeper", metavar="PATH", help="also start this gatekeeper in front of the shop")
    parser.add_argument(
        "--listen", metavar="ADDR", default=LISTEN, help="where gatekeeper listens (default: %(default)s)"
    )
    parser.add_argument(
        "--config", metavar="FILE", default=str(CONFIG), help="gatekeeper's rules (default: the shop's)"
    )
    return parser.parse_args(arguments)


# --- the shop -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _shop(port: int) -> Generator[str]:
    """The shop on a thread of its own, as the signals belong to the main thread; yields its address once it is open."""
    listener = _listener(port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="shop")
    thread.start()
    try:
        _wait_until_open(server, thread)
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _listener(port: int) -> socket.socket:
    try:
        return _bound(port)
    except OverflowError:
        raise StartError(f"{port} is no port", 2) from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise StartError(f"cannot listen on {HOST}:{port}: {error.strerror}") from None
        print(f"port {port} is taken, so the shop takes a free one", file=sys.stderr)
        return _bound(0)


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def _wait_until_open(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise StartError("the shop did not start")
        time.sleep(0.01)


# --- Gatekeeper in front of it --------------------------------------------------------------------------------------


def _gatekeeper(options: argparse.Namespace, upstream: str, signals: Signals) -> int:
    """Run Gatekeeper until it ends; its exit code, with 128 added to the number of a signal that killed it."""
    command = [
        options.gatekeeper,
        "run",
        "--config",
        options.config,
        "--upstream",
        upstream,
        "--listen",
        options.listen,
    ]
    try:
        # In a process group of its own: the terminal would send Ctrl-C to both, and a second one cuts a drain short.
        child = subprocess.Popen(command, process_group=0)
    except OSError as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        raise StartError(f"cannot start {options.gatekeeper}: {error.strerror}", code) from None
    try:
        signals.forward_to(child)
        code = child.wait()
    finally:
        child.terminate()  # says nothing to a child that has ended
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
