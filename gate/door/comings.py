"""Who came in and who left, followed at the door, and the rules that look at it: first person, escort, passback."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

from gate.door.escort import Escort
from gate.door.first_person import FirstPerson
from gate.door.hours import LocalTime
from gate.door.passed import Passers
from gate.door.register import Register
from gate.door.settings import DoorSettings
from gate.door.whereabouts import Whereabouts
from gate.vocabulary import ENTERED, AuditEvent, Direction, Moved


class Comings:
    """What the door remembers of who passed. Not thread-safe: the door's loop owns it."""

    def __init__(
        self, settings: DoorSettings, register: Register, keep: Callable[[Moved], None],
        local: Callable[[], LocalTime], came_on: date | None,
    ) -> None:  # fmt: skip
        """`keep` writes to the store where somebody is; `local` says what time it is at the gate; `came_on` is the day
        on which the first person came last."""
        self._local = local
        self._passers = Passers(settings.readers_inside)
        self._escort = Escort(settings.escorted_group, settings.escort_group, settings.escort_s)
        self.first_person = FirstPerson(settings.first_person_group, came_on)
        self.whereabouts = Whereabouts(settings, register, self._passers, keep, local)

    def follow(self, event: AuditEvent, group_of: Callable[[str], str | None]) -> None:
        """Take note of what happens at the door; `group_of` names the group of a resident by their id."""
        if event.visit is not None:
            # A visitor is not their host, whom the event names too.
            return
        went = self._passers.heed(event)
        self.whereabouts.follow(event, went)
        if went is not None and self.first_person.group is not None:
            self.first_person = self.first_person.after(went, group_of(went.resident), self._local())
        goes_in = event.kind in ENTERED and self._passers.way_at(event.details.get("reader")) is Direction.IN
        if goes_in and event.resident is not None and self._escort.escorting is not None:
            self._escort = self._escort.after(group_of(event.resident), time.monotonic())

    def is_unescorted(self, group: str | None, reader: str | None) -> bool:
        """Whether nobody is there to bring in somebody of this group, who asks at this reader; None: the camera."""
        return self.goes_in(reader) and self._escort.is_missing(group, time.monotonic())

    def goes_in(self, reader: str | None) -> bool:
        """Whether one comes in at this reader; None: the camera."""
        return self._passers.way_at(reader) is Direction.IN
