"""The audit trail: a hash chain that an altered, missing or reordered line breaks.

Each line's hash covers the hash before it and everything on the line. Personal fields enter as salted commitments
(HMAC-SHA256 keyed by a random salt); salt and value stand in a table beside the chain, so that erasing a person's
rows there leaves the chain whole and the commitments meaningless. A chain proves the lines it holds; that none was
cut off its end is proved by an anchor kept elsewhere. Old lines are pruned from its beginning: a later line names the
last one that went, and its hash, from which the chain goes on.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from gate.clock import trusted_now
from gate.store import write_ahead_log
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record.details import Details, details_of, object_of
from gate.vocabulary import AuditEvent, Kind

COLUMNS = "sequence, id, gate_id, boot_id, kind, at, mono, clock_trusted, details, commitments, previous, hash"
_GENESIS = "0" * 64
_PRUNED_AT_ONCE = 2_000
# Between two batches: who waits for the lock asks for it now and then only.
_BREATH_S = 0.05


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the record as it stands: `personal` holds what has not been erased."""

    sequence: int
    id: str
    gate_id: str
    boot_id: str
    kind: str
    at: str
    mono: float
    clock_trusted: bool | None
    details: dict[str, Any]
    commitments: dict[str, str]
    previous: str
    hash: str
    personal: dict[str, str]

    @property
    def named(self) -> str | None:
        """Who it is about, by name: a resident, or the visitor of a pass."""
        return self.personal.get("name") or self.personal.get("visitor")

    @property
    def says(self) -> Details:
        """What is looked for in its details."""
        return details_of(self.details)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A line by its number and its hash."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first bad line and what is wrong with it."""

    sequence: int
    problem: str


@cache
def boot_id() -> str:
    """The kernel's id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: monotonic seconds, seconds since 1970, and whether the clock was to be trusted."""

    mono: float
    wall: float
    clock_trusted: bool


def this_moment() -> Moment:
    """Now, for a process that has no clock watch of its own."""
    return Moment(time.monotonic(), time.time(), trusted_now())


def append(connection: sqlite3.Connection, event: AuditEvent, moment: Moment | None = None) -> str:
    """Write one event, in a transaction of its own unless one is open. Returns its id. Raises sqlite3.Error."""
    if connection.in_transaction:
        return _append(connection, event, moment or this_moment())
    with transaction(connection):
        return _append(connection, event, moment or this_moment())


def _append(connection: sqlite3.Connection, event: AuditEvent, moment: Moment) -> str:
    last = connection.execute("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    sequence, previous = (last[0] + 1, last[1]) if last else (1, _GENESIS)
    personal = event.personal | event.visitor
    salts = {field: secrets.token_bytes(32) for field in personal}
    commitments = {field: _commitment(salts[field], value) for field, value in personal.items()}
    row: dict[str, Any] = {
        "sequence": sequence,
        "id": new_id(),
        "gate_id": connection.execute("SELECT id FROM gate").fetchone()[0],
        "boot_id": boot_id(),
        "kind": event.kind,
        "at": datetime.fromtimestamp(moment.wall, UTC).isoformat(timespec="milliseconds"),
        "mono": round(moment.mono, 6),
        "clock_trusted": int(moment.clock_trusted),
        "details": _canonical(event.details),
        "commitments": _canonical(commitments),
        "previous": previous,
    }
    row["hash"] = _hash(row)
    names = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO audit ({COLUMNS}) VALUES ({names})", row)  # noqa: S608 - constants
    connection.executemany(
        "INSERT INTO audit_personal (event_id, field, resident_id, salt, value) VALUES (?, ?, ?, ?, ?)",
        [
            (row["id"], field, event.visit if field in event.visitor else event.resident, salts[field], value)
            for field, value in personal.items()
        ],
    )
    return str(row["id"])


def forget(connection: sqlite3.Connection, whose: str) -> int:
    """Erase the personal fields of a resident or of a pass from the record, and from what a centre has of its gates';
    the chains stay whole. How many went."""
    own = connection.execute("DELETE FROM audit_personal WHERE resident_id = ?", (whose,)).rowcount
    return own + connection.execute("DELETE FROM carried_personal WHERE resident_id = ?", (whose,)).rowcount


def lines(connection: sqlite3.Connection, *, last: int | None = None) -> Iterator[Line]:
    """The record in order, all of it or the `last` so many lines, one at a time."""
    first = 0
    if last is not None:
        (count,) = connection.execute("SELECT coalesce(max(sequence), 0) FROM audit").fetchone()
        first = count - last
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM audit WHERE sequence > ? ORDER BY sequence",  # noqa: S608 - constants
        (first,),
    )
    for row in rows:
        yield _line(connection, row)


def line_of(connection: sqlite3.Connection, event: str) -> Line | None:
    """The line with this id."""
    row = connection.execute(f"SELECT {COLUMNS} FROM audit WHERE id = ?", (event,)).fetchone()  # noqa: S608 - constants
    return _line(connection, row) if row else None


def _line(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Line:
    personal = connection.execute("SELECT field, value FROM audit_personal WHERE event_id = ?", (row[1],))
    return line_in(row, dict(personal.fetchall()))


def line_in(row: tuple[Any, ...], personal: dict[str, str]) -> Line:
    """A row of `COLUMNS` as a line, with what of its personal fields is not erased."""
    sequence, identity, gate_id, boot, kind, at, mono, trusted, details, commitments, previous, digest = row
    return Line(
        sequence=sequence,
        id=identity,
        gate_id=gate_id,
        boot_id=boot,
        kind=kind,
        at=at,
        mono=mono,
        clock_trusted=None if trusted is None else bool(trusted),
        details=object_of(details),
        commitments=object_of(commitments),
        previous=previous,
        hash=digest,
        personal=personal,
    )


def anchor(connection: sqlite3.Connection) -> Anchor | None:
    """The trail's last line, or None while it is empty."""
    row = connection.execute("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    return Anchor(*row) if row else None


def base(connection: sqlite3.Connection) -> Anchor:
    """The newest line that was pruned; number 0 while none was."""
    return Anchor(*connection.execute("SELECT sequence, hash FROM audit_base").fetchone())


def prunable(connection: sqlite3.Connection, before: str, now: str) -> Anchor | None:
    """The last of the lines at the beginning that are all from before a time (ISO 8601, UTC); None: there is none.

    A line from after `now` was written by a clock that ran ahead: it is older than any line that follows it.
    """
    row = connection.execute(
        # A plus keeps SQLite from reading all that is newer.
        "SELECT sequence FROM audit WHERE +at >= ? AND +at <= ? ORDER BY sequence LIMIT 1",
        (before, now),
    ).fetchone()
    older = "sequence < ? AND" if row else ""
    found = connection.execute(
        f"SELECT sequence, hash FROM audit WHERE {older} +at < ? ORDER BY sequence DESC LIMIT 1",  # noqa: S608 - constants
        (*(row or ()), before),
    ).fetchone()
    return Anchor(*found) if found else None


def prune(connection: sqlite3.Connection, through: Anchor) -> int:
    """Erase the lines up to `through`, which a later line must name already. Returns how many went.

    In small transactions: the door goes on writing in between.
    """
    pruned = 0
    while (last := base(connection).sequence) < through.sequence:
        upto = min(last + _PRUNED_AT_ONCE, through.sequence)
        with transaction(connection):
            write_ahead_log.will_erase(connection)
            connection.execute(
                "DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit WHERE sequence <= ?)", (upto,)
            )
            connection.execute(
                "UPDATE audit_base SET (sequence, hash) = (SELECT sequence, hash FROM audit WHERE sequence = ?)",
                (upto,),
            )
            pruned += connection.execute("DELETE FROM audit WHERE sequence <= ?", (upto,)).rowcount
        time.sleep(_BREATH_S)
    write_ahead_log.empty(connection)
    return pruned


def verify(connection: sqlite3.Connection, anchored: Anchor | None = None) -> Flaw | None:
    """The first bad line, or None when the trail is whole and reaches the anchor."""
    pruned = base(connection)
    expected, previous = pruned.sequence + 1, pruned.hash
    anchor_seen = anchored is None or anchored.sequence < expected
    vouched = pruned == Anchor(0, _GENESIS)
    cursor = connection.execute(f"SELECT {COLUMNS} FROM audit ORDER BY sequence")  # noqa: S608 - constants
    names = COLUMNS.split(", ")
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        problem = _problem(connection, row, expected, previous)
        if problem:
            return Flaw(expected if row["sequence"] > expected else row["sequence"], problem)
        if anchored and row["sequence"] == anchored.sequence:
            if row["hash"] != anchored.hash:
                return Flaw(row["sequence"], "the line is not the one the anchor was taken from")
            anchor_seen = True
        vouched = vouched or _vouches(row, pruned)
        expected, previous = expected + 1, row["hash"]
    if not vouched:
        return Flaw(
            pruned.sequence, "the lines up to this one are missing, and no later line says that they were pruned"
        )
    if anchored and not anchor_seen:
        return Flaw(expected, f"the trail ends before line {anchored.sequence}, which the anchor saw")
    return None


def _vouches(row: dict[str, Any], pruned: Anchor) -> bool:
    """Whether a line says that the lines up to `pruned` go, or more than those: pruning may have been cut short."""
    if row["kind"] != Kind.TIDIED:
        return False
    says = details_of(object_of(row["details"]))
    return (says.through or 0) > pruned.sequence or Anchor(says.through or 0, says.hash or "") == pruned


def _problem(connection: sqlite3.Connection, row: dict[str, Any], expected: int, previous: str) -> str | None:
    kept = connection.execute("SELECT field, salt, value FROM audit_personal WHERE event_id = ?", (row["id"],))
    return problem_of(row, expected, previous, kept)


def problem_of(
    row: dict[str, Any], expected: int, previous: str, personal: Iterable[tuple[str, bytes, str]]
) -> str | None:
    """What is wrong with a line, a row of `COLUMNS`, that should be number `expected` and follow the hash `previous`;
    `personal` are its fields that were not erased, each with its salt and its value. None: nothing."""
    if row["sequence"] != expected:
        return "the line is missing"
    if row["previous"] != previous:
        return "the line does not follow the one before it"
    stated = row.pop("hash")
    if not hmac.compare_digest(str(stated), _hash(row)):
        return "the line was altered"
    row["hash"] = stated
    commitments = object_of(row["commitments"])
    for field, salt, value in personal:
        if commitments.get(field) != _commitment(salt, value):
            return f"the personal field {field!r} was altered"
    return None


def _commitment(salt: bytes, value: str) -> str:
    return hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()


def _canonical(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _hash(row: dict[str, Any]) -> str:
    # Lines from before the clock was judged have no such column in their hash.
    covered = {name: value for name, value in row.items() if not (name == "clock_trusted" and value is None)}
    return hashlib.sha256(_canonical(covered).encode()).hexdigest()
