"""What a gate takes from somebody by the word of the register, for ever: also where what has that id comes later."""

from __future__ import annotations

import sqlite3

from gate.store.compound import forgotten, items, requests
from gate.store.compound.entries import SUSPENDED, RegisterKind, RevocationEntry, Version
from gate.store.compound.revoking import is_somebodys, revoke, suspend
from gate.store.compound.role import taking
from gate.store.people import erasure, passes
from gate.store.record import audit

BY = "the centre"
"""Who did it, as the record names them."""


def take(connection: sqlite3.Connection, version: Version, entry: RevocationEntry) -> bool:
    """Carry a revocation out, also of what is not here yet; whether it is newer than what was known of it."""
    known = items.version_of(connection, RegisterKind.REVOCATION, entry.id)
    if known is not None and version <= known:
        return False
    if entry.id.endswith(SUSPENDED):
        _suspend(connection, version, entry)
        return True
    # Announced first, so that it is not told back; in its version last, so that what is cut short is done again.
    if known is None:
        items.note(connection, RegisterKind.REVOCATION, entry.id, Version(0, 0))
    is_person = entry.person and not is_somebodys(connection, entry.id)
    revoke(connection, entry.id, by=BY)
    done = audit.anchor(connection)
    with taking(connection):
        if is_person:
            connection.execute("INSERT OR IGNORE INTO erased (resident_hash) VALUES (?)", (erasure.hash_of(entry.id),))
        connection.execute("INSERT OR IGNORE INTO gone (id) VALUES (?)", (entry.id,))
        items.note(connection, RegisterKind.REVOCATION, entry.id, version)
        requests.answered(connection, entry.id)
        was_pass = passes.get(connection, entry.id) is not None
        if was_pass:
            _leave_pass(connection, entry)
        if done is not None:
            # Of whoever was not here any line will do: they are not.
            forgotten.note(connection, entry.id, done)
    if was_pass and entry.erased:
        passes.forget_written(connection, entry.id)
    return True


def _leave_pass(connection: sqlite3.Connection, entry: RevocationEntry) -> None:
    """A pass that is taken back is on the register no more, and who visits is erased where the centre did."""
    connection.execute("DELETE FROM register WHERE kind = 'pass' AND id = ?", (entry.id,))
    connection.execute("DELETE FROM proposals WHERE kind = 'pass' AND id = ?", (entry.id,))
    connection.execute("DELETE FROM register_keys WHERE id = ?", (entry.id,))
    if entry.erased:
        passes.erase(connection, entry.id)


def _suspend(connection: sqlite3.Connection, version: Version, entry: RevocationEntry) -> None:
    with taking(connection):
        if entry.over and requests.waits(connection, entry.id):
            # It was lost at this gate since, or before the backup that the centre came back from: that is told first.
            items.note(connection, RegisterKind.REVOCATION, entry.id, version)
            return
        suspend(connection, entry.id.removesuffix(SUSPENDED), over=entry.over, by=BY)
        if entry.over:
            connection.execute("DELETE FROM gone WHERE id = ?", (entry.id,))
        else:
            connection.execute("INSERT OR IGNORE INTO gone (id) VALUES (?)", (entry.id,))
            requests.answered(connection, entry.id)
        items.note(connection, RegisterKind.REVOCATION, entry.id, version)


def is_gone(connection: sqlite3.Connection, identity: str) -> bool:
    """Whether a template, a consent, a PIN or a card of this id was revoked."""
    return connection.execute("SELECT 1 FROM gone WHERE id = ?", (identity,)).fetchone() is not None
