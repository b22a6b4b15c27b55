"""What the Python apps note of each request, in the file ``SEEN``."""

import json
import logging
import os
from typing import Any

_SEEN = os.open(os.environ["SEEN"], os.O_WRONLY | os.O_APPEND)


def note(method: str, path: str, length: int | None) -> bytes:
    """One line, written at once: it has to be there before the answer is. ``length`` is None for a body cut short."""
    entry: dict[str, Any] = {"method": method, "path": path, "length": length}
    line = json.dumps(entry).encode()
    os.write(_SEEN, line + b"\n")
    return line


class Unreadable(logging.Handler):
    """Notes what the server could not read as a request; its only trace is in the server's log."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self._beginning = beginning

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(self._beginning):
            note("", record.getMessage()[:200], None)
