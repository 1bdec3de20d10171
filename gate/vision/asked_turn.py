"""Whether a head turns as it was asked to, and is one: values and the time in, a verdict out. Pure.

Whoever raised a doubt is asked to turn the head to the left or the right, at random. Paper can be turned and bent, but
its nose stays in the sheet (`gate/vision/paper.py`); a film turns as it was filmed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gate.vision.paper import OnPaper
from gate.vocabulary import Level, Way


class Turned(StrEnum):
    """What was seen since the turn was asked for."""

    WAIT = "wait"
    TURNED = "turned"
    OTHERWISE = "otherwise"
    """They turned the other way first, as a film may."""
    FLAT = "flat"
    """They turned, and were flat."""
    NOT_TURNED = "not_turned"


@dataclass(frozen=True, slots=True)
class TurnLook:
    """One picture of an asked face: when, how far it is turned (`quality.yaw`), and what a sheet explains of it.

    `on_paper` is needed only where `worth_fitting` says so.
    """

    taken_mono: float
    yaw: float
    on_paper: OnPaper | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that stands: where to turn, in order, since when, what `yaw` was straight ahead, and what was seen.

    `straight` is whether the face looks straight ahead again after the turn before.
    """

    ways: tuple[Way, ...]
    since_mono: float
    ahead: float
    straight: bool = True
    deep: int = 0
    flat: int = 0
    wrong: int = 0
    verdict: Turned = Turned.WAIT

    @property
    def way(self) -> Way | None:
        """Where to turn now; None where nothing is asked any more, or straight ahead is awaited."""
        return self.ways[0] if self.verdict is Turned.WAIT and self.straight else None


# A film turns as asked in half of the cases, and twice in a quarter of them.
_REQUESTS = {Level.OFF: 0, Level.STANDARD: 1, Level.STRICT: 2}
# Whoever is asked has heard, understood and turned within it, seconds for each request.
WITHIN_S = 6.0
# In eye distances of `quality.yaw`: what is worth a fit, what is a turn, and what is straight ahead again. Flat paper
# reaches 0.06 and paper bent round 10 cm 0.21, both turned by 30 degrees; heads turned by 30 to 50 degrees 0.2 to 0.5.
_WORTH, TURNED, AHEAD = 0.12, 0.20, 0.10
# A nose that is found so well where the best sheet has it is printed: what tells paper bent more, or turned further.
PRINTED = 0.85
# So many pictures must say it.
LOOKS = 5
_WRONG = 3
# After so many of a turn that is printed nobody waits for the time to be over.
_MOST_FLAT = 25


def ask(level: Level, ahead: float, now: float, choose: Callable[[Sequence[Way]], Way]) -> Asked:
    """A request as the level has it. `ahead` is the face's `quality.yaw` straight ahead; `choose` draws a way."""
    ways = tuple(choose(tuple(Way)) for _ in range(_REQUESTS[level]))
    return Asked(ways, now, ahead, verdict=Turned.WAIT if ways else Turned.TURNED)


def towards(asked: Asked, yaw: float) -> float:
    """How far a face is turned where it was asked to, in eye distances; negative the other way."""
    # In the picture a person's left lies to the right, where a nose goes that turns there.
    return (yaw - asked.ahead) * (1 if asked.ways[0] is Way.LEFT else -1)


def is_ahead(asked: Asked, yaw: float) -> bool:
    """Whether a face looks straight ahead: as it did before it was asked, or at the camera."""
    return min(abs(yaw - asked.ahead), abs(yaw)) <= AHEAD


def worth_fitting(asked: Asked, yaw: float) -> bool:
    """Whether `on_paper` is to be asked of a face that is turned so far."""
    return asked.way is not None and towards(asked, yaw) >= _WORTH


def seen(asked: Asked, look: TurnLook) -> Asked:
    """The request after one more picture."""
    if asked.verdict is not Turned.WAIT:
        return asked
    if look.taken_mono - asked.since_mono > WITHIN_S:
        return replace(asked, verdict=Turned.FLAT if asked.flat >= LOOKS else Turned.NOT_TURNED)
    turned = towards(asked, look.yaw)
    if not asked.straight:
        back = is_ahead(asked, look.yaw)
        return replace(asked, straight=back, since_mono=look.taken_mono if back else asked.since_mono)
    return _concluded(_counted(asked, turned, look.on_paper), look.taken_mono)


def _counted(asked: Asked, turned: float, fit: OnPaper | None) -> Asked:
    if turned <= -TURNED:
        return replace(asked, wrong=asked.wrong + 1)
    if not turned >= TURNED or fit is None or not math.isfinite(fit.nose):
        return asked
    printed = fit.nose > PRINTED
    return replace(asked, deep=asked.deep + (not printed), flat=asked.flat + printed)


def _concluded(asked: Asked, now: float) -> Asked:
    if asked.wrong >= _WRONG:
        return replace(asked, verdict=Turned.OTHERWISE)
    if asked.deep >= LOOKS:
        if len(asked.ways) == 1:
            return replace(asked, verdict=Turned.TURNED)
        return Asked(asked.ways[1:], now, asked.ahead, straight=False)
    return replace(asked, verdict=Turned.FLAT) if asked.flat >= _MOST_FLAT else asked
