"""How this Gatekeeper was started, and the file that it was started with."""

import os
from collections.abc import Mapping
from pathlib import Path

from gatekeeper.assembly import load_settings, read_file
from gatekeeper.settings import Settings


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
