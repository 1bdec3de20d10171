"""Free access by schedule that waits for somebody: each day it begins once one of a group has gone in. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from gate.door.hours import LocalTime
from gate.door.passed import Went
from gate.vocabulary import Direction


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """Who is waited for, and when one of them came last."""

    group: str | None = None
    """By its name; None: nobody is waited for."""
    came_on: date | None = None
    """The day, in the gate's zone, on which one of them was last seen going in."""

    def after(self, went: Went, group: str | None, now: LocalTime) -> FirstPerson:
        """After somebody of this group passed. What nobody saw, or with no clock to be trusted, lets nobody else in."""
        seen = went.outcome == "taken" and went.way is Direction.IN and now.trusted
        return replace(self, came_on=now.at.date()) if seen and self.group is not None and group == self.group else self

    def lets(self, free: bool, now: LocalTime) -> bool:
        """Whether the gate stands open now where its schedule says that it is `free`."""
        return free and (self.group is None or (now.trusted and self.came_on == now.at.date()))
