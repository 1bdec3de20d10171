"""An import as it stands: what its table says, how far it is, and what became of each line."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from api.auth import new_secret
from api.revoked import Known
from gate.errors import Sentence

if TYPE_CHECKING:
    from enroll.rows import Outcome, Row


class Phase(StrEnum):
    """How far an import is."""

    REHEARSING = "rehearsing"
    REHEARSED = "rehearsed"
    WORKING = "working"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class Import:
    """One import as it stands. While it is at work `outcomes` grows to one for each row."""

    rows: list[Row]
    refused: list[Outcome]
    """Lines of the table that are no rows."""
    read_as: Sentence
    """In which way the table was read."""
    language: str
    """In which language those agreed whose row names none."""
    remark: Sentence | None = None
    """What is to be said of the whole table."""
    phase: Phase = Phase.REHEARSING
    outcomes: list[Outcome] = field(default_factory=list)
    problem: Sentence | None = None
    by: str = ""
    """Who uploaded it, as the record calls them."""
    key: str = field(default_factory=new_secret)
    """By which whoever looks at it speaks of it: what was ticked beside another import says nothing of this one."""
    shown: list[Outcome] = field(default_factory=list)
    """What was rehearsed, once it is carried out."""
    another: Collection[int] = ()
    """On which lines somebody said that they are other people than those who were shown beside them."""
    is_rehearsal: bool = True
    """Whether nothing is changed by it."""
    known: Known = field(default_factory=Known)
    """Who lived here when the table was read, and what was revoked by then."""
    read_mono: float = field(default_factory=time.monotonic)
    """When that was, monotonic seconds."""

    @property
    def at_work(self) -> bool:
        """Whether it goes on by itself."""
        return self.phase in (Phase.REHEARSING, Phase.WORKING)

    @property
    def lasts(self) -> bool:
        """Whether something may still come of it."""
        return self.at_work or self.phase is Phase.REHEARSED

    def photos(self) -> set[Path]:
        """The files of the photos that its rows name."""
        return {photo.file for row in self.rows for photo in row.asked.photos if photo.file is not None}

    def lines(self) -> list[Outcome]:
        """What became of each line so far, or would."""
        return sorted([*self.refused, *self.outcomes], key=lambda one: one.line)

    def people(self) -> list[str]:
        """The ids of those whose rows were done; nobody's before the end."""
        done = [] if self.is_rehearsal or self.at_work else self.outcomes
        return [one.resident for one in done if one.resident is not None and one.action != "refused"]

    def seen(self, line: int) -> str | None:
        """The id of the resident as whom a line was rehearsed; None: it was not, or as nobody who was there."""
        return next((one.resident for one in self.shown if one.line == line), None)

    def counts(self) -> dict[str, int]:
        """How many rows were done, refused, and not come to."""
        refused = sum(one.action == "refused" for one in self.outcomes)
        return {
            "done": len(self.outcomes) - refused,
            "refused": refused + len(self.refused),
            "untouched": len(self.rows) - len(self.outcomes),
        }

    def another_than(self, line: int) -> frozenset[str]:
        """The ids of those who were shown beside a line, and of whom somebody said that they are another."""
        if line not in self.another:
            return frozenset()
        line_of = {one.resident: one.line for one in self.shown if one.resident is not None}
        # Whoever was new in the rehearsal came by their own row since, under another id.
        came = {one.line: one.resident for one in self.outcomes if one.resident and one.action == "enrolled"}
        like = frozenset[str]().union(*(one.like for one in self.shown if one.line == line))
        return frozenset(came.get(line_of.get(one, 0), one) for one in like)
