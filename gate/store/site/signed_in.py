"""By what somebody is signed in: sessions of browsers and tokens of machines, where each was used last, and their end.

One function ends everything of a user, whoever asks for it: a new password, another role, a removal, a restore.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.store.database import transaction
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

# A session is shown and named by so much of its hash: nothing is known by that.
_SHOWN = 16
# Of each user the networks from which they got in last.
_NETWORKS_KEPT = 20


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One session or token as it is shown. Times are seconds since 1970; `used_at` is None where it never was."""

    id: str
    name: str | None
    """What the token is called; None: a session."""
    permissions: tuple[str, ...] | None
    """What the token may do."""
    began_at: float
    used_at: float | None
    address: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How much of a user, or of everybody, was ended."""

    sessions: int
    tokens: int


def of(connection: sqlite3.Connection, user: str) -> list[SignedIn]:
    """All of a user's, sessions first, the last used first."""
    sessions = connection.execute(
        "SELECT substr(digest, 1, ?), NULL, NULL, began_at, used_at, address FROM sessions WHERE user_id = ?"
        " ORDER BY used_at DESC",
        (_SHOWN, user),
    ).fetchall()
    tokens = connection.execute(
        "SELECT id, name, permissions, CAST(strftime('%s', created_at) AS REAL), used_at, used_from"
        " FROM tokens WHERE user_id = ? ORDER BY used_at DESC",
        (user,),
    ).fetchall()
    return [
        SignedIn(identity, name, tuple(permissions.split()) if name else None, began_at, used_at, address)
        for identity, name, permissions, began_at, used_at, address in sessions + tokens
    ]


def shown(digest: str) -> str:
    """The id under which a session is shown."""
    return digest[:_SHOWN]


def known_from(connection: sqlite3.Connection, user: str, network: str) -> bool:
    """Whether a user got in from there before."""
    row = connection.execute("SELECT 1 FROM known_networks WHERE user_id = ? AND network = ?", (user, network))
    return row.fetchone() is not None


def note_network(connection: sqlite3.Connection, user: str, network: str, now: float) -> None:
    """They got in from there, in the caller's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO known_networks (user_id, network, at) VALUES (?, ?, ?)", (user, network, now)
    )
    connection.execute(
        "DELETE FROM known_networks WHERE user_id = ? AND network NOT IN"
        " (SELECT network FROM known_networks WHERE user_id = ? ORDER BY at DESC LIMIT ?)",
        (user, user, _NETWORKS_KEPT),
    )


def end_every(connection: sqlite3.Connection, user: str | None = None, *, but: str | None = None) -> Ended:
    """End every session and token of a user (None: of everybody), in the caller's transaction.

    `but`: the hash of the one session that goes on. From where they got in before counts no more either.
    """
    whose, who = ("user_id = ?", (user,)) if user is not None else ("1", ())
    sessions = connection.execute(f"DELETE FROM sessions WHERE {whose} AND digest IS NOT ?", (*who, but)).rowcount  # noqa: S608 - constants
    tokens = connection.execute(f"DELETE FROM tokens WHERE {whose}", who).rowcount  # noqa: S608 - constants
    connection.execute(f"DELETE FROM known_networks WHERE {whose}", who)  # noqa: S608 - constants
    return Ended(sessions, tokens)


def end_all_of(connection: sqlite3.Connection, user: str, by: str, *, but: str | None = None) -> Ended:
    """The same as an act of its own, on record."""
    with transaction(connection):
        ended = end_every(connection, user, but=but)
        details: dict[str, object] = {"user": user, "sessions": ended.sessions, "tokens": ended.tokens, "by": by}
        audit.append(connection, AuditEvent(Kind.SIGNED_OUT, details))
    return ended


def end_one_of(connection: sqlite3.Connection, user: str, identity: str, by: str) -> bool:
    """End one session or token of a user by the id it is shown under; whether there was one."""
    with transaction(connection):
        sessions = connection.execute(
            "DELETE FROM sessions WHERE user_id = ? AND substr(digest, 1, ?) = ?", (user, _SHOWN, identity)
        ).rowcount
        tokens = connection.execute("DELETE FROM tokens WHERE user_id = ? AND id = ?", (user, identity)).rowcount
        if sessions or tokens:
            details: dict[str, object] = {"user": user, "sessions": sessions, "tokens": tokens, "by": by}
            audit.append(connection, AuditEvent(Kind.SIGNED_OUT, details))
    return bool(sessions or tokens)
