"""The routes of the shop. Handlers are coroutines on one event loop, so that the sessions need no lock."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import buying, cookies, pages, pictures
from .data import BY_SLUG, Lang
from .forms import Form, check_csrf, checkout_of, is_email, product_of, quantity_of, read_form
from .sessions import Order, SessionStore
from .tracking import Place, track
from .visit import CHOICES, MAX_RECENT, Visit, choice_value, local, visit_of

# The smallest GIF: one transparent dot.
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")

_MACHINES = ("web1", "web2", "web3")

Shown = Callable[[Request, Visit], Awaitable[Response]]
Posted = Callable[[Visit, Form], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(store: SessionStore | None = None) -> Starlette:
    shop = Shop(SessionStore() if store is None else store)
    app = Starlette(
        routes=shop.routes(),
        middleware=[Middleware(LoadBalancer)],
        exception_handlers={HTTPException: shop.failed},
    )
    # A superfluous slash is a 404: Starlette's redirect would be absolute, and name the host that the app believes in.
    app.router.redirect_slashes = False
    return app


class LoadBalancer:
    """What stands in front of many legacy apps: it marks every visitor with the machine that served them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or cookies.value_of(Request(scope), cookies.BALANCER) in _MACHINES:
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                field = f"{cookies.BALANCER.name}={secrets.choice(_MACHINES)}; {cookies.BALANCER.attributes}"
                MutableHeaders(raw=message["headers"]).append("set-cookie", field)
            await send(message)

        await self._app(scope, receive, marked)


class Shop:
    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def routes(self) -> list[Route | Mount]:
        return [
            Route("/", self._page(self.home)),
            Route("/catalogue", self._page(self.catalogue, Place.CATALOGUE)),
            Route("/catalogue/{slug}", self._page(self.product, Place.CATALOGUE)),
            Route("/about", self._page(self.about)),
            Route("/basket", self._page(self.basket)),
            Route("/basket/add", self._form(self.add), methods=["POST"]),
            Route("/basket/change", self._form(self.change), methods=["POST"]),
            Route("/basket/remove", self._form(self.remove), methods=["POST"]),
            Route("/checkout", self._page(self.checkout)),
            Route("/checkout", self._form(self.order), methods=["POST"]),
            Route("/checkout/thanks", self._page(self.thanks)),
            Route("/login", self._page(self.login)),
            Route("/login", self._form(self.sign_in), methods=["POST"]),
            Route("/logout", self._form(self.sign_out), methods=["POST"]),
            Route("/account", self._page(self.account)),
            Route("/language", self._form(self.language), methods=["POST"]),
            Route("/newsletter", self._form(self.newsletter), methods=["POST"]),
            Route("/cookie-settings", self._page(self.cookie_settings)),
            Route("/cookie-choice", self._form(self.cookie_choice), methods=["POST"]),
            Route("/debug/cookies", self._page(self.debug_cookies)),
            Route("/debug/cookies.json", self.debug_cookies_json),
            Route("/winter-offers", self.winter_offers),
            Route("/images/{slug}.svg", self.image),
            Route("/pixel.gif", self.pixel),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ]

    # --- what every page and every form does ------------------------------------------------------------------------

    def _page(self, shown: Shown, *places: Place) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            visit = visit_of(request, self._store)
            response = await shown(request, visit)
            if isinstance(response, HTMLResponse):
                track(request, response, Place.PAGE, *places)
            return self._finish(visit, response)

        return endpoint

    def _form(self, posted: Posted) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            form = await read_form(request)
            check_csrf(request, form)
            visit = visit_of(request, self._store)
            return self._finish(visit, await posted(visit, form))

        return endpoint

    def _finish(self, visit: Visit, response: Response) -> Response:
        """The cookies that the shop itself needs; a redirect keeps the message for the page that it leads to."""
        if visit.session_is_new:
            cookies.write(response, cookies.SESSION, visit.session.key)
        if visit.csrf_is_new:
            cookies.write(response, cookies.CSRF, visit.csrf)
        if visit.flash is not None and isinstance(response, HTMLResponse):
            cookies.delete(response, cookies.MESSAGES)
        response.headers.setdefault("cache-control", "no-cache")
        response.headers.setdefault("vary", "Cookie, Accept-Language")
        return response

    async def failed(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        visit = visit_of(request, self._store)
        response = HTMLResponse(pages.error(visit, status), status, headers)
        track(request, response, Place.PAGE, *([Place.NOT_FOUND] if status == 404 else []))
        return self._finish(visit, response)

    # --- browsing ---------------------------------------------------------------------------------------------------

    async def home(self, _request: Request, visit: Visit) -> Response:
        return HTMLResponse(pages.home(visit))

    async def catalogue(self, request: Request, visit: Visit) -> Response:
        return HTMLResponse(pages.catalogue(visit, request.query_params.get("category")))

    async def product(self, request: Request, visit: Visit) -> Response:
        item = BY_SLUG.get(request.path_params["slug"])
        if item is None:
            raise HTTPException(404)
        response = HTMLResponse(pages.product(visit, item))
        recent = [item.slug, *(slug for slug in visit.recent if slug != item.slug)][:MAX_RECENT]
        cookies.write(response, cookies.RECENT, "|".join(recent))
        return response

    async def about(self, _request: Request, visit: Visit) -> Response:
        return HTMLResponse(pages.about(visit))

    async def winter_offers(self, request: Request) -> Response:
        """A page that moved years ago. Old newsletters still link to it, and somebody wants to count them."""
        response = RedirectResponse("/catalogue", 302)
        track(request, response, Place.MOVED)
        return response

    async def image(self, request: Request) -> Response:
        slug = request.path_params["slug"]
        if slug not in pictures.PRODUCT_SVG:
            raise HTTPException(404)
        # For every cache and personal at once: the mistake that hands one visitor's identifier to the next.
        response = Response(
            pictures.PRODUCT_SVG[slug], media_type="image/svg+xml", headers={"cache-control": "public, max-age=60"}
        )
        track(request, response, Place.PRODUCT_IMAGE)
        return response

    async def pixel(self, request: Request) -> Response:
        response = Response(PIXEL, media_type="image/gif", headers={"cache-control": "no-store"})
        track(request, response, Place.PIXEL)
        return response

    # --- buying -----------------------------------------------------------------------------------------------------

    async def basket(self, _request: Request, visit: Visit) -> Response:
        return HTMLResponse(buying.basket(visit))

    async def add(self, visit: Visit, form: Form) -> Response:
        item, quantity, held = product_of(form), quantity_of(form), visit.session.basket
        if quantity:
            held[item.slug] = min(held.get(item.slug, 0) + quantity, pages.MAX_QUANTITY)
        return _back("/basket", "added")

    async def change(self, visit: Visit, form: Form) -> Response:
        item, quantity = product_of(form), quantity_of(form)
        if quantity == 0:
            return await self.remove(visit, form)
        visit.session.basket[item.slug] = quantity
        return _back("/basket", "changed")

    async def remove(self, visit: Visit, form: Form) -> Response:
        visit.session.basket.pop(product_of(form).slug, None)
        return _back("/basket", "removed")

    async def checkout(self, _request: Request, visit: Visit) -> Response:
        if not visit.session.basket:
            return _back("/basket")
        return HTMLResponse(buying.checkout(visit, buying.Checkout()))

    async def order(self, visit: Visit, form: Form) -> Response:
        if not visit.session.basket:
            return _back("/basket")
        filled = checkout_of(form)
        if filled.errors:
            return HTMLResponse(buying.checkout(visit, filled), 422)
        number = f"BR-{30_000 + secrets.randbelow(60_000)}"
        visit.session.remember(Order(number, datetime.now(UTC).date().isoformat(), buying.order_total(visit)))
        visit.session.basket.clear()
        return _back("/checkout/thanks")

    async def thanks(self, _request: Request, visit: Visit) -> Response:
        if not visit.session.orders:
            return _back("/basket")
        return HTMLResponse(buying.thanks(visit, visit.session.orders[0]))

    # --- account ----------------------------------------------------------------------------------------------------

    async def login(self, request: Request, visit: Visit) -> Response:
        target = local(request.query_params.get("next"), "/account")
        return _back(target) if visit.session.user else HTMLResponse(buying.login(visit, target))

    async def sign_in(self, visit: Visit, form: Form) -> Response:
        target = local(form.get("next"), "/account")
        email = form.get("email", "").strip()[:200]
        password = form.get("password", "").encode()
        if not hmac.compare_digest(password, buying.DEMO_PASSWORD.encode()) or email.lower() != buying.DEMO_EMAIL:
            return HTMLResponse(buying.login(visit, target, email=email, failed=True), 422)
        self._store.rotate(visit.session)
        visit.session.user, visit.session_is_new = buying.DEMO_EMAIL, True
        visit.rotate_csrf()
        return _back(target, "welcome")

    async def sign_out(self, visit: Visit, _form: Form) -> Response:
        self._store.drop(visit.session)
        visit.session_is_new = False
        visit.rotate_csrf()
        response = _back("/", "goodbye")
        cookies.delete(response, cookies.SESSION)
        return response

    async def account(self, _request: Request, visit: Visit) -> Response:
        if visit.session.user is None:
            return _back(f"/login?next={quote('/account', safe='')}")
        return HTMLResponse(buying.account(visit))

    # --- small forms ------------------------------------------------------------------------------------------------

    async def language(self, _visit: Visit, form: Form) -> Response:
        response = _back(local(form.get("next")))
        if form.get("lang") in set(Lang):
            cookies.write(response, cookies.LANGUAGE, form["lang"])
        return response

    async def newsletter(self, _visit: Visit, form: Form) -> Response:
        return _back(local(form.get("next")), "subscribed" if is_email(form.get("email", "").strip()) else "bad-email")

    async def cookie_settings(self, _request: Request, visit: Visit) -> Response:
        return HTMLResponse(pages.cookie_settings(visit))

    async def cookie_choice(self, _visit: Visit, form: Form) -> Response:
        said = form.get("choice")
        if said not in {"accept", "refuse", "save"}:
            raise HTTPException(400)
        granted = {name: said == "accept" or (said == "save" and form.get(name) == "1") for name in CHOICES}
        response = _back(local(form.get("next")), "choice-saved")
        cookies.write(response, cookies.PREFERENCES, choice_value(granted))
        return response

    async def debug_cookies(self, request: Request, visit: Visit) -> Response:
        return HTMLResponse(pages.debug_cookies(visit, cookies.received(request)))

    async def debug_cookies_json(self, request: Request) -> Response:
        """The same for scripts. It sets nothing, so that looking does not change what is seen."""
        pairs = [[name, pages.shown(name, value)] for name, value in cookies.received(request)]
        return JSONResponse({"cookies": pairs}, headers={"cache-control": "no-store"})


def _back(target: str, flash: str | None = None) -> Response:
    response = RedirectResponse(target, 303)
    if flash is not None:
        cookies.write(response, cookies.MESSAGES, flash)
    return response


app = create_app()
