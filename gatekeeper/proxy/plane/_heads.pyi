from gatekeeper.proxy.plane.lines import Lines
from gatekeeper.proxy.plane.response import Cut

def cut(head: bytes, memory: Lines) -> Cut | None: ...
