"""``python -m django_project.serve plain | wsgi RULES | asgi RULES``: the site alone, or inside the middleware."""

import logging
import os
import sys
from typing import Any
from wsgiref.validate import validator

import uvicorn
from django.core.asgi import get_asgi_application
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from gatekeeper import ConsentMiddleware, WSGIConsentMiddleware, load_policy


def main(kind: str, rules: str = "") -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_project.settings"
    logging.basicConfig(level=logging.INFO)
    if kind == "asgi":
        _serve_asgi(ConsentMiddleware(get_asgi_application(), load_policy(rules)))
    elif kind == "wsgi":
        # The linter of PEP 3333 on both sides: a breach becomes a 500.
        application = validator(get_wsgi_application())
        _serve_wsgi(validator(WSGIConsentMiddleware(application, load_policy(rules))))
    else:
        _serve_wsgi(get_wsgi_application())


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True  # it writes head and body apart, and each answer would wait for a delayed ACK


def _serve_asgi(app: Any) -> None:
    uvicorn.run(app, host="127.0.0.1", port=0, lifespan="off")


def _serve_wsgi(application: Any) -> None:
    # What `runserver` runs, without its look-out for changed files.
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Handler)
    server.set_app(application)
    print(f"listens on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
