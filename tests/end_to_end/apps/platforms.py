"""A site for each consent platform, by the first label of its host: a page with the platform's published script, and a
cookie of each kind that every page sets, out of reach of scripts. What came is told in a field of the response.
"""

import mimetypes
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

PLATFORMS = Path(__file__).parents[1] / "platforms"
PAGES = {path.stem: path.read_bytes() for path in (PLATFORMS / "pages").glob("*.html")}
COOKIES = tuple(f"{name}=1; Path=/; Max-Age=86400; HttpOnly" for name in ("sessionid", "lang", "_ga", "_pk_id", "_fbp"))
_NAME = re.compile(r"(?:^|; )([^=;]+)=")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    built = Path()  # what has been bundled for the pages

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path == "/":
            self._answer(PAGES[self.headers["Host"].partition(".")[0]], "text/html; charset=utf-8", COOKIES)
            return
        _, kind, rest = path.split("/", 2)
        folder = {"npm": PLATFORMS / "node_modules", "built": self.built}[kind]
        self._answer((folder / rest).read_bytes(), mimetypes.guess_type(rest)[0] or "application/octet-stream")

    def _answer(self, body: bytes, media_type: str, cookies: tuple[str, ...] = ()) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Received", " ".join(_NAME.findall("; ".join(self.headers.get_all("Cookie", ())))))
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


if __name__ == "__main__":
    Handler.built = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
