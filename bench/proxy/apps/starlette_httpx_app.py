# mypy: ignore-errors
"""Starlette and an ``httpx.AsyncClient``: the proxy that most people write first."""

import contextlib
import os

import httpx
from consent_filter import HOP_BY_HOP, choice_in, filtered
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse
from starlette.routing import Route

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@contextlib.asynccontextmanager
async def _lifespan(app):
    limits = httpx.Limits(max_connections=512, max_keepalive_connections=512)
    async with httpx.AsyncClient(
        base_url=os.environ["BENCH_ORIGIN"], timeout=30, limits=limits, trust_env=False
    ) as client:
        app.state.client = client
        yield


async def _pass_on(request):
    client = request.app.state.client
    upstream = client.build_request(
        request.method,
        httpx.URL(path=request.url.path, query=request.url.query.encode()),
        headers=[(name, value) for name, value in request.headers.raw if name not in HOP_BY_HOP],
        content=request.stream() if request.method not in ("GET", "HEAD") else None,
    )
    answer = await client.send(upstream, stream=True)
    response = StreamingResponse(answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose))
    response.raw_headers = filtered(answer.headers.raw, choice_in(request.headers.raw))
    return response


app = Starlette(routes=[Route("/{path:path}", _pass_on, methods=_METHODS)], lifespan=_lifespan)
