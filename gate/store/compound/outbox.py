"""The centre's outbox: which entries are due, what they say, and what became of them.

Triggers put an entry here in the transaction that changes it, whoever writes: nothing that was committed is forgotten.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.store.compound import items
from gate.store.compound.entries import (
    COMMON,
    OWN_KEYS,
    SUSPENDED,
    AreaEntry,
    ConsentEntry,
    CredentialEntry,
    Entry,
    GroupEntry,
    HolidayEntry,
    PassEntry,
    RegisterKind,
    ResidentEntry,
    RevocationEntry,
    ScheduleEntry,
    TemplateEntry,
    Version,
)
from gate.store.database import transaction
from gate.store.people import consents, erasure, passes, uses

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Due:
    """An entry that is to be published, with the key for its body; None: it is read by everybody."""

    kind: RegisterKind
    version: Version
    entry: Entry
    key: bytes | None
    limited: bool = False
    """Whether it says of somebody that they are let in at some gates alone, which an earlier version does not know."""


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker's stream as this centre left it: which one, and its last message."""

    stream: str | None
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """A message that is with the broker, and this centre does not know that: it died, or the answer was too late."""

    sequence: int
    kind: RegisterKind
    id: str
    version: Version


def due(connection: sqlite3.Connection, most: int) -> list[Due]:
    """The next entries to be published, what was revoked first, then what was spent of passes. Of whoever has not
    agreed to more than one gate nothing is ever due; while a centre recovers nothing but what was revoked is, and not
    that a card was found again: it may have been lost since."""
    rows = connection.execute(
        "SELECT kind, id, epoch, version FROM register WHERE due IS NOT NULL"
        " AND (NOT (SELECT recovering FROM compound) OR (kind = 'revocation'"
        " AND id NOT IN (SELECT id || '/suspended' FROM credentials WHERE suspended_at IS NULL)))"
        " ORDER BY kind <> 'revocation', kind <> 'pass' OR sequence IS NULL, due LIMIT ?",
        (most,),
    ).fetchall()
    found = []
    with transaction(connection):
        for kind, identity, epoch, number in rows:
            entry = entry_of(connection, RegisterKind(kind), identity)
            if entry is None:
                connection.execute(
                    "INSERT OR IGNORE INTO register_erasures (sequence)"
                    " SELECT sequence FROM register WHERE kind = ? AND id = ? AND sequence NOTNULL",
                    (kind, identity),
                )
                connection.execute("DELETE FROM register WHERE kind = ? AND id = ?", (kind, identity))
                continue
            key = None if kind == RegisterKind.REVOCATION else _key(connection, kind, identity)
            due_now = Due(RegisterKind(kind), Version(epoch, number), entry, key, is_limited(connection, entry))
            found.append(due_now)
    return found


def entry_of(connection: sqlite3.Connection, kind: RegisterKind, identity: str) -> Entry | None:
    """What stands here of that id; None where that is nobody, or somebody who has agreed to one gate alone, or a pass
    of their visitor."""
    return _READ[kind](connection, identity)


def is_limited(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Whether an entry is about somebody, or a group, who is let in at the gates of an area alone."""
    match entry:
        case GroupEntry():
            return entry.area is not None
        case ResidentEntry():
            query = "SELECT 1 FROM groups WHERE id = ? AND area_id NOTNULL"
            return entry.area is not None or connection.execute(query, (entry.group,)).fetchone() is not None
    return False


def are_due(connection: sqlite3.Connection) -> bool:
    """Whether anything is to be published."""
    return connection.execute("SELECT 1 FROM register WHERE due IS NOT NULL").fetchone() is not None


def count_due(connection: sqlite3.Connection) -> int:
    """How many entries are to be published."""
    return int(connection.execute("SELECT count(*) FROM register WHERE due IS NOT NULL").fetchone()[0])


def say_revoked(connection: sqlite3.Connection, identity: str) -> None:
    """A gate revoked this, and waits to hear it from here: it is published also where nobody here has that id."""
    with transaction(connection):
        connection.execute(
            "INSERT INTO register_touched SELECT 'revocation', ?1"
            " WHERE NOT EXISTS (SELECT 1 FROM register WHERE kind = 'revocation' AND id = ?1)"
            # A card that was found once, lost again at the gate, and meanwhile taken away here.
            " OR ?1 LIKE '%' || ?2 AND NOT EXISTS (SELECT 1 FROM credentials WHERE id || ?2 = ?1)",
            (identity, SUSPENDED),
        )


def published(connection: sqlite3.Connection, done: Sequence[tuple[Due, int]]) -> None:
    """Entries are with the broker, each under a sequence number of its stream."""
    with transaction(connection):
        for one, sequence in done:
            kept = connection.execute(
                "UPDATE register SET sequence = ?, due = CASE WHEN epoch = ? AND version = ? THEN NULL ELSE due END"
                " WHERE kind = ? AND id = ?",
                (sequence, one.version.epoch, one.version.number, one.kind, one.entry.id),
            ).rowcount
            if not kept:
                # They were erased on the way.
                connection.execute("INSERT OR IGNORE INTO register_erasures (sequence) VALUES (?)", (sequence,))
        last = max(sequence for _, sequence in done)
        connection.execute("UPDATE compound SET last_sequence = max(last_sequence, ?)", (last,))


def broker(connection: sqlite3.Connection) -> Broker:
    """Where this centre stood with the broker."""
    return Broker(*connection.execute("SELECT stream, last_sequence FROM compound").fetchone())


def count_published(connection: sqlite3.Connection) -> int:
    """How many entries the broker has, as far as this centre knows."""
    return int(connection.execute("SELECT count(sequence) FROM register").fetchone()[0])


def first_published(connection: sqlite3.Connection) -> int | None:
    """Which message of the stream is the first of this centre's: all before it are none of its own. None while it is
    not known, since something is still to be published."""
    if are_due(connection):
        return None
    found: tuple[int | None] = connection.execute("SELECT min(sequence) FROM register").fetchone()
    return found[0]


def overtake(connection: sqlite3.Connection, unheard: Sequence[Unheard], last_sequence: int) -> bool:
    """What stands here is said anew, as newer than what the broker has of the same; whether nothing else is there, so
    that the register needs no new epoch. It may be another centre's word, or that of this one before an old copy of it
    came back."""
    with transaction(connection):
        (epoch, changes) = connection.execute("SELECT epoch, changes FROM compound").fetchone()
        rows = {(one.kind, one.id) for one in unheard if items.version_of(connection, one.kind, one.id) is not None}
        if any(
            one.version.epoch != epoch or ((one.kind, one.id) not in rows and not _is_over(connection, one))
            for one in unheard
        ):
            return False
        for one in unheard:
            connection.execute(
                "UPDATE register SET version = max(version, ?), due = coalesce(due, ?), sequence = ?"
                " WHERE kind = ? AND id = ?",
                (one.version.number + 1, changes, one.sequence, one.kind, one.id),
            )
            if (one.kind, one.id) not in rows:
                connection.execute("INSERT OR IGNORE INTO register_erasures (sequence) VALUES (?)", (one.sequence,))
        connection.execute("UPDATE compound SET last_sequence = ?", (last_sequence,))
    return True


def _is_over(connection: sqlite3.Connection, one: Unheard) -> bool:
    return one.kind is RegisterKind.PASS or erasure.was_erased(connection, one.id)


def begin_epoch(connection: sqlite3.Connection, least: int, stream: str, last_sequence: int) -> int:
    """All is due anew, for a stream that is another than the one this centre knew. The new epoch, `least` or later."""
    with transaction(connection):
        (before,) = connection.execute("SELECT epoch FROM compound").fetchone()
        new = max(before + 1, least)
        connection.execute("UPDATE compound SET epoch = ?, stream = ?, last_sequence = ?", (new, stream, last_sequence))
        connection.execute("DELETE FROM register_erasures")
        lasting = "SELECT 1 FROM passes WHERE passes.id = register.id AND valid_until > ?"
        connection.execute(f"DELETE FROM register WHERE kind = 'pass' AND NOT EXISTS ({lasting})", (_now(),))  # noqa: S608 - constants
        # In the order in which they became known: ids sort by time.
        rows = connection.execute(
            "SELECT kind, id FROM register ORDER BY kind = 'pass', kind = 'resident', kind = 'group', id"
        ).fetchall()
        (changes,) = connection.execute("SELECT changes FROM compound").fetchone()
        connection.executemany(
            "UPDATE register SET epoch = ?, due = ?, sequence = NULL WHERE kind = ? AND id = ?",
            [(new, changes + place, kind, identity) for place, (kind, identity) in enumerate(rows, 1)],
        )
        connection.execute("UPDATE compound SET changes = changes + ?", (len(rows),))
    return int(new)


def count_start(connection: sqlite3.Connection) -> int:
    """A centre was started: for how many times, this one among them."""
    with transaction(connection):
        connection.execute("UPDATE compound SET starts = starts + 1")
        return int(connection.execute("SELECT starts FROM compound").fetchone()[0])


def draw_keys_anew(connection: sqlite3.Connection) -> int:
    """Another key for everybody on the register, under which all of it is published anew: what was read with the keys
    of before tells nothing of what comes. How many that are."""
    with transaction(connection):
        ids = [one for (one,) in connection.execute("SELECT id FROM register_keys").fetchall()]
        connection.executemany(
            "UPDATE register_keys SET key = ? WHERE id = ?", [(secrets.token_bytes(_KEY_BYTES), one) for one in ids]
        )
        connection.execute("INSERT INTO register_touched SELECT kind, id FROM register WHERE kind <> 'revocation'")
    return len(ids)


def erasures(connection: sqlite3.Connection) -> list[int]:
    """The sequence numbers of messages that the broker is to erase."""
    return [one for (one,) in connection.execute("SELECT sequence FROM register_erasures ORDER BY sequence")]


def erased(connection: sqlite3.Connection, sequence: int) -> None:
    """The broker has erased a message."""
    connection.execute("DELETE FROM register_erasures WHERE sequence = ?", (sequence,))


def state(connection: sqlite3.Connection) -> items.State | None:
    """All that is published, but for passes; None while something is due."""
    return None if are_due(connection) else items.state(connection, items.epoch(connection))


def open_passes(connection: sqlite3.Connection) -> items.OpenPasses | None:
    """All passes that are published and not over now; None while something is due."""
    return None if are_due(connection) else items.open_passes(connection, items.epoch(connection), _now())


def keys(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, bytes]:
    """The keys of these residents and passes that are on the register."""
    found = {}
    for identity in ids:
        row = connection.execute("SELECT key FROM register_keys WHERE id = ?", (identity,)).fetchone()
        if row is not None:
            found[identity] = bytes(row[0])
    return found


def _key(connection: sqlite3.Connection, kind: str, identity: str) -> bytes:
    whose = identity if kind in OWN_KEYS else COMMON
    connection.execute(
        "INSERT OR IGNORE INTO register_keys (id, key) VALUES (?, ?)", (whose, secrets.token_bytes(_KEY_BYTES))
    )
    return keys(connection, [whose])[whose]


def _resident(connection: sqlite3.Connection, identity: str) -> ResidentEntry | None:
    row = connection.execute(
        "SELECT name, unit, created_at, extended, schedule_id, group_id, valid_from, valid_until, valid_until_set_on,"
        " area_id FROM residents WHERE id = ?",
        (identity,),
    ).fetchone()
    if row is None:
        return None
    name, unit, created_at, extended, schedule, group, first, last, last_set_on, area = row
    made = tuple(
        TemplateEntry(*one)
        for one in connection.execute(
            "SELECT id, model, source, quality, vector, created_at, second_model, second_vector FROM templates"
            " WHERE resident_id = ? AND learned_from IS NULL ORDER BY rowid",
            (identity,),
        )
    )
    if made and not consents.covers_every_gate(connection, identity):
        if not _was_published(connection, identity):
            return None
        made = ()
    agreed = tuple(
        ConsentEntry(*one)
        for one in connection.execute(
            "SELECT id, text, language, text_sha256, way, guardian, recorded_by, given_at, withdrawn_at FROM consents"
            " WHERE resident_id = ? ORDER BY given_at, rowid",
            (identity,),
        )
    )
    held = _codes(connection, "resident_id", identity)
    return ResidentEntry(
        identity, name, unit, created_at, bool(extended), schedule, group, first, last, last_set_on, agreed, made, held,
        area,
    )  # fmt: skip


def _codes(connection: sqlite3.Connection, column: str, identity: str) -> tuple[CredentialEntry, ...]:
    rows = connection.execute(
        "SELECT id, kind, finder, duress, flat, label, made_at, suspended_at FROM credentials"  # noqa: S608 - constants
        f" WHERE {column} = ? ORDER BY rowid",
        (identity,),
    )
    return tuple(
        CredentialEntry(one, kind, finder, bool(duress), flat, label, made_at, suspended_at)
        for one, kind, finder, duress, flat, label, made_at, suspended_at in rows
    )


def _pass(connection: sqlite3.Connection, identity: str) -> PassEntry | None:
    row = connection.execute(
        "SELECT name, host_id, unit, flat, valid_from, valid_until, schedule_id, uses, lasts_s, made_at FROM passes"
        " WHERE id = ? AND revoked_at IS NULL",
        (identity,),
    ).fetchone()
    codes = _codes(connection, "pass_id", identity)
    if row is None or not codes:
        return None
    name, host, unit, flat, begins, ends, schedule, most, lasts_s, made_at = row
    if host is not None and not _is_at_every_gate(connection, host):
        return None
    spent = uses.of_pass(connection, identity)
    return PassEntry(identity, name, host, unit, flat, begins, ends, schedule, most, lasts_s, made_at, codes, spent)


def _is_at_every_gate(connection: sqlite3.Connection, host: str) -> bool:
    """Whether a resident is on the register, or about to be."""
    known = "SELECT 1 FROM register WHERE kind = 'resident' AND id = ?1"
    known += " UNION ALL SELECT 1 FROM proposals WHERE kind = 'resident' AND id = ?1 AND refused IS NULL"
    return connection.execute(known, (host,)).fetchone() is not None and _resident(connection, host) is not None


def _was_published(connection: sqlite3.Connection, resident: str) -> bool:
    """A key is drawn when somebody is published first."""
    return bool(keys(connection, [resident]))


def _schedule(connection: sqlite3.Connection, identity: str) -> ScheduleEntry:
    row = connection.execute("SELECT name, windows FROM schedules WHERE id = ?", (identity,)).fetchone()
    return ScheduleEntry(identity, *(row or ()))


def _group(connection: sqlite3.Connection, identity: str) -> GroupEntry:
    row = connection.execute("SELECT name, schedule_id, area_id FROM groups WHERE id = ?", (identity,)).fetchone()
    return GroupEntry(identity, *(row or ()))


def _area(connection: sqlite3.Connection, identity: str) -> AreaEntry:
    row = connection.execute("SELECT name, gates FROM areas WHERE id = ?", (identity,)).fetchone()
    return AreaEntry(identity) if row is None else AreaEntry(identity, row[0], json.loads(row[1]))


def _holiday(connection: sqlite3.Connection, identity: str) -> HolidayEntry:
    row = connection.execute(
        "SELECT name, first_day, last_day, schedule_id, windows FROM holidays WHERE id = ?", (identity,)
    ).fetchone()
    return HolidayEntry(identity, *(row or ()))


def _revocation(connection: sqlite3.Connection, identity: str) -> RevocationEntry:
    if not identity.endswith(SUSPENDED):
        is_kept = passes.get(connection, identity) is not None
        return RevocationEntry(identity, erased=not is_kept, person=erasure.was_erased(connection, identity))
    lost = connection.execute(
        "SELECT 1 FROM credentials WHERE id = ? AND suspended_at IS NULL", (identity.removesuffix(SUSPENDED),)
    ).fetchone()
    return RevocationEntry(identity, over=lost is not None)


_READ: dict[RegisterKind, Callable[[sqlite3.Connection, str], Entry | None]] = {
    RegisterKind.RESIDENT: _resident,
    RegisterKind.SCHEDULE: _schedule,
    RegisterKind.AREA: _area,
    RegisterKind.GROUP: _group,
    RegisterKind.HOLIDAY: _holiday,
    RegisterKind.PASS: _pass,
    RegisterKind.REVOCATION: _revocation,
}


def _now() -> str:
    return passes.text_of(datetime.now(UTC))
