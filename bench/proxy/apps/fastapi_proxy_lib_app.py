# mypy: ignore-errors
"""fastapi-proxy-lib, a FastAPI app on httpx."""

import os

import httpx
from consent_filter import filtering
from fastapi_proxy_lib.fastapi.app import reverse_http_app

_limits = httpx.Limits(max_connections=512, max_keepalive_connections=512)
_proxy = reverse_http_app(
    client=httpx.AsyncClient(timeout=30, limits=_limits, trust_env=False), base_url=os.environ["BENCH_ORIGIN"] + "/"
)


async def app(scope, receive, send):
    """The proxy with the filter round it."""
    await _proxy(scope, receive, filtering(scope, send) if scope["type"] == "http" else send)
