"""The mark of a re-issue: a cookie of ours that says that a platform's consent cookies were written again lately.

A Cookie field does not tell how long a cookie still lives. Without the mark they would be written again on every page,
and no page could be cached.
"""

from dataclasses import dataclass

from gatekeeper.consent.category import Vocabulary
from gatekeeper.consent.choice import Choice
from gatekeeper.consent.readers.base import Cookies

MARK = b"gatekeeper_reissued"
# Seconds. A browser that keeps what a script wrote for seven days (Safari) is asked often enough.
MARK_AGE = 86400


@dataclass(frozen=True, slots=True)
class MarkReader:
    """Makes the mark one of the consent cookies, which are required, and says nothing of a choice."""

    cookies: tuple[bytes, ...] = ()
    companions: tuple[bytes, ...] = (MARK,)
    id: str = "reissue"

    def read(self, cookies: Cookies, vocabulary: Vocabulary) -> Choice | None:
        """Never asked: it has no cookie that holds a choice."""
        return None
