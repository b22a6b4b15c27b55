"""The formats that ``docs/consent.md`` says are written again, against the readers."""

import re

from tests.consent.test_aged_formats import DATED
from tests.docs.pages import ROOT, section


def test_the_formats_that_tell_a_date_are_those_on_the_page() -> None:
    text = section(ROOT / "docs" / "consent.md", "A choice that browsers forget")
    listed = text.partition("are written again:")[2].partition(".\n")[0]
    assert re.findall(r"`(\w+)`", listed) == sorted({str(choice.format) for _, choice in DATED})
