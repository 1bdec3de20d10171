"""The guided first hour: what of it can be seen in the store, and what only a person can say."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.store.database import transaction
from gate.store.record import drills
from gate.store.record.drills import Drill
from gate.vocabulary import Kind, Level


@dataclass(frozen=True, slots=True)
class FirstHour:
    """How far it is, by the things themselves where they show it."""

    over: bool
    """Whether somebody ended it or put it aside."""
    looked: bool
    """Whether somebody looked through the camera."""
    liveness: str | None
    """With which level of liveness somebody was content; None: nobody said."""
    face: bool
    """Whether anybody is known by face."""
    code: bool
    """Whether anybody has a PIN or a card."""
    drill: Drill | None
    """The acceptance test that counts; None: there was none."""


def how_far(connection: sqlite3.Connection) -> FirstHour:
    """How far the first hour is."""
    liveness, over_at = connection.execute("SELECT first_hour_liveness, first_hour_over_at FROM gate").fetchone()
    (looked,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM audit WHERE kind = ? AND json_extract(details, '$.what') = 'the camera')",
        (Kind.LOOKED_AT,),
    ).fetchone()
    (face,) = connection.execute("SELECT EXISTS (SELECT 1 FROM templates)").fetchone()
    (code,) = connection.execute("SELECT EXISTS (SELECT 1 FROM credentials)").fetchone()
    return FirstHour(over_at is not None, bool(looked), liveness, bool(face), bool(code), drills.last(connection))


def is_over(connection: sqlite3.Connection) -> bool:
    """Whether it is over, without looking at how far it is."""
    (over_at,) = connection.execute("SELECT first_hour_over_at FROM gate").fetchone()
    return over_at is not None


def be_content(connection: sqlite3.Connection, level: Level) -> None:
    """Somebody has read what this level of liveness costs, and leaves it so."""
    with transaction(connection):
        connection.execute("UPDATE gate SET first_hour_liveness = ?", (level.value,))


def end(connection: sqlite3.Connection) -> None:
    """It is over, or put aside."""
    with transaction(connection):
        connection.execute("UPDATE gate SET first_hour_over_at = ?", (datetime.now(UTC).isoformat(),))


def take_up(connection: sqlite3.Connection) -> None:
    """It goes on where it was left."""
    with transaction(connection):
        connection.execute("UPDATE gate SET first_hour_over_at = NULL")
