"""A site whose every page sets cookies in many places; with ``?quiet`` it sets none."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COOKIES = (
    "sessionid=1; Path=/; HttpOnly",
    "basket=1; Path=/shop",
    "on_path=1; Path=/shop",
    "on_slash=1; Path=/shop/; HttpOnly; SameSite=Lax",
    "on_host=1; Path=/; Max-Age=9999",
    "on_domain=1; Domain=.example.test; Path=/",
    "on_both=1; Domain=example.test; Path=/shop; Expires=Wed, 01 Jan 2031 00:00:00 GMT",
    "on_none=1",
    "twice=1; Path=/",
    "twice=2; Path=/shop",
    "in_part=1; Path=/; Secure; SameSite=None; Partitioned",
    "in_part_on_path=1; Path=/shop; Secure; SameSite=None; Partitioned; Domain=example.test",
    "__Host-ad=1; Path=/; Secure; HttpOnly",
    "__Secure-ad=1; Path=/shop; Secure",
    "nobodys=1; Path=/shop",
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'<!doctype html><title>Page</title><link rel="icon" href="data:,"><p>A page'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        for cookie in () if self.path.endswith("?quiet") else COOKIES:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
