"""Consent: to which text somebody agreed, when, and how it was given. No template is kept without one."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gate.store.ids import new_id


class Way(StrEnum):
    """How a consent was given."""

    TOLD = "told"
    PAPER = "paper"
    SCREEN = "screen"
    PHONE = "phone"
    """By themselves, on the page of their link."""
    NONE = "none"
    """Nobody was asked: the face is nobody's, or was there before consents were recorded."""


Given = Literal[Way.TOLD, Way.PAPER, Way.SCREEN]
"""The ways in which somebody can agree before whoever enrols them."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent as it was given. `text` names a text and its version, `sha256` proves its words."""

    text: str
    language: str
    sha256: str
    way: Way
    recorded_by: str
    guardian: str | None = None
    """Who agreed for someone under 14."""


@dataclass(frozen=True, slots=True)
class RecordedConsent:
    """A consent as it stands in the store. Times are ISO 8601, UTC."""

    id: str
    consent: Consent
    given_at: str
    withdrawn_at: str | None


# The texts that speak of templates learned from passages.
_LEARNING = ("face-2", "face-3")
# Those that speak of every gate of a compound.
_EVERY_GATE = ("face-3",)
# For a face that is nobody's: a drill's, a benchmark's.
NO_PERSON = Consent("no person", "en", "", Way.NONE, "facegate")


def record(connection: sqlite3.Connection, resident: str, consent: Consent, at: str) -> str:
    """Write a consent down, in the caller's transaction. Returns its id."""
    identity = new_id()
    connection.execute(
        "INSERT INTO consents (id, resident_id, text, language, text_sha256, way, guardian, recorded_by, given_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            identity,
            resident,
            consent.text,
            consent.language,
            consent.sha256,
            consent.way,
            consent.guardian,
            consent.recorded_by,
            at,
        ),
    )
    return identity


def of(connection: sqlite3.Connection, resident: str) -> list[RecordedConsent]:
    """A resident's consents, the oldest first."""
    rows = connection.execute(
        "SELECT id, text, language, text_sha256, way, recorded_by, guardian, given_at, withdrawn_at"
        " FROM consents WHERE resident_id = ? ORDER BY given_at, rowid",
        (resident,),
    )
    return [
        RecordedConsent(
            identity, Consent(text, language, sha256, Way(way), recorded_by, guardian), given_at, withdrawn_at
        )
        for identity, text, language, sha256, way, recorded_by, guardian, given_at, withdrawn_at in rows
    ]


def standing(connection: sqlite3.Connection, resident: str) -> bool:
    """Whether a consent of theirs holds."""
    row = connection.execute(
        "SELECT 1 FROM consents WHERE resident_id = ? AND withdrawn_at IS NULL", (resident,)
    ).fetchone()
    return row is not None


def holds(connection: sqlite3.Connection, consent: str) -> bool:
    """Whether there is a consent of this id, and nobody withdrew it."""
    row = connection.execute("SELECT 1 FROM consents WHERE id = ? AND withdrawn_at IS NULL", (consent,)).fetchone()
    return row is not None


def ended(connection: sqlite3.Connection) -> frozenset[str]:
    """The ids of all that were withdrawn, for `ended_since`: a clock that is set says nothing of what came first."""
    return frozenset(one for (one,) in connection.execute("SELECT id FROM consents WHERE withdrawn_at IS NOT NULL"))


def ended_since(connection: sqlite3.Connection, resident: str, before: frozenset[str]) -> bool:
    """Whether a consent of theirs was withdrawn since `before`, the answer of `ended` then."""
    rows = connection.execute("SELECT id FROM consents WHERE resident_id = ? AND withdrawn_at IS NOT NULL", (resident,))
    return any(one not in before for (one,) in rows)


def withdrawn_since(connection: sqlite3.Connection, before: frozenset[str]) -> frozenset[str]:
    """The ids of the residents who withdrew one since `before`, the answer of `ended` then."""
    rows = connection.execute("SELECT id, resident_id FROM consents WHERE withdrawn_at IS NOT NULL")
    return frozenset(resident for one, resident in rows if one not in before)


def covers_learning(connection: sqlite3.Connection, resident: str) -> bool:
    """Whether a consent of theirs holds whose text says that passages may add templates."""
    rows = connection.execute("SELECT text FROM consents WHERE resident_id = ? AND withdrawn_at IS NULL", (resident,))
    return any(text in _LEARNING for (text,) in rows)


def covers_every_gate(connection: sqlite3.Connection, resident: str) -> bool:
    """Whether a consent of theirs holds whose text says that templates are kept at every gate of the compound."""
    rows = connection.execute("SELECT text FROM consents WHERE resident_id = ? AND withdrawn_at IS NULL", (resident,))
    return any(text in _EVERY_GATE for (text,) in rows)


def withdraw(connection: sqlite3.Connection, resident: str, at: str) -> None:
    """End all that hold, in the caller's transaction; a guardian's name goes with them."""
    connection.execute(
        "UPDATE consents SET withdrawn_at = coalesce(withdrawn_at, ?), guardian = NULL WHERE resident_id = ?",
        (at, resident),
    )
