"""Two consent platforms that exist only in tests, and a third that cannot be read."""

from collections.abc import Mapping

from gatekeeper.consent.choice import State
from gatekeeper.consent.readers.base import NOBODY_CHOSE, Cookies, Format, Said


def _lamp(cookies: Cookies) -> Said | None:
    """``stats.ads``: what is listed is granted, of the services stats, ads and map. ``lamp_at`` tells when."""
    parts = cookies[b"lamp"].split(b".")
    if not set(parts) <= {b"stats", b"ads", b"map", b"none", b"open"}:
        return None
    if b"open" in parts:
        return NOBODY_CHOSE
    when = cookies.get(b"lamp_at", b"")
    return Said(
        answers={name: name.encode() in parts for name in ("stats", "ads", "map")},
        given_at=int(when) if when.isdigit() else None,
        revision=1,
    )


def _torch(cookies: Cookies) -> Said | None:
    """One cookie for each site, ``torch-…``, ``yes`` or ``no`` to everything, or ``region``; shares ``lamp`` with the
    platform of that name.
    """
    states: Mapping[bytes, Said] = {
        b"yes": Said(rest=True),
        b"no": Said(rest=False),
        b"region": Said(State.NOT_REQUIRED, rest=True),
        b"open": NOBODY_CHOSE,
        b"old": Said(State.STALE),
    }
    return next((states[value] for name, value in cookies.items() if name != b"torch_seen" and value in states), None)


LAMP = Format(
    "lamp",
    "Lamp",
    (b"lamp",),
    _lamp,
    companions=(b"lamp_at", b"lamp_id"),
    categories={"stats": "analytics", "ads": "marketing"},
)
TORCH = Format("torch", "Torch", (b"torch-*", b"lamp"), _torch, companions=(b"torch_seen",))
VAULT = Format(
    "vault",
    "Vault",
    (b"vault",),
    lambda cookies: Said(State.OPAQUE),
    opaque="Vault encrypts its cookie. Let a script write the choice into cookies_preferences.",
)
