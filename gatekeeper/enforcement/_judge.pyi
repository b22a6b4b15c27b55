from collections.abc import Callable, Iterable, Mapping

from gatekeeper.enforcement.decisions import Decisions
from gatekeeper.policy.verdict import Outcome, Ruling
from gatekeeper.wire.fields import FieldList

def judge_all(
    fields: FieldList, rulings: Mapping[bytes, Ruling], now: int, ask: Callable[[bytes], Outcome]
) -> tuple[FieldList, list[Outcome], bool]: ...
def sift_known(
    names: Iterable[bytes], pairs: Iterable[bytes], decisions: Decisions
) -> tuple[list[bytes], list[Outcome], dict[bytes, Ruling]] | None: ...
