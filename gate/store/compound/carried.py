"""Lines of a gate's record on their way to its centre, and as the centre keeps them: exactly once, and in their chain.

The gate's record is the outbox and the centre's last line the cursor, so that neither can be ahead of the other. A line
that does not follow the one before it is not taken. A record that was put back is another, which begins anew with the
line that says so: what is here of the one before it stays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta

from gate.store.compound import allowance, forgotten, items
from gate.store.compound.entries import RegisterKind
from gate.store.database import transaction
from gate.store.people import erasure, passes
from gate.store.record import audit
from gate.store.record.audit import Anchor, Flaw, Line
from gate.vocabulary import Kind

_ROW = "id, boot_id, kind, at, mono, clock_trusted, details, commitments, previous, hash"
# The kinds of line with which a record may begin at the centre.
_BEGINS = (Kind.CENTRE_JOINED, Kind.RESTORED)
TOO_MUCH = "it is more than a gate can write in the time"
"""What is wrong with a line that would be one too many."""


@dataclass(frozen=True, slots=True)
class PersonalField:
    """A personal field of a line, about somebody on the register, or the visitor of a pass: `resident` is whose."""

    name: str
    resident: str
    salt: bytes = field(repr=False)
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Carried:
    """A line as it stands in the gate's record; details and commitments are JSON, as they were hashed."""

    sequence: int
    id: str
    gate_id: str
    boot_id: str
    kind: str
    at: str
    mono: float
    clock_trusted: int | None
    details: str
    commitments: str
    previous: str
    hash: str
    personal: tuple[PersonalField, ...] = ()


def after(connection: sqlite3.Connection, sequence: int, most: int) -> list[Carried]:
    """The next lines of this gate's record, the oldest first, with the names of whoever is on the register, and of
    visitors whose passes open every gate."""
    rows = connection.execute(
        f"SELECT sequence, {_ROW}, gate_id FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?",  # noqa: S608 - constants
        (sequence, most),
    ).fetchall()
    found = []
    for number, identity, boot, kind, at, mono, trusted, details, commitments, previous, digest, gate in rows:
        personal = connection.execute(
            "SELECT field, resident_id, salt, value FROM audit_personal WHERE event_id = ?"
            " AND (EXISTS (SELECT 1 FROM register WHERE kind = 'resident' AND register.id = resident_id)"
            " OR EXISTS (SELECT 1 FROM passes p WHERE p.id = resident_id"
            " AND NOT EXISTS (SELECT 1 FROM stays_here s WHERE s.kind = 'pass' AND s.id = p.id)))",
            (identity,),
        )
        fields = tuple(PersonalField(*one) for one in personal)
        found.append(
            Carried(
                number, identity, gate, boot, kind, at, mono, trusted, details, commitments, previous, digest, fields
            )
        )
    return found


def began(connection: sqlite3.Connection) -> int:
    """After which line of this gate's record the centre is told: what was before it joined stays here."""
    row = connection.execute("SELECT max(sequence) FROM audit WHERE kind = ?", (Kind.CENTRE_JOINED,)).fetchone()
    return int(row[0] or 0) - 1


def begins_anew(connection: sqlite3.Connection) -> int:
    """Before which line of this gate's record a centre is told of it that has another of this gate: the newest that
    says how it came to be another."""
    row = connection.execute(
        f"SELECT max(sequence) FROM audit WHERE kind IN ({', '.join('?' * len(_BEGINS))})",  # noqa: S608 - marks
        _BEGINS,
    ).fetchone()
    return int(row[0] or 0) - 1


def is_ours(connection: sqlite3.Connection, seen: Anchor) -> bool:
    """Whether this gate's record has that line, or had it before it was pruned."""
    row = connection.execute("SELECT hash FROM audit WHERE sequence = ?", (seen.sequence,)).fetchone()
    base = audit.base(connection)
    return base == seen if row is None else row[0] == seen.hash


def held(connection: sqlite3.Connection, gate: str) -> Anchor | None:
    """The last line that this centre has of a gate's record; None: none yet."""
    newest = _newest(connection, gate)
    return None if newest is None else newest.line


def keep(
    connection: sqlite3.Connection, gate: str, lines: Sequence[Carried], *, begins: bool = False,
    now: datetime | None = None,
) -> Flaw | None:  # fmt: skip
    """Keep lines of a gate, all up to the first that does not follow; what is wrong with that one. Those that are here
    already are passed over. `begins`: its record is another than what is here, and begins with the first of them."""
    with transaction(connection):
        newest = _newest(connection, gate)
        chain, before = (0, None) if newest is None else (newest.chain, newest.line)
        if begins and lines and before is not None and not _is_known(connection, gate, chain, lines[0]):
            problem = _why_not_anew(connection, gate, lines[0])
            if problem is not None:
                return Flaw(lines[0].sequence, problem)
            chain, before = chain + 1, None
        new = [one for one in lines if before is None or one.sequence > before.sequence]
        return _keep_new(connection, gate, chain, before, new, now or datetime.now(UTC)) if new else None


def _keep_new(
    connection: sqlite3.Connection, gate: str, chain: int, before: Anchor | None, lines: Sequence[Carried],
    now: datetime,
) -> Flaw | None:  # fmt: skip
    left = allowance.left(connection, gate, now)
    flaw = None
    for line in lines:
        price = allowance.price(_length(line))
        if price > left:
            problem: str | None = TOO_MUCH
        else:
            problem = "it is another gate's" if line.gate_id != gate else _problem(line, before)
        if problem is not None:
            flaw = Flaw(line.sequence, problem)
            break
        _insert(connection, chain, line, now)
        before, left = Anchor(line.sequence, line.hash), left - price
    allowance.keep(connection, gate, left, now)
    return flaw


def _length(line: Carried) -> int:
    """How much of it is as long as the gate wants it."""
    texts = (line.id, line.boot_id, line.kind, line.at, line.details, line.commitments)
    personal = sum(len(one.name) + len(one.resident) + len(one.salt) + len(one.value) for one in line.personal)
    return sum(map(len, texts)) + personal


def _why_not_anew(connection: sqlite3.Connection, gate: str, first: Carried) -> str | None:
    """Why a gate's record may not begin anew with this line."""
    if first.kind not in _BEGINS:
        return "no record begins with it"
    query = "SELECT 1 FROM carried_lines WHERE gate_id = ? AND id = ?"
    if connection.execute(query, (gate, first.id)).fetchone() is not None:
        return "it is in a record of before"
    return None


def _is_known(connection: sqlite3.Connection, gate: str, chain: int, line: Carried) -> bool:
    query = "SELECT id FROM carried_lines WHERE gate_id = ? AND chain = ? AND sequence = ?"
    row = connection.execute(query, (gate, chain, line.sequence)).fetchone()
    return row is not None and row[0] == line.id


@dataclass(frozen=True, slots=True)
class End:
    """A line of a gate as it is at the centre. `chain` is which of the gate's records it is of: 0 is the first."""

    chain: int
    line: Anchor


def _newest(connection: sqlite3.Connection, gate: str) -> End | None:
    row = connection.execute(
        "SELECT chain, sequence, hash FROM carried_lines WHERE gate_id = ? ORDER BY chain DESC, sequence DESC LIMIT 1",
        (gate,),
    ).fetchone()
    return None if row is None else End(row[0], Anchor(*row[1:]))


def last(connection: sqlite3.Connection, most: int, gate: str | None = None) -> list[Line]:
    """The newest lines of all gates, or of one, the oldest of them first."""
    rows = connection.execute(
        f"SELECT chain, sequence, gate_id, {_ROW} FROM carried_lines WHERE ?1 IS NULL OR gate_id = ?1"  # noqa: S608 - constants
        " ORDER BY at DESC, chain DESC, sequence DESC LIMIT ?2",
        (gate, most),
    ).fetchall()
    found = []
    for chain, sequence, owner, identity, *rest in rows:
        personal = connection.execute(
            "SELECT field, value FROM carried_personal WHERE gate_id = ? AND chain = ? AND sequence = ?",
            (owner, chain, sequence),
        )
        found.append(audit.line_in((sequence, identity, owner, *rest), dict(personal.fetchall())))
    return found[::-1]


@dataclass(frozen=True, slots=True)
class Verified:
    """How far the lines of a gate were verified here: up to `through` of those up to `last`; `flaw` is the first bad
    one. None: no line."""

    through: End | None
    last: End | None
    flaw: Flaw | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of them were, and are well."""
        return self.flaw is None and self.last == self.through


def verify(connection: sqlite3.Connection, gate: str, after: End | None, most: int) -> Verified:
    """Look whether the next lines of a gate after one that was verified (None: all from the first that is here) are as
    they came, at most so many."""
    newest = _newest(connection, gate)
    if after is not None and not _is_kept(connection, gate, after):
        # It was pruned since, and so may be what followed on it.
        after = None
    before = after
    rows = connection.execute(
        f"SELECT chain, gate_id, sequence, {_ROW} FROM carried_lines"  # noqa: S608 - constants
        " WHERE gate_id = ? AND (chain, sequence) > (?, ?) ORDER BY chain, sequence LIMIT ?",
        (gate, *((0, 0) if after is None else (after.chain, after.line.sequence)), most),
    ).fetchall()
    names = ("gate_id", "sequence", *_ROW.split(", "))
    for chain, *values in rows:
        row = dict(zip(names, values, strict=True))
        begins = before is None or before.chain != chain
        expected = Anchor(row["sequence"] - 1, row["previous"]) if before is None or begins else before.line
        personal = connection.execute(
            "SELECT field, salt, value FROM carried_personal WHERE gate_id = ? AND chain = ? AND sequence = ?",
            (gate, chain, row["sequence"]),
        )
        problem = audit.problem_of(row, expected.sequence + 1, expected.hash, personal)
        if problem is not None:
            return Verified(before, newest, Flaw(row["sequence"], problem))
        before = End(chain, Anchor(row["sequence"], row["hash"]))
    return Verified(before, newest)


def _is_kept(connection: sqlite3.Connection, gate: str, end: End) -> bool:
    query = "SELECT 1 FROM carried_lines WHERE gate_id = ? AND chain = ? AND sequence = ?"
    return connection.execute(query, (gate, end.chain, end.line.sequence)).fetchone() is not None


def prune(connection: sqlite3.Connection, before: str) -> int:
    """Erase what is from before a time (ISO 8601, UTC), but for the last line of each record, of which whom it names
    goes; how many went."""
    with transaction(connection):
        forgotten.outlast(connection, before)
        connection.execute(
            "DELETE FROM carried_personal WHERE EXISTS (SELECT 1 FROM carried_lines l WHERE l.at < ?"
            " AND l.gate_id = carried_personal.gate_id AND l.chain = carried_personal.chain"
            " AND l.sequence = carried_personal.sequence)",
            (before,),
        )
        return connection.execute(
            "DELETE FROM carried_lines WHERE at < ?"
            " AND sequence < (SELECT max(l.sequence) FROM carried_lines l"
            " WHERE l.gate_id = carried_lines.gate_id AND l.chain = carried_lines.chain)",
            (before,),
        ).rowcount


def _is_time(at: str) -> bool:
    """Whether it is a time in UTC that every zone has: by it the lines of all gates are ordered and shown."""
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return False
    return found.utcoffset() == timedelta(0) and 1970 <= found.year < date.max.year


def forget_visitors(connection: sqlite3.Connection, before: str) -> None:
    """Erase who the visitors were in lines from before a time (ISO 8601, UTC) whose passes are kept no more: a gate
    that was cut off tells them late."""
    connection.execute(
        "DELETE FROM carried_personal WHERE resident_id IN ("
        "SELECT c.resident_id FROM carried_personal c JOIN carried_lines l ON l.gate_id = c.gate_id"
        " AND l.chain = c.chain AND l.sequence = c.sequence WHERE c.field = 'visitor' AND l.at < ?)"
        " AND resident_id NOT IN (SELECT id FROM passes)",
        (before,),
    )


def _problem(line: Carried, before: Anchor | None) -> str | None:
    if not _is_time(line.at):
        return "its time cannot be read"
    row = asdict(line)
    personal = [(one["name"], one["salt"], one["value"]) for one in row.pop("personal")]
    expected = Anchor(line.sequence - 1, line.previous) if before is None else before
    return audit.problem_of(row, expected.sequence + 1, expected.hash, personal)


def _insert(connection: sqlite3.Connection, chain: int, line: Carried, now: datetime) -> None:
    connection.execute(
        f"INSERT INTO carried_lines (chain, gate_id, sequence, {_ROW}, came_at)"  # noqa: S608 - constants
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            chain, line.gate_id, line.sequence, line.id, line.boot_id, line.kind, line.at, line.mono,
            line.clock_trusted, line.details, line.commitments, line.previous, line.hash,
            now.astimezone(UTC).isoformat(timespec="milliseconds"),
        ),
    )  # fmt: skip
    # Of whoever was erased meanwhile nothing comes back.
    connection.executemany(
        "INSERT INTO carried_personal (chain, gate_id, sequence, field, resident_id, salt, value)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (chain, line.gate_id, line.sequence, one.name, one.resident, one.salt, one.value)
            for one in line.personal
            if not _is_forgotten(connection, one.resident)
        ],
    )


def _is_forgotten(connection: sqlite3.Connection, whose: str) -> bool:
    return erasure.was_erased(connection, whose) or (
        items.version_of(connection, RegisterKind.REVOCATION, whose) is not None
        and passes.get(connection, whose) is None
    )
