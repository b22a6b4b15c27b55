"""How this Gatekeeper was started, and the files that it was started with."""

import os
from collections.abc import Mapping
from pathlib import Path

from gatekeeper.assembly import load_settings, read_file
from gatekeeper.serve.tls import Pair, read_pair
from gatekeeper.settings import Settings


class Launch:
    """How this Gatekeeper was started, so that a reload comes to the same settings.

    ``octets`` is the file as of the last time that it was good, ``read`` as of the last time that it could be read;
    ``pair`` is the certificate and key for visitors as of the last time that everything was good.
    """

    def __init__(self, config: Path | None, overrides: Mapping[str, object], *, watch: bool = False) -> None:
        self.config = config
        self.overrides = overrides
        self.watch = watch and config is not None
        self.octets: bytes | None = None
        self.read: bytes | None = None
        self.pair: Pair | None = None
        self._stamps: dict[Path, _Stamp] = {}
        self._seen: dict[Path, _Stamp] = {}

    def load(self) -> Settings:
        """The settings as of now; raises PolicyError."""
        octets = None
        config = [self.config] if self.config is not None else []
        # Each is looked at before it is read: what changes meanwhile has changed.
        stamps = {path: _stamp(path) for path in (*config, *self._stamps)}
        self._stamps = self._seen = stamps
        if self.config is not None:
            self.read = None
            self.read = octets = read_file(self.config)
        settings = self.settings_of(octets)
        named = [Path(path) for path in (settings.server.certificate, settings.server.key) if path]
        self._stamps = self._seen = {path: stamps.get(path) or _stamp(path) for path in (*config, *named)}
        self.pair = read_pair(settings)
        self.octets = octets
        return settings

    def settings_of(self, octets: bytes | None) -> Settings:
        """The settings that these octets of the file mean; raises PolicyError."""
        return load_settings(self.config, environ=os.environ, overrides=self.overrides, octets=octets)

    def has_changed(self) -> bool:
        """Whether a file is another one than was loaded, and all are the same as at the last look: not half written."""
        before, self._seen = self._seen, {path: _stamp(path) for path in self._stamps}
        # An editor may take a file away for a moment.
        return self._seen != self._stamps and self._seen == before and all(self._seen.values())

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
