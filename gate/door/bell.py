"""The bell: somebody at the gate calls whoever is at the console. Pure.

It rings for half a minute, unless the gate opens before, and begins anew no sooner than 20 seconds after it was rung.
Whoever stands there unknown three times rings it without a hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

RINGS_S = 30.0
GAP_S = 20.0
TOLD_S = 20.0
"""How long whoever rang is told that nobody answered."""
UNKNOWN_TIMES = 3
# A track that was not judged for so long is another person's: vision counts anew when it starts.
_FORGETS_S = 60.0
_MOST_TRACKS = 8


class Rung(StrEnum):
    """By what it was rung: the `#` key of a keypad, the button of `bell_pin`, the one on the screen at the gate, or a
    face that is nobody's."""

    KEYPAD = "keypad"
    BUTTON = "button"
    SCREEN = "screen"
    FACE = "face"


@dataclass(frozen=True, slots=True)
class _Stranger:
    track: int
    times: int
    seen_mono: float


@dataclass(frozen=True, slots=True)
class Bell:
    """The bell of one gate, and who was unknown of late. Times are monotonic seconds."""

    call: str | None = None
    """The id of the call that rings, or that nobody answered and is told so; None: neither."""
    by: Rung | None = None
    rung_mono: float = float("-inf")
    rings: bool = False
    strangers: tuple[_Stranger, ...] = ()

    def rung(self, call: str, by: Rung, now: float) -> Bell:
        """After it was rung: as before where that was a moment ago, else with this call."""
        if self.waits(now):
            return self
        return replace(self, call=call, by=by, rung_mono=now, rings=True)

    def waits(self, now: float) -> bool:
        """Whether it was rung so lately that it does not begin anew."""
        return now - self.rung_mono < GAP_S

    def over(self) -> Bell:
        """After the gate opened: nobody waits any more."""
        return replace(self, call=None, by=None, rings=False)

    def at(self, now: float) -> Bell:
        """After the time that went by."""
        if self.call is None or now - self.rung_mono < RINGS_S:
            return self
        return replace(self, rings=False) if now - self.rung_mono < RINGS_S + TOLD_S else self.over()

    def due_mono(self) -> float | None:
        """When `at` changes it next; None: not by itself."""
        if self.call is None:
            return None
        return self.rung_mono + (RINGS_S if self.rings else RINGS_S + TOLD_S)

    def saw_stranger(self, track: int, now: float) -> tuple[Bell, bool]:
        """After somebody of this track was unknown, and whether that was the time which rings it."""
        lately = tuple(one for one in self.strangers if now - one.seen_mono <= _FORGETS_S)
        times = 1 + next((one.times for one in lately if one.track == track), 0)
        others = tuple(one for one in lately if one.track != track)
        strangers = (*others, _Stranger(track, times, now))[-_MOST_TRACKS:]
        return replace(self, strangers=strangers), times == UNKNOWN_TIMES
