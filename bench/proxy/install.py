"""Gets the peers: Debian's by apt-get, the others from PyPI, each in an environment of its own.

What cannot be had is said and left out here; the table then lists it as not measured.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.proxy.places import ROOT, VENVS

_DEBIAN = {
    "nginx-light": "/usr/sbin/nginx",
    "libnginx-mod-http-lua": "/usr/lib/nginx/modules/ngx_http_lua_module.so",
    "libnginx-mod-http-js": "/usr/lib/nginx/modules/ngx_http_js_module.so",
    "lua-cjson": "/usr/share/doc/lua-cjson",
    "haproxy": "/usr/sbin/haproxy",
    "varnish": "/usr/sbin/varnishd",
    "varnish-modules": "/usr/share/doc/varnish-modules",
    "wrk": "/usr/bin/wrk",
    "gcc": "/usr/bin/gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "linux-perf": "/usr/bin/perf",
    "util-linux": "/usr/bin/taskset",
}
ENVIRONMENTS = ("envoy", "mitmproxy", "asgiproxy", "proxy-py", "fastapi-proxy-lib", "starlette-httpx", "tools")


def install() -> bool:
    """Installs what is missing; whether all is there now."""
    complete = _debian()
    for name in ENVIRONMENTS:
        complete = _environment(name) and complete
    return complete


def _debian() -> bool:
    missing = [package for package, file in _DEBIAN.items() if not Path(file).exists()]
    if not missing:
        return True
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"install these as root: apt-get install {' '.join(missing)}", file=sys.stderr)
        return False
    environ = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    # Debian starts a service as soon as it is installed; the benchmark starts its own.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "update", "-qq"], env=environ, check=False)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        done = subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False)
    finally:
        if ours:
            policy.unlink()
    if done.returncode != 0:
        print(f"apt-get could not install {' '.join(missing)}", file=sys.stderr)
    return done.returncode == 0


def _environment(name: str) -> bool:
    wanted = ROOT / "bench" / f"requirements-{name}.txt"
    folder, log = VENVS / name, VENVS / f"{name}.log"
    stamp = folder / ".installed"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return True
    print(f"installing {name} into {folder.relative_to(ROOT)}", file=sys.stderr)
    VENVS.mkdir(parents=True, exist_ok=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]
    with log.open("wb") as out:
        for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], [*pip, str(wanted)]):
            if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False).returncode != 0:
                shutil.rmtree(folder, ignore_errors=True)
                print(f"{name} cannot be installed; {log.relative_to(ROOT)} says why", file=sys.stderr)
                return False
    stamp.write_text(digest)
    return True
