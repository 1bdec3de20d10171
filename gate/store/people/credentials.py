"""What residents show beside their face: a PIN and a rolling code each, and cards and fobs. And the codes of passes.

None of them can be read back: a line holds what the door finds a code by (`gate.door.code_key`), not the code.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.errors import Refusal, ResidentRefusal, Sentence
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.people import residents
from gate.store.people.followed import refuse_followed
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind, Method

MOST_CARDS = 8
"""Of one resident."""
TRIAL = timedelta(minutes=10)
"""For how long a PIN under duress is tried out."""
# In `gone`, behind the id of a card that is suspended.
_SUSPENDED = "/suspended"

_REMOVED = {
    Method.PIN: Kind.PIN_REMOVED,
    Method.ROLLING: Kind.ROLLING_CODE_REMOVED,
    Method.CARD: Kind.CARD_REMOVED,
}

TAKEN = Sentence("This code is somebody's already.")
NO_CARD = Sentence("This card is not theirs any more.")


@dataclass(frozen=True, slots=True)
class Credential:
    """One PIN, rolling code or card. `made_at` and `suspended_at` are ISO 8601, UTC."""

    id: str
    resident: str
    method: Method
    label: str | None
    """What the card is called; a PIN has none."""
    flat: str | None
    """The digits of a home that are typed before a PIN or a rolling code; None: it is typed alone."""
    made_at: str
    suspended_at: str | None
    """Since when it opens nothing; None while it does."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whose a code is: a resident's, or that of a pass."""

    credential: str
    resident: str | None
    visit: str | None
    """The id of the pass."""
    suspended: bool
    duress: bool
    """Whether it is what their PIN becomes for whoever is forced to type it."""
    trial_until: datetime | None = None
    """Until when that is tried out; None where it never was."""


_SELECT = "SELECT id, resident_id, kind, label, flat, made_at, suspended_at FROM credentials"


def salt(connection: sqlite3.Connection) -> bytes:
    """With what this gate hashes PINs, 16 bytes."""
    (value,) = connection.execute("SELECT salt FROM code_salt").fetchone()
    return bytes(value)


def find(connection: sqlite3.Connection, method: Method, finder: bytes) -> Found | None:
    """Whose code is found by this; None: nobody's."""
    row = connection.execute(
        "SELECT c.id, c.resident_id, c.pass_id, c.suspended_at, c.duress, t.until FROM credentials c"
        " LEFT JOIN duress_trials t ON t.resident_id = c.resident_id WHERE c.kind = ? AND c.finder = ?",
        (method.value, finder),
    ).fetchone()
    if row is None:
        return None
    identity, resident, visit, suspended_at, duress, until = row
    trial = None if until is None else datetime.fromisoformat(until)
    return Found(identity, resident, visit, suspended_at is not None, bool(duress), trial)


def methods_of(connection: sqlite3.Connection, resident: str) -> frozenset[Method]:
    """By what a resident may come beside their face, now."""
    query = "SELECT DISTINCT kind FROM credentials WHERE resident_id = ? AND suspended_at IS NULL"
    return frozenset(Method(kind) for (kind,) in connection.execute(query, (resident,)))


def flat_of(connection: sqlite3.Connection, resident: str) -> str | None:
    """The digits that they type before their PIN or rolling code, also after they moved; None where none, or they have
    neither."""
    row = connection.execute(
        "SELECT flat FROM credentials WHERE resident_id = ? AND kind != 'card' AND NOT duress ORDER BY kind",
        (resident,),
    ).fetchone()
    return None if row is None else row[0]


def of_resident(connection: sqlite3.Connection, resident: str) -> list[Credential]:
    """All of a resident: the PIN, the rolling code, then cards in the order in which they came."""
    order = "ORDER BY kind = 'card', kind, id"
    rows = connection.execute(f"{_SELECT} WHERE resident_id = ? AND NOT duress {order}", (resident,))
    return [_credential(row) for row in rows]


def rolling_of(connection: sqlite3.Connection, flat: str | None, resident: str | None) -> list[str]:
    """The ids of the rolling codes that are typed behind these digits of a home, and of this resident's."""
    query = "SELECT id FROM credentials WHERE kind = 'rolling' AND (flat = ? OR resident_id = ?) ORDER BY id"
    return [one for (one,) in connection.execute(query, (flat, resident))]


def rolling_between(connection: sqlite3.Connection, least: bytes, greatest: bytes) -> list[str]:
    """The ids of the rolling codes that are found by what lies between these two."""
    query = "SELECT id FROM credentials WHERE kind = 'rolling' AND finder BETWEEN ? AND ? ORDER BY id"
    return [one for (one,) in connection.execute(query, (least, greatest))]


def has_rolling(connection: sqlite3.Connection) -> bool:
    """Whether anybody has a rolling code."""
    query = "SELECT 1 FROM credentials WHERE kind = 'rolling' LIMIT 1"
    return connection.execute(query).fetchone() is not None


def having(connection: sqlite3.Connection) -> dict[str, frozenset[Method]]:
    """By what everyone may come beside their face, by their id."""
    held: dict[str, set[Method]] = {}
    query = "SELECT resident_id, kind FROM credentials WHERE resident_id NOTNULL AND suspended_at IS NULL"
    for resident, kind in connection.execute(query):
        held.setdefault(resident, set()).add(Method(kind))
    return {resident: frozenset(methods) for resident, methods in held.items()}


def are_there(connection: sqlite3.Connection) -> bool:
    """Whether anybody has a PIN, a rolling code, a card or a pass."""
    return connection.execute("SELECT 1 FROM credentials LIMIT 1").fetchone() is not None


def not_sealed_by(connection: sqlite3.Connection, mark: bytes) -> int:
    """How many PINs, rolling codes, cards and passes are found by what does not begin with the mark of a door's key."""
    query = (
        "SELECT count(*) FROM credentials"
        " WHERE NOT duress AND (pass_id IS NULL OR kind = 'pass') AND substr(finder, 1, ?) != ?"
    )
    (count,) = connection.execute(query, (len(mark), mark)).fetchone()
    return int(count)


def remove_all(connection: sqlite3.Connection, *, by: str) -> int:
    """Nobody has a PIN, a card or a pass any more, as where the door's key is lost; of how many residents that was."""
    with transaction(connection):
        held = [residents.get(connection, one) for one in having_any(connection)]
        connection.execute("DELETE FROM credentials")
        connection.execute("UPDATE passes SET revoked_at = coalesce(revoked_at, ?)", (datetime.now(UTC).isoformat(),))
        for resident in held:
            if resident is not None:
                _note(connection, Kind.CODES_REMOVED, resident, {"by": by})
    return len(held)


def typed_by(connection: sqlite3.Connection) -> list[str]:
    """The ids of all who have a PIN or a rolling code."""
    query = "SELECT DISTINCT resident_id FROM credentials WHERE resident_id NOTNULL AND kind IN ('pin', 'rolling')"
    return [one for (one,) in connection.execute(f"{query} ORDER BY resident_id")]


def with_card(connection: sqlite3.Connection) -> int:
    """How many have a card."""
    query = "SELECT count(DISTINCT resident_id) FROM credentials WHERE resident_id NOTNULL AND kind = 'card'"
    return int(connection.execute(query).fetchone()[0])


def remove_typed(connection: sqlite3.Connection, *, by: str) -> int:
    """Nobody's PIN and rolling code opens anything any more; of how many residents that was. Cards stay."""
    with transaction(connection):
        held = [residents.get(connection, one) for one in typed_by(connection)]
        for resident in held:
            if resident is not None:
                remove_pin(connection, resident, by=by)
                remove_rolling(connection, resident, by=by)
    return len(held)


def having_any(connection: sqlite3.Connection) -> list[str]:
    """The ids of all who have a PIN or a card, also one that was lost."""
    query = "SELECT DISTINCT resident_id FROM credentials WHERE resident_id NOTNULL ORDER BY resident_id"
    return [one for (one,) in connection.execute(query)]


def is_free_but_for(connection: sqlite3.Connection, resident: Resident | None, finders: Collection[bytes]) -> bool:
    """Whether no PIN of anybody else, and no pass, is found by one of these."""
    found = [find(connection, Method.PIN, finder) for finder in finders]
    return all(one is None or (resident is not None and one.resident == resident.id) for one in found)


def give_pin(
    connection: sqlite3.Connection, resident: Resident, flat: str | None, finder: bytes, duress: bytes, *, by: str
) -> None:
    """A new PIN for a resident, in the place of the one they had, with what it becomes under duress.

    Raises Refusal with `TAKEN` where either is somebody else's: draw another. Nothing was changed then.
    """
    with transaction(connection):
        _refuse_gone(connection, resident)
        _forget(connection, _ids(connection, "resident_id = ? AND kind = 'pin'", resident.id))
        for one, forced in ((finder, False), (duress, True)):
            _insert(connection, resident.id, Method.PIN, one, duress=forced, flat=flat)
        _note(connection, Kind.PIN_DRAWN, resident, {"by": by})


def give_pass(connection: sqlite3.Connection, visit: str, finder: bytes, typed: bytes) -> None:
    """The two codes of a pass: by `finder` its picture is found, by `typed` its digits, which are no PIN of anybody.

    Part of a transaction. Raises Refusal with `TAKEN` where either is somebody's.
    """
    for method, one in ((Method.PASS, finder), (Method.PIN, typed)):
        _insert(connection, None, method, one, visit=visit)


def remove_pin(connection: sqlite3.Connection, resident: Resident, *, by: str) -> bool:
    """Their PIN opens nothing any more; whether they had one."""
    with transaction(connection):
        ids = _ids(connection, "resident_id = ? AND kind = 'pin'", resident.id)
        _forget(connection, ids)
        if ids:
            _note(connection, Kind.PIN_REMOVED, resident, {"by": by})
    return bool(ids)


def begin_trial(connection: sqlite3.Connection, resident: Resident, now: datetime, *, by: str) -> datetime:
    """Have their PIN under duress tried out: until when it is no alarm. Raises Refusal where they have no PIN."""
    until = now + TRIAL
    with transaction(connection):
        _refuse_gone(connection, resident)
        if not _ids(connection, "resident_id = ? AND duress", resident.id):
            raise ResidentRefusal("{name} has no PIN. Draw one first.", name=resident.name)
        connection.execute(
            "INSERT OR REPLACE INTO duress_trials (resident_id, until) VALUES (?, ?)", (resident.id, until.isoformat())
        )
        _note(connection, Kind.DURESS_TRIAL, resident, {"by": by})
    return until


def trial_until(connection: sqlite3.Connection, resident: str) -> datetime | None:
    """Until when their PIN under duress is, or was, tried out; None where it never was."""
    row = connection.execute("SELECT until FROM duress_trials WHERE resident_id = ?", (resident,)).fetchone()
    return None if row is None else datetime.fromisoformat(row[0])


def any_trial(connection: sqlite3.Connection, now: datetime) -> bool:
    """Whether somebody's PIN under duress is tried out now."""
    untils = (datetime.fromisoformat(until) for (until,) in connection.execute("SELECT until FROM duress_trials"))
    return any(now < until for until in untils)


def give_rolling(
    connection: sqlite3.Connection, resident: Resident, identity: str, flat: str, finder: bytes, *, by: str
) -> None:
    """A rolling code for a resident, in the place of the one they had. Raises Refusal where they are gone."""
    with transaction(connection):
        _refuse_gone(connection, resident)
        _forget(connection, _ids(connection, "resident_id = ? AND kind = 'rolling'", resident.id))
        _insert(connection, resident.id, Method.ROLLING, finder, flat=flat, identity=identity)
        _note(connection, Kind.ROLLING_CODE_DRAWN, resident, {"by": by})


def remove_rolling(connection: sqlite3.Connection, resident: Resident, *, by: str) -> bool:
    """Their rolling code opens nothing any more; whether they had one."""
    with transaction(connection):
        ids = _ids(connection, "resident_id = ? AND kind = 'rolling'", resident.id)
        _forget(connection, ids)
        if ids:
            _note(connection, Kind.ROLLING_CODE_REMOVED, resident, {"by": by})
    return bool(ids)


def add_card(connection: sqlite3.Connection, resident: Resident, label: str | None, finder: bytes, *, by: str) -> str:
    """A card of theirs; its id. Raises Refusal where it is somebody's already, and where they have too many."""
    label = " ".join(label.split())[:40] or None if label else None
    with transaction(connection):
        _refuse_gone(connection, resident)
        held = connection.execute(
            "SELECT r.id, r.name FROM credentials c JOIN residents r ON r.id = c.resident_id"
            " WHERE c.kind = 'card' AND c.finder = ?",
            (finder,),
        ).fetchone()
        if held is not None:
            raise ResidentRefusal("This card is {name}'s already. Remove it there first.", name=held[1])
        if len(_ids(connection, "resident_id = ? AND kind = 'card'", resident.id)) >= MOST_CARDS:
            raise ResidentRefusal(
                "{name} has {most} cards already. Remove one first.", name=resident.name, most=MOST_CARDS
            )
        identity = _insert(connection, resident.id, Method.CARD, finder, label=label)
        _note(connection, Kind.CARD_ADDED, resident, {"by": by, "card": identity})
    return identity


def suspend_card(connection: sqlite3.Connection, resident: Resident, card: str, *, by: str) -> None:
    """A card that is lost opens nothing until it is found again. Raises Refusal where it is not theirs."""
    with transaction(connection):
        if _set_suspended(connection, resident, card, datetime.now(UTC).isoformat()):
            _note(connection, Kind.CARD_SUSPENDED, resident, {"by": by, "card": card})


def resume_card(connection: sqlite3.Connection, resident: Resident, card: str, *, by: str) -> None:
    """A card that was found again opens as before. Raises Refusal where it is not theirs."""
    with transaction(connection):
        refuse_followed(connection, resident.id, resident.name)
        if _set_suspended(connection, resident, card, None):
            _note(connection, Kind.CARD_RESUMED, resident, {"by": by, "card": card})


def remove_card(connection: sqlite3.Connection, resident: Resident, card: str, *, by: str) -> None:
    """A card is nobody's any more. Raises Refusal where it is not theirs."""
    with transaction(connection):
        ids = _ids(connection, "resident_id = ? AND kind = 'card' AND id = ?", resident.id, card)
        if not ids:
            raise Refusal(NO_CARD)
        _forget(connection, ids)
        _note(connection, Kind.CARD_REMOVED, resident, {"by": by, "card": card})


def revoke(connection: sqlite3.Connection, credential: str, *, by: str) -> bool:
    """A PIN, a rolling code or a card of a resident opens nothing any more; whether there was one of this id."""
    with transaction(connection):
        row = connection.execute(
            "SELECT resident_id, kind, duress FROM credentials WHERE id = ? AND resident_id NOTNULL", (credential,)
        ).fetchone()
        holder = None if row is None else residents.get(connection, row[0])
        _forget(connection, [credential])
        if holder is not None and not row[2]:
            kind, card = Method(row[1]), {"card": credential} if row[1] == Method.CARD else {}
            _note(connection, _REMOVED[kind], holder, {"by": by, **card})
    return row is not None


def revoke_again(connection: sqlite3.Connection, gone: Collection[str]) -> int:
    """What was removed or suspended since a backup was made is so after it came back; how many. `gone` is the table of
    that name, of the gate whose place the backup takes."""
    ids = [one for (one,) in connection.execute("SELECT id FROM credentials")]
    removed = [(one,) for one in ids if one in gone]
    suspended = [(datetime.now(UTC).isoformat(), one) for one in ids if one + _SUSPENDED in gone]
    connection.executemany("DELETE FROM credentials WHERE id = ?", removed)
    connection.executemany("UPDATE credentials SET suspended_at = coalesce(suspended_at, ?) WHERE id = ?", suspended)
    return len(removed) + len(suspended)


def _credential(row: Sequence[Any]) -> Credential:
    identity, resident, kind, *rest = row
    return Credential(identity, resident, Method(kind), *rest)


def _insert(
    connection: sqlite3.Connection, resident: str | None, method: Method, finder: bytes, *, duress: bool = False,
    flat: str | None = None, label: str | None = None, visit: str | None = None, identity: str | None = None,
) -> str:  # fmt: skip
    identity = identity or new_id()
    try:
        connection.execute(
            "INSERT INTO credentials (id, resident_id, pass_id, kind, finder, duress, flat, label, made_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (identity, resident, visit, method.value, finder, duress, flat, label, datetime.now(UTC).isoformat()),
        )
    except sqlite3.IntegrityError as error:
        raise Refusal(TAKEN) from error
    return identity


def _ids(connection: sqlite3.Connection, where: str, *values: str) -> list[str]:
    return [one for (one,) in connection.execute(f"SELECT id FROM credentials WHERE {where}", values)]  # noqa: S608 - constants


def _forget(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    connection.executemany("DELETE FROM credentials WHERE id = ?", [(one,) for one in ids])


def _set_suspended(connection: sqlite3.Connection, resident: Resident, card: str, at: str | None) -> bool:
    """Whether it was otherwise before. Raises Refusal where the card is not theirs."""
    query = "SELECT suspended_at FROM credentials WHERE id = ? AND resident_id = ? AND kind = 'card'"
    before = connection.execute(query, (card, resident.id)).fetchone()
    if before is None:
        raise Refusal(NO_CARD)
    if (before[0] is None) == (at is None):
        return False
    connection.execute("UPDATE credentials SET suspended_at = ? WHERE id = ?", (at, card))
    return True


def _refuse_gone(connection: sqlite3.Connection, resident: Resident) -> None:
    if residents.get(connection, resident.id) is None:
        raise ResidentRefusal("{name} was removed in the meantime.", name=resident.name)


def _note(connection: sqlite3.Connection, kind: Kind, resident: Resident, details: dict[str, object]) -> None:
    personal = {"resident": resident.id, "name": resident.name} | ({"unit": resident.unit} if resident.unit else {})
    audit.append(connection, AuditEvent(kind, details, personal, resident.id))
