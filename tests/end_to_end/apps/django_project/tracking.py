"""The misbehaviour, as a middleware: nobody is asked.

Every value holds ``do-not-log``, so that a test finds it wherever it should not be.
"""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

YEAR = 365 * 86400
TRACE = "do-not-log"


class Tracking:
    """Trackers on every response; and, for the tests, a field that tells which cookies the site got to see."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        kind = response.get("Content-Type", "")
        # "Server-side" analytics for the whole domain, the day's visitor, an ad pixel.
        response.set_cookie("_ga", f"GA1.2.{TRACE}", max_age=2 * YEAR, domain=_domain(request))
        response.set_cookie("_gid", f"GA1.2.{TRACE}", max_age=86400)
        response.set_cookie("_fbp", f"fb.1.{TRACE}", max_age=YEAR // 4, samesite="Lax")
        if 300 <= response.status_code < 400:
            response.set_cookie("FPID", TRACE, max_age=2 * YEAR, httponly=True)
        if response.status_code == 404:
            # No rule set that ships names this one.
            response.set_cookie("adpartner_uid", TRACE, max_age=2 * YEAR, httponly=True)
        if kind.startswith("image/"):
            response.set_cookie("_fbc", f"fb.1.{TRACE}", max_age=YEAR // 4)
        response["X-Cookies-Seen"] = json.dumps(sorted(request.COOKIES))
        return response


def _domain(request: HttpRequest) -> str | None:
    """As tag managers do it: the widest domain that the browser accepts."""
    host = request.get_host().partition(":")[0]
    return None if host.replace(".", "").isdigit() else ".".join(host.split(".")[-2:])
