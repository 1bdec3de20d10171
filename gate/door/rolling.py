"""Which of a phone's codes count, digits and pictures: those of now, and of each step one. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gate.codes import ROLLING_STEP_S

_SLACK = 1
"""How many steps a telephone's clock may be ahead or behind."""


def step_of(says: Callable[[int], str], shown: str, wall: float) -> int | None:
    """The step in which a phone `says` what was shown, of those near `wall` seconds since 1970; None: in none."""
    now = int(wall // ROLLING_STEP_S)
    steps = range(max(0, now - _SLACK), now + _SLACK + 1)
    fitting = [one for one in steps if hmac.compare_digest(says(one), shown)]
    return fitting[-1] if fitting else None


@dataclass(frozen=True, slots=True)
class Used:
    """Which steps count no more. It is kept nowhere: what may have been used before the door began counts no more."""

    began: int
    """The step in which the door began, by the first clock that it could trust."""
    latest: Mapping[str, int] = field(default_factory=dict)
    """The step that was used last, by the id of the rolling code."""

    @classmethod
    def since(cls, wall: float) -> Used:
        """Of a door that began at `wall` seconds since 1970."""
        return cls(int(wall // ROLLING_STEP_S))

    def at(self, wall: float) -> Used:
        """By a clock that went back to `wall` behind the door's beginning, it begins there."""
        step = int(wall // ROLLING_STEP_S)
        return replace(self, began=step) if step < self.began else self

    def take(self, identity: str, step: int) -> Used | None:
        """With this step used; None where it, or a later one, may have been used already."""
        if step <= max(self.began + _SLACK, self.latest.get(identity, 0)):
            return None
        return replace(self, latest={**self.latest, identity: step})
