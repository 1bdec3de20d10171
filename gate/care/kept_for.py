"""For how long people and faces are kept, and since when so long: a time that was made shorter erases nobody who was
not named for the days of warning before."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gate.keep_settings import KeepSettings

# Whoever is to be erased is named so long before.
WARNING_DAYS = 30


class Why(StrEnum):
    """Why something of a resident is to be erased."""

    UNUSED = "unused"
    MOVED_OUT = "moved_out"


@dataclass(frozen=True, slots=True)
class KeptFor:
    """So many `days` since a day, in the gate's zone."""

    days: int
    since: date


def times(connection: sqlite3.Connection, keep: KeepSettings, today: date) -> dict[Why, list[KeptFor]]:
    """How long each was kept one after another, up to what the settings say today."""
    found: dict[Why, list[KeptFor]] = {why: [] for why in Why}
    for what, days, since in connection.execute("SELECT what, days, since FROM kept_for ORDER BY id"):
        found[Why(what)].append(KeptFor(days, date.fromisoformat(since)))
    for why, days in _set(keep).items():
        if not found[why] or found[why][-1].days != days:
            found[why].append(KeptFor(days, today))
    return found


def note(connection: sqlite3.Connection, keep: KeepSettings, today: date) -> None:
    """Keep since when the settings say what they say."""
    for why, each in times(connection, keep, today).items():
        (known,) = connection.execute("SELECT count(*) FROM kept_for WHERE what = ?", (why,)).fetchone()
        connection.executemany(
            "INSERT INTO kept_for (what, days, since) VALUES (?, ?, ?)",
            [(why, one.days, one.since.isoformat()) for one in each[known:]],
        )


def gone_on(kept: Sequence[KeptFor], after: Callable[[int], date]) -> date:
    """When somebody is erased who would be `after` so many days, whatever was set before: sooner than they were told
    only once they were named for the days of warning."""
    first, *others = kept
    gone = after(first.days)
    for one in others:
        named = max(after(one.days), one.since + timedelta(days=WARNING_DAYS + 1))
        gone = min(gone, named) if after(one.days) < gone else after(one.days)
    return gone


def _set(keep: KeepSettings) -> dict[Why, int]:
    return {Why.UNUSED: keep.unused_face_days, Why.MOVED_OUT: keep.moved_out_days}
