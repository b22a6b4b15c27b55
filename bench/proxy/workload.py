"""What every system is given to do: one page, one request, one filter.

The visitor refused, so of the page's six cookies four are blocked, and two pass because they are necessary. The request
holds five cookies, the choice among them, and none that was refused: those never reached the browser.

On each connection the same request comes again and again, as a page's parts are asked for. Gatekeeper knows fields
again that it has just seen, so there are rows with a *varied* request too, in which path and session are others each
time.
"""

from bench.proxy.places import HOST, ORIGIN_PORT

SITE = "www.example.test"
PAGE_OCTETS = 1500
CHOICE = "%7B%22analytics%22%3Afalse%2C%22marketing%22%3Afalse%7D"

_TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ01"
_SESSION = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
SET_COOKIES = (
    f"sessionid={_SESSION}; Path=/; HttpOnly; Secure; SameSite=Lax",
    f"csrftoken={_TOKEN}; Max-Age=31449600; Path=/; SameSite=Lax",
    "_ga=GA1.2.123456789.1700000000; Domain=.example.test; Path=/; Max-Age=63072000",
    "_gid=GA1.2.987654321.1700000000; Domain=.example.test; Path=/; Max-Age=86400",
    "_fbp=fb.1.1700000000000.1234567890; Domain=.example.test; Path=/; Max-Age=7776000",
    "_BEAMER_USER_ID_x=0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9; Path=/; Max-Age=25920000",
)
# The filter, as the configurations in conf/ and apps/ write it in their own languages. What no rule names passes.
RULES = {
    "sessionid": "necessary",
    "csrftoken": "necessary",
    "_gid": "analytics",
    "_fbp": "marketing",
    "_ga*": "analytics",
    "_BEAMER*": "marketing",
}
ALL_NAMES = tuple(one.partition("=")[0] for one in SET_COOKIES)
BLOCKED_NAMES = ("_ga", "_gid", "_fbp", "_BEAMER_USER_ID_x")

COOKIE = (
    f"sessionid={_SESSION}; csrftoken={_TOKEN}; cookies_preferences={CHOICE}; lang=en; "
    "basket=7c9e6679-7425-40de-944b-e07fc1f90ae7"
)
FIELDS = {
    "Host": SITE,
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "*/*",
    "Accept-Language": "en",
    "Cookie": COOKIE,
}


# For wrk: each request has a path and a session of its own.
VARIED = """
local number = 0
function request()
  number = number + 1
  local fields = {}
  for name, value in pairs(wrk.headers) do fields[name] = value end
  fields["Cookie"] = fields["Cookie"]:gsub("sessionid=%w+", string.format("sessionid=%032x", number))
  return wrk.format("GET", "/?page=" .. number, fields)
end
"""


def request(path: str = "/") -> bytes:
    """The request, octet for octet."""
    return (
        f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in FIELDS.items()) + "\r\n"
    ).encode()


def page() -> bytes:
    """The page, of so many octets."""
    begun = b"<!doctype html><title>Page</title>\n"
    line = b"<p>What a visitor reads, and what no proxy has to look at.</p>\n"
    return (begun + line * (PAGE_OCTETS // len(line)))[: PAGE_OCTETS - 1].ljust(PAGE_OCTETS - 1) + b"\n"


def gatekeeper_toml(port: int, log: str, *, rules: int = 0, **tables: dict[str, object]) -> str:
    """The same filter for Gatekeeper; ``rules`` pads it to so many, half of them wildcards.

    ``tables`` are further keys, such as ``server={"workers": 2}``.
    """
    named = RULES | {
        f"pad{index}{'*' if index % 2 else ''}": "marketing" for index in range(max(0, rules - len(RULES)))
    }
    written: dict[str, dict[str, object]] = {
        "server": {"listen": f"{HOST}:{port}"},
        "upstream": {"url": f"http://{HOST}:{ORIGIN_PORT}"},
        "enforcement": {"unlisted": "allow"},
        "log": {"destination": log},
    }
    for table, keys in tables.items():
        written[table] = written.get(table, {}) | keys
    lines = []
    for table, keys in written.items():
        lines += [f"[{table}]", *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""]
    for name, category in named.items():
        lines += ["[[cookie]]", f'name = "{name}"', f'category = "{category}"', ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'
