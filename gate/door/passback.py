"""Anti-passback: whoever is in already goes in no second time, by a card handed back over the fence. Pure.

It holds against what is known alone. Only a passage that a contact saw moves anybody; whose passage is unknown is
nowhere, and so is everybody after twelve hours, after the night's amnesty, and while the clock is not to be trusted.
Nobody who leaves is ever refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gate.door.hours import LocalTime
from gate.door.settings import Passback
from gate.vocabulary import Direction

FORGETS_S = 12 * 3600.0
AMNESTY = time(4)
"""When everything is forgotten, by the gate's own clock: whoever was missed on their way out comes home at night."""


@dataclass(frozen=True, slots=True)
class Last:
    """Which way somebody passed last, and when, seconds since 1970."""

    way: Direction
    wall: float


def is_forgotten(last: Last, now: LocalTime) -> bool:
    """Whether that is too long ago to say where they are, or nobody knows how long ago."""
    if not now.trusted or not 0 <= now.wall - last.wall < FORGETS_S:
        return True
    return last.wall < _latest_amnesty(now).timestamp()


def is_in_already(rule: Passback, timed_s: float, last: Last | None, way: Direction, now: LocalTime) -> bool:
    """Whether somebody goes in who is in, as far as is known; by the rule `timed`, only for so many seconds."""
    if rule == "off" or way is Direction.OUT or last is None or last.way is Direction.OUT or is_forgotten(last, now):
        return False
    return rule != "timed" or now.wall - last.wall < timed_s


def refuses(rule: Passback) -> bool:
    """Whether they are refused for it, or only put on record."""
    return rule in ("timed", "hard")


def _latest_amnesty(now: LocalTime) -> datetime:
    today = datetime.combine(now.at.date(), AMNESTY, now.zone)
    return today if today <= now.at else datetime.combine(now.at.date() - timedelta(1), AMNESTY, now.zone)
