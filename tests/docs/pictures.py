"""Takes the pictures in ``docs/images`` anew: ``python -m tests.docs.pictures``. Needs Chromium and two free ports.

The shop stands behind a real Gatekeeper in a real terminal. What the terminal shows is coloured in, not written.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.docs.pages import ROOT

IMAGES = ROOT / "docs" / "images"
ADDRESS, SHOP_PORT = "127.0.0.1:8080", 8100
ROWS, COLUMNS = 40, 112
# A cookie that no rule names is what the operator's picture is about.
UNNAMED = "pp_visitor"
FRAME = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; background: #0c0c0c }}
pre {{ margin: 0; padding: 18px 22px; display: inline-block; font: 14px/1.45 'DejaVu Sans Mono', monospace }}
{stylesheet}
pre {{ color: #d9d9d9; background: #0c0c0c }}
</style><pre>{code}</pre>"""


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        pid, self._descriptor = pty.fork()
        if pid == 0:
            os.chdir(folder)
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            environment = {**os.environ, "PATH": path, "PS1": "$ ", "TERM": "xterm-256color"}
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._octets = b""
        self.read_until("$ ")

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def read_until(self, text: str, seconds: float = 20) -> str:
        """What has been shown, once this is among it."""
        until = time.monotonic() + seconds
        while text not in self.shown and time.monotonic() < until:
            if select.select([self._descriptor], [], [], 0.2)[0]:
                self._octets += os.read(self._descriptor, 65536)
        return self.shown

    @property
    def shown(self) -> str:
        return re.sub(r"\x1b\[\?2004[hl]", "", self._octets.decode()).replace("\r\n", "\n")


def visit(page: Page) -> None:
    """A visitor who looks round and refuses."""
    page.goto(f"http://{ADDRESS}/")
    page.wait_for_timeout(800)
    page.screenshot(path=IMAGES / "visitor.png")
    page.click("text=Refuse all")
    page.wait_for_load_state()
    page.goto(f"http://{ADDRESS}/debug/cookies")


def render(page: Page, shown: str) -> None:
    """The terminal's octets as a picture."""
    text = Text.from_ansi(shown)
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123 — ends with us
    console.print(text, soft_wrap=False, overflow="fold")
    html = console.export_html(theme=MONOKAI, code_format=FRAME)
    page.set_content(html)
    page.locator("pre").screenshot(path=IMAGES / "operator.png")


def main() -> None:
    shop = subprocess.Popen([sys.executable, "-m", "examples.shop", "--port", str(SHOP_PORT)], cwd=ROOT)
    rules = (ROOT / "examples/shop/gatekeeper.toml").read_text("utf-8")
    without = re.sub(rf'\[\[cookie\]\]\nname = "{UNNAMED}"\n(?:.+\n)+', "", rules)
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        (Path(name) / "shop.toml").write_text(without, "utf-8")
        terminal = Terminal(Path(name))
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            terminal.type("gatekeeper run --config shop.toml\n")
            terminal.read_until("listens on")
            page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
            visit(page)
            terminal.read_until("expired")
            shown = terminal.read_until("never shown", seconds=2)
            render(page, shown)
        finally:
            terminal.type("\x03")
            browser.close()
            shop.terminate()
            shop.wait()


if __name__ == "__main__":
    main()
