"""What is shown at a Wiegand reader, on its way to whose it is; what is noise is on record, and opens nothing.

The lines are pins, so they are the door's own, and so is what they say: whoever else could read them could take the
relay's pin as well. How old it may be is asked of it as of any other.
"""

from __future__ import annotations

from collections.abc import Callable

from gate.door.settings import DoorSettings
from gate.door.wiegand import Flaw, Noise, Told, told_by
from gate.door.wiegand_lines import WiegandReader
from gate.processes.allowance import Allowance
from gate.store.ids import new_id
from gate.vocabulary import AuditEvent, Kind, Presented

NAME = "wiegand"


class WiegandShown:
    """The Wiegand reader of one door, where it has one. The door's loop owns it."""

    def __init__(
        self, reader: WiegandReader | None, settings: DoorSettings, hear: Callable[[Presented, float], None],
        record: Callable[[AuditEvent], None], now: float,
    ) -> None:  # fmt: skip
        """`hear` is given each card and each key."""
        self._reader = reader
        self._format, self._keypad = settings.wiegand_format, settings.wiegand_keypad
        self._hear = hear
        self._record = record
        self._noise = Noise()
        self._allowance = Allowance(now)
        self._lost = False

    def turn(self, now: float) -> None:
        """Take what was shown since; `now` is monotonic seconds."""
        if self._reader is None:
            return
        while self._reader.bursts:
            burst = self._reader.bursts.popleft()
            said = told_by(burst, self._format, self._keypad)
            if not isinstance(said, Told):
                self._refuse(said, now)
            elif self._allowance.take(now):
                self._hear(Presented(new_id(), said.method, NAME, burst.latest_mono, said.code), now)
        if self._reader.fault is not None and not self._lost:
            self._lost = True
            self._record(AuditEvent(Kind.READER_LOST, {"why": f"{NAME}: {self._reader.fault}. Start the gate again."}))

    def _refuse(self, why: Flaw, now: float) -> None:
        self._noise, frames = self._noise.more(now)
        if frames:
            self._record(AuditEvent(Kind.READER_NOISE, {"reader": NAME, "why": why.value, "frames": frames}))
