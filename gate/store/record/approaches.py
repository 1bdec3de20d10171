"""Approaches: the lines of the record that tell of one coming to the gate, together.

A claim, its grant, whoever came along with it, the relay and the passage name one another; the claims of one track are
refused and made again while somebody stands there.
"""

from __future__ import annotations

import json
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
# A track of the same number so long afterwards is another's: vision counts anew when it starts. Seconds.
_SAME_TRACK_S = 20.0
# The relay lets go at the latest so long after it was asked to, seconds.
_PULSE_S = 120.0
# So many lines before and after an answer may tell of the same approach, where others are written in between.
_AROUND = 12
# Looked at for one page: a stranger who stands there for minutes is many lines.
_LOOKED_AT = 150
# Of an answer `a` the lines near it that name its track, its claim or the grant it names; and of a grant the relay that
# let go before the next one.
_BELONGING = """
    SELECT DISTINCT near.sequence
    FROM audit a JOIN audit near ON near.sequence BETWEEN a.sequence - :around AND a.sequence + :around
    WHERE a.sequence IN (SELECT value FROM json_each(:answers)) AND (
        near.kind IN ('granted', 'came_along', 'denied')
            AND json_extract(near.details, '$.track') = json_extract(a.details, '$.track')
        OR near.kind = 'passage' AND json_extract(near.details, '$.grant') = json_extract(a.details, '$.claim')
        OR near.kind = 'came_along' AND json_extract(near.details, '$.with') = json_extract(a.details, '$.claim')
        OR a.kind = 'came_along' AND json_extract(near.details, '$.claim') = json_extract(a.details, '$.with')
        OR near.kind = 'relay_pulse' AND a.kind = 'granted' AND near.sequence > a.sequence AND NOT EXISTS (
            SELECT 1 FROM audit b WHERE b.sequence > a.sequence AND b.sequence < near.sequence AND b.kind = 'granted'
        )
    )
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an approach: the line that lets somebody in, or the last refusal where nobody was let in.

    `lines` are its own, the newest first: the refusals before it, itself, its passage and the relay; of the newest
    answer the refusals after it as well.
    """

    line: Line
    lines: tuple[Line, ...]

    @property
    def passages(self) -> tuple[Line, ...]:
        """The lines that say whether whoever was let in by it walked through."""
        return tuple(one for one in self.lines if one.kind == Kind.PASSAGE)

    @property
    def refused_before(self) -> tuple[Line, ...]:
        """The lines by which somebody was refused before they were let in, the newest first."""
        return tuple(one for one in _refusals(self.lines) if one.sequence < self.line.sequence)

    @property
    def refused_after(self) -> tuple[Line, ...]:
        """The lines by which somebody was refused after they had been let in, the newest first."""
        return tuple(one for one in _refusals(self.lines) if one.sequence > self.line.sequence)


@dataclass(frozen=True, slots=True)
class Approach:
    """One coming to the gate: its lines, the newest first."""

    lines: tuple[Line, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Whoever went in, each with what belongs to it, the newest first; the newest refusal where nobody did."""
        entered = [line for line in self.lines if line.kind in ENTERED]
        if not entered:
            return (Answer(self.lines[0], self.lines),)
        own: dict[str, list[Line]] = {line.id: [] for line in entered}
        for line in self.lines:
            own[_answer_to(line, entered).id].append(line)
        return tuple(Answer(line, tuple(own[line.id])) for line in entered)

    @property
    def refusals(self) -> tuple[Line, ...]:
        """The lines by which somebody was refused, the newest first."""
        return _refusals(self.lines)


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
    around = _around(connection, answers)
    # Whoever came along names the grant, and the grant has a passage.
    around |= _around(connection, around - numbers)
    whole = [
        one
        for one in together([*found, *record.lines_at(connection, around - numbers)])
        if any(line.sequence in numbers for line in one.lines)
    ]
    shown, oldest = _cut(whole, numbers, count)
    more = len(shown) < len(whole) or len(found) == _LOOKED_AT
    return Page(tuple(shown), oldest if more else None)


def together(lines: Iterable[Line]) -> list[Approach]:
    """Lines in any order as approaches, the one with the newest line first."""
    groups: list[list[Line]] = []
    claims: dict[str, list[Line]] = {}
    tracks: dict[int, tuple[list[Line], float]] = {}
    opening: tuple[list[Line], float] | None = None
    for line in sorted(lines, key=lambda one: one.sequence):
        at, says = datetime.fromisoformat(line.at).timestamp(), line.says
        group = _known(line, claims)
        before = tracks.get(says.track) if line.kind in ANSWERS and says.track is not None else None
        if group is None and before and at - before[1] <= _SAME_TRACK_S:
            group = before[0]
        if group is None and line.kind == Kind.RELAY_PULSE and opening and at - opening[1] <= _PULSE_S:
            group = opening[0]
        if group is None:
            groups.append(group := [])
        group.append(line)
        if line.kind in ANSWERS and says.track is not None:
            tracks[says.track] = group, at
        if line.kind in ENTERED and says.claim:
            claims[says.claim] = group
        if line.kind == Kind.GRANTED:
            opening = group, at
    return sorted((Approach(tuple(reversed(one))) for one in groups), key=lambda one: -one.lines[0].sequence)


def _known(line: Line, claims: dict[str, list[Line]]) -> list[Line] | None:
    """The approach whose grant a line names."""
    named = line.says.along if line.kind == Kind.CAME_ALONG else line.says.grant
    return claims.get(named) if named else None


def _answer_to(line: Line, entered: Sequence[Line]) -> Line:
    """Of those who went in, the newest first, whose line it is: by the grant it names, else by where it stands."""
    if line.says.grant and (named := [one for one in entered if one.says.claim == line.says.grant]):
        return named[0]
    if line.kind == Kind.RELAY_PULSE:
        opened = (one for one in entered if one.kind == Kind.GRANTED and one.sequence < line.sequence)
        return next(opened, entered[-1])
    later = [one for one in entered if one.sequence >= line.sequence]
    return later[-1] if later else entered[0]


def _refusals(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(line for line in lines if line.kind == Kind.DENIED)


def _around(connection: sqlite3.Connection, answers: Iterable[int]) -> set[int]:
    """The numbers of the lines near some answers that belong to them."""
    rows = connection.execute(_BELONGING, {"around": _AROUND, "answers": json.dumps(sorted(answers))})
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
