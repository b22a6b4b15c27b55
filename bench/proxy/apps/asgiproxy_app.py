# mypy: ignore-errors
"""asgiproxy, an ASGI app on aiohttp."""

import os

from asgiproxy.config import BaseURLProxyConfigMixin, ProxyConfig
from asgiproxy.context import ProxyContext
from asgiproxy.simple_proxy import make_simple_proxy_app
from consent_filter import filtering


class _Config(BaseURLProxyConfigMixin, ProxyConfig):
    upstream_base_url = os.environ["BENCH_ORIGIN"]


_proxy = make_simple_proxy_app(ProxyContext(_Config(), max_concurrency=512))


async def app(scope, receive, send):
    """The proxy with the filter round it."""
    await _proxy(scope, receive, filtering(scope, send) if scope["type"] == "http" else send)
