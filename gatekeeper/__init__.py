"""Gatekeeper enforces cookie consent at the HTTP boundary, in front of any web app, with no change to the app.

Reading order for the code: ``wire`` (fields), ``cookies`` (RFC 6265bis), ``consent`` (what the visitor said),
``policy`` (the TOML file), ``enforcement`` (an exchange through the gate), then the adapters ``middleware`` and
``proxy``, and ``assembly``, ``serve`` and ``cli`` on top. ``docs/life-of-a-request.md`` walks through them.
"""

from gatekeeper import _forms
from gatekeeper.assembly import load_policy
from gatekeeper.errors import GatekeeperError
from gatekeeper.middleware.asgi import ConsentMiddleware
from gatekeeper.middleware.wsgi import WSGIConsentMiddleware
from gatekeeper.policy.document import Policy
from gatekeeper.policy.schema import PolicyError
from gatekeeper.proxy import ReverseProxy

__version__ = "0.1.0"
IS_COMPILED = _forms.is_compiled()

__all__ = [
    "ConsentMiddleware",
    "GatekeeperError",
    "Policy",
    "PolicyError",
    "ReverseProxy",
    "WSGIConsentMiddleware",
    "__version__",
    "load_policy",
]
