"""A visitor for the tests of the sample shop."""

import asyncio
import re

import httpx

from examples.shop.app import create_app
from examples.shop.buying import DEMO_EMAIL, DEMO_PASSWORD
from examples.shop.sessions import SessionStore

PAGES = (
    "/",
    "/catalogue",
    "/catalogue?category=bags",
    "/catalogue/wiese-tourer",
    "/about",
    "/basket",
    "/login",
    "/cookie-settings",
    "/debug/cookies",
    "/no-such-page",
)


class Visitor:
    """A browser without scripts: it keeps cookies, fills in protection codes and does not follow redirects unasked."""

    def __init__(self, store: SessionStore | None = None) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(create_app(store))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://shop.test")

    def get(self, url: str, **headers: str) -> httpx.Response:
        return self._runner.run(self.client.get(url, headers=headers))

    def post(self, url: str, code: str | None = None, **fields: str) -> httpx.Response:
        if code is None:
            code = self.code()
        return self._runner.run(self.client.post(url, data={"csrf_token": code, **fields}))

    def post_raw(self, url: str, content: bytes, kind: str = "application/x-www-form-urlencoded") -> httpx.Response:
        return self._runner.run(self.client.post(url, content=content, headers={"content-type": kind}))

    def code(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/about").text)
        assert found is not None
        return found[1]

    def cookie(self, name: str) -> str | None:
        return next((cookie.value for cookie in self.client.cookies.jar if cookie.name == name), None)

    def login(self, **fields: str) -> httpx.Response:
        return self.post("/login", **{"email": DEMO_EMAIL, "password": DEMO_PASSWORD, **fields})

    def close(self) -> None:
        self._runner.run(self.client.aclose())
        self._runner.close()


def fields_of(response: httpx.Response) -> dict[str, str]:
    """The Set-Cookie fields by cookie-name; no response of the shop names a cookie twice."""
    fields = response.headers.get_list("set-cookie")
    by_name = {field.split("=", 1)[0]: field for field in fields}
    assert len(by_name) == len(fields)
    return by_name


def attributes_of(field: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in field.split(";")[1:])
    return {name.lower(): value for name, _, value in pairs}
