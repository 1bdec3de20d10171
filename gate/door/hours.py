"""Days, hours and gates: when and where a resident is let in, when one factor suffices, when the gate itself stands
open. Pure.

Each question is answered True or False, or None where the answer needs the time of day and the gate's clock is not to
be trusted. None is never taken for a yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from gate.door.rules import Known
from gate.schedule import Holiday, Schedule, parse
from gate.store.people.passes import Pass
from gate.store.people.residents import Resident


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A moment in the gate's own zone, and whether the clock that said it is to be trusted."""

    wall: float
    """Seconds since 1970."""
    zone: tzinfo
    trusted: bool

    @property
    def at(self) -> datetime:
        """The day and the hour; made when somebody asks, since most residents may come at any time."""
        return datetime.fromtimestamp(self.wall, self.zone)


@dataclass(frozen=True, slots=True)
class Entry:
    """A resident as the store has them, with the words of their hours and days read."""

    resident: Resident
    hours: Schedule | None = None
    """When they are let in, of their own or of their group; None: at any time."""
    first_day: date | None = None
    last_day: date | None = None
    gate: str = ""
    """The id of this gate, at which they ask."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A pass as the store has it, with its times and the words of its hours read."""

    visit: Pass
    begins: datetime
    ends: datetime
    """Exclusive; sooner than at first where it lasts from its first use."""
    hours: Schedule | None = None
    last_day: date | None = None
    """Of the resident whom they visit, as it is now; None: they have none, or nobody is named."""
    gate: str = ""
    """The id of this gate, at which it is shown."""


def visit_of(one: Pass, holidays: Sequence[Holiday] = (), gate: str = "") -> Visit:
    """With the holidays of its schedule, at the gate of this id.

    Raises Refusal where its hours are no schedule, ValueError or TypeError where one of its times, or the last day of
    whom they visit, is none.
    """
    hours = None if one.windows is None else replace(parse(one.windows), holidays=tuple(holidays))
    begins, ends = datetime.fromisoformat(one.valid_from), one.ends_at
    if begins.tzinfo is None or ends.tzinfo is None:
        raise ValueError("a time of a pass has no zone")
    return Visit(one, begins, ends, hours, _day(one.host_until), gate)


def entry_of(resident: Resident, holidays: Sequence[Holiday] = (), gate: str = "") -> Entry:
    """With the holidays of their schedule, at the gate of this id.

    Raises Refusal where their hours are no schedule, ValueError or TypeError where one of their days is none.
    """
    return Entry(
        resident,
        None if resident.windows is None else replace(parse(resident.windows), holidays=tuple(holidays)),
        _day(resident.valid_from),
        _day(resident.valid_until),
        gate,
    )


def _day(iso: str | None) -> date | None:
    return None if iso is None else date.fromisoformat(iso)


def known_of(entry: Entry | None, now: LocalTime, two_factors: Schedule | None, *, from_its_user: bool) -> Known:
    """What is known of a resident (None: nobody of that id) at a time of day.

    `two_factors` are the hours in which one alone does not open; None: it always does.
    """
    if entry is None:
        return Known(from_its_user=from_its_user)
    return Known(
        entry.resident,
        from_its_user,
        at_this_gate=at_gate(entry.resident.gates, entry.gate),
        valid=valid(entry, now),
        within_hours=within(entry.hours, now),
        one_suffices=one_suffices(two_factors, now),
    )


def known_of_pass(visit: Visit, now: LocalTime, two_factors: Schedule | None) -> Known:
    """What is known of a pass at a time of day; nothing that needs the time where the clock is not to be trusted."""
    return Known(
        from_its_user=True,
        at_this_gate=at_gate(visit.visit.host_gates, visit.gate),
        visit=visit.visit,
        begun=now.at >= visit.begins if now.trusted else None,
        valid=now.at < visit.ends and now.at.date() <= (visit.last_day or date.max) if now.trusted else None,
        within_hours=within(visit.hours, now),
        one_suffices=one_suffices(two_factors, now),
    )


def at_gate(gates: Sequence[str] | None, gate: str) -> bool:
    """Whether somebody is let in at a gate; `gates` are those of their area, None: they have none."""
    return gates is None or gate in gates


def valid(entry: Entry, now: LocalTime) -> bool | None:
    """Whether today is one of the days on which they are let in; the first and the last count whole."""
    if entry.first_day is None and entry.last_day is None:
        return True
    if not now.trusted:
        return None
    today = now.at.date()
    return (entry.first_day or today) <= today <= (entry.last_day or today)


def within(hours: Schedule | None, now: LocalTime) -> bool | None:
    """Whether now is within these hours; always where there are none."""
    if hours is None:
        return True
    return hours.allows(now.at) if now.trusted else None


def one_suffices(two_factors: Schedule | None, now: LocalTime) -> bool | None:
    """Whether one factor alone opens now; `two_factors` are the hours in which it does not."""
    if two_factors is None:
        return True
    return not two_factors.allows(now.at) if now.trusted else None


def stands_free(free: Schedule | None, now: LocalTime) -> bool:
    """Whether the gate itself stands open by its schedule; without one, or without a clock, it does not."""
    return free is not None and now.trusted and free.allows(now.at)
