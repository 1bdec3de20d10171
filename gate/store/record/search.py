"""Finding lines of the record: by person, kind, reason and time, a page at a time, the newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from gate.store.record import audit
from gate.store.record.audit import Line
from gate.vocabulary import Kind

# Up to so many people, with so many lines, are looked up one by one; more are so common in the record that it is read
# through.
_FEW_PEOPLE = 50
_FEW_LINES = 20_000
# A span of time with at most so many lines is found by time; a longer one is read from its end.
_SHORT_SPAN = 5_000
MAX_PAGE = 500
# A line may be written after later ones: it waited for a locked disk.
_WRITTEN_LATE = 1_000
# So many marks may stand in one question.
_ASKED_AT_ONCE = 500
# The record is read through from its end: so many lines first, and each time so many times more.
_READ_FIRST = 4_096
_READ_MORE = 8
# Each by a question of its own, or SQLite reads all lines for both.
_ENDS = "SELECT coalesce((SELECT min(sequence) - 1 FROM audit), 0), coalesce((SELECT max(sequence) FROM audit), 0)"


@dataclass(frozen=True, slots=True)
class Search:
    """What to find; None and empty: anything. `since` and `until` are ISO 8601 in UTC, the second exclusive."""

    residents: tuple[str, ...] | None = None
    """Only lines about one of these, residents or visitors by the ids of their passes."""
    kinds: tuple[str, ...] = ()
    reason: str | None = None
    since: str | None = None
    until: str | None = None
    near: bool = False
    """Also refusals of a face that came near to one of them: for administrators alone."""


def page(connection: sqlite3.Connection, search: Search, before: int | None = None, count: int = 50) -> list[Line]:
    """At most `count` lines that match, from the newest one before line `before` on backwards."""
    if search.residents is not None and not search.residents:
        return []
    found = _conditions(connection, search)
    most = min(count, MAX_PAGE)
    numbers: list[int] = []
    for after, upto in _spans(connection, found, before):
        numbers += _newest(connection, found, after, upto, most - len(numbers))
        if len(numbers) == most:
            break
    return lines_at(connection, numbers)


def every(connection: sqlite3.Connection, search: Search) -> Iterator[Line]:
    """All lines that match, the newest first, in little memory."""
    before: int | None = None
    while found := page(connection, search, before, MAX_PAGE):
        yield from found
        before = found[-1].sequence


def lines_at(connection: sqlite3.Connection, sequences: Collection[int]) -> list[Line]:
    """The lines of these numbers, the newest first."""
    wanted = sorted(sequences, reverse=True)
    at_once = [wanted[start : start + _ASKED_AT_ONCE] for start in range(0, len(wanted), _ASKED_AT_ONCE)]
    return [line for some in at_once for line in _lines_at(connection, some)]


def _lines_at(connection: sqlite3.Connection, sequences: Sequence[int]) -> Iterator[Line]:
    """By two questions, and not by one for each line."""
    among = f"FROM audit WHERE sequence IN ({_marks(sequences)})"
    rows = connection.execute(f"SELECT {audit.COLUMNS} {among} ORDER BY sequence DESC", sequences).fetchall()
    personal: dict[str, dict[str, str]] = {}
    for event, name, value in connection.execute(
        f"SELECT event_id, field, value FROM audit_personal WHERE event_id IN (SELECT id {among})",  # noqa: S608 - marks
        sequences,
    ):
        personal.setdefault(event, {})[name] = value
    yield from (audit.line_in(row, personal.get(row[1], {})) for row in rows)


@dataclass(slots=True)
class _Conditions:
    """What stands behind WHERE, the values of its marks, and what SQLite is told of how to find it."""

    hint: str = ""
    at_once: bool = False
    """Whether all that may match is looked up; else the record is read through from its end."""
    newest: int | None = None
    """No line after this one matches; None: any may be the newest."""
    clauses: list[str] = field(default_factory=list)
    values: list[str | int] = field(default_factory=list)
    each_of: tuple[str, ...] = ()
    """Kinds of which the newest lines are found one kind after the other."""

    def question(self, *first: str) -> str:
        """The question for the numbers of the newest lines; its last mark is how many."""
        where = " AND ".join((*first, *self.clauses))
        return f"SELECT a.sequence FROM audit a {self.hint} WHERE {where} ORDER BY a.sequence DESC LIMIT ?"  # noqa: S608 - ours

    def add(self, clause: str, *values: str | int) -> None:
        self.clauses.append(clause)
        self.values += values


def _spans(connection: sqlite3.Connection, found: _Conditions, before: int | None) -> Iterator[tuple[int, int]]:
    """The lines to look among, after one and up to another, the newest first: most searches find enough at the end."""
    ((oldest, last),) = connection.execute(_ENDS)
    ends = (last, found.newest, before - 1 if before is not None else None)
    upto = min(end for end in ends if end is not None)
    count = upto - oldest if found.at_once else _READ_FIRST
    while upto > oldest:
        after = max(upto - count, oldest)
        yield after, upto
        upto, count = after, count * _READ_MORE


def _newest(connection: sqlite3.Connection, found: _Conditions, after: int, upto: int, most: int) -> list[int]:
    """The numbers of the newest lines that match among those after one and up to another."""
    # A plus keeps SQLite from reading them all, where few are looked up.
    number = "+a.sequence" if found.at_once else "a.sequence"
    among, values = f"{number} > ? AND {number} <= ?", (after, upto, *found.values, most)
    if not found.each_of:
        return [row[0] for row in connection.execute(found.question(among), values)]
    # The newest of each kind lie together in an index: of several at once all there are would be sorted.
    parts = " UNION ALL ".join(f"SELECT * FROM ({found.question('a.kind = ?', among)})" for _ in found.each_of)  # noqa: S608 - ours
    each = [value for kind in found.each_of for value in (kind, *values)]
    return [row[0] for row in connection.execute(f"{parts} ORDER BY 1 DESC LIMIT ?", (*each, most))]


def _conditions(connection: sqlite3.Connection, search: Search) -> _Conditions:
    found = _Conditions()
    if search.residents is not None:
        _add_residents(connection, found, search)
    if not found.at_once and (search.since or search.until):
        if _short(connection, search):
            found.hint, found.at_once = "INDEXED BY audit_by_time", True
        elif search.until:
            found.newest = _newest_before(connection, search.until)
    if search.kinds and (found.at_once or search.reason):
        found.add(f"+a.kind IN ({_marks(search.kinds)})", *search.kinds)
    else:
        # One that is asked for twice is asked for once.
        found.each_of = tuple(dict.fromkeys(search.kinds))
    if search.reason:
        found.add("json_extract(a.details, '$.reason') = ?", search.reason)
    at = "a.at" if found.hint else "+a.at"
    if search.since:
        found.add(f"{at} >= ?", search.since)
    if search.until:
        found.add(f"{at} < ?", search.until)
    return found


def _add_residents(connection: sqlite3.Connection, found: _Conditions, search: Search) -> None:
    """Only lines about one of the residents, by whichever way reads less."""
    people = search.residents or ()
    about = f"SELECT event_id FROM audit_personal WHERE {_field(search)}"  # noqa: S608 - ours
    if len(people) <= _FEW_PEOPLE:
        those = f"{about} AND resident_id IN ({_marks(people)})"
        (count,) = connection.execute(
            f"SELECT count(*) FROM ({those} LIMIT ?)",  # noqa: S608 - marks
            (*people, _FEW_LINES + 1),
        ).fetchone()
        if count <= _FEW_LINES:
            found.at_once = True
            found.add(f"a.id IN ({those})", *people)
            return
    # A plus keeps SQLite from beginning with an index.
    those = f"{about} AND event_id = a.id AND +resident_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - ours
    found.add(f"EXISTS ({those})", json.dumps(people))


def _field(search: Search) -> str:
    """What a line must hold of somebody to be about them."""
    fields = ("resident", "host", "pass", *(("nearest",) if search.near else ()))
    return f"field IN {fields}"


def _newest_before(connection: sqlite3.Connection, until: str) -> int | None:
    """No line after this one is from before `until`; None where the clock was not always right since."""
    newest = last_line_before(connection, until)
    if newest == 0:
        return 0
    wrong = connection.execute(
        "SELECT 1 FROM audit WHERE kind IN (?, ?) AND sequence > ?",
        (Kind.CLOCK_JUMPED, Kind.CLOCK_UNTRUSTED, newest),
    ).fetchone()
    return None if wrong else newest + _WRITTEN_LATE


def _short(connection: sqlite3.Connection, search: Search) -> bool:
    (found,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM audit WHERE at >= ? AND at < ? LIMIT ?)",
        (search.since or "", search.until or "9", _SHORT_SPAN + 1),
    ).fetchone()
    return bool(found <= _SHORT_SPAN)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" for _ in values)


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often something was refused for one reason, and when last."""

    reason: str
    count: int
    last_at: str


# What nobody at the gate brought about, by its method: an order of the console, and what a program asked.
NOBODYS = ("command", "link")
OF_SOMEBODY = f"coalesce(json_extract(details, '$.method'), '') NOT IN {NOBODYS}"


def refusals_since(connection: sqlite3.Connection, since: str) -> list[Refusals]:
    """Why people were refused at the gate since a time (ISO 8601, UTC), the most frequent reason first."""
    rows = connection.execute(
        "SELECT json_extract(details, '$.reason'), count(*), max(at) FROM audit INDEXED BY audit_by_time"  # noqa: S608 - fixed
        f" WHERE at >= ? AND kind = ? AND {OF_SOMEBODY} GROUP BY 1 ORDER BY 2 DESC, 1",
        (since, Kind.DENIED),
    )
    return [Refusals(reason or "", count, last) for reason, count, last in rows]


def count_since(connection: sqlite3.Connection, kinds: Sequence[str], since: str) -> int:
    """How many events of some kinds there were since a time (ISO 8601, UTC)."""
    row = connection.execute(
        f"SELECT count(*) FROM audit INDEXED BY audit_by_time WHERE at >= ? AND kind IN ({_marks(kinds)})",  # noqa: S608 - marks
        (since, *kinds),
    ).fetchone()
    return int(row[0])


def last_line_before(connection: sqlite3.Connection, moment: str) -> int:
    """The number of the newest line from before a time (ISO 8601, UTC); 0 where there is none."""
    row = connection.execute("SELECT sequence FROM audit WHERE at < ? ORDER BY at DESC LIMIT 1", (moment,)).fetchone()
    return int(row[0]) if row else 0


def last_line(connection: sqlite3.Connection, kind: str) -> int:
    """The number of the newest line of a kind; 0 while there is none."""
    row = connection.execute("SELECT coalesce(max(sequence), 0) FROM audit WHERE kind = ?", (kind,)).fetchone()
    return int(row[0])
