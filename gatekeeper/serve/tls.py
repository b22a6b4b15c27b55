"""TLS for visitors: a certificate and its key, checked before they are taken into force, and changed while it runs.

A new pair goes into a context of its own, and the one that listens hands each handshake to the newest. Loaded into one
and the same context, a pair of another kind (RSA, then EC) would leave the old one beside it, for those visitors who
would rather have that; and what fails half-way would leave neither.
"""

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from gatekeeper.errors import GatekeeperError
from gatekeeper.policy.schema import PolicyError, Problem
from gatekeeper.proxy.upstream import Upstream, tls_of
from gatekeeper.settings import Settings, UpstreamSettings
from gatekeeper.upstreams import upstream_of

_MOST_OCTETS = 1024 * 1024  # a path to something else by mistake must not fill the memory


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain, and its key: the octets of two PEM files. Not shown: a key is nobody's business."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Pair(…)"


class VisitorTls:
    """``context`` is what listens; it may be replaced by nothing, and always has the pair that was taken last."""

    def __init__(self, pair: Pair) -> None:
        self._current = _context_of(pair)
        self.context = _new_context()
        self.context.sni_callback = self._hand_on

    def take(self, pair: Pair) -> None:
        """Shows this pair from the next handshake on; raises ssl.SSLError for one that was not checked."""
        self._current = _context_of(pair)

    def _hand_on(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        # Called for every handshake, with or without a name (SSL_CTX_set_tlsext_servername_callback).
        connection.context = self._current


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _context_of(pair: Pair) -> ssl.SSLContext:
    context = _new_context()
    with _as_file(pair.certificate) as certificate, _as_file(pair.key) as key:
        # An empty passphrase, so that nobody is asked for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    return context


@contextlib.contextmanager
def _as_file(octets: bytes) -> Iterator[str]:
    with unnamed_file() as file:
        file.write(octets)
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"


def unnamed_file() -> BinaryIO:
    """An empty file that nobody else can open, and on no disk where the system can do without."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("gatekeeper"), "w+b", buffering=0)  # noqa: PTH123 — no path; the caller's
    return cast("BinaryIO", tempfile.TemporaryFile(buffering=0))


# --- the operator's files --------------------------------------------------------------------------------------------


def read_pair(settings: Settings) -> Pair | None:
    """The visitors' certificate and key, None without; raises :class:`PolicyError` with what is wrong with them, and
    with the upstream's.
    """
    problems: list[Problem] = []
    pair = _pair(settings.server.certificate, settings.server.key, "server", problems)
    looked_at: set[tuple[object, ...]] = set()
    for path, upstream in settings.asked:
        # A thousand sites may name the same files, and each look at the usual authorities takes 20 ms.
        files = (upstream.url.startswith("https:"), upstream.verify, upstream.ca, upstream.certificate, upstream.key)
        if files not in looked_at:
            looked_at.add(files)
            problems += _problems_of_upstream(path, upstream)
    if problems:
        raise PolicyError(problems, settings.source)
    return pair


def tls_warnings(settings: Settings) -> Iterator[Problem]:
    """What is legal and looks wrong."""
    for path, upstream in settings.asked:
        yield from _warnings_of_upstream(path, upstream)


def _warnings_of_upstream(path: str, upstream: UpstreamSettings) -> Iterator[Problem]:
    if not upstream.url.startswith("https:"):
        for key, is_set in (
            ("ca", upstream.ca),
            ("verify", not upstream.verify),
            ("certificate", upstream.certificate),
        ):
            if is_set:
                yield Problem(f"{path}.{key}", "is of no use: TLS is spoken with an upstream.url of https:// alone")
    elif not upstream.verify:
        yield Problem(
            f"{path}.verify",
            "false takes any certificate: whoever stands in between can read and change everything"
            + (", and upstream.ca is not asked" if upstream.ca else ""),
        )


def _pair(certificate: str, key: str, table: str, problems: list[Problem]) -> Pair | None:
    if not certificate:
        return None
    octets = [_read(f"{table}.{name}", path, problems) for name, path in (("certificate", certificate), ("key", key))]
    if problems:
        return None
    pair = Pair(*octets)
    if b"-----BEGIN CERTIFICATE-----" not in pair.certificate:
        problems.append(Problem(f"{table}.certificate", f"{_shown(certificate)} holds no certificate in PEM"))
    if b"PRIVATE KEY-----" not in pair.key:
        problems.append(Problem(f"{table}.key", f"{_shown(key)} holds no private key in PEM"))
    elif b"ENCRYPTED" in pair.key:
        problems.append(Problem(f"{table}.key", f"{_shown(key)} has a passphrase, which nobody could be asked for"))
    if problems:
        return None
    try:
        _context_of(pair)
    except ssl.SSLError as fault:
        if fault.reason == "KEY_VALUES_MISMATCH" or "KEY_TYPE_MISMATCH" in str(fault.reason):
            problems.append(Problem(f"{table}.key", f"{_shown(key)} is not the key of {_shown(certificate)}"))
        else:
            reason = str(fault.reason or "no reason given").replace("_", " ").lower()
            problems.append(Problem(f"{table}.certificate", f"{_shown(certificate)} cannot be used: {reason}"))
    return pair


def _shown(path: str) -> str:
    """A path in whole, however long: its end is what it differs in. It is known to be printable."""
    return f'"{path}"'


def _read(key: str, path: str, problems: list[Problem]) -> bytes:
    try:
        with Path(path).open("rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
    except OSError as fault:
        problems.append(Problem(key, f"{_shown(path)} cannot be read: {(fault.strerror or str(fault)).lower()}"))
        return b""
    if len(octets) > _MOST_OCTETS:
        problems.append(Problem(key, f"{_shown(path)} is larger than 1 MiB, which is no PEM file"))
    return octets


def _problems_of_upstream(path: str, upstream: UpstreamSettings) -> Iterator[Problem]:
    if not upstream.url.startswith("https:"):
        return
    problems: list[Problem] = []
    _pair(upstream.certificate, upstream.key, path, problems)
    if upstream.ca:
        _read(f"{path}.ca", upstream.ca, problems)
    if not problems and upstream.ca:
        try:
            tls_of(Upstream(upstream.url, ca_file=upstream.ca))
        except GatekeeperError:
            problems.append(Problem(f"{path}.ca", f"{_shown(upstream.ca)} holds no certificate in PEM"))
    if not problems:
        try:
            tls_of(upstream_of(upstream))
        except GatekeeperError as fault:
            problems.append(Problem(f"{path}.certificate", str(fault)))
    yield from problems
