"""The gate under test as a process of its own; nginx and HAProxy with the same settings, for comparison."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from tests.cli.running import Gatekeeper, closed_port

PATIENCE = 10.0


@dataclass(frozen=True)
class Limits:
    """What a gate is started with; seconds, except for ``connections``."""

    head: int = 8
    idle: int = 20
    body: int = 8
    tunnel: int = 20
    connect: int = 3
    answer: int = 8
    queue: int = 4
    upstream_idle: int = 20
    connections: int = 64


class Proxy(Protocol):
    """A gate that runs."""

    port: int
    pid: int

    # Statuses with which it refuses a head that is too large.
    too_large: frozenset[int]

    @property
    def is_alive(self) -> bool: ...

    def complaints(self) -> list[str]: ...

    def close(self) -> None: ...


# Two names that visitors may be given without having been asked; every other one is blocked.
RULES = """
[[cookie]]
name = "sessionid"
category = "necessary"
[[cookie]]
name = "lang"
category = "necessary"
"""


class GatekeeperProxy:
    """``gatekeeper run``."""

    too_large = frozenset({431})

    def __init__(self, upstream: str, limits: Limits, folder: Path) -> None:
        file = folder / "gatekeeper.toml"
        file.write_text(_settings(upstream, limits) + RULES)
        self._gatekeeper = Gatekeeper("--config", str(file)).ready()
        self.port = int(urlsplit(self._gatekeeper.address).port or 0)
        self.pid = self._gatekeeper.process.pid

    @property
    def is_alive(self) -> bool:
        return self._gatekeeper.process.poll() is None

    def complaints(self) -> list[str]:
        """What looks like a bug on standard error."""
        return [
            line for line in self._gatekeeper.err if re.search(r"Traceback|never retrieved|Exception|\bError:", line)
        ]

    def close(self) -> None:
        self._gatekeeper.close()


def _settings(upstream: str, limits: Limits) -> str:
    server = {
        "head_timeout": f"{limits.head}s",
        "idle_timeout": f"{limits.idle}s",
        "body_timeout": f"{limits.body}s",
        "tunnel_timeout": f"{limits.tunnel}s",
    }
    towards = {
        "url": upstream,
        "connect_timeout": f"{limits.connect}s",
        "read_timeout": f"{limits.answer}s",
        "queue_timeout": f"{limits.queue}s",
        "idle_timeout": f"{limits.upstream_idle}s",
        "max_connections": limits.connections,
    }
    lines = ["[server]", *(f'{key} = "{value}"' for key, value in server.items()), "[upstream]"]
    lines += [f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"' for key, value in towards.items()]
    return "\n".join(lines) + "\n"


class _Peer:
    """Another maker's proxy."""

    too_large = frozenset({400, 414, 431})

    def __init__(self, port: int, *command: str, log: Path) -> None:
        self.port = port
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        self.pid = self._process.pid
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                return
            assert self.is_alive, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def complaints(self) -> list[str]:
        return []

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; tcp_nodelay on; keepalive_timeout {limits.idle}s; client_header_timeout {limits.head}s;
  client_body_timeout {limits.body}s; send_timeout {limits.body}s; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; large_client_header_buffers 8 64k;
  map $http_upgrade $hop {{ default upgrade; "" ""; }}
  upstream origin {{
    server {address} max_conns={limits.connections}; keepalive 32; keepalive_timeout {limits.upstream_idle}s;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;
      proxy_set_header Connection $hop; proxy_set_header Upgrade $http_upgrade; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host; proxy_set_header Forwarded "";
      proxy_pass_header Server; proxy_pass_header Date; proxy_buffer_size 128k; proxy_buffers 8 128k;
      proxy_connect_timeout {limits.connect}s; proxy_read_timeout {limits.answer}s; proxy_send_timeout {limits.body}s;
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 2000
  tune.bufsize 131072
  tune.maxrewrite 16384
  tune.http.maxhdr 201
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect {limits.connect}s
  timeout client {limits.body}s
  timeout server {limits.answer}s
  timeout tunnel {limits.tunnel}s
  timeout queue {limits.queue}s
  timeout http-request {limits.head}s
  timeout http-keep-alive {limits.idle}s
frontend visitors
  bind 127.0.0.1:{port}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request del-header Forwarded
  default_backend origin
backend origin
  retries 1
  retry-on conn-failure
  server origin {address} maxconn {limits.connections} pool-purge-delay {limits.upstream_idle}s
"""


class NginxProxy(_Peer):
    """Debian's nginx, as a careful operator sets it up."""

    def __init__(self, upstream: str, limits: Limits, folder: Path) -> None:
        port = closed_port()
        file = folder / "nginx.conf"
        file.write_text(NGINX.format(folder=folder, limits=limits, port=port, address=urlsplit(upstream).netloc))
        super().__init__(port, shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(file), log=folder / "log")


class HaproxyProxy(_Peer):
    """Debian's HAProxy, as a careful operator sets it up."""

    def __init__(self, upstream: str, limits: Limits, folder: Path) -> None:
        port = closed_port()
        file = folder / "haproxy.cfg"
        file.write_text(HAPROXY.format(limits=limits, port=port, address=urlsplit(upstream).netloc))
        super().__init__(
            port, shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", str(file), log=folder / "log"
        )


KINDS: dict[str, Callable[[str, Limits, Path], Proxy]] = {
    "gatekeeper": GatekeeperProxy,
    "nginx": NginxProxy,
    "haproxy": HaproxyProxy,
}
# Which one the battery runs; ``python -m tests.plane.peers`` sets another.
chosen = "gatekeeper"


def start(upstream: str, limits: Limits, folder: Path) -> Proxy:
    """Start the chosen gate in front of ``upstream``."""
    return KINDS[chosen](upstream, limits, folder)
