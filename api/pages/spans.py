"""Spans of time that people name: today, yesterday, this morning, a day, an hour of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from types import MappingProxyType

from gate.errors import Sentence, UsageError

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
# The days beside these can be written too, in every zone.
_FIRST, _LAST = date(1970, 1, 3), date(9999, 12, 28)

# What stands on the page to press, by its word in an address.
PRESETS: Mapping[str, Sentence] = MappingProxyType(
    {
        "hour": Sentence("Last hour"),
        "today": Sentence("Today"),
        "morning": Sentence("This morning"),
        "yesterday": Sentence("Yesterday"),
        "week": Sentence("Last week"),
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment to another one, which it does not reach; None: without end. `day`: the one in which it lies."""

    since: datetime | None
    until: datetime | None
    day: date | None = None


def span(when: str, hour: int | None, now: datetime) -> Span:
    """What a preset or a day (2026-05-01) names, and of a day one hour where it is given, in the zone of `now`.

    Raises UsageError for what is neither.
    """
    today, zone = now.date(), now.tzinfo
    if when == "hour":
        # Of the clock on the wall an hour is none, or two, in the nights when it is put forward or back.
        return Span((now.astimezone(UTC) - _HOUR).astimezone(zone), None)
    if when == "week":
        monday = today - timedelta(today.weekday())
        return Span(_at(monday - 7 * _DAY, zone), _at(monday, zone))
    day = {"today": today, "morning": today, "yesterday": today - _DAY}.get(when) or _day(when)
    if hour is not None:
        return Span(_at(day, zone, hour), _at(day, zone, hour + 1), day)
    return Span(_at(day, zone), _at(day, zone, 12 if when == "morning" else 24), day)


def named_days(today: date) -> list[date]:
    """The days that a weekday's name alone tells: those before yesterday, back to six days ago."""
    return [today - days * _DAY for days in range(2, 7)]


def bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The day's two midnights."""
    return _at(day, zone), _at(day, zone, 24)


def _at(day: date, zone: tzinfo | None, hour: int = 0) -> datetime:
    return datetime.combine(day + _DAY * (hour // 24), time(hour % 24), zone)


def _day(when: str) -> date:
    try:
        day = date.fromisoformat(when)
    except ValueError as error:
        raise UsageError("{day} is not a date; write it as 2027-01-31.", day=when) from error
    if not _FIRST <= day <= _LAST:
        raise UsageError("{day} is not a date; write it as 2027-01-31.", day=when)
    return day
