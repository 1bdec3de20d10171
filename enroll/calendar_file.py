"""Holidays out of a calendar file (iCalendar, RFC 5545; .ics), such as a state's public holidays.

The file is opened by a child process with limits and without rights (`calendar_child`): it comes from anybody, and what
reads it is a large library. The child's answer is checked as if it came from the file's author.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from enroll.calendar_child import MANY, MOST_EVENTS
from enroll.child import answer_of
from gate.errors import Refusal, Sentence

MOST_BYTES = 1 << 20
_MOST_ANSWERED = 4 << 20
_LONGEST_DAYS = 366
_LONGEST_NAME = 60
# So far ahead a day that comes each year is taken: whoever imports a calendar does so once a year.
_YEARS_AHEAD = 1
# "第1天/共3天", "（休）", "假期" and the like say of a holiday nothing but that it is one.
_ADDED = re.compile(r"\s*(第\s*\d+\s*天\s*/\s*共\s*\d+\s*天|[(（]休[)）]|假期|放假)\s*")

HAS_HOURS = Sentence("has hours, so it is no whole day")
WORKED_ON = Sentence("a day on which people work")
CANCELLED = Sentence("cancelled")
REPEATS = Sentence("repeats otherwise than once a year")
TOO_LONG = Sentence("longer than a year")
NAMELESS = Sentence("has no name")


@dataclass(frozen=True, slots=True)
class Event:
    """One of a file, as it stands there: whole days, both counted."""

    name: str
    first: date
    last: date
    whole: bool = True
    work: bool = False
    """Whether people work then, though it is a weekend's day."""
    yearly: bool = False
    other_rule: bool = False
    cancelled: bool = False
    marked: bool = False
    """Whether the file says by a mark of its own that people are off."""
    until: date | None = None
    """The last day on which one that repeats may begin; None: there is none."""
    besides: frozenset[date] = frozenset()
    """The days on which it does not."""


@dataclass(frozen=True, slots=True)
class Found:
    """A holiday that could be added. `marked` as in the file; both days count whole."""

    name: str
    first: date
    last: date
    marked: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a file is no holiday, and why."""

    name: str
    first: date
    why: Sentence


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a file holds: holidays that are not over, by day; what is left out; and how many are over."""

    found: tuple[Found, ...]
    left_out: tuple[LeftOut, ...]
    over: int
    damaged: int = 0
    """How many of its events make no sense."""


def read_calendar(content: bytes, today: date) -> Calendar:
    """The holidays of a calendar file. Raises Refusal, with one sentence, where it is none, too large or too long."""
    if len(content) > MOST_BYTES:
        raise Refusal("The file is larger than 1 MB, which no calendar of holidays is. Nothing was changed.")
    try:
        answer = json.loads(_ask(content))
        if "problem" not in answer:
            found = sorted_out([_event(one) for one in answer["events"]], today)
            return replace(found, damaged=int(answer["damaged"]))
        problem = answer["problem"]
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError) as error:
        raise Refusal(_NONE) from error
    if problem == MANY:
        raise Refusal(
            "The file has more than {most} appointments, which no calendar of holidays has. Nothing was changed.",
            most=MOST_EVENTS,
        )
    raise Refusal(_NONE)


_NONE = Sentence("This is no calendar file (.ics), or a damaged one. Nothing was changed.")


def sorted_out(events: Sequence[Event], today: date) -> Calendar:
    """What of these is a holiday: whole days on which people are off, those that follow one another joined. Pure."""
    left_out = [
        LeftOut(one.name[:_LONGEST_NAME], one.first, why)
        for one in events
        if (why := _why_not(one)) is not None and (one.last >= today or (why is REPEATS and _goes_on(one, today)))
    ]
    meant = [day for one in events if _why_not(one) is None for day in _each_year(one, today)]
    joined = _joined(sorted((Found(_called(one.name), one.first, one.last, one.marked) for one in meant), key=_by_day))
    coming = tuple(one for one in joined if one.last >= today)
    return Calendar(coming, tuple(sorted(left_out, key=lambda one: one.first)), len(joined) - len(coming))


def _why_not(one: Event) -> Sentence | None:
    if one.cancelled:
        return CANCELLED
    if one.work:
        return WORKED_ON
    if not one.whole:
        return HAS_HOURS
    if one.other_rule:
        return REPEATS
    if (one.last - one.first).days >= _LONGEST_DAYS:
        return TOO_LONG
    return None if _called(one.name) else NAMELESS


def _goes_on(one: Event, today: date) -> bool:
    """Whether one that repeats may still come."""
    return one.until is None or one.until >= today


def _each_year(one: Event, today: date) -> Iterator[Event]:
    """It, or where it comes each year those of this year and of the next."""
    if not one.yearly:
        yield one
        return
    lasts = one.last - one.first
    # What began in the old year may not be over in the new one.
    for year in range(max(one.first.year, (today - lasts).year), today.year + _YEARS_AHEAD + 1):
        try:
            first = one.first.replace(year=year)
        except ValueError:
            # The 29th of February.
            continue
        if one.until is not None and first > one.until:
            return
        if first not in one.besides:
            yield replace(one, first=first, last=first + lasts)


def _joined(days: Sequence[Found]) -> list[Found]:
    """Days of one name that follow one another, or are told twice, are one holiday."""
    joined: list[Found] = []
    for day in days:
        at = next((n for n, one in enumerate(joined) if _follows(one, day)), None)
        if at is None:
            joined.append(day)
        else:
            before = joined[at]
            joined[at] = replace(before, last=max(before.last, day.last), marked=before.marked or day.marked)
    return joined


def _follows(one: Found, day: Found) -> bool:
    whole = (max(one.last, day.last) - one.first).days < _LONGEST_DAYS
    return whole and one.name == day.name and day.first - one.last <= timedelta(1)


def _by_day(one: Found) -> tuple[date, date, str]:
    return one.first, one.last, one.name


def _called(name: str) -> str:
    plain = " ".join(_ADDED.sub(" ", name).split())
    return (plain or " ".join(name.split()))[:_LONGEST_NAME].strip()


def _event(given: object) -> Event:
    if not isinstance(given, list):
        raise TypeError("no event")
    name, first, last, whole, work, yearly, other, cancelled, marked, until, besides = given
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    if ends < begins:
        raise ValueError("it ends before it begins")
    return Event(
        str(name), begins, ends, bool(whole), bool(work), bool(yearly), bool(other), bool(cancelled), bool(marked),
        None if until is None else date.fromisoformat(until), frozenset(map(date.fromisoformat, besides)),
    )  # fmt: skip


def _ask(content: bytes) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return answer_of("enroll.calendar_child", file, _MOST_ANSWERED)
