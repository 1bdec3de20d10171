"""The records of all gates of a compound in one search: this machine's own, and what its gates carried here.

Lines of different gates are ordered by what each gate's clock said, the newest first. A cursor is one number: the
milliseconds since 1970 of the last line that was shown, times a thousand, and how many of that moment were shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.store.compound import gates
from gate.store.record import audit
from gate.store.record.approaches import ANSWERS, Approach, Page, together
from gate.store.record.audit import Line, Moment
from gate.store.record.search import MAX_PAGE, Search
from gate.vocabulary import Kind

_OF_A_MOMENT = 1000
_AROUND = 12
_ALARMS_LOOKED_AT = 200
_OWN, _CARRIED = "audit", "carried_lines"
_CHAIN = {_OWN: "0 AS chain", _CARRIED: "chain"}
_BELONGS = {
    _OWN: "SELECT 1 FROM audit_personal p WHERE p.event_id = a.id",
    _CARRIED: "SELECT 1 FROM carried_personal p"
    " WHERE p.gate_id = a.gate_id AND p.chain = a.chain AND p.sequence = a.sequence",
}


@dataclass(frozen=True, slots=True)
class Found:
    """Some lines, the newest first; `next` is the cursor from which the following ones are found, None at the end."""

    lines: tuple[Line, ...]
    next: int | None


def own_gate(connection: sqlite3.Connection) -> str:
    """This machine's own id, as it stands in its lines."""
    return str(connection.execute("SELECT id FROM gate").fetchone()[0])


def names_beside(connection: sqlite3.Connection, here: str) -> dict[str, str]:
    """What gates are called whose lines may stand beside this machine's own, which is called `here`; none where there
    is this machine alone."""
    others = gates.names(connection)
    return {own_gate(connection): here} | others if others else {}


def page(
    connection: sqlite3.Connection, search: Search, gate: str | None = None, before: int | None = None, count: int = 50
) -> Found:
    """At most `count` lines that match, of one gate (None: of all), from a cursor on backwards."""
    found, following = _part(connection, search, gate, before, count)
    return Found(tuple(one.line for one in found), following)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line, and which of its gate's records it is of: `carried.End` says what a chain is."""

    chain: int
    line: Line


def _part(
    connection: sqlite3.Connection, search: Search, gate: str | None, before: int | None, count: int
) -> tuple[list[_Placed], int | None]:
    if search.residents is not None and not search.residents:
        return [], None
    most = min(count, MAX_PAGE)
    upto, skipped = (None, 0) if before is None else (_moment(before), before % _OF_A_MOMENT)
    parts, values = [], list[object]()
    for table in _tables(connection, gate):
        where, given = _conditions(table, search, gate, upto)
        parts.append(f"SELECT {_CHAIN[table]}, {audit.COLUMNS} FROM {table} a WHERE {where}")  # noqa: S608 - constants and marks
        values += given
    rows = connection.execute(
        f"{' UNION ALL '.join(parts)} ORDER BY at DESC, gate_id DESC, chain DESC, sequence DESC LIMIT ? OFFSET ?",
        (*values, most, skipped),
    ).fetchall()
    found = list(_placed(connection, rows))
    return found, _cursor([one.line for one in found], upto, skipped) if len(found) == most else None


def duress(connection: sqlite3.Connection, now: Moment, stands: timedelta, most: int) -> list[Line]:
    """Who was forced lately at whichever gate, at most so many, the latest first at this machine's own, and then at the
    others: of those counts when it came here, since a gate's own clock may be days off, and by its own record that
    nothing much later was written since, since a gate may tell all of its record anew."""
    own = page(connection, Search(kinds=(Kind.DURESS,)), own_gate(connection), count=most).lines
    came, at = "came_at BETWEEN ?1 AND ?2", "came_at IS NULL AND at BETWEEN ?1 AND ?2"
    rows = connection.execute(
        f"SELECT chain, {audit.COLUMNS} FROM carried_lines WHERE kind = 'duress' AND ({came} OR {at})"  # noqa: S608 - constants
        " ORDER BY came_at DESC, at DESC LIMIT ?3",
        (*(_text(now.wall + step) for step in (-stands.total_seconds(), stands.total_seconds())), _ALARMS_LOOKED_AT),
    ).fetchall()
    others = (one.line for one in _placed(connection, rows))
    lately = [one for one in own if is_of_the_last(one, now, stands)]
    return [*lately, *(one for one in others if _is_among_the_last(connection, one, stands))][:most]


def _is_among_the_last(connection: sqlite3.Connection, line: Line, span: timedelta) -> bool:
    """Whether a gate wrote nothing here that is later than a line of its by more than this, by its own clocks."""
    boot, mono, at = connection.execute(
        "SELECT boot_id, mono, at FROM carried_lines WHERE gate_id = ? ORDER BY chain DESC, sequence DESC LIMIT 1",
        (line.gate_id,),
    ).fetchone()
    if boot == line.boot_id:
        return float(mono) - line.mono <= span.total_seconds()
    return datetime.fromisoformat(at) - datetime.fromisoformat(line.at) <= span


def is_of_the_last(line: Line, now: Moment, span: timedelta) -> bool:
    """Whether a line of this machine's own is from the time just before `now`. Since the machine was started the clock
    may have been set, and a line of before is neither made old by that nor new for years."""
    if line.boot_id == audit.boot_id():
        return 0 <= now.mono - line.mono <= span.total_seconds()
    return abs(now.wall - datetime.fromisoformat(line.at).timestamp()) <= span.total_seconds()


def _text(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")


def every(connection: sqlite3.Connection, search: Search, gate: str | None = None) -> Iterator[Line]:
    """All lines that match, the newest first, in little memory."""
    before: int | None = None
    while True:
        found = page(connection, search, gate, before, MAX_PAGE)
        yield from found.lines
        if found.next is None:
            return
        before = found.next


def approaches(
    connection: sqlite3.Connection, search: Search, gate: str | None = None, before: int | None = None, count: int = 50
) -> Page:
    """About `count` approaches of which an answer matches, each whole and of one gate, the newest first."""
    found, following = _part(connection, search, gate, before, count)
    of_record: dict[tuple[str, int], dict[int, Line]] = {}
    for one in found:
        of_record.setdefault((one.line.gate_id, one.chain), {})[one.line.sequence] = one.line
    whole: list[Approach] = []
    for (owner, chain), lines in of_record.items():
        answers = [number for number, line in lines.items() if line.kind in ANSWERS]
        near = {line.sequence: line for line in _around(connection, owner, chain, answers)} | lines
        upto = max(line.at for line in lines.values())
        whole += [each for each in together(near.values()) if _is_of_page(each, lines, upto, search)]
    whole.sort(key=lambda each: (each.lines[0].at, each.lines[0].gate_id), reverse=True)
    return Page(tuple(whole), following)


def _is_of_page(one: Approach, found: dict[int, Line], upto: str, search: Search) -> bool:
    """Whether an approach is shown with these lines, and was not with newer ones, on the page before."""
    asked = search.kinds or ANSWERS
    newer = any(line.at > upto and line.kind in asked and line.sequence not in found for line in one.lines)
    return not newer and any(line.sequence in found for line in one.lines)


def _around(connection: sqlite3.Connection, gate: str, chain: int, answers: Iterable[int]) -> list[Line]:
    """The lines of a gate's record that may tell of the same approaches as these answers of its."""
    wanted = sorted({near for one in answers for near in range(one - _AROUND, one + _AROUND + 1)})
    table = _OWN if gate == own_gate(connection) else _CARRIED
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(wanted), MAX_PAGE):
        some = wanted[start : start + MAX_PAGE]
        marks = ", ".join("?" * len(some))
        rows += connection.execute(
            f"SELECT chain, {audit.COLUMNS} FROM (SELECT {_CHAIN[table]}, {audit.COLUMNS} FROM {table})"  # noqa: S608 - marks
            f" WHERE gate_id = ? AND chain = ? AND sequence IN ({marks})",
            (gate, chain, *some),
        ).fetchall()
    return [one.line for one in _placed(connection, rows)]


def _tables(connection: sqlite3.Connection, gate: str | None) -> tuple[str, ...]:
    if gate is None:
        return _OWN, _CARRIED
    return (_OWN,) if gate == own_gate(connection) else (_CARRIED,)


def _conditions(table: str, search: Search, gate: str | None, upto: str | None) -> tuple[str, list[object]]:
    clauses, values = ["1"], list[object]()

    def add(clause: str, *given: object) -> None:
        clauses.append(clause)
        values.extend(given)

    if gate is not None:
        add("a.gate_id = ?", gate)
    if upto is not None:
        add("a.at <= ?", upto)
    if search.since:
        add("a.at >= ?", search.since)
    if search.until:
        add("a.at < ?", search.until)
    if search.kinds:
        add(f"+a.kind IN ({', '.join('?' * len(search.kinds))})", *search.kinds)
    if search.reason:
        add("json_extract(a.details, '$.reason') = ?", search.reason)
    if search.residents is not None:
        fields = ("resident", "host", "pass", *(("nearest",) if search.near else ()))
        marks, people = (", ".join("?" * len(of)) for of in (fields, search.residents))
        add(
            f"EXISTS ({_BELONGS[table]} AND p.field IN ({marks}) AND p.resident_id IN ({people}))",
            *fields, *search.residents,
        )  # fmt: skip
    return " AND ".join(clauses), values


def _placed(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> Iterator[_Placed]:
    own = own_gate(connection)
    for chain, *row in rows:
        sequence, identity, gate = row[:3]
        if gate == own:
            personal = connection.execute("SELECT field, value FROM audit_personal WHERE event_id = ?", (identity,))
        else:
            personal = connection.execute(
                "SELECT field, value FROM carried_personal WHERE gate_id = ? AND chain = ? AND sequence = ?",
                (gate, chain, sequence),
            )
        yield _Placed(chain, audit.line_in(tuple(row), dict(personal.fetchall())))


def _moment(cursor: int) -> str:
    try:
        at = datetime.fromtimestamp(cursor // _OF_A_MOMENT / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        # Nothing is later than that.
        return "9"
    return at.isoformat(timespec="milliseconds")


def _cursor(lines: Sequence[Line], upto: str | None, skipped: int) -> int | None:
    if not lines:
        return None
    last = lines[-1].at
    shown = sum(line.at == last for line in lines) + (skipped if last == upto else 0)
    milliseconds = round(datetime.fromisoformat(last).timestamp() * 1000)
    return milliseconds * _OF_A_MOMENT + min(shown, _OF_A_MOMENT - 1)
