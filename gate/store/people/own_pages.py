"""Residents' own pages: a link that opens one once, the phone that it is from then on, and its end.

Whoever's phone it is may look after what is theirs, and nothing else: what that is, the api says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.errors import Refusal, ResidentRefusal, Sentence
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.people import residents
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

OPENED = Sentence("This link was opened already, and opens nothing more.")


@dataclass(frozen=True, slots=True)
class OwnPage:
    """The page of one resident as it stands. Times are ISO 8601, UTC."""

    id: str
    resident: str
    """The id of whose it is."""
    secret_sha256: str
    """Of the link that opens it."""
    made_by: str
    made_at: str
    open_by: str
    """Until when its link opens it, where none has yet."""
    phone_sha256: str | None
    """The hash of what the phone is known by that opened it; None: none did."""
    opened_at: str | None

    @property
    def by(self) -> str:
        """What the record calls whoever acts on it: of an erased resident it tells nothing."""
        return f"page {self.id}"


_SELECT = "SELECT id, resident_id, secret_sha256, made_by, made_at, open_by, phone_sha256, opened_at FROM own_pages"

# A link that a clock drew that ran ahead would else open it for as long as that was.
_AHEAD = timedelta(days=1)


def draw(
    connection: sqlite3.Connection, resident: Resident, secret_sha256: str, now: datetime, days: int, *, by: str
) -> OwnPage:
    """A new link to a resident's page, which ends the one they had, and what their phone could do by it.

    Raises Refusal where they were removed in the meantime.
    """
    identity, open_by = new_id(), now + timedelta(days=days)
    with transaction(connection):
        connection.execute("DELETE FROM own_pages WHERE resident_id = ?", (resident.id,))
        if residents.get(connection, resident.id) is None:
            raise ResidentRefusal("{name} was removed in the meantime.", name=resident.name)
        connection.execute(
            "INSERT INTO own_pages (id, resident_id, secret_sha256, made_by, made_at, open_by)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (identity, resident.id, secret_sha256, by, _text(now), _text(open_by)),
        )
        _note(connection, Kind.OWN_PAGE_DRAWN, resident, {"by": by, "until": _text(open_by)})
    return _page(connection.execute(f"{_SELECT} WHERE id = ?", (identity,)).fetchone())


def by_secret(connection: sqlite3.Connection, secret_sha256: str, now: datetime) -> OwnPage | None:
    """The page that the link with this secret opens, or opened; None: there is none, or its days are over."""
    found = _one(connection.execute(f"{_SELECT} WHERE secret_sha256 = ?", (secret_sha256,)))
    return None if found is None or not _holds(found, now) else found


def of_phone(connection: sqlite3.Connection, phone_sha256: str) -> list[OwnPage]:
    """All pages that a phone opened, the latest first: several where a family has one phone."""
    rows = connection.execute(f"{_SELECT} WHERE phone_sha256 = ? ORDER BY opened_at DESC, id", (phone_sha256,))
    return [_page(row) for row in rows]


def of_resident(connection: sqlite3.Connection, resident: str, now: datetime) -> OwnPage | None:
    """The page of a resident, unless its link was never opened and its days are over."""
    found = _one(connection.execute(f"{_SELECT} WHERE resident_id = ?", (resident,)))
    return None if found is None or not _holds(found, now) else found


def every(connection: sqlite3.Connection, now: datetime) -> list[OwnPage]:
    """All pages as `of_resident` tells them, the oldest first."""
    found = map(_page, connection.execute(f"{_SELECT} ORDER BY made_at, id"))
    return [one for one in found if _holds(one, now)]


def open_on(
    connection: sqlite3.Connection, page: OwnPage, resident: Resident, phone_sha256: str, now: datetime, *,
    before: str | None = None,
) -> None:  # fmt: skip
    """The page is this phone's from now on, and so are all pages of what the phone was known by `before`; pressed twice
    at once it is opened once. Raises Refusal where another was quicker, or its link has ended."""
    with transaction(connection):
        changed = connection.execute(
            "UPDATE own_pages SET phone_sha256 = ?, opened_at = ? WHERE id = ? AND opened_at IS NULL"
            " AND open_by > ? AND made_at < ?",
            (phone_sha256, _text(now), page.id, *_about(now)),
        ).rowcount
        if not changed:
            opened = connection.execute("SELECT phone_sha256 FROM own_pages WHERE id = ?", (page.id,)).fetchone()
            if opened != (phone_sha256,):
                raise Refusal(OPENED)
            return
        if before is not None:
            connection.execute(
                "UPDATE own_pages SET phone_sha256 = ? WHERE phone_sha256 = ?", (phone_sha256, before)
            )  # fmt: skip
        _note(connection, Kind.OWN_PAGE_OPENED, resident, {"by": page.by})


def end(connection: sqlite3.Connection, resident: Resident, *, by: str) -> None:
    """Their page ends: neither its link nor the phone that opened it may do anything more. Raises Refusal where they
    have none."""
    with transaction(connection):
        if not connection.execute("DELETE FROM own_pages WHERE resident_id = ?", (resident.id,)).rowcount:
            raise ResidentRefusal("{name} has no page of their own that could be ended.", name=resident.name)
        _note(connection, Kind.OWN_PAGE_ENDED, resident, {"by": by})


def end_again(connection: sqlite3.Connection, gone: Collection[str], present: sqlite3.Connection | None) -> None:
    """After a backup came back: links that nobody had opened then open nothing, since somebody may have since, no page
    comes back that was ended (`gone`), and a phone is known by what it is known by in the database whose place the
    backup takes (`present`); none at all where that cannot be read."""
    if present is None:
        connection.execute("DELETE FROM own_pages")
        return
    phones = dict(present.execute("SELECT id, phone_sha256 FROM own_pages WHERE phone_sha256 NOTNULL").fetchall())
    connection.execute("DELETE FROM own_pages WHERE opened_at IS NULL")
    for (one,) in connection.execute("SELECT id FROM own_pages").fetchall():
        if one in gone or one not in phones:
            connection.execute("DELETE FROM own_pages WHERE id = ?", (one,))
        else:
            connection.execute("UPDATE own_pages SET phone_sha256 = ? WHERE id = ?", (phones[one], one))


def forget_unopened(connection: sqlite3.Connection, now: datetime) -> None:
    """Keep nothing of links that nobody opened while they could."""
    ended = "opened_at IS NULL AND NOT (open_by > ? AND made_at < ?)"
    connection.execute(f"DELETE FROM own_pages WHERE {ended}", _about(now))  # noqa: S608 - a constant


def _note(connection: sqlite3.Connection, kind: Kind, resident: Resident, details: dict[str, object]) -> None:
    personal = {"resident": resident.id, "name": resident.name} | ({"unit": resident.unit} if resident.unit else {})
    audit.append(connection, AuditEvent(kind, details, personal, resident.id))


def _one(found: sqlite3.Cursor) -> OwnPage | None:
    row = found.fetchone()
    return None if row is None else _page(row)


def _page(row: tuple[Any, ...]) -> OwnPage:
    return OwnPage(*row)


def _holds(page: OwnPage, now: datetime) -> bool:
    """Whether it is open on a phone, or its link still opens it."""
    until, before = _about(now)
    return page.opened_at is not None or (page.open_by > until and page.made_at < before)


def _about(now: datetime) -> tuple[str, str]:
    """When a link must end at the earliest, and was drawn at the latest, that opens a page now."""
    return _text(now), _text(now + _AHEAD)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
