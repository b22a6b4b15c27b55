"""A visitor with a browser's jar and without a browser: what is kept and sent back, the model of Chromium decides.

The site's name is invented and every connection goes to loopback. A browser sends no ``Sec-Fetch-*`` to a plain http
address that is not loopback, and neither does this one: a navigation shows in ``Accept``. The tests with the real
browser have the other case.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from tests.models.browsers import Chromium

SITE = "http://www.site.test"
CHOICE = "cookies_preferences"
PAGE, IMAGE, FETCH = "text/html,application/xhtml+xml,*/*;q=0.8", "image/avif,image/webp,*/*;q=0.8", "*/*"
_MOST_REDIRECTS = 5


class State(StrEnum):
    """What the visitor has said."""

    UNDECIDED = "undecided"
    REFUSING = "refusing"
    ACCEPTING = "accepting"

    def jar(self, needed: set[str], trackers: set[str]) -> set[str]:
        """The cookies that a visitor of this state may hold, out of these."""
        choice = set() if self is State.UNDECIDED else {CHOICE}
        return needed | choice | (trackers if self is State.ACCEPTING else set())


@dataclass
class Form:
    """A form of a page with the values that it has already."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._is_inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self.forms.append(Form(given.get("action") or ""))
            self._is_inside = True
        elif tag == "input" and self._is_inside and given.get("name"):
            self.forms[-1].values[given["name"] or ""] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False


@dataclass(frozen=True)
class Answer:
    """One response. ``seen`` are the names of the cookies that the app says it got with the request."""

    url: str
    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def seen(self) -> set[str]:
        return set(json.loads(self.all("x-cookies-seen")[0]))

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def form(self, action: str) -> Form:
        """The form that leads to this path, which the page must have."""
        forms = [form for form in _Forms(self.text).forms if form.action.partition("?")[0] == action]
        assert forms, f"no form for {action} on {self.url} ({self.status}):\n{self.text}"
        return forms[0]


class Visitor:
    """Goes from page to page of one site; ``history`` has every answer, redirects too."""

    def __init__(self, port: int) -> None:
        self.jar = Chromium(time.time)
        self.history: list[Answer] = []
        self._port = port
        # Below httpx's client there is no second jar, no redirect, no field that is not given here.
        self._transport = httpx.HTTPTransport()

    @property
    def cookies(self) -> set[str]:
        """The names in the jar."""
        return {cookie.name.decode() for cookie in self.jar.cookies}

    @property
    def seen_by_the_app(self) -> set[str]:
        """The names that the app has got with any request so far."""
        return set().union(*(answer.seen for answer in self.history))

    def holds(self, *set_cookies: str) -> None:
        """Cookies from a time before the gate."""
        before = self.cookies
        self.jar.receive(SITE + "/", [text.encode() for text in set_cookies])
        assert len(self.cookies) == len(before) + len(set_cookies)

    def get(self, path: str, accept: str = PAGE, *, cookie: bytes | None = None) -> Answer:
        """Follows redirects. ``cookie``: this Cookie field instead of the jar's."""
        return self._go("GET", path, {"accept": accept}, b"", cookie)

    def submit(self, page: Answer, action: str, values: Mapping[str, str]) -> Answer:
        """The form of a page, filled in."""
        body = urlencode({**page.form(action).values, **values}).encode()
        return self.post(action, body, page.url)

    def post(self, path: str, body: bytes, referer: str = SITE + "/") -> Answer:
        kind = "application/x-www-form-urlencoded"
        return self._go(
            "POST", path, {"accept": PAGE, "content-type": kind, "origin": SITE, "referer": referer}, body, None
        )

    def choose(self, state: State, path: str = "/") -> Answer:
        """What this state takes: a click on a button of the banner, or none."""
        page = self.get(path)
        if state is State.UNDECIDED:
            return page
        said = "accept" if state is State.ACCEPTING else "refuse"
        action = next(form.action for form in _Forms(page.text).forms if "cookie-choice" in form.action)
        return self.submit(page, action, {"choice": said})

    def close(self) -> None:
        self._transport.close()

    def _go(self, method: str, path: str, fields: dict[str, str], body: bytes, cookie: bytes | None) -> Answer:
        url = urljoin(SITE, path)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._exchange(method, url, fields, body, cookie)
            self.history.append(answer)
            if answer.status not in (301, 302, 303):
                return answer
            url = urljoin(url, answer.all("location")[0])
            assert url.startswith(SITE + "/"), f"a redirect leaves the site: {url}"
            method, fields, body = "GET", {"accept": fields["accept"]}, b""
        raise AssertionError(f"redirects in a circle: {url}")

    def _exchange(self, method: str, url: str, fields: dict[str, str], body: bytes, cookie: bytes | None) -> Answer:
        parts = urlsplit(url)
        target = f"http://127.0.0.1:{self._port}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        sent: list[tuple[str | bytes, str | bytes]] = [
            ("host", parts.netloc),
            ("user-agent", "Mozilla/5.0"),
            ("accept-language", "en-GB,en;q=0.9"),
            *fields.items(),
        ]
        if method == "POST":
            sent.append(("content-length", str(len(body))))
        field = self.jar.cookie_header(url) if cookie is None else cookie
        if field is not None:
            sent.append(("cookie", field))
        request = httpx.Request(
            method, target, headers=sent, stream=httpx.ByteStream(body), extensions={"timeout": _TIMEOUT}
        )
        response = self._transport.handle_request(request)
        try:
            content = response.read()
        finally:
            response.close()
        raw = [(name.lower(), value) for name, value in response.headers.raw]
        self.jar.receive(url, [value for name, value in raw if name == b"set-cookie"])
        decoded = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)
        return Answer(url, response.status_code, decoded, content)


_TIMEOUT = httpx.Timeout(20.0).as_dict()
