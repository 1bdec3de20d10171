"""Weekly schedules in words, `Mon-Fri 07:00-19:00; Sat 22:00-02:00`. Pure; standard library only.

A window is in the wall time of the gate's zone: on the day a clock is put forward, an hour that does not exist opens
nothing; on the day it is put back, an hour that comes twice counts twice. A window that ends at or before its start
runs into the next day.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from gate.errors import Refusal

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-") | {ord("~"): "-"}
_WINDOW = re.compile(
    r"(?P<days>[a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*|daily)\s+"
    r"(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})"
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Spans of minutes from Monday 00:00, sorted, none overlapping, none past the week's end."""

    spans: tuple[tuple[int, int], ...]

    def allows(self, local: datetime) -> bool:
        """Whether it is open at a moment, given in the gate's own zone."""
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.spans)


def parse(words: str) -> Schedule:
    """The schedule in some words. Raises Refusal when it opens never or overlaps itself."""
    spans: list[tuple[int, int]] = []
    # Chinese keyboards type wide signs, word processors long dashes; the eye takes them for the plain ones.
    plain = unicodedata.normalize("NFKC", words).translate(_DASHES)
    for part in filter(None, (piece.strip() for piece in plain.split(";"))):
        spans += _window(part)
    if not spans:
        raise Refusal("The schedule never opens; give at least one window such as 'Mon-Fri 07:00-19:00'.")
    spans.sort()
    for (_, end), (following, _) in pairwise(spans):
        if following < end:
            raise Refusal(
                "The schedule overlaps itself on {day} at {time}.", day=DAYS[following // _DAY], time=_clock(following)
            )
    return Schedule(tuple(spans))


def _window(part: str) -> list[tuple[int, int]]:
    found = _WINDOW.fullmatch(part.lower())
    if found is None:
        raise Refusal("'{window}' is no window; write it as 'Mon-Fri 07:00-19:00'.", window=part)
    start, end = _minute(found["start"]), _minute(found["end"])
    if start == end:
        raise Refusal(
            "The window '{window}' never opens: it ends when it begins. A whole day is 00:00-24:00.", window=part
        )
    length = (end - start) % _DAY or _DAY
    spans = []
    for day in _days(found["days"]):
        first = day * _DAY + start
        spans.append((first, min(first + length, _WEEK)))
        if first + length > _WEEK:
            spans.append((0, first + length - _WEEK))
    return spans


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


def _clock(minute: int) -> str:
    return f"{minute % _DAY // 60:02d}:{minute % 60:02d}"
