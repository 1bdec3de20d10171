"""Anti-passback: whoever is in already goes in no second time, by a card handed back over the fence. Pure.

It holds against what is known alone. Only a passage that a contact saw moves anybody; whose passage is unknown is
nowhere, and so is everybody after twelve hours, after the night's amnesty, and while the clock is not to be trusted.
Nobody who leaves is ever refused. What other gates of the compound saw is known late or never, so that it lifts what
this gate would refuse, and refuses nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Which way somebody passed last at another gate (None: it does not know any more), when by its clock, seconds
    since 1970, and what the gate is called; empty: it is the centre's."""

    way: Direction | None
    wall: float
    gate: str


@dataclass(frozen=True, slots=True)
class InAlready:
    """Somebody goes in who is in. `at` is the name of the gate that says so, where it is another one."""

    refused: bool
    at: str | None = None


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


def in_already(
    rule: Passback, timed_s: float, last: Last | None, elsewhere: Iterable[Elsewhere], way: Direction, now: LocalTime
) -> InAlready | None:
    """Whether somebody goes in who is in, by what this gate and the others saw; the latest of it counts."""
    here = is_in_already(rule, timed_s, last, way, now)
    own = None if last is None or is_forgotten(last, now) else last
    later = newest(elsewhere, now)
    if later is None or (own is not None and own.wall >= later.wall):
        return InAlready(refuses(rule)) if here else None
    if later.way is not Direction.IN:
        return None
    if here and refuses(rule):
        return InAlready(refused=True)
    there = is_in_already(rule, timed_s, Last(later.way, later.wall), way, now)
    return InAlready(refused=False, at=later.gate) if there else None


def newest(elsewhere: Iterable[Elsewhere], now: LocalTime) -> Elsewhere | None:
    """The last that other gates say of somebody, of what is not forgotten; nothing of a time that is still to come."""
    # Which way matters to no one who asks whether it is forgotten.
    told = [one for one in elsewhere if not is_forgotten(Last(one.way or Direction.OUT, one.wall), now)]
    return max(told, key=lambda one: one.wall, default=None)


def refuses(rule: Passback) -> bool:
    """Whether they are refused for it, or only put on record."""
    return rule in ("timed", "hard")


def _latest_amnesty(now: LocalTime) -> datetime:
    today = datetime.combine(now.at.date(), AMNESTY, now.zone)
    return today if today <= now.at else datetime.combine(now.at.date() - timedelta(1), AMNESTY, now.zone)
