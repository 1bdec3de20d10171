"""The exit button (REX, request to exit): pressed it asks for the way out, kept pressed it asks again. It can stick.

Nobody is asked who they are: it opens from inside, also in lockdown. What the machine answers is in `gate.door.table`.
"""

from __future__ import annotations

from collections.abc import Callable

from gate.door import monitors
from gate.door.controller import Controller
from gate.door.states import OPEN_MODES, PULSES, Answer
from gate.vocabulary import AuditEvent, Kind, Reason


class ExitButton:
    """The button of one gate. `stuck_s` is after how many seconds of being pressed it is told as stuck."""

    def __init__(self, controller: Controller, record: Callable[[AuditEvent], None], stuck_s: float) -> None:
        self._controller, self._record, self._stuck_s = controller, record, stuck_s
        self._seen = monitors.Button()

    def press(self, now: float) -> None:
        """It was pressed at `now` (monotonic seconds); that it waits for a moving gate is on record."""
        if self._controller.exit_request(now) is Answer.WAITS:
            self._record(AuditEvent(Kind.REX_WAITS, {"reason": Reason.GATE_MOVES}))

    def watch(self, pressed: bool, now: float) -> None:
        """Whether it sticks, and one more opening once the last is over, for as long as it is `pressed`."""
        self._seen, told = monitors.watch_button(self._seen, pressed, self._stuck_s, now)
        self._controller.happen(told, now)
        if pressed and self._controller.mode not in (*PULSES, *OPEN_MODES):
            self._controller.exit_request(now)
