"""People by the names that somebody types, and adding them without a face."""

from __future__ import annotations

import sqlite3

from gate.errors import Refusal
from gate.names import clean_text
from gate.store.people import residents
from gate.store.people.residents import Resident


def add_without_face(connection: sqlite3.Connection, name: str, unit: str | None = None, *, by: str) -> Resident:
    """Add someone who uses other ways in. Raises UsageError for a name that is none, Refusal where they are known."""
    name = clean_text(name, "name")
    unit = clean_text(unit, "unit") if unit is not None else None
    refuse_namesake(connection, name, unit)
    return residents.enrol(connection, name, unit, [], by=by)


def refuse_namesake(connection: sqlite3.Connection, name: str, unit: str | None) -> None:
    """Raises Refusal where someone of this name lives there, or nobody said where."""
    if namesake(connection, clean_text(name, "name"), clean_text(unit, "unit") if unit is not None else None):
        raise Refusal("{name} is known already; for another person of that name, say where they live.", name=name)


def namesake(connection: sqlite3.Connection, name: str, unit: str | None) -> Resident | None:
    """The resident of this name, in `unit` where one is given. Raises Refusal where there are several."""
    namesakes = residents.named(connection, name)
    matching = [resident for resident in namesakes if unit is None or resident.unit in (None, unit)]
    if len(matching) > 1:
        raise Refusal("{count} residents are called {name}; say where they live.", count=len(matching), name=name)
    return matching[0] if matching else None
