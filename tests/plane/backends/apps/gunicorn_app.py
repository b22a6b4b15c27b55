"""A WSGI app for gunicorn that notes each request and answers with what it noted."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from tests.plane.backends.apps.notes import Unreadable, note

logging.getLogger("gunicorn.error").addHandler(Unreadable("Invalid request"))


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Reads the body first."""
    status, length = "200 OK", None
    try:
        length = len(environ["wsgi.input"].read())
    except Exception:  # noqa: BLE001 - whatever the server makes of a body that is cut short
        status = "400 Bad Request"
    # A body that ends before its Content-Length does is not an error to gunicorn.
    if length is not None and length < int(environ.get("CONTENT_LENGTH") or 0):
        status, length = "400 Bad Request", None
    body = note(environ["REQUEST_METHOD"], environ["RAW_URI"], length)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
