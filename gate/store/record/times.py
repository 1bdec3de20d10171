"""How many came in and were refused, by the hours, days and weeks of a zone."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from gate.store.record.search import OF_SOMEBODY
from gate.vocabulary import ENTERED, Kind

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Count:
    """How many were let in and refused in some time."""

    let_in: int = 0
    refused: int = 0

    @property
    def all(self) -> int:
        """Everybody who came."""
        return self.let_in + self.refused

    def __add__(self, other: Count) -> Count:
        """Those of both times."""
        return Count(self.let_in + other.let_in, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class Week:
    """A week, named by its Monday; `before` counts as many days of the week before it, None where those are unknown."""

    monday: date
    count: Count
    before: Count | None


def quarters(connection: sqlite3.Connection, since: datetime, until: datetime) -> dict[datetime, Count]:
    """The counts of each quarter of an hour in which somebody came, by its beginning in UTC.

    In every zone an hour and a day begin with one of them.
    """
    rows = connection.execute(
        "SELECT substr(at, 1, 14), CAST(substr(at, 15, 2) AS INTEGER) / 15, sum(kind <> ?),"  # noqa: S608 - fixed
        f" sum(kind = ? AND {OF_SOMEBODY})"
        " FROM audit INDEXED BY audit_by_time WHERE at >= ? AND at < ? AND kind IN (?, ?, ?) GROUP BY 1, 2",
        (Kind.DENIED, Kind.DENIED, _written(since), _written(until), *ENTERED, Kind.DENIED),
    )
    return {
        datetime.fromisoformat(f"{hour}{15 * quarter:02}:00+00:00"): Count(let_in, refused)
        for hour, quarter, let_in, refused in rows
    }


def by_hour(counts: Mapping[datetime, Count], zone: tzinfo) -> list[Count]:
    """The sums of each of the 24 hours of the day."""
    hours = [Count()] * 24
    for at, count in counts.items():
        hours[at.astimezone(zone).hour] += count
    return hours


def by_day(counts: Mapping[datetime, Count], zone: tzinfo, first: date, last: date) -> dict[date, Count]:
    """The sums of each day, the first and the last among them."""
    days = {first + timedelta(number): Count() for number in range((last - first).days + 1)}
    for at, count in counts.items():
        day = at.astimezone(zone).date()
        if day in days:
            days[day] += count
    return days


def by_week(days: Mapping[date, Count]) -> list[Week]:
    """The weeks of which all days are there, and the present one as far as it went, the newest first."""
    last, weeks = max(days), defaultdict(list)
    for day in sorted(days):
        weeks[day - timedelta(day.weekday())].append(day)
    return [
        Week(monday, sum((days[day] for day in there), Count()), _week_before(days, there))
        for monday, there in sorted(weeks.items(), reverse=True)
        if there[0] == monday and (len(there) == 7 or there[-1] == last)
    ]


def _week_before(days: Mapping[date, Count], there: list[date]) -> Count | None:
    before = [day - WEEK for day in there]
    return sum((days[day] for day in before), Count()) if all(day in days for day in before) else None


def _written(moment: datetime) -> str:
    """As the record writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
