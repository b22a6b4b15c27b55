"""Real servers to stand behind the gate. Each notes every request that it sees, and answers with what it noted."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.running import PATIENCE, ROOT, closed_port, environment, until

NODE_APP = Path(__file__).with_name("apps") / "node_app.js"


@dataclass(frozen=True)
class Entry:
    """A request as a server saw it.

    ``length`` is that of the body, in octets, and None when the body was cut short. ``method`` is empty for octets that
    the server could not read as a request.
    """

    method: str
    path: str
    length: int | None


Command = Callable[[Path, int], Sequence[str | Path]]


class Backend:
    """A server that runs. ``folder`` is its own."""

    def __init__(self, name: str, command: Command, folder: Path) -> None:
        self.name = name
        self.port = closed_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._seen = folder / "seen"
        self._seen.touch()
        self._log = folder / "log"
        self._entries: list[Entry] = []
        self._read: dict[Path, int] = {}  # octets of each file
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command(folder, self.port),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(SEEN=str(self._seen), PYTHONUNBUFFERED="1"),
                start_new_session=True,
            )
        until(self._is_open, what=f"{name} to listen")

    def _is_open(self) -> bool:
        assert self._process.poll() is None, f"{self.name} ended with {self._process.returncode}:\n{self.log}"
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text("utf-8", "replace")

    def seen(self) -> list[Entry]:
        """All requests so far, in the order of their ends. HAProxy can note them on its standard output alone."""
        for file in (self._seen, self._log):
            with file.open("rb") as lines:
                lines.seek(self._read.get(file, 0))
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    self._read[file] = self._read.get(file, 0) + len(line)
                    if line.startswith(b"{"):
                        self._entries.append(_entry(line))
        return self._entries

    def stop(self) -> None:
        """Ends it and whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)


def _entry(line: bytes) -> Entry:
    noted = json.loads(line)
    # nginx and HAProxy say with a status whether all went well, and write a number as text.
    is_whole = noted["length"] is not None and noted.get("status", "200") == "200"
    is_request = re.fullmatch("[A-Z]+", noted["method"])
    return Entry(noted["method"] if is_request else "", noted["path"], int(noted["length"] or 0) if is_whole else None)


# --- those that the system has ----------------------------------------------------------------------------------------

# The inner server says how long the body was that the outer one has read: what answers for
# itself does not notice that a body is cut short.
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format seen escape=json
    '{{"method":"$request_method","path":"$request_uri","length":"$upstream_http_x_length","status":"$status"}}';
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    access_log {folder}/seen seen;
    location / {{ proxy_pass http://unix:{folder}/inner; }}
  }}
  server {{
    listen unix:{folder}/inner;
    access_log off;
    default_type application/json;
    set $length $content_length;
    if ($length = "") {{ set $length 0; }}
    location / {{
      add_header X-Length $length;
      return 200 '{{"method":"$request_method","path":"$request_uri","length":$length}}';
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  log stdout format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 5s
  option dontlognull
frontend seen
  bind 127.0.0.1:{port}
  log global
  log-format '{{"method":"%HM","path":"%HU","length":"%[var(txn.length)]","status":"%ST"}}'
  http-response set-var(txn.length) res.hdr(x-length)
  default_backend inner
backend inner
  server inner unix@{folder}/inner
frontend inner
  bind unix@{folder}/inner
  http-request wait-for-body time 5s at-least 1m
  http-request return status 200 content-type application/json hdr x-length %[req.body_len] lf-string '{{"method":"%[method]","path":"%[url]","length":%[req.body_len]}}'
"""  # noqa: E501 - HAProxy knows no continued line


def _from_system(program: str, package: str) -> str:
    path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
    if path is None:
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    return path


def _nginx(folder: Path, port: int) -> Sequence[str | Path]:
    program, file = _from_system("nginx", "nginx-light"), folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port))
    return [program, "-e", folder / "error.log", "-c", file]


def _haproxy(folder: Path, port: int) -> Sequence[str | Path]:
    program, file = _from_system("haproxy", "haproxy"), folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(folder=folder, port=port))
    return [program, "-db", "-f", file]


def _node(*words: str) -> Command:
    return lambda _, port: [_from_system("node", "nodejs"), NODE_APP, str(port), *words]


# --- those from the Python world --------------------------------------------------------------------------------------


def _needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: it is in requirements/dev.txt")


def _gunicorn(*words: str) -> Command:
    def command(folder: Path, port: int) -> Sequence[str | Path]:
        _needs("gunicorn")
        own = ["--no-control-socket", "--worker-tmp-dir", str(folder), "--graceful-timeout", "1"]
        return [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *own, *words,
                "tests.plane.backends.apps.gunicorn_app:application"]  # fmt: skip

    return command


def _aiohttp(_: Path, port: int) -> Sequence[str | Path]:
    _needs("aiohttp")
    return [sys.executable, "-m", "tests.plane.backends.apps.aiohttp_app", str(port)]


# The second gunicorn and the second node forgive what a server ought to refuse. Who stands before such a one must not
# let it through.
_FORGIVING = ("--permit-obsolete-folding", "--strip-header-spaces", "--header-map", "dangerous")
BACKENDS: dict[str, Command] = {
    "nginx": _nginx,
    "haproxy": _haproxy,
    "gunicorn": _gunicorn("--worker-class", "sync"),
    "gunicorn-forgiving": _gunicorn("--worker-class", "gthread", "--threads", "4", *_FORGIVING),
    "aiohttp": _aiohttp,
    "node": _node(),
    "node-forgiving": _node("lenient"),
}


def start(name: str, folder: Path) -> Backend:
    """Starts one of :data:`BACKENDS`; skips the test where it is not installed."""
    return Backend(name, BACKENDS[name], folder)


__all__ = ["BACKENDS", "Backend", "Entry", "start"]
