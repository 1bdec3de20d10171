"""People who are here by the word of a centre: it alone changes them. To take from them works at every gate."""

from __future__ import annotations

import sqlite3

from gate.errors import ResidentRefusal


def refuse_followed(connection: sqlite3.Connection, resident: str, name: str) -> None:
    """Raises Refusal where a resident is on the register of a centre that this gate follows."""
    row = connection.execute(
        "SELECT 1 FROM register, compound WHERE kind = 'resident' AND id = ? AND part = 'gate' AND taking = 0",
        (resident,),
    ).fetchone()
    if row is not None:
        raise ResidentRefusal(
            "{name} is enrolled for all gates, which is changed at the centre. What takes something from them works"
            " here too, at once.",
            name=name,
        )
