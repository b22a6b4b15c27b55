"""The app behind the gate: where it is, how it is reached, and what its failures are called.

Why connections are not re-used
-------------------------------
httpcore reads octets that follow a response as the answer to the *next* request on that connection. Whoever makes an
app send a body longer than its Content-Length writes the next visitor's response. Nothing in httpcore's interface
tells whether such octets are there: they wait in the parser, in the stream's queue or in the TLS record layer. So the
transport that is built here keeps no connection, and the upstream is told so with ``Connection: close`` (RFC 9112
section 9.6).

It costs little: httpcore's pool looks at all its connections for each request, which is dearer than connecting anew.
Measured on the loopback, CPU time of one request in microseconds, re-used against new: 576 to 1,062 at one request at
a time, 1,508 to 901 at sixteen, 2,739 to 770 at sixty-four. A TLS upstream pays a handshake for each request. No
connection can be stale, either. A transport given to ``ReverseProxy`` may re-use connections; that is its owner's
decision.
"""

import re
import ssl
import urllib.parse
from dataclasses import dataclass, field

import httpx

from gatekeeper.errors import GatekeeperError

# A literal for Host: an authority without userinfo (RFC 9110 section 7.2), never anything that could end a line.
_LITERAL = re.compile(r"[A-Za-z0-9\-._~!$&'()*+;=%\[\]:]+")

_PATH = re.compile(r"[\x21-\x7e]*")


class UpstreamError(GatekeeperError):
    """The upstream could not be asked or did not answer; ``status`` is what the visitor is told (RFC 9110 section
    15.6).

    The text is for the operator and holds nothing that came over the wire. ``retry_after`` is in seconds; ``known``
    says that the operator was told of the cause already, and need not be at every exchange that it fails.
    """

    def __init__(self, text: str, *, status: int = 502, retry_after: int | None = None, known: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after
        self.known = known


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream: ``http://host:port[/prefix]``, ``https://…`` or ``unix:/path.sock``; deadlines in seconds.

    ``host`` is the Host field it is asked with: the visitor's ("preserve"), the one in ``url`` ("upstream"), or a
    literal. ``connect_timeout`` is for the TCP and for the TLS handshake each; ``read_timeout`` is a *total* for the
    response's head, counted from the end of the request, and the longest pause within a body. ``ca_file`` replaces
    the trusted certificates; ``client_cert`` (PEM, with its key or beside ``client_key``) is shown to an upstream
    that asks for one; without ``verify`` any certificate is taken, from whomever. ``queue_timeout`` is how long an
    exchange may wait for one of the ``max_connections``, ``idle_timeout`` how long one is kept without use, and
    ``max_head`` the octets that a response's head may have.

    Raises :class:`GatekeeperError` for settings that cannot be used.
    """

    url: str
    host: str = "preserve"
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    max_connections: int = 256
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    verify: bool = True
    queue_timeout: float = 5.0
    idle_timeout: float = 60.0
    max_head: int = 128 * 1024
    origin: httpx.URL = field(init=False, repr=False, compare=False)
    socket: str | None = field(init=False, repr=False, compare=False)
    authority: bytes = field(init=False, repr=False, compare=False)
    prefix: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            parts = urllib.parse.urlsplit(self.url)
            socket, authority = _address(parts)
            origin = httpx.URL(f"{parts.scheme}://{authority}/" if socket is None else "http://localhost/")
            prefix = b"" if socket is not None else _prefix(parts.path)
        except (ValueError, httpx.InvalidURL) as error:
            raise GatekeeperError(f"upstream.url: {error}") from None
        if not _LITERAL.fullmatch(self.host):
            raise GatekeeperError(f'upstream.host: neither "preserve", "upstream" nor a host: {self.host!r}')
        # A frozen dataclass is filled in this way only (dataclasses, "Frozen instances").
        for name, value in (("origin", origin), ("socket", socket), ("authority", authority.encode("ascii"))):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "prefix", prefix)

    def host_for(self, received: bytes | None) -> bytes:
        """The Host field for a request that came with ``received``, or with none (RFC 9110 section 7.2)."""
        if self.host == "preserve":
            return self.authority if received is None else received
        return self.authority if self.host == "upstream" else self.host.encode("ascii")


def _address(parts: urllib.parse.SplitResult) -> tuple[str | None, str]:
    """The socket's path, if it is one, and the authority."""
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ValueError("a user, a query or a fragment has no meaning here")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/"):
            raise ValueError("a unix socket is written unix:/path/to.sock")
        return parts.path, "localhost"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it has to begin with http://, https:// or unix:/")
    if parts.port is not None and not 0 < parts.port < 65536:
        raise ValueError("its port is out of range")
    if not parts.netloc.isascii():
        raise ValueError("its host has to be written in ASCII, xn--…")
    return None, parts.netloc


def _prefix(path: str) -> bytes:
    """The path of the URL, which goes before every request's own; that begins with "/" itself."""
    if not _PATH.fullmatch(path):
        raise ValueError("its path has octets that have to be percent-encoded")
    return path.removesuffix("/").encode("ascii")


def build_transport(upstream: Upstream) -> httpx.AsyncHTTPTransport:
    """A transport that keeps no connection, obeys no environment variable, and repeats nothing of its own accord.

    It does not bound the number of connections: a queue in httpcore's pool loses a place for good when a request is
    cancelled in the moment in which it is given a connection. :class:`gatekeeper.proxy.link.Link` bounds them.
    """
    return httpx.AsyncHTTPTransport(
        # Without TLS a context that trusts nobody, and costs nothing: the usual authorities take 20 ms to load.
        verify=tls_of(upstream) or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
        http1=True,
        http2=False,
        retries=0,
        uds=upstream.socket,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
    )


def tls_of(upstream: Upstream) -> ssl.SSLContext | None:
    """How TLS is spoken with it, None where it is not; raises :class:`GatekeeperError` for files that do not serve."""
    if upstream.origin.scheme != "https":
        return None
    try:
        if not upstream.verify:
            context = httpx.create_ssl_context(verify=False, trust_env=False)
        elif upstream.ca_file is None:
            context = httpx.create_ssl_context(trust_env=False)
        else:
            context = ssl.create_default_context(cafile=upstream.ca_file)
        if upstream.client_cert is not None:
            # An empty passphrase, so that nobody is asked for one on the terminal.
            context.load_cert_chain(upstream.client_cert, upstream.client_key, password="")
    except OSError as error:
        raise GatekeeperError(f"upstream.ca_file, upstream.client_cert: {error}") from None
    return context


# The first that fits. The library's own texts are not used: they quote what came over the wire.
_MEANING: tuple[tuple[type[Exception], int, str], ...] = (
    (httpx.ConnectTimeout, 504, "it did not accept the connection in time"),
    (httpx.WriteTimeout, 504, "it stopped reading the request"),
    (httpx.TimeoutException, 504, "it did not go on in time"),
    (httpx.ConnectError, 502, "it could not be reached"),
    (httpx.LocalProtocolError, 400, "the request has no form in HTTP/1.1"),
    (httpx.RemoteProtocolError, 502, "it ended the connection or sent what is not HTTP/1.1"),
    (httpx.HTTPError, 502, "the connection to it was cut"),
    (OSError, 502, "the connection to it was cut"),
)

# What a transport raises when an exchange fails; anything else is a bug and stays one.
TRANSPORT_FAILURES = (httpx.HTTPError, OSError)


def upstream_error(error: Exception) -> UpstreamError:
    """What a failure of the transport means, in the operator's words."""
    cause: BaseException | None = error
    while cause is not None and isinstance(error, httpx.ConnectError):
        if isinstance(cause, ssl.SSLError):
            return UpstreamError(f"TLS with it failed: {cause.reason or 'no reason given'}")
        # httpcore cuts the chain of causes with ``from None``; the context is still there.
        cause = cause.__cause__ or cause.__context__
    for kind, status, text in _MEANING:
        if isinstance(error, kind):
            return UpstreamError(text, status=status)
    return UpstreamError("the connection to it failed")
