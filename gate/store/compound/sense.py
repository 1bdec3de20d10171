"""Whether an entry that a gate proposes can be read by whoever reads the register: a door its hours and days, a gallery
its vectors. What cannot is taken from nobody, since it would go to every gate."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from math import isfinite

from gate.days import day_of
from gate.errors import FacegateError
from gate.schedule import parse
from gate.store.compound.entries import AreaEntry, Entry, HolidayEntry, PassEntry, ResidentEntry, ScheduleEntry
from gate.store.people import passes

_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_CODES = ["pass", "pin"]
_FINDER, _LONGEST_NAME, _MOST_SPENT = 32, 100, 5_000
# More gates, and longer names of them, than a compound has.
_MOST_GATES, _LONGEST_GATE = 1000, 64


def makes_sense(entry: Entry) -> bool:
    """Whether all that is read of it later can be."""
    try:
        match entry:
            case ResidentEntry():
                return _resident(entry)
            case PassEntry():
                return _pass(entry)
            case ScheduleEntry(windows=str(words)):
                parse(words)
            case AreaEntry():
                names = [] if entry.name is None else [entry.name, *entry.gates.values()]
                sized = len(entry.gates) <= _MOST_GATES and all(0 < len(one) <= _LONGEST_GATE for one in names)
                return sized and all(map(_ID.fullmatch, entry.gates))
            case HolidayEntry(name=str()):
                first, last = day_of(entry.first_day), day_of(entry.last_day)
                if entry.windows is not None:
                    parse(entry.windows)
                return first <= last
    except (FacegateError, ValueError, TypeError, RecursionError):
        return False
    return True


def _resident(entry: ResidentEntry) -> bool:
    for day in (entry.valid_from, entry.valid_until, entry.valid_until_set_on):
        if day is not None:
            date.fromisoformat(day)
    parts = (one.id for some in (entry.consents, entry.templates, entry.credentials) for one in some)
    for one in entry.templates:
        json.loads(one.quality)
    vectors = (vector for one in entry.templates for vector in (one.vector, one.second_vector) if vector is not None)
    return _are_times(entry) and all(map(_ID.fullmatch, parts)) and all(map(_is_vector, vectors))


def _pass(entry: PassEntry) -> bool:
    begins, ends = datetime.fromisoformat(entry.valid_from), datetime.fromisoformat(entry.valid_until)
    # As texts they are compared everywhere.
    written = [passes.text_of(one) for one in (begins, ends)] == [entry.valid_from, entry.valid_until]
    lasts = begins < ends <= begins + timedelta(days=passes.MOST_DAYS)
    counts = 1 <= entry.uses <= passes.MOST_USES and (entry.lasts_s is None or 0 < entry.lasts_s <= passes.LONGEST_S)
    codes = sorted(one.kind for one in entry.codes) == _CODES and all(len(one.finder) == _FINDER for one in entry.codes)
    times = (entry.made_at, *(one.at for one in entry.spent), *(one.made_at for one in entry.codes))
    parts = (*(one.id for one in entry.codes), *(text for one in entry.spent for text in (one.id, one.gate)))
    named = 0 < len(entry.name) <= _LONGEST_NAME and len(entry.spent) <= _MOST_SPENT
    return (
        written and lasts and counts and codes and named
        and all(datetime.fromisoformat(at).utcoffset() == timedelta() for at in times)
        and all(map(_ID.fullmatch, parts))
    )  # fmt: skip


def _are_times(entry: ResidentEntry) -> bool:
    said: Iterable[str | None] = (
        entry.created_at,
        *(at for one in entry.consents for at in (one.given_at, one.withdrawn_at)),
        *(one.created_at for one in entry.templates),
        *(at for one in entry.credentials for at in (one.made_at, one.suspended_at)),
    )
    return all(datetime.fromisoformat(at) for at in said if at is not None)


def _is_vector(vector: bytes) -> bool:
    # One number that is none makes the sum none. Raises ValueError where it is no row of numbers.
    return bool(vector) and isfinite(sum(array("f", vector)))
