"""Approaches: the lines of the record that tell of one coming to the gate, together.

A claim, its grant, whoever came along with it, the relay and the passage name one another; the claims of one track are
refused and made again while somebody stands there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gate.store.record import search as record
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.vocabulary import ENTERED, Kind

# Somebody comes in, or is refused: what an approach is found by.
ANSWERS = (*ENTERED, Kind.DENIED)
_FOLLOW = (Kind.RELAY_PULSE, Kind.PASSAGE)
# A track of the same number so long afterwards is another's: vision counts anew when it starts. Seconds.
_SAME_TRACK_S = 20.0
# The relay lets go at the latest so long after it was asked to, seconds.
_PULSE_S = 120.0
# So many lines before and after an answer may tell of the same approach, where others are written in between.
_AROUND = 12
# Looked at for one page: a stranger who stands there for minutes is many lines.
_LOOKED_AT = 250


@dataclass(frozen=True, slots=True)
class Approach:
    """One coming to the gate: its lines, the newest first."""

    lines: tuple[Line, ...]

    @property
    def head(self) -> Line:
        """The line that says how it ended: the first grant, else the last refusal."""
        granted = [line for line in self.lines if line.kind in ENTERED]
        return granted[-1] if granted else self.lines[0]

    @property
    def entered(self) -> tuple[Line, ...]:
        """The lines of whoever went in, in their order; the newest answer where nobody did."""
        granted = tuple(line for line in reversed(self.lines) if line.kind in ENTERED)
        return granted or (self.lines[0],)

    @property
    def refusals(self) -> tuple[Line, ...]:
        """The lines by which somebody was refused, the newest first."""
        return tuple(line for line in self.lines if line.kind == Kind.DENIED)


@dataclass(frozen=True, slots=True)
class Page:
    """Some approaches, the newest first; `next` is the line before which the following page begins, None at the end."""

    approaches: tuple[Approach, ...]
    next: int | None


def page(connection: sqlite3.Connection, search: Search, before: int | None = None, count: int = 50) -> Page:
    """At most about `count` approaches of which an answer matches, each whole, from before a line on backwards.

    Lines of any other kind stand alone.
    """
    found = record.page(connection, search, before, _LOOKED_AT)
    if not found:
        return Page((), None)
    numbers = {line.sequence for line in found}
    answers = [line.sequence for line in found if line.kind in ANSWERS]
    around = record.lines_at(connection, _around(connection, answers) - numbers)
    whole = [one for one in together([*found, *around]) if any(line.sequence in numbers for line in one.lines)]
    shown, oldest = _cut(whole, numbers, count)
    more = len(shown) < len(whole) or len(found) == _LOOKED_AT
    return Page(tuple(shown), oldest if more else None)


def together(lines: Iterable[Line]) -> list[Approach]:
    """Lines in any order as approaches, the one with the newest line first."""
    groups: list[list[Line]] = []
    claims: dict[str, list[Line]] = {}
    tracks: dict[object, tuple[list[Line], float]] = {}
    opening: tuple[list[Line], float] | None = None
    for line in sorted(lines, key=lambda one: one.sequence):
        at, track = datetime.fromisoformat(line.at).timestamp(), line.details.get("track")
        group = _known(line, claims)
        if group is None and line.kind in ANSWERS and track in tracks and at - tracks[track][1] <= _SAME_TRACK_S:
            group = tracks[track][0]
        if group is None and line.kind == Kind.RELAY_PULSE and opening and at - opening[1] <= _PULSE_S:
            group = opening[0]
        if group is None:
            groups.append(group := [])
        group.append(line)
        if line.kind in ANSWERS:
            if isinstance(track, int):
                tracks[track] = group, at
            if line.kind != Kind.DENIED and line.says.claim:
                claims[line.says.claim] = group
        if line.kind == Kind.GRANTED:
            opening = group, at
    return sorted((Approach(tuple(reversed(one))) for one in groups), key=lambda one: -one.lines[0].sequence)


def _known(line: Line, claims: dict[str, list[Line]]) -> list[Line] | None:
    """The approach whose grant a line names."""
    named = line.details.get("with") if line.kind == Kind.CAME_ALONG else line.says.grant
    return claims.get(named) if isinstance(named, str) else None


def _around(connection: sqlite3.Connection, answers: Sequence[int]) -> set[int]:
    """The numbers of the lines near some answers that may belong to them."""
    kinds, marks = (*ANSWERS, *_FOLLOW), ", ".join("?" for _ in answers)
    rows = connection.execute(
        "SELECT DISTINCT near.sequence FROM audit a JOIN audit near"  # noqa: S608 - marks
        f" ON near.sequence BETWEEN a.sequence - {_AROUND} AND a.sequence + {_AROUND}"
        f" WHERE a.sequence IN ({marks}) AND near.kind IN ({', '.join('?' for _ in kinds)})",
        (*answers, *kinds),
    )
    return {row[0] for row in rows}


def _cut(whole: Sequence[Approach], numbers: set[int], count: int) -> tuple[list[Approach], int]:
    """The first approaches, and the oldest line of theirs that was found: nothing that is left out is newer."""
    shown: list[Approach] = []
    oldest = whole[0].lines[0].sequence + 1
    for one in whole:
        found = [line.sequence for line in one.lines if line.sequence in numbers]
        if len(shown) >= count and max(found) < oldest:
            break
        shown.append(one)
        oldest = min(oldest, *found)
    return shown, oldest
