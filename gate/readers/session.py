"""How it stands with one OSDP reader: secured or away, when it is heard, when it is woken. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

HEARD_AFTER_S = 2.0
"""What a reader says earlier in a session, or after a silence, was shown while nobody listened, and is dropped."""
# A reader answers ten times a second and more; a cable that is cut for longer than this is one, seconds. libosdp calls
# a reader away after eight.
_SILENT_S = 0.7
# How long after it fell out, or was woken in vain, it is woken: a bad frame silences a reader for minutes by itself.
_WAKE_AFTER_S = (1.0, 2.0, 5.0, 10.0)
# Whoever starts has this long for a first session before it is called away, seconds.
_FIRST_S = 5.0


class Change(StrEnum):
    """What becomes of a reader: its session begins, or has ended; it should be woken."""

    CAME = "came"
    WENT = "went"
    WAKE = "wake"


@dataclass(frozen=True, slots=True)
class Session:
    """One reader. Times are monotonic seconds."""

    since_mono: float
    """Since when it is secured and says so, or away; of one that is away since the last time it was woken."""
    secured: bool = False
    told: bool = False
    """Whether it was told that it is away."""
    woken: int = 0
    """How often in vain."""

    def turn(self, secured: bool, silent_s: float, now: float) -> tuple[Session, Change | None]:
        """After its line says whether it is secured now, and for how long it has said nothing."""
        if secured:
            if not self.secured:
                return Session(now, secured=True), Change.CAME
            return (replace(self, since_mono=now), None) if silent_s > _SILENT_S else (self, None)
        if self.secured:
            return Session(now, told=True), Change.WENT
        after_s = _WAKE_AFTER_S[min(self.woken, len(_WAKE_AFTER_S) - 1)]
        if now - self.since_mono >= (after_s if self.told else _FIRST_S):
            if not self.told:
                return replace(self, told=True, since_mono=now), Change.WENT
            return replace(self, since_mono=now, woken=self.woken + 1), Change.WAKE
        return self, None

    def is_heard(self, now: float) -> bool:
        """Whether what it says now was shown now."""
        return self.secured and now - self.since_mono >= HEARD_AFTER_S
