"""Who passed which way, followed at the door and kept in the store, for the rule in `gate.door.passback`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gate.door.hours import LocalTime
from gate.door.passback import Last, is_forgotten, is_in_already, refuses
from gate.door.register import Register, StoreDown
from gate.door.settings import DoorSettings
from gate.vocabulary import AuditEvent, Direction, Kind, Moved

# Of one gate's grants no more than a few wait for their passage at once.
_REMEMBERED = 16
_LOOKS_EVERY_S = 60.0


class Whereabouts:
    """Where residents are, as far as it is known. Not thread-safe: the door's loop owns it."""

    def __init__(
        self, settings: DoorSettings, register: Register, keep: Callable[[Moved], None], local: Callable[[], LocalTime]
    ) -> None:
        """`keep` writes what changed to the store; `local` says what time it is at the gate."""
        self._rule, self._timed_s = settings.passback, settings.passback_s
        self._inside = settings.readers_inside
        self._register = register
        self._keep = keep
        self._local = local
        self._last: dict[str, Last] | None = None
        self._grants: OrderedDict[str, tuple[str, Direction]] = OrderedDict()
        self._looked_mono = float("-inf")

    def in_already(self, resident: str, reader: str | None) -> bool:
        """Whether somebody goes in who is in; `reader` is where they ask, None: the camera."""
        if self._rule == "off":
            return False
        last = self._known().get(resident)
        return is_in_already(self._rule, self._timed_s, last, self._way(reader), self._local())

    @property
    def refuses(self) -> bool:
        """Whether that is refused, or only put on record."""
        return refuses(self._rule)

    def follow(self, event: AuditEvent) -> None:
        """Take note of what happens at the door: who is let in or out, and their passage."""
        if self._rule == "off":
            return
        details, resident = event.details, event.resident
        if event.kind == Kind.GRANTED and resident is not None:
            self._grants[str(details["claim"])] = resident, self._way(_reader_of(event))
            if len(self._grants) > _REMEMBERED:
                self._grants.popitem(last=False)
        elif event.kind == Kind.CAME_ALONG and resident is not None:
            # One contact tells of no second person.
            self._move(resident, None)
        elif event.kind == Kind.PASSAGE and (found := self._grants.pop(str(details["grant"]), None)):
            resident, way = found
            if details["outcome"] != "not_taken":
                self._move(resident, way if details["outcome"] == "taken" else None)

    def forgive(self, resident: str | None) -> None:
        """Forget where somebody is; None: where anybody is."""
        if resident is None:
            self._last = {}
            self._keep(Moved(None, None, 0.0))
        else:
            self._move(resident, None)

    def turn(self, now: float) -> None:
        """Let go of what is too old to say anything, now and then; `now` is monotonic seconds."""
        if self._rule == "off" or now - self._looked_mono < _LOOKS_EVERY_S:
            return
        self._looked_mono = now
        local = self._local()
        if local.trusted:
            for resident in [one for one, last in self._known().items() if is_forgotten(last, local)]:
                self._move(resident, None)

    def _move(self, resident: str, way: Direction | None) -> None:
        local = self._local()
        way = way if local.trusted else None
        known = self._known()
        if way is None:
            known.pop(resident, None)
        else:
            known[resident] = Last(way, local.wall)
        self._keep(Moved(resident, way, local.wall))

    def _known(self) -> dict[str, Last]:
        if self._last is None:
            try:
                self._last = {one.resident: Last(one.way, wall) for one, wall in self._register.whereabouts()}
            except StoreDown:
                # Of nobody it is known then; it is read once it can be.
                return {}
        return self._last

    def _way(self, reader: str | None) -> Direction:
        return Direction.OUT if reader in self._inside else Direction.IN


def _reader_of(event: AuditEvent) -> str | None:
    reader = event.details.get("reader")
    return reader if isinstance(reader, str) else None
