"""What the supervisor found good last, where every worker can read it: in a file without a name."""

import contextlib
import fcntl
import os
import struct
from collections.abc import Generator

from gatekeeper.serve.tls import Pair, unnamed_file

_LENGTH = struct.Struct("!q")
_NONE = -1


class LastGood:
    """The octets of the last settings file, and the last certificate and key; locked while they are written. A forked
    process shares it.
    """

    def __init__(self) -> None:
        self._file = unnamed_file()

    def put(self, octets: bytes | None, pair: Pair | None) -> None:
        """Replaces what is there."""
        parts = (octets, pair.certificate if pair else None, pair.key if pair else None)
        whole = b"".join(_LENGTH.pack(_NONE if part is None else len(part)) + (part or b"") for part in parts)
        with self._locked(fcntl.LOCK_EX) as descriptor:
            os.ftruncate(descriptor, 0)
            written = 0
            while written < len(whole):
                written += os.pwrite(descriptor, whole[written:], written)

    def get(self) -> tuple[bytes | None, Pair | None]:
        """What was put last."""
        with self._locked(fcntl.LOCK_SH) as descriptor:
            whole = b""
            while part := os.pread(descriptor, 1 << 20, len(whole)):
                whole += part
        parts: list[bytes | None] = []
        while whole:
            (length,) = _LENGTH.unpack_from(whole)
            end = _LENGTH.size + max(length, 0)
            parts.append(None if length == _NONE else whole[_LENGTH.size : end])
            whole = whole[end:]
        octets, certificate, key = parts
        return octets, None if certificate is None or key is None else Pair(certificate, key)

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Generator[int, None, None]:
        descriptor = self._file.fileno()
        fcntl.lockf(descriptor, kind)
        try:
            yield descriptor
        finally:
            fcntl.lockf(descriptor, fcntl.LOCK_UN)
