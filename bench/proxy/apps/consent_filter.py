"""The filter for the peers that are written in Python: octets in, octets out, with everything remembered.

It runs in the peers' environments, so it needs nothing but the standard library.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

_EXACT = {b"sessionid": "necessary", b"csrftoken": "necessary", b"_gid": "analytics", b"_fbp": "marketing"}
_PREFIXES = ((b"_ga", "analytics"), (b"_BEAMER", "marketing"))
_MOST = 4096
_CHOICE = b"cookies_preferences="
# What an intermediary does not pass on (RFC 9110, section 7.6.1).
HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade"))
IN_RESPONSES = HOP_BY_HOP | {b"transfer-encoding"}

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Fields = Iterable[tuple[bytes, bytes]]


class Choice:
    """What one visitor chose; remembers which names pass."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed
        self._passes: dict[bytes, bool] = {}

    def passes(self, field: bytes) -> bool:
        """Whether this Set-Cookie field's value may go to the visitor."""
        name = field[: field.find(b"=")]
        known = self._passes.get(name)
        if known is None:
            if len(self._passes) >= _MOST:
                self._passes.clear()
            known = self._passes[name] = self._is_allowed(name)
        return known

    def _is_allowed(self, name: bytes) -> bool:
        category = _EXACT.get(name) or next((one for prefix, one in _PREFIXES if name.startswith(prefix)), "necessary")
        return category == "necessary" or category in self._allowed


NOTHING = Choice(frozenset())
_choices: dict[bytes, Choice] = {}


def choice_of(cookie: bytes) -> Choice:
    """The choice in the value of a Cookie field."""
    begin = cookie.find(_CHOICE)
    if begin < 0:
        return NOTHING
    begin += len(_CHOICE)
    end = cookie.find(b";", begin)
    raw = cookie[begin:] if end < 0 else cookie[begin:end]
    known = _choices.get(raw)
    if known is None:
        if len(_choices) >= _MOST:
            _choices.clear()
        known = _choices[raw] = _parse(raw)
    return known


def _parse(raw: bytes) -> Choice:
    try:
        answers = json.loads(unquote_to_bytes(raw))
    except ValueError:
        return NOTHING
    return Choice(frozenset(name for name, granted in answers.items() if granted is True))


def choice_in(fields: Fields) -> Choice:
    """The choice in a request's fields."""
    return next((choice_of(value) for name, value in fields if name == b"cookie"), NOTHING)


def filtered(fields: Fields, choice: Choice) -> list[tuple[bytes, bytes]]:
    """A response's fields without what is not allowed and what is hop-by-hop; names in lower case."""
    kept = []
    for name, value in fields:
        low = name.lower()
        if low in IN_RESPONSES or (low == b"set-cookie" and not choice.passes(value)):
            continue
        kept.append((low, value))
    return kept


def filtering(scope: Message, send: Send) -> Send:
    """A ``send`` for ASGI proxies that filters on the way."""
    choice = choice_in(scope["headers"])

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = filtered(message.get("headers") or (), choice)
        await send(message)

    return wrapped
