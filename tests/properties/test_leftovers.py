"""Whatever an app has set with consent, a refusal takes out of the browser, and nothing else."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatekeeper.enforcement.exchange import Exchange
from gatekeeper.enforcement.gate import Gate
from tests.models import browsers, strategies
from tests.properties.policies import HOST, NOW, category_of, consent_cookie, gate

thorough = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = [b"sessionid", b"_ga", b"_ga_X1", b"_fbp", b"ad_old", b"__Host-id"]
PATHS = ["/", "/cart", "/cart/", "/cart/view", "/cart/view/1/2", "/caf%C3%A9/x", "/a%20b/c"]
DECODED = {"/caf%C3%A9/x": "/café/x", "/a%20b/c": "/a b/c"}
WHERE = [
    b"",
    b"; Path=/",
    b"; Path=/cart",
    b"; path=/cart/",
    b"; Path=/caf%C3%A9",
    b"; Path=x",
    b"; Path=/x; Path=/cart/view",
]
WHOSE = [
    b"",
    b"; Domain=example.test",
    b"; DOMAIN=.Shop.example.test",
    b"; Domain=",
    b"; Domain=x.test; Domain=example.test",
]
MORE = [b"", b"; Secure", b"; HttpOnly; SameSite=Lax; Max-Age=99", b"; Secure; SameSite=None; Partitioned"]

FIELDS = st.builds(
    lambda name, *parts: name + b"=" + b"".join(parts),
    st.sampled_from(NAMES),
    st.sampled_from([b"1", b"2", b"x y"]),
    st.sampled_from(WHERE),
    st.sampled_from(WHOSE),
    st.sampled_from(MORE),
)


def navigate(one: Gate, jar: browsers.Rfc6265bis, path: str, consent: bytes, *fields: bytes) -> None:
    url = f"https://{HOST.decode()}{path}"
    cookies = b"; ".join(part for part in (jar.cookie_header(url), consent) if part)
    exchange = Exchange(one, "GET", HOST, DECODED.get(path, path), NOW)
    exchange.request(((b"accept", b"text/html"), (b"cookie", cookies)))
    left = exchange.response(200, tuple((b"set-cookie", field) for field in fields))
    assert exchange.fault is None
    jar.receive(url, [value for name, value in left if name == b"set-cookie"])


@thorough
@given(
    st.sampled_from([browsers.Chromium, browsers.Firefox]),
    st.lists(FIELDS | strategies.set_cookie_fields(NAMES, control=False), max_size=5),
    st.sampled_from(PATHS),
    st.sampled_from(PATHS),
)
@example(browsers.Chromium, [b"_ga=1"], "/caf%C3%A9/x", "/caf%C3%A9/x")
@example(browsers.Firefox, [b"_ga=1", b"_ga=2; Path=/cart"], "/cart/view", "/cart/view/1/2")
def test_what_comes_with_a_navigation_after_a_refusal_is_gone_behind_it(
    browser: type[browsers.Rfc6265bis], fields: list[bytes], first: str, then: str
) -> None:
    one = Gate(gate().policy)
    jar = browser(clock=lambda: float(NOW))
    navigate(one, jar, first, consent_cookie(frozenset({"analytics", "marketing", "audience"})), *fields)
    before = jar.cookies
    url = f"https://{HOST.decode()}{then}"
    for _ in range(3):  # twenty deletions at a time
        navigate(one, jar, then, consent_cookie(frozenset()))
    assert necessary(jar.cookies) == necessary(before)
    still = {pair.partition(b"=")[0] for pair in (jar.cookie_header(url) or b"").split(b"; ")}
    assert {category_of(name) for name in still} <= {"necessary", None}


def necessary(cookies: list[browsers.StoredCookie]) -> list[browsers.StoredCookie]:
    return [cookie for cookie in cookies if category_of(cookie.name) == "necessary"]
