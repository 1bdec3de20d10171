"""Webhooks: where lines of the record are sent. The record is the outbox; each webhook keeps the last that arrived."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.errors import Refusal, Sentence
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record import audit, search
from gate.store.record.audit import Line
from gate.vocabulary import AuditEvent, Kind

_THERE_ALREADY = Sentence(
    "This is sent to this address already; the secret was shown when that was added. For a new secret, remove it first."
)
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 600.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """One of them. `cursor` is the number of the last line that arrived, `next_at` seconds since 1970."""

    id: str
    url: str
    secret: str
    kinds: tuple[str, ...]
    """Which kinds of event are sent."""
    created_at: str
    cursor: int
    failures: int
    """Attempts that failed since the last that did not."""
    next_at: float
    problem: str | None
    """Why the last attempt failed."""
    delivered_at: str | None


_SELECT = "SELECT id, url, secret, kinds, created_at, cursor, failures, next_at, problem, delivered_at FROM webhooks"


def every(connection: sqlite3.Connection) -> list[Webhook]:
    """All of them, the oldest first."""
    return [_webhook(row) for row in connection.execute(f"{_SELECT} ORDER BY id")]


def get(connection: sqlite3.Connection, identity: str) -> Webhook | None:
    """One by id."""
    row = connection.execute(f"{_SELECT} WHERE id = ?", (identity,)).fetchone()
    return _webhook(row) if row else None


def add(connection: sqlite3.Connection, url: str, secret: str, kinds: tuple[str, ...], by: str) -> Webhook:
    """Send what happens from now on to `url`. Raises Refusal where the same is sent there already."""
    identity = new_id()
    with transaction(connection):
        if any((one.url, set(one.kinds)) == (url, set(kinds)) for one in every(connection)):
            raise Refusal(_THERE_ALREADY)
        connection.execute(
            "INSERT INTO webhooks (id, url, secret, kinds, created_at, cursor)"
            " VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(sequence), 0) FROM audit))",
            (identity, url, secret, " ".join(kinds), _now()),
        )
        details: dict[str, object] = {"webhook": identity, "kinds": list(kinds), "by": by}
        audit.append(connection, AuditEvent(Kind.WEBHOOK_ADDED, details))
    (added,) = (one for one in every(connection) if one.id == identity)
    return added


def remove(connection: sqlite3.Connection, gone: Webhook, by: str) -> None:
    """Send nothing more there."""
    with transaction(connection):
        connection.execute("DELETE FROM webhooks WHERE id = ?", (gone.id,))
        audit.append(connection, AuditEvent(Kind.WEBHOOK_REMOVED, {"webhook": gone.id, "by": by}))


def replay(connection: sqlite3.Connection, of: Webhook, after: int, by: str) -> None:
    """Send everything after line `after` again, at once."""
    with transaction(connection):
        connection.execute("UPDATE webhooks SET cursor = ?, failures = 0, next_at = 0 WHERE id = ?", (after, of.id))
        audit.append(connection, AuditEvent(Kind.WEBHOOK_REPLAYED, {"webhook": of.id, "after": after, "by": by}))


def waiting(connection: sqlite3.Connection, of: Webhook, count: int) -> list[Line]:
    """The next lines to send there, at most `count`, the oldest first."""
    marks = ", ".join("?" for _ in of.kinds)
    rows = connection.execute(
        f"SELECT sequence FROM audit WHERE sequence > ? AND kind IN ({marks}) ORDER BY sequence LIMIT ?",  # noqa: S608 - marks
        (of.cursor, *of.kinds, count),
    ).fetchall()
    return search.lines_at(connection, [row[0] for row in rows])[::-1]


def delivered(connection: sqlite3.Connection, to: Webhook, sequence: int) -> None:
    """Everything up to this line arrived."""
    connection.execute(
        # A replay that was asked for meanwhile is not overwritten.
        "UPDATE webhooks SET cursor = ?, failures = 0, next_at = 0, problem = NULL, delivered_at = ?"
        " WHERE id = ? AND cursor = ?",
        (sequence, _now(), to.id, to.cursor),
    )


def failed(connection: sqlite3.Connection, to: Webhook, problem: str, now: float) -> None:
    """An attempt failed; the next is made after a pause that doubles each time."""
    connection.execute(
        "UPDATE webhooks SET next_at = ? + min(? * (1 << min(failures, 20)), ?), failures = failures + 1, problem = ?"
        " WHERE id = ?",
        (now, _FIRST_PAUSE_S, _LONGEST_PAUSE_S, problem[:300], to.id),
    )


def due(one: Webhook, now: float) -> bool:
    """Whether an attempt may be made (`now` in seconds since 1970). A clock that was set back puts nothing off."""
    return not 0 < one.next_at - now <= _LONGEST_PAUSE_S


def _webhook(row: tuple[str, str, str, str, str, int, int, float, str | None, str | None]) -> Webhook:
    identity, url, secret, kinds, created_at, cursor, failures, next_at, problem, delivered_at = row
    return Webhook(
        identity, url, secret, tuple(kinds.split()), created_at, cursor, failures, next_at, problem, delivered_at
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
