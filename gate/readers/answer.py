"""When a reader says by its light what came of what was shown there. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

_EVERY_S = 0.1
# By then a PIN is hashed, on a slow board too.
_WITHIN_S = 1.5
_GRANTED = ("grant", "open")
# A fault and an alarm are no answer to them.
_WAITS = ("ready", "fault", "alarm", "pre_alarm")


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody waits for at a reader; nobody does without a name. Times are monotonic seconds."""

    reader: str = ""
    shown_mono: float = float("-inf")
    asked_mono: float = float("-inf")

    def is_due(self, now: float) -> bool:
        """Whether the door is to be asked what it says."""
        return now - self.shown_mono <= _WITHIN_S and now - self.asked_mono >= _EVERY_S

    def after(self, signal: str | None, now: float) -> tuple[Answer, bool | None]:
        """After the door said this (None: nothing), and whether the reader says that it opens; None: nothing yet."""
        if signal is None or signal in _WAITS:
            return replace(self, asked_mono=now), None
        return Answer(self.reader), signal in _GRANTED
