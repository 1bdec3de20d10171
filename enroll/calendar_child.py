"""The child process that opens a calendar from standard input and answers with one JSON object on standard output.

It gives its rights away before it looks at the file (`enroll.decoder.sandbox`). It answers {"events": [[name, first
day, last day, whole days, work, yearly, other rule, cancelled, marked, until when it repeats, the days on which it then
does not], ...], days as YYYY-MM-DD and the last one included, "damaged": how many make no sense}; or {"problem": a word
of PROBLEMS}.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from enroll.decoder.sandbox import allow_seconds, shut_in

MANY, NO_CALENDAR = "many events", "no calendar"
PROBLEMS = (MANY, NO_CALENDAR)
MOST_EVENTS = 2_000
_SECONDS = 20
_LONGEST_NAME = 200
# People work on such a day though it is a weekend's: Apple's mark, and how calendars call it. 补班 and 上班 are that.
_WORK = re.compile(r"补班|上班|[(（]班[)）]|补课")
_ZONE = re.compile(r";TZID=(?:\"[^\"\r\n]*\"|[^:;\r\n]*)", re.IGNORECASE)
# What a rule may say and mean no more than "each year on this day".
_YEARLY = {"FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "WKST", "COUNT", "UNTIL"}
# Where a rule says until when in UTC, it may be a later day already where the calendar is meant for.
_EASTMOST = timedelta(hours=14)


def main() -> int:
    """Read one calendar and answer; returns the exit code, 0. Raises OSError where its rights cannot be given away."""
    import icalendar

    content = sys.stdin.buffer.read()
    # What is loaded at the first use is loaded while files may be opened.
    _events(icalendar, _PROBE)
    for encoding in ("utf-16", "utf-8-sig", "gb18030"):
        "x".encode(encoding).decode(encoding)
    json.dumps(str(datetime.min))
    shut_in()
    allow_seconds(_SECONDS)
    answer: dict[str, Any]
    try:
        events = _events(icalendar, _text(content))
        answer = {"events": [one for one in events if one], "damaged": events.count(None)}
    except _TooMany:
        answer = {"problem": MANY}
    # Whatever a reader raises over what somebody else wrote.
    except Exception:
        answer = {"problem": NO_CALENDAR}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return 0


_PROBE = """BEGIN:VCALENDAR
BEGIN:VTIMEZONE
TZID:Asia/Shanghai
BEGIN:STANDARD
TZOFFSETFROM:+0800
TZOFFSETTO:+0800
DTSTART:19700101T000000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Asia/Shanghai:20260101T000000
RRULE:FREQ=YEARLY;UNTIL=20270101T000000Z
DURATION:P1D
SUMMARY:x
END:VEVENT
END:VCALENDAR
"""


def _text(content: bytes) -> str:
    """By its mark, as UTF-8, or as what a Chinese program of old writes, of which ASCII is a part."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


class _TooMany(Exception):
    """More appointments than a calendar of holidays has."""


def _events(library: Any, text: str) -> list[list[object] | None]:
    if len(re.findall(r"(?im)^BEGIN:VEVENT", text)) > MOST_EVENTS:
        raise _TooMany
    # In whichever zone a day is written, it is that day; and a zone would be looked for in files.
    calendars = library.Calendar.from_ical(_ZONE.sub("", text), multiple=True)
    if not calendars or any(one.name != "VCALENDAR" for one in calendars):
        raise ValueError("no calendar")
    found = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    # One time of those that repeat may be told anew, as an event of its own.
    anew: dict[str, set[date]] = defaultdict(set)
    for event in found:
        if isinstance(at := _said(event, "RECURRENCE-ID"), date):
            anew[str(event.get("UID", ""))].add(_day(at))
    return [_in_time(event, anew[str(event.get("UID", ""))]) for event in found]


def _in_time(event: Any, anew: Collection[date]) -> list[object] | None:
    """An event; None also where its days lie beyond all calendars."""
    try:
        return _event(event, anew)
    except OverflowError:
        return None


def _event(event: Any, anew: Collection[date]) -> list[object] | None:
    """An event, which is told `anew` on some days on which it would come again; None where its days make no sense."""
    begins = _said(event, "DTSTART")
    if not isinstance(begins, date):
        return None
    ends, lasts = _said(event, "DTEND"), _said(event, "DURATION")
    first = _day(begins)
    # A day's end is not part of it. Calendars are about that write the same day for both.
    after = _day(ends) if isinstance(ends, date) else first + lasts if isinstance(lasts, timedelta) else first
    whole = not isinstance(begins, datetime) or (_is_midnight(begins) and (ends is None or _is_midnight(ends)))
    last = max(first, after - timedelta(1)) if whole else max(first, after)
    name = str(event.get("SUMMARY", ""))[:_LONGEST_NAME]
    special = str(event.get("X-APPLE-SPECIAL-DAY", ""))
    work = special == "ALTERNATE-WORKDAY" or _WORK.search(name) is not None
    rule = event.get("RRULE")
    # Several of them come as a list.
    yearly = isinstance(rule, dict) and _is_yearly(rule, first)
    other = (rule is not None and not yearly) or "RDATE" in event
    try:
        besides = {*anew, *_excepted(event)} if yearly else set[date]()
    except (AttributeError, ValueError):
        return None
    until = _until(rule, first) if isinstance(rule, dict) else None
    return [
        name, first.isoformat(), last.isoformat(), whole, work, yearly, other,
        str(event.get("STATUS", "")).upper() == "CANCELLED", special == "WORK-HOLIDAY",
        None if until is None else until.isoformat(), [one.isoformat() for one in sorted(besides)],
    ]  # fmt: skip


def _said(event: Any, name: str) -> Any:
    """A time or a duration; None where there is none, or none that makes sense."""
    try:
        return event[name].dt
    except (KeyError, AttributeError, ValueError):
        return None


def _day(moment: date) -> date:
    """The day that stands there, in whichever zone it was written."""
    return moment.date() if isinstance(moment, datetime) else moment


def _is_midnight(moment: date) -> bool:
    return not isinstance(moment, datetime) or (moment.hour, moment.minute) == (0, 0)


def _is_yearly(rule: Any, first: date) -> bool:
    said = {str(name).upper(): list(values) for name, values in rule.items()}
    return (
        said.get("FREQ") == ["YEARLY"]
        and said.keys() <= _YEARLY
        and said.get("INTERVAL", [1]) == [1]
        and [int(one) for one in said.get("BYMONTH", [first.month])] == [first.month]
        and [int(one) for one in said.get("BYMONTHDAY", [first.day])] == [first.day]
    )


def _until(rule: Any, first: date) -> date | None:
    """The last day on which it may begin; None: there is none."""
    if rule.get("UNTIL"):
        last = rule["UNTIL"][0]
        in_utc = isinstance(last, datetime) and last.tzinfo is not None and last.year < date.max.year
        return _day(last + _EASTMOST) if in_utc else _day(last)
    if not rule.get("COUNT") or not _is_yearly(rule, first):
        return None
    return date(max(1, min(first.year + int(rule["COUNT"][0]) - 1, date.max.year)), 12, 31)


def _excepted(event: Any) -> Iterator[date]:
    """The days on which an event does not come that repeats. Raises AttributeError or ValueError where they make no
    sense."""
    said = event.get("EXDATE", [])
    for each in said if isinstance(said, list) else [said]:
        yield from (_day(one.dt) for one in each.dts if isinstance(one.dt, date))
