"""Users of the console, their sessions, and the tokens of machines. Secrets are kept as hashes alone."""

from __future__ import annotations

import sqlite3
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from gate.errors import Refusal
from gate.names import name_key
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record import audit
from gate.store.site import signed_in
from gate.vocabulary import AuditEvent, Kind

# In the place of a password's hash: nothing that is typed is right, until an owner gives a new one.
LOCKED = ""


class Role(StrEnum):
    """What a user is."""

    OWNER = "owner"
    MANAGER = "manager"
    AUDITOR = "auditor"
    GUARD = "guard"


@dataclass(frozen=True, slots=True)
class User:
    """One user; `password` is a hash in argon2's own format, or LOCKED. Times are ISO 8601, UTC."""

    id: str
    name: str
    password: str
    role: Role
    created_at: str
    provisional: bool = False
    """Whether somebody else gave them their password: they change it before anything else."""


@dataclass(frozen=True, slots=True)
class Session:
    """One login. Times are seconds since 1970."""

    user: User
    began_at: float
    used_at: float
    confirmed_at: float
    """When the password was given last."""


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's way in, with what it may do."""

    id: str
    name: str
    permissions: tuple[str, ...]
    user: str
    created_at: str
    used_at: float | None = None
    """Seconds since 1970."""


_USER = "SELECT id, name, password, role, created_at, provisional FROM users"


def users(connection: sqlite3.Connection) -> list[User]:
    """All users by name."""
    return [_user(row) for row in connection.execute(f"{_USER} ORDER BY name")]


def user_named(connection: sqlite3.Connection, name: str) -> User | None:
    """One user by name, without regard to case, blanks around or within it, and how its accents are composed."""
    alike = [one for one in users(connection) if folded(one.name) == folded(name)]
    # Of two from before names were told apart so, the one written exactly as given.
    return next((one for one in alike if one.name == name), alike[0] if alike else None)


def has_owner(connection: sqlite3.Connection) -> bool:
    """Whether an owner can sign in; where none can, the code of the first start makes one."""
    row = connection.execute("SELECT 1 FROM users WHERE role = 'owner' AND password <> ?", (LOCKED,)).fetchone()
    return row is not None


def folded(name: str) -> str:
    """A name as it counts, however it was typed.

    >>> folded("  Wang\u3000FANG ")
    'wang fang'
    """
    return unicodedata.normalize("NFC", name_key(name).casefold())


def user(connection: sqlite3.Connection, identity: str) -> User | None:
    """One user by id."""
    row = connection.execute(f"{_USER} WHERE id = ?", (identity,)).fetchone()
    return _user(row) if row else None


def add_user(
    connection: sqlite3.Connection, name: str, password: str, role: Role, by: str, *, provisional: bool = False
) -> User:
    """Add a user whose password hashes to `password`. Raises Refusal where the name is taken."""
    added = User(new_id(), name, password, role, datetime.now(UTC).isoformat(timespec="milliseconds"), provisional)
    with transaction(connection):
        if user_named(connection, name) is not None:
            raise Refusal("There is already a user {name}; choose another name.", name=name)
        connection.execute(
            "INSERT INTO users (id, name, password, role, created_at, provisional) VALUES (?, ?, ?, ?, ?, ?)",
            (added.id, added.name, added.password, added.role, added.created_at, provisional),
        )
        audit.append(connection, AuditEvent(Kind.USER_ADDED, {"user": added.id, "role": role.value, "by": by}))
    return added


def add_owner(connection: sqlite3.Connection, name: str, password: str) -> User | None:
    """The owner of the first start; None where there is one already, whoever was quicker.

    After a restore that locked every account, whoever of them has this name is the owner then.
    """
    with transaction(connection):
        if has_owner(connection):
            return None
        locked = user_named(connection, name)
        if locked is not None:
            connection.execute(
                "UPDATE users SET password = ?, role = 'owner', provisional = 0 WHERE id = ?", (password, locked.id)
            )
            audit.append(connection, AuditEvent(Kind.PASSWORD_CHANGED, {"user": locked.id, "by": "first start"}))
            return user(connection, locked.id)
        identity = new_id()
        connection.execute(
            "INSERT INTO users (id, name, password, role, created_at) VALUES (?, ?, ?, 'owner', ?)",
            (identity, name, password, datetime.now(UTC).isoformat(timespec="milliseconds")),
        )
        audit.append(connection, AuditEvent(Kind.USER_ADDED, {"user": identity, "role": "owner", "by": "first start"}))
    return user(connection, identity)


def change_password(
    connection: sqlite3.Connection, of: User, password: str, by: str, *, provisional: bool = False
) -> None:
    """Give a user another password hash and end whatever they were signed in by, tokens too."""
    with transaction(connection):
        connection.execute(
            "UPDATE users SET password = ?, provisional = ? WHERE id = ?", (password, provisional, of.id)
        )
        signed_in.end_every(connection, of.id)
        audit.append(connection, AuditEvent(Kind.PASSWORD_CHANGED, {"user": of.id, "by": by}))


def refuse_changed(connection: sqlite3.Connection, known: User) -> None:
    """Raises Refusal where a user is no longer as they were when their password was judged, which takes its time."""
    if user(connection, known.id) != known:
        raise Refusal("This account was changed in the meantime; sign in again.")


def remove_user(connection: sqlite3.Connection, gone: User, by: str) -> None:
    """Take a user away, with their sessions and tokens. Raises Refusal for the last owner."""
    with transaction(connection):
        _refuse_last_owner(connection, gone)
        signed_in.end_every(connection, gone.id)
        connection.execute("DELETE FROM users WHERE id = ?", (gone.id,))
        audit.append(connection, AuditEvent(Kind.USER_REMOVED, {"user": gone.id, "by": by}))


def change_role(connection: sqlite3.Connection, of: User, role: Role, by: str) -> None:
    """Make a user something else, and end whatever they were signed in by. Raises Refusal for the last owner."""
    with transaction(connection):
        if role is not Role.OWNER:
            _refuse_last_owner(connection, of)
        connection.execute("UPDATE users SET role = ? WHERE id = ?", (role, of.id))
        signed_in.end_every(connection, of.id)
        audit.append(connection, AuditEvent(Kind.ROLE_CHANGED, {"user": of.id, "role": role.value, "by": by}))


def _refuse_last_owner(connection: sqlite3.Connection, of: User) -> None:
    others = connection.execute(
        "SELECT 1 FROM users WHERE role = 'owner' AND password <> ? AND id <> ?", (LOCKED, of.id)
    ).fetchone()
    if of.role is Role.OWNER and others is None:
        raise Refusal("{name} is the only owner; make another one first.", name=of.name)


def begin_session(
    connection: sqlite3.Connection, digest: str, of: User, now: float, *, address: str = "", network: str = ""
) -> None:
    """Write a login down, and where it came from; it is on record. Raises Refusal where the user was changed since."""
    with transaction(connection):
        refuse_changed(connection, of)
        signed_in.note_network(connection, of.id, network, now)
        connection.execute(
            "INSERT INTO sessions (digest, user_id, began_at, used_at, confirmed_at, address)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (digest, of.id, now, now, now, address),
        )
        audit.append(connection, AuditEvent(Kind.SIGNED_IN, {"user": of.id}))


def session(connection: sqlite3.Connection, digest: str) -> Session | None:
    """The session known by this hash."""
    row = connection.execute(
        "SELECT u.id, u.name, u.password, u.role, u.created_at, u.provisional, s.began_at, s.used_at, s.confirmed_at"
        " FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.digest = ?",
        (digest,),
    ).fetchone()
    return Session(_user(row[:6]), *row[6:]) if row else None


def use_session(connection: sqlite3.Connection, digest: str, now: float, address: str = "") -> None:
    """It was used just now, from there."""
    connection.execute("UPDATE sessions SET used_at = ?, address = ? WHERE digest = ?", (now, address, digest))


def confirm_session(connection: sqlite3.Connection, digest: str, now: float) -> None:
    """The password was given again just now."""
    connection.execute("UPDATE sessions SET confirmed_at = ? WHERE digest = ?", (now, digest))


def end_session(connection: sqlite3.Connection, digest: str) -> None:
    """Sign out."""
    connection.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def end_old_sessions(connection: sqlite3.Connection, now: float, longest_s: float, idle_s: float) -> None:
    """Forget those that began or were last used longer ago than this, or as far ahead: by a clock that was set back."""
    old = "abs(? - began_at) > ? OR abs(? - used_at) > ?"
    connection.execute(f"DELETE FROM sessions WHERE {old}", (now, longest_s, now, idle_s))  # noqa: S608 - a constant


def add_token(
    connection: sqlite3.Connection, name: str, digest: str, permissions: tuple[str, ...], of: User, by: str
) -> Token:
    """Write a machine's token down by the hash of its secret. Raises Refusal where one of this name stands."""
    created = datetime.now(UTC).isoformat(timespec="milliseconds")
    token = Token(new_id(), name, permissions, of.id, created)
    with transaction(connection):
        if any(folded(one.name) == folded(name) for one in tokens(connection)):
            raise Refusal("There is already a token {name}; choose another name, or revoke that one first.", name=name)
        connection.execute(
            "INSERT INTO tokens (id, name, digest, permissions, user_id, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (token.id, name, digest, " ".join(permissions), of.id, created),
        )
        details: dict[str, object] = {"token": token.id, "permissions": list(permissions), "by": by}
        audit.append(connection, AuditEvent(Kind.TOKEN_ADDED, details))
    return token


def tokens(connection: sqlite3.Connection) -> list[Token]:
    """All tokens, the oldest first."""
    return [_token(row) for row in connection.execute(f"{_TOKEN} ORDER BY id")]


def token_of(connection: sqlite3.Connection, digest: str) -> Token | None:
    """The token known by this hash."""
    row = connection.execute(f"{_TOKEN} WHERE digest = ?", (digest,)).fetchone()
    return _token(row) if row else None


def use_token(connection: sqlite3.Connection, identity: str, now: float, address: str) -> None:
    """It was used just now, from there."""
    connection.execute("UPDATE tokens SET used_at = ?, used_from = ? WHERE id = ?", (now, address, identity))


def revoke_token(connection: sqlite3.Connection, identity: str, by: str) -> bool:
    """Take a token away; whether there was one."""
    with transaction(connection):
        gone = connection.execute("DELETE FROM tokens WHERE id = ?", (identity,)).rowcount
        if gone:
            audit.append(connection, AuditEvent(Kind.TOKEN_REVOKED, {"token": identity, "by": by}))
    return bool(gone)


_TOKEN = "SELECT id, name, permissions, user_id, created_at, used_at FROM tokens"  # noqa: S105 - a query


def _user(row: tuple[str, str, str, str, str, int]) -> User:
    identity, name, password, role, created_at, provisional = row
    return User(identity, name, password, Role(role), created_at, bool(provisional))


def _token(row: tuple[str, str, str, str, str, float | None]) -> Token:
    identity, name, permissions, of, created_at, used_at = row
    return Token(identity, name, tuple(permissions.split()), of, created_at, used_at)
