"""The vocabulary of ASGI 3 (https://asgi.readthedocs.io/en/stable/specs/main.html), as far as the proxy speaks it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
