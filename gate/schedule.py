"""Weekly schedules in words, `Mon-Fri 07:00-19:00; Sat 22:00-02:00`. Pure; standard library only.

A window is in the wall time of the gate's zone: on the day a clock is put forward, an hour that does not exist opens
nothing; on the day it is put back, an hour that comes twice counts twice. A window that ends at or before its start
runs into the next day, also where that is a holiday: a window belongs to the day on which it begins.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from gate.errors import Refusal, Sentence

NEVER_OPENS = Sentence("The schedule never opens; give at least one window such as 'Mon-Fri 07:00-19:00'.")
NO_WINDOW = Sentence("'{window}' is no window; write it as 'Mon-Fri 07:00-19:00'.")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY
DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-") | {ord("~"): "-"}
_WINDOW = re.compile(
    r"(?P<days>[a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*|daily)\s+"
    r"(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})"
)


@dataclass(frozen=True, slots=True)
class Window:
    """From one minute of a day to another, counted from that day's midnight; it may end on the next day."""

    day: int
    """Monday is 0."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days on which a schedule keeps other hours, or opens never; the first and the last count whole."""

    first: date
    last: date
    hours: Schedule | None = None
    """Of which the weekday's hold; None: closed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The windows of a week by day and start, none overlapping, and the days on which others hold.

    Of several holidays on one day the first holds.
    """

    windows: tuple[Window, ...]
    holidays: tuple[Holiday, ...] = ()

    def allows(self, local: datetime) -> bool:
        """Whether it is open at a moment, given in the gate's own zone."""
        minute, today = local.hour * 60 + local.minute, local.date()
        yesterday = today - timedelta(days=1)
        return any(one.start <= minute < one.end for one in self.on(today)) or any(
            one.start <= minute + _DAY < one.end for one in self.on(yesterday)
        )

    def on(self, day: date) -> Iterator[Window]:
        """The windows that begin on a day."""
        holiday = next((one for one in self.holidays if one.first <= day <= one.last), None)
        windows = self.windows if holiday is None else holiday.hours.windows if holiday.hours else ()
        return (one for one in windows if one.day == day.weekday())


def parse(words: str) -> Schedule:
    """The schedule in some words. Raises Refusal when it opens never or overlaps itself."""
    # Chinese keyboards type wide signs, word processors long dashes; the eye takes them for the plain ones.
    plain = unicodedata.normalize("NFKC", words).translate(DASHES)
    return schedule_of(
        one for part in filter(None, (piece.strip() for piece in plain.split(";"))) for one in _windows(part)
    )


def schedule_of(windows: Iterable[Window]) -> Schedule:
    """The schedule of these windows. Raises Refusal where there are none, or two overlap."""
    found = sorted(windows, key=lambda one: (one.day, one.start))
    if not found:
        raise Refusal(NEVER_OPENS)
    spans = [(one.day * _DAY + one.start, one.day * _DAY + one.end) for one in found]
    for (_, end), (following, _) in pairwise([*spans, (spans[0][0] + _WEEK, 0)]):
        if following < end:
            raise Refusal(
                "The schedule overlaps itself on {day} at {time}.",
                day=DAYS[following % _WEEK // _DAY], time=clock(following),
            )  # fmt: skip
    return Schedule(tuple(found))


def window_of(day: int, start: int, end: int, words: str) -> Window:
    """The window from one minute of the day to another, which is the next day's where it is not later.

    Raises Refusal, with the `words` in which it was given, where it ends when it begins.
    """
    if start == end:
        raise Refusal(
            "The window '{window}' never opens: it ends when it begins. A whole day is 00:00-24:00.", window=words
        )
    return Window(day, start, end if end > start else end + _DAY)


def grouped(schedule: Schedule) -> list[tuple[list[int], list[Window]]]:
    """The days that have the same windows, by the first of them, each with the windows of that first one."""
    found: dict[tuple[tuple[int, int], ...], tuple[list[int], list[Window]]] = {}
    for day in range(7):
        windows = [one for one in schedule.windows if one.day == day]
        if windows:
            days, _ = found.setdefault(tuple((one.start, one.end) for one in windows), ([], windows))
            days.append(day)
    return list(found.values())


def runs(days: list[int]) -> list[tuple[int, int]]:
    """Days as runs of three or more that follow one another, and single ones, each by its first and last.

    >>> runs([0, 1, 2, 5, 6])
    [(0, 2), (5, 5), (6, 6)]
    """
    found: list[tuple[int, int]] = []
    for start in (day for day in days if day - 1 not in days):
        last = next(day for day in range(start, 7) if day + 1 not in days)
        found += [(start, last)] if last - start > 1 else [(day, day) for day in range(start, last + 1)]
    return found


def written(schedule: Schedule) -> str:
    """A schedule in the words that `parse` reads, without its holidays."""
    return "; ".join(
        f"{_days_written(days)} {clock(one.start)}-{clock(one.end)}"
        for days, windows in grouped(schedule)
        for one in windows
    )


def clock(minute: int) -> str:
    """The time of day of a minute, of whatever day; midnight at a day's end is 24:00."""
    return "24:00" if minute == _DAY else f"{minute % _DAY // 60:02d}:{minute % 60:02d}"


def _days_written(days: list[int]) -> str:
    if len(days) == 7:
        return "daily"
    return ",".join(DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}" for first, last in runs(days))


def _windows(part: str) -> list[Window]:
    found = _WINDOW.fullmatch(part.lower())
    if found is None:
        raise Refusal(NO_WINDOW, window=part)
    start, end = _minute(found["start"]), _minute(found["end"])
    # 24:00 is the day's end, and as a start the same as 00:00.
    return [window_of(day, start % _DAY, end, part) for day in _days(found["days"])]


def _days(words: str) -> list[int]:
    if words == "daily":
        return list(range(7))
    days: list[int] = []
    for part in words.split(","):
        first, _, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        days += [(begin + number) % 7 for number in range((end - begin) % 7 + 1)]
    return days


def _day(word: str) -> int:
    try:
        return DAYS.index(word.capitalize())
    except ValueError as error:
        raise Refusal("'{word}' is no day; the days are {days}.", word=word, days=", ".join(DAYS)) from error


def _minute(word: str) -> int:
    hour, minute = (int(part) for part in word.split(":"))
    if not (hour < 24 and minute < 60) and (hour, minute) != (24, 0):
        raise Refusal("{word} is no time of day; write it as 07:30.", word=word)
    return hour * 60 + minute
