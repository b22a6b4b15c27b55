"""Gatekeeper's own pages, below ``server.pages``: whether it serves, and the cookie policy in force.

The same for every visitor, without cookies, and answered without the app behind the gate.
"""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.pages import cookie_policy
from gatekeeper.policy.document import Policy

# RFC 9111 section 5.2.2.5: what is asked by a load balancer is of this moment.
_NOW = {"cache-control": "no-store"}
_POLICY = {"cache-control": "public, max-age=60"}


class Pages:
    """The pages under ``prefix``. ``policy`` is asked for the policy in force."""

    def __init__(self, prefix: str, *, policy: Callable[[], Policy]) -> None:
        self._policy = policy
        self._rendered: tuple[Policy, str, str] | None = None
        self.app = Starlette(
            routes=[
                Route(f"{prefix}health", self._health),
                Route(f"{prefix}cookies", self._cookies),
                Route(f"{prefix}cookies.json", self._cookies_json),
            ]
        )
        # The redirect would name the scheme and host that this app believes itself at.
        self.app.router.redirect_slashes = False

    async def _health(self, _: Request) -> Response:
        """200 while requests are taken. From the beginning of a drain on, nobody is let in to ask."""
        return JSONResponse({"status": "ok"}, headers=_NOW)

    async def _cookies(self, _: Request) -> Response:
        return Response((await self._of_policy())[1], media_type="text/html", headers=_POLICY)

    async def _cookies_json(self, _: Request) -> Response:
        return Response((await self._of_policy())[2], media_type="application/json", headers=_POLICY)

    async def _of_policy(self) -> tuple[Policy, str, str]:
        policy = self._policy()
        rendered = self._rendered
        if rendered is None or rendered[0] is not policy:
            # Hundreds of rules take a good part of a second, and exchanges go on meanwhile.
            rendered = self._rendered = await run_in_threadpool(_render, policy)
        return rendered


def _render(policy: Policy) -> tuple[Policy, str, str]:
    return policy, cookie_policy.render_html(policy), cookie_policy.render_json(policy)
