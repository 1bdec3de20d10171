"""Who passed which way, followed at the door and kept in the store, for the rule in `gate.door.passback`."""

from __future__ import annotations

from collections.abc import Callable

from gate.door.hours import LocalTime
from gate.door.passback import Elsewhere, InAlready, Last, in_already, is_forgotten
from gate.door.passed import Passers, Went
from gate.door.register import Register, StoreDown
from gate.door.settings import DoorSettings
from gate.vocabulary import AuditEvent, Direction, Kind, Moved

_LOOKS_EVERY_S = 60.0


class Whereabouts:
    """Where residents are, as far as it is known. Not thread-safe: the door's loop owns it."""

    def __init__(
        self, settings: DoorSettings, register: Register, passers: Passers, keep: Callable[[Moved], None],
        local: Callable[[], LocalTime],
    ) -> None:  # fmt: skip
        """`keep` writes what changed to the store; `local` says what time it is at the gate."""
        self._rule, self._timed_s = settings.passback, settings.passback_s
        self._shared = settings.passback_gates
        self._passers = passers
        self._register = register
        self._keep = keep
        self._local = local
        self._last: dict[str, Last] | None = None
        self._looked_mono = float("-inf")

    def in_already(self, resident: str, reader: str | None) -> InAlready | None:
        """Whether somebody goes in who is in; `reader` is where they ask, None: the camera."""
        if self._rule == "off":
            return None
        last, way = self._known().get(resident), self._passers.way_at(reader)
        return in_already(self._rule, self._timed_s, last, self._elsewhere(resident), way, self._local())

    def _elsewhere(self, resident: str) -> tuple[Elsewhere, ...]:
        if not self._shared:
            return ()
        try:
            return self._register.elsewhere(resident)
        except StoreDown:
            # What the others saw refuses nobody, and is not waited for.
            return ()

    def follow(self, event: AuditEvent, went: Went | None) -> None:
        """Take note of what happens at the door, and of who `went` by it."""
        if self._rule == "off":
            return
        if event.kind == Kind.CAME_ALONG and event.resident is not None:
            # One contact tells of no second person.
            self._move(event.resident, None)
        elif went is not None and went.outcome != "not_taken":
            self._move(went.resident, went.way if went.outcome == "taken" else None)

    def forgive(self, resident: str | None) -> None:
        """Forget where somebody is; None: where anybody is."""
        if resident is None:
            self._last = {}
            self._keep(Moved(None, None, self._local().wall, self._shared))
        else:
            self._move(resident, None)

    def turn(self, now: float) -> None:
        """Let go of what is too old to say anything, now and then; `now` is monotonic seconds."""
        if now - self._looked_mono < _LOOKS_EVERY_S:
            return
        self._looked_mono = now
        if self._rule == "off":
            # Of a time when there was a rule.
            if self._known():
                self.forgive(None)
            return
        local = self._local()
        if local.trusted:
            for resident in [one for one, last in self._known().items() if is_forgotten(last, local)]:
                # Each gate forgets by its own clock: nobody is told.
                self._move(resident, None, shared=False)

    def _move(self, resident: str, way: Direction | None, *, shared: bool = True) -> None:
        local = self._local()
        way = way if local.trusted else None
        known = self._known()
        if way is None:
            known.pop(resident, None)
        else:
            known[resident] = Last(way, local.wall)
        self._keep(Moved(resident, way, local.wall, self._shared and shared))

    def _known(self) -> dict[str, Last]:
        if self._last is None:
            try:
                self._last = {one.resident: Last(one.way, wall) for one, wall in self._register.whereabouts()}
            except StoreDown:
                # Of nobody it is known then; it is read once it can be.
                return {}
        return self._last
