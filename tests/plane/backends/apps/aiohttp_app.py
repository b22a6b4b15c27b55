"""An aiohttp app that notes each request and answers with what it noted. ``argv[1]``: its port."""

import logging
import sys

from aiohttp import web

from tests.plane.backends.apps.notes import Unreadable, note


async def echo(request: web.Request) -> web.Response:
    """Reads the body first."""
    status, length = 200, None
    try:
        length = len(await request.read())
    except Exception:  # noqa: BLE001 - whatever the server makes of a body that is cut short
        status = 400
    return web.Response(
        status=status, body=note(request.method, request.raw_path, length), content_type="application/json"
    )


if __name__ == "__main__":
    logging.getLogger("aiohttp.server").addHandler(Unreadable("Error handling request"))
    logging.getLogger("aiohttp.server").setLevel(logging.DEBUG)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
