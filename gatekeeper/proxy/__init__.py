"""The faithful HTTP intermediary; knows nothing of cookies and consent.

Read in this order: ``app`` (one exchange, top-down), ``request`` and ``forwarded`` (what goes to the upstream),
``visitor`` and ``link`` (how), ``response`` (what comes back), ``upstream`` (where it is, what its failures are
called), ``limits``.
"""

from gatekeeper.proxy.app import ReverseProxy
from gatekeeper.proxy.limits import Limits
from gatekeeper.proxy.upstream import Upstream, UpstreamError
from gatekeeper.proxy.visitor import VisitorStalled

__all__ = ["Limits", "ReverseProxy", "Upstream", "UpstreamError", "VisitorStalled"]
