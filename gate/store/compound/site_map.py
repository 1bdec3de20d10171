"""Where each gate of a compound stands on the map that its centre draws: in rows and columns, as an owner put it."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gate.errors import Refusal
from gate.store.database import transaction

ROWS, COLUMNS = 12, 4
"""A telephone shows the names of four beside each other."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The first row is at the top, the first column at the left; both count from 1."""

    row: int
    column: int


def kept(connection: sqlite3.Connection) -> dict[str, Place]:
    """Where gates were put, by their ids."""
    rows = connection.execute("SELECT gate_id, place_row, place_column FROM gate_places")
    return {gate: Place(row, column) for gate, row, column in rows}


def put(connection: sqlite3.Connection, gate: str, place: Place | None) -> None:
    """Put a gate somewhere; None: wherever there is room. Raises Refusal where another stands there, or no place is."""
    if place is not None and not (1 <= place.row <= ROWS and 1 <= place.column <= COLUMNS):
        raise Refusal("The map has {rows} rows and {columns} columns.", rows=ROWS, columns=COLUMNS)
    with transaction(connection):
        connection.execute("DELETE FROM gate_places WHERE gate_id = ?", (gate,))
        if place is None:
            return
        if place in kept(connection).values():
            raise Refusal("Another gate stands there. Put that one elsewhere first.")
        connection.execute("INSERT INTO gate_places VALUES (?, ?, ?)", (gate, place.row, place.column))


def forget(connection: sqlite3.Connection, gate: str) -> None:
    """A gate was taken away. Part of a transaction."""
    connection.execute("DELETE FROM gate_places WHERE gate_id = ?", (gate,))


def arranged(gates: Sequence[str], put_there: Mapping[str, Place]) -> dict[str, Place]:
    """Where each of these is drawn: whoever was put somewhere there, the others evenly below, in their order."""
    found = {one: put_there[one] for one in gates if one in put_there}
    above = max((one.row for one in found.values()), default=0)
    others = [one for one in gates if one not in found]
    wide = min(COLUMNS, max(math.isqrt(max(len(others) - 1, 0)) + 1, 1))
    return found | {one: Place(above + 1 + number // wide, 1 + number % wide) for number, one in enumerate(others)}
