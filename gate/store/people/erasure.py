"""What is erased for good: a resident, their face, or one template; and the receipt for it.

It goes from the database, from its write-ahead log and from its old copies, and the record still verifies.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from gate.errors import ResidentRefusal
from gate.store import old_copies, write_ahead_log
from gate.store.database import transaction
from gate.store.people import consents, passes, photo_links, residents
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure, without a word on who it was: what went, and the line of the record that says so."""

    id: str
    """The id of that line."""
    at: str
    templates: int
    personal_fields: int
    """Names and the like in the record."""
    people: int = 1


def remove(connection: sqlite3.Connection, resident: Resident, *, by: str) -> Receipt:
    """Erase a resident: row, templates, and the personal fields of the record, also from the write-ahead log and from
    old copies of the database."""
    (receipt,) = remove_all(connection, [resident], by=by)
    return receipt


def remove_all(connection: sqlite3.Connection, people: Sequence[Resident], *, by: str) -> list[Receipt]:
    """Erase some residents, all or none, each with a receipt of their own; see `remove`."""
    with transaction(connection):
        receipts = [_remove(connection, one, by) for one in people]
    write_ahead_log.empty(connection)
    old_copies.forget(connection, lambda copy: remove_all(copy, people, by=by))
    return receipts


def _remove(connection: sqlite3.Connection, resident: Resident, by: str) -> Receipt:
    write_ahead_log.will_erase(connection)
    visitors = passes.erase_of_host(connection, resident.id)
    connection.execute("DELETE FROM residents WHERE id = ?", (resident.id,))
    connection.execute("INSERT OR IGNORE INTO erased (resident_hash) VALUES (?)", (hash_of(resident.id),))
    return _erased(Kind.ERASED, connection, resident, by, visitors)


def remove_together(connection: sqlite3.Connection, people: Sequence[Resident], *, by: str) -> Receipt:
    """Erase several residents, all or nobody: each is on record, and one receipt is for all.

    Raises Refusal where one of them was removed meanwhile, or has another name or home than when they were chosen.
    """
    with transaction(connection):
        for one in people:
            _refuse_another(one, residents.get(connection, one.id))
        receipt = _together(Kind.ERASED, connection, [_remove(connection, one, by) for one in people], by)
    write_ahead_log.empty(connection)
    old_copies.forget(connection, lambda copy: remove_all(copy, people, by=by))
    return receipt


def _refuse_another(chosen: Resident, now: Resident | None) -> None:
    if now is None:
        raise ResidentRefusal("{name} was removed in the meantime.", name=chosen.name)
    if (now.name, now.unit) != (chosen.name, chosen.unit):
        raise ResidentRefusal("{name} was changed in the meantime. Nobody was erased; look again.", name=chosen.name)


def may_withdraw(connection: sqlite3.Connection, resident: str) -> bool:
    """Whether a consent of theirs holds, or they agreed by a link from which nobody is enrolled yet."""
    return consents.standing(connection, resident) or photo_links.agreed(connection, resident)


def withdraw(connection: sqlite3.Connection, resident: Resident, *, by: str) -> Receipt:
    """Their consent ends: templates, the link by which they agreed and the personal fields of the record are erased;
    they live here as before.

    Raises Refusal where they agreed to nothing that still holds.
    """
    with transaction(connection):
        receipt = _withdrawn(connection, resident, by)
    write_ahead_log.empty(connection)
    old_copies.forget(connection, lambda copy: _withdraw_there(copy, resident, by))
    return receipt


def withdraw_together(connection: sqlite3.Connection, people: Sequence[Resident], *, by: str) -> Receipt:
    """The consents of several end, all or none: each is on record, and one receipt is for all. Raises as `withdraw`."""
    with transaction(connection):
        receipts = [_withdrawn(connection, one, by) for one in people]
        receipt = _together(Kind.CONSENT_WITHDRAWN, connection, receipts, by)
    write_ahead_log.empty(connection)
    old_copies.forget(connection, partial(_withdraw_all_there, people=people, by=by))
    return receipt


def _withdraw_there(copy: sqlite3.Connection, resident: Resident, by: str) -> None:
    if may_withdraw(copy, resident.id):
        withdraw(copy, resident, by=by)


def _withdraw_all_there(copy: sqlite3.Connection, people: Sequence[Resident], by: str) -> None:
    for one in people:
        _withdraw_there(copy, one, by)


def _withdrawn(connection: sqlite3.Connection, resident: Resident, by: str) -> Receipt:
    if not may_withdraw(connection, resident.id):
        raise ResidentRefusal(
            "{name} has no consent that could be withdrawn; no template of theirs is kept.", name=resident.name
        )
    write_ahead_log.will_erase(connection)
    connection.execute("DELETE FROM templates WHERE resident_id = ?", (resident.id,))
    connection.execute("DELETE FROM corrections WHERE resident_id = ?", (resident.id,))
    # What they sent and nobody has confirmed yet goes too; what they agreed to there is told as withdrawn from now on.
    photo_links.move_consent(connection, resident.id)
    consents.withdraw(connection, resident.id, _now())
    return _erased(Kind.CONSENT_WITHDRAWN, connection, resident, by)


def _together(kind: Kind, connection: sqlite3.Connection, receipts: Sequence[Receipt], by: str) -> Receipt:
    """One receipt for several erasures of a kind, with a line of the record of its own."""
    templates = sum(one.templates for one in receipts)
    fields = sum(one.personal_fields for one in receipts)
    details: dict[str, object] = {
        "what": kind.value, "people": len(receipts), "templates": templates, "personal_fields": fields, "by": by,
    }  # fmt: skip
    line = audit.append(connection, AuditEvent(Kind.ERASED_TOGETHER, details))
    return Receipt(line, _now(), templates, fields, len(receipts))


def _erased(kind: Kind, connection: sqlite3.Connection, resident: Resident, by: str, visitors: int = 0) -> Receipt:
    """`visitors` is how many fields of whoever visited them went already."""
    forgotten = audit.forget(connection, resident.id) + visitors
    details: dict[str, object] = {"templates": resident.templates, "personal_fields": forgotten, "by": by}
    line = audit.append(connection, AuditEvent(kind, details))
    return Receipt(line, _now(), resident.templates, forgotten)


def remove_template(connection: sqlite3.Connection, resident: Resident, template: str, *, by: str) -> None:
    """Erase one template, also from the write-ahead log. Raises Refusal where they have no such one."""
    with transaction(connection):
        write_ahead_log.will_erase(connection)
        found = connection.execute(
            "DELETE FROM templates WHERE id = ? AND resident_id = ? RETURNING learned_from",
            (template, resident.id),
        ).fetchone()
        if found is None:
            raise ResidentRefusal("{name} has no such template.", name=resident.name)
        details: dict[str, object] = {"by": by} | ({"claim": found[0]} if found[0] else {})
        personal = {"resident": resident.id, "name": resident.name}
        audit.append(connection, AuditEvent(Kind.TEMPLATE_REMOVED, details, personal, resident.id))
    write_ahead_log.empty(connection)
    old_copies.forget(connection, lambda copy: copy.execute("DELETE FROM templates WHERE id = ?", (template,)))


def erase_again(connection: sqlite3.Connection, hashes: Sequence[str]) -> int:
    """After an old backup came back: erase whoever was erased since it was made. Returns how many."""
    known = set(hashes)
    back = [resident for resident in residents.every(connection) if hash_of(resident.id) in known]
    for resident in back:
        remove(connection, resident, by="restoring a backup")
    connection.executemany("INSERT OR IGNORE INTO erased (resident_hash) VALUES (?)", [(one,) for one in known])
    return len(back)


def was_erased(connection: sqlite3.Connection, resident: str) -> bool:
    """Whether the resident with this id was here, and was erased."""
    row = connection.execute("SELECT 1 FROM erased WHERE resident_hash = ?", (hash_of(resident),)).fetchone()
    return row is not None


def erased(connection: sqlite3.Connection) -> list[str]:
    """The hashes of who was erased."""
    return [row[0] for row in connection.execute("SELECT resident_hash FROM erased")]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def hash_of(resident: str) -> str:
    """By which it is known that somebody of that id was erased."""
    return hashlib.sha256(resident.encode()).hexdigest()
