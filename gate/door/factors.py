"""Two factors, in hours that ask for them: different ones of one holder, in any order, soon one after another. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gate.vocabulary import Method

WITHIN_S = 15.0
"""How long the first factor waits for the second."""
FACE_STAYS_S = 3.0
"""How long a face counts after it was last seen: whoever it is must still be there when the second factor comes."""


@dataclass(frozen=True, slots=True)
class First:
    """The factor that was shown first, and until when it waits for another, monotonic seconds."""

    holder: str
    method: Method
    shown_mono: float
    seen_mono: float

    def waits(self, now: float) -> bool:
        """Whether it still counts."""
        if self.method is Method.FACE and now - self.seen_mono > FACE_STAYS_S:
            return False
        return now - self.shown_mono <= WITHIN_S


def shown(first: First | None, holder: str, method: Method, now: float) -> tuple[bool, First]:
    """Whether two factors are complete with this one, and what waits for another otherwise.

    The same one again goes on waiting, no longer than from when it was shown first; somebody else's takes its place.
    """
    if first is None or not first.waits(now) or first.holder != holder:
        return False, First(holder, method, now, now)
    if first.method is not method:
        return True, first
    return False, First(holder, method, first.shown_mono, now)
