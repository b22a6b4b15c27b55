# Varnish: the filter in its own language; nothing is cached.
vcl 4.1;
import header;
import cookie;
backend default { .host = "127.0.0.1"; .port = "@ORIGIN@"; }
sub vcl_recv {
  cookie.parse(req.http.cookie);
  set req.http.X-Choice = cookie.get("cookies_preferences");
  return (pass);
}
sub vcl_backend_fetch {
  unset bereq.http.X-Choice;
}
sub vcl_deliver {
  if (req.http.X-Choice !~ "marketing%22(%3A|:)true") {
    header.remove(resp.http.Set-Cookie, "^(_fbp|_BEAMER[^=]*)=");
  }
  if (req.http.X-Choice !~ "analytics%22(%3A|:)true") {
    header.remove(resp.http.Set-Cookie, "^(_gid|_ga[^=]*)=");
  }
}
