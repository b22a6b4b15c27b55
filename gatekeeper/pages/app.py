"""Gatekeeper's own pages, below ``server.pages``: whether it serves, and the cookie policy in force.

The same for every visitor, without cookies, and answered without the app behind the gate.
"""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.pages import cookie_policy
from gatekeeper.policy.document import Policy

# RFC 9111 section 5.2.2.5: what is asked by a load balancer is of this moment.
_NOW = {"cache-control": "no-store"}
_POLICY = {"cache-control": "public, max-age=60"}


class Pages:
    """The pages under ``prefix``. ``policy`` is asked for the policy in force, ``draining`` whether the end is near."""

    def __init__(self, prefix: str, *, policy: Callable[[], Policy], draining: Callable[[], bool]) -> None:
        self._policy = policy
        self._draining = draining
        self._rendered: tuple[Policy, str, str] | None = None
        self.app = Starlette(
            routes=[
                Route(f"{prefix}health", self._health),
                Route(f"{prefix}cookies", self._cookies),
                Route(f"{prefix}cookies.json", self._cookies_json),
            ]
        )

    async def _health(self, _: Request) -> Response:
        """200 while requests are taken, 503 from the beginning of the drain on."""
        if self._draining():
            return JSONResponse({"status": "draining"}, 503, headers=_NOW)
        return JSONResponse({"status": "ok"}, headers=_NOW)

    async def _cookies(self, _: Request) -> Response:
        return Response(self._of_policy()[1], media_type="text/html", headers=_POLICY)

    async def _cookies_json(self, _: Request) -> Response:
        return Response(self._of_policy()[2], media_type="application/json", headers=_POLICY)

    def _of_policy(self) -> tuple[Policy, str, str]:
        policy = self._policy()
        if self._rendered is None or self._rendered[0] is not policy:
            self._rendered = (policy, cookie_policy.render_html(policy), cookie_policy.render_json(policy))
        return self._rendered
