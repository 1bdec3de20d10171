"""Links by which residents send a photo of their own: drawn for one person, ended by use, by time or by hand.

Whoever holds a link's secret may agree and send, and nothing else. What is sent is not here: it waits in the api's
memory until somebody of the staff has looked at it.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from gate.errors import Refusal, ResidentRefusal, Sentence
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.people import consents
from gate.store.people.consents import Consent, Way
from gate.store.people.photo_link import MOST_TRIES, NotTaken, PhotoLink
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

GONE = Sentence("This photo does not wait any more: somebody was quicker, or the link has ended.")
WAITS = Sentence("A photo of {name} came meanwhile and waits for you, so nothing was done. Look at it first.")
IN_USE = Sentence("This link is in use already.")


_SELECT = """
    SELECT id, resident_id, secret_sha256, made_by, made_at, ends_at, tries, device_sha256, text, language,
        text_sha256, guardian, agreed_at, sent_at, refused, done_at
    FROM photo_links
"""
# One that a clock drew that ran ahead would else hold for as long as that was.
_HOLDS = "ends_at > ? AND made_at < ?"
_AHEAD = timedelta(days=1)


def draw(
    connection: sqlite3.Connection, resident: Resident, secret_sha256: str, now: datetime, days: int, *, by: str,
    discarding: str | None = None,
) -> PhotoLink:  # fmt: skip
    """A new link for a resident, which ends the one they had; the record says `by` whom. Raises Refusal where they were
    removed in the meantime, and where a photo of theirs waits that did not come at `discarding`: whoever asks has not
    heard of it."""
    identity, ends_at = new_id(), now + timedelta(days=days)
    with transaction(connection):
        _let_go(connection, resident, now, discarding)
        connection.execute("DELETE FROM photo_links WHERE resident_id = ?", (resident.id,))
        if connection.execute("SELECT 1 FROM residents WHERE id = ?", (resident.id,)).fetchone() is None:
            raise ResidentRefusal("{name} was removed in the meantime.", name=resident.name)
        connection.execute(
            "INSERT INTO photo_links (id, resident_id, secret_sha256, made_by, made_at, ends_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (identity, resident.id, secret_sha256, by, _text(now), _text(ends_at)),
        )
        _note(connection, Kind.LINK_DRAWN, resident, {"by": by, "until": _text(ends_at)})
    return _known(connection, identity)


def by_secret(connection: sqlite3.Connection, secret_sha256: str, now: datetime) -> PhotoLink | None:
    """The link of a secret, by its hash; None: there is none, or it has ended."""
    return _one(connection.execute(f"{_SELECT} WHERE secret_sha256 = ? AND {_HOLDS}", (secret_sha256, *_about(now))))


def get(connection: sqlite3.Connection, link: str, now: datetime) -> PhotoLink | None:
    """A link by its id; None as `by_secret`."""
    return _one(connection.execute(f"{_SELECT} WHERE id = ? AND {_HOLDS}", (link, *_about(now))))


def of_resident(connection: sqlite3.Connection, resident: str, now: datetime) -> PhotoLink | None:
    """The link of a resident that has not ended."""
    return _one(connection.execute(f"{_SELECT} WHERE resident_id = ? AND {_HOLDS}", (resident, *_about(now))))


def lasting(connection: sqlite3.Connection, now: datetime) -> set[str]:
    """The ids of all links that have not ended."""
    query = f"SELECT id FROM photo_links WHERE {_HOLDS}"  # noqa: S608 - constants
    return {one for (one,) in connection.execute(query, _about(now))}


def every(connection: sqlite3.Connection, now: datetime) -> list[PhotoLink]:
    """All links that have not ended, the oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE {_HOLDS} ORDER BY made_at, id", _about(now))
    return [_link(row) for row in rows]


def having(connection: sqlite3.Connection, now: datetime) -> set[str]:
    """The ids of all who have a link that has neither ended nor done its work."""
    query = f"SELECT resident_id FROM photo_links WHERE {_HOLDS} AND done_at IS NULL"  # noqa: S608 - constants
    return {one for (one,) in connection.execute(query, _about(now))}


def drawn_since(connection: sqlite3.Connection, moment: datetime) -> set[str]:
    """The ids of all who have a link that was drawn after that."""
    query = "SELECT resident_id FROM photo_links WHERE made_at > ?"
    return {one for (one,) in connection.execute(query, (_text(moment),))}


def agree(connection: sqlite3.Connection, link: PhotoLink, consent: Consent, device_sha256: str, now: datetime) -> None:
    """Write down what was agreed to, before anything is sent; from then on the link is that browser's.

    Raises Refusal where another browser was quicker, or the link has ended meanwhile.
    """
    changed = connection.execute(
        "UPDATE photo_links SET device_sha256 = ?1, text = ?2, language = ?3, text_sha256 = ?4, guardian = ?5,"
        " agreed_at = ?6 WHERE id = ?7 AND done_at IS NULL AND sent_at IS NULL"
        " AND (device_sha256 IS NULL OR device_sha256 = ?1)",
        (device_sha256, consent.text, consent.language, consent.sha256, consent.guardian, _text(now), link.id),
    ).rowcount
    if not changed:
        raise Refusal(IN_USE)


def agreed(connection: sqlite3.Connection, resident: str) -> bool:
    """Whether a resident agreed by a link from which they are not enrolled yet."""
    query = "SELECT 1 FROM photo_links WHERE resident_id = ? AND agreed_at NOTNULL AND done_at IS NULL"
    return connection.execute(query, (resident,)).fetchone() is not None


def count_try(connection: sqlite3.Connection, link: PhotoLink, most: int = MOST_TRIES) -> bool:
    """Count something that is to be sent, before its first byte; whether it is to be heard, as one of `most`."""
    query = (
        "UPDATE photo_links SET tries = tries + 1 WHERE id = ? AND tries < ? AND sent_at IS NULL AND done_at IS NULL"
    )
    return connection.execute(query, (link.id, most)).rowcount > 0


def note_sent(
    connection: sqlite3.Connection, link: PhotoLink, resident: Resident, now: datetime, days: int
) -> PhotoLink:
    """A good photo came and waits, for as long as a new link lasts; the record says what was agreed to.

    Returns the link as it is then. Raises Refusal where the link has ended meanwhile, or another one waits.
    """
    if link.consent is None:
        raise Refusal("Agree first: without that no photo is taken.")
    with transaction(connection):
        changed = connection.execute(
            "UPDATE photo_links SET sent_at = ?, ends_at = max(ends_at, ?), refused = NULL"
            " WHERE id = ? AND sent_at IS NULL AND done_at IS NULL AND agreed_at NOTNULL",
            (_text(now), _text(now + timedelta(days=days)), link.id),
        ).rowcount
        if not changed:
            raise Refusal(IN_USE)
        details: dict[str, object] = {
            "consent": link.consent.text,
            "language": link.consent.language,
            "way": link.consent.way,
        }
        _note(connection, Kind.PHOTO_SENT, resident, details)
    return _known(connection, link.id)


def waiting(connection: sqlite3.Connection, now: datetime) -> list[PhotoLink]:
    """The links by which a photo came that waits, the oldest photo first."""
    query = f"{_SELECT} WHERE sent_at NOTNULL AND done_at IS NULL AND {_HOLDS} ORDER BY sent_at"
    return [_link(row) for row in connection.execute(query, _about(now))]


def lose_all(connection: sqlite3.Connection) -> None:
    """What waited is lost, since it was in memory alone: whoever sent it is asked for it once more."""
    connection.execute(
        "UPDATE photo_links SET sent_at = NULL, refused = ? WHERE sent_at NOTNULL AND done_at IS NULL", (NotTaken.LOST,)
    )


def take_back(connection: sqlite3.Connection, link: PhotoLink) -> None:
    """What was to wait does not: another photo may be sent."""
    connection.execute("UPDATE photo_links SET sent_at = NULL WHERE id = ?", (link.id,))


def refuse(connection: sqlite3.Connection, link: PhotoLink, resident: Resident, why: NotTaken, *, by: str) -> None:
    """What was sent is not taken, and why; another photo may be sent. Raises Refusal where none waits any more."""
    with transaction(connection):
        changed = connection.execute(
            "UPDATE photo_links SET sent_at = NULL, refused = ? WHERE id = ? AND sent_at = ? AND done_at IS NULL",
            (why, link.id, link.sent_at),
        ).rowcount
        if not changed:
            raise Refusal(GONE)
        _note(connection, Kind.PHOTO_REFUSED, resident, {"by": by, "why": why})


def take(connection: sqlite3.Connection, link: PhotoLink, now: datetime) -> None:
    """In the caller's transaction: what was sent is taken, and the consent is the resident's from when they gave it.

    Raises Refusal where it does not wait any more.
    """
    changed = connection.execute(
        "UPDATE photo_links SET done_at = ?, guardian = NULL WHERE id = ? AND sent_at = ? AND done_at IS NULL",
        (_text(now), link.id, link.sent_at),
    ).rowcount
    if not changed or link.consent is None or link.agreed_at is None:
        raise Refusal(GONE)
    consents.record(connection, link.resident, link.consent, link.agreed_at)


def move_consent(connection: sqlite3.Connection, resident: str) -> None:
    """In the caller's transaction: a resident's link is gone, and what they agreed to by it, and from which nobody is
    enrolled yet, is theirs from when they gave it: whoever ends it ends a consent like any other."""
    row = connection.execute(f"{_SELECT} WHERE resident_id = ?", (resident,)).fetchone()
    link = _link(row) if row else None
    if link is not None and link.consent is not None and link.agreed_at is not None and link.done_at is None:
        consents.record(connection, resident, link.consent, link.agreed_at)
    connection.execute("DELETE FROM photo_links WHERE resident_id = ?", (resident,))


def end(
    connection: sqlite3.Connection, resident: Resident, now: datetime, *, by: str, discarding: str | None = None
) -> None:
    """A resident's link ends. Raises Refusal where there is none, and where a photo waits as in `draw`."""
    with transaction(connection):
        _let_go(connection, resident, now, discarding)
        if not connection.execute("DELETE FROM photo_links WHERE resident_id = ?", (resident.id,)).rowcount:
            raise ResidentRefusal("{name} has no link that could be ended.", name=resident.name)
        _note(connection, Kind.LINK_ENDED, resident, {"by": by})


def _let_go(connection: sqlite3.Connection, resident: Resident, now: datetime, discarding: str | None) -> None:
    """A photo that waits is let go of where whoever asks knows of it. Raises Refusal where they do not."""
    link = of_resident(connection, resident.id, now)
    if link is not None and link.waits and link.sent_at != discarding:
        raise ResidentRefusal(WAITS, name=resident.name)


def end_every(connection: sqlite3.Connection) -> None:
    """All links end, for example where a backup comes back: some of them may have been ended or used since."""
    connection.execute("DELETE FROM photo_links")


def forget_ended(connection: sqlite3.Connection, now: datetime) -> None:
    """Keep nothing of links that have ended."""
    connection.execute(f"DELETE FROM photo_links WHERE NOT ({_HOLDS})", _about(now))  # noqa: S608 - constants


def _note(connection: sqlite3.Connection, kind: Kind, resident: Resident, details: dict[str, object]) -> None:
    personal = {"resident": resident.id, "name": resident.name} | ({"unit": resident.unit} if resident.unit else {})
    audit.append(connection, AuditEvent(kind, details, personal, resident.id))


def _known(connection: sqlite3.Connection, identity: str) -> PhotoLink:
    return _link(connection.execute(f"{_SELECT} WHERE id = ?", (identity,)).fetchone())


def _one(found: sqlite3.Cursor) -> PhotoLink | None:
    row = found.fetchone()
    return _link(row) if row else None


def _link(row: tuple[Any, ...]) -> PhotoLink:
    identity, resident, secret, made_by, made_at, ends_at, tries, device, *agreed, sent_at, why, done_at = row
    text, language, sha256, guardian, agreed_at = agreed
    # Their own phone writes it down, by this link.
    consent = Consent(text, language, sha256, Way.PHONE, f"link {identity}", guardian) if agreed_at else None
    refused = NotTaken(why) if why else None
    return PhotoLink(
        identity, resident, secret, made_by, made_at, ends_at, tries, device, consent, agreed_at, sent_at, refused,
        done_at,
    )  # fmt: skip


def _about(now: datetime) -> tuple[str, str]:
    """The times that `_HOLDS` asks for."""
    return _text(now), _text(now + _AHEAD)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
