from collections.abc import Container

from gatekeeper.cookies.request import PlainPairs

def plain_pairs(field_value: bytes, wanted: Container[bytes]) -> PlainPairs | None: ...
