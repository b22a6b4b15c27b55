"""Gatekeeper's own pages, below ``server.pages``: whether it serves, and the cookie policy in force.

The same for every visitor of a site, without cookies, and answered without the app behind the gate.
"""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gatekeeper.pages import cookie_policy
from gatekeeper.policy.document import Policy

# RFC 9111 section 5.2.2.5: what is asked by a load balancer is of this moment.
_NOW = {"cache-control": "no-store"}
_POLICY = {"cache-control": "public, max-age=60"}
# RFC 9110 section 15.5.20.
_NOWHERE = PlainTextResponse("421 Misdirected Request: no site is served here under this name.\n", 421, headers=_NOW)
# Where browsers and authorities look for it, whatever the prefix is.
GPC = "/.well-known/gpc.json"
_KEPT = 64  # sites whose pages are kept as they were written


class Pages:
    """The pages under ``prefix``, and :data:`GPC`. ``site`` is asked for the name and the policy in force of the site
    that a Host field value is for, None for a host that is not served: whoever asks under such a name is told no more
    than that this is alive.
    """

    def __init__(self, prefix: str, *, site: Callable[[bytes], tuple[str, Policy] | None]) -> None:
        self._site = site
        self._rendered: dict[str, tuple[Policy, str, str]] = {}
        self.app = Starlette(
            routes=[
                Route(f"{prefix}health", self._health),
                Route(f"{prefix}cookies", self._cookies),
                Route(f"{prefix}cookies.json", self._cookies_json),
                Route(GPC, self._gpc),
            ]
        )
        # The redirect would name the scheme and host that this app believes itself at.
        self.app.router.redirect_slashes = False

    async def _health(self, _: Request) -> Response:
        """200 while requests are taken. From the beginning of a drain on, nobody is let in to ask."""
        return JSONResponse({"status": "ok"}, headers=_NOW)

    async def _cookies(self, request: Request) -> Response:
        rendered = await self._of_policy(request)
        return Response(rendered[1], media_type="text/html", headers=_POLICY) if rendered else _NOWHERE

    async def _cookies_json(self, request: Request) -> Response:
        rendered = await self._of_policy(request)
        return Response(rendered[2], media_type="application/json", headers=_POLICY) if rendered else _NOWHERE

    async def _gpc(self, request: Request) -> Response:
        """That Sec-GPC is abided by: the support resource of the W3C's Global Privacy Control."""
        site = self._site(request.headers.get("host", "").encode("latin-1"))
        if site is None:
            return _NOWHERE
        updated = site[1].page.updated
        since = {"lastUpdate": updated.isoformat()[:10]} if updated else {}
        return JSONResponse({"gpc": True} | since, headers=_POLICY)

    async def _of_policy(self, request: Request) -> tuple[Policy, str, str] | None:
        site = self._site(request.headers.get("host", "").encode("latin-1"))
        if site is None:
            return None
        name, policy = site
        rendered = self._rendered.get(name)
        if rendered is None or rendered[0] is not policy:
            # Hundreds of rules take a good part of a second, and exchanges go on meanwhile.
            rendered = await run_in_threadpool(_render, policy)
            if len(self._rendered) >= _KEPT:
                self._rendered.clear()
            self._rendered[name] = rendered
        return rendered


def _render(policy: Policy) -> tuple[Policy, str, str]:
    return policy, cookie_policy.render_html(policy), cookie_policy.render_json(policy)
