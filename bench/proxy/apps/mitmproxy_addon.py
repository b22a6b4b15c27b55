# mypy: ignore-errors
"""The filter as an add-on of mitmproxy."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from consent_filter import choice_of


class Filter:
    """Drops the Set-Cookie fields that the visitor's choice does not allow."""

    def response(self, flow):
        """Called by mitmproxy for every response."""
        choice = choice_of(flow.request.headers.get("cookie", "").encode())
        values = flow.response.headers.get_all("set-cookie")
        kept = [value for value in values if choice.passes(value.encode())]
        if len(kept) != len(values):
            flow.response.headers.set_all("set-cookie", kept)


addons = [Filter()]
