"""What vision would have the gate learn of a resident, held back until they have passed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gate.vocabulary import AuditEvent, Kind, Lesson

# Of one gate's grants no more than a few wait for their passage at once.
_REMEMBERED = 16


@dataclass(slots=True)
class _Grant:
    resident: str
    outcome: str | None = None
    lesson: Lesson | None = None


class Lessons:
    """Waits for a lesson and for the passage of the same grant, in either order, and keeps it or lets it go.

    Not thread-safe: the door's loop owns it.
    """

    def __init__(self, keep: Callable[[Lesson], None], *, tellable: bool) -> None:
        """`keep` is given a lesson whose resident has passed, or was let in where no contact can tell (`tellable`)."""
        self._keep = keep
        self._suffices = ("taken",) if tellable else ("taken", "unknown")
        self._grants: OrderedDict[str, _Grant] = OrderedDict()

    def follow(self, event: AuditEvent) -> None:
        """Take note of what happens at the door: a grant by face, and its passage."""
        if event.kind == Kind.GRANTED and event.details["method"] == "face" and event.resident is not None:
            self._grants[str(event.details["claim"])] = _Grant(event.resident)
            if len(self._grants) > _REMEMBERED:
                self._grants.popitem(last=False)
        elif event.kind == Kind.PASSAGE and (grant := self._grants.get(str(event.details["grant"]))):
            grant.outcome = str(event.details["outcome"])
            self._settle(grant)

    def hear(self, lesson: Lesson) -> bool:
        """Take a lesson from vision. Whether it was asked for: one for each resident who was let in by face."""
        grant = self._grants.get(lesson.claim)
        if grant is None or grant.lesson is not None or grant.resident != lesson.resident:
            return False
        grant.lesson = lesson
        self._settle(grant)
        return True

    def _settle(self, grant: _Grant) -> None:
        if grant.outcome is None or grant.lesson is None:
            return
        del self._grants[grant.lesson.claim]
        if grant.outcome in self._suffices:
            self._keep(grant.lesson)
