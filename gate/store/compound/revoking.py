"""Taking from somebody what an id names, whatever that is: by the centre's word at a gate, by a gate's there."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from gate.store.compound import gates
from gate.store.compound.entries import SUSPENDED, Entry, ResidentEntry
from gate.store.database import transaction
from gate.store.people import consents, credentials, erasure, passes, residents


def revoke(connection: sqlite3.Connection, identity: str, *, by: str) -> None:
    """What has this id opens nothing any more: a resident, who is erased; a template, a consent, a PIN, a card or a
    pass; with `/suspended` behind it, a card that is lost. Nothing happens where nothing has it."""
    if identity.endswith(SUSPENDED):
        suspend(connection, identity.removesuffix(SUSPENDED), over=False, by=by)
        return
    if passes.get(connection, identity) is not None:
        with transaction(connection):
            passes.end(connection, identity, datetime.now(UTC), by=by)
        return
    person = residents.get(connection, identity)
    if person is not None:
        erasure.remove(connection, person, by=by)
        return
    credentials.revoke(connection, identity, by=by)
    template = connection.execute("SELECT resident_id FROM templates WHERE id = ?", (identity,)).fetchone()
    consent = connection.execute(
        "SELECT resident_id FROM consents WHERE id = ? AND withdrawn_at IS NULL", (identity,)
    ).fetchone()
    holder = residents.get(connection, (template or consent or ("",))[0])
    if holder is not None and template is not None:
        erasure.remove_template(connection, holder, identity, by=by)
    elif holder is not None:
        erasure.withdraw(connection, holder, by=by)


def revoke_for_ever(connection: sqlite3.Connection, identity: str, *, by: str) -> None:
    """The same, and also where nothing has this id yet: who comes after their own revocation is not taken."""
    # What is somebody's, and no person, is on no list of who is to be forgotten.
    may_be_a_person = not is_somebodys(connection, identity)
    revoke(connection, identity, by=by)
    if identity.endswith(SUSPENDED):
        return
    with transaction(connection):
        if may_be_a_person:
            connection.execute("INSERT OR IGNORE INTO erased (resident_hash) VALUES (?)", (erasure.hash_of(identity),))
        connection.execute("INSERT OR IGNORE INTO gone (id) VALUES (?)", (identity,))


def ended_by(connection: sqlite3.Connection, entry: Entry) -> list[str]:
    """The consents that hold here and, by an entry, do so no more. That they are revoked is told by another way, which
    may come later and would find nothing that holds: all that a withdrawal takes is to go before the entry is taken."""
    if not isinstance(entry, ResidentEntry):
        return []
    ended = (one.id for one in entry.consents if one.withdrawn_at is not None)
    return [one for one in ended if consents.holds(connection, one)]


def is_somebodys(connection: sqlite3.Connection, identity: str) -> bool:
    """Whether this is the id of a template, a consent, a PIN, a card, a pass or a gate's key, or was until it was
    revoked."""
    if gates.is_key(identity) or passes.get(connection, identity) is not None:
        return True
    # Whoever was erased by their id is among what is gone too.
    held = "SELECT id FROM gone UNION ALL SELECT id FROM templates UNION ALL SELECT id FROM consents"
    row = connection.execute(
        f"SELECT 1 FROM ({held} UNION ALL SELECT id FROM credentials) WHERE id = ?",  # noqa: S608 - constants
        (identity,),
    ).fetchone()
    return row is not None and not erasure.was_erased(connection, identity)


def suspend(connection: sqlite3.Connection, card: str, *, over: bool, by: str) -> None:
    """A card is lost, or was found again where that is `over`. Nothing happens where it is nobody's, or so already."""
    row = connection.execute("SELECT resident_id FROM credentials WHERE id = ? AND kind = 'card'", (card,)).fetchone()
    holder = None if row is None else residents.get(connection, row[0])
    if holder is None:
        return
    if over:
        credentials.resume_card(connection, holder, card, by=by)
    else:
        credentials.suspend_card(connection, holder, card, by=by)
