"""``docs/presets.md`` against the library."""

from gatekeeper.policy.presets import library
from tests.docs.pages import ROOT, rows


def test_the_table_is_the_library() -> None:
    table = [row.cells for row in rows(ROOT / "docs" / "presets.md")]
    shipped = [
        (f"`{name}`", preset["title"], str(len(list(preset["cookie"]))), preset["description"])  # type: ignore[call-overload]
        for name, preset in library().items()
    ]
    assert table == shipped
