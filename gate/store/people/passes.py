"""Passes of visitors: for whom, by whom, from when until when, how often, and what became of them.

Who has a pass is nobody on the register. Neither of its two codes can be read back (`gate.store.people.credentials`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from gate.errors import Refusal, Sentence
from gate.names import clean_home, clean_name
from gate.store import old_copies, write_ahead_log
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.people import credentials, residents, uses
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.store.site import schedules
from gate.vocabulary import AuditEvent, Kind

MOST_USES = 100
MOST_DAYS = 92
"""From its beginning to its end."""
MOST_DAYS_AHEAD = 366
_LEAST_S, _DAY_S = 60, 86_400
LONGEST_S = MOST_DAYS * _DAY_S
"""What a pass may last from its first use, seconds."""

NO_PASS = Sentence("There is no such pass.")
OVER_ALREADY = Sentence("This pass is over already, and opens nothing.")


class Phase(StrEnum):
    """Where a pass is in its life."""

    COMING = "coming"
    IN_USE = "in_use"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass. Times are ISO 8601, UTC."""

    id: str
    name: str
    """Of the visitor."""
    host: str | None
    """The id of the resident whom they visit."""
    host_name: str | None
    unit: str | None
    """The home that they visit."""
    flat: str | None
    """The digits of a home that are typed before the pass's own; None: those are typed alone."""
    valid_from: str
    valid_until: str
    """Exclusive, as is the end of what it lasts from its first use."""
    schedule: str | None
    """The name of the hours in which it opens; None: at any."""
    windows: str | None
    """Their words."""
    uses: int
    """How often it opens, in all."""
    uses_left: int
    first_used_at: str | None
    lasts_s: int | None
    """From its first use, seconds; None: to its end."""
    made_at: str
    revoked_at: str | None
    """When it was taken back."""
    host_until: str | None
    """The last day of the resident whom they visit, YYYY-MM-DD in the gate's zone; None: without end, or no host."""
    host_gates: tuple[str, ...] | None = None
    """The ids of the gates at which the resident whom they visit is let in; None: at all, or no host."""

    @property
    def ends_at(self) -> datetime:
        """When it opens no more, as far as is known by now, whoever is visited."""
        end = datetime.fromisoformat(self.valid_until)
        if self.first_used_at is None or self.lasts_s is None:
            return end
        return min(end, datetime.fromisoformat(self.first_used_at) + timedelta(seconds=self.lasts_s))

    def ends_in(self, zone: tzinfo) -> datetime:
        """The same for a gate in this zone: at the latest with the last day of whom they visit."""
        if self.host_until is None:
            return self.ends_at
        moved_out = datetime.combine(date.fromisoformat(self.host_until) + timedelta(days=1), time(), zone)
        return min(self.ends_at, moved_out.astimezone(UTC))

    def phase(self, now: datetime) -> Phase:
        """Where it is in its life; the moment is given in the gate's zone."""
        if self.revoked_at is not None or not self.uses_left or now >= self.ends_in(now.tzinfo or UTC):
            return Phase.OVER
        return Phase.COMING if now < datetime.fromisoformat(self.valid_from) else Phase.IN_USE


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pass as somebody asks for it; times have a zone. Of a host the home is theirs."""

    name: str
    begins: datetime
    ends: datetime
    uses: int = 1
    lasts_s: int | None = None
    schedule: str | None = None
    host: Resident | None = None
    unit: str | None = None
    most_open: int | None = None
    """How many passes of the host's may be open with this one; None: any number."""


_SELECT = """
    SELECT p.id, p.name, p.host_id, r.name, p.unit, p.flat, p.valid_from, p.valid_until, s.name, s.windows,
        p.uses, p.uses_left, p.first_used_at, p.lasts_s, p.made_at, p.revoked_at, r.valid_until,
        CASE WHEN coalesce(r.area_id, g.area_id) NOTNULL THEN coalesce(a.gates, '{}') END
    FROM passes p LEFT JOIN residents r ON r.id = p.host_id LEFT JOIN schedules s ON s.id = p.schedule_id
        LEFT JOIN groups g ON g.id = r.group_id LEFT JOIN areas a ON a.id = coalesce(r.area_id, g.area_id)
"""
# All but what a pass is called by.
_COLUMNS = (
    "unit", "host_id", "name", "flat", "valid_from", "valid_until", "schedule_id", "uses", "uses_left",
    "first_used_at", "lasts_s", "made_at", "revoked_at",
)  # fmt: skip


def checked(wanted: Wanted, now: datetime) -> Wanted:
    """The same with its texts as they are kept. Raises Refusal or UsageError, in one sentence, for what is no pass."""
    unit = wanted.host.unit if wanted.host is not None else wanted.unit
    if wanted.ends <= wanted.begins:
        raise Refusal("The pass ends before it begins; correct one of them.")
    if wanted.ends <= now:
        raise Refusal("This pass would be over already; choose a later end.")
    if wanted.ends - wanted.begins > timedelta(days=MOST_DAYS):
        raise Refusal("A pass lasts at most {days} days; choose an earlier end.", days=MOST_DAYS)
    if wanted.begins - now > timedelta(days=MOST_DAYS_AHEAD):
        raise Refusal("A pass begins within {days} days; choose an earlier day.", days=MOST_DAYS_AHEAD)
    if not 1 <= wanted.uses <= MOST_USES:
        raise Refusal("A pass opens between 1 and {most} times.", most=MOST_USES)
    if wanted.lasts_s is not None and not _LEAST_S <= wanted.lasts_s <= LONGEST_S:
        raise Refusal("From its first use a pass lasts between a minute and {days} days.", days=MOST_DAYS)
    return Wanted(
        clean_name(wanted.name), wanted.begins, wanted.ends, wanted.uses, wanted.lasts_s, wanted.schedule, wanted.host,
        clean_home(unit, unit if wanted.host is not None else None) if unit and unit.strip() else None,
        wanted.most_open,
    )  # fmt: skip


def make(
    connection: sqlite3.Connection, wanted: Wanted, flat: str | None, finder: bytes, typed: bytes, now: datetime, *,
    by: str,
) -> Pass:  # fmt: skip
    """A new pass, of what `checked` gave; `finder` is what its picture is found by, `typed` what its digits are.

    Raises Refusal with `credentials.TAKEN` where either is somebody's already, and where host or schedule are gone or
    the host has as many as they may.
    """
    identity, host = new_id(), wanted.host
    with transaction(connection):
        if host is not None and residents.get(connection, host.id) is None:
            raise Refusal("{name} was removed in the meantime.", name=host.name)
        if host is not None and wanted.most_open is not None:
            _refuse_too_many(connection, host.id, wanted.most_open, now)
        connection.execute(
            "INSERT INTO passes (id, unit, host_id, name, flat, valid_from, valid_until, schedule_id, uses, uses_left,"
            " lasts_s, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?9, ?9, ?, ?)",
            (
                identity, wanted.unit, None if host is None else host.id, wanted.name, flat, text_of(wanted.begins),
                text_of(wanted.ends), schedules.id_of(connection, wanted.schedule), wanted.uses, wanted.lasts_s,
                text_of(now),
            ),
        )  # fmt: skip
        credentials.give_pass(connection, identity, finder, typed)
        made = _there(connection, identity)
        details: dict[str, object] = {"by": by, "uses": made.uses, "until": made.valid_until}
        audit.append(connection, about(made, AuditEvent(Kind.PASS_MADE, details)))
    return made


def get(connection: sqlite3.Connection, identity: str) -> Pass | None:
    """A pass by its id."""
    row = connection.execute(f"{_SELECT} WHERE p.id = ?", (identity,)).fetchone()
    return None if row is None else _pass(row)


def are_there(connection: sqlite3.Connection) -> bool:
    """Whether any is kept, also one that is over."""
    return connection.execute("SELECT 1 FROM passes LIMIT 1").fetchone() is not None


def every(connection: sqlite3.Connection) -> list[Pass]:
    """All passes, those that end last first."""
    return [_pass(row) for row in connection.execute(f"{_SELECT} ORDER BY p.valid_until DESC, p.id DESC")]


def of_host(connection: sqlite3.Connection, resident: str) -> list[Pass]:
    """All passes of whoever visits this resident, those that end last first."""
    rows = connection.execute(f"{_SELECT} WHERE p.host_id = ? ORDER BY p.valid_until DESC, p.id DESC", (resident,))
    return [_pass(row) for row in rows]


def spend(connection: sqlite3.Connection, identity: str, now: datetime) -> str | None:
    """Spend one use at this gate, if there is one left and nobody has taken the pass back; its id, or None. When this
    returns it is on the disk."""
    spent = connection.execute(
        "INSERT INTO pass_uses (id, pass_id, gate_id, at, given_back) SELECT ?1, p.id, g.id, ?2, 0"
        " FROM passes p, gate g WHERE p.id = ?3 AND uses_left > 0 AND revoked_at IS NULL RETURNING id",
        (new_id(), text_of(now, "microseconds"), identity),
    ).fetchall()
    return spent[0][0] if spent else None


def give_back(connection: sqlite3.Connection, use: str) -> None:
    """Nobody passed by a use that was spent; where none is left that counts, there was no first one yet."""
    with transaction(connection):
        row = connection.execute(
            "UPDATE pass_uses SET given_back = 1 WHERE id = ? RETURNING pass_id", (use,)
        ).fetchone()
        if row is not None:
            uses.forget_old(connection, row[0])


def revoke(connection: sqlite3.Connection, identity: str, now: datetime, *, by: str) -> Pass:
    """Take a pass back: it opens nothing from now on. Raises Refusal where there is none, or it is over already."""
    with transaction(connection):
        found = get(connection, identity)
        if found is None:
            raise Refusal(NO_PASS)
        # One that is used up may be given a use back a moment later, or may have been for a while only.
        if found.revoked_at is not None or now >= datetime.fromisoformat(found.valid_until):
            raise Refusal(OVER_ALREADY)
        _take_back(connection, found, now, by)
    return _there(connection, identity)


def end(connection: sqlite3.Connection, identity: str, now: datetime, *, by: str) -> None:
    """Take a pass back, by the word of another machine: nothing happens where there is none, or that is done. Part of a
    transaction."""
    found = get(connection, identity)
    if found is not None and found.revoked_at is None:
        _take_back(connection, found, now, by)


def _take_back(connection: sqlite3.Connection, one: Pass, now: datetime, by: str) -> None:
    connection.execute("UPDATE passes SET revoked_at = ? WHERE id = ?", (text_of(now), one.id))
    # Nor does a register or a backup bring it back.
    connection.execute("INSERT OR IGNORE INTO gone (id) VALUES (?)", (one.id,))
    audit.append(connection, about(one, AuditEvent(Kind.PASS_REVOKED, {"by": by})))


def about(one: Pass, event: AuditEvent) -> AuditEvent:
    """The same event as one of a visitor: who it was goes with the pass, whom they visit with that resident."""
    home = {"unit": one.unit} if one.unit else {}
    host = {"host": one.host_name} if one.host and one.host_name else {}
    return AuditEvent(
        event.kind, event.details, host, one.host if host else None,
        visitor={"pass": one.id, "visitor": one.name} | home, visit=one.id,
    )  # fmt: skip


def erase_of_host(connection: sqlite3.Connection, resident: str) -> int:
    """The passes of whoever visits a resident who is erased, and who the visitors were in the record; how many fields
    of that went. Part of a transaction."""
    return _erase(connection, [one.id for one in of_host(connection, resident)])


def erase(connection: sqlite3.Connection, identity: str) -> int:
    """One pass, and who the visitor was in the record; how many fields of that went. Part of a transaction."""
    return _erase(connection, [identity])


def forget_written(connection: sqlite3.Connection, identity: str) -> None:
    """Of a pass that was erased nothing is left in the write-ahead log and in old copies of the database."""
    write_ahead_log.empty(connection)
    old_copies.forget(connection, lambda copy: erase(copy, identity))


def erase_ended(connection: sqlite3.Connection, before: datetime) -> int:
    """The passes that were over before a time, and who the visitors were in the record, also in old copies of the
    database; how many passes. One that was used up is over with its last day."""
    with transaction(connection):
        rows = connection.execute(
            "SELECT id FROM passes WHERE min(valid_until, coalesce(revoked_at, valid_until)) < ?", (text_of(before),)
        ).fetchall()
        ended = [one for (one,) in rows]
        _erase(connection, ended)
    if ended:
        write_ahead_log.empty(connection)
        old_copies.forget(connection, lambda copy: erase_ended(copy, before))
    return len(ended)


def end_again(connection: sqlite3.Connection, present: sqlite3.Connection | None, now: datetime) -> int:
    """After a backup came back: each pass is as the database knew it whose place the backup takes (`present`), and
    those that it did not know are gone; where it cannot be read, all are taken back, until the centre says what is on
    its register; a centre is told by its gates. How many open no more that would have."""
    before = {one.id: one for one in every(connection)}
    if present is None:
        _end_all(connection, now)
    else:
        columns = ", ".join(_COLUMNS)
        rows = {row[0]: row[1:] for row in present.execute(f"SELECT id, {columns} FROM passes")}  # noqa: S608 - constants
        _erase(connection, [one for one in before if one not in rows])
        for one in before.keys() & rows.keys():
            uses.keep(connection, one, uses.of_pass(present, one))
        known = [(*rows[one], one) for one in before if one in rows]
        marks = ", ".join("?" for _ in _COLUMNS)
        connection.executemany(f"UPDATE passes SET ({columns}) = ({marks}) WHERE id = ?", known)  # noqa: S608 - constants
    after = {one.id: one for one in every(connection)}
    opened = [one for one, was in before.items() if was.phase(now) is not Phase.OVER]
    return sum(one not in after or after[one].phase(now) is Phase.OVER for one in opened)


def _end_all(connection: sqlite3.Connection, now: datetime) -> None:
    # What a gate has of the register it takes anew: the centre knows how it stands.
    connection.execute("DELETE FROM register WHERE kind = 'pass' AND (SELECT part FROM compound) = 'gate'")
    connection.execute(
        "UPDATE passes SET revoked_at = coalesce(revoked_at, ?) WHERE NOT EXISTS"
        " (SELECT 1 FROM register r, compound WHERE part = 'centre' AND r.kind = 'pass' AND r.id = passes.id)",
        (text_of(now),),
    )


def text_of(moment: datetime, timespec: str = "milliseconds") -> str:
    """A time as it is kept."""
    return moment.astimezone(UTC).isoformat(timespec=timespec)


def _refuse_too_many(connection: sqlite3.Connection, host: str, most: int, now: datetime) -> None:
    if sum(one.phase(now) is not Phase.OVER for one in of_host(connection, host)) >= most:
        raise Refusal("There are {most} open passes already. Take one back first.", most=most)


def _erase(connection: sqlite3.Connection, passes: Sequence[str]) -> int:
    if passes:
        write_ahead_log.will_erase(connection)
    connection.executemany("DELETE FROM passes WHERE id = ?", [(one,) for one in passes])
    return sum(audit.forget(connection, one) for one in passes)


def _there(connection: sqlite3.Connection, identity: str) -> Pass:
    return _pass(connection.execute(f"{_SELECT} WHERE p.id = ?", (identity,)).fetchone())


def _pass(row: tuple[Any, ...]) -> Pass:
    *said, gates = row
    return Pass(*(*said, residents.gates_in(gates)))
